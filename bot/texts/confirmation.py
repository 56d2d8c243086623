"""The private card before a costly or doubtful job: the exact price, what is left after it, and other settings."""

from collections.abc import Callable, Sequence

from bot.catalogue import phrases
from bot.catalogue.cheaper import Offers, Variant, length_of, length_option
from bot.catalogue.doubts import Doubt
from bot.catalogue.mode import Mode
from bot.catalogue.price import Quote
from bot.ledger.model import Decision, Side, Standing, View
from bot.ledger.window_names import IN_WINDOW
from bot.money import dollars
from bot.texts.button_ids import PricedOption, question_button_id, question_select_id
from bot.texts.card import AMBER, Button, Card, Choice, Field, Select
from bot.texts.job_card import TITLE_CHARS_MAX
from bot.texts.plain import block_quote, cut, plain, visible
from bot.texts.setting_words import settings_line

FIX_TITLE = "Fix the prompt"
BUTTONS_MAX = 5  # in one row
OPERATORS = frozenset({"all", "cap"})  # the operator's caps are not shown to members


def price_confirmation(
    order_id: str,
    *,
    mode: Mode,
    quote: Quote,
    view: View,
    decision: Decision,
    offers: Offers,
    doubts: Sequence[Doubt] = (),
    may_chip_in: bool = False,
) -> Card:
    """Return the card that asks to confirm an order, with what may be changed of it.

    `may_chip_in` says that others may pay a part of it.
    """
    prompt = mode.options().get("prompt")
    asked = block_quote(prompt) if isinstance(prompt, str) and visible(prompt) else ""
    why = [doubt_words(doubt) for doubt in doubts]
    above = view.terms.confirm_above_microusd
    if quote.microusd > above.value:
        why.append(f"Wanda asks before anything above {dollars(above.value)}, {plain(above.source.to_member, 120)}.")
    line = settings_line(mode.describe())
    drafts = quote.drafts
    if drafts is not None:
        why.insert(
            0,
            f"Wanda makes {drafts.number} drafts in {drafts.resolution}. You pick one, and only that is made in "
            f"{_resolution(mode)}, where details can differ.",
        )
    fields = [
        Field("Price", f"**{dollars(quote.microusd)}** ({plain(quote.formula, 120)})", inline=False),
        *budget_changes("You", "member", view, decision),
        *budget_changes("Server", "server", view, decision),
        *((Field("Settings", line, inline=False),) if line else ()),
    ]
    return Card(
        title=cut(visible(f"{mode.title}: make {_what(quote)} for {dollars(quote.microusd)}?"), TITLE_CHARS_MAX),
        description="\n".join(part for part in (asked, *why) if part),
        fields=tuple(fields),
        colour=AMBER,
        footer="You aren't charged until you press Make it.",
        selects=question_selects(order_id, mode, offers),
        buttons=question_buttons(
            order_id,
            mode,
            offers,
            needs_approval=decision.needs_approval,
            can_fix=bool(doubts),
            may_chip_in=may_chip_in,
        ),
    )


def _what(quote: Quote) -> str:
    if quote.drafts is not None:
        return f"the best of {quote.drafts.number}"
    return "it" if quote.videos == 1 else f"{quote.videos} variations"


def doubt_words(doubt: Doubt) -> str:
    """Return what may be wrong, and what happens if it stays."""
    match doubt.kind:
        case "no_prompt":
            return "**There's no prompt.** Without one, Wan decides by itself what happens."
        case "missing_file":
            return f"**Your prompt names {doubt.file}, but there's no such file.** Files count in order, from 1."
        case "unnamed_clip":
            return "**Your prompt doesn't mention the clip.** Call it Video 1; its seconds are in the price."
        case "end_of_clip":
            return "**The picture becomes the last frame.** The video begins with your clip."


