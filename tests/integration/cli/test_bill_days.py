"""`python -m bot ledger`: what fal says and what Wanda says."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from bot.cli.bill_days import bill_days, bill_lines
from bot.fal.wire.platform import BillingEvent
from bot.jobs import bills
from bot.ledger import holds
from bot.ledger.model import RuleQuery, Shipped, Who
from bot.storage.transaction import One, Transaction
from tests.support.stores import MemoryStore

NOW = 1_795_176_000.0  # 2026-11-20, 12:00 UTC
DAY_S = 86400.0
SHIPPED = Shipped(member_daily_microusd=50_000_000, server_monthly_microusd=80_000_000)


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    """An empty database."""
    made = MemoryStore()
    with closing(made.connection):
        yield made


def add(store: MemoryStore, job: str, settled: int | None, *, at: float = NOW - 3600, guild: int = 7) -> None:
    """Add a job with a request of its name; None: it is still being made."""
    who = Who(guild_id=guild, channel_id=9, member_id=42)
    query = RuleQuery(mode="m")
    store.run(
        holds.hold(job_id=job, amount_microusd=500_000, who=who, query=query, at=at, shipped=SHIPPED, reason="accepted")
    )
    store.run(_note(job, guild, at))
    if settled is not None:
        store.run(holds.settle(job, settled, at=at + 60, actor="wanda", reason="made"))


def _note(job: str, guild: int, at: float) -> Transaction[None]:
    yield One("INSERT INTO fal_requests VALUES ($1, $2, $3, 'absorb', 1000000, $4)", (f"r-{job}", job, guild, at))


def bill(store: MemoryStore, job: str, nano: int, *, at: float = NOW - 3000) -> None:
    """Add an event of fal's bill."""
    store.run(bills.store_events([BillingEvent(request_id=f"r-{job}", at=at, endpoint="fal-ai/x", nano_usd=nano)]))


def test_not_asked_yet(store: MemoryStore) -> None:
    """Without an admin key the report says what to set."""
    (line,) = bill_lines(store.run(bill_days(now=NOW)))
    assert line.startswith("fal's bill: not asked yet")
    assert "FAL_ADMIN_KEY" in line


def test_days_that_differ_come_first(store: MemoryStore) -> None:
    """Each day and server has one line with both sums; what differs comes first, and its jobs are named."""
    store.run(bills.note_read(since=NOW - 7 * DAY_S, until=NOW))
    (nothing,) = bill_lines(store.run(bill_days(now=NOW)))
    assert nothing == "fal's bill of the last 14 days, read up to 2026-11-20 12:00 UTC: nothing was billed."
    add(store, "equal", 500_000)
    bill(store, "equal", 500_000_000)
    add(store, "made", None, guild=8)
    bill(store, "made", 250_000_400)
    add(store, "silent", 300_000, at=NOW - 2 * DAY_S)
    add(store, "before", 300_000, at=NOW - 9 * DAY_S)  # the bill was not read so far back
    bill(store, "stranger", 7_000)
    lines = bill_lines(store.run(bill_days(now=NOW)))
    assert lines == [
        "fal's bill of the last 14 days, read up to 2026-11-20 12:00 UTC:",
        "day (UTC)  server                  jobs       fal says     Wanda says    Wanda - fal",
        "2026-11-20 no job of Wanda's          1      $0.000007              -              -",
        "2026-11-20 8                          1          $0.25          $0.00         -$0.25",
        "2026-11-18 7                          1          $0.00          $0.30          $0.30  1 job not on the bill",
        "2026-11-20 7                          1          $0.50          $0.50          equal",
        "  differs  made  server 8  fal $0.25  Wanda $0.00  not over yet",
        "  Each request is rounded to a micro-dollar; fal's exact sum is $0.000000400 more.",
    ]
