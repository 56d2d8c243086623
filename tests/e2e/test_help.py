"""/help, the tip to a first order, and the greeting of a server."""

import re
from typing import Any

import pytest

from sandbox.stage import Stage, text_of
from tests.support.text_commands import ask, click, wait_for_answer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_help_is_private_and_knows_the_member(stage: Stage) -> None:
    """/help shows its reader alone a command's page with its picture, a link to the command and the prices."""
    start = await ask(stage, "maker", "help")
    assert start.private
    assert "Make videos with Wanda" in start.text
    assert "**$1,000.00** is left of your allowance today. That buys **2,000 videos** of 5 s at 720p." in start.text
    parts: list[dict[str, Any]] = [part for row in start.raw["components"] for part in row["components"]]
    select = next(part for part in parts if "options" in part)
    chosen = {"custom_id": select["custom_id"], "values": ["wan27 continue"]}
    await stage.discord.post("click", {"user": "maker", "message": start.message_id, **chosen})
    shown = await wait_for_answer(stage, "maker", start, "wan27-continue.png")
    assert re.search(r"</wan27 continue:\d+> with `prompt`, `video` and `duration`\.", text_of(shown.raw))
    assert "15 s at 1080p: **$2.25**" in shown.text
    money = await click(stage, "maker", shown, "Money")
    assert "What videos cost you" in money.text
    assert not money.files
