"""The stand-in's REST API enforces Discord's limits; tested without a client library."""

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordSandbox
from tests.support.discord_client import PNG, DiscordControl, application, begin_command, file_of

PING = {"name": "ping", "description": "A test.", "type": 1}

MIB = 1024 * 1024
FIFTEEN_MINUTES_S, HOUR_S = 900, 3600


@pytest.fixture
async def control() -> AsyncIterator[DiscordControl]:
    """A fresh sandbox whose bot has synced /ping."""
    async with DiscordSandbox(seed=1, is_strict=True) as sandbox, aiohttp.ClientSession() as session:
        control = DiscordControl(sandbox, session)
        await control.rest("PUT", f"/applications/{application(control)}/commands", json=[PING])
        await control.session.delete(f"{sandbox.control_url}/transcript")
        yield control


@pytest.fixture
def general(control: DiscordControl) -> str:
    """The path of the channel `general`."""
    return f"/channels/{next(iter(control.sandbox.core.world.channels))}"


def form(payload: Any, *files: tuple[str, bytes]) -> aiohttp.FormData:
    """A multipart body as discord.py sends it."""
    data = aiohttp.FormData(quote_fields=False)
    data.add_field("payload_json", json.dumps(payload))
    for number, (name, content) in enumerate(files):
        data.add_field(f"files[{number}]", io.BytesIO(content), filename=name, content_type="application/octet-stream")
    return data


async def test_a_foreign_token_and_an_unknown_route_are_refused(control: DiscordControl) -> None:
    """A wrong token is a 401 and an unknown route a 404; both are in the transcript."""
    assert await control.rest("GET", "/users/@me", token="wrong") == (401, {"message": "401: Unauthorized", "code": 0})
    status, _ = await control.rest("GET", "/guilds/1/bans")
    assert status == 404
    told = [(e["method"], e["path"], e["status"]) for e in await control.transcript()]
    assert told == [("GET", "/users/@me", 401), ("GET", "/guilds/1/bans", 404)]


async def test_an_interaction_is_answered_once_and_within_three_seconds(control: DiscordControl) -> None:
    """The second answer is 40060, one after three seconds 10062, one with a wrong token 10062."""
    first = await begin_command(control, command="ping")
    status, body = await first.answer(type=5, data={"flags": 64})
    assert (status, body["interaction"]["response_message_loading"]) == (200, True)
    assert (await first.answer(type=5))[1]["code"] == 40060
    assert (await first.order)["ephemeral"] is True
    late = await begin_command(control, command="ping")
    await control.order("advance", seconds=3.1)
    assert (await late.answer(type=5))[0] == 404
    assert (await late.answer(type=5))[1]["code"] == 10062
    late.event["token"] = "forged"
    assert (await late.answer(type=5))[1]["code"] == 10062
    late.order.cancel()


async def test_the_token_dies_after_fifteen_minutes_and_the_bots_token_takes_over(control: DiscordControl) -> None:
    """Then the webhook answers 401 50027, while the bot may still edit a message that is not ephemeral."""
    open_one = await begin_command(control, command="ping")
    _, body = await open_one.answer(type=4, data={"content": "Working"})
    message = body["resource"]["message"]
    assert (await open_one.hook("PATCH", "/messages/@original", json={"content": "More"}))[0] == 200
    await control.order("advance", seconds=FIFTEEN_MINUTES_S)
    assert await open_one.hook("PATCH", "/messages/@original", json={"content": "Late"}) == (
        401,
        {"message": "Invalid Webhook Token", "code": 50027},
    )
    path = f"/channels/{message['channel_id']}/messages/{message['id']}"
    assert (await control.rest("PATCH", path, json={"content": "By the bot"}))[0] == 200


