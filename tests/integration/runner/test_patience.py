"""The last steps of a paid job are tried again for as long as fal keeps the video."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from bot.jobs import erasure, events, queries
from bot.jobs.model import Handle, Job, LinkReason
from bot.jobs.rows import body_of
from bot.ledger.audit import verify
from bot.runner.delivery import LATE_AT_ONCE
from bot.runner.runner import Runner
from bot.storage.transaction import One, Transaction
from tests.integration.runner.test_adversarial import held
from tests.integration.runner.test_holds_end import stored
from tests.support.runner_rig import ForgetFiles, RunnerRig, make_runner, wait_for

VIDEO = {"video": {"url": "https://v3.fal.media/files/out.mp4"}, "seed": 7}
INTERNAL = {"detail": "Internal Server Error"}


def another(rig: RunnerRig, *, forget_files: ForgetFiles | None = None, **jobs: Any) -> Runner:
    """Return a runner beside the rig's, with other settings."""
    settings = rig.settings.model_copy(update={"jobs": rig.settings.jobs.model_copy(update=jobs)})
    runner = make_runner(settings, rig.store, rig.http, rig.cards, member_microusd=5_000_000, forget_files=forget_files)
    rig.others.append(runner)
    return runner


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, INTERNAL),
        (503, "upstream connect error"),
        (404, {"status": "NOT_FOUND"}),
        (401, {"detail": "No user found for Key ID and Secret"}),
        (200, "<html>down for maintenance</html>"),
    ],
)
async def test_a_fault_of_the_route_of_results(rig: RunnerRig, status: int, body: Any) -> None:
    """A passing fault of the route that hands out results is not the job's failure: the video is posted, paid once."""
    await rig.fault(at="result", status=status, body=body, times=4)
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, await held(rig, job)) == ("done", {(0, 200_000)})
    assert await rig.store.read(verify()) == []


async def test_an_error_that_stays_is_believed(rig: RunnerRig) -> None:
    """A 500 without fal's own name for it is believed after a while: the job fails, and its hold is released."""
    await rig.fault(at="result", status=500, body=INTERNAL, times=100_000)
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, await held(rig, job)) == ("failed", {(0, 0)})


async def test_an_answer_without_a_video_is_told_as_that(rig: RunnerRig) -> None:
    """A success without an address of a video is uncertain, and the reason is fal's answer."""
    await rig.fault(at="result", status=200, body={"video": {}}, times=100_000)
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.failure and job.failure.kind, job.charged_microusd) == ("uncertain", "senseless", 0)


async def made_at_fal(rig: RunnerRig) -> Handle:
    """Have fal finish a video, and return the request."""
    await rig.runner.accept(await rig.order("b" * 32))
    job = await rig.until(lambda job: job.told, "b" * 32)
    assert job.handle is not None
    return job.handle


async def test_a_machine_that_slept_asks_once_more(rig: RunnerRig) -> None:
    """A job whose deadline passed while the machine was off is asked about before it is given up."""
    handle = await made_at_fal(rig)
    await stored(rig, age_s=3 * 86_400, events=(events.Uploaded(()), events.Submitted(handle)))
    await another(rig, recheck_s=0.05).start()
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.charged_microusd) == ("done", 200_000)


async def test_a_job_that_is_still_not_done_is_given_up_as_that(rig: RunnerRig) -> None:
    """If fal still works on it after the deadline, the job is uncertain, and the reason is that it took too long."""
    (await rig.http.post(f"{rig.fal.url}/sandbox/settings", json={"seconds_per_job": 60})).raise_for_status()
    await another(rig, deadline_s=0.5).accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.failure and job.failure.kind) == ("uncertain", "unfinished")


async def test_a_result_is_waited_for_across_restarts(rig: RunnerRig) -> None:
    """While fal is down the job stays at its result, and a later start goes on asking."""
    await rig.fault(at="result", status=503, body="", times=100_000)
    await rig.runner.accept(await rig.order())
    await rig.until(lambda job: job.state == "fetching")
    await rig.runner.stop()
    (await rig.http.delete(f"{rig.fal.url}/sandbox/faults")).raise_for_status()
    before = time.time()
    await another(rig).start()
    job = await rig.until(lambda job: job.told)
    assert job.state == "done"
    assert job.completed_at is not None
    assert job.completed_at < before


async def test_a_passing_fault_of_the_storage(rig: RunnerRig) -> None:
    """While fal's storage does not hand the video over, it is asked again before a link is posted."""
    rig.cards.missing = ["not_fetched"] * 3
    await another(rig, link_after_s=60).accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.late_at, rig.cards.links) == ("done", None, [])


