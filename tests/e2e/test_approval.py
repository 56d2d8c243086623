"""Jobs above the server's approval price wait for an approver."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.stage import Stage, eventually, text_of
from tests.support.film_steps import add_shot, click, new_message, open_panel, panel
from tests.support.rerun_steps import labels, one_video, react, restart, wait_for_message
from tests.support.text_commands import ask
from tests.support.video_steps import (
    amounts,
    costs,
    held_and_spent,
    order,
    wait_for_state,
    wait_for_text,
    wait_for_video,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def approval_is_needed(stage: Stage) -> None:
    """The server wants approval above ten cents, by the role of boss."""
    await stage.discord.post(
        "world", {"roles": [{"name": "producers"}], "members": [{"name": "boss", "roles": ["producers"]}]}
    )
    await ask(stage, "admin", "wanda-admin approval", above="0.10", role="producers", own=False)


async def told(stage: Stage, answer: dict[str, Any], user: str) -> str:
    """Return the private answer's text."""

    async def look() -> str | None:
        message = await stage.message(answer["message_id"], seen_by=user)
        return text_of(message) if message and text_of(message) else None

    return await eventually(look, what="private answer")


async def press(stage: Stage, message_id: str, label: str, *, user: str) -> str:
    """Press a button of the card and return the private answer."""
    answer = await stage.discord.post("click", {"user": user, "message": message_id, "label": label})
    return await told(stage, answer, user)


async def waiting(stage: Stage, files: Path) -> str:
    """Order as maker; returns the card's message id once the job waits for approval, and fal was not asked."""
    submits = len(await stage.fal.get("submits"))
    message_id = await order(stage, files)
    await wait_for_text(stage, message_id, "Waiting for approval")
    await wait_for_state(stage, message_id, "waiting")
    assert len(await stage.fal.get("submits")) == submits
    return message_id


async def test_approve(stage: Stage, files: Path) -> None:
    """A waiting job holds its price and is not submitted; only an approver's press starts it."""
    message_id = await waiting(stage, files)
    assert await asyncio.to_thread(amounts, stage, message_id) == ({(200_000, None)}, 0)
    assert "can decide on this video" in await press(stage, message_id, "Approve", user="friend")
    assert "Approved" in await press(stage, message_id, "Approve", user="boss")
    await wait_for_video(stage, message_id)


@pytest.mark.parametrize("user", ["boss", "admin"])
async def test_decline(stage: Stage, files: Path, user: str) -> None:
    """When an approver or an admin declines, the whole hold is released, and the card says so."""
    async with costs(stage):
        message_id = await waiting(stage, files)
        assert "Declined" in await press(stage, message_id, "Decline", user=user)
        message = await wait_for_text(stage, message_id, "weren't charged")
        assert "Declined by an approver" in text_of(message)


async def test_a_film_waits_as_a_whole(stage: Stage) -> None:
    """Its panel and its card say so; when an approver declines, no shot was begun and nothing is charged."""
    async with costs(stage):
        shown = await open_panel(stage)
        await add_shot(stage, shown, "a fox walks")
        await add_shot(stage, shown, "a fox sleeps", joining="continue")
        await click(stage, shown, "Make the film")
        await panel(stage, shown, "waits for approval")
        card = (await new_message(stage, "A film in 2 shots"))["id"]
        await wait_for_text(stage, card, "Waiting for approval")
        await press(stage, card, "Decline", user="boss")
        assert "You weren't charged" in text_of(await wait_for_text(stage, card, "Declined by an approver"))


async def test_the_owner_takes_it_back(stage: Stage, files: Path) -> None:
    """The job's owner can cancel while it waits."""
    message_id = await waiting(stage, files)
    assert "weren't charged" in await press(stage, message_id, "Cancel", user="maker")
    await wait_for_text(stage, message_id, "Cancelled")


async def test_after_a_restart(stage: Stage, files: Path) -> None:
    """After a restart a waiting job still waits, and its buttons work."""
    message_id = await waiting(stage, files)
    await restart(stage)
    assert "Approved" in await press(stage, message_id, "Approve", user="boss")
    await wait_for_video(stage, message_id)


