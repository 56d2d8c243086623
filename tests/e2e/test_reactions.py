"""Reactions on a finished card, by its owner and by others."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, eventually, file_body, text_of, videos_of
from tests.support.rerun_steps import (
    differ,
    id_of,
    labels,
    latest_input,
    one_video,
    press,
    react,
    restart,
    spent_by,
    wait_for_inputs,
    wait_for_message,
)
from tests.support.text_commands import admin
from tests.support.video_steps import ORDERED, picture, wait_for_reply, wait_for_state, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def requests(stage: Stage) -> int:
    """Return the number of requests that fal accepted."""
    return len(await stage.fal.get("requests"))


async def nothing_came(stage: Stage, parent: str, before: int, messages: int) -> None:
    """Check that the earlier steps started nothing: a rerun now makes the only new request and message."""
    await react(stage, "maker", parent, "🔁")
    await wait_for_reply(stage, parent)
    assert await requests(stage) == before + 1
    assert len(await stage.messages()) == messages + 1


async def test_wanda_offers_them(stage: Stage, files: Path) -> None:
    """Wanda adds 🔁 and 🎲 to a delivered video."""
    parent = await one_video(stage, files)

    async def look() -> list[str] | None:
        message = await stage.message(parent)
        assert message is not None
        shown = [row["emoji"] for row in message["reactions"] if row["users"] == ["Wanda"]]
        return shown if len(shown) == 2 else None

    assert await eventually(look, what="offered reactions") == ["🔁", "🎲"]


async def test_again_after_a_restart(stage: Stage, files: Path) -> None:
    """🔁 on a card from before a restart sends fal the same input, in a reply that the reacting member pays for."""
    parent = await one_video(stage, files)
    first = await latest_input(stage)
    await restart(stage)
    friend = await id_of(stage, "friend")
    before = await asyncio.to_thread(spent_by, stage, friend)
    await react(stage, "friend", parent, "🔁")
    message = await wait_for_reply(stage, parent)
    second = await latest_input(stage)
    assert differ(first, second) == set()
    assert (second["seed"], second["enable_prompt_expansion"]) == (7, False)
    assert await asyncio.to_thread(spent_by, stage, friend) == before + 200_000
    assert f"<@{friend}>" in text_of(message)


async def test_a_new_seed(stage: Stage, files: Path) -> None:
    """🎲 sends the same input without the seed."""
    parent = await one_video(stage, files)
    first = await latest_input(stage)
    await react(stage, "friend", parent, "🎲")
    await wait_for_reply(stage, parent)
    second = await latest_input(stage)
    assert differ(first, second) == {"seed"}
    assert "seed" not in second


async def test_who_may_not(stage: Stage, files: Path) -> None:
    """Other emoji, reactions to other messages, and ❌ by somebody else do nothing and are not answered."""
    parent = await one_video(stage, files)
    await stage.discord.post(
        "world",
        {
            "members": [{"name": "mute", "roles": []}],
            "channels": [
                {"name": "quiet", "overwrites": [{"member": "mute", "deny": ["USE_APPLICATION_COMMANDS"]}]},
            ],
        },
    )
    before, messages = await requests(stage), len(await stage.messages())
    theirs = await stage.discord.post("say", {"user": "friend", "channel": "general", "content": "a message"})
    await react(stage, "maker", theirs["message_id"], "🔁")
    await react(stage, "friend", parent, "👍")
    await react(stage, "friend", parent, "❌")
    await nothing_came(stage, parent, before, messages + 1)
    assert await stage.message(parent) is not None


async def test_without_the_right_to_use_commands(stage: Stage, files: Path) -> None:
    """A member who may not use application commands in the channel cannot rerun by a reaction."""
    await stage.discord.post("world", {"members": [{"name": "mute", "roles": []}]})
    deny = [{"member": "mute", "deny": ["USE_APPLICATION_COMMANDS"]}]
    await stage.discord.post("world", {"channels": [{"name": "studio", "overwrites": deny}]})
    parent = await in_channel(stage, files, "studio")
    before = await requests(stage)
    await react(stage, "mute", parent, "🔁")
    await react(stage, "friend", parent, "🔁")
    await wait_for_inputs(stage, before + 1)

    async def look() -> list[dict[str, Any]] | None:
        found = [m for m in await stage.messages(channel="studio") if videos_of(m)]
        return found if len(found) == 2 else None

    await eventually(look, what="the friend's video")
    assert await requests(stage) == before + 1


async def in_channel(stage: Stage, files: Path, channel: str) -> str:
    """Order a video in another channel; returns the card's message id once its job is done."""
    body = {"user": "maker", "channel": channel, "command": "wan27 image", "options": {**ORDERED, "seed": 7}}
    image = await asyncio.to_thread(picture, files)
    answer = await stage.discord.post("slash", {**body, "files": {"image": file_body(image)}})

    async def look() -> bool | None:
        seen = await stage.messages(channel=channel)
        return True if any(m["id"] == answer["message_id"] and videos_of(m) for m in seen) else None

    await eventually(look, what="video")
    await wait_for_state(stage, answer["message_id"], "done")
    return answer["message_id"]


