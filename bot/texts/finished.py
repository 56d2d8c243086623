"""The buttons below a finished video, and the messages of its reruns."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Literal, TypeAlias

from bot.catalogue.phrases import listed
from bot.catalogue.registry import MODE_TITLES, by_id
from bot.errors import Refusal
from bot.jobs.model import VARIATIONS_MAX, VARIATIONS_MIN, Input, Job, State, card_url, rewritten_prompt_of
from bot.jobs.rerun import ADDED_S, CONTINUED_S_MAX, CONTINUES, resolutions
from bot.jobs.short_id import short_id
from bot.money import dollars
from bot.texts.button_ids import ResultAction, public_answer_id, result_button_id, vary_button_id
from bot.texts.card import GREY, Button, Card
from bot.texts.form_fields import HINT_CHARS_MAX
from bot.texts.plain import cut, plain, visible
from bot.texts.result_link import shown_link, usable_link

RERUN, RESEED, DELETE, MAIL = "🔁", "🎲", "❌", "✉"  # without the selector that some clients add to the last
OFFERED = (RERUN, RESEED)  # what Wanda puts below a finished video herself
_ABOUT_THE_CARD: frozenset[ResultAction] = frozenset({"delete", "share"})
# Of these a new video is a new order: what was held is given back, paid, or the operator's to look up.
CLOSED_WITHOUT_VIDEO: frozenset[State] = frozenset({"failed", "cancelled", "uncertain"})
UPLOADS_MAX = 5  # what Discord's form holds
CLIP_S_MAX = 10  # that Wan 2.7 continues or changes
CHANGED_S_MIN = 2  # of a clip that Wan 2.7 changes
LONGER = "Too long for this field. Leave it empty to keep it."
HIDDEN = "Somebody else wrote this. Leave it empty to keep it."
UNCHANGED = "As it is"
Clip: TypeAlias = Literal["continue", "restyle", "change"]
PricesMicrousd: TypeAlias = Mapping[str, int]  # of the same video, by resolution
CLIP_TITLES: Mapping[Clip, str] = {
    "continue": "Continue this video",
    "restyle": "Restyle this video",
    "change": "Change this video",
}
CLIP_HINTS: Mapping[Clip, str] = {
    "continue": "What should happen next. Wan goes on from the last 10 s.",
    "restyle": "What it should become. Wan 2.2 remakes it.",
    "change": "What to change in it; the rest stays. Of a longer video, the first 10 s.",
}
TOTAL_HINT = "Seconds of the whole new video, this clip included: 2 to 15."
EDIT_HINTS: Mapping[str, str] = {
    "seed": "Empty for a new one. The same seed and settings make much the same video.",
    "resolution": "Another resolution makes another picture, even with the same seed.",
}
REWRITTEN_HINT = "Leave it as it is to use Wan's rewritten prompt again."

NOT_FINISHED = "This video isn't finished yet. Try again once it's in the channel."
NOT_IN_THE_BOOKS = "Wanda no longer knows how this video was made. Use its /wan command again; you weren't charged."
NO_TURN = "That channel is too busy right now. You weren't charged; react again in a few minutes."
NO_PLACE = "Wanda can't post there. You weren't charged; ask an admin to let Wanda send messages and files."
QUESTION_OVER = "This question is over, and you weren't charged. Ask again if you still want the video."
GETTING_READY = "Wanda is getting a video ready"  # how every placeholder begins
CUT_RECIPE = "Somebody else wrote its prompt, so the recipe has only what the card shows; 🔁 uses all of it."
RESULT_LATE = (
    "fal hasn't handed this video over yet, and Wanda keeps asking. You weren't charged; press again once it's on "
    "the card."
)
MAILED = "Sent: the video and its recipe are in your direct messages."
MAIL_CLOSED = "Wanda can't send you a direct message. Allow them in this server's privacy settings, then try again."
MAIL_FAILED = "Discord didn't take the message. Try again in a moment."
MAIL_UNDER_WAY = "Wanda is still sending you the last one. Try again in a moment."
DROPPED = "Cancelled. You weren't charged."


def finished_buttons(job: Job) -> tuple[Button, ...]:
    """Return the buttons below a finished video. Anybody may press them: a rerun is charged to who pressed."""
    return (
        _button("Rerun", "rerun", job, RERUN),
        _button("Variations", "variations", job, "🎨"),
        _button("Edit", "edit", job, "✏️"),
        _button("Continue", "continue", job, "⏩"),
        _button("More…", "more", job, "🎛️"),
    )


def how_many_card(job: Job, each_microusd: int) -> Card:
    """Return the private question how many variations of a video to make; one costs `each_microusd`."""
    numbers = range(VARIATIONS_MIN, VARIATIONS_MAX + 1)
    return Card(
        title="How many variations?",
        description=(
            f"Each is made like [this video]({card_url(job)}), with a seed of its own. "
            "They come in one message, to pick from."
        ),
        fields=(),
        colour=GREY,
        buttons=tuple(
            Button(f"{number} for {dollars(number * each_microusd)}", "success", vary_button_id(number, job.id))
            for number in numbers
        ),
    )


def pick_buttons(job: Job, prices_microusd: PricesMicrousd) -> tuple[Button, ...]:
    """Return the buttons for one of several variations: those of a finished video, without what is about its card."""
    rest = [
        button for button in more_buttons(job, prices_microusd) if button.custom_id.split(":")[1] not in _ABOUT_THE_CARD
    ]
    own = [button for button in finished_buttons(job) if button.custom_id.split(":")[1] != "more"]
    return (*own, *rest)


def ended_buttons(job: Job) -> tuple[Button, ...]:
    """Return the buttons below a video that was not made; whoever presses pays for the new one.

    A video that was made and could not be posted is not made anew: it is still brought, or handed over.
    """
    is_made = job.result is not None and (job.failure is None or job.failure.kind != "unplayable")
    if job.state not in CLOSED_WITHOUT_VIDEO or is_made:
        return ()
    return (_button("Try again", "retry", job, RERUN), _button("Edit", "edit", job, "✏️"))


def more_buttons(job: Job, prices_microusd: PricesMicrousd) -> tuple[Button, ...]:
    """Return the buttons of the private answer to More…; Draft and Final say what they cost, where it is known."""
    return (
        _button("New seed", "reseed", job, RESEED),
        _button("Restyle", "restyle", job, "🖌️"),
        # Not "Edit": that one, on the card, changes the order and makes another video of it.
        *((_button("Change video", "change", job, "🪄"),) if (change_s(job) or CHANGED_S_MIN) >= CHANGED_S_MIN else ()),
        *((_button("Loop", "loop", job, "♾️"),) if _is_of_picture(job) else ()),
        *_other_settings(job, prices_microusd),
        _button("Share", "share", job, "📣"),
        _button("DM me", "mail", job, f"{MAIL}\ufe0f"),
        Button("Delete", "danger", result_button_id("delete", job.id), emoji="🗑️"),
    )


def more_card(job: Job, prices_microusd: PricesMicrousd) -> Card:
    """Return the private answer to More…: the other things that can be made of this video."""
    title = MODE_TITLES.get(job.mode, job.mode)
    return Card(
        title="More with this video",
        description=f"{plain(title)} · [the video]({card_url(job)}) · job {short_id(job.id)}",
        fields=(),
        colour=GREY,
        buttons=more_buttons(job, prices_microusd),
    )


def _is_of_picture(job: Job) -> bool:
    """Return whether the video begins with a picture and ends with none, so that it can end with the same."""
    options = {item.option for item in job.inputs}
    return job.mode == CONTINUES and "image" in options and "end_image" not in options


def _button(label: str, action: ResultAction, job: Job, emoji: str) -> Button:
    return Button(label, "secondary", result_button_id(action, job.id), emoji=emoji)


def _other_settings(job: Job, prices_microusd: PricesMicrousd) -> list[Button]:
    """Return Draft unless the resolution is the lowest, and Final unless it is the highest."""

    def labelled(word: str, resolution: str) -> str:
        price = prices_microusd.get(resolution)
        return f"{word} ({resolution})" + ("" if price is None else f" · {dollars(price)}")

    try:
        known = resolutions(job.mode)
    except Refusal:
        return []  # the catalogue no longer has the mode
    now = job.options.get("resolution")
    draft = [_button(labelled("Draft", known[0]), "draft", job, "⬇️")] if now != known[0] else []
    return draft + ([_button(labelled("Final", known[-1]), "final", job, "⬆️")] if now != known[-1] else [])


def inputs_not_kept(job: Job, gone: Sequence[Input], keep_days: int) -> str:
    """Return the refusal of a rerun whose inputs were removed after `keep_days`, and how to attach them again."""
    names = listed([_file_words(item) for item in gone], "and")
    command = by_id(job.mode).slash_command_of(item.option for item in job.inputs)
    be, them = ("is", "it") if len(gone) == 1 else ("are", "them")
    return (
        f"{names[0].upper()}{names[1:]} {be} gone, because Wanda keeps files for {keep_days} days. Press Rerun or "
        f"Try again on the card to attach {them} again, or use `{command}`."
    )


def _file_words(item: Input) -> str:
    """Return the file's name in quotes, or what it was for if the reader may not know its name."""
    return f"“{plain(item.file_name, 60)}”" if item.file_name else f"its {plain(item.option, 40)}"


