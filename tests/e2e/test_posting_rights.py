"""Reactions, buttons, menus and forms do for nobody what a slash command would not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.stage import Stage, StageError, eventually, file_body, videos_of
from tests.support.rerun_steps import (
    labels,
    one_video,
    press,
    react,
    submit_form,
    wait_for_message,
    wait_for_videos,
)
from tests.support.text_commands import admin, read
from tests.support.video_steps import ORDERED, no_trace, picture, wait_for_state, wait_for_text

pytestmark = pytest.mark.asyncio(loop_scope="module")
MAKING = ["Rerun", "New seed", "Edit", "Continue", "Restyle", "Final"]
LACKS = {
    "showcase": ("SEND_MESSAGES", "without Send Messages and Attach Files, so"),
    "no-files": ("ATTACH_FILES", "without Attach Files, so"),
    "no-commands": ("USE_APPLICATION_COMMANDS", "You can't use application commands in this channel"),
}


async def order_in(stage: Stage, files: Path, channel: str, user: str, **how: Any) -> dict[str, Any]:
    """Type a valid command in this channel."""
    image = file_body(await asyncio.to_thread(picture, files))
    body = {"user": user, "channel": channel, "command": "wan27 image", "options": ORDERED, "files": {"image": image}}
    return await stage.discord.post("slash", {**body, **how})


async def video_where(stage: Stage, files: Path, channel: str, denied: str) -> dict[str, Any]:
    """Return the card of maker's video in a new channel in which everybody else lacks a permission."""
    overwrites = [
        {"role": "@everyone", "deny": [denied]},
        {"member": "maker", "allow": [denied, "ATTACH_FILES"]},
        {"bot": True, "allow": [denied, "ATTACH_FILES", "EMBED_LINKS"]},
    ]
    await stage.discord.post("world", {"channels": [{"name": channel, "overwrites": overwrites}]})
    answer = await order_in(stage, files, channel, "maker")
    await wait_for_state(stage, answer["message_id"], "done")

    async def look() -> dict[str, Any] | None:
        seen = await stage.messages(channel=channel)
        return next((m for m in seen if videos_of(m) and m["components"]), None)

    return await eventually(look, what="finished card")


async def time_out(stage: Stage, user: str, seconds: float) -> None:
    """Put the member in a time-out, or end it with 0."""
    await stage.discord.post("world", {"members": [{"name": user, "timed_out_s": seconds}]})


@pytest.mark.parametrize("channel", LACKS)
async def test_where_a_member_may_not_post(stage: Stage, files: Path, channel: str) -> None:
    """In a channel that lets a member read only, no button, form, menu, command or reaction posts a video for them."""
    denied, sentence = LACKS[channel]
    card = await video_where(stage, files, channel, denied)
    async with no_trace(stage):
        for label in [one for one in labels(card) if one.startswith(tuple(MAKING))]:
            answer = await stage.discord.post("click", {"user": "friend", "message": card["id"], "label": label})
            assert (answer["ephemeral"], answer["modal"]) == (True, None), label
            assert sentence in answer["content"], label
        answer = await order_in(stage, files, channel, "friend", unchecked=True)
        assert answer["ephemeral"]
        assert sentence in answer["content"]
        if denied != "USE_APPLICATION_COMMANDS":  # of which Discord itself offers no menu
            menu = {"user": "friend", "message": card["id"], "command": "Continue video"}
            assert sentence in (await stage.discord.post("menu", menu))["content"]
        await react(stage, "friend", card["id"], "🔁")
        if denied != "USE_APPLICATION_COMMANDS":
            told = await wait_for_message(stage, sentence, channel="@friend", seen_by="friend")
            assert card["id"] in told["content"]
        await react(stage, "friend", card["id"], "❌")
        await react(stage, "admin", card["id"], "❌")  # the reactions before are answered once this one is

        async def look() -> bool | None:
            there = await stage.messages(channel=channel, seen_by="maker")
            return None if [m for m in there if m["ephemeral_for"] is None] else True

        await eventually(look, what="deletion by a moderator, of the card and then of the word about it")


async def test_in_a_time_out(stage: Stage, files: Path) -> None:
    """A member in a time-out gets no video by a button, a form that was opened before, or a reaction."""
    parent = await one_video(stage, files)
    form = await press(stage, "friend", parent, "Edit")
    await time_out(stage, "friend", 600)
    try:
        async with no_trace(stage):
            assert "in a time-out" in (await press(stage, "friend", parent, "Rerun"))["content"]
            answer = await submit_form(stage, "friend", form, prompt="another lake")
            assert "in a time-out" in answer["content"]
            with suppress(StageError):  # Discord takes it where Wanda's own 🔁 already stands there, else refuses it
                await react(stage, "friend", parent, "🔁")
            assert [m["id"] for m in await stage.messages() if m["reference"] == parent] == []
    finally:
        await time_out(stage, "friend", 0)


