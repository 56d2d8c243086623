"""The one message of a film."""

from dataclasses import replace
from typing import Any

import pytest

from bot.films.model import Film, FilmState, Joined
from bot.jobs.model import Failure, Job, Live, PostedVideo
from bot.texts.card import JobCard
from bot.texts.film_buttons import redo_card
from bot.texts.film_card import film_card
from bot.texts.layout_texts import layout_texts
from tests.support.film_samples import FILM_ID, a_film, a_shot, a_shot_job
from tests.support.job_samples import NOW

JOINED = Joined(name="x", job_ids=(), seconds=15.0, size_bytes=9_000_000, width=1280, height=720, has_sound=True)


def made(film: Film, number: int, **changes: Any) -> Job:
    """Return a shot's job whose video is on the film's message."""
    posted = PostedVideo(1000, file_name=f"part-{number}.mp4")
    return a_shot_job(film, number, "done", **{"posted": posted, "charged_microusd": 500_000, "told": True, **changes})


def card_of(film: Film, *jobs: Job, lives: dict[str, Live] | None = None) -> JobCard:
    """Return the card of the film with these jobs."""
    at_message = replace(film.address, message_id=30)
    jobs = tuple(replace(job, address=replace(job.address, message_id=30)) for job in jobs)
    return film_card(replace(film, address=at_message), {job.id: job for job in jobs}, lives or {}, now=NOW + 20)


def ids_of(card: JobCard) -> list[str]:
    """Return what the buttons do."""
    return [button.custom_id.split(":")[2 if button.custom_id.count(":") > 2 else 1] for button in card.buttons]


def test_each_shot_has_a_line() -> None:
    """What is made, what is made now and what waits for another shot; the parts are there as soon as they are made."""
    film = a_film("cut", "cut", "continue")
    running = a_shot_job(film, 2, "running", started_at=NOW)
    card = card_of(film, made(film, 1), running, lives={running.id: Live(fraction=0.5)})
    first, second, third = card.body.splitlines()
    assert first == "✅ **1** · what happens in shot 1 · 5 s"
    assert second.startswith("▶️ **2** · what happens in shot 2 · ▰▰▰▱▱▱ 50 %")
    assert third == "⏳ **3** · what happens in shot 3 · follows shot 2"
    assert [item.source for item in card.parts] == ["attachment://part-1.mp4"]
    assert card.media == ()
    assert ids_of(card) == ["stop"]
    assert (card.price, card.quoted) == ("$1.50", "")


def test_a_paused_film_says_why_and_what_can_be_done() -> None:
    """The shot that failed, why, what it cost, until when; the price stands on Try again."""
    film = a_film("cut", "cut", state="paused", why="shot")
    failure = Failure(kind="content_policy_violation", status=422)
    card = card_of(film, made(film, 1), a_shot_job(film, 2, "failed", failure=failure, charged_microusd=0))
    assert "**Paused at shot 2.** fal's safety check turned down this request. You weren't charged." in card.body
    assert f"<t:{int(film.ends_at)}:R>" in card.body
    assert ids_of(card) == ["retry", "edit", "skip", "finish"]
    assert card.buttons[0].label == "Try again · $0.50"


@pytest.mark.parametrize("state", ["cancelled", "done"])
def test_nothing_is_still_to_come_of_a_film_that_has_ended(state: FilmState) -> None:
    """A shot that was never begun is said not to be made: it waits for nothing any more."""
    film = a_film("cut", "cut", "continue", state=state, why="stopped")
    lines = card_of(film, made(film, 1)).body.splitlines()
    assert lines[1] == "⏹️ **2** · what happens in shot 2 · not made"
    assert lines[2] == "⏹️ **3** · what happens in shot 3 · not made"


def test_a_paused_film_with_nothing_made_is_stopped_rather_than_finished() -> None:
    """There is nothing that it could be finished with."""
    film = a_film("cut", "continue", state="paused")
    card = card_of(film, a_shot_job(film, 1, "failed", failure=Failure(kind="unknown"), charged_microusd=0))
    assert ids_of(card) == ["retry", "edit", "skip", "stop"]


def test_a_finished_film_comes_before_its_parts() -> None:
    """The film is first; the list has each shot with its price, and what it cost is the sum."""
    posted = PostedVideo(9_000_000, file_name="film.mp4")
    film = a_film("cut", "continue", state="done", joined=JOINED, posted=posted)
    card = card_of(film, made(film, 1), made(film, 2, charged_microusd=400_000))
    assert [item.source for item in card.media] == ["attachment://film.mp4"]
    assert len(card.parts) == 2
    assert (card.price, card.quoted) == ("$0.90", "$1.00")
    assert [choice.label for choice in card.selects[0].choices] == ["Shot 1 · $0.50", "Shot 2 · $0.50"]
    assert ids_of(card)[:2] == ["continue", "recipe"]
    assert "15 s" in card.size