async def test_a_link_is_replaced_by_the_video(rig: RunnerRig) -> None:
    """If the video stays away its link is posted and the money is settled; when it comes, it replaces the link."""
    rig.cards.missing = ["not_fetched"] * 1000
    runner = another(rig)
    await runner.start()
    await runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, rig.cards.links, job.late_at is not None) == ("done", ["not_fetched"], True)
    # The link had to be posted as a new message, which the interaction's token cannot edit.
    assert (job.address.message_id, job.address.token_expires_at) == (99, 0.0)
    assert await held(rig, job) == {(0, 200_000)}
    rig.cards.missing.clear()
    job = await rig.until(lambda job: job.late_at is None)
    assert (job.state, job.address.message_id, len(rig.cards.replaced)) == ("done", 100, 1)
    assert (await held(rig, job), len(rig.cards.delivered)) == ({(0, 200_000)}, 1)
    assert await rig.store.read(verify()) == []


async def test_a_late_video_is_brought_after_a_restart(rig: RunnerRig) -> None:
    """A link that one process posted is replaced by the next."""
    rig.cards.missing = ["no_room"] * 1000
    await rig.runner.accept(await rig.order())
    await rig.until(lambda job: job.told)
    await rig.runner.stop()
    rig.cards.missing.clear()
    assert await another(rig).start() == 0
    await rig.until(lambda job: job.late_at is None)
    assert len(rig.cards.replaced) == 1


async def test_what_cannot_change_is_not_tried_again(rig: RunnerRig) -> None:
    """A video too large for Discord is linked once and for all."""
    rig.cards.missing = ["too_large"]
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.late_at) == ("done", None)


async def test_patience_ends(rig: RunnerRig) -> None:
    """When fal no longer keeps the video, nothing is tried any more."""
    rig.cards.missing = ["not_fetched"] * 1000
    runner = another(rig, paid_patience_s=0.5, link_after_s=0)
    await runner.start()
    await runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told and job.late_at is None)
    assert (job.state, rig.cards.replaced) == ("done", [])


async def test_a_closed_channel(rig: RunnerRig) -> None:
    """A video whose channel takes nothing goes to its member, and the job is done."""
    rig.cards.forbidden = True
    await rig.runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.failure, job.charged_microusd) == ("done", None, 200_000)
    assert job.mailed is not None
    assert (job.mailed.guild_id, job.mailed.message_id) == (0, 301)


async def test_a_closed_channel_and_a_deaf_member(rig: RunnerRig) -> None:
    """A video that reaches nobody is tried again, and posted when the channel is open; it is paid once."""
    rig.cards.forbidden = rig.cards.deaf = True
    runner = another(rig)
    await runner.start()
    await runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.failure and job.failure.kind) == ("failed", "undeliverable")
    rig.cards.forbidden = False
    job = await rig.until(lambda job: job.state == "done")
    assert (job.failure, job.late_at, await held(rig, job)) == (None, None, {(0, 200_000)})
    assert await rig.store.read(verify()) == []


async def test_a_result_that_does_not_play(rig: RunnerRig) -> None:
    """What is no video that plays is not posted as done; if fal's storage has a good one later, that is."""
    rig.cards.missing = ["unplayable"]
    runner = another(rig)
    await runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert (job.state, job.failure and job.failure.kind, rig.cards.delivered) == ("failed", "unplayable", [])
    await runner.start()
    assert (await rig.until(lambda job: job.state == "done")).failure is None


async def test_a_lost_link_by_direct_message_is_followed_by_the_video(rig: RunnerRig) -> None:
    """A member who got only the link by direct message gets the video there when it comes."""
    rig.cards.forbidden = True
    rig.cards.missing = ["not_fetched"] * 1000
    runner = another(rig)
    await runner.start()
    await runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told)
    assert job.late_at is not None
    rig.cards.missing.clear()
    job = await rig.until(lambda job: job.late_at is None)
    assert job.mailed is not None
    assert (job.state, job.mailed.message_id) == ("done", 302)


async def test_patience_ends_for_a_video_that_reaches_nobody(rig: RunnerRig) -> None:
    """Channel and member are tried with growing waits, and no more when fal no longer keeps the video."""
    rig.cards.forbidden = rig.cards.deaf = True
    runner = another(rig, paid_patience_s=0.5)
    await runner.start()
    await runner.accept(await rig.order())
    job = await rig.until(lambda job: job.told and job.late_at is None)
    assert (job.state, job.failure and job.failure.kind) == ("failed", "undeliverable")


