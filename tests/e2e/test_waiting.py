"""`/wanda-admin waiting`: what awaits approval, decided from one list."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.stage import Stage, text_of
from tests.support.text_commands import admin, ask, click, read, wait_for_log
from tests.support.video_steps import order, wait_for_state, wait_for_text, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _approval(stage: Stage) -> AsyncIterator[None]:
    """Every video waits for an admin, and the log channel is #wanda-log."""
    await stage.discord.post("world", {"channels": [{"name": "wanda-log"}]})
    await admin(stage, "log-channel", channel="wanda-log")
    await admin(stage, "approval", above="0")
    yield
    await admin(stage, "approval", above="off")


async def waiting(stage: Stage, files: Path, user: str) -> str:
    """Order a video; return its card once it waits for approval."""
    message_id = await order(stage, files, user=user, prompt=f"*{user}*'s lake")
    await wait_for_text(stage, message_id, "Waiting for approval")
    await wait_for_state(stage, message_id, "waiting")
    return message_id


async def test_an_admin_decides_on_the_list(stage: Stage, files: Path) -> None:
    """The list shows the oldest first, with price, member, prompt, link and time left; a press decides at once."""
    assert (await admin(stage, "waiting")).text == "Nothing is waiting for approval right now."
    first, second = [await waiting(stage, files, user) for user in ("maker", "friend")]
    lines = await wait_for_log(stage, 4)
    told = next(line for line in lines if f"/{first})" in line)
    assert "@maker's video for $0.20 waits for approval, until …: “\\*maker\\*'s lake”" in told

    shown = await admin(stage, "waiting")
    assert shown.text.splitlines()[:3] == [
        "## 2 orders waiting for approval",
        "**$0.20** · @maker · ends …",
        "> \\*maker\\*'s lake",
    ]
    assert shown.text.index("@maker") < shown.text.index("@friend")
    shown = await click(stage, "admin", shown, "Decline")
    assert shown.text.startswith("Declined. Nobody was charged.\n## 1 order waiting for approval")
    await wait_for_text(stage, first, "Declined by an approver")
    shown = await click(stage, "admin", shown, "Approve")
    assert shown.text == "Approved. The video is on its way.\nNothing is waiting for approval right now."
    await wait_for_video(stage, second)


async def test_only_an_admin_decides_on_the_list(stage: Stage, files: Path) -> None:
    """Whom the Integrations keep from the command, or who lost Manage Server, cannot press on a list that is open."""
    await stage.discord.post(
        "world",
        {
            "roles": [{"name": "managers", "permissions": ["MANAGE_GUILD"]}],
            "members": [{"name": "boss", "roles": ["managers"]}],
        },
    )
    message_id = await waiting(stage, files, "friend")
    shown = await ask(stage, "boss", "wanda-admin waiting")

    async def refused() -> str:
        pressed = await stage.discord.post("click", {"user": "boss", "message": shown.message_id, "label": "Approve"})
        return (await read(stage, "boss", pressed["message_id"])).text

    denial = [{"member": "boss", "allow": False}]
    await stage.discord.post("integrations", {"command": "wanda-admin", "permissions": denial})
    assert "You can't use `/wanda-admin` in this channel" in await refused()
    await stage.discord.post("integrations", {"command": "wanda-admin", "permissions": []})
    await stage.discord.post("change", {"roles": [{"name": "managers", "permissions": []}]})
    assert (await refused()).startswith("Only people who manage this server can use `/wanda-admin`.")
    assert "Waiting for approval" in text_of(await stage.message(message_id) or {})
    await click(stage, "admin", await admin(stage, "waiting"), "Decline")