def edit_hint(option: str, job: Job) -> str | None:
    """Return what an option means in the form that edits this video, or None where its own description says it."""
    if option == "prompt" and rewritten_prompt_of(job) is not None:
        return REWRITTEN_HINT
    return EDIT_HINTS.get(option)


def result_not_kept(keep_days: int) -> str:
    """Return the refusal of a continuation whose video was removed from the disk after `keep_days`."""
    return (
        f"Wanda's copy of this video is gone after {keep_days} days. Save it from the card, and attach it to "
        "`/wan27 continue`, `/wan27 edit` or `/wan22 video`."
    )


def placeholder(member_id: int) -> str:
    """Return the first text of a new card, before the job is accepted; the mention notifies nobody."""
    return f"{GETTING_READY} for <@{member_id}>…"


def public_question(member_id: int) -> str:
    """Return the line above a confirmation that everybody sees and one member can answer."""
    return f"<@{member_id}>, this one costs more than you let pass without a question. Only you can answer."


def not_yours(member_id: int) -> str:
    """Return the private answer to another member who presses."""
    return f"Only <@{member_id}> can answer. React to the card yourself to make one."


def answer_buttons(order_id: str, member_id: int, *, needs_approval: bool) -> tuple[Button, ...]:
    """Return the buttons of a public confirmation; their ids hold the order and the member who may press."""
    make = "Make it, if approved" if needs_approval else "Make it"
    return (
        Button(make, "success", public_answer_id("yes", order_id, member_id)),
        Button("Cancel", "secondary", public_answer_id("no", order_id, member_id)),
    )