async def test_an_unanswered_interaction_has_no_webhook(control: DiscordControl) -> None:
    """Before the first answer there is nothing to edit: 10015."""
    waiting = await begin_command(control, command="ping")
    assert (await waiting.hook("PATCH", "/messages/@original", json={"content": "x"}))[1]["code"] == 10015
    waiting.order.cancel()


async def test_a_message_older_than_an_hour_takes_few_edits(control: DiscordControl, general: str) -> None:
    """After a few edits of a message over an hour old, the answer is a 429 with code 30046 and retry_after."""
    _, message = await control.rest("POST", f"{general}/messages", json={"content": "Old"})
    await control.order("advance", seconds=HOUR_S + 1)
    path = f"{general}/messages/{message['id']}"
    answers = [await control.rest("PATCH", path, json={"content": str(n)}) for n in range(4)]
    assert [status for status, _ in answers] == [200, 200, 200, 429]
    assert (answers[-1][1]["code"], answers[-1][1]["retry_after"]) == (30046, 0.3)


@pytest.mark.parametrize(("tier", "mib", "status"), [(0, 11, 413), (2, 11, 200)])
async def test_a_file_may_weigh_what_the_servers_tier_allows(
    control: DiscordControl, tier: int, mib: int, status: int
) -> None:
    """The upload limit is 10 MiB, or more by boost tier, for both kinds of tokens; above it: 413 with 40005."""
    await control.order("world", servers=[{"name": "Boosted", "tier": tier}])
    made = await control.order("world", channels=[{"name": "films", "server": "Boosted"}])

    def film() -> aiohttp.FormData:
        return form({"content": "Here"}, ("film.mp4", bytes(mib * MIB)))

    path = f"/channels/{made['channels'][0]['id']}/messages"
    answer = await control.rest("POST", path, data=film())
    assert (answer[0], answer[1].get("code")) == (status, 40005 if status == 413 else None)
    open_one = await begin_command(control, command="ping", channel="films")
    assert open_one.event["attachment_size_limit"] == {0: 10, 2: 50}[tier] * MIB
    await open_one.answer(type=5)
    answer = await open_one.hook("PATCH", "/messages/@original", data=film())
    assert answer[0] == status


@pytest.mark.parametrize("parts", [(b"film", 3), (3, b"film"), (b"a", 2, b"b", 2), (3,)])
async def test_a_large_file_is_served_as_it_came_and_its_time_is_told(
    control: DiscordControl, general: str, parts: tuple[bytes | int, ...]
) -> None:
    """A large file is served byte for byte, long runs of zeros too; the control surface says when a video came."""
    film = b"".join(bytes(part * MIB) if isinstance(part, int) else part for part in parts)
    _, posted = await control.rest("POST", f"{general}/messages", data=form({}, ("film.mp4", film)))
    _, plain = await control.rest("POST", f"{general}/messages", json={"content": "No file"})
    _, picture = await control.rest("POST", f"{general}/messages", data=form({}, ("lake.png", b"lake")))
    assert await fetch(control, posted["attachments"][0]["url"]) == (200, film)
    async with control.session.get(f"{control.sandbox.control_url}/videos") as response:
        told = await response.json()
    assert not told.keys() & {plain["id"], picture["id"]}
    assert abs(told[posted["id"]] - control.sandbox.core.clock.now()) < HOUR_S


async def test_a_link_dies_after_a_day_and_any_read_gives_a_fresh_one(control: DiscordControl, general: str) -> None:
    """Signed URLs work until they expire by the sandbox's clock, and never with a changed signature."""
    posted = await control.rest("POST", f"{general}/messages", data=form({}, ("film.mp4", b"film")))
    link = posted[1]["attachments"][0]["url"]
    assert await fetch(control, link) == (200, b"film")
    assert (await fetch(control, link.replace("hm=", "hm=0")))[0] == 404
    await control.order("advance", seconds=24 * HOUR_S + 1)
    assert (await fetch(control, link))[0] == 404
    _, again = await control.rest("GET", f"{general}/messages/{posted[1]['id']}")
    assert await fetch(control, again["attachments"][0]["url"]) == (200, b"film")


