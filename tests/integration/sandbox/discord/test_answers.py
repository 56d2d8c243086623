"""Smaller rules of Discord's REST API that a bot meets when it answers, reads and is refused."""

import asyncio
import base64
import json
from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordSandbox
from sandbox.discord.session import Intent
from tests.support.discord_client import PNG, DiscordControl, application, begin_command, begin_deed, file_of

SLASH = {
    "name": "pick",
    "description": "A test.",
    "options": [
        {"type": 7, "name": "channel", "description": "A channel."},
        {"type": 11, "name": "file", "description": "A file.", "file_types": ["video", ".PNG"]},
    ],
}
ON_MESSAGE, ON_PERSON = {"name": "Look", "type": 3}, {"name": "Greet", "type": 2}
HOUR_S = 3600


@pytest.fixture
async def messages(control: DiscordControl) -> str:
    """The path of the messages in #general; the bot has synced its commands."""
    commands = [SLASH, ON_MESSAGE, ON_PERSON]
    await control.rest("PUT", f"/applications/{application(control)}/commands", json=commands)
    return f"/channels/{next(iter(control.sandbox.core.world.channels))}/messages"


async def begin(control: DiscordControl, order: str, **body: Any) -> dict[str, Any]:
    """Give a control order that waits for the bot's answer, and return the interaction."""
    asked = asyncio.create_task(control.order(order, user="maker", **body))
    async with asyncio.timeout(10):
        while True:
            for entry in await control.transcript():
                if entry.get("event") == "INTERACTION_CREATE":
                    asked.cancel()
                    return entry["data"]
            await asyncio.sleep(0.005)


async def answer(control: DiscordControl, event: dict[str, Any], **body: Any) -> tuple[int, Any]:
    """Answer the interaction."""
    path = f"/interactions/{event['id']}/{event['token']}/callback?with_response=1"
    return await control.rest("POST", path, token="", json=body)


@pytest.mark.parametrize("privileged", [Intent.NONE, Intent.MESSAGE_CONTENT])
async def test_what_people_write_is_read_with_the_intent_only(privileged: Intent) -> None:
    """Without MESSAGE_CONTENT, REST gives a person's message without text and files, unless it mentions the bot."""
    async with DiscordSandbox(privileged=privileged) as sandbox, aiohttp.ClientSession() as session:
        control = DiscordControl(sandbox, session)
        channel = next(iter(sandbox.core.world.channels))
        said = await control.order("say", user="maker", content="hi", files=[file_of(PNG)])
        await control.order("say", user="maker", content=f"hi <@{application(control)}>")
        _, one = await control.rest("GET", f"/channels/{channel}/messages/{said['id']}")
        _, two = await control.rest("GET", f"/channels/{channel}/messages")
        reply = {"content": "ours", "message_reference": {"message_id": said["id"]}}
        _, ours = await control.rest("POST", f"/channels/{channel}/messages", json=reply)
        _, again = await control.rest("GET", f"/channels/{channel}/messages/{ours['id']}")
        can_read = privileged is Intent.MESSAGE_CONTENT
        assert (bool(one["content"]), bool(one["attachments"])) == (can_read, can_read)
        assert [bool(message["content"]) for message in two] == [True, can_read]
        assert (again["content"], bool(again["referenced_message"]["content"])) == ("ours", can_read)


async def test_messages_around_one(control: DiscordControl, messages: str) -> None:
    """`around` gives half of the limit on each side, the newest first."""
    ids = [(await control.order("say", user="maker", content=str(n)))["id"] for n in range(7)]
    _, page = await control.rest("GET", f"{messages}?around={ids[3]}&limit=5")
    assert [message["id"] for message in page] == ids[1:6][::-1]


async def test_an_old_message_takes_edits_again_after_an_hour(control: DiscordControl, messages: str) -> None:
    """30046 says 'try again later', and that is true an hour on."""
    _, message = await control.rest("POST", messages, json={"content": "Old"})
    path = f"{messages}/{message['id']}"
    await control.order("advance", seconds=HOUR_S + 1)
    for expected in ([200, 200, 200, 429], [200]):
        answers = [(await control.rest("PATCH", path, json={"content": str(n)}))[0] for n in range(len(expected))]
        assert answers == expected
        await control.order("advance", seconds=HOUR_S + 1)


