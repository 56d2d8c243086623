"""/help, the tip to a first order, and the greeting of a server."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, eventually, text_of
from tests.support.text_commands import ask, click, wait_for_answer
from tests.support.video_steps import order, rows, wait_for_video


@pytest.mark.asyncio(loop_scope="module")
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


async def tips(stage: Stage, user: str) -> list[str]:
    """Return the tips that this person sees."""
    seen = await stage.messages(seen_by=user)
    return [
        one["content"] for one in seen if one["ephemeral_for"] == user and "your first video here" in one["content"]
    ]


async def greetings(stage: Stage, channel: str) -> list[str]:
    """Return the greetings in the channel."""
    seen = await stage.messages(channel=channel, seen_by="admin")
    return [one["content"] for one in seen if "Wanda is here." in one["content"]]


async def greeted(stage: Stage, count: int) -> None:
    """Wait until so many servers were greeted or left out, as the database has it."""

    async def look() -> bool | None:
        over = await asyncio.to_thread(rows, stage, "SELECT guild_id FROM greetings WHERE is_over = 1")
        return True if len(over) == count else None

    await eventually(look, what="greeting")


async def test_a_newcomer_and_a_new_server(empty_stage: Stage, files: Path) -> None:
    """A first order gets one private tip. A server is greeted once in its system channel, also after a restart."""
    stage = empty_stage
    bot = await stage.start_bot(WANDA_FIRST_ORDER_TIP="true")
    await wait_for_video(stage, await order(stage, files))
    await wait_for_video(stage, await order(stage, files, user="friend"))

    async def look() -> bool | None:
        return True if await tips(stage, "maker") and await tips(stage, "friend") else None

    await eventually(look, what="tip")
    await wait_for_video(stage, await order(stage, files))
    (tip,) = await tips(stage, "maker")
    assert re.search(r"</help:\d+> shows what else there is", tip)

    await stage.discord.post("world", {"servers": [{"name": "Club", "system_channel": "lobby"}, {"name": "Quiet"}]})
    await greeted(stage, 2)
    (said,) = await greetings(stage, "Club/lobby")
    assert "**Admins**: each member may spend $1,000.00 a day" in said
    assert len(said.splitlines()) == 3
    await stage.discord.post("gone", {"server": "Club", "bot": True})
    await stage.discord.post("world", {"rejoin": [{"name": "Club"}]})
    await bot.stop()
    await stage.start_bot()
    await stage.discord.post("world", {"servers": [{"name": "Third", "system_channel": "hall"}]})
    await greeted(stage, 3)
    assert len(await greetings(stage, "Club/lobby")) == len(await greetings(stage, "Third/hall")) == 1
    assert await greetings(stage, "general") == []
    assert len(await tips(stage, "maker")) == 1
