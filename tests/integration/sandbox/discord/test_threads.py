"""The stand-in's threads and channel kinds follow Discord's (https://discord.com/developers/docs/topics/threads)."""

from typing import Any

import pytest

from tests.support.discord_client import DiscordControl, application, begin_command

PING = {"name": "ping", "description": "A test.", "type": 1}
REACTION = "/reactions/%F0%9F%94%81/@me"


async def new_thread(control: DiscordControl, **thread: Any) -> str:
    """Return the id of a new thread."""
    made = await control.order("world", threads=[{"name": "talk", "channel": "general"} | thread])
    return made["threads"][0]["id"]


async def events(control: DiscordControl, name: str) -> list[dict[str, Any]]:
    """Return the data of the events of that name."""
    return [entry["data"] for entry in await control.transcript() if entry.get("event") == name]


async def general_id(control: DiscordControl) -> str:
    """Return the id of #general."""
    return str(next(iter(control.sandbox.core.world.channels)))


async def test_a_thread_is_a_channel_of_its_own(control: DiscordControl) -> None:
    """The bot starts a thread, hears of it, writes there, and the thread names its parent and its state."""
    parent = await general_id(control)
    status, thread = await control.rest("POST", f"/channels/{parent}/threads", json={"name": "talk", "type": 11})
    assert (status, thread["type"], thread["parent_id"]) == (201, 11, parent)
    assert (thread["thread_metadata"]["archived"], thread["thread_metadata"]["locked"]) == (False, False)
    (created,) = await events(control, "THREAD_CREATE")
    assert (created["id"], created["newly_created"]) == (thread["id"], True)
    assert (await control.rest("POST", f"/channels/{thread['id']}/messages", json={"content": "x"}))[0] == 200
    _, again = await control.rest("GET", f"/channels/{thread['id']}")
    assert (again["message_count"], again["total_message_sent"], again["member"]["flags"]) == (1, 1, 0)
    _, active = await control.rest("GET", f"/guilds/{thread['guild_id']}/threads/active")
    assert [one["id"] for one in active["threads"]] == [thread["id"]]


async def test_a_thread_at_a_message_has_its_id(control: DiscordControl) -> None:
    """A message has at most one thread, which begins with a message that refers to it and is not counted."""
    parent = await general_id(control)
    said = await control.order("say", user="maker", content="hi")
    path = f"/channels/{parent}/messages/{said['id']}"
    status, thread = await control.rest("POST", f"{path}/threads", json={"name": "about that"})
    assert (status, thread["id"]) == (201, said["id"])
    _, message = await control.rest("GET", path)
    assert (message["thread"]["id"], message["flags"] & 32) == (said["id"], 32)
    assert (await control.rest("POST", f"{path}/threads", json={"name": "again"}))[1]["code"] == 160004
    _, (starter,) = await control.rest("GET", f"/channels/{thread['id']}/messages")
    assert (starter["type"], starter["content"], starter["message_reference"]["channel_id"]) == (21, "", parent)
    assert starter["referenced_message"]["id"] == said["id"]
    _, count = await control.rest("GET", f"/channels/{thread['id']}")
    assert (count["message_count"], count["total_message_sent"]) == (0, 0)


async def test_threads_come_with_the_channel_that_the_bot_may_see(control: DiscordControl) -> None:
    """THREAD_LIST_SYNC brings the active threads of a channel once the bot gains access."""
    hidden = [{"bot": True, "deny": ["VIEW_CHANNEL"]}]
    made = await control.order("world", channels=[{"name": "secret", "overwrites": hidden}])
    thread = await new_thread(control, channel="secret")
    assert await events(control, "THREAD_CREATE") == []
    await control.order("change", channels=[{"name": "secret", "overwrites": []}])
    (sync,) = await events(control, "THREAD_LIST_SYNC")
    assert (sync["channel_ids"], [one["id"] for one in sync["threads"]]) == ([made["channels"][0]["id"]], [thread])


@pytest.mark.parametrize(
    ("denied", "channel_status", "thread_status"),
    [("SEND_MESSAGES", 403, 200), ("SEND_MESSAGES_IN_THREADS", 200, 403)],
)
async def test_writing_in_a_thread_takes_its_own_permission(
    control: DiscordControl, denied: str, channel_status: int, thread_status: int
) -> None:
    """In a thread SEND_MESSAGES does not count, SEND_MESSAGES_IN_THREADS does; files and links go with it."""
    deny = [{"role": "@everyone", "deny": [denied]}, {"bot": True, "deny": [denied]}]
    made = await control.order("world", channels=[{"name": "showcase", "overwrites": deny}])
    thread = await new_thread(control, channel="showcase")
    body = {"content": "x", "embeds": [{"title": "x"}]}
    assert (await control.rest("POST", f"/channels/{made['channels'][0]['id']}/messages", json=body))[
        0
    ] == channel_status
    assert (await control.rest("POST", f"/channels/{thread}/messages", json=body))[0] == thread_status