async def test_a_message_becomes_a_layout_without_its_content_only(control: DiscordControl, messages: str) -> None:
    """Setting the Components V2 flag is refused while the content stays, and taken when it goes."""
    _, message = await control.rest("POST", messages, json={"content": "x"})
    path = f"{messages}/{message['id']}"
    layout = {"flags": 1 << 15, "components": [{"type": 10, "content": "y"}]}
    assert (await control.rest("PATCH", path, json=layout))[1]["code"] == 50035
    assert (await control.rest("PATCH", path, json=layout | {"content": None}))[0] == 200


@pytest.mark.parametrize("letter", ["a", "%C3%A4"])
async def test_a_letter_is_no_reaction(control: DiscordControl, messages: str, letter: str) -> None:
    """An unknown emoji is 10014 with the status 400."""
    said = await control.order("say", user="maker", content="hi")
    status, body = await control.rest("PUT", f"{messages}/{said['id']}/reactions/{letter}/@me")
    assert (status, body["code"]) == (400, 10014)


async def test_a_follow_up_is_answered_and_names_the_original(control: DiscordControl, messages: str) -> None:
    """A follow-up comes back without `wait`, and its metadata name the original response, whose own do not."""
    pending = await begin_command(control, command="pick")
    _, first = await pending.answer(type=4, data={"content": "x"})
    original = first["resource"]["message"]
    status, follow_up = await pending.hook("POST", json={"content": "y"})
    assert (status, follow_up["content"]) == (200, "y")
    assert follow_up["interaction_metadata"]["original_response_message_id"] == original["id"]
    _, kept = await control.rest("GET", f"{messages}/{original['id']}")
    assert "original_response_message_id" not in kept["interaction_metadata"]


async def test_the_answer_to_a_message_command_refers_to_the_message(control: DiscordControl, messages: str) -> None:
    """It has `message_reference`, `referenced_message` and `target_message_id`, and mentions nobody."""
    said = await control.order("say", user="friend", content="hi")
    event = await begin(control, "menu", command="Look", message=said["id"])
    _, body = await answer(control, event, type=4, data={"content": "x"})
    message = body["resource"]["message"]
    assert message["message_reference"]["message_id"] == message["referenced_message"]["id"] == said["id"]
    assert (message["type"], message["mentions"]) == (23, [])
    assert message["interaction_metadata"]["target_message_id"] == said["id"]


@pytest.mark.usefixtures("messages")
async def test_the_answer_to_a_user_command_names_the_person(control: DiscordControl) -> None:
    """Its metadata have `target_user`; the person's permissions are true."""
    event = await begin(control, "menu", command="Greet", target="friend")
    assert [int(member["permissions"]) > 0 for member in event["data"]["resolved"]["members"].values()] == [True]
    _, body = await answer(control, event, type=4, data={"content": "x"})
    assert body["resource"]["message"]["interaction_metadata"]["target_user"]["username"] == "friend"


@pytest.mark.usefixtures("messages")
async def test_a_chosen_channel_says_who_may_do_what(control: DiscordControl) -> None:
    """It carries the person's permissions and the app's."""
    closed = [{"bot": True, "deny": ["SEND_MESSAGES"]}]
    await control.order("world", channels=[{"name": "other", "overwrites": closed}])
    pending = await begin_command(control, command="pick", options={"channel": "other"})
    (channel,) = pending.event["data"]["resolved"]["channels"].values()
    assert [bool(int(channel[key]) & 1 << 11) for key in ("permissions", "app_permissions")] == [True, False]
    pending.order.cancel()


@pytest.mark.usefixtures("messages")
async def test_a_file_option_takes_its_kinds_of_files(control: DiscordControl) -> None:
    """Discord's client looks at the name's ending only; a forged request may send any file."""
    refused = await control.order("slash", 400, user="maker", command="pick", files={"file": file_of(PNG, "a.txt")})
    assert "takes video, .png" in refused["error"]
    for name, more in (("a.MOV", {}), ("a.png", {}), ("a.txt", {"unchecked": True})):
        pending = await begin_command(control, command="pick", files={"file": file_of(PNG, name)}, **more)
        pending.order.cancel()


async def test_a_command_for_servers_is_not_offered_in_a_dm(control: DiscordControl) -> None:
    """`contexts` say where a command is offered."""
    commands = [
        {"name": "here", "description": "x", "contexts": [0]},
        {"name": "dm", "description": "x", "contexts": [1]},
    ]
    await control.rest("PUT", f"/applications/{application(control)}/commands", json=commands)
    for command, channel in (("here", "@maker"), ("dm", "general")):
        refused = await control.order("slash", 400, user="maker", channel=channel, command=command)
        assert "not offered there" in refused["error"]


