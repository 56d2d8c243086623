"""Chipping in: the card of a video that several members pay for, its form, and what whoever presses reads."""

from collections.abc import Sequence

from bot.films.chipping_in import film_in
from bot.jobs.chip_in_model import ChipIn, Over
from bot.jobs.model import Job
from bot.money import dollars, exact_dollars
from bot.texts.button_ids import chip_in_button_id, chip_in_rest_id
from bot.texts.card import AMBER, GREEN, GREY, Button, Card, Field, join_within
from bot.texts.film_words import film_title, look_words, shot_words
from bot.texts.job_card import TITLE_CHARS_MAX
from bot.texts.mode_settings import mode_settings_of
from bot.texts.payers import PAYERS_CHARS_MAX, payers
from bot.texts.plain import bar, block_quote, cut, person, visible
from bot.texts.setting_words import settings_line

FORM_TITLE = "Chip in"
START_TITLE = "Let others chip in"
AMOUNT_LABEL = "How much do you add?"
AMOUNT_CHARS_MAX = 20
AMOUNT = "amount"
OWN_FILES_ONLY = "Others can chip in only for your own files. Attach them to a new command; you weren't charged."
ONE_VIDEO_ONLY = "Others can chip in for one video at a time. Order a single one; you weren't charged."
OFF = "Chipping in is off here. Ask whoever runs Wanda, or choose something cheaper; you weren't charged."
FILM_CHANGED = "The film changed while you typed, so nobody was charged. Look at its price, and press Chip in… again."
STARTED = "It's in the channel: others can chip in there. You get your money back if it isn't paid for in time."
_BAR_CELLS = 16
NOBODY = "Nobody yet."
_OVER: dict[Over, str] = {
    "late": "**Not enough came together in time.** Everybody has their money back.",
    "cancelled": "**Cancelled by its maker.** Everybody has their money back.",
    "deleted": "**It won't be made.** Everybody has their money back.",
    "gone": "**Its message was deleted.** Everybody has their money back.",
}
_DRAFT_KEPT = "Its maker finds the film with `/film`, as it was."
_OVER_NOTICE: dict[Over, str] = {
    "late": "This {what} wasn't paid for in time, so you have your money back.",
    "cancelled": "This {what} was cancelled, so you have your money back.",
    "deleted": "This {what} won't be made, so you have your money back.",
    "gone": "The message to chip in for this {what} was deleted, so you have your money back.",
}


def chip_in_card(chip_in: ChipIn) -> Card:
    """Return the public card: what it is, what is missing, who added what, and until when."""
    job = chip_in.job
    if job is None or chip_in.over is not None:
        return _over_card(chip_in, job)
    missing, price = chip_in.missing_microusd, chip_in.quote_microusd
    added = price - missing
    how_far = f"{bar(added / price if price else 1.0, _BAR_CELLS)} **{dollars(added)}** of {dollars(price)}"
    status = f"**{dollars(missing)}** is missing." if missing else _waits(chip_in)
    lines = [_asked(chip_in, job), f"{how_far}\n{status}"]
    film = film_in(chip_in)
    settings = settings_line(mode_settings_of(job).settings) if film is None else look_words(film)
    fields = (
        *((Field("Settings", settings, inline=False),) if settings else ()),
        Field("Who chips in", join_within(payers(chip_in.shares) or [NOBODY], PAYERS_CHARS_MAX), inline=False),
        Field("Until", f"<t:{int(chip_in.expires_at)}:R>, then everybody gets their money back.", inline=False),
    )
    return Card(
        title=_title(chip_in, job, f"{dollars(price)}, paid together"),
        description="\n".join(line for line in lines if line),
        fields=fields,
        colour=AMBER if missing else GREEN,
        footer=f"The {_what(chip_in)} begins once it's all there." if missing else None,
        buttons=_buttons(chip_in),
    )


def _over_card(chip_in: ChipIn, job: Job | None) -> Card:
    said = _OVER[chip_in.over or "deleted"]
    said = f"{said} {_DRAFT_KEPT}" if chip_in.film is not None else said
    return Card(
        title="Chip in" if job is None else _title(chip_in, job, "not made"),
        description=said if job is None else "\n".join(part for part in (_asked(chip_in, job), said) if part),
        fields=(),
        colour=GREY,
    )


def _what(chip_in: ChipIn) -> str:
    return "video" if chip_in.film is None else "film"


def _title(chip_in: ChipIn, job: Job, rest: str) -> str:
    film = film_in(chip_in)
    name = mode_settings_of(job).mode_title if film is None else film_title(film)
    return cut(visible(f"{name}: {rest}"), TITLE_CHARS_MAX)


def _asked(chip_in: ChipIn, job: Job) -> str:
    """Return who orders what: the prompt, or a line for each shot of a film."""
    film, by = film_in(chip_in), f"By {person(job.member_id)}"
    if film is not None:
        return "\n".join((by, *(shot_words(take.shot, number) for number, take in enumerate(film.takes, 1))))
    prompt = job.options.get("prompt")
    return f"{by}\n{block_quote(prompt)}" if isinstance(prompt, str) and visible(prompt) else by


