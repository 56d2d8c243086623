"""Delivery of a finished video while Discord or fal's storage refuses, breaks off or does not answer."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.stage import Stage, buttons_of, components_of, eventually, file_body, text_of, videos_of
from tests.e2e.conftest import QUICK
from tests.support.text_commands import ask
from tests.support.video_steps import (
    ORDERED,
    costs,
    delete_message,
    order,
    picture,
    wait_for_reply,
    wait_for_state,
    wait_for_text,
    wait_for_video,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
MIB = 1024 * 1024
# A card has one edit before its last, and a failed download is retried for long: a test can so plan for the last edit.
# A video that is too large is linked at once; test_fitting_results.py tests how one is encoded to fit.
CALM = {
    **QUICK,
    "WANDA_EDIT_INTERVAL_S": "60",
    "WANDA_DOWNLOAD_RETRIES": "20",
    "WANDA_DOWNLOAD_WAIT_S": "0.05",
    "WANDA_ENCODES_AT_ONCE": "0",
}
LINKED = "so here's fal's link"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Start a bot that edits each card once before the end."""
    async with Stage(tmp_path_factory.mktemp("data"), seconds_per_job=0.1, settings=CALM) as ready:
        await ready.start_bot()
        yield ready


@asynccontextmanager
async def held(stage: Stage, files: Path, **asked: Any) -> AsyncGenerator[str]:
    """Order a video, and let fal's storage answer 503 until the block ends; yields the card's message id."""
    await stage.discord.delete("transcript")
    await stage.fal.post("faults", {"at": "cdn", "status": 503, "times": 100_000})
    message_id = await order(stage, files, **asked)
    await wait_for_state(stage, message_id, "delivering")

    async def look() -> bool | None:
        message = await stage.message(message_id)
        return True if message and message["edits"] else None

    await eventually(look, what="edit of the card")
    try:
        yield message_id
    finally:
        await stage.fal.delete("faults")


async def exchanges(stage: Stage, method: str, path: str) -> list[dict[str, Any]]:
    """Return the bot's requests to these routes, with their answers, since the transcript was cleared."""
    lines = await stage.discord.get("transcript")
    return [line for line in lines if line.get("method") == method and line["path"].startswith(path)]


async def linked(stage: Stage, message_id: str) -> dict[str, Any]:
    """Return the card once it links to fal, after checking that the link leads to a video."""
    message = await wait_for_text(stage, message_id, LINKED)
    assert videos_of(message) == []
    assert buttons_of(message)[0]["label"] == "Rerun"
    await wait_for_state(stage, message_id, "done")
    assert (await stage.fal.fetch(_link(message)))[4:8] == b"ftyp"
    return message


def _link(message: dict[str, Any]) -> str:
    """Return the link in the card's text, which its gallery shows too."""
    (found,) = re.findall(r"http://127\S+", text_of(message))
    shown = [item["media"]["url"] for part in components_of(message) for item in part.get("items", [])]
    assert shown in ([], [found])
    return found


async def films(stage: Stage, *, since: str) -> list[dict[str, Any]]:
    """Return the messages with a video, from this one on."""
    return [m for m in await stage.messages() if videos_of(m) and int(m["id"]) >= int(since)]


async def replacement(stage: Stage, message_id: str, words: str) -> dict[str, Any]:
    """Return the only message after this card that contains these words."""

    async def look() -> list[dict[str, Any]] | None:
        later = [m for m in await stage.messages() if int(m["id"]) > int(message_id)]
        return [m for m in later if words in text_of(m)] or None

    (found,) = await eventually(look, what="message instead of the card")
    return found


async def test_above_the_limit(stage: Stage, files: Path) -> None:
    """A video above the server's 10 MiB that cannot be encoded is linked, with both sizes and the link's expiry."""
    await stage.fal.post("settings", {"result_mb": 11})
    message = await linked(stage, await order(stage, files))
    assert "11 MB, above this server's 10 MB" in text_of(message)
    assert re.search(r"fal keeps it until about <t:\d+:D>", text_of(message))


async def test_a_boosted_server_takes_more(stage: Stage, files: Path) -> None:
    """A video of 25 MiB is attached where the server's tier allows 50."""
    await stage.fal.post("settings", {"result_mb": 25})
    await stage.discord.post(
        "world", {"servers": [{"name": "Cinema", "tier": 2}], "channels": [{"name": "big-screen", "server": "Cinema"}]}
    )
    body = {"user": "maker", "channel": "big-screen", "command": "wan27 image", "options": ORDERED}
    answer = await stage.discord.post("slash", {**body, "files": {"image": file_body(picture(files))}})

    async def look() -> dict[str, Any] | None:
        (message,) = await stage.messages(channel="big-screen")
        return message if videos_of(message) else None

    message = await eventually(look, what="video in the boosted server")
    assert message["id"] == answer["message_id"]
    assert videos_of(message)[0]["size"] == 25 * MIB