@pytest.mark.parametrize("kind", ["urlencoded", "multipart"])
@pytest.mark.parametrize("whole", [True, False])
async def test_a_body_may_be_a_form(control: DiscordControl, messages: str, kind: str, whole: bool) -> None:
    """A form has `payload_json` or a field for each key, urlencoded or multipart."""
    fields = {"payload_json": json.dumps({"content": "7", "tts": True})} if whole else {"content": "7", "tts": "true"}
    data: Any = fields
    if kind == "multipart":
        data = aiohttp.FormData(fields, default_to_multipart=True)
    status, message = await control.rest("POST", messages, data=data)
    assert (status, message["content"], message["tts"]) == (200, "7", True)


@pytest.mark.parametrize("status", [502, 429])
async def test_cloudflare_answers_with_a_page(control: DiscordControl, messages: str, status: int) -> None:
    """A fault may be Cloudflare's: a page instead of JSON; its 429, a ban, has no `Via`."""
    await control.order("faults", status=status, html=True, times=1)
    headers = {"Authorization": f"Bot {control.sandbox.core.token}"}
    async with control.session.get(control.api_url + messages, headers=headers) as response:
        assert (response.status, response.content_type) == (status, "text/html")
        assert "<html" in await response.text()
        assert ("Via" in response.headers, "Retry-After" in response.headers) == (False, status == 429)
    (told,) = [entry for entry in await control.transcript() if entry.get("status") == status]
    assert "<html" in told["response"]


async def test_what_other_libraries_ask_for_at_login(control: DiscordControl) -> None:
    """The token begins with the bot's id in base64, the application has a summary, and there are default sounds."""
    first = control.sandbox.core.token.partition(".")[0]
    assert base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode() == application(control)
    assert (await control.rest("GET", "/applications/@me"))[1]["summary"] == ""
    status, sounds = await control.rest("GET", "/soundboard-default-sounds")
    assert (status, {"sound_id", "name", "volume", "available"} <= sounds[0].keys()) == (200, True)


@pytest.mark.usefixtures("messages")
async def test_a_form_takes_its_kinds_of_files(control: DiscordControl) -> None:
    """An upload's `file_types` are held by Discord's client."""
    upload = {"type": 19, "custom_id": "file", "file_types": ["image"]}
    form = {"custom_id": "f", "title": "x", "components": [{"type": 18, "label": "File", "component": upload}]}
    pending = await begin_command(control, command="pick")
    assert (await pending.answer(type=9, data=form))[0] == 200
    modal = (await pending.order)["modal"]["id"]
    refused = await control.order("submit", 400, user="maker", modal=modal, files={"File": file_of(PNG, "a.mp4")})
    assert "takes image, not a.mp4" in refused["error"]


@pytest.mark.usefixtures("messages")
async def test_what_is_chosen_comes_with_its_objects(control: DiscordControl) -> None:
    """A select of people, roles or channels sends ids and the objects, on a message and in a form.

    https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-interaction-data
    """
    pending = await begin_command(control, command="pick")
    rows = [{"type": 1, "components": [{"type": 5, "custom_id": "who"}]}]
    assert (await pending.answer(type=4, data={"content": "Who?", "components": rows}))[0] == 200
    message = (await pending.order)["message_id"]
    clicked = await begin_deed(control, "click", message=message, custom_id="who", values=["friend"])
    friend = clicked.event["data"]["values"][0]
    resolved = clicked.event["data"]["resolved"]
    assert (resolved["users"][friend]["username"], friend in resolved["members"]) == ("friend", True)
    label = {"type": 18, "label": "Role", "component": {"type": 6, "custom_id": "role"}}
    assert (await clicked.answer(type=9, data={"custom_id": "f", "title": "x", "components": [label]}))[0] == 200
    modal = (await clicked.order)["modal"]["id"]
    sent = await begin_deed(control, "submit", modal=modal, fields={"Role": ["Administrators"]})
    role = sent.event["data"]["components"][0]["component"]["values"][0]
    assert sent.event["data"]["resolved"]["roles"][role]["name"] == "Administrators"
    assert (await sent.answer(type=4, data={"content": "Thanks"}))[0] == 200
    await sent.order