def _waits(chip_in: ChipIn) -> str:
    match chip_in.obstacle:
        case "rule":
            return "It's all there, but a rule of this server keeps it from beginning."
        case "off":
            return "It's all there, and begins as soon as Wanda makes such videos again."
        case "place":
            return "It's all there, and begins as soon as there's room."
        case "files":
            return "It's all there, but Wanda can't get at its pictures and clips now. It begins as soon as she can."
        case "gone":
            return (
                "It's all there, but something it's made of is gone or has changed, so it can't begin. "
                "Its maker can press Cancel; then everybody gets their money back at once."
            )
        case "":
            return "It's all there, and begins in a moment."


def _buttons(chip_in: ChipIn) -> tuple[Button, ...]:
    missing = chip_in.missing_microusd
    cancel = Button("Cancel", "secondary", chip_in_button_id("cancel", chip_in.id), emoji="🛑")
    if not missing:
        return (cancel,)
    return (
        Button(f"Add {exact_dollars(missing)}", "success", chip_in_rest_id(missing, chip_in.id)),
        Button("Add…", "secondary", chip_in_button_id("other", chip_in.id)),
        Button("Take mine back", "secondary", chip_in_button_id("back", chip_in.id)),
        cancel,
    )


def question_or_amount(chip_in: ChipIn, microusd: int, *, above_microusd: int) -> Card | int:
    """Return the private question before a press adds more than the price above which the member is asked.

    Else return how much it may add: no more than that price, also if somebody takes theirs back at this moment.
    """
    amount = min(microusd, chip_in.missing_microusd)
    if amount > above_microusd:
        return add_question(chip_in, amount, above_microusd=above_microusd)
    return min(microusd, above_microusd)


def add_question(chip_in: ChipIn, microusd: int, *, above_microusd: int) -> Card:
    """Return the private question before a press adds this amount."""
    amount = exact_dollars(microusd)
    lines = [
        "" if chip_in.job is None else _asked(chip_in, chip_in.job),
        f"Wanda asks before anything above {dollars(above_microusd)}.",
    ]
    return Card(
        title=f"Add {amount} to this {_what(chip_in)}?",
        description="\n".join(line for line in lines if line),
        fields=(),
        colour=AMBER,
        footer=f"You get it back if the {_what(chip_in)} isn't paid for in time.",
        buttons=(Button(f"Add {amount}", "success", chip_in_rest_id(microusd, chip_in.id, is_sure=True)),),
    )


def amount_hint(*, price_microusd: int, most_microusd: int | None) -> str:
    """Return what stands below the field: the price, or what is missing, and the most that the member can add."""
    most = "" if most_microusd is None else f" You can add {exact_dollars(most_microusd)} at most now."
    return f"In dollars. {exact_dollars(price_microusd)} is missing.{most}"


def amount_default(*, price_microusd: int, most_microusd: int | None) -> str:
    """Return what the field is filled in with: all that the member can add; "" if that is not known."""
    if most_microusd is None:
        return ""
    return exact_dollars(min(price_microusd, most_microusd)).removeprefix("$").replace(",", "")


def added_text(chip_in: ChipIn, amount_microusd: int, *, is_made: bool) -> str:
    """Return what a member reads once their share is added."""
    if is_made:
        amount = exact_dollars(amount_microusd)
        return f"You added {amount}, and that was all that was missing. The {_what(chip_in)} begins."
    missing = chip_in.missing_microusd
    rest = f"{exact_dollars(missing)} is missing." if missing else "It's all there now."
    return f"You added {exact_dollars(amount_microusd)}. {rest}"


def taken_back_text(amount_microusd: int) -> str:
    """Return what a member reads who took theirs back."""
    return f"You have your {exact_dollars(amount_microusd)} back."


CANCELLED = "Cancelled. Everybody has their money back."


def told_over(chip_in: ChipIn) -> tuple[int, ...]:
    """Return who is told that a chip-in is over: all who added something, but not its maker who cancelled it."""
    if chip_in.over is None:
        return ()
    maker_id = 0 if chip_in.job is None else chip_in.job.member_id
    left_out = {0, maker_id} if chip_in.over == "cancelled" else {0}
    ids = [one.member_id for one in chip_in.shares if one.amount_microusd or one.member_id == maker_id]
    return tuple(one for one in dict.fromkeys(ids) if one not in left_out)


def over_notice(chip_in: ChipIn, member_ids: Sequence[int]) -> str:
    """Return the one message that tells them."""
    said = _OVER_NOTICE[chip_in.over or "deleted"].format(what=_what(chip_in))
    return f"{' '.join(f'<@{one}>' for one in member_ids)} {said}"