async def test_an_archived_thread_is_opened_by_a_message_only(control: DiscordControl) -> None:
    """Edits and reactions are refused with 50083; deleting works, and a new message opens the thread."""
    thread = await new_thread(control)
    _, message = await control.rest("POST", f"/channels/{thread}/messages", json={"content": "x"})
    await control.order("change", threads=[{"name": "talk", "archived": True}])
    path = f"/channels/{thread}/messages/{message['id']}"
    assert (await control.rest("PATCH", path, json={"content": "y"}))[1]["code"] == 50083
    assert (await control.rest("PUT", path + REACTION))[1]["code"] == 50083
    refused = await control.order("react", 400, user="maker", message=message["id"], emoji="🔁")
    assert refused["code"] == 50083
    assert (await control.rest("DELETE", path))[0] == 204
    assert (await control.rest("POST", f"/channels/{thread}/messages", json={"content": "z"}))[0] == 200
    assert [event["thread_metadata"]["archived"] for event in await events(control, "THREAD_UPDATE")] == [True, False]


@pytest.mark.parametrize(("archived", "code"), [(True, 50083), (False, 160005)])
async def test_a_locked_thread_takes_messages_from_its_moderators_only(
    control: DiscordControl, archived: bool, code: int
) -> None:
    """Without MANAGE_THREADS posts and edits are refused, with 50083 if the thread is archived too, else 160005."""
    thread = await new_thread(control)
    _, message = await control.rest("POST", f"/channels/{thread}/messages", json={"content": "x"})
    own = f"/channels/{thread}/messages/{message['id']}"
    await control.order("change", threads=[{"name": "talk", "archived": archived, "locked": True}])
    assert (await control.rest("POST", f"/channels/{thread}/messages", json={"content": "x"}))[1]["code"] == code
    assert (await control.rest("PATCH", own, json={"content": "y"}))[1]["code"] == code
    assert (await control.rest("PUT", own + REACTION))[0] == (400 if archived else 204)
    assert (await control.rest("DELETE", own))[0] == (400 if archived else 204)
    assert (await control.rest("PATCH", f"/channels/{thread}", json={"archived": False}))[1]["code"] == 50013
    await control.order("change", roles=[{"name": "Wanda", "permissions": str(0x400 | 1 << 38 | 1 << 34)}])
    assert (await control.rest("POST", f"/channels/{thread}/messages", json={"content": "x"}))[0] == 200


async def test_a_command_in_a_locked_or_archived_thread_is_not_offered(control: DiscordControl) -> None:
    """A member uses commands in active threads only; the interaction says that its channel is a thread."""
    await control.rest("PUT", f"/applications/{application(control)}/commands", json=[PING])
    thread = await new_thread(control)
    pending = await begin_command(control, command="ping", channel=thread)
    assert (pending.event["channel"]["type"], pending.event["channel"]["thread_metadata"]["locked"]) == (11, False)
    assert (await pending.answer(type=4, data={"content": "pong"}))[0] == 200
    await control.order("change", threads=[{"name": "talk", "locked": True}])
    assert "locked" in (await control.order("slash", 400, user="maker", channel=thread, command="ping"))["error"]


async def test_a_private_thread_is_seen_by_its_members(control: DiscordControl) -> None:
    """Without membership the bot gets 50001 and no event; once it is added, THREAD_CREATE tells it."""
    thread = await new_thread(control, user="maker", private=True)
    assert await events(control, "THREAD_CREATE") == []
    assert (await control.rest("GET", f"/channels/{thread}"))[1]["code"] == 50001
    await new_thread(control, name="ours", user="maker", private=True, members=["bot", "friend"])
    assert [event["name"] for event in await events(control, "THREAD_CREATE")] == ["ours"]
    assert (await control.order("say", user="friend", channel="ours", content="hi"))["id"]
    refused = await control.order("say", 400, user="friend", channel="talk", content="hi")
    assert "does not see" in refused["error"]


