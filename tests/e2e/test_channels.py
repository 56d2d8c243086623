"""Commands and presses in channels without permissions, in direct messages, and over broken connections."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from sandbox.stage import Stage, eventually, file_body
from tests.support.video_steps import ORDERED, no_trace, picture, wait_for_ends, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")
DENIED = {
    "ATTACH_FILES": "Attach Files",
    "EMBED_LINKS": "Embed Links",
    "SEND_MESSAGES": "Send Messages",
    "READ_MESSAGE_HISTORY": "Read Message History",
    "VIEW_CHANNEL": "View Channel",
}


@pytest_asyncio.fixture(loop_scope="module")
async def unpaid(stage: Stage) -> AsyncIterator[None]:
    """Check that the test holds and spends nothing, sends fal nothing, and leaves no file behind."""
    async with no_trace(stage):
        yield


async def order_in(stage: Stage, files: Path, channel: str, **how: Any) -> dict[str, Any]:
    """Type a valid command in this channel."""
    image = file_body(await asyncio.to_thread(picture, files))
    body = {
        "user": "maker",
        "channel": channel,
        "command": "wan27 image",
        "options": ORDERED,
        "files": {"image": image},
    }
    return await stage.discord.post("slash", {**body, **how})


@pytest.mark.usefixtures("unpaid")
@pytest.mark.parametrize("permission", DENIED)
async def test_a_channel_without_a_permission(stage: Stage, files: Path, permission: str) -> None:
    """Where Wanda could not post the video the command is refused privately, naming what an admin has to allow."""
    channel = f"without-{permission.lower().replace('_', '-')}"
    overwrites = [{"bot": True, "deny": [permission]}]
    await stage.discord.post("world", {"channels": [{"name": channel, "overwrites": overwrites}]})
    answer = await order_in(stage, files, channel)
    assert answer["ephemeral"]
    assert DENIED[permission] in answer["content"]
    assert "Ask an admin to allow that" in answer["content"]
    assert await stage.messages(channel=channel, seen_by="friend") == []


@pytest.mark.usefixtures("unpaid")
async def test_a_direct_message(stage: Stage, files: Path) -> None:
    """A command that a modified client sends in a direct message is refused: there is no server's budget there."""
    answer = await order_in(stage, files, "@maker", unchecked=True)
    assert "servers" in answer["content"]


@pytest.mark.usefixtures("unpaid")
async def test_a_button_of_a_job_that_nobody_knows(stage: Stage) -> None:
    """Cancel on a card whose job is not in the database is answered with a sentence."""
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

    assert "Wanda no longer knows this video" in await eventually(look, what="answer to the button")


@pytest.mark.usefixtures("unpaid")
async def test_a_first_answer_that_comes_too_late(stage: Stage, files: Path) -> None:
    """When Discord no longer accepts the first answer, the command is dropped without a hold, request or file."""
    await stage.discord.delete("transcript")
    fault = {"method": "POST", "path": "/interactions/*", "status": 404, "code": 10062, "times": 2}
    await stage.discord.post("faults", fault)
    given = asyncio.create_task(order_in(stage, files, "general"))

    async def look() -> bool | None:
        lines = await stage.discord.get("transcript")
        return True if sum(line.get("status") == 404 for line in lines) == 2 else None

    await eventually(look, what="refusal of both answers")
    given.cancel()


@pytest.mark.parametrize("taken", [False, True], ids=["lost on the way there", "lost on the way back"])
async def test_a_broken_line_at_the_first_answer(stage: Stage, files: Path, *, taken: bool) -> None:
    """A first answer whose connection breaks is sent again, and the command ends as one video on one card."""
    fault = {"method": "POST", "path": "/interactions/*", "drop": True, "after": taken, "times": 1}
    await stage.discord.post("faults", fault)
    before = len(await stage.messages())
    answer = await order_in(stage, files, "general")
    message = await wait_for_video(stage, answer["message_id"])
    assert [m["id"] for m in (await stage.messages())[before:]] == [message["id"]]
    await wait_for_ends(stage)
