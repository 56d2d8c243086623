from dataclasses import replace
from typing import Any

from bot.jobs.model import Failure, Job, Live, PostedVideo, Variation
from bot.texts.card import JobCard
from bot.texts.set_card import AGAIN, pick_card, set_card
from tests.support.job_samples import ADDRESS, JOB_ID, NOW, RESULT, a_job


def one_of(number: int, **changes: Any) -> Job:
    """Return one of three variations."""
    place = Variation(set_id=JOB_ID, number=number, of=3, message_id=ADDRESS.message_id)
    options = {"prompt": "a *lake*", "resolution": "720p", "duration": 5, "seed": 6 + number}
    job = a_job(id=f"{number:032x}", options=options, quote_microusd=500_000, formula="5 s × $0.10", variation=place)
    return replace(job, **changes)


def ready(number: int, **changes: Any) -> Job:
    """Return one whose video is in the message."""
    posted = PostedVideo(1000, file_name=f"v-{number}.mp4")
    made = {"state": "done", "result": replace(RESULT, seed=6 + number), "posted": posted, "charged_microusd": 500_000}
    return one_of(number, **{**made, **changes})


def card_of(*jobs: Job, **lives: Live) -> JobCard:
    """Return the card of these."""
    known = {int(name[1:]): live for name, live in lives.items()}
    return set_card(jobs, known, now=NOW + 20, mode_title="Wan 2.7 image", settings=[("Resolution", "720p")])


def test_progress_of_each() -> None:
    """Each has a line; what is ready is in the gallery; there is one Cancel for all, and no choice yet."""
    card = card_of(ready(1), one_of(2, state="running", started_at=NOW), one_of(3, state="queued"), _3=Live(position=2))
    lines = card.body.splitlines()
    assert lines[0] == "**1** · Ready · seed 7"
    assert "Making the video" in lines[1]
    assert "2 ahead" in lines[2]
    assert [item.source for item in card.media] == ["attachment://v-1.mp4"]
    assert [button.custom_id for button in card.buttons] == [f"wanda:all:cancel:{JOB_ID}"]
    assert card.selects == ()
    assert (card.job_id, card.price, card.heading) == (JOB_ID, "$1.50 for 3", "a \\*lake\\*")


def test_what_can_be_done_with_finished_ones() -> None:
    """Final of each that is ready, and a list to choose from; a failed one only says why."""
    failed = one_of(3, state="failed", failure=Failure(kind="content_policy_violation", status=422), charged_microusd=0)
    card = card_of(ready(1), ready(2), failed)
    assert [button.label for button in card.buttons] == ["Final 1", "Final 2"]
    (select,) = card.selects
    assert [(choice.label, choice.value) for choice in select.choices] == [
        ("Video 1 · seed 7", "1"),
        ("Video 2 · seed 8", "2"),
        ("3 more variations · $1.50", AGAIN),
    ]
    assert "**3** · **No video.**" in card.body


def test_the_price_says_of_how_many_it_is() -> None:
    """What cost nothing and gave nothing is not counted: two of three that were made are "$1.00 for 2 of 3"."""
    free = one_of(3, state="failed", failure=Failure(kind="content_policy_violation", status=422), charged_microusd=0)
    assert card_of(ready(1), ready(2), free).price == "$1.00 for 2 of 3"
    assert card_of(ready(1), ready(2), replace(free, charged_microusd=500_000)).price == "$1.50 for 3"
    assert card_of(ready(1), one_of(2, state="queued"), free).price == "$1.00 for 2 of 3"
    assert card_of(ready(1), replace(ready(2), charged_microusd=0), ready(3)).price == "$1.00 for 3"


def test_at_the_highest_resolution_there_is_no_final() -> None:
    """What is the largest already cannot be made larger."""
    options = {"prompt": "a lake", "resolution": "1080p", "duration": 5, "seed": 7}
    assert card_of(ready(1, options=options)).buttons == ()


def test_those_that_are_not_in_the_message() -> None:
    """A linked one has fal's link, and one with a message of its own a link to that; neither is in the gallery."""
    linked = ready(1, posted=PostedVideo(1000, "too_large"))
    elsewhere = ready(2, address=replace(ADDRESS, message_id=99))
    card = card_of(linked, elsewhere)
    assert "couldn't be attached: [fal's file](https://v3.fal.media/files/x.mp4)" in card.body
    assert "[posted by itself](https://discord.com/channels/1/20/99)" in card.body
    assert card.media == ()


def test_waiting_for_approval() -> None:
    """One pair of buttons decides on all of them."""
    card = card_of(*(one_of(number, state="waiting", approve_by=NOW + 60) for number in (1, 2, 3)))
    assert [button.label for button in card.buttons] == ["Approve", "Decline", "Cancel"]


def test_a_set_without_a_video_offers_nothing() -> None:
    """Nothing can be picked of what was cancelled."""
    card = card_of(*(one_of(number, state="cancelled", charged_microusd=0) for number in (1, 2, 3)))
    assert (card.selects, card.buttons, card.price) == ((), (), "$0.00 for 3")


def test_the_pick() -> None:
    """The private answer has what a finished video has, but nothing that is about its message."""
    labels = {button.label for button in pick_card(ready(2), {}).buttons}
    assert {"Rerun", "Variations", "Edit", "Continue", "Restyle"} <= labels
    assert not {"More…", "Delete", "Share"} & labels
