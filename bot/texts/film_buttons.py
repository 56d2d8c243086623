"""What can be done with a film: the buttons and the list below its card, and the question before a redo."""

from collections.abc import Mapping
from dataclasses import replace

from bot.catalogue.phrases import listed
from bot.films.model import Film
from bot.films.plan import follows
from bot.jobs.model import Job
from bot.money import dollars
from bot.texts.button_ids import job_button_id, result_button_id
from bot.texts.card import AMBER, Button, Card, Choice, Select
from bot.texts.film_ids import (
    FilmAction,
    RedoHow,
    RedoWhat,
    film_button_id,
    film_select_id,
    redo_button_id,
)
from bot.texts.film_strip import Strip
from bot.texts.film_words import price_moved
from bot.texts.plain import block_quote, cut, visible

CHOICE_CHARS_MAX = 100
REDO = "Make a shot again…"


def film_selects(strip: Strip) -> tuple[Select, ...]:
    """Return the list of a finished film's shots, each with what it costs to make it again."""
    film = strip.film
    if film.state != "done":
        return ()
    choices = tuple(
        Choice(
            f"Shot {number} · {dollars(take.quote_microusd)}" if take.quote_microusd else f"Shot {number}",
            take.shot.id,
            description=cut(visible(take.shot.prompt[:400]), CHOICE_CHARS_MAX),
        )
        for number, (take, look) in enumerate(zip(film.takes, strip.looks, strict=True), start=1)
        if look == "made"
    )
    return (Select(film_select_id(film.id), choices, placeholder=REDO),) if choices else ()


def film_buttons(strip: Strip) -> tuple[Button, ...]:
    """Return what can be done with the film now."""
    film = strip.film
    stop = Button("Stop", "secondary", film_button_id("stop", film.id), emoji="🛑")
    match film.state:
        case "waiting":
            asked = strip.asked
            cancel = replace(stop, label="Cancel")
            return (cancel,) if asked is None else (*_approval_buttons(asked), cancel)
        case "making":
            return (stop,)
        case "paused":
            return (*_paused_buttons(strip), _finish(film) if "made" in strip.looks else stop)
        case "done":
            return _final_buttons(strip)
        case "joining" | "posting" | "cancelled":
            return ()


def _approval_buttons(asked: Job) -> tuple[Button, ...]:
    return (
        Button("Approve", "success", job_button_id("approve", asked.id), emoji="👍"),
        Button("Decline", "danger", job_button_id("decline", asked.id), emoji="👎"),
    )


def _finish(film: Film) -> Button:
    return Button("Finish as it is", "secondary", film_button_id("finish", film.id), emoji="🏁")


def _paused_buttons(strip: Strip) -> tuple[Button, ...]:
    numbers = strip.missing
    if not numbers:
        return ()
    film, take = strip.film, strip.film.take(numbers[0])

    def button(label: str, action: FilmAction, emoji: str) -> Button:
        return Button(label, "secondary", film_button_id(action, film.id, take.shot.id), emoji=emoji)

    return (
        _retry_button(film, take.shot.id, take.quote_microusd),
        button("Edit", "edit", "✏️"),
        button("Skip", "skip", "⏭️"),
    )


def _retry_button(film: Film, shot_id: str, microusd: int) -> Button:
    button_id = film_button_id("retry", film.id, shot_id, microusd=microusd)
    return Button(f"Try again · {dollars(microusd)}", "success", button_id, emoji="🔁")


def retry_card(film: Film, number: int, before_microusd: int | None, microusd: int) -> Card:
    """Return the private question whether to try a shot again at a price that did not stand on the pressed button."""
    return Card(
        title=f"Try shot {number} again?",
        description=f"It costs {dollars(microusd)} now."
        if before_microusd is None
        else price_moved(before_microusd, microusd),
        fields=(),
        colour=AMBER,
        buttons=(_retry_button(film, film.take(number).shot.id, microusd),),
    )


def _final_buttons(strip: Strip) -> tuple[Button, ...]:
    film, shown = strip.film, strip.shown
    about = (
        (
            Button("Share", "secondary", result_button_id("share", shown[0].id), emoji="📣"),
            Button("Delete", "secondary", result_button_id("delete", shown[0].id), emoji="🗑️"),
        )
        if shown
        else ()
    )
    return (
        Button("Continue", "secondary", film_button_id("continue", film.id), emoji="⏩"),
        Button("Recipe", "secondary", film_button_id("recipe", film.id), emoji="📄"),
        *about,
    )


def redo_card(film: Film, number: int, prices_microusd: Mapping[RedoWhat, int], notice: str = "") -> Card:
    """Return the private question how to make a shot again; of it alone and with the "rest"."""
    shot, later = film.take(number).shot, follows(film, number)

    def button(label: str, how: RedoHow, what: RedoWhat, emoji: str) -> Button:
        microusd = prices_microusd[what]
        button_id = redo_button_id(how, what, film.id, shot.id, microusd=microusd)
        return Button(f"{label} · {dollars(microusd)}", "secondary", button_id, emoji=emoji)

    buttons = [button("New seed", "seed", "one", "🎲"), button("Edit", "edit", "one", "✏️")]
    words = [notice] if notice else []
    words += [block_quote(shot.prompt)] if visible(shot.prompt) else []
    if later and "rest" in prices_microusd:
        shots = f"shot{'s' if len(later) > 1 else ''} {listed([str(one) for one in later], 'and')}"
        follow = "follow" if len(later) > 1 else "follows"
        words.append(
            f"{shots.capitalize()} {follow} from its last frame. Make {shots} again too, or the join may jump there."
        )
        buttons += [
            button(f"New seed, {shots} too", "seed", "rest", "🎲"),
            button(f"Edit, {shots} too", "edit", "rest", "✏️"),
        ]
    words.append("-# The film is joined anew then. Until that's done, it stays as it is.")
    return Card(
        title=f"Make shot {number} again?",
        description="\n".join(words),
        fields=(),
        colour=AMBER,
        buttons=tuple(buttons),
    )