@pytest.mark.parametrize("code", [40005, 0], ids=["Discord's own", "a proxy's"])
async def test_refused_as_too_large(stage: Stage, files: Path, code: int) -> None:
    """When Discord refuses a size that it had allowed, and nothing smaller can be made, the card gets the link."""
    async with held(stage, files) as message_id:
        fault = {"method": "PATCH", "path": "/webhooks/*", "status": 413, "code": code, "times": 1}
        await stage.discord.post("faults", fault)
    assert "too large for Discord" in text_of(await linked(stage, message_id))


async def test_past_the_token(stage: Stage, files: Path) -> None:
    """After 15 minutes the video is put on the same message with the bot's token, as the interaction's has expired."""
    async with held(stage, files) as message_id:
        await stage.discord.post("advance", {"seconds": 901})
    await wait_for_video(stage, message_id)
    assert [m["id"] for m in await films(stage, since=message_id)] == [message_id]
    assert (await exchanges(stage, "PATCH", "/webhooks/"))[-1]["status"] == 401
    assert [line["status"] for line in await exchanges(stage, "PATCH", "/channels/")] == [200]


async def test_past_the_hour(stage: Stage, files: Path) -> None:
    """When Discord takes no more edits of a card over an hour old, one new message replies to it with the video."""
    fault = {"method": "PATCH", "path": "/channels/*", "status": 429, "code": 30046, "retry_after": 0.05}
    async with held(stage, files) as message_id:
        await stage.discord.post("advance", {"seconds": 3601})
        await stage.discord.post("faults", fault)
    reply = await wait_for_reply(stage, message_id)
    assert "your video is ready" in text_of(reply)
    assert [m["id"] for m in await films(stage, since=message_id)] == [reply["id"]]


async def test_a_members_limit_ends_with_the_token(stage: Stage, files: Path) -> None:
    """A video that only the member's Nitro allows is linked once the interaction's token has expired."""
    await stage.discord.post("world", {"members": [{"name": "patron", "roles": [], "upload_limit_mib": 50}]})
    await stage.fal.post("settings", {"result_mb": 12})
    async with held(stage, files, user="patron") as message_id:
        await stage.discord.post("advance", {"seconds": 901})
    await linked(stage, message_id)
    statuses = [line["status"] for line in await exchanges(stage, "PATCH", "/channels/")]
    # Between the two, the card may be edited to say that the video is being encoded.
    assert statuses in ([413, 200], [413, 200, 200])


async def test_a_card_that_a_moderator_deleted(stage: Stage, files: Path) -> None:
    """The video is posted as one new message, which names its member and notifies nobody."""
    async with held(stage, files) as message_id:
        await delete_message(stage, message_id)
    message = await replacement(stage, message_id, "your video is ready")
    assert text_of(message).startswith("<@")
    assert len(videos_of(message)) == 1
    await wait_for_state(stage, message["id"], "done")
    assert [m["id"] for m in await films(stage, since=message_id)] == [message["id"]]
    (sent,) = await exchanges(stage, "POST", "/channels/")
    assert sent["response"]["mentions"] == []
    assert sent["request"]["enforce_nonce"] is True


async def test_a_failure_whose_card_is_gone(stage: Stage, files: Path) -> None:
    """When its card was deleted, a job's failure is posted in one new message."""
    await stage.discord.delete("transcript")
    await stage.fal.post("settings", {"seconds_per_job": 0.6})
    await stage.fal.post("faults", {"at": "result", "error_type": "content_policy_violation", "times": 1})
    message_id = await order(stage, files)
    await delete_message(stage, message_id)
    message = await replacement(stage, message_id, "your video didn't work out")
    assert "You weren't charged" in text_of(message)
    assert len(await exchanges(stage, "POST", "/channels/")) == 1
    refused = [line for line in await exchanges(stage, "PATCH", "/webhooks/") if line["status"] == 404]
    assert len(refused) <= 2  # once for the progress, once for the end


async def test_a_lost_answer_to_the_new_message(stage: Stage, files: Path) -> None:
    """When Discord's answer to the new message is lost, the retry does not post a second one."""
    fault = {"method": "POST", "path": "/channels/*", "drop": True, "after": True, "times": 1}
    async with held(stage, files) as message_id:
        await delete_message(stage, message_id)
        await stage.discord.post("faults", fault)
    message = await replacement(stage, message_id, "your video is ready")
    await wait_for_state(stage, message["id"], "done")
    assert [m["id"] for m in await films(stage, since=message_id)] == [message["id"]]


NO_ANSWER = 0  # the transcript's status for a connection that was closed without an answer
TROUBLE: dict[str, tuple[dict[str, Any], list[int]]] = {
    "server errors": ({"status": 500, "times": 2}, [500, 500, 200]),
    "dropped before": ({"drop": True, "times": 2}, [NO_ANSWER, NO_ANSWER, 200]),
    "dropped after": ({"drop": True, "after": True, "times": 2}, [NO_ANSWER, NO_ANSWER, 200]),
    "a limit": ({"retry_after": 0.7, "times": 1}, [429, 200]),
}