async def linked(rig: RunnerRig, **jobs: Any) -> Runner:
    """Have a runner post the link of a video that stays away, and return the runner."""
    rig.cards.missing = ["not_fetched"] * 1000
    runner = another(rig, link_after_s=0, **jobs)
    await runner.start()
    await runner.accept(await rig.order())
    await rig.until(lambda job: job.told)
    return runner


def unreadable_late_job() -> Transaction[None]:
    """Store a job with a late video whose body cannot be read."""
    yield One(
        "INSERT INTO jobs (id, guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, created_at, "
        "late_at, version, body) VALUES ($1, 1, 2, 3, 4, 'wan27-image', 'done', 1, '', 0, 0, 1, '{}')",
        ("c" * 32,),
    )


async def test_a_row_that_cannot_be_read_keeps_no_late_video_away(rig: RunnerRig) -> None:
    """A late job that cannot be read is passed over, and the others are brought."""
    await rig.store.write(unreadable_late_job())
    await linked(rig)
    rig.cards.missing.clear()
    await rig.until(lambda job: job.late_at is None)
    assert len(rig.cards.replaced) == 1


async def test_a_defect_is_not_tried_at_once_for_ever(rig: RunnerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A try that ends in a defect is put off like any other, until fal no longer keeps the video."""
    await linked(rig, paid_patience_s=1.0)

    async def fail(_job: Job) -> LinkReason | None:
        raise ValueError("a defect")

    monkeypatch.setattr(rig.cards, "prepare", fail)
    assert (await rig.until(lambda job: job.late_at is None)).state == "done"


async def test_nothing_is_brought_after_a_deletion(rig: RunnerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the member has their data deleted while a late video is fetched, it is not posted and its file goes."""
    begun, go_on, forgotten = asyncio.Event(), asyncio.Event(), list[str]()

    async def prepare(_job: Job) -> LinkReason | None:
        begun.set()
        await go_on.wait()
        return None

    async def forget_files(job_id: str) -> None:
        forgotten.append(job_id)

    runner = another(rig, forget_files=forget_files, link_after_s=0)
    rig.cards.missing = ["not_fetched"] * 1000
    await runner.start()
    await runner.accept(await rig.order())
    await rig.until(lambda job: job.told)
    monkeypatch.setattr(rig.cards, "prepare", prepare)
    async with asyncio.timeout(10):
        await begun.wait()
    await rig.store.write(erasure.forget_member(2, at=0.0))
    go_on.set()

    async def look() -> list[str] | None:
        return forgotten or None

    assert await wait_for(look) == ["a" * 32]
    assert rig.cards.replaced == []


async def test_a_video_that_comes_after_its_files_were_removed(rig: RunnerRig) -> None:
    """A late try may fetch the video after its time to be kept; then retention removes it again."""
    await linked(rig)
    await rig.store.write(erasure.note_files_removed("a" * 32, at=time.time()))
    rig.cards.missing.clear()
    await rig.until(lambda job: job.late_at is None)
    assert await rig.store.read(queries.expired_job_ids(time.time() + 9, limit=9)) == ("a" * 32,)


async def test_members_take_turns_with_late_videos(rig: RunnerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many slow tries of one member as there are places keep nobody else's late video away."""
    runner = another(rig, link_after_s=0)
    rig.cards.missing = ["not_fetched"] * 1000
    await runner.accept(await rig.order())
    await rig.until(lambda job: job.told)
    for number in range(LATE_AT_ONCE):
        await rig.store.write(late_copy(await rig.job(), f"{number:032}"))

    async def prepare(job: Job) -> LinkReason | None:
        if job.member_id != 2:
            await asyncio.Event().wait()
        return None

    monkeypatch.setattr(rig.cards, "prepare", prepare)
    await runner.start()
    assert (await rig.until(lambda job: job.late_at is None)).state == "done"


def late_copy(job: Job, job_id: str) -> Transaction[None]:
    """Store a job like this one of another member, whose video is late for longer."""
    copy = replace(job, id=job_id, member_id=3, late_at=1.0)
    yield One(
        "INSERT INTO jobs (id, guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, created_at, "
        "late_at, version, body) VALUES ($1, 1, 2, 3, 3, 'wan27-image', 'done', 1, '', 0, 1, 1, $2)",
        (job_id, body_of(copy)),
    )
