import asyncio
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass

import httpx
import pytest
from aiohttp import web

from bot.errors import FalAccountError, FalError, FalProtocolError, FalRefused, FalUnreachable
from bot.fal.client import FalClient
from bot.fal.wire.types import FalStatus
from bot.requester import Requester
from tests.support.job_samples import REQUESTER
from tests.support.scripted_fal import (
    COMPLETED,
    Responder,
    ScriptedFal,
    StillClock,
    client_of,
    close,
    events,
    garbage,
    huge,
    json_answer,
    queued,
    reset,
    running,
    stall,
    text_answer,
    urls,
)

DONE = FalStatus("completed")


async def followed(client: FalClient, base: str, deadline_s: float = 3600) -> list[FalStatus]:
    """Return all changes until the end, within ten real seconds."""
    async with asyncio.timeout(10):
        return [change async for change in client.follow(urls(base), deadline_s=deadline_s, requester=REQUESTER)]


async def test_one_stream(fal: ScriptedFal) -> None:
    """One stream follows a request to its end; only changes are reported, including a move back to the queue."""
    fal.on(
        "stream",
        events(
            b": ping\n\n",
            queued(3),
            queued(3),
            queued(1),
            running(),
            running("step 1/4"),
            queued(0),
            running("50%"),
            COMPLETED,
            then="silence",
        ),
    )
    async with client_of(fal.url) as client:
        told = await followed(client, fal.url)
    assert told == [
        FalStatus("queued", position=3),
        FalStatus("queued", position=1),
        FalStatus("running"),
        FalStatus("running", fraction=0.25),
        FalStatus("queued", position=0),
        FalStatus("running", fraction=0.5),
        DONE,
    ]
    assert fal.seen == ["stream"]
    assert fal.targets[0].endswith("/status/stream?logs=1")


async def test_cut_streams(fal: ScriptedFal) -> None:
    """A stream that is cut, reset, silent, endless or malformed is reopened, and no change is reported twice."""
    fal.on(
        "stream",
        events(queued(2), then="cut"),
        events(queued(2), running("1/4")),
        reset,
        events(b'data: {"status":', then="cut"),
        events(b"data: nonsense\n\n"),
        events(running("1/4", "2/4"), then="silence"),
        huge,
        events(running("3/4"), b"data: " + b" " * 2_000_000),
        events(COMPLETED),
    )
    fal.on("status", json_answer(202, running()))
    clock = StillClock()
    async with client_of(fal.url, clock, silence_timeout_s=1.0, reply_mib_max=1, retries=4) as client:
        told = await followed(client, fal.url)
    assert told == [
        FalStatus("queued", position=2),
        FalStatus("running", fraction=0.25),
        FalStatus("running", fraction=0.5),
        FalStatus("running", fraction=0.75),
        DONE,
    ]
    assert max(clock.slept) <= 20


@pytest.mark.parametrize(
    "answer",
    [text_answer(404), text_answer(405), json_answer(200, queued(1)), text_answer(302)],
    ids=["404", "405", "JSON", "redirect"],
)
async def test_no_stream(fal: ScriptedFal, answer: Responder) -> None:
    """If streaming is refused the request is polled, at growing intervals."""
    fal.on("stream", answer)
    fal.on("status", *[json_answer(202, queued(1))] * 6, json_answer(200, COMPLETED))
    clock = StillClock()
    async with client_of(fal.url, clock) as client:
        assert await followed(client, fal.url) == [FalStatus("queued", position=1), DONE]
    assert fal.seen == ["stream", *["status"] * 7]
    assert clock.slept == [2, 4, 8, 16, 20, 20]


async def test_stream_comes_back(fal: ScriptedFal) -> None:
    """After a bounded number of polls the stream is tried again."""
    fal.on("stream", text_answer(405), events(COMPLETED))
    fal.on("status", json_answer(202, queued(1)))
    async with client_of(fal.url) as client:
        assert await followed(client, fal.url) == [FalStatus("queued", position=1), DONE]
    assert fal.count("stream") == 2
    assert fal.count("status") == 8


@pytest.mark.parametrize("trouble", [text_answer(500), text_answer(503), text_answer(429), close, reset, garbage])
async def test_storm(fal: ScriptedFal, trouble: Responder) -> None:
    """Passing failures do not end the follower: polls replace the stream, and failed polls are retried."""
    fal.on("stream", trouble)
    fal.on("status", *[trouble] * 5, json_answer(200, COMPLETED))
    async with client_of(fal.url) as client:
        assert await followed(client, fal.url) == [DONE]
    # aiohttp itself repeats a GET once whose connection broke, which is harmless.
    assert fal.count("stream") == 4
    assert fal.count("status") in {6, 5}


