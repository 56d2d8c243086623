"""Orders that Wanda acknowledged are answered, whatever happens to her, and what Discord sends twice is done once."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.stage import Stage, eventually
from tests.support.rerun_steps import one_video, press, react, wait_for_message, wait_for_videos
from tests.support.text_commands import ask, read
from tests.support.video_steps import held_and_spent, order, picture, wait_for_state

module = pytest.mark.asyncio(loop_scope="module")
CUT = "Wanda restarted before your video began"


async def thinking(stage: Stage, user: str) -> list[str]:
    """Return the messages that show this person nothing but that Wanda is at it."""
    seen = await stage.messages(seen_by=user)
    return [m["id"] for m in seen if m["loading"] or m["content"].startswith("Wanda is getting a video ready")]


async def killed(stage: Stage) -> None:
    """Kill the bot, take back the faults, and start it again."""
    assert stage.bot is not None
    await stage.bot.stop(how=signal.SIGKILL)
    await stage.discord.delete("faults")
    await stage.start_bot()


async def nothing_is_left(stage: Stage, *users: str) -> None:
    """Wait until nobody is shown that Wanda is at it; then nothing is held."""

    async def look() -> bool | None:
        return True if not [one for user in users for one in await thinking(stage, user)] else None

    await eventually(look, what="clean channel")
    assert {held for held, _ in (await asyncio.to_thread(held_and_spent, stage)).values()} <= {0}


async def test_killed_before_an_order_was_accepted(empty_stage: Stage, files: Path) -> None:
    """What showed that Wanda is at it goes with the next start, and the member is told privately."""
    stage = empty_stage
    await stage.start_bot()
    parent = await one_video(stage, files)
    await ask(stage, "friend", "quota ask", above="0")
    asked = await press(stage, "friend", parent, "Rerun")
    await read(stage, "friend", asked["message_id"])
    late = {"delay_s": 30, "after": True}
    for method, path in (("GET", "/cdn/*"), ("POST", "/channels/*"), ("POST", "/webhooks/*")):
        await stage.discord.post("faults", {"method": method, "path": path, **late})
    commanded = await order(stage, files)  # killed while its picture is copied
    await react(stage, "maker", parent, "🔁")  # killed while its placeholder is posted
    confirming = asyncio.create_task(press(stage, "friend", asked["message_id"], "Make it"))
    await stage.discord.post("faults", {"method": "PATCH", "path": "/webhooks/*", "delay_s": 30})
    quota = await stage.slash("admin", "quota show")  # killed before its answer
    for user in ("maker", "friend"):

        async def look(user: str = user) -> bool | None:
            return True if len(await thinking(stage, user)) == 3 else None

        await eventually(look, what="two placeholders beside the acknowledged command")
    await killed(stage)
    await confirming
    await nothing_is_left(stage, "maker", "friend", "admin")
    assert "restarted before answering" in (await read(stage, "admin", quota["message_id"])).text
    assert await stage.message(commanded) is None
    for user in ("maker", "friend"):
        told = await wait_for_message(stage, CUT, seen_by=user)
        assert told["ephemeral_for"] == user
    assert len(await stage.fal.get("submits")) == 1


async def test_a_command_while_wanda_stops(empty_stage: Stage, files: Path) -> None:
    """While Wanda stops, commands and buttons are answered privately, and an order under way is still accepted."""
    stage = empty_stage
    await stage.start_bot()
    parent = await one_video(stage, files)
    await stage.fal.post("faults", {"at": "submit", "delay_s": 3, "times": 1})
    first = await order(stage, files)
    await wait_for_state(stage, first, "submitting")
    await stage.discord.post("faults", {"method": "GET", "path": "/cdn/*", "delay_s": 0.8, "times": 1})
    second = await order(stage, files)
    assert stage.bot is not None
    stopping = asyncio.create_task(stage.bot.stop())
    await stage.bot.until(lambda line: "stopping: nothing new" in line)
    image = await asyncio.to_thread(picture, files)
    answer = await stage.slash(
        "maker", "wan27 image", {"prompt": "waves", "resolution": "720p", "duration": 2}, image=image
    )
    for said in (answer, await press(stage, "friend", parent, "Edit")):
        assert (said["ephemeral"], said["modal"]) == (True, None)
        assert "Wanda is restarting" in said["content"]
    assert await stopping == 0
    await stage.start_bot()
    for message_id in (first, second):
        await wait_for_state(stage, message_id, "done")


@pytest_asyncio.fixture(loop_scope="module")
async def doubled(stage: Stage) -> AsyncIterator[None]:
    """While the test runs, Discord sends every interaction and reaction twice."""
    events = ["INTERACTION_CREATE", "MESSAGE_REACTION_ADD"]
    await stage.discord.post("gateway", {"action": "double", "events": events})
    yield
    await stage.discord.post("gateway", {"action": "double", "events": []})


@module
@pytest.mark.usefixtures("doubled")
async def test_what_comes_twice_is_done_once(stage: Stage, files: Path) -> None:
    """A command, a press, an answer and a reaction that Discord sends twice make one video each."""
    parent = await one_video(stage, files)
    await press(stage, "maker", parent, "Rerun")
    await ask(stage, "friend", "quota ask", above="0")
    asked = await press(stage, "friend", parent, "New seed")
    await read(stage, "friend", asked["message_id"])
    await press(stage, "friend", asked["message_id"], "Make it")
    await ask(stage, "friend", "quota ask", above="default")
    await react(stage, "maker", parent, "🎲")
    made = await wait_for_videos(stage, 4)
    reacted = {"action": "repeat", "event": "MESSAGE_REACTION_ADD"}
    await stage.discord.post("gateway", reacted)  # long after the first, whose video is finished
    await react(stage, "friend", parent, "🔁")  # answered after what came before
    made = await wait_for_videos(stage, 5)
    assert [m["content"] for m in made if m["loading"]] == []
    answers: list[Any] = await stage.fal.get("submits")
    assert len(answers) == 5
    assert await thinking(stage, "maker") + await thinking(stage, "friend") == []