async def test_a_forum_takes_posts_only(control: DiscordControl) -> None:
    """A message straight into a forum is refused with 50008; a post is a thread whose first message has its id."""
    made = await control.order("world", channels=[{"name": "ideas", "kind": "forum"}])
    forum = made["channels"][0]["id"]
    assert (await control.rest("POST", f"/channels/{forum}/messages", json={"content": "x"}))[1]["code"] == 50008
    body = {"name": "first", "message": {"content": "Here it is"}}
    status, post = await control.rest("POST", f"/channels/{forum}/threads", json=body)
    assert (status, post["message"]["id"], post["applied_tags"]) == (201, post["id"], [])
    theirs = await new_thread(control, channel="ideas", user="maker", content="Mine")
    (first,) = await control.messages(channel=theirs)
    assert (first["id"], first["content"]) == (theirs, "Mine")


async def test_a_deleted_channel_refuses_everything(control: DiscordControl) -> None:
    """Posts, edits and answers in a deleted channel or thread are 404 10003, under either token."""
    await control.rest("PUT", f"/applications/{application(control)}/commands", json=[PING])
    for place, kind in (("old", "channels"), ("talk", "threads")):
        made = await control.order("world", **{kind: [{"name": place}]})
        channel = made[kind][0]["id"]
        pending = await begin_command(control, command="ping", channel=channel)
        await pending.answer(type=5)
        late = await begin_command(control, command="ping", channel=channel)
        await control.order("gone", **{kind: [place]})
        assert (await late.answer(type=5))[1]["code"] == 10003
        late.order.cancel()
        assert (await pending.hook("PATCH", "/messages/@original", json={"content": "x"}))[1]["code"] == 10003
        assert (await pending.hook("POST", "", json={"content": "x"}))[1]["code"] == 10003
        assert (await control.rest("POST", f"/channels/{channel}/messages", json={"content": "x"}))[1]["code"] == 10003
    assert [event["type"] for event in await events(control, "THREAD_DELETE")] == [11]
    assert [event["name"] for event in await events(control, "CHANNEL_DELETE")] == ["old"]


async def test_a_channel_changes_while_the_bot_runs(control: DiscordControl) -> None:
    """New overwrites hold at once, and CHANNEL_UPDATE tells them with the age restriction and slow mode."""
    parent = await general_id(control)
    deny = [{"bot": True, "deny": ["SEND_MESSAGES"]}]
    await control.order("change", channels=[{"name": "general", "overwrites": deny, "nsfw": True, "slow_mode_s": 30}])
    (update,) = await events(control, "CHANNEL_UPDATE")
    assert (update["nsfw"], update["rate_limit_per_user"], len(update["permission_overwrites"])) == (True, 30, 1)
    assert (await control.rest("POST", f"/channels/{parent}/messages", json={"content": "x"}))[1]["code"] == 50013


async def test_slow_mode_holds_members_but_no_moderator(control: DiscordControl) -> None:
    """A member waits between two messages; who manages messages does not."""
    await control.order("change", channels=[{"name": "general", "slow_mode_s": 30}])
    await control.order("say", user="maker", content="one")
    assert "slow mode" in (await control.order("say", 400, user="maker", content="two"))["error"]
    for _ in range(2):
        await control.order("say", user="admin", content="free")
    await control.order("advance", seconds=30)
    await control.order("say", user="maker", content="three")


async def test_an_age_restricted_command_is_offered_in_such_channels_only(control: DiscordControl) -> None:
    """`nsfw` of a command and of a channel belong together; a thread has its channel's."""
    await control.rest("PUT", f"/applications/{application(control)}/commands", json=[PING | {"nsfw": True}])
    assert "age-restricted" in (await control.order("slash", 400, user="maker", command="ping"))["error"]
    await control.order("change", channels=[{"name": "general", "nsfw": True}])
    thread = await new_thread(control)
    for place in ("general", thread):
        pending = await begin_command(control, command="ping", channel=place)
        pending.order.cancel()


@pytest.mark.parametrize(
    ("kind", "number"),
    [("voice", 2), ("category", 4), ("announcement", 5), ("stage", 13), ("forum", 15), ("media", 16)],
)
async def test_channels_have_kinds(control: DiscordControl, kind: str, number: int) -> None:
    """A channel of each kind has Discord's number, and may stand in a category."""
    made = await control.order(
        "world", channels=[{"name": "box", "kind": "category"}, {"name": "new", "kind": kind, "category": "box"}]
    )
    _, channel = await control.rest("GET", f"/channels/{made['channels'][1]['id']}")
    assert (channel["type"], channel["parent_id"]) == (number, made["channels"][0]["id"])