def question_selects(order_id: str, mode: Mode, offers: Offers) -> tuple[Select, ...]:
    """Return the selects of resolutions and lengths with their prices; one with a single choice is left out."""
    selects = (
        _select("resolution", order_id, mode, offers.resolutions, _resolution),
        _select("length", order_id, mode, offers.lengths, length_words),
    )
    return tuple(select for select in selects if len(select.choices) > 1)


def _select(
    option: PricedOption, order_id: str, mode: Mode, variants: Sequence[Variant], words: Callable[[Mode], str]
) -> Select:
    choices = tuple(
        Choice(
            f"{phrases.first_upper(words(one.mode))} · {dollars(one.quote.microusd)}",
            str(changed_value(one.mode, option)),
            chosen=changed_value(one.mode, option) == changed_value(mode, option),
        )
        for one in variants
    )
    return Select(question_select_id(option, order_id), choices)


def changed_value(mode: Mode, option: PricedOption) -> str | int:
    """Return the request's value of what a select changes."""
    return _resolution(mode) if option == "resolution" else length_of(mode)


def question_buttons(
    order_id: str,
    mode: Mode,
    offers: Offers,
    *,
    needs_approval: bool,
    can_fix: bool = False,
    may_chip_in: bool = False,
) -> tuple[Button, ...]:
    """Return the buttons below the question.

    Make it, fix or change it, go back to what was asked, let others pay a part, or leave it.
    """
    make = "Make it, if approved" if needs_approval else "Make it"
    less, back = offers.cheaper, offers.back
    buttons = [Button(make, "success", question_button_id("make", order_id))]
    if can_fix:
        buttons.append(Button("Fix it", "secondary", question_button_id("fix", order_id)))
    if less is not None:
        label = f"{difference(mode, less.mode)}: {dollars(less.quote.microusd)}"
        buttons.append(Button(label, "secondary", question_button_id("cheaper", order_id)))
    if back is not None:
        label = f"Back to {settings_words(back.mode)}: {dollars(back.quote.microusd)}"
        buttons.append(Button(label, "secondary", question_button_id("back", order_id)))
    if may_chip_in and len(buttons) < BUTTONS_MAX - 1:
        buttons.append(Button("Chip in…", "secondary", question_button_id("chip", order_id)))
    return (*buttons, Button("Cancel", "secondary", question_button_id("drop", order_id)))


def difference(mode: Mode, other: Mode) -> str:
    """Return what another variant of a request changes: "720p instead of 1080p", "4 s instead of 8 s"."""
    pairs = [(_resolution(other), _resolution(mode)), (length_words(other), length_words(mode))]
    changed = [(new, old) for new, old in pairs if new != old]
    return f"{', '.join(new for new, _ in changed)} instead of {', '.join(old for _, old in changed)}"


def settings_words(mode: Mode) -> str:
    """Return a request's resolution and length: "1080p, 8 s"."""
    return f"{_resolution(mode)}, {length_words(mode)}"


def length_words(mode: Mode) -> str:
    """Return a request's length: "8 s", "81 frames", "the whole clip"."""
    return phrases.length_words(length_option(mode), length_of(mode))


def _resolution(mode: Mode) -> str:
    return getattr(mode, "resolution")  # noqa: B009 - every mode has it, each with its own choices


def budget_changes(name: str, side: Side, view: View, decision: Decision) -> Sequence[Field]:
    """Return what the side's tightest limit has left before and after, and what grants pay."""
    before = {one.limit.row: one for one in view.standings}
    shown = [one for one in decision.standings if one.limit.side == side and one.limit.whose not in OPERATORS]
    if not shown:
        return ()
    after = min(shown, key=_left)
    was, then = before[after.limit.row].left_microusd, after.left_microusd
    text = f"{dollars(was)} → **{dollars(then)}** left {IN_WINDOW[after.limit.window.kind]}"
    granted = sum(part for _, part in decision.from_grants)
    if side == "member" and granted:
        text += f"\n{dollars(granted)} of it from your grants"
    return (Field(name, text),)


def _left(standing: Standing) -> int:
    return standing.left_microusd
