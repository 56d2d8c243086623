"""Warnings to the server's log channel, and who pays for attempts that fal billed."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, eventually, text_of
from tests.support.video_steps import held_and_spent, order, wait_for_state, wait_for_text, wait_for_video

REFUSED = {
    "detail": [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation", "url": "https://docs"}]
}


async def settled(stage: Stage, answer: dict[str, Any]) -> None:
    """Wait until the admin's command was answered."""

    async def look() -> bool | None:
        message = await stage.message(answer["message_id"], seen_by="admin")
        return True if message and text_of(message) else None

    await eventually(look, what="answer")


async def warnings(stage: Stage) -> list[str]:
    """Return the warnings in the log channel."""
    seen = await stage.messages(channel="log", seen_by="admin")
    return [m["content"] for m in seen if "of this server's pool" in m["content"]]


async def test_each_threshold_once(empty_stage: Stage, files: Path) -> None:
    """The warnings for 50, 80 and 95 % are each posted once, also across a restart."""
    stage = empty_stage
    await stage.start_bot(WANDA_SERVER_MONTHLY_USD="1.00")
    await stage.discord.post("world", {"channels": [{"name": "log", "server": "Studio"}]})
    await settled(stage, await stage.slash("admin", "wanda-admin log-channel", {"channel": "log"}))
    for _ in range(3):
        await wait_for_video(stage, await order(stage, files))

    async def some(wanted: int) -> bool | None:
        return True if len(await warnings(stage)) >= wanted else None

    await eventually(lambda: some(1), what="first warning")
    assert stage.bot is not None
    await stage.bot.stop()
    await stage.start_bot(WANDA_SERVER_MONTHLY_USD="1.00")
    for _ in range(2):
        await wait_for_video(stage, await order(stage, files))
    await eventually(lambda: some(3), what="third warning")
    told = await warnings(stage)
    assert [text.split(" %")[0].strip("*") for text in told] == ["50", "80", "95"]
    assert "$0.60 of $1.00" in told[0]


@pytest.mark.parametrize(
    ("policy", "member", "said"),
    [("charge", 200_000, "You were charged $0.20"), ("absorb", 0, "You weren't charged. This server paid")],
)
async def test_who_pays_for_a_billed_failure(
    empty_stage: Stage, files: Path, policy: str, member: int, said: str
) -> None:
    """A failed attempt that fal may have billed is paid as the server's policy says, and the card says by whom."""
    stage = empty_stage
    await stage.start_bot()
    await settled(stage, await stage.slash("admin", "wanda-admin policy", {"unclear": policy}))
    await stage.fal.post("faults", {"at": "result", "status": 422, "body": REFUSED, "times": 5})
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "failed")
    await wait_for_text(stage, message_id, said)
    budgets = await asyncio.to_thread(held_and_spent, stage)
    spent = {scope.split(":")[0]: value for scope, value in budgets.items()}
    assert spent["member"] == (0, member)
    assert spent["server"] == (0, 200_000)