async def fetch(control: DiscordControl, url: str) -> tuple[int, bytes]:
    """Download a link."""
    async with control.session.get(url) as response:
        return response.status, await response.read()


async def test_an_edit_keeps_only_the_attachments_it_lists(control: DiscordControl, general: str) -> None:
    """Without a list all attachments stay and new ones are added; with one, only the listed stay. Other URLs die."""
    two = form({"content": "x"}, ("a.mp4", b"a"), ("b.mp4", b"b"))
    _, message = await control.rest("POST", f"{general}/messages", data=two)
    path = f"{general}/messages/{message['id']}"
    _, grown = await control.rest("PATCH", path, data=form({"content": "y"}, ("c.mp4", b"c")))
    assert [a["filename"] for a in grown["attachments"]] == ["a.mp4", "b.mp4", "c.mp4"]
    keep = {"attachments": [{"id": grown["attachments"][1]["id"]}]}
    _, shrunk = await control.rest("PATCH", path, json=keep)
    assert [a["filename"] for a in shrunk["attachments"]] == ["b.mp4"]
    assert (await fetch(control, grown["attachments"][0]["url"]))[0] == 404
    swap = form({"attachments": [{"id": 0, "filename": "d.mp4"}]}, ("d.mp4", b"d"))
    _, swapped = await control.rest("PATCH", path, data=swap)
    assert [a["filename"] for a in swapped["attachments"]] == ["d.mp4"]
    foreign = {"attachments": [{"id": "123456789012345678"}]}
    assert (await control.rest("PATCH", path, json=foreign))[1]["code"] == 50035


async def test_an_attachment_shown_in_an_embed_is_not_listed(control: DiscordControl, general: str) -> None:
    """An `attachment://` name becomes a URL in the embed and leaves the list; an edit of the text keeps it."""
    embed = {"title": "Card", "image": {"url": "attachment://a.png"}}
    _, message = await control.rest("POST", f"{general}/messages", data=form({"embeds": [embed]}, ("a.png", PNG)))
    assert message["attachments"] == []
    _, edited = await control.rest("PATCH", f"{general}/messages/{message['id']}", json={"content": "x"})
    assert await fetch(control, edited["embeds"][0]["image"]["url"]) == (200, PNG)


@pytest.mark.parametrize(
    ("denied", "code"),
    [("VIEW_CHANNEL", 50001), ("SEND_MESSAGES", 50013), ("ATTACH_FILES", 50013), ("EMBED_LINKS", 50013)],
)
async def test_a_missing_permission_is_refused(control: DiscordControl, denied: str, code: int) -> None:
    """The error is 50001 if the bot cannot see the channel, and 50013 for another missing permission."""
    overwrites = [{"bot": True, "deny": [denied]}]
    made = await control.order("world", channels=[{"name": "closed", "overwrites": overwrites}])
    body = form({"content": "x", "embeds": [{"title": "x"}]}, ("a.png", PNG))
    status, answer = await control.rest("POST", f"/channels/{made['channels'][0]['id']}/messages", data=body)
    assert (status, answer["code"]) == (403, code)


@pytest.mark.parametrize(("denied", "code"), [("ADD_REACTIONS", 50013), ("READ_MESSAGE_HISTORY", 50013)])
async def test_reactions_need_their_permissions(control: DiscordControl, denied: str, code: int) -> None:
    """The first reaction of a kind needs Add Reactions and Read Message History."""
    made = await control.order("world", channels=[{"name": "closed", "overwrites": [{"bot": True, "deny": [denied]}]}])
    said = await control.order("say", user="maker", channel="closed", content="x")
    path = f"/channels/{made['channels'][0]['id']}/messages/{said['id']}/reactions/%F0%9F%94%81/@me"
    status, answer = await control.rest("PUT", path)
    assert (status, answer["code"]) == (403, code)


