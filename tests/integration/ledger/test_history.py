"""Queries of past spending, on both engines."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.jobs import acceptance
from bot.ledger import history, holds
from bot.ledger.audit import totals
from bot.ledger.history import spend_by_day, top_members
from bot.ledger.model import DaySpend, Entry, MemberSpend, RuleQuery, Shipped, Spent, Totals, Who
from bot.storage.transaction import Store, Transaction
from tests.support.job_samples import PLACES, a_job

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2024, 10, 26, 22, 30, tzinfo=BERLIN).timestamp()  # the next day has 25 hours
HOUR_S = 3600.0
SHIPPED = Shipped(member_daily_microusd=10**9, server_monthly_microusd=10**9)


def _hold(job: str, member: int, at: float, guild: int = 7) -> Transaction[Any]:
    who = Who(guild_id=guild, channel_id=9, member_id=member)
    query = RuleQuery(mode="m")
    return holds.hold(job_id=job, amount_microusd=100, who=who, query=query, at=at, shipped=SHIPPED, reason="test")


@pytest.fixture
async def past(store: Store) -> Store:
    """Six jobs of two members of a server, one per hour, and one job in another server."""
    said: Any = {"at": AT + 100 * HOUR_S, "actor": "test", "reason": "test"}
    for number in range(6):
        await store.write(_hold(f"job-{number}", number % 2, AT + number * HOUR_S))
    await store.write(_hold("elsewhere", 0, AT, guild=8))
    for number in range(4):
        payers: Any = "server" if number == 3 else "everyone"
        await store.write(holds.settle(f"job-{number}", 10 + number, payers=payers, **said))
    await store.write(holds.release("job-4", **said))
    return store


async def test_exports_page_by_page(past: Store) -> None:
    """Every job, with its cost to the member and the server, and every entry comes once, oldest first."""
    every_job: list[Spent] = []
    while page := await past.read(
        history.spent_page(7, after=(every_job[-1].counted_at, every_job[-1].job_id) if every_job else None, limit=2)
    ):
        every_job += page
    assert [one.job_id for one in every_job] == [f"job-{number}" for number in range(6)]
    assert [(one.state, one.member_microusd, one.server_microusd) for one in every_job if one.member_id == 1] == [
        ("settled", 11, 11),
        ("settled", 0, 13),
        ("held", 0, 0),
    ]
    entries: list[Entry] = []
    while found := await past.read(
        history.entries_page(7, after=(entries[-1].at, entries[-1].id) if entries else None, limit=4)
    ):
        entries += found
    assert len(entries) == len({one.id for one in entries}) == 3 * (6 + 5)
    assert [one.at for one in entries] == sorted(one.at for one in entries)
    assert sum(one.spent_delta_microusd for one in entries if one.scope == "server:7") == 46


async def test_spend_by_day_is_by_the_servers_days(past: Store) -> None:
    """Jobs on both sides of midnight in Berlin are on two days, and all on one in UTC."""
    here = await past.read(spend_by_day(7, since=AT, tz=BERLIN))
    assert here == (
        DaySpend(day="2024-10-26", mode="", spent_microusd=21, jobs=2),
        DaySpend(day="2024-10-27", mode="", spent_microusd=25, jobs=2),
    )
    there = await past.read(spend_by_day(7, since=AT, tz=ZoneInfo("UTC")))
    assert there == (DaySpend(day="2024-10-26", mode="", spent_microusd=46, jobs=4),)
    mine = await past.read(spend_by_day(7, since=AT + 1, tz=BERLIN, member_id=0))
    assert mine == (DaySpend(day="2024-10-27", mode="", spent_microusd=12, jobs=1),)


async def test_top_members(past: Store) -> None:
    """Members are sorted by what their jobs cost the server, highest first."""
    assert await past.read(top_members(7, since=AT, limit=5)) == (
        MemberSpend(member_id=1, spent_microusd=24, jobs=2),
        MemberSpend(member_id=0, spent_microusd=22, jobs=2),
    )
    assert len(await past.read(top_members(7, since=AT, limit=1))) == 1


async def test_totals_of_every_server(past: Store) -> None:
    """The totals count each job once, by server, from a given time on."""
    assert await past.read(totals()) == (
        Totals(guild_id=7, jobs=6, held_microusd=100, exposed_microusd=0, spent_microusd=46),
        Totals(guild_id=8, jobs=1, held_microusd=100, exposed_microusd=0, spent_microusd=0),
    )
    assert [one.jobs for one in await past.read(totals(since=AT + 3 * HOUR_S))] == [3]


async def test_a_job_that_was_accepted_tells_its_mode_and_state(store: Store) -> None:
    """The history of a job has the mode and state of its row."""
    await store.write(acceptance.accept(a_job(), SHIPPED, PLACES))
    (one,) = await store.read(history.spent_page(1, limit=5))
    assert (one.mode, one.job_state, one.quote_microusd, one.state) == ("wan27-image", "accepted", 750_000, "held")
