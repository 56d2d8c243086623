"""`/wanda-admin setup`: a server set up from Discord alone, and what keeps a panel from doing harm."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.texts.setup_rules import PAGE_TITLES
from sandbox.stage import Stage, eventually
from tests.e2e.conftest import QUICK
from tests.support.text_commands import Answer, admin, ask, read
from tests.support.video_steps import order, picture, refusal, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A bot that rehearses rules."""
    settings = QUICK | {"WANDA_REHEARSAL_DAYS": "30"}
    async with Stage(tmp_path_factory.mktemp("data"), seconds_per_job=0.3, settings=settings) as ready:
        await ready.start_bot()
        yield ready


def custom_ids(components: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the custom ids of a panel, from top to bottom."""
    for one in components:
        if "custom_id" in one:
            yield one["custom_id"]
        yield from custom_ids([*one.get("components", ()), *([one["accessory"]] if "accessory" in one else ())])


async def press(stage: Stage, user: str, panel: Answer, what: str, *values: str) -> dict[str, Any]:
    """Press the panel's button, or choose in its list, whose custom id begins with these words."""
    known = list(custom_ids(panel.raw["components"]))
    (custom_id,) = [one for one in known if one.startswith(f"wanda:{what}:")] or [f"not among {known}: {what}"]
    body: dict[str, Any] = {"user": user, "message": panel.message_id, "custom_id": custom_id}
    return await stage.discord.post("click", body | ({"values": list(values)} if values else {}))


async def turned(stage: Stage, user: str, panel: Answer) -> Answer:
    """Return the panel once it was edited."""

    async def look() -> Answer | None:
        now = await read(stage, user, panel.message_id)
        return now if now.raw["edits"] > panel.raw["edits"] else None

    return await eventually(look, what="panel")


async def go(stage: Stage, panel: Answer, what: str, *values: str, user: str = "admin") -> Answer:
    """Press or choose, and return the panel once it was edited."""
    await press(stage, user, panel, what, *values)
    return await turned(stage, user, panel)


async def fill(stage: Stage, user: str, form: dict[str, Any], **fields: str) -> dict[str, Any]:
    """Submit a form; fields are named by the first word of their label."""
    labels = {field["label"].split()[0].lower(): field["label"] for field in form["fields"]}
    body = {labels[name]: value for name, value in fields.items()}
    return await stage.discord.post("submit", {"user": user, "modal": form["id"], "fields": body})


async def ids_of(stage: Stage, kind: str) -> dict[str, str]:
    """Return the ids of the server's members, roles or channels by name."""
    server = (await stage.discord.get("state"))["servers"][0]
    return {row["name"]: row["id"] for row in server[kind]}


async def test_a_new_admin_sets_up_a_server(stage: Stage, files: Path) -> None:
    """Two presses set up a server on $50 a month that refuses a dear video; further rules are rehearsed first."""
    for user in ("maker", "friend"):
        await wait_for_video(stage, await order(stage, files, user=user))
    panel = await admin(stage, "setup")
    assert panel.text.startswith("## Wanda in Studio")
    assert "Pool: $10,000.00 each month (Wanda's default)" in panel.text

    panel = await go(stage, panel, "setup:go:home:template")
    assert "- this server's pool for each month: not set → **$50.00**" in panel.text
    panel = await go(stage, panel, "setup:apply")
    assert "You set this server's pool for each month: not set → **$50.00**." in panel.text
    assert "Pool: $50.00 each month\nEach member: $1.00 each day · $5.00 each month" in panel.text
    dear = {"prompt": "x", "resolution": "1080p", "duration": 15}
    answer = await stage.slash("maker", "wan27 image", dear, image=picture(files))
    assert "$1.00" in await refusal(stage, answer)

    panel = await go(stage, panel, "setup:go:home:money")
    form = (await press(stage, "admin", panel, "setup:form:money:limits"))["modal"]
    assert [field["value"] for field in form["fields"]][:2] == ["1", "1"]
    await fill(stage, "admin", form, most="0.10", reason="too dear")
    panel = await turned(stage, "admin", panel)
    assert panel.text == (
        "## Set this rule?\n"
        "You're about to set the most one video can cost: $1.00 → **$0.10**.\n"
        "In the last 30 days this would have refused **2 videos ($0.40) of 2 members**."
    )
    panel = await go(stage, panel, "rule:no")
    assert panel.text.startswith("Nothing was changed.\n## Money")
    form = (await press(stage, "admin", panel, "setup:form:money:limits"))["modal"]
    await fill(stage, "admin", form, most="0.10", reason="too dear")
    panel = await go(stage, await turned(stage, "admin", panel), "rule:yes")
    assert panel.text.startswith("You set the most one video can cost: $1.00 → **$0.10**.")
    assert "because: too dear" in (await admin(stage, "audit")).text

    answer = await admin(stage, "role set", role="@everyone", ceiling="1")
    assert answer.text.startswith("You set the most one video can cost: $0.10 → **$1.00**.")
    stale = await go(stage, panel, "setup:form:money:limits")
    assert stale.text.startswith("Somebody changed these rules a moment ago")
    assert "**One video**\nUp to $1.00" in stale.text


async def set_it(stage: Stage, asked: Answer) -> str:
    """Press Set it, and return what the admin then reads."""
    await stage.discord.post("click", {"user": "admin", "message": asked.message_id, "label": "Set it"})

    async def look() -> str | None:
        text = (await read(stage, "admin", asked.message_id)).text
        return text if text.startswith(("You set", "Somebody")) else None

    return await eventually(look, what="answer")


async def test_a_command_is_rehearsed_too(stage: Stage, files: Path) -> None:
    """A subcommand that would have refused past videos asks first, and Set it sets it."""
    await wait_for_video(stage, await order(stage, files))
    asked, again = [await admin(stage, "modes", modes=mode) for mode in ("wan21-image", "wan22-video")]
    assert "In the last 30 days this would have refused **" in asked.text
    assert (await set_it(stage, asked)).startswith("You set the modes that can be used: not set → **Wan 2.1 image**.")
    assert (await set_it(stage, again)).startswith("Somebody changed this rule a moment ago")
    await admin(stage, "modes", modes="all")


async def test_every_page_opens(stage: Stage, files: Path) -> None:
    """Discord takes every page, and a member's page says in words what they can do now."""
    await wait_for_video(stage, await order(stage, files))
    panel = await admin(stage, "setup")
    people = await ids_of(stage, "members")
    shown = await go(stage, panel, "setup:open:home:member", people["friend"])
    assert shown.text.startswith("## What @friend can do now\n")
    assert "A 5 s video costs them" in shown.text
    shown = await go(stage, shown, "setup:nav", "people")
    roles = await stage.discord.post("world", {"roles": [{"name": "regulars"}]})
    shown = await go(stage, shown, "setup:open:people:role", roles["roles"][0]["id"])
    assert "## The role @regulars" in shown.text
    for page in PAGE_TITLES:
        if page not in {"home", "content"}:
            shown = await go(stage, shown, "setup:nav", page)
            assert shown.text.startswith("## ")
    general = (await ids_of(stage, "channels"))["general"]
    shown = await go(stage, await go(stage, shown, "setup:nav", "places"), "setup:open:places:channel", general)
    shown = await go(stage, shown, f"setup:access:channel.{general}:deny")
    assert "You're about to deny videos in #general." in shown.text
    assert (await go(stage, shown, "rule:no")).text.startswith("Nothing was changed.\n## The channel #general")


async def test_who_is_no_admin_any_more(stage: Stage) -> None:
    """A press and a form of somebody who lost Manage Server are refused, and change nothing."""
    roles = {"roles": [{"name": "managers", "permissions": ["MANAGE_GUILD"]}]}
    await stage.discord.post("world", roles | {"members": [{"name": "boss", "roles": ["managers"]}]})
    panel = await go(stage, await ask(stage, "boss", "wanda-admin setup"), "setup:go:home:money", user="boss")
    form = (await press(stage, "boss", panel, "setup:form:money:pool"))["modal"]
    await stage.discord.post("change", {"roles": [{"name": "managers", "permissions": []}]})
    before = (await admin(stage, "audit")).text
    pressed = [
        await fill(stage, "boss", form, reason="mine"),
        await press(stage, "boss", panel, "setup:form:money:pool"),
        await press(stage, "boss", panel, "setup:nav", "log"),
    ]
    for one in pressed:
        assert (await read(stage, "boss", one["message_id"])).text.startswith("Only people who manage this server")
    assert (await admin(stage, "audit")).text == before