async def test_one_at_a_time(stage: Stage, files: Path) -> None:
    """While a member's rerun is running, the same reaction by them starts no second one."""
    parent = await one_video(stage, files)
    before = await requests(stage)
    await stage.fal.post("settings", {"seconds_per_job": 2})
    await react(stage, "friend", parent, "🔁")
    for _ in range(3):
        await stage.discord.post("unreact", {"user": "friend", "message": parent, "emoji": "🔁"})
        await react(stage, "friend", parent, "🔁")
    await wait_for_inputs(stage, before + 1)
    await stage.discord.post("unreact", {"user": "friend", "message": parent, "emoji": "🔁"})
    await stage.discord.delete("transcript")
    await react(stage, "friend", parent, "🔁")
    await wait_for_reply(stage, parent)
    assert await requests(stage) == before + 1
    lines = await stage.discord.get("transcript")
    assert not [line for line in lines if line.get("method") == "POST" and line["path"].endswith("/messages")]


@pytest.mark.parametrize("came_through", [False, True])
async def test_a_connection_that_breaks_while_the_card_is_posted(
    stage: Stage, files: Path, *, came_through: bool
) -> None:
    """A card whose request got no answer is posted again; none is left that promises a video which nobody makes."""
    parent = await one_video(stage, files)
    messages = len(await stage.messages())
    fault = {"method": "POST", "path": "/channels/*", "drop": True, "after": came_through, "times": 1}
    await stage.discord.post("faults", fault)
    await react(stage, "friend", parent, "🔁")
    reply = await wait_for_reply(stage, parent)
    await wait_for_video(stage, reply["id"])
    assert len(await stage.messages()) == messages + 1


async def test_delete(stage: Stage, files: Path) -> None:
    """❌ deletes the card for its owner and for moderators, and for nobody else."""
    for user in ("maker", "admin"):
        parent = await one_video(stage, files)
        await react(stage, "friend", parent, "❌")
        await react(stage, user, parent, "❌")

        async def look(gone: str = parent) -> bool | None:
            return True if await stage.message(gone) is None else None

        await eventually(look, what="deleted card")


async def test_a_deletion_that_is_taken_back(stage: Stage, files: Path) -> None:
    """The channel says how long ❌ can be taken back; taken back in time, or over a restart, the video stays."""
    parent = await one_video(stage, files)
    await restart(stage, WANDA_DELETE_AFTER_S="60")
    for _ in range(2):
        await react(stage, "maker", parent, "❌")
        told = await wait_for_message(stage, "Take your ❌ back to keep it")
        await stage.discord.post("unreact", {"user": "maker", "message": parent, "emoji": "❌"})

        async def look(told_id: str = told["id"]) -> bool | None:
            return True if await stage.message(told_id) is None else None

        await eventually(look, what="end of the countdown")
    await react(stage, "maker", parent, "❌")
    await wait_for_message(stage, "Take your ❌ back to keep it")
    await restart(stage)
    assert await stage.message(parent) is not None


async def test_by_direct_message(stage: Stage, files: Path) -> None:
    """✉️ sends the member the video and its recipe."""
    parent = await one_video(stage, files)
    await react(stage, "friend", parent, "✉️")

    async def look() -> dict[str, Any] | None:
        seen = await stage.messages(channel="@friend", seen_by="friend")
        return next((m for m in seen if parent in m["content"]), None)

    message = await eventually(look, what="direct message")
    video, recipe = message["attachments"]
    assert video["filename"].endswith(".mp4")
    found = json.loads(await stage.discord.fetch(recipe["url"]))
    assert (found["mode"], found["seed"]) == ("wan27-image", 7)
    assert found["options"]["prompt"] == "the lake begins to shimmer"
    assert found["actual_prompt"]


async def test_a_refusal(stage: Stage, files: Path) -> None:
    """A member whose budget is short is told so by direct message, with the card's link, and no card is posted."""
    parent = await one_video(stage, files)
    await stage.discord.post("world", {"members": [{"name": "poor", "roles": []}]})
    await admin(stage, "member set", member="poor", window="day", amount="0.1")
    messages = len(await stage.messages())
    await react(stage, "poor", parent, "🔁")
    told = await wait_for_message(stage, "day", channel="@poor", seen_by="poor")
    assert parent in told["content"]
    assert len(await stage.messages()) == messages


