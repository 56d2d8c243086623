"""/quota: what is left, what it buys, the history, and the member's own threshold."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest
import pytest_asyncio

from sandbox.stage import Stage
from tests.e2e.conftest import QUICK
from tests.support.spending_past import write_past
from tests.support.text_commands import Answer, admin, ask, click, wait_for_answer
from tests.support.video_steps import database

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = QUICK | {"WANDA_STORAGE_TIMEOUT_S": "1", "WANDA_MEMBER_DAILY_USD": "5", "WANDA_SERVER_MONTHLY_USD": "500"}
JOBS = 40


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A server where maker made forty videos on the last twenty days, none of them today, and friend none."""
    async with Stage(tmp_path_factory.mktemp("data"), seconds_per_job=0.3, settings=SETTINGS) as ready:
        server = (await ready.discord.get("state"))["servers"][0]
        ids = {row["name"]: int(row["id"]) for row in server["members"]}
        await write_past(
            ready.folder,
            guild_id=int(server["id"]),
            channel_id=int(server["channels"][0]["id"]),
            member_ids=[ids["maker"]],
            now=time.time() - 86_400,
            jobs=JOBS,
            days=20,
        )
        await ready.start_bot()
        yield ready


async def test_everyone_sees_their_own_quota(stage: Stage) -> None:
    """A member sees privately what is left, how many videos that is, and a picture of what they spent, if they did."""
    seen = await ask(stage, "friend", "quota show")
    assert seen.private
    for words in (
        "Your quota",
        "You can spend **$5.00** now. Then your allowance today is used up.",
        "**Your allowance today**: $5.00 of $5.00 left",
        "▰▰▰▰▰▰▰▰▰▰▰▰▰▰▰▰ · $0.00 spent · renews …",
        "**This server's pool this month**: ",
        "**10** × Wan 2.7 image (720p, $0.50)",
        "**10** × Wan 2.7 reference (720p, $0.50)",
        "**12** × Wan 2.1 image (720p, $0.40)",
        "Times in UTC · Wanda asks first above $1.00",
    ):
        assert words in seen.text
    assert not seen.files, "nothing was spent, and a picture of nothing is no help"
    assert await stage.message(seen.message_id, seen_by="maker") is None
    drawn = await wait_for_answer(stage, "maker", await ask(stage, "maker", "quota show"), "last-30-days.png")
    (file,) = drawn.files
    assert (await stage.discord.fetch(file["url"])).startswith(b"\x89PNG")
    assert drawn.raw["embeds"][0]["image"]["url"].partition("?")[0].endswith("last-30-days.png")
    assert "in the last 30 days" in file["description"]


async def test_history_has_pages_that_survive_a_restart(stage: Stage) -> None:
    """A member's own jobs are listed eight per page, newest first; the buttons work after a restart."""
    page = await ask(stage, "maker", "jobs list")
    assert page.private
    seen = [page.text]
    assert stage.bot is not None
    for turn in range(JOBS // 8 - 1):
        if turn == 1:
            await stage.bot.stop()
            await stage.start_bot()
        page = await click(stage, "maker", page, "Older")
        assert page.text not in seen
        seen.append(page.text)
    jobs = [line for text in seen for line in text.splitlines() if line.startswith("-# ")]
    assert len(jobs) == JOBS
    assert sum("❌ failed · not charged" in line for line in jobs) == 5
    assert _older(page)["disabled"]
    assert (await click(stage, "maker", page, "Newest")).text == seen[0]
    assert "You haven't made any videos here yet." in (await ask(stage, "friend", "jobs list")).text


async def test_every_movement_of_money_is_in_the_audit(stage: Stage) -> None:
    """An admin pages through all holds, settlements and releases, each with its member and reason."""
    page = await admin(stage, "audit", what="money")
    lines = page.text.splitlines()
    while not _older(page)["disabled"]:
        page = await click(stage, "admin", page, "Older")
        lines += page.text.splitlines()
    moved = [line for line in lines if line.startswith("… **$")]
    assert len(moved) == 2 * JOBS
    assert all(line.endswith("· @maker") for line in moved)
    assert sum("given back" in line for line in moved) == 5


def _older(page: Answer) -> dict[str, Any]:
    (*_, row) = page.raw["components"]
    return next(button for button in row["components"] if button["label"] == "Older")


async def test_the_members_own_threshold(stage: Stage) -> None:
    """A member sets and clears the price above which Wanda asks them first; other members are not affected."""
    answer = await ask(stage, "friend", "quota ask", above="$0.50")
    assert answer.private
    assert answer.text == (
        "Wanda now asks you before any video above **$0.50**, your own choice. It was $1.00, and it's just for you."
    )
    assert "Wanda asks first above $0.50" in (await ask(stage, "friend", "quota show")).text
    assert "Wanda asks first above $1.00" in (await ask(stage, "maker", "quota show")).text
    assert (
        "**$1.00**, 20 % of your allowance. It was $0.50"
        in (await ask(stage, "friend", "quota ask", above="default")).text
    )
    for amount, says in (("-1", "negative"), ("much", "an amount"), ("2000000", "above $1,000,000")):
        assert says in (await ask(stage, "friend", "quota ask", above=amount)).text


async def test_a_database_that_does_not_answer(stage: Stage) -> None:
    """When the database cannot be written, a change is refused with a sentence and not applied."""

    def blocked() -> sqlite3.Connection:
        connection = sqlite3.connect(database(stage), isolation_level=None, check_same_thread=False)
        connection.execute("BEGIN IMMEDIATE")
        return connection

    with closing(await asyncio.to_thread(blocked)):
        answer = await ask(stage, "friend", "quota ask", above="3")
        assert answer.text.startswith("Wanda's database isn't answering")
        refused = await ask(stage, "admin", "wanda-admin pause", reason="x")
        assert refused.text.startswith("Wanda's database isn't answering")
    assert "Wanda asks first above $1.00" in (await ask(stage, "friend", "quota show")).text
    assert "paused" not in (await ask(stage, "friend", "quota show")).text