@pytest.mark.parametrize("name", TROUBLE)
async def test_passing_trouble_at_the_last_edit(stage: Stage, files: Path, name: str) -> None:
    """Trouble that passes leaves one message with one video, and Discord's retry_after is respected."""
    fault, answers = TROUBLE[name]
    limited = (await stage.discord.get("limits"))["rate_limited"]
    clock = asyncio.get_running_loop().time
    async with held(stage, files) as message_id:
        await stage.discord.post("faults", {"method": "PATCH", "path": "/webhooks/*", **fault})
        began = clock()
    message = await wait_for_video(stage, message_id)
    assert clock() - began >= fault.get("retry_after", 0)
    assert len(videos_of(message)) == 1
    assert [m["id"] for m in await films(stage, since=message_id)] == [message_id]
    await wait_for_state(stage, message_id, "done")
    assert (await stage.discord.get("limits"))["rate_limited"] == limited + answers.count(429)
    assert [line["status"] for line in await exchanges(stage, "PATCH", "/webhooks/")][1:] == answers


async def test_an_outage_at_the_last_edit(stage: Stage, files: Path) -> None:
    """While Discord is unreachable the upload is retried; the video is not replaced by a link, which would expire."""
    async with held(stage, files) as message_id:
        await stage.discord.post("faults", {"method": "PATCH", "path": "/*", "drop": True})

    async def look() -> bool | None:
        return True if len(await exchanges(stage, "PATCH", "/")) > 10 else None

    await eventually(look, what="ten lost edits")
    await stage.discord.delete("faults")
    await wait_for_video(stage, message_id)
    edits = await exchanges(stage, "PATCH", "/")
    assert not any(LINKED in text_of(line["request"]) for line in edits)


async def test_a_link_until_the_video_comes(stage: Stage, files: Path) -> None:
    """A video that fal's storage does not deliver is linked, the card says why, and the video replaces the link."""
    await stage.fal.post("faults", {"at": "cdn", "status": 404, "times": 100_000})
    message_id = await order(stage, files)
    message = await wait_for_text(stage, message_id, LINKED)
    assert "fal's storage hasn't handed it to Wanda yet" in text_of(message)
    assert "Wanda keeps trying to bring it, until about" in text_of(message)
    assert videos_of(message) == []
    await wait_for_state(stage, message_id, "done")
    async with costs(stage):
        await stage.fal.delete("faults")
        assert LINKED not in text_of(await wait_for_video(stage, message_id))


async def test_a_channel_that_is_gone(stage: Stage, files: Path) -> None:
    """A video whose channel was deleted meanwhile goes to its member by direct message, and /jobs show says so."""
    await stage.discord.post("world", {"channels": [{"name": "short-lived", "server": "Studio"}]})
    await stage.fal.post("settings", {"seconds_per_job": 1})
    body = {"user": "friend", "channel": "short-lived", "command": "wan27 image", "options": ORDERED}
    answer = await stage.discord.post("slash", {**body, "files": {"image": file_body(picture(files))}})
    await stage.discord.post("gone", {"channels": ["short-lived"]})

    async def look() -> dict[str, Any] | None:
        seen = await stage.messages(channel="@friend", seen_by="friend")
        return next((m for m in seen if videos_of(m)), None)

    message = await eventually(look, what="direct message with the video")
    assert "Your video is ready. Wanda can't post in" in text_of(message)
    assert videos_of(message)[0]["filename"].endswith(".mp4")
    assert buttons_of(message) == []
    await wait_for_state(stage, answer["message_id"], "done")
    (short,) = re.findall(r"job (\w+)", text_of(message))
    shown = await ask(stage, "friend", "jobs show", job=short)
    assert "It's in your direct messages" in shown.text.replace("[", "").replace("]", " ")
    assert [file["filename"] for file in shown.files] == [videos_of(message)[0]["filename"]]


HOSTILE = "@everyone <@&1> ```[free](http://evil.example) \u202egnp.exe ||x|| # \n" + "Z\u0351\u0352\u0353\u0354" * 40


async def test_a_hostile_prompt(stage: Stage, files: Path) -> None:
    """A prompt of 5,000 characters of mentions, markdown and direction marks notifies nobody and breaks no card."""
    await stage.discord.delete("transcript")
    prompt = (HOSTILE * 30)[:5000]
    message = await wait_for_video(stage, await order(stage, files, prompt=prompt))
    words = text_of(message)
    assert "\u202e" not in words
    assert not any(bad in words for bad in ("@everyone <", "```", "](http", "||"))
    edits = await exchanges(stage, "PATCH", "/")
    assert {line["status"] for line in edits} == {200}
    assert all(pings_nobody(line["request"]) for line in edits)
    told = [line["data"] for line in await stage.discord.get("transcript") if "event" in line]
    assert not any(data.get("mentions") or data.get("mention_everyone") for data in told)
    (request,) = (await stage.fal.get("requests"))[-1:]
    assert request["input"]["prompt"] == prompt


def pings_nobody(body: Mapping[str, Any]) -> bool:
    """Return whether the message is sent so that it can notify nobody."""
    return body["allowed_mentions"] == {"parse": []}
