"""What the stand-in says of attached files (https://discord.com/developers/docs/resources/message#attachment-object)."""

import json
from typing import Any

import aiohttp
import pytest

from tests.support.discord_client import DiscordControl, application, begin_command, file_of
from tests.support.media_samples import mp4, ogg, png

SPOILER = 1 << 3
VOICE = 1 << 13
PING = {
    "name": "ping",
    "description": "A test.",
    "options": [{"type": 11, "name": "image", "description": "A picture."}],
}


def upload(payload: dict[str, Any], **files: bytes) -> aiohttp.FormData:
    """Return a multipart body; the files' names end as their keys do, after a double underscore."""
    data = aiohttp.FormData()
    data.add_field("payload_json", json.dumps(payload))
    for number, (name, content) in enumerate(files.items()):
        data.add_field(f"files[{number}]", content, filename=name.replace("__", "."))
    return data


@pytest.fixture
def messages(control: DiscordControl) -> str:
    """The path of the messages in #general."""
    return f"/channels/{next(iter(control.sandbox.core.world.channels))}/messages"


async def test_pictures_have_sides_and_clips_and_sounds_a_length(control: DiscordControl, messages: str) -> None:
    """Sides come with pictures and clips, a length with clips and sounds, nothing with a file that is neither."""
    body = upload({}, a__png=png(64, 48), b__mp4=mp4(seconds=2), c__ogg=ogg(1), d__txt=b"x", e__png=b"broken")
    picture, clip, sound, text, broken = (await control.rest("POST", messages, data=body))[1]["attachments"]
    assert (picture["width"], picture["height"], "duration_secs" in picture) == (64, 48, False)
    assert (clip["width"] > 0, clip["duration_secs"]) == (True, pytest.approx(2, abs=0.1))
    assert ("width" in sound, sound["duration_secs"]) == (False, pytest.approx(1, abs=0.1))
    assert not {"width", "duration_secs", "flags", "title"} & (text.keys() | broken.keys())


async def test_a_member_may_send_what_a_client_would_change(control: DiscordControl) -> None:
    """A file may be marked as a spoiler, keep a raw name, and state sides that it does not have."""
    await control.rest("PUT", f"/applications/{application(control)}/commands", json=[PING])
    given = file_of(png(), "Ünï ../x.png") | {"spoiler": True, "width": 9000, "height": 2}
    seen: list[dict[str, Any]] = []
    for more in ({}, {"raw_name": True}):
        pending = await begin_command(control, command="ping", files={"image": given | more})
        seen += pending.event["data"]["resolved"]["attachments"].values()
        pending.order.cancel()
    assert [file["filename"] for file in seen] == ["_n__.._x.png", "Ünï ../x.png"]
    assert {(file["title"], file["flags"], file["width"], file["height"]) for file in seen} == {
        ("Ünï ../x", SPOILER, 9000, 2)
    }
    for file in seen:
        async with control.session.get(file["url"]) as response:
            assert await response.read() == png()


async def test_a_spoiler_of_the_bot_is_a_flag(control: DiscordControl, messages: str) -> None:
    """`is_spoiler` sets the flag; an edit of a kept attachment changes flag and description."""
    about = {"attachments": [{"id": 0, "is_spoiler": True, "description": "a kite"}]}
    _, message = await control.rest("POST", messages, data=upload(about, a__png=png()))
    (file,) = message["attachments"]
    assert (file["flags"], file["description"]) == (SPOILER, "a kite")
    change = {"attachments": [{"id": file["id"], "is_spoiler": False, "description": "a bird"}]}
    _, message = await control.rest("PATCH", f"{messages}/{message['id']}", json=change)
    (file,) = message["attachments"]
    assert ("flags" in file, file["description"]) == (False, "a bird")


async def test_an_edit_appends_listed_files_only(control: DiscordControl, messages: str) -> None:
    """A new file that the edit's `attachments` does not list is not appended."""
    _, message = await control.rest("POST", messages, json={"content": "x"})
    listing = {"attachments": [{"id": 1}]}
    _, edited = await control.rest(
        "PATCH", f"{messages}/{message['id']}", data=upload(listing, a__png=png(), b__png=png())
    )
    assert [file["filename"] for file in edited["attachments"]] == ["b.png"]


async def test_a_voice_message_is_one_sound(control: DiscordControl, messages: str) -> None:
    """A voice message has length and waveform, no content, and is never edited."""
    told = {"flags": VOICE, "attachments": [{"id": 0, "duration_secs": 1.0, "waveform": "AAAA"}]}
    for payload, files, code in (
        (told | {"content": "x"}, {"a__ogg": ogg(1)}, 50159),
        (told, {"a__png": png()}, 50160),
        ({"flags": VOICE}, {"a__ogg": ogg(1)}, 50161),
    ):
        assert (await control.rest("POST", messages, data=upload(payload, **files)))[1]["code"] == code
    _, message = await control.rest("POST", messages, data=upload(told, a__ogg=ogg(1)))
    assert message["flags"] & VOICE
    assert (await control.rest("PATCH", f"{messages}/{message['id']}", json={"content": "x"}))[1]["code"] == 50162


async def test_a_member_sends_a_voice_message(control: DiscordControl) -> None:
    """It has the flag, its length and a waveform."""
    said = await control.order("say", user="maker", voice=True, files=[file_of(ogg(1), "voice.ogg", "audio/ogg")])
    (message,) = await control.messages(message=said["id"])
    (file,) = message["attachments"]
    assert (message["flags"] & VOICE, bool(file["waveform"])) == (VOICE, True)
    assert file["duration_secs"] == pytest.approx(1, abs=0.1)
