"""Every way in which fal says no, as the member reads it."""

import asyncio
from pathlib import Path

import pytest

from sandbox.fal.errors import MODEL, PLATFORM
from sandbox.stage import Stage, text_of
from tests.support.video_steps import check_books, held_and_spent, order, wait_for_state, wait_for_text, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("kind", [*MODEL, *PLATFORM, "something_new"])
async def test_every_error_type(stage: Stage, files: Path, kind: str) -> None:
    """The card ends with a plain sentence that says that nothing was charged; fal's own type name is not shown."""
    await stage.fal.post("faults", {"at": "result", "error_type": kind, "times": 1})
    message_id = await order(stage, files)
    state = await wait_for_state(stage, message_id, "failed", "cancelled")
    message = await wait_for_text(stage, message_id, "nothing was charged")
    assert state == ("cancelled" if kind == "client_cancelled" else "failed")
    assert kind not in text_of(message)
    assert not message["components"]


async def test_a_wrong_key(stage: Stage, files: Path) -> None:
    """A key that fal does not know ends the job as the operator's affair, at no charge."""
    await stage.fal.post("faults", {"at": "submit", "status": 401, "times": 1})
    message = await wait_for_text(stage, await order(stage, files), "nothing was charged")
    assert "admin" in text_of(message)


async def test_a_locked_account(stage: Stage, files: Path) -> None:
    """A locked account is waited for, then told as the operator's affair, at no charge."""
    await stage.fal.post("faults", {"at": "upload", "locked": True, "times": 100})
    message = await wait_for_text(stage, await order(stage, files), "nothing was charged")
    assert "admin" in text_of(message)
    await _clear(stage)


async def test_a_lost_reply(stage: Stage, files: Path) -> None:
    """When the answer to the submit is lost the member is told, pays nothing, and fal got one request."""
    before = len(await stage.fal.get("requests"))
    await stage.fal.post("faults", {"at": "submit", "lose_reply": True, "times": 1})
    message_id = await order(stage, files)
    assert await wait_for_state(stage, message_id, "uncertain")
    await wait_for_text(stage, message_id, "charged")
    assert len(await stage.fal.get("requests")) == before + 1


@pytest.mark.parametrize(
    "fault",
    [
        {"at": "stream", "cut": True, "times": 2},
        {"at": "stream", "status": 503, "times": 20},
        {"at": "status", "status": 500, "times": 2},
        {"at": "result", "cut": True, "times": 1},
        {"at": "upload", "status": 503, "times": 1},
        {"at": "cdn", "status": 503, "times": 1},
        {"at": "submit", "status": 429, "times": 1},
    ],
    ids=lambda fault: f"{fault['at']}-{fault.get('status', 'cut')}",
)
async def test_passing_trouble(stage: Stage, files: Path, fault: dict[str, object]) -> None:
    """Trouble at fal that passes costs time only: the video comes, with one submit accepted."""
    await stage.fal.post("faults", fault)
    before = len(await stage.fal.get("requests"))
    await wait_for_video(stage, await order(stage, files))
    assert len(await stage.fal.get("requests")) == before + 1
    await _clear(stage)


async def test_the_books_are_right(stage: Stage) -> None:
    """After all of it only the lost reply is still on the server's books."""
    await check_books(stage)
    budgets = await asyncio.to_thread(held_and_spent, stage)
    assert [held for scope, (held, _) in budgets.items() if scope.startswith("server:")] == [200_000]
    assert {held for scope, (held, _) in budgets.items() if scope.startswith("member:")} == {0}


async def _clear(stage: Stage) -> None:
    await stage.fal.delete("faults")