BUTTON = {"type": 2, "style": 1, "label": "Go", "custom_id": "go"}
BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"content": "x" * 2001}, "content"),
    ({"contents": "x"}, "contents"),
    ({"embeds": [{"title": "x" * 257}]}, "embeds.0.title"),
    ({"embeds": [{"description": "x" * 4000}, {"description": "x" * 2001}]}, "embeds"),
    ({"embeds": [{"fields": [{"name": "", "value": "x"}], "title": "x"}]}, "embeds.0.fields.0.name"),
    ({"components": [BUTTON]}, "components.0.type"),
    ({"components": [{"type": 1, "components": [BUTTON, BUTTON]}]}, "components.0.components.1.custom_id"),
    ({"components": [{"type": 1, "components": [BUTTON | {"custom_id": "x" * 101}]}]}, "components.0.components.0"),
    ({"components": [{"type": 1, "components": []}]}, "components.0.components"),
    ({"components": [{"type": 1, "components": [BUTTON | {"url": "u:x"}]}]}, "components.0.components.0"),
    ({"content": "x", "flags": 1 << 15}, "content"),
    ({"content": "x", "attachments": [{"id": 0}]}, "attachments.0.id"),
    ({"content": "x", "nonce": "x" * 26}, "nonce"),
    ({"content": "x", "message_reference": {"message_id": "1"}}, "message_reference"),
]


@pytest.mark.parametrize(("body", "path"), BROKEN)
async def test_a_broken_message_names_its_fault(
    control: DiscordControl, general: str, body: dict[str, Any], path: str
) -> None:
    """A body over a limit, of a wrong shape, or with an unknown key is a 50035 that names the field."""
    status, answer = await control.rest("POST", f"{general}/messages", json=body)
    assert (status, answer["code"]) == (400, 50035)
    node = answer["errors"]
    for step in path.split("."):
        node = node[step]


async def test_an_empty_message_is_refused(control: DiscordControl, general: str) -> None:
    """A message with no content, also after an edit, is refused with 50006."""
    assert (await control.rest("POST", f"{general}/messages", json={}))[1]["code"] == 50006
    _, message = await control.rest("POST", f"{general}/messages", json={"content": "x"})
    answer = await control.rest("PATCH", f"{general}/messages/{message['id']}", json={"content": ""})
    assert answer[1]["code"] == 50006


async def test_a_repeated_nonce_posts_nothing_twice(control: DiscordControl, general: str) -> None:
    """With `enforce_nonce` a repeat returns the earlier message for a few minutes; without it a second is posted."""
    body = {"content": "x", "nonce": "job-7", "enforce_nonce": True}
    ids = [(await control.rest("POST", f"{general}/messages", json=body))[1]["id"] for _ in range(2)]
    assert ids[0] == ids[1]
    await control.order("advance", seconds=301)
    assert (await control.rest("POST", f"{general}/messages", json=body))[1]["id"] != ids[0]


async def test_each_route_has_its_bucket(control: DiscordControl, general: str) -> None:
    """The sixth message in five seconds is a 429 with Via, scope and retry_after; other channels are not affected."""
    url = f"{control.api_url}{general}/messages"
    headers = {"Authorization": f"Bot {control.sandbox.core.token}"}
    for left in (4, 3, 2, 1, 0):
        async with control.session.post(url, json={"content": "x"}, headers=headers) as response:
            assert response.headers["X-RateLimit-Remaining"] == str(left)
    async with control.session.post(url, json={"content": "x"}, headers=headers) as response:
        body = await response.json()
        assert (response.status, response.headers["X-RateLimit-Scope"], body["global"]) == (429, "user", False)
        assert "Via" in response.headers
        assert 0 < body["retry_after"] <= 5
    made = await control.order("world", channels=[{"name": "other"}])
    other = f"/channels/{made['channels'][0]['id']}/messages"
    assert (await control.rest("POST", other, json={"content": "x"}))[0] == 200
    async with control.session.get(f"{control.sandbox.control_url}/limits") as response:
        report = await response.json()
    assert report["by_route"] == {"POST /channels/{channel_id}/messages": 1}
    assert report["with_bot_token"]["POST /channels/{channel_id}/messages"] == 7


