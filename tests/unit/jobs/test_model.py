"""What follows from a job's values: the same in every text, file name and decision."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.jobs.machine import is_cancellable
from bot.jobs.model import Job, Result, State, card_url, rewritten_prompt_of, seed_of
from tests.support.job_samples import a_job


def _made(options: Mapping[str, object], *, seed: int | None = None, actual_prompt: str | None = None) -> Job:
    result = Result(url="https://v3.fal.media/x.mp4", seed=seed, actual_prompt=actual_prompt)
    return replace(a_job(state="done", result=result), options=options)


@pytest.mark.parametrize(("reported", "asked", "seed"), [(7, 5, 7), (0, 5, 0), (None, 5, 5), (None, None, None)])
def test_the_seed_that_fal_reported_goes_before_the_one_asked_for(
    reported: int | None, asked: int | None, seed: int | None
) -> None:
    """A seed of 0 is a seed."""
    assert seed_of(_made({} if asked is None else {"seed": asked}, seed=reported)) == seed


@pytest.mark.parametrize(
    ("actual", "rewritten"),
    [("a grey cat walks", "a grey cat walks"), ("a cat", None), ("", None), (" \n", None), (None, None)],
)
def test_a_prompt_is_rewritten_only_when_fal_tells_other_words(actual: str | None, rewritten: str | None) -> None:
    """Blank text counts as none."""
    assert rewritten_prompt_of(_made({"prompt": "a cat"}, actual_prompt=actual)) == rewritten


@pytest.mark.parametrize("state", ["waiting", "accepted", "submitting", "queued", "running"])
def test_a_job_can_be_cancelled_until_the_video_is_made(state: State) -> None:
    """A job can be cancelled even after it was submitted; the result decides."""
    assert is_cancellable(a_job(state=state, cancel_requested=True))


@pytest.mark.parametrize("state", ["fetching", "delivering", "done", "failed", "cancelled", "uncertain"])
def test_a_made_or_ended_job_cannot_be_cancelled(state: State) -> None:
    """It cannot, because fal has billed it or nothing runs any more."""
    assert not is_cancellable(a_job(state=state))


def test_a_message_in_a_server_and_one_in_a_direct_message_have_an_address() -> None:
    """Discord writes @me where a server's id would stand."""
    job = a_job()
    where = f"{job.address.channel_id}/{job.address.message_id}"
    assert card_url(replace(job, guild_id=12)) == f"https://discord.com/channels/12/{where}"
    assert card_url(replace(job, guild_id=0)) == f"https://discord.com/channels/@me/{where}"