def refusal_about(job: Job, sentence: str) -> str:
    """Return a refusal with a link to the card, for a direct message after a reaction."""
    return f"About {card_url(job)}: {sentence}"


def mail_text(job: Job, *, attached: bool, is_cut: bool) -> str:
    """Return the direct message that brings a video and its recipe.

    `attached` says whether the video fits into it, `is_cut` whether the recipe holds only the prompt's beginning.
    """
    note = f" {CUT_RECIPE}" if is_cut else ""
    if attached:
        return f"Here's the video of {card_url(job)}, with its recipe for `/jobs replay`.{note}"
    url = usable_link(job.result.url) if job.result is not None else None
    video = f"fal keeps the video for about 7 days: {shown_link(job, url)}" if url else "The video is on its card."
    return f"Here's the recipe of {card_url(job)} for `/jobs replay`.{note} {video}"


def no_mail(member_id: int) -> str:
    """Return the short-lived message in the channel when Discord refuses a direct message to the member."""
    return (
        f"<@{member_id}>, Wanda can't send you a direct message. Allow them in this server's privacy settings, "
        "then react again."
    )


def upload_hint(item: Input, keep_days: int) -> str:
    """Return the hint of a form's upload field for a file that is no longer kept."""
    was = f"It was “{visible(item.file_name)}”; " if item.file_name else ""
    return cut(f"{was}Wanda keeps files for {keep_days} days.", HINT_CHARS_MAX)


def continuation_s(job: Job) -> int:
    """Return a continuation's default duration in seconds: the clip plus `ADDED_S`, from 2 to `CONTINUED_S_MAX`."""
    seconds = job.result.seconds if job.result is not None else None
    known = seconds or job.options.get("duration")
    if not isinstance(known, int | float) or not known:
        return CONTINUED_S_MAX
    return max(2, min(CONTINUED_S_MAX, ceil(min(known, CLIP_S_MAX)) + ADDED_S))


def change_s(job: Job) -> float | None:
    """Return how many seconds of a finished video are changed, None where its length is not known."""
    seconds = job.result.seconds if job.result is not None else None
    return None if seconds is None else min(seconds, float(CLIP_S_MAX))


def clip_name(job: Job) -> str:
    """Return the file name of a finished video as the input of a continuation."""
    return f"video of job {short_id(job.id)}.mp4"
