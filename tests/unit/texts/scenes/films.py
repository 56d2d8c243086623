"""A film: its private panel while it is written, and its card in each state."""

from dataclasses import replace
from typing import Any

from bot.films.checks import problems
from bot.films.model import Draft, FilmState, Joined, Joining
from bot.jobs.model import Failure, Live, PostedVideo
from bot.texts.card import Field
from bot.texts.film_buttons import redo_card
from bot.texts.film_card import film_card
from bot.texts.film_panel import DraftPage, deletion_panel, draft_panel, question_panel, shot_panel
from bot.texts.layout_texts import layout_texts
from tests.support.film_samples import a_draft, a_film, a_shot_job
from tests.support.job_samples import NOW
from tests.unit.texts.scenes.scene import Scene, Scenes

JOINED = Joined(name="x", job_ids=(), seconds=20.0, size_bytes=9_000_000, width=1280, height=720, has_sound=True)
SHOTS: tuple[Joining, ...] = ("cut", "continue", "morph", "cut")


def _page(draft: Draft) -> DraftPage:
    prices = [500_000] * len(draft.shots)
    found = problems(draft, seconds_max=120)
    return DraftPage(draft=draft, prices_microusd=prices, microusd=sum(prices), problems=found)


def _card(state: FilmState, *jobs: str, **changes: Any) -> Scene:
    def scene() -> tuple[Any, ...]:
        film = a_film(*SHOTS, state=state, **changes)
        made: dict[str, Any] = {"charged_microusd": 500_000, "posted": PostedVideo(1, file_name="a.mp4")}
        failure = Failure(kind="content_policy_violation", status=422, location=("body", "prompt"))
        more: dict[str, dict[str, Any]] = {
            "done": made,
            "failed": {"failure": failure, "charged_microusd": 0},
            "waiting": {"approve_by": NOW + 3600},
            "running": {"started_at": NOW},
        }
        found = [a_shot_job(film, n, how, **more.get(how, {})) for n, how in enumerate(jobs, start=1)]
        lives = {each: Live(fraction=0.4, position=2) for each in (film.id, *(job.id for job in found))}
        card = film_card(film, {job.id: job for job in found}, lives, now=NOW + 30)
        shown = [choice.label for select in card.selects for choice in select.choices]
        return (layout_texts(card), shown, [button.label for button in card.buttons])

    return scene


SCENES: Scenes = {
    "the panel, empty": lambda: draft_panel(_page(a_draft())),
    "the panel, four shots": lambda: draft_panel(_page(a_draft(*SHOTS, crossfade_s=0.5))),
    "the panel, something is missing": lambda: draft_panel(_page(a_draft("continue", "cut"))),
    "the panel, one shot": lambda: shot_panel(_page(a_draft(*SHOTS)), a_draft(*SHOTS).shots[2]),
    "the panel, before a costly film": lambda: question_panel(
        _page(a_draft(*SHOTS)), (Field("You", "$5.00 → **$3.00** left today"),), above_microusd=1, needs_approval=False
    ),
    "the panel, before it is deleted": lambda: deletion_panel(a_draft(*SHOTS)),
    "waiting for approval": _card("waiting", "waiting"),
    "being made": _card("making", "done", "running"),
    "being made, in line": _card("making", "done", "queued"),
    "paused": _card("paused", "done", "failed", why="shot"),
    "joining": _card("joining", "done", "done", "done", "done"),
    "finished": _card(
        "done", "done", "done", "done", "done", joined=JOINED, posted=PostedVideo(9_000_000, file_name="film.mp4")
    ),
    "finished, too large": _card(
        "done", "done", "done", "done", "done", joined=JOINED, posted=PostedVideo(9_000_000, "too_large")
    ),
    "finished, not joined": _card("done", "done", "done", "done", "done", why="join"),
    "stopped": _card("cancelled", "done", "cancelled", why="stopped"),
    "the question before a shot is made again": lambda: redo_card(
        replace(a_film(*SHOTS), state="done"), 1, {"one": 500_000, "rest": 1_500_000}
    ),
}