def test_a_shot_made_again_is_no_other_price_than_agreed() -> None:
    """What it cost before is in the sum, and the card compares that with nothing."""
    posted = PostedVideo(9_000_000, file_name="film.mp4")
    film = a_film("cut", "cut", state="done", joined=JOINED, posted=posted)
    former = replace(made(film, 1), id="f" * 26, quote_microusd=500_000)
    card = card_of(film, made(film, 1), made(film, 2), former)
    assert (card.price, card.quoted) == ("$1.50", "")
    stopped = replace(former, state="cancelled", charged_microusd=0)
    card = card_of(film, made(film, 1), made(film, 2), stopped)
    assert (card.price, card.quoted) == ("$1.00", "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"why": "join"}, "couldn't be joined"),
        ({"joined": JOINED, "posted": PostedVideo(9_000_000, "too_large")}, "The film (8.6 MB) couldn't be attached"),
    ],
)
def test_without_the_film_its_parts_stay_reachable(changes: dict[str, Any], said: str) -> None:
    """What cannot be joined or attached is said, and the shots are there one by one."""
    film = a_film("cut", "cut", state="done", **changes)
    card = card_of(film, made(film, 1), made(film, 2))
    assert said in card.body
    assert card.media == ()
    assert len(card.parts) == 2


def test_a_shot_of_an_earlier_film_is_a_link() -> None:
    """A continued film names the message where the shot is; its file is no part of this message."""
    film = a_film("cut", "cut")
    old = replace(made(film, 1), part=None)
    card = film_card(film, {old.id: replace(old, address=replace(old.address, message_id=99))}, {}, now=NOW)
    assert "[made before](https://discord.com/channels/" in card.body
    assert card.parts == ()


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (Live(), "**Joining the shots…**"),
        (Live(fraction=0.5), "▰▰▰▰▰▰▱▱▱▱▱▱ **50 %** · **Joining the shots…**"),
    ],
    ids=["begun", "half done"],
)
def test_a_film_says_how_far_its_joining_is(live: Live, words: str) -> None:
    """Joining takes up to a minute, in which nothing else on the card moves."""
    film = a_film("cut", "cut", state="joining")
    jobs = {job.id: job for job in (a_shot_job(film, number) for number in (1, 2))}
    assert film_card(film, jobs, {film.id: live}, now=NOW).body.endswith(f"\n{words}")


def test_a_film_that_waits_is_asked_about_once() -> None:
    """One question for the film, below the shot that stands for it."""
    film = a_film("cut", "cut", state="waiting")
    card = card_of(film, a_shot_job(film, 1, "waiting", approve_by=NOW + 60))
    assert "**Waiting for approval**" in card.body
    assert [button.label for button in card.buttons] == ["Approve", "Decline", "Cancel"]


@pytest.mark.parametrize("state", ["waiting", "making", "paused", "joining", "posting", "done", "cancelled"])
def test_a_card_keeps_discords_limits_and_escapes(state: FilmState) -> None:
    """Eight shots with any prompt are at most 4,000 characters, five buttons, and mention and format nothing."""
    prompt = "**@everyone** <@1> `x` " + "*" * 5000
    film = a_film(
        "cut",
        "cut",
        "cut",
        "cut",
        "cut",
        "cut",
        "cut",
        "cut",
        state=state,
        joined=JOINED,
        posted=PostedVideo(1, file_name="film.mp4"),
    )
    takes = tuple(replace(take, shot=a_shot(n, prompt=prompt)) for n, take in enumerate(film.takes))
    film = replace(film, takes=takes)
    jobs = [a_shot_job(film, n, "failed", failure=Failure(kind="unknown"), charged_microusd=0) for n in range(1, 9)]
    card = card_of(film, *jobs)
    texts = layout_texts(card)
    assert len(texts.heading) + len(texts.below) + len(texts.small) <= 4000
    assert len(card.buttons) <= 5
    assert "<@1>" not in texts.below
    assert "**@" not in texts.below
    assert all(len(choice.description) <= 100 for select in card.selects for choice in select.choices)
    assert card == card_of(film, *jobs)


def test_the_question_before_a_shot_is_made_again() -> None:
    """Each way has its price; those with what follows are there only where something does."""
    film = a_film("cut", "continue", "continue", "cut")
    card = redo_card(film, 1, {"one": 500_000, "rest": 1_500_000})
    assert [button.label for button in card.buttons] == [
        "New seed · $0.50",
        "Edit · $0.50",
        "New seed, shots 2 and 3 too · $1.50",
        "Edit, shots 2 and 3 too · $1.50",
    ]
    assert "Shots 2 and 3 follow from its last frame." in card.description
    assert card.buttons[2].custom_id == f"wanda:redo:seed:rest:{FILM_ID}:00000001:1500000"
    assert len(redo_card(film, 4, {"one": 500_000}).buttons) == 2