async def test_nobody_approves_their_own(stage: Stage, files: Path) -> None:
    """Neither an approver nor an admin approves their own video, unless the server's rule says so."""
    mine = [await order(stage, files, user=user) for user in ("boss", "admin")]
    for user, message_id in zip(("boss", "admin"), mine, strict=True):
        await wait_for_text(stage, message_id, "Waiting for approval")
        assert "your own video" in await press(stage, message_id, "Approve", user=user)
        await wait_for_state(stage, message_id, "waiting")
    assert "Declined" in await press(stage, mine[1], "Decline", user="admin")
    rule = {"above": "0.10", "role": "producers", "own": True}
    await told(stage, await stage.slash("admin", "wanda-admin approval", rule), "admin")
    assert "Approved" in await press(stage, mine[0], "Approve", user="boss")
    await wait_for_video(stage, mine[0])


async def test_the_approvers_are_those_of_today(stage: Stage, files: Path) -> None:
    """A role that the rule no longer names decides nothing about videos that already wait; the new one does."""
    message_id = await waiting(stage, files)
    roles = {"roles": [{"name": "directors"}], "members": [{"name": "director", "roles": ["directors"]}]}
    await stage.discord.post("world", roles)
    await told(stage, await stage.slash("admin", "wanda-admin approval", {"above": "off"}), "admin")
    assert "can decide on this video" in await press(stage, message_id, "Approve", user="boss")
    rule = {"above": "5", "role": "directors"}
    await told(stage, await stage.slash("admin", "wanda-admin approval", rule), "admin")
    for label in ("Approve", "Decline"):
        assert "can decide on this video" in await press(stage, message_id, label, user="boss")
    assert "Approved" in await press(stage, message_id, "Approve", user="director")
    await wait_for_video(stage, message_id)


async def test_killed_before_the_question(stage: Stage, files: Path) -> None:
    """A bot killed before its card asked for approval asks after its restart, and the buttons work."""
    await stage.discord.post("faults", {"method": "PATCH", "path": "/webhooks/*", "delay_s": 4, "times": 20})
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "waiting")
    assert stage.bot is not None
    await stage.bot.stop(how=signal.SIGKILL)
    await stage.discord.delete("faults")
    await stage.start_bot()
    await wait_for_text(stage, message_id, "Waiting for approval")
    assert "Approved" in await press(stage, message_id, "Approve", user="boss")
    await wait_for_video(stage, message_id)


async def test_a_removed_bot_holds_nothing(stage: Stage, files: Path) -> None:
    """When Wanda is removed from a server, what waits there for approval ends, and its hold with it."""
    await waiting(stage, files)
    await stage.discord.post("gone", {"server": "Studio", "bot": True})
    await nothing_is_held(stage)
    await stage.discord.post("world", {"rejoin": ["Studio"]})


async def test_a_bot_that_was_removed_while_it_was_off_holds_nothing(stage: Stage, files: Path) -> None:
    """If a server removes Wanda while she is off, what waits there for approval ends when she starts again."""
    await waiting(stage, files)
    assert stage.bot is not None
    await stage.bot.stop()
    await stage.discord.post("gone", {"server": "Studio", "bot": True})
    await stage.start_bot()
    await nothing_is_held(stage)
    await stage.discord.post("world", {"rejoin": ["Studio"]})


async def nothing_is_held(stage: Stage) -> None:
    """Return once no budget holds anything."""

    async def free() -> bool | None:
        sums = await asyncio.to_thread(held_and_spent, stage)
        return True if all(held == 0 for held, _ in sums.values()) else None

    await eventually(free, what="end of the hold")


async def test_a_reaction_asks_for_approval_beside_a_busy_card(stage: Stage, files: Path) -> None:
    """While another card of the channel is edited all the time, a 🔁 that needs approval shows its buttons."""
    await restart(stage, WANDA_CHANNEL_EDIT_INTERVAL_S="0.5")
    await ask(stage, "admin", "wanda-admin approval", above="off")
    parent = await one_video(stage, files)
    await stage.fal.post("settings", {"seconds_per_job": 60})
    await react(stage, "friend", parent, "🎲")
    busy = await wait_for_message(stage, "Making the video")
    assert busy["reference"] == parent
    await ask(stage, "admin", "wanda-admin approval", above="0.10")
    await react(stage, "maker", parent, "🔁")
    asking = await wait_for_message(stage, "Waiting for approval")
    assert labels(asking) == ["Approve", "Decline", "Cancel"]