@pytest.mark.usefixtures("friend_is_asked")
async def test_a_question_from_before_a_time_out(stage: Stage, files: Path) -> None:
    """A question, private or in the channel, makes no video for a member who is in a time-out when they answer."""
    parent = await one_video(stage, files)
    private: str = (await press(stage, "friend", parent, "Rerun"))["message_id"]
    await read(stage, "friend", private)
    await react(stage, "friend", parent, "🔁")
    public: str = (await wait_for_message(stage, "Only you can answer"))["id"]
    await time_out(stage, "friend", 600)
    try:
        for message_id in (private, public):
            answer = await press(stage, "friend", message_id, "Make it")
            assert "in a time-out" in answer["content"]
        assert not [m for m in await stage.messages() if m["reference"] == parent and videos_of(m)]
    finally:
        await time_out(stage, "friend", 0)
    for message_id in (private, public):
        await press(stage, "friend", message_id, "Cancel")


async def test_an_approver_in_a_time_out(stage: Stage, files: Path) -> None:
    """An approver in a time-out decides nothing."""
    roles = {"roles": [{"name": "producers"}], "members": [{"name": "boss", "roles": ["producers"]}]}
    await stage.discord.post("world", roles)
    await admin(stage, "approval", above="0.10", role="producers")
    try:
        answer = await order_in(stage, files, "general", "maker")
        await wait_for_text(stage, answer["message_id"], "Waiting for approval")
        await time_out(stage, "boss", 600)
        said = await press(stage, "boss", answer["message_id"], "Approve")
        assert "in a time-out" in said["content"]
        await wait_for_state(stage, answer["message_id"], "waiting")
        await time_out(stage, "boss", 0)
        await press(stage, "boss", answer["message_id"], "Decline")
        await wait_for_state(stage, answer["message_id"], "cancelled")
    finally:
        await admin(stage, "approval", above="off")


@pytest_asyncio.fixture(loop_scope="module")
async def denied(stage: Stage) -> AsyncIterator[None]:
    """While the test runs, the server's Integrations let friend use no /wan27, but all other commands."""
    denial = [{"member": "friend", "allow": False}]
    await stage.discord.post("integrations", {"command": "wan27", "permissions": denial})
    yield
    await stage.discord.post("integrations", {"command": "wan27", "permissions": []})


@pytest.mark.usefixtures("denied")
async def test_a_command_that_the_integrations_deny(stage: Stage, files: Path) -> None:
    """Who may not use /wan27 by the server's Integrations gets no such video by a button, form, menu or reaction.

    Another family's video is theirs still, and once the setting is taken back the same button works.
    """
    parent = await one_video(stage, files)
    sentence = "You can't use `/wan27` in this channel"
    with pytest.raises(StageError, match="is not offered to friend"):
        await order_in(stage, files, "general", "friend")
    async with no_trace(stage):
        for label in ("Rerun", "Edit", "Continue"):
            answer = await press(stage, "friend", parent, label)
            assert (answer["ephemeral"], answer["modal"]) == (True, None), label
            assert sentence in answer["content"], label
        menu = {"user": "friend", "message": parent, "command": "Continue video"}
        assert sentence in (await stage.discord.post("menu", menu))["content"]
        await react(stage, "friend", parent, "🔁")
    assert (await press(stage, "friend", parent, "Restyle"))["modal"] is not None
    await stage.discord.post("integrations", {"command": "wan27", "permissions": []})
    form = await press(stage, "friend", parent, "Edit")
    await stage.discord.post("integrations", {"permissions": [{"channel": "general", "allow": False}]})
    try:
        assert sentence in (await submit_form(stage, "friend", form, prompt="another lake"))["content"]
        await press(stage, "admin", parent, "Edit")  # no setting binds an administrator
    finally:
        await stage.discord.post("integrations", {"permissions": []})
    answer = await press(stage, "friend", parent, "Rerun")
    await wait_for_state(stage, answer["message_id"], "done")


async def test_when_discord_does_not_tell_who_may(stage: Stage, files: Path) -> None:
    """While Discord does not tell who may use a command, buttons make no video, and the command itself does."""
    parent = await one_video(stage, files)
    await stage.discord.post("faults", {"method": "GET", "path": "/applications/*", "status": 403})
    await stage.discord.post("integrations", {"permissions": []})  # what was known counts no more
    async with no_trace(stage):
        assert "Wanda can't check right now" in (await press(stage, "friend", parent, "Rerun"))["content"]
    answer = await order_in(stage, files, "general", "friend")
    await wait_for_state(stage, answer["message_id"], "done")


async def test_a_thread_where_only_its_own_permission_counts(stage: Stage, files: Path) -> None:
    """In a thread of a channel where nobody may write except in threads, commands and 🔁 make videos; locked, neither.

    https://discord.com/developers/docs/topics/threads#permissions
    """
    deny = [{"role": "@everyone", "deny": ["SEND_MESSAGES"]}, {"bot": True, "deny": ["SEND_MESSAGES"]}]
    await stage.discord.post("world", {"channels": [{"name": "hall", "overwrites": deny}]})
    await stage.discord.post("world", {"threads": [{"name": "talk", "channel": "hall"}]})
    answer = await order_in(stage, files, "talk", "maker")
    await wait_for_state(stage, answer["message_id"], "done")
    (card,) = await wait_for_videos(stage, 1, channel="talk")
    await react(stage, "friend", card["id"], "🔁")
    await wait_for_videos(stage, 2, channel="talk")
    await stage.discord.post("change", {"threads": [{"name": "talk", "locked": True}]})
    async with no_trace(stage):
        answer = await stage.discord.post("click", {"user": "friend", "message": card["id"], "label": "Rerun"})
        assert "This thread is locked" in answer["content"]