async def test_the_bots_token_has_fifty_requests_a_second_and_interactions_more() -> None:
    """Over the global limit the answer is a global 429; an interaction's own routes do not count."""
    async with (
        DiscordSandbox(monotonic=lambda: 1000.0) as sandbox,
        aiohttp.ClientSession() as session,
    ):
        control = DiscordControl(sandbox, session)
        statuses = [(await control.rest("GET", "/users/@me"))[0] for _ in range(51)]
        assert statuses == [200] * 50 + [429]
        path = "/interactions/1/x/callback"
        assert (await control.rest("POST", path, token="", json={"type": 5}))[1]["code"] == 10062


async def test_ordered_faults_strike_as_often_as_asked(control: DiscordControl, general: str) -> None:
    """Planned statuses, codes, waits and dropped connections apply to their routes as often as planned."""
    await control.order("faults", method="POST", path="/channels/*", status=500, times=2)
    await control.order("faults", method="POST", path="/channels/*", retry_after=7, times=1)
    await control.order("faults", method="POST", path="/channels/*", drop=True, times=1)
    await control.order("faults", method="POST", path="/channels/*", status=403, code=50013, after=True, times=1)
    path = f"{general}/messages"
    assert [(await control.rest("POST", path, json={"content": "x"}))[0] for _ in range(2)] == [500, 500]
    status, body = await control.rest("POST", path, json={"content": "x"})
    assert (status, body["retry_after"]) == (429, 7.0)
    with pytest.raises(aiohttp.ClientError):
        await control.rest("POST", path, json={"content": "x"})
    assert await control.messages() == []
    status, body = await control.rest("POST", path, json={"content": "counts"})
    assert (status, body["code"]) == (403, 50013)
    assert [m["content"] for m in await control.messages()] == ["counts"]
    assert (await control.rest("POST", path, json={"content": "x"}))[0] == 200
    refused = await control.order("faults", 400, path="/channels/*", stauts=500)
    assert "stauts" in refused["error"]


async def test_a_broken_sync_changes_nothing(control: DiscordControl) -> None:
    """A sync with an invalid command is refused with 50035, and the earlier commands stay."""
    path = f"/applications/{application(control)}/commands"
    _, synced = await control.rest("PUT", path, json=[PING])
    many = [{"type": 3, "name": f"o{n}", "description": "x"} for n in range(26)]
    status, answer = await control.rest("PUT", path, json=[PING | {"options": many}, PING | {"name": "Ping"}])
    assert (status, answer["code"], sorted(answer["errors"])) == (400, 50035, ["0", "1"])
    assert (await control.rest("GET", path))[1] == synced
    _, again = await control.rest("PUT", path, json=[PING | {"description": "Other"}])
    assert again[0]["id"] == synced[0]["id"]


async def test_a_deferred_update_cannot_answer_a_slash_command(control: DiscordControl) -> None:
    """Types that do not fit the interaction, and a modal after a modal, are 50035."""
    waiting = await begin_command(control, command="ping")
    assert (await waiting.answer(type=6))[1]["code"] == 50035
    assert (await waiting.answer(type=9, data={"custom_id": "x", "title": "x", "components": []}))[1]["code"] == 50035
    assert (await waiting.answer(type=5, data={"flags": 1 << 15}))[1]["code"] == 50035
    assert (await waiting.answer(type=4, data={"content": "x", "files": file_of(PNG)}))[1]["code"] == 50035
    assert (await waiting.answer(type=4, data={"content": "x"}))[0] == 200
    assert (await waiting.order)["content"] == "x"