@pytest.mark.usefixtures("friend_is_asked")
async def test_a_costly_rerun(stage: Stage, files: Path) -> None:
    """A costly rerun asks in the channel and starts only when the member who reacted confirms."""
    parent = await one_video(stage, files)
    before = await requests(stage)
    await react(stage, "friend", parent, "🔁")
    question = await wait_for_message(stage, "Only you can answer")
    assert question["reference"] == parent
    assert labels(question) == ["Make it", "Cancel"]
    await press(stage, "maker", question["id"], "Make it")
    await wait_for_message(stage, "React to the card yourself", seen_by="maker")
    assert await requests(stage) == before
    await press(stage, "friend", question["id"], "Make it")
    await wait_for_video(stage, question["id"])
    assert await requests(stage) == before + 1
    await react(stage, "friend", parent, "🎲")
    again = await wait_for_message(stage, "Only you can answer")
    await press(stage, "friend", again["id"], "Cancel")
    await wait_for_message(stage, "Cancelled. You weren't charged.")
    assert await requests(stage) == before + 1


@pytest.mark.usefixtures("friend_is_asked")
async def test_a_question_is_asked_once(stage: Stage, files: Path) -> None:
    """While a question is open, removing the reaction and adding it again posts no second one."""
    parent = await one_video(stage, files)

    async def open_questions() -> list[dict[str, Any]] | None:
        return [m for m in await stage.messages() if m["reference"] == parent and m["components"]] or None

    await react(stage, "friend", parent, "🔁")
    (question,) = await eventually(open_questions, what="question")
    for _ in range(3):
        await stage.discord.post("unreact", {"user": "friend", "message": parent, "emoji": "🔁"})
        await react(stage, "friend", parent, "🔁")
    await react(stage, "maker", parent, "🔁")

    async def answers() -> list[dict[str, Any]] | None:
        replies = [m for m in await stage.messages() if m["reference"] == parent]
        return replies if any(videos_of(m) for m in replies) else None

    replies = await eventually(answers, what="the other member's video")
    assert [m["id"] for m in replies if not videos_of(m)] == [question["id"]]
    await press(stage, "friend", question["id"], "Cancel")


@pytest.mark.usefixtures("friend_is_asked")
async def test_a_question_after_a_restart(stage: Stage, files: Path) -> None:
    """A question in the channel from before a restart has expired: it says so and starts nothing."""
    parent = await one_video(stage, files)
    before = await requests(stage)
    await react(stage, "friend", parent, "🔁")

    async def look() -> dict[str, Any] | None:
        return next((m for m in await stage.messages() if m["reference"] == parent and m["components"]), None)

    question = await eventually(look, what="question")
    await restart(stage)
    await press(stage, "friend", question["id"], "Make it")
    await wait_for_message(stage, "This question is over")
    assert await requests(stage) == before


async def test_where_wanda_may_not_write_to_the_member(stage: Stage, files: Path) -> None:
    """A member who accepts no direct messages is told only that, once, by a message that notifies only them."""
    parent = await one_video(stage, files)
    await admin(stage, "member set", member="admin", window="day", amount="0.1")
    fault = {"method": "POST", "path": "/users/@me/channels", "status": 403, "code": 50007, "times": 10}
    await stage.discord.post("faults", fault)
    for emoji in ("🔁", "🎲", "✉️"):
        await react(stage, "admin", parent, emoji)
    told = await wait_for_message(stage, "Wanda can't send you a direct message")
    member = await id_of(stage, "admin")

    async def tried() -> list[dict[str, Any]] | None:
        said = await stage.discord.get("transcript")
        asked = [one["request"] for one in said if one.get("method") == "POST" and isinstance(one["request"], dict)]
        return asked if asked.count({"recipient_id": member}) >= 3 else None

    asked = await eventually(tried, what="attempts to write to the member")
    await nothing_came(stage, parent, await requests(stage), len(await stage.messages()))
    assert told["content"].startswith(f"<@{member}>, Wanda can't")
    assert "$" not in told["content"]
    assert told["reference"] is None
    assert [m["id"] for m in await stage.messages() if f"<@{member}>, " in m["content"]] == [told["id"]]
    assert {"parse": [], "users": [member]}.items() <= _pings(asked, told["content"]).items()


def _pings(asked: list[dict[str, Any]], content: str) -> dict[str, Any]:
    """Return `allowed_mentions` of the message with this content."""
    return next(body["allowed_mentions"] for body in asked if body.get("content") == content)
