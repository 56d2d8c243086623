"""What the member reads after each kind of failure at fal."""

from pathlib import Path

import pytest

from sandbox.fal.errors import MODEL, PLATFORM
from sandbox.stage import Stage, text_of
from tests.support.alarm_steps import wait_for_alarms
from tests.support.rerun_steps import labels
from tests.support.video_steps import costs, order, wait_for_state, wait_for_text, wait_for_video

module = pytest.mark.asyncio(loop_scope="module")
PERHAPS_BILLED = {422, 499}  # statuses of attempts that fal may bill; the server pays them unless it says otherwise
# One of each family and status, which decide what the job costs; tests/unit/texts/test_failures.py reads all the texts.
KINDS = (
    "downstream_service_error",
    "content_policy_violation",
    "internal_server_error",
    "generation_timeout",
    "bad_request",
    "client_disconnected",
    "client_cancelled",
    "internal_error",
    "runner_incomplete_response",
    "runner_disconnected",
    "startup_timeout",
    "something_new",
)


def test_every_family_and_status_has_a_row() -> None:
    """The kinds that are tried have every status of either family."""
    for family in (MODEL, PLATFORM):
        assert {family[kind].status for kind in KINDS if kind in family} == {known.status for known in family.values()}


@pytest.mark.parametrize("kind", KINDS)
@module
async def test_every_error_type(stage: Stage, files: Path, kind: str) -> None:
    """The card ends with a sentence that the member wasn't charged, without fal's name for the error, and a way on."""
    await stage.fal.post("faults", {"at": "result", "error_type": kind, "times": 1})
    known = {**MODEL, **PLATFORM}.get(kind)
    billable = known is None or known.status in PERHAPS_BILLED
    async with costs(stage, server=(0, 200_000 if billable else 0)):
        message_id = await order(stage, files)
        state = await wait_for_state(stage, message_id, "failed", "cancelled")
        message = await wait_for_text(stage, message_id, "weren't charged")
    assert state == ("cancelled" if kind == "client_cancelled" else "failed")
    assert kind not in text_of(message)
    assert labels(message) == ["Try again", "Edit"]


@module
async def test_a_wrong_key(stage: Stage, files: Path) -> None:
    """A key that fal keeps refusing ends the job at no charge, and the card refers the member to an admin."""
    await stage.fal.post("faults", {"at": "submit", "status": 401, "times": 100})
    async with costs(stage):
        message = await wait_for_text(stage, await order(stage, files), "weren't charged")
    assert "admin" in text_of(message)
    await stage.fal.delete("faults")
    await wait_for_alarms(stage)


@module
async def test_a_locked_account(stage: Stage, files: Path) -> None:
    """A locked account is retried, then ends the job at no charge, and the card refers the member to an admin."""
    await stage.fal.post("faults", {"at": "upload", "locked": True, "times": 100})
    async with costs(stage):
        message = await wait_for_text(stage, await order(stage, files), "weren't charged")
    assert "admin" in text_of(message)
    await stage.fal.delete("faults")
    await wait_for_alarms(stage)


@module
async def test_a_lost_reply(stage: Stage, files: Path) -> None:
    """When the reply to the submit is lost, it is not repeated; the member pays nothing, the server stays exposed."""
    before = len(await stage.fal.get("requests"))
    await stage.fal.post("faults", {"at": "submit", "lose_reply": True, "times": 1})
    async with costs(stage, server=(200_000, 0)):
        message_id = await order(stage, files)
        await wait_for_state(stage, message_id, "uncertain")
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
@module
async def test_passing_trouble(stage: Stage, files: Path, fault: dict[str, object]) -> None:
    """After a passing failure at fal the video is delivered and paid once, with one accepted submit."""
    await stage.fal.post("faults", fault)
    before = len(await stage.fal.get("requests"))
    async with costs(stage, members=(0, 200_000), server=(0, 200_000)):
        await wait_for_video(stage, await order(stage, files))
    assert len(await stage.fal.get("requests")) == before + 1