async def test_stalled_polls(fal: ScriptedFal) -> None:
    """A poll without an answer ends after the reply timeout and is repeated."""
    fal.on("stream", text_answer(405))
    fal.on("status", stall, json_answer(200, COMPLETED))
    async with client_of(fal.url, reply_timeout_s=0.2) as client:
        assert await followed(client, fal.url) == [DONE]


async def test_deadline(fal: ScriptedFal) -> None:
    """At the deadline the error says whether fal kept failing or the request did not finish."""
    fal.on("stream", text_answer(503))
    fal.on("status", text_answer(503), json_answer(202, queued(9)))
    clock = StillClock()
    async with client_of(fal.url, clock) as client:
        with pytest.raises(FalUnreachable, match="deadline"):
            await followed(client, fal.url, deadline_s=500)
    assert clock.now == 1500


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, FalAccountError), (403, FalAccountError), (404, FalRefused), (405, FalRefused), (410, FalRefused)],
)
async def test_permanent(fal: ScriptedFal, status: int, error: type[FalError]) -> None:
    """A permanent refusal that a poll confirms ends the follower at once."""
    fal.on("stream", text_answer(status))
    fal.on("status", json_answer(status, {"status": "NOT_FOUND"}))
    async with client_of(fal.url) as client:
        with pytest.raises(error):
            await followed(client, fal.url)
    assert fal.seen == ["stream", "status"]


async def test_foreign_status_url(fal: ScriptedFal) -> None:
    """A request whose URLs are not on a configured host is not followed, so the key is not sent there."""
    async with client_of("http://127.0.0.1:1") as client:
        with pytest.raises(FalProtocolError):
            await followed(client, fal.url)
    assert fal.seen == []


async def test_pings_alone(fal: ScriptedFal) -> None:
    """A stream that only pings is closed, and the status is polled."""
    clock = StillClock()
    fal.on("stream", events(then="pings", on_ping=lambda: clock.advance(10)))
    fal.on("status", json_answer(200, COMPLETED))
    async with client_of(fal.url, clock, retries=1) as client:
        assert await followed(client, fal.url, deadline_s=1e9) == [DONE]
    assert fal.count("stream") == 2


async def test_long_quiet(fal: ScriptedFal) -> None:
    """A stream without changes for long is reopened, which does not count as a failure."""
    clock = StillClock()
    quiet = events(queued(5), then="pings", on_ping=lambda: clock.advance(100))
    fal.on("stream", *[quiet] * 5, events(COMPLETED))
    async with client_of(fal.url, clock, retries=1) as client:
        assert await followed(client, fal.url, deadline_s=1e9) == [FalStatus("queued", position=5), DONE]
    assert fal.seen == ["stream"] * 6


async def test_deadline_on_a_live_stream(fal: ScriptedFal) -> None:
    """The deadline also ends a healthy stream."""
    clock = StillClock()
    fal.on("stream", events(queued(5), then="pings", on_ping=lambda: clock.advance(100)))
    async with client_of(fal.url, clock) as client:
        with pytest.raises(FalUnreachable, match="deadline"):
            await followed(client, fal.url, deadline_s=450)


