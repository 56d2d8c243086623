"""What people read below and around a finished video."""

import re
from dataclasses import replace

import pytest

from bot.catalogue.mode import Mode
from bot.catalogue.registry import MODES
from bot.jobs.model import Failure, Input, Result, State
from bot.jobs.rerun import resolutions
from bot.texts import button_ids, finished
from bot.texts.form_fields import option_hint, option_label
from tests.support.job_samples import RESULT, a_job

PICTURE = Input(
    option="image", path="inputs/x/image.png", file_name="la*ke.png", kind="image", format="png", size_bytes=9
)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.id)
def test_the_other_settings(mode: type[Mode]) -> None:
    """Draft is offered above the cheapest resolution and Final below the best, each named; a middle one has both."""
    known = resolutions(mode.id)
    for resolution in known:
        job = a_job(mode=mode.id, options={"resolution": resolution})
        labels = [button.label for button in finished.more_buttons(job, {})]
        assert (f"Draft ({known[0]})" in labels) == (resolution != known[0])
        assert (f"Final ({known[-1]})" in labels) == (resolution != known[-1])
        assert len(labels) <= 10


def test_another_resolution_says_its_price() -> None:
    """Draft and Final cost something else than the card says, so each has its price, where it is known."""
    job = a_job(mode="wan25-image", options={"resolution": "720p"})
    labels = [button.label for button in finished.more_buttons(job, {"480p": 250_000})]
    assert "Draft (480p) · $0.25" in labels
    assert "Final (1080p)" in labels


def test_the_hint_of_a_prompt() -> None:
    """Only where Wan rewrote the prompt is there a rewritten one to use again."""
    asked = {"prompt": "a lake"}
    assert finished.edit_hint("prompt", a_job(options=asked)) is None
    rewritten = a_job(options=asked, result=Result(url="", actual_prompt="a calm lake"))
    assert finished.edit_hint("prompt", rewritten) == finished.REWRITTEN_HINT


def test_the_ids_lead_back_to_the_job() -> None:
    """Every button's id is within Discord's 100 characters, and its template reads the job from it."""
    job = a_job()
    for button in (*finished.finished_buttons(job), *finished.more_buttons(job, {})):
        found = re.fullmatch(button_ids.RESULT_TEMPLATE, button.custom_id)
        assert found is not None
        assert found["job_id"] == job.id
        assert len(button.custom_id) <= 100
    for button in finished.answer_buttons(job.id, 2**63, needs_approval=True):
        found = re.fullmatch(button_ids.PUBLIC_ANSWER_TEMPLATE, button.custom_id)
        assert found is not None
        assert (found["order_id"], found["member_id"]) == (job.id, str(2**63))
        assert len(button.custom_id) <= 100


def test_a_mode_that_is_gone() -> None:
    """A job of a mode that the catalogue no longer has keeps its buttons, without another setting."""
    job = a_job(mode="wan1-image")
    labels = [button.label for button in (*finished.finished_buttons(job), *finished.more_buttons(job, {}))]
    assert labels == [
        *("Rerun", "Variations", "Edit", "Continue", "More…"),
        *("New seed", "Restyle", "Change video", "Share", "DM me", "Delete"),
    ]


@pytest.mark.parametrize(("seconds", "is_offered"), [(1.03, False), (2.0, True), (15.0, True), (None, True)])
def test_a_video_that_is_too_short_to_change(seconds: float | None, is_offered: bool) -> None:
    """Wan 2.7 changes nothing shorter than 2 s; of a longer one it changes the first 10 s, which the form prices."""
    job = a_job(result=Result(url="", seconds=seconds))
    labels = [button.label for button in finished.more_buttons(job, {})]
    assert ("Change video" in labels) == is_offered
    assert finished.change_s(job) == (10.0 if seconds == 15.0 else seconds)


def test_a_whole_clip_of_unknown_length_is_continued_as_far_as_possible() -> None:
    """A duration of 0 is no length: without fal's own figure a continuation is as long as can be."""
    options = {"prompt": "x", "resolution": "720p", "duration": 0}
    assert finished.continuation_s(a_job(mode="wan27-edit", options=options, result=Result(url=""))) == 15
    assert finished.continuation_s(a_job(mode="wan27-edit", options=options, result=Result(url="", seconds=4.2))) == 10


def test_only_what_is_answered_is_offered() -> None:
    """At most five actions stand below a video, each with an emoji."""
    job = a_job()
    assert len(finished.finished_buttons(job)) <= 5
    for button in (*finished.finished_buttons(job), *finished.more_buttons(job, {})):
        assert button.emoji


def test_files_that_are_no_longer_kept() -> None:
    """The sentence names the file harmlessly, says how long files are kept and how to give it again."""
    said = finished.inputs_not_kept(a_job(inputs=(PICTURE,)), [PICTURE], 30)
    assert "“la\\*ke.png” is gone, because Wanda keeps files for 30 days" in said
    assert "30 days" in said
    assert "`/wan27 image`" in said


def test_what_a_message_may_hold() -> None:
    """Every form's texts are within Discord's limits: 45 characters of label, 100 of hint."""
    for mode in MODES:
        for name, spec in mode.specs().items():
            assert len(option_label(name)) <= 45
            assert 1 <= len(option_hint(spec)) <= 100
            assert "e+" not in option_hint(spec), "a bound as people do not write it"
    for hint in (*finished.EDIT_HINTS.values(), *finished.CLIP_HINTS.values(), finished.TOTAL_HINT, finished.LONGER):
        assert len(hint) <= 100


@pytest.mark.parametrize(("seconds", "total"), [(None, 10), (2.0, 7), (5.04, 11), (10.0, 15), (15.0, 15)])
def test_how_long_a_continuation_is(seconds: float | None, total: int) -> None:
    """Five seconds are added to the clip, of which ten count at most, as far as there is room for."""
    result = None if seconds is None else type(RESULT)(url=RESULT.url, seconds=seconds)
    assert finished.continuation_s(a_job(result=result, options={"duration": 5})) == total


def test_a_video_by_direct_message() -> None:
    """Without the file the member gets fal's link, unless that is none."""
    assert RESULT.url in finished.mail_text(a_job(result=RESULT), attached=False, is_cut=False)
    hostile = type(RESULT)(url="javascript:x @everyone")
    assert "@everyone" not in finished.mail_text(a_job(result=hostile), attached=False, is_cut=False)


@pytest.mark.parametrize("state", ["failed", "cancelled", "uncertain"])
def test_a_video_that_was_not_made_can_be_tried_again(state: State) -> None:
    """Whatever ended without a video has Try again and Edit; one that was made and not posted is not made anew."""
    ended = a_job(state=state, failure=Failure(kind="declined"))
    assert [button.label for button in finished.ended_buttons(ended)] == ["Try again", "Edit"]
    made = replace(ended, state="failed", result=RESULT, failure=Failure(kind="undeliverable"))
    assert finished.ended_buttons(made) == ()


@pytest.mark.parametrize("state", ["waiting", "accepted", "submitting", "running", "fetching", "delivering"])
def test_a_video_in_the_making_is_not_tried_again(state: State) -> None:
    """While the money of a job is not closed, nothing is offered in its place."""
    assert finished.ended_buttons(a_job(state=state)) == ()
