"""Whoever waits for a video is pinged once, as they like it, and not at all when it was quick."""

import signal
from pathlib import Path
from typing import Any

import pytest

from sandbox.discord.components import walk
from sandbox.stage import Stage, eventually, videos_of
from tests.support.rerun_steps import latest_input, restart
from tests.support.text_commands import admin, ask, read
from tests.support.video_steps import delete_message, order, picture, wait_for_state, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")
REFUSED = {
    "detail": [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation", "url": "https://docs"}]
}


@pytest.fixture(scope="module")
def bot_settings() -> dict[str, str]:
    """Pings come at once."""
    return {"WANDA_PING_AFTER_S": "0", "WANDA_PING_LOOK_S": "0.2", "WANDA_PING_WAIT_S": "0.2"}


async def pings(stage: Stage, card: str) -> list[tuple[str, list[str]]]:
    """Return the replies to a card that pinged somebody: their words after the mention, and whom they pinged."""
    replies = [m for m in await stage.messages() if m["reference"] == card and m["pinged"]]
    return [(m["content"].partition("> ")[2], m["pinged"]) for m in replies]


async def wait_for_pings(stage: Stage, card: str, count: int = 1) -> list[tuple[str, list[str]]]:
    """Return the pings about this card once there are so many."""

    async def look() -> list[tuple[str, list[str]]] | None:
        found = await pings(stage, card)
        return found if len(found) >= count else None

    return await eventually(look, what="ping")


async def test_the_one_who_waits_is_pinged(stage: Stage, files: Path) -> None:
    """The owner of a video that is ready, failed or was declined is pinged, and the approvers' role when it waits."""
    card = await order(stage, files)
    assert await wait_for_pings(stage, card) == [("Your video is ready.", ["maker"])]
    await stage.fal.post("faults", {"at": "result", "status": 422, "body": REFUSED, "times": 5})
    failed = await order(stage, files, user="friend")
    assert await wait_for_pings(stage, failed) == [("Your video didn't work out.", ["friend"])]
    await stage.discord.post("world", {"roles": [{"name": "producers", "mentionable": True}]})
    await admin(stage, "approval", above="0.10", role="producers")
    waiting = await order(stage, files)
    assert await wait_for_pings(stage, waiting) == [("A video is waiting for your approval.", ["producers"])]
    await stage.discord.post("click", {"user": "admin", "message": waiting, "label": "Decline"})
    assert (await wait_for_pings(stage, waiting, 2))[1:] == [("Your video was declined.", ["maker"])]
    assert len(await pings(stage, card)) == 1
    await admin(stage, "approval", above="off")


async def test_nobody_is_pinged_about_a_quick_video(stage: Stage, files: Path) -> None:
    """A video that is there within 20 s of its order pings nobody, and neither does one where admins chose that."""
    await restart(stage, WANDA_PING_AFTER_S="20")
    quick = await order(stage, files)
    await wait_for_state(stage, quick, "done")
    await restart(stage)
    await admin(stage, "notify", members="never")
    unwanted = await order(stage, files)
    await wait_for_state(stage, unwanted, "done")
    await admin(stage, "notify", members="channel")
    wanted = await order(stage, files)
    await wait_for_pings(stage, wanted)
    assert await pings(stage, quick) + await pings(stage, unwanted) == []


async def choose(stage: Stage, user: str, panel: str, what: str, value: str) -> dict[str, Any]:
    """Choose a value in a list of the member's own settings, and return the panel once it shows that."""
    body = {"user": user, "message": panel, "custom_id": f"wanda:mine:{what}", "values": [value]}
    await stage.discord.post("click", body)

    async def look() -> dict[str, Any] | None:
        message = await stage.message(panel, seen_by=user)
        shown = [] if message is None else [one for one in walk(message["components"]) if "options" in one]
        chosen = {one["custom_id"]: [each["value"] for each in one["options"] if each.get("default")] for one in shown}
        return message if chosen.get(f"wanda:mine:{what}") == [value] else None

    return await eventually(look, what=f"{value} in the panel")


async def test_a_member_chooses(stage: Stage, files: Path) -> None:
    """/settings changes one panel in place: where pings go, and the resolution of a command that names none."""
    panel = await ask(stage, "maker", "settings")
    assert panel.private
    await choose(stage, "maker", panel.message_id, "pings", "direct")
    await choose(stage, "maker", panel.message_id, "resolution", "480p")
    await choose(stage, "maker", panel.message_id, "ask", "100000")
    answer = await stage.slash("maker", "wan25 image", {"prompt": "the lake"}, image=picture(files))
    question = await read(stage, "maker", answer["message_id"])
    assert "$0.25" in question.text
    await stage.discord.post("click", {"user": "maker", "message": question.message_id, "label": "Make it"})

    async def told() -> list[str] | None:
        return [m["content"] for m in await stage.messages(channel="@maker")] or None

    (mail,) = await eventually(told, what="direct message")
    card = [m for m in await stage.messages() if videos_of(m)][-1]
    assert mail.startswith("Your video is ready. https://discord.com/channels/")
    assert mail.endswith(card["id"])
    assert await pings(stage, card["id"]) == []
    assert (await latest_input(stage))["resolution"] == "480p"
    for what in ("pings", "resolution", "ask"):
        await choose(stage, "maker", panel.message_id, what, "default")


async def test_a_kill_neither_repeats_nor_forgets_a_ping(stage: Stage, files: Path) -> None:
    """A ping whose post the bot did not live to note is found after the restart, although Discord forgot its nonce."""
    fault: dict[str, Any] = {"method": "POST", "path": "/channels/*/messages", "delay_s": 20, "after": True}
    await stage.discord.post("faults", fault)
    card = await order(stage, files)
    await wait_for_pings(stage, card)
    assert stage.bot is not None
    await stage.bot.stop(how=signal.SIGKILL)
    await stage.discord.delete("faults")
    await stage.discord.post("advance", {"seconds": 3600})
    await stage.start_bot()
    await stage.discord.post("faults", {"method": "POST", "path": "/channels/*/messages", "status": 500, "times": 4})
    later = await order(stage, files)
    assert await wait_for_pings(stage, later) == [("Your video is ready.", ["maker"])]
    assert len(await pings(stage, card)) == 1


async def test_a_new_message_is_ping_enough(stage: Stage, files: Path) -> None:
    """Where somebody deleted the card, the message with the video pings, and no other does."""
    await stage.fal.post("settings", {"seconds_per_job": 1.5})
    card = await order(stage, files)
    await wait_for_state(stage, card, "running")
    await delete_message(stage, card)
    later = await order(stage, files, user="friend")
    await wait_for_video(stage, later)
    await wait_for_pings(stage, later)
    posted = [m for m in await stage.messages() if m["pinged"] == ["maker"] and int(m["id"]) > int(card)]
    assert len(posted) == 1
    assert posted[0]["attachments"]
