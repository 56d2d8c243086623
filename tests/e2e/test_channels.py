"""Where a command or a press is answered, and where it cannot be."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.stage import Stage, eventually, file_body
from tests.support.video_steps import PRICED, held_and_spent, picture, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")
DENIED = {
    "ATTACH_FILES": "Attach Files",
    "EMBED_LINKS": "Embed Links",
    "SEND_MESSAGES": "Send Messages",
    "READ_MESSAGE_HISTORY": "Read Message History",
    "VIEW_CHANNEL": "View Channel",
}


async def asked_in(stage: Stage, files: Path, channel: str, **how: Any) -> dict[str, Any]:
    """Type a good command in this channel."""
    image = file_body(await asyncio.to_thread(picture, files))
    body = {"user": "maker", "channel": channel, "command": "wan27 image", "options": PRICED, "files": {"image": image}}
    return await stage.discord.post("slash", {**body, **how})


@pytest.mark.parametrize("permission", DENIED)
async def test_a_channel_without_a_permission(stage: Stage, files: Path, permission: str) -> None:
    """Where Wanda could not post the video the command is refused privately, naming what an admin has to allow."""
    channel = f"without-{permission.lower().replace('_', '-')}"
    overwrites = [{"bot": True, "deny": [permission]}]
    await stage.discord.post("world", {"channels": [{"name": channel, "overwrites": overwrites}]})
    answer = await asked_in(stage, files, channel)
    assert answer["ephemeral"]
    assert DENIED[permission] in answer["content"]
    assert "Ask an admin to allow that" in answer["content"]
    assert await stage.messages(channel=channel, seen_by="friend") == []


async def test_a_direct_message(stage: Stage, files: Path) -> None:
    """A command forged into a direct message is told where to go: no admin has set a budget there."""
    answer = await asked_in(stage, files, "@maker", unchecked=True)
    assert "servers" in answer["content"]


async def test_a_button_of_a_job_that_nobody_knows(stage: Stage) -> None:
    """Cancel on a card whose job is not in the books (of another database, say) is answered in words."""
    custom_id = f"wanda:cancel:{0:032x}"
    channels = (await stage.discord.get("state"))["servers"][0]["channels"]
    url = f"{stage.environment['DISCORD_API_URL']}/channels/{channels[0]['id']}/messages"
    button = {"type": 2, "style": 2, "label": "Cancel", "custom_id": custom_id}
    headers = {"Authorization": f"Bot {stage.environment['DISCORD_TOKEN']}"}
    card = {"content": "an old card", "components": [{"type": 1, "components": [button]}]}
    async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json=card) as reply:
        message_id = (await reply.json())["id"]
    answer = await stage.discord.post("click", {"user": "maker", "message": message_id, "custom_id": custom_id})
    assert answer["acknowledged"]
    assert answer["ephemeral"]

    async def look() -> str | None:
        seen = await stage.message(answer["message_id"])
        return seen["content"] if seen and seen["content"] else None

    assert "not in Wanda's books" in await eventually(look, what="answer to the button")


async def test_a_first_answer_that_comes_too_late(stage: Stage, files: Path) -> None:
    """When Discord no longer takes the first answer, the command is as if it had not been given."""
    fault = {"method": "POST", "path": "/interactions/*", "status": 404, "code": 10062, "times": 2}
    await stage.discord.post("faults", fault)
    given = asyncio.create_task(asked_in(stage, files, "general"))

    async def look() -> bool | None:
        lines = await stage.discord.get("transcript")
        return True if sum(line.get("status") == 404 for line in lines) == 2 else None

    await eventually(look, what="refusal of both answers")
    given.cancel()


async def test_nothing_was_spent(stage: Stage) -> None:
    """After all these refusals nothing is held, fal heard nothing, and no file was kept."""
    assert await asyncio.to_thread(held_and_spent, stage) == {}
    assert await stage.fal.get("submits") == []
    assert not await asyncio.to_thread(lambda: any(path.is_file() for path in stage.folder.glob("inputs/**/*")))


@pytest.mark.parametrize("taken", [False, True], ids=["lost on the way there", "lost on the way back"])
async def test_a_broken_line_at_the_first_answer(stage: Stage, files: Path, *, taken: bool) -> None:
    """A first answer that broke off is given again, and the command ends as one video on one card."""
    fault = {"method": "POST", "path": "/interactions/*", "drop": True, "after": taken, "times": 1}
    await stage.discord.post("faults", fault)
    before = len(await stage.messages())
    answer = await asked_in(stage, files, "general")
    message = await wait_for_video(stage, answer["message_id"])
    assert [m["id"] for m in (await stage.messages())[before:]] == [message["id"]]
