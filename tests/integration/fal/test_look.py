"""One look at a request that fal calls about."""

import pytest

from bot.errors import FalAccountError, FalError, FalProtocolError, FalRefused
from bot.fal.wire.types import FalStatus
from tests.support.job_samples import REQUESTER
from tests.support.scripted_fal import (
    COMPLETED,
    Responder,
    ScriptedFal,
    client_of,
    close,
    garbage,
    huge,
    json_answer,
    running,
    text_answer,
    urls,
)


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (json_answer(200, running()), FalStatus("running")),
        (json_answer(200, COMPLETED), FalStatus("completed")),
        (huge, FalStatus("completed")),  # the result tells
        (text_answer(503), None),
        (text_answer(429), None),
        (close, None),
        (garbage, None),
    ],
    ids=["running", "completed", "too large", "down", "busy", "cut", "senseless"],
)
async def test_look(fal: ScriptedFal, answer: Responder, seen: FalStatus | None) -> None:
    """What fal says is told, and nothing where it does not say."""
    fal.on("status", answer)
    async with client_of(fal.url, reply_mib_max=1) as client:
        assert await client.look(urls(fal.url), requester=REQUESTER) == seen
    assert set(fal.seen) == {"status"}


@pytest.mark.parametrize(("status", "error"), [(404, FalRefused), (401, FalAccountError)])
async def test_look_at_what_fal_refuses(fal: ScriptedFal, status: int, error: type[FalError]) -> None:
    """A refusal is an error: the request is gone, or the key."""
    fal.on("status", json_answer(status, {"status": "NOT_FOUND"}))
    async with client_of(fal.url) as client:
        with pytest.raises(error):
            await client.look(urls(fal.url), requester=REQUESTER)


async def test_look_elsewhere(fal: ScriptedFal) -> None:
    """No request is sent to a stored URL whose host is no longer configured."""
    async with client_of("http://127.0.0.1:1") as client:
        with pytest.raises(FalProtocolError):
            await client.look(urls(fal.url), requester=REQUESTER)
    assert fal.seen == []