async def test_stopped_early(fal: ScriptedFal) -> None:
    """Leaving the follower early, or cancelling it, closes the stream's connection."""
    fal.on("stream", events(queued(1), then="silence"))
    async with client_of(fal.url) as client:
        async with aclosing(client.follow(urls(fal.url), deadline_s=60, requester=REQUESTER)) as changes:
            assert await anext(changes) == FalStatus("queued", position=1)
            assert fal.open == 1
        await fal.until(lambda fal: fal.open == 0)
        task = asyncio.create_task(followed(client, fal.url))
        await fal.until(lambda fal: fal.count("stream") == 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await fal.until(lambda fal: fal.open == 0)


async def test_nothing_stays_open(fal: ScriptedFal) -> None:
    """The stream is closed after completion was reported, even if fal keeps its side open."""
    fal.on("stream", events(COMPLETED, then="silence"))
    async with client_of(fal.url) as client:
        changes = client.follow(urls(fal.url), deadline_s=60, requester=REQUESTER)
        assert await anext(changes) == DONE
        with pytest.raises(StopAsyncIteration):
            await anext(changes)
        await fal.until(lambda fal: fal.open == 0)


async def test_a_stream_that_is_cut_while_it_is_closed(fal: ScriptedFal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the request is completed, nothing that happens to its stream makes Wanda ask again, or fail."""

    async def cut(response: httpx.Response) -> None:
        await response.aclose()
        raise httpx.ReadError("cut")

    fal.on("stream", events(COMPLETED, then="silence"))
    async with client_of(fal.url) as client:
        monkeypatch.setattr("bot.fal.http._close", cut)
        async with aclosing(client.follow(urls(fal.url), deadline_s=60, requester=REQUESTER)) as changes:
            assert await anext(changes) == DONE
        assert await followed(client, fal.url) == [DONE]
    assert (fal.count("stream"), fal.count("status")) == (2, 0)


async def test_many(fal: ScriptedFal) -> None:
    """Two hundred requests are followed at once, with one stream each."""
    fal.on("stream", events(queued(1), running("1/2"), COMPLETED))
    async with client_of(fal.url, connections_max=4) as client, asyncio.TaskGroup() as group:
        tasks = [group.create_task(followed(client, fal.url)) for _ in range(200)]
    assert all(task.result()[-1] == DONE for task in tasks)
    assert fal.seen == ["stream"] * 200
    assert tasks[0].result()[1].state == "running"


@dataclass
class Door:
    """Delays every answer, and counts the requests that wait for one."""

    waiting: int = 0
    most: int = 0

    def before(self, answer: Responder) -> Responder:
        """Return a handler that gives this answer after a delay."""

        async def later(request: web.Request) -> web.StreamResponse:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            await asyncio.sleep(0.02)
            self.waiting -= 1
            return await answer(request)

        return later


@pytest.mark.parametrize("streams", [True, False], ids=["streams", "polls"])
async def test_openings_take_turns(fal: ScriptedFal, *, streams: bool) -> None:
    """Only a few requests wait for fal's first answer at once; open streams do not count, and all are followed."""
    door = Door()
    fal.on("stream", door.before(events(queued(1), then="silence") if streams else text_answer(404)))
    fal.on("status", door.before(json_answer(202, queued(1))))
    async with client_of(fal.url, openings_at_once=3) as client, AsyncExitStack() as stack:
        members = [Requester(1, number) for number in range(20)]
        followers = [client.follow(urls(fal.url), deadline_s=3600, requester=member) for member in members]
        for follower in followers:
            await stack.enter_async_context(aclosing(follower))
        async with asyncio.timeout(10):
            told = await asyncio.gather(*(anext(follower) for follower in followers))
    assert told == [FalStatus("queued", position=1)] * 20
    assert door.most == 3


async def test_a_silent_opening_makes_room(fal: ScriptedFal) -> None:
    """A stream that does not open frees its slot after the connect timeout."""
    fal.on("stream", stall, events(COMPLETED))
    async with client_of(fal.url, openings_at_once=1, connect_timeout_s=0.3) as client:
        told = await asyncio.gather(followed(client, fal.url), followed(client, fal.url))
    assert told == [[DONE], [DONE]]
    assert fal.seen == ["stream"] * 3


async def test_the_deadline_holds_for_whoever_waits_for_a_place(fal: ScriptedFal) -> None:
    """A request whose deadline passes while it waits for a slot ends, and the others continue."""
    fal.on("stream", text_answer(404))
    fal.on("status", stall)
    async with client_of(fal.url, openings_at_once=1) as client:
        first = asyncio.create_task(followed(client, fal.url))
        await fal.until(lambda seen: seen.count("status") == 1)
        with pytest.raises(FalUnreachable):
            await followed(client, fal.url, deadline_s=0.2)
        assert not first.done()
        first.cancel()


@pytest.mark.parametrize("word", ["FAILED", "CANCELLED", "ERROR", "completed"])
async def test_a_word_that_is_not_documented(fal: ScriptedFal, word: str) -> None:
    """Of a request with an unknown status the result is asked for at once, instead of waiting for the deadline."""
    fal.on("stream", events({"status": word}, then="silence"))
    async with client_of(fal.url) as client:
        assert await followed(client, fal.url) == [DONE]
    assert fal.seen == ["stream"]


async def test_logs_of_megabytes(fal: ScriptedFal) -> None:
    """A status whose log lines are too large to be read is asked for without them."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (huge if "logs" in request.query else json_answer(200, COMPLETED))(request)

    fal.on("stream", text_answer(404))
    fal.on("status", answer)
    async with client_of(fal.url, reply_mib_max=1) as client:
        assert await followed(client, fal.url) == [DONE]
    assert fal.seen == ["stream", "status", "status"]


@pytest.mark.parametrize("stream", [text_answer(404), events(b"data: " + b" " * 2_000_000)], ids=["polls", "stream"])
async def test_a_status_that_stays_too_large(fal: ScriptedFal, stream: Responder) -> None:
    """A status that is too large even without its log lines cannot hide a video: the result is asked for."""
    fal.on("stream", stream)
    fal.on("status", huge)
    async with client_of(fal.url, reply_mib_max=1) as client:
        assert await followed(client, fal.url) == [DONE]
    assert fal.count("status") <= 2
