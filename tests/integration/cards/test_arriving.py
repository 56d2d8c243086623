"""A video goes to Discord as it comes from fal, or after that; either way once, and only whole."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any

from bot.jobs.model import Job, LinkReason
from bot.runner.cards_port import Posted
from tests.support.media_samples import mp4

WITHIN_S = 20.0
REST = 2_000_000
VIDEO = mp4(0.5) + REST.to_bytes(4, "big") + b"free" + bytes(REST - 8)
NAME = "wanda-wan27-image-42.mp4"
Stage = Any  # tests/integration/cards/conftest.py: test folders are not packages


@asynccontextmanager
async def arriving(stage: Stage, job: Job) -> AsyncGenerator[asyncio.Task[LinkReason | None]]:
    """Yield the download of which half has come; the test says how the other half ends."""
    half = stage.fake.second_half = asyncio.get_running_loop().create_future()
    fetching = asyncio.create_task(stage.cards.fetch(job))
    try:
        async with asyncio.timeout(WITHIN_S):
            await stage.fake.half_sent.wait()
            yield fetching
    finally:
        half.cancel()  # the server waits for its answers when it is stopped
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)


def posted(stage: Stage, job: Job) -> asyncio.Task[Posted | None]:
    """Begin to post the video while it arrives."""
    return asyncio.create_task(stage.cards.deliver_arriving(job, nullcontext()))


def left(stage: Stage) -> dict[str, bytes]:
    """Return the files among the results."""
    return {one.name: one.read_bytes() for one in (stage.settings.storage.data_dir / "results").iterdir()}


async def test_a_video_is_sent_as_it_comes(stage: Stage) -> None:
    """The upload begins before the download ends; when all of it has come, the card and the disk have the video."""
    stage.fake.video, job = VIDEO, stage.job()
    async with arriving(stage, job) as fetching:
        posting = posted(stage, job)
        await stage.fake.request_begun.wait()
        assert (fetching.done(), stage.fake.asked) == (False, [])
        stage.fake.second_half.set_result(True)
        delivered = await posting
        assert await fetching is None
    (asked,) = stage.fake.asked
    assert asked.files == [(NAME, len(VIDEO))]
    assert delivered is not None
    assert delivered.video is not None
    assert (delivered.reason, delivered.video.size_bytes, delivered.video.file_name) == (None, len(VIDEO), NAME)
    assert left(stage) == {f"{job.id}.mp4": VIDEO}
    assert stage.fake.video_hits == 1


async def test_what_breaks_off_is_posted_once_it_is_whole(stage: Stage) -> None:
    """A download that breaks ends the upload, which changes nothing; the next download is posted when it is there."""
    stage.fake.video, job = VIDEO, stage.job()
    async with arriving(stage, job) as fetching:
        posting = posted(stage, job)
        await stage.fake.request_begun.wait()
        stage.fake.second_half.set_result(False)
        assert await posting is None
        assert await fetching is None
        assert stage.slept == []
    assert stage.fake.asked == []
    assert (await stage.cards.deliver(job)).reason is None
    assert [asked.files for asked in stage.fake.asked] == [[(NAME, len(VIDEO))]]


async def refused(stage: Stage, job: Job, reply: tuple[int, dict[str, Any]]) -> None:
    """Have Discord refuse the video that arrives, with this answer; return once it is downloaded."""
    stage.fake.video = VIDEO
    stage.fake.replies = {"PATCH /webhooks": [reply], "PATCH /channels": [reply]}
    async with arriving(stage, job) as fetching:
        posting = posted(stage, job)
        await stage.fake.request_begun.wait()
        stage.fake.second_half.set_result(True)
        assert await posting is None
        assert await fetching is None
    stage.fake.replies = {}


async def test_what_discord_does_not_take_is_delivered_as_ever(stage: Stage) -> None:
    """Whatever Discord says of a video that arrives, it is downloaded to its end, and the usual delivery follows."""
    job = stage.job()
    await refused(stage, job, (403, {"code": 50013}))
    assert await stage.cards.prepare(job) is None
    assert (await stage.cards.deliver(job)).reason is None
    assert stage.fake.asked[-1].files == [(NAME, len(VIDEO))]


async def test_a_size_that_discord_refuses_is_not_sent_again(stage: Stage) -> None:
    """A video that was too large for Discord while it arrived is made smaller before it is sent again."""
    job, stage.shrinker.can = stage.job(), True
    await refused(stage, job, (413, {"code": 40005, "message": "Request entity too large"}))
    assert await stage.cards.prepare(job) is None
    assert (await stage.cards.deliver(job)).reason is None
    sizes = [size for asked in stage.fake.asked for _, size in asked.files]
    assert sizes == [len(VIDEO), int(len(VIDEO) * 0.7)]


async def test_a_download_keeps_no_other_card_waiting(stage: Stage) -> None:
    """A video that arrives is sent by the interaction's token, once; the bot's own, which a channel shares, waits."""
    stage.fake.video, job = VIDEO, stage.job()
    now, stage.now = stage.now, job.address.token_expires_at
    async with arriving(stage, job) as fetching:
        assert await stage.cards.deliver_arriving(job, nullcontext()) is None
        stage.now = now
        stage.fake.replies["PATCH /webhooks"] = [None]
        posting = posted(stage, job)
        stage.fake.second_half.set_result(True)
        assert await posting is None
        assert await fetching is None
    assert [asked.path.split("/")[1] for asked in stage.fake.asked] == ["webhooks"]
    assert stage.slept == []


async def test_what_began_anew_before_its_turn_is_not_taken_for_the_first(stage: Stage) -> None:
    """The download broke while its upload waited for a turn: the next one may have brought another file."""
    stage.fake.video, job = VIDEO, stage.job()

    @asynccontextmanager
    async def after_the_download(fetching: asyncio.Task[LinkReason | None]) -> AsyncGenerator[None]:
        stage.fake.video = VIDEO + (8).to_bytes(4, "big") + b"free"
        stage.fake.second_half.set_result(False)
        assert await fetching is None
        yield

    async with arriving(stage, job) as fetching:
        assert await stage.cards.deliver_arriving(job, after_the_download(fetching)) is None
    assert stage.fake.asked == []
    await stage.cards.deliver(job)
    assert [asked.files for asked in stage.fake.asked] == [[(NAME, len(VIDEO) + 8)]]


async def test_only_what_fits_and_surely_plays_is_sent_as_it_comes(stage: Stage) -> None:
    """A file above the limit, and one that must be looked at first, is waited for."""
    stage.fake.video, job = VIDEO, stage.job()
    small = replace(job, address=replace(job.address, size_limit_bytes=len(VIDEO) - 1))
    async with arriving(stage, job) as fetching:
        assert await stage.cards.deliver_arriving(small, nullcontext()) is None
        stage.fake.second_half.set_result(True)
        assert await fetching is None
    odd = stage.job(id="f" * 32)
    stage.fake.video = bytes(1000) + VIDEO
    stage.fake.half_sent.clear()
    async with arriving(stage, odd) as fetching:
        posting = posted(stage, odd)
        stage.fake.second_half.set_result(True)
        assert await posting is None
        assert await fetching is None
    assert stage.fake.asked == []


async def test_without_a_download_nothing_is_posted(stage: Stage) -> None:
    """After a restart no download is under way, and one that is over is a file like any other."""
    job = stage.job()
    assert await stage.cards.deliver_arriving(job, nullcontext()) is None
    assert await stage.cards.fetch(job) is None
    assert await stage.cards.deliver_arriving(job, nullcontext()) is None
    assert stage.fake.asked == []


async def test_nothing_is_left_of_a_delivery_that_ends_early(stage: Stage) -> None:
    """A job that is stopped while its video arrives leaves no file, and Discord gets none."""
    stage.fake.video, job = VIDEO, stage.job()
    async with arriving(stage, job):
        posting = posted(stage, job)
        await stage.fake.request_begun.wait()
        posting.cancel()
        await asyncio.gather(posting, return_exceptions=True)
    assert left(stage) == {}
    assert stage.fake.asked == []
