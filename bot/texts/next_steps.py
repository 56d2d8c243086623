"""What a member can do after a refusal: the buttons below it, and the form with what they typed."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.catalogue.cheaper import LENGTHS, Variant
from bot.catalogue.fields import OptionSpec
from bot.catalogue.mode import Mode
from bot.errors import (
    AlreadyRunning,
    FilesGone,
    MediaRefused,
    ModeOff,
    NextStep,
    NotAllowed,
    OptionRefused,
    QuotaExceeded,
    WandaError,
)
from bot.money import dollars
from bot.texts.button_ids import refused_button_id
from bot.texts.card import Choice
from bot.texts.confirmation import settings_words
from bot.texts.form_fields import TEXT_CHARS_MAX
from bot.texts.menus import FORM_PARTS_MAX, Part, option_part
from bot.texts.plain import cut, visible

FIX_TITLE = "Fix it and try again"
GONE = "Wanda no longer has what you typed. Use the command again; you weren't charged."
FORM_GONE = "This form is closed: you opened newer ones, or it was open too long. You weren't charged."
FILES = "files"
_UPLOADS_MAX = 2
_TYPED_CHARS_MAX = 1500
# Refusals that a smaller or shorter video may escape, and those that nothing changes for this member here.
_BY_PRICE = frozenset({"ceiling", "resolution"})
_FOR_GOOD = frozenset({"blocked", "operator"})


def is_about_price(error: WandaError) -> bool:
    """Return whether another resolution or length may be allowed where this was refused."""
    return isinstance(error, QuotaExceeded) or (isinstance(error, NotAllowed) and error.rule in _BY_PRICE)


def steps_for(
    refused_id: str, error: WandaError, nearest: Variant | None, *, may_ask: bool, may_chip_in: bool = False
) -> tuple[NextStep, ...]:
    """Return the next steps after an order was refused.

    `nearest` is the dearest setting that would be allowed; `may_ask` says that an admin could help with money, and
    `may_chip_in` that other members could.
    """
    fix = NextStep("Fix it", refused_button_id("fix", refused_id))
    ask = (ask_step(refused_id),) if may_ask else ()
    if may_chip_in:
        ask = (NextStep("Chip in…", refused_button_id("chip", refused_id)), *ask)
    match error:
        case AlreadyRunning() | FilesGone():
            return ()
        case OptionRefused() | MediaRefused() | ModeOff():
            return (fix,)
        case NotAllowed() if error.rule in _FOR_GOOD:
            return ()
        case _ if is_about_price(error) and nearest is not None:
            return (NextStep(_make(nearest), refused_button_id("nearest", refused_id), is_main=True), *ask, fix)
        case _ if is_about_price(error):
            return (*ask, fix)
        case _:
            return (NextStep("Try again", refused_button_id("again", refused_id)),)


def ask_step(refused_id: str) -> NextStep:
    """Return the step that an admin could help with money."""
    return NextStep("Ask an admin", refused_button_id("ask", refused_id))


def after_asking(refused_id: str) -> tuple[NextStep, ...]:
    """Return what the member can do once an admin was asked."""
    return (NextStep("Try again", refused_button_id("again", refused_id)),)


def _make(nearest: Variant) -> str:
    return f"Make {settings_words(nearest.mode)}: {dollars(nearest.quote.microusd)}"


def fix_parts(
    mode: type[Mode],
    specs: Mapping[str, OptionSpec],
    options: Mapping[str, Any],
    file_names: Mapping[str, str],
    error: WandaError,
) -> tuple[Part, ...]:
    """Return the fields of the form that repeats a refused command, filled in with what was typed.

    `specs` are the mode's options with their prices, `file_names` those of the attached files, by option. The option at
    fault comes first; of a file that cannot be used another one is asked for, and where several do not go together,
    which of them to use.
    """
    at_fault = error.option if isinstance(error, OptionRefused) else None
    first = [] if at_fault is None or at_fault in mode.media() or at_fault not in specs else [at_fault]
    others = [name for name in ("prompt", "resolution", *LENGTHS) if name in specs and name not in first]
    # A text that no field of a form holds stays as it was typed.
    others = [name for name in others if len(str(options.get(name, ""))) <= TEXT_CHARS_MAX]
    files = _file_parts(mode, file_names, at_fault, error)
    names = [*first, *others]
    parts = [option_part(specs[name], _typed(options.get(name))) for name in names]
    return (*parts[: min(2, FORM_PARTS_MAX - len(files))], *files, *parts[2:])[:FORM_PARTS_MAX]


def _typed(value: Any) -> Any:
    """Return the value as a field takes it; of a longer text its beginning."""
    return value[:TEXT_CHARS_MAX] if isinstance(value, str) else value


def _file_parts(
    mode: type[Mode], file_names: Mapping[str, str], at_fault: str | None, error: WandaError
) -> tuple[Part, ...]:
    if isinstance(error, MediaRefused):
        is_only = len(file_names) == 1
        return tuple(
            _upload(mode, name, file_names[name], is_at_fault=is_only) for name in list(file_names)[:_UPLOADS_MAX]
        )
    if at_fault is not None and at_fault in mode.media():
        return (_upload(mode, at_fault, file_names.get(at_fault), is_at_fault=True),)
    if isinstance(error, OptionRefused) and at_fault is None:
        missing = mode.stand_in
        if not file_names and missing is not None:
            return (_upload(mode, missing, None),)
        return (_which_files(file_names),) if file_names else ()
    return ()


def _upload(mode: type[Mode], option: str, file_name: str | None, *, is_at_fault: bool = False) -> Part:
    part = option_part(mode.specs()[option], None)
    hint = part.hint
    if file_name is not None:
        again = f"eave it empty to use “{cut(visible(file_name), 40)}” again."
        hint = f"Attach another file here, or l{again}" if is_at_fault else f"L{again}"
    return Part(name=option, label=part.label, hint=hint, required=file_name is None, is_file=True)


def _which_files(file_names: Mapping[str, str]) -> Part:
    choices = tuple(
        Choice(cut(f"{option}: {visible(name)}", 100), option, chosen=True) for option, name in file_names.items()
    )
    return Part(
        name=FILES,
        label="Files to use",
        hint="Take away what doesn't go together.",
        required=False,
        choices=choices,
        takes_several=True,
    )


def form_gone(typed: Sequence[str]) -> str:
    """Return the answer to a form that Wanda no longer knows, with what was typed into it, to be copied."""
    said = "\n".join(text.replace("`", "'") for text in typed if visible(text))
    return f"{FORM_GONE} Here is what you typed:\n```\n{said[:_TYPED_CHARS_MAX]}\n```" if said else FORM_GONE
