"""/wanda-admin: who may use it, what it answers, what it logs, and what it refuses."""

import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.texts.history import PAGE_LINES
from sandbox.stage import Stage, eventually
from tests.e2e.conftest import QUICK
from tests.support.text_commands import Answer, admin, ask, click, read, wait_for_answer, wait_for_log
from tests.support.video_steps import order, picture, refusal, wait_for_state, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = QUICK | {"WANDA_MEMBER_DAILY_USD": "5", "WANDA_SERVER_MONTHLY_USD": "50"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A server with roles, members and channels for these tests, and a bot with the shipped budgets."""
    async with Stage(tmp_path_factory.mktemp("data"), seconds_per_job=0.3, settings=SETTINGS) as ready:
        await ready.start_bot()
        await ready.discord.post(
            "world",
            {
                "roles": [{"name": "regulars"}, {"name": "doomed"}],
                "members": [
                    {"name": "maker", "roles": ["regulars"]},
                    {"name": "filmer", "roles": []},
                    {"name": "guest", "roles": []},
                    {"name": "leaver"},
                ],
                "channels": [{"name": "wanda-log"}, {"name": "quiet"}, {"name": "gone-soon"}],
            },
        )
        yield ready


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _valid_answers(stage: Stage) -> AsyncIterator[None]:
    """In each test Discord accepts the shape of every answer that the bot sends."""
    await stage.discord.delete("transcript")
    yield
    lines = await stage.discord.get("transcript")
    asked = [line for line in lines if "method" in line and "interactions" not in line.get("path", "")]
    refused = [line for line in asked if line.get("status") == 400]
    assert refused == [], json.dumps(refused)[:2000]


async def commands(stage: Stage) -> list[tuple[str, dict[str, Any]]]:
    """Return every synced /wanda-admin command with its path."""
    (group,) = [c for c in await stage.discord.get("commands") if c["name"] == "wanda-admin"]
    found: list[tuple[str, dict[str, Any]]] = []
    for one in group["options"]:
        if one["type"] == 1:
            found.append((one["name"], one))
        else:
            found += [(f"{one['name']} {sub['name']}", sub) for sub in one["options"]]
    return found


EXAMPLES: dict[str, Any] = {
    "whose": "budget",
    "window": "month",
    "amount": "1",
    "member": "friend",
    "role": "regulars",
    "channel": "quiet",
    "reason": "a test",
    "expires_in": "1d",
    "above": "2",
    "name": "UTC",
    "unclear": "absorb",
    "members": "channel",
    "what": "words",
}


async def test_only_admins(stage: Stage) -> None:
    """Discord offers members no admin command, and one that a member sends anyway is refused and changes nothing."""
    before = (await admin(stage, "audit")).text
    offered = await commands(stage)
    assert len(offered) == 31
    for path, command in offered:
        needed = {o["name"]: EXAMPLES[o["name"]] for o in command.get("options", ()) if o.get("required")}
        body = {"user": "maker", "channel": "general", "command": f"wanda-admin {path}", "options": needed}
        async with stage.discord._http.post(f"{stage.discord.base}/sandbox/slash", json=body) as reply:
            assert "not offered to maker" in (await reply.json())["error"]
        for user in ("maker", "friend"):
            answer = await ask(stage, user, f"wanda-admin {path}", unchecked=True, **needed)
            assert answer.private
            assert answer.text.startswith("Only people who manage this server can use `/wanda-admin`."), path
    assert (await admin(stage, "audit")).text == before


async def test_a_reason_of_odd_characters(stage: Stage) -> None:
    """What no database takes in a text is shown as �, and the act is carried out."""
    await admin(stage, "member block", member="friend", reason="too\0loud")
    assert "too�loud" in (await admin(stage, "audit")).text
    await admin(stage, "member unblock", member="friend")


async def test_choices_bind_what_arrives(stage: Stage) -> None:
    """A value that is none of an option's choices, as a modified client can send, is refused and changes nothing."""
    before = (await admin(stage, "audit")).text
    for path, command in await commands(stage):
        options: list[dict[str, Any]] = command.get("options", [])
        needed = {one["name"]: EXAMPLES[one["name"]] for one in options if one.get("required")}
        for name in [one["name"] for one in options if one.get("choices")]:
            answer = await ask(stage, "admin", f"wanda-admin {path}", unchecked=True, **{**needed, name: "*evil*"})
            assert answer.private
            assert answer.text.startswith(f"“\\*evil\\*” is none of the choices for {name}."), path
    assert (await admin(stage, "audit")).text == before


async def test_a_log_channel_hears_every_act(stage: Stage) -> None:
    """The log channel gets a line for each act, with who, what and why, and notifies nobody."""
    await admin(stage, "log-channel")
    await stage.discord.post("world", {"channels": [{"name": "acts"}]})
    answer = await admin(stage, "log-channel", channel="acts")
    assert answer.text == (
        "You set the log channel: not set → **#acts**.\n"
        "Admins' changes, videos that wait for approval and budget warnings are now posted there."
    )
    await admin(stage, "budget set", whose="budget", window="month", amount="$40", reason="*big* plans, @everyone")
    assert "Log channel: #acts" in (await admin(stage, "budget show")).text
    lines = await wait_for_log(stage, 2, "acts")
    assert lines == [
        "@admin set the log channel: not set → **#acts**",
        "@admin set this server's pool for each month: not set → **$40.00** · because: \\*big\\* plans, \\@everyone",
    ]


async def test_budgets(stage: Stage) -> None:
    """Setting, showing and clearing a budget each name the old value, the new value and the rule it comes from."""
    answer = await admin(stage, "budget set", whose="allowance", window="day", amount="2.50")
    assert answer.text == (
        "You set each member's default allowance for each day: not set → **$2.50**.\n"
        "It counts what was spent since …, and renews …. "
        "Wanda's default of $5.00 for each day no longer applies."
    )
    shown = await admin(stage, "budget show", member="friend")
    assert "@friend's allowance today**: $2.50 of $2.50 left" in shown.text
    assert "-# by this server's default" in shown.text
    server = await admin(stage, "budget show")
    assert "allowance for each day: **$2.50**" in server.text

    answer = await admin(stage, "budget clear", whose="allowance")
    assert "(it was $2.50)" in answer.text
    assert "Wanda's default of $5.00 for each day holds again." in answer.text
    assert (await admin(stage, "budget clear", whose="allowance")).text == (
        "There was no such rule for this server, so nothing changed."
    )
    assert "just one of whose, role, channel and member" in (await admin(stage, "budget clear")).text


@pytest.mark.parametrize(
    ("amount", "says"),
    [
        ("-5", "negative"),
        ("five", "an amount in dollars"),
        ("1.2345678", "more than 6 decimals"),
        ("1000001", "above $1,000,000"),
        ("", "The amount is empty"),
        ("1e3", "an amount"),
        ("<@1> " + "9" * 3000, "an amount"),
    ],
)
async def test_amounts(stage: Stage, amount: str, says: str) -> None:
    """A text that is no amount is refused by every command that takes one, and nothing is changed."""
    before = (await admin(stage, "audit")).text
    for command, options in (
        ("budget set", {"whose": "budget", "window": "week"}),
        ("member set", {"member": "friend", "window": "day"}),
        ("member grant", {"member": "friend", "reason": "x"}),
        ("channel budget", {"channel": "quiet", "window": "day"}),
    ):
        answer = await admin(stage, command, amount=amount, **options)
        assert says in answer.text
        assert len(answer.text) < 400
    if amount:  # without a ceiling there is nothing to set
        assert says in (await admin(stage, "role set", role="regulars", ceiling=amount)).text
    assert says in (await admin(stage, "approval", above=amount)).text
    assert (await admin(stage, "audit")).text == before


async def test_roles(stage: Stage) -> None:
    """Several rules of a role can be set at once; they apply to its members only, and @everyone is the default."""
    answer = await admin(
        stage, "role set", role="regulars", allowance="20", ceiling="1", at_once=3, modes="wan27-image, wan21-image"
    )
    for words in (
        "the allowance of each @regulars for each month: not set → **$20.00**",
        "the most one video can cost, for @regulars\u200e: not set → **$1.00**",
        "how many videos each member can have going, for @regulars\u200e: not set → **3**",
        "the modes that can be used, for @regulars\u200e: not set → **Wan 2.7 image, Wan 2.1 image**",
    ):
        assert words in answer.text
    shown = await admin(stage, "budget show", member="maker")
    assert "@maker's allowance this month**: $20.00 of $20.00 left" in shown.text
    assert "-# by the role @regulars" in shown.text
    assert "One video can cost up to: **$1.00**, by the role @regulars" in shown.text
    assert (
        "One video can cost up to: **whatever the budgets allow**"
        in (await admin(stage, "budget show", member="friend")).text
    )

    await admin(stage, "role set", role="@everyone", ceiling="3")
    assert (
        "One video can cost up to: **$3.00**, by this server's default"
        in (await admin(stage, "budget show", member="friend")).text
    )
    cleared = await admin(stage, "role set", role="@everyone", clear="ceiling")
    assert "took back the most one video can cost (it was $3.00)" in cleared.text
    await admin(stage, "role set", role="regulars", clear="everything")
    assert "@regulars" not in (await admin(stage, "budget show")).text
    assert "Choose what to set" in (await admin(stage, "role set", role="regulars")).text
    assert "There are wan27-image" in (await admin(stage, "role set", role="regulars", modes="wan99")).text


async def test_members(stage: Stage) -> None:
    """A member can get an allowance, a grant, a raise, a reset, a block and an unblock."""
    assert (
        "@guest's own allowance for each day: not set → **$7.50**"
        in (await admin(stage, "member set", member="guest", window="day", amount="7.5")).text
    )
    granted = await admin(stage, "member grant", member="guest", amount="3", reason="won it", expires_in="3d")
    assert granted.text.startswith("You gave @guest\u200e **$3.00**, once. It lasts until …")
    raised = await admin(stage, "member raise", member="guest", amount="2", expires_in="12h")
    assert raised.text.startswith("You raised each allowance of @guest by **$2.00** until ….")
    shown = await admin(stage, "budget show", member="guest")
    assert "@guest's allowance today**: $9.50 of $9.50 left" in shown.text
    assert "-# by their own allowance, with a raise of $2.00" in shown.text
    assert "**A grant**: $3.00 of $3.00 left, ends … · won it" in shown.text
    assert "start fresh now" in (await admin(stage, "member reset", member="guest")).text

    blocked = await admin(stage, "member block", member="guest", reason="spam")
    assert blocked.text.startswith("You **blocked** @guest: “spam”.")
    assert "The admins here have blocked you**: spam" in (await ask(stage, "guest", "quota show")).text
    assert (await admin(stage, "member unblock", member="guest")).text.startswith("You unblocked @guest (“spam”).")
    assert "cannot make videos" not in (await ask(stage, "guest", "quota show")).text
    for command, options in (
        ("member grant", {"amount": "0", "reason": "x"}),
        ("member raise", {"amount": "0", "expires_in": "1d"}),
    ):
        assert "above $0" in (await admin(stage, command, member="guest", **options)).text
    assert "12h, 3d or 2w" in (await admin(stage, "member raise", member="guest", amount="1", expires_in="soon")).text
    await admin(stage, "budget clear", member="guest")


async def test_blocks_and_pauses_stop_videos(stage: Stage, tmp_path: Path) -> None:
    """A blocked member and a paused server start no videos; the refusal contains the admin's reason."""
    await admin(stage, "member block", member="friend", reason="spam")
    said = await refusal(
        stage, await stage.slash("friend", "wan21 image", {"prompt": "x"}, image=picture(tmp_path)), user="friend"
    )
    assert "spam" in said
    await admin(stage, "member unblock", member="friend")
    assert (await admin(stage, "pause", reason="we move house")).text.startswith(
        "You **paused** Wanda: “we move house”."
    )
    said = await refusal(stage, await stage.slash("maker", "wan21 image", {"prompt": "x"}, image=picture(tmp_path)))
    assert "we move house" in said
    assert (await admin(stage, "resume")).text.startswith("You ended Wanda's pause (“we move house”).")


async def test_channels(stage: Stage) -> None:
    """A channel can be denied, allowed and given a pool; rules of deleted channels can be cleared."""
    assert (await admin(stage, "channel deny", channel="quiet")).text.startswith("You **denied** videos in #quiet.")
    shown = await ask(stage, "maker", "quota show", at="quiet")
    assert "This channel is closed for videos" in shown.text
    assert (
        "the pool of #quiet for each week: not set → **$10.00**"
        in (await admin(stage, "channel budget", channel="quiet", window="week", amount="10")).text
    )
    allowed = await admin(stage, "channel allow", channel="gone-soon")
    assert allowed.text.startswith("You **allowed** videos in #gone-soon.")
    assert "This channel is closed for videos" in (await ask(stage, "maker", "quota show")).text
    await stage.discord.post("gone", {"channels": ["gone-soon"]})
    cleared = await admin(stage, "channel clear")
    assert "took back the rule for #quiet (it was denied)" in cleared.text
    assert "(it was allowed)" in cleared.text
    assert "is closed for videos" not in (await ask(stage, "maker", "quota show")).text
    await admin(stage, "budget clear", channel="quiet")


async def test_server_rules(stage: Stage) -> None:
    """Modes, resolutions, approval, timezone and policy name the old and new value; unknown values change nothing."""
    assert (
        "the resolutions that can be used: not set → **480p, 720p**"
        in (await admin(stage, "modes", resolutions="720p 480p")).text
    )
    assert "× Wan 2.7 image (720p, $0.50)" in (await ask(stage, "maker", "quota show")).text
    assert "(it was 480p, 720p)" in (await admin(stage, "modes", resolutions="all")).text
    assert "Choose which modes" in (await admin(stage, "modes")).text

    answer = await admin(stage, "approval", above="2", wait="12h", role="regulars")
    assert "above $2.00, by @regulars or somebody who manages the server, within 12 h" in answer.text
    assert "everybody could approve everything" in (await admin(stage, "approval", above="2", role="@everyone")).text
    assert "took back the price above which" in (await admin(stage, "approval", above="off")).text

    assert "the time zone: not set → **Europe/Berlin**" in (await admin(stage, "timezone", name="europe/berlin")).text
    unknown = await admin(stage, "timezone", name="Mars/Olympus")
    assert unknown.text.startswith("Wanda doesn't know the time zone “Mars")
    assert unknown.text.endswith("nothing was changed.")
    assert "Time zone: Europe/Berlin" in (await admin(stage, "budget show")).text
    offered = await stage.discord.post(
        "autocomplete",
        {
            "user": "admin",
            "channel": "general",
            "command": "wanda-admin timezone",
            "options": {"name": "new y"},
            "focused": "name",
        },
    )
    assert [choice["value"] for choice in offered["choices"]] == ["America/New_York"]
    assert "→ **the member who asked for it**" in (await admin(stage, "policy", unclear="charge")).text
    again = await admin(stage, "policy", unclear="charge")
    assert again.text.endswith("already, so nothing changed.")
    await admin(stage, "policy", unclear="absorb")


async def test_what_is_gone_is_refused(stage: Stage) -> None:
    """A role, channel or member that does not exist any more is refused privately, and nothing is changed."""
    state = (await stage.discord.get("state"))["servers"][0]
    role_id = next(row["id"] for row in state["roles"] if row["name"] == "doomed")
    await stage.discord.post("gone", {"roles": ["doomed"], "members": ["leaver"]})
    before = (await admin(stage, "audit")).text
    gone: list[Answer] = [
        await ask(stage, "admin", "wanda-admin role set", unchecked=True, role=role_id, ceiling="1"),
        await ask(stage, "admin", "wanda-admin approval", unchecked=True, above="1", role=role_id),
        await ask(stage, "admin", "wanda-admin log-channel", unchecked=True, channel="12345678901234567"),
        await ask(stage, "admin", "wanda-admin channel deny", unchecked=True, channel="12345678901234567"),
        await admin(stage, "member set", member="leaver", window="day", amount="5"),
        await admin(stage, "member grant", member="leaver", amount="5", reason="x"),
        await admin(stage, "budget show", member="leaver"),
    ]
    for answer in gone:
        assert answer.private
        assert "is gone" in answer.text or "isn't in this server" in answer.text
    assert "is a bot" in (await admin(stage, "member set", member=await _bot(stage), window="day", amount="5")).text
    assert (await admin(stage, "audit")).text == before


async def _bot(stage: Stage) -> str:
    state = (await stage.discord.get("state"))["servers"][0]
    return next(row["id"] for row in state["members"] if row["name"] == "Wanda")


async def test_a_log_that_cannot_be_written(stage: Stage) -> None:
    """A log channel where Wanda cannot post is refused; when it becomes one later, each answer says so."""
    shut = {"name": "shut", "overwrites": [{"bot": True, "deny": ["SEND_MESSAGES"]}]}
    await stage.discord.post("world", {"channels": [shut, {"name": "short-lived"}]})
    answer = await admin(stage, "log-channel", channel="shut")
    assert answer.text.startswith("Wanda can't post in #shut without: Send Messages.")
    await admin(stage, "log-channel", channel="short-lived")
    await stage.discord.post("gone", {"channels": ["short-lived"]})
    answer = await admin(stage, "policy", unclear="charge")
    assert answer.text.startswith("You set who pays")
    await wait_for_answer(stage, "admin", answer, "This couldn't be posted, because the log channel is gone.")
    await stage.discord.post("faults", {"path": "/channels/*/messages", "method": "POST", "status": 403, "code": 50013})
    answer = await admin(stage, "log-channel", channel="wanda-log")
    await wait_for_answer(stage, "admin", answer, "Wanda can't post in #wanda-log")
    await stage.discord.delete("faults")
    await admin(stage, "policy", unclear="absorb")


async def test_the_report_and_the_export(stage: Stage, tmp_path: Path) -> None:
    """After one video the report shows its mode, its member and its cost, and the export has the same as CSV files."""
    card = await order(stage, tmp_path, user="filmer")
    await wait_for_video(stage, card)
    await wait_for_state(stage, card, "done")
    told = await admin(stage, "report")
    assert "**$0.20** for 1 video in 30 days." in told.text
    assert "Wan 2.7 image: **$0.20** for 1 video" in told.text
    assert "1. @filmer\u200e: **$0.20** for 1 video" in told.text
    for name in ("spent-by-mode.png", "pool-month.png", "top-members.png"):
        await wait_for_answer(stage, "admin", told, name)
    lowered = await admin(stage, "budget set", whose="budget", window="day", amount="0.10")
    assert "$0.20 is already used, so **nothing is left** until then." in lowered.text
    await admin(stage, "budget clear", whose="budget", window="day")
    public = await ask(stage, "admin", "wanda-admin report", public=True, days=7)
    assert not public.private
    assert "in 7 days." in public.text

    answer = await wait_for_answer(stage, "admin", await admin(stage, "export"), "videos.csv")
    assert answer.text.startswith("Here's everything, oldest first: **videos.csv** (1 row) and **movements.csv**")
    files = {file["filename"]: (await stage.discord.fetch(file["url"])).decode("utf-8-sig") for file in answer.files}
    (job,) = csv.DictReader(io.StringIO(files["videos.csv"], newline=""))
    assert (job["mode"], job["state"], job["cost_usd"], job["charged_to"]) == ("wan27-image", "done", "0.20", "member")
    assert (job["member"], job["channel"]) == ("filmer", "general")
    assert job["link"].endswith(f"/{card}")
    entries = list(csv.DictReader(io.StringIO(files["movements.csv"], newline="")))
    assert {entry["kind"] for entry in entries} == {"hold", "settle"}
    moved = await admin(stage, "audit", what="money")
    assert "**$0.20 spent** · @filmer" in moved.text


async def some_acts(stage: Stage) -> None:
    """Fill three pages of the audit."""
    for number in range(2 * PAGE_LINES + 1):
        await admin(stage, "policy", unclear="absorb" if number % 2 else "charge", reason=f"act {number}")
    await admin(stage, "policy", unclear="absorb")


async def test_the_audit_has_pages(stage: Stage) -> None:
    """The audit shows the acts page by page, and its buttons work after a restart."""
    await some_acts(stage)
    first = await admin(stage, "audit")
    older = await click(stage, "admin", first, "Older")
    assert older.text != first.text
    assert stage.bot is not None
    await stage.bot.stop()
    await stage.start_bot()
    older_still = await click(stage, "admin", older, "Older")
    assert older_still.text not in {older.text, first.text}
    assert (await click(stage, "admin", older_still, "Newest")).text == first.text


async def test_a_page_is_an_admins_only_while_they_are_one(stage: Stage) -> None:
    """A member who has lost Manage Server cannot turn the pages of an audit that they still see."""
    await some_acts(stage)
    helper = {"name": "helper", "roles": ["helpers"]}
    await stage.discord.post(
        "world", {"roles": [{"name": "helpers", "permissions": ["MANAGE_GUILD"]}], "members": [helper]}
    )
    page = await ask(stage, "helper", "wanda-admin audit")
    await stage.discord.post("gone", {"roles": ["helpers"]})
    await stage.discord.post("click", {"user": "helper", "message": page.message_id, "label": "Older"})

    async def look() -> dict[str, Any] | None:
        last = (await stage.messages(seen_by="helper"))[-1]
        return last if last["id"] != page.message_id else None

    refused = await eventually(look, what="refusal")
    assert refused["ephemeral_for"] == "helper"
    assert refused["content"].startswith("Only people who manage this server")
    assert (await read(stage, "helper", page.message_id)).text == page.text
