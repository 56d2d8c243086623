"""fal's bill, read page by page and compared with the books, with deaths at every step."""

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import httpx
import pytest

from bot import metrics
from bot.errors import FalUnreachable, StorageError
from bot.fal.platform import FalPlatform
from bot.fal.wire.platform import BillingEvent, Page
from bot.jobs import bills
from bot.ledger import holds
from bot.ledger.audit import verify
from bot.ledger.model import Policy, RuleQuery, Shipped, Who
from bot.net.transport import make_http
from bot.runner.reconciler import DAY_S, Reconciler
from bot.settings import BillSettings
from bot.sharding import Shards, every_shard
from bot.storage.transaction import Many, One, Transaction
from sandbox.fal.server import ADMIN_KEY, FalSandbox
from tests.support.scripted_fal import fal_settings
from tests.support.stores import MemoryStore

T = TypeVar("T")
NOW = 1_795_176_000.0
WAN27 = "fal-ai/wan/v2.7/image-to-video"
SHIPPED = Shipped(member_daily_microusd=50_000_000, server_monthly_microusd=80_000_000)


class Died(Exception):  # noqa: N818 - what happened to the process
    """The process is gone."""


@dataclass
class DyingStore:
    """A store whose process dies at one of its calls, before or after the commit."""

    inner: MemoryStore
    dies_at: int
    commits: bool
    calls: int = 0

    async def write(self, transaction: Transaction[T], *, guild_id: int | None = None) -> T:
        """Run it, unless the process dies before."""
        self.calls += 1
        if self.calls == self.dies_at and not self.commits:
            raise Died
        result = await self.inner.write(transaction, guild_id=guild_id)
        if self.calls == self.dies_at:
            raise Died
        return result

    async def read(self, transaction: Transaction[T]) -> T:
        """Run it."""
        return await self.inner.read(transaction)


@dataclass
class Bill:
    """A bill in pages of two events."""

    events: list[BillingEvent] = field(default_factory=list[BillingEvent])
    fails_at: int = 0
    pages: int = 0
    unreadable: int = 0  # rows on each page

    async def billing_page(
        self, start: float, end: float, *, limit: int, cursor: str | None = None
    ) -> Page[BillingEvent]:
        """Return a page, as `FalPlatform` does."""
        self.pages += 1
        if self.pages == self.fails_at:
            raise FalUnreachable("not now")
        listed = [one for one in self.events if start <= one.at < end]
        first = int(cursor or 0)
        more = str(first + 2) if first + 2 < len(listed) else None
        return Page(tuple(listed[first : first + 2]), self.unreadable, more)


def reconciler(store: Any, bill: Any, *, now: float = NOW, shards: Any = every_shard) -> Reconciler:
    """Return a reconciler."""
    return Reconciler(
        store=store,
        platform=cast("FalPlatform", bill),
        settings=BillSettings(),
        has_key=True,
        shards=shards,
        clock=lambda: now,
    )


def add_job(
    store: MemoryStore, job: str, ended: int | str, *, at: float = NOW - 3600, policy: Policy = "absorb", guild: int = 7
) -> None:
    """Hold 500,000 micro-dollars for a job whose request has its name, and end it."""
    holding = holds.hold(
        job_id=job,
        amount_microusd=500_000,
        who=Who(guild_id=guild, channel_id=9, member_id=42),
        query=RuleQuery(mode="m"),
        at=at,
        shipped=SHIPPED,
        reason="accepted",
    )
    store.run(holding)
    store.run(_note(f"r-{job}", job, guild, policy, at))
    said: Any = {"at": at + 60, "actor": "wanda", "reason": "over"}
    match ended:
        case "held":
            pass
        case "free":
            store.run(holds.release(job, **said))
        case "uncertain":
            store.run(holds.expose(job, **said))
        case int():
            store.run(holds.settle(job, ended, **said))
        case _:
            raise AssertionError(ended)


def _note(request_id: str, job: str, guild: int, policy: str, at: float) -> Transaction[None]:
    yield One(
        "INSERT INTO fal_requests (request_id, job_id, guild_id, policy, absorbed_daily_microusd, at) "
        "VALUES ($1, $2, $3, $4, 1000000, $5)",
        (request_id, job, guild, policy, at),
    )


def event(job: str, microusd: float, *, at: float = NOW - 3000) -> BillingEvent:
    """Return what fal billed for a job's request."""
    return BillingEvent(request_id=f"r-{job}", at=at, endpoint=WAN27, nano_usd=round(microusd * 1000))


def money(store: MemoryStore) -> dict[str, tuple[int, int, int]]:
    """Return what each job's server and member paid, and what no budget paid."""
    rows = store.run(_money())
    return {row["job_id"]: (row["server"], row["member"], row["unpaid"]) for row in rows}


_MONEY = """
SELECT d.job_id, COALESCE(d.settled_microusd, 0) AS server,
(SELECT COALESCE(SUM(m.settled_microusd), 0) FROM draws m WHERE m.job_id = d.job_id AND m.side = 'member') AS member,
COALESCE((SELECT x.billed_microusd - x.held_microusd FROM differences x WHERE x.job_id = d.job_id), 0) AS unpaid
FROM draws d WHERE d.position = 0 ORDER BY d.job_id"""


def _money() -> Transaction[Sequence[Any]]:
    return (yield Many(_MONEY))


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    """An empty database."""
    made = MemoryStore()
    with closing(made.connection):
        yield made


def traffic(store: MemoryStore) -> Bill:
    """Make jobs of every kind, and fal's bill for them."""
    add_job(store, "equal", 500_000)
    add_job(store, "less", 500_000)
    add_job(store, "more", 300_000, policy="charge")
    add_job(store, "above", 500_000)
    add_job(store, "failed", "free")
    add_job(store, "charged", "free", policy="charge")
    add_job(store, "uncertain", "uncertain")
    add_job(store, "running", "held")
    billed = {"equal": 500_000, "less": 450_000.4, "more": 400_000, "above": 700_000, "failed": 200_000.5}
    billed |= {"charged": 100_000, "uncertain": 350_000, "running": 500_000, "stranger": 9}
    return Bill([event(job, cost, at=NOW - 3000 + n) for n, (job, cost) in enumerate(billed.items())])


EXPECTED = {
    "equal": (500_000, 500_000, 0),
    "less": (450_000, 450_000, 0),
    "more": (400_000, 400_000, 0),
    "above": (500_000, 500_000, 200_000),
    "failed": (200_000, 0, 0),  # half to even
    "charged": (100_000, 100_000, 0),
    "uncertain": (350_000, 0, 0),
    "running": (0, 0, 0),
}


async def test_the_books_follow_the_bill(store: MemoryStore) -> None:
    """Every job costs what fal billed, to the micro-dollar; a running one waits, and a stranger is nobody's."""
    bill = traffic(store)
    results = await reconciler(store, bill).round()
    assert results == {"equal": 2, "corrected": 5, "unfinished": 1}
    assert money(store) == EXPECTED
    assert store.run(bills.strangers()) == (1, 9_000)
    assert await reconciler(store, bill, now=NOW + 3600).round() == {"unfinished": 1}
    store.run(holds.settle("running", 480_000, at=NOW, actor="wanda", reason="made"))
    assert await reconciler(store, bill, now=NOW + 7200).round() == {"corrected": 1}
    assert money(store)["running"] == (500_000, 480_000, 0)
    assert store.run(verify()) == []
    told = sum(one.nano_usd for one in bill.events if one.request_id != "r-stranger")
    assert abs(sum(server + unpaid for server, _, unpaid in money(store).values()) * 1000 - told) <= 500 * 8


@pytest.mark.parametrize("commits", [False, True], ids=["before the commit", "after the commit"])
async def test_deaths_at_every_step(*, commits: bool) -> None:
    """Wherever the process dies, the next one leaves the books as if nothing had happened."""
    for dies_at in range(1, 100):
        store = MemoryStore()
        with closing(store.connection):
            bill = traffic(store)
            dying = DyingStore(store, dies_at, commits)
            with suppress(Died):
                await reconciler(dying, bill).round()
            assert store.run(verify()) == []
            await reconciler(store, bill, now=NOW + 60).round()
            assert money(store) == EXPECTED
            assert store.run(verify()) == []
        if dying.calls < dies_at:
            return
    raise AssertionError("it never came to its end")


async def test_a_bill_that_breaks_off_is_read_again(store: MemoryStore) -> None:
    """A page that does not come leaves the mark where it was, so that nothing is skipped."""
    bill = traffic(store)
    bill.fails_at = 8 + 2  # a week in days, of which the last has pages
    with pytest.raises(FalUnreachable):
        await reconciler(store, bill).round()
    (since, until) = store.run(bills.read_times()) or (0.0, 0.0)
    assert (NOW - since, NOW - until) == (7 * DAY_S, DAY_S)
    await reconciler(store, bill, now=NOW + 60).round()
    assert money(store) == EXPECTED


async def test_bills_come_late_and_change(store: MemoryStore) -> None:
    """What fal adds or changes within three days is found by a later round, and the last word counts."""
    add_job(store, "late", 500_000)
    add_job(store, "changed", 500_000)
    bill = Bill([event("changed", 200_000)])
    await reconciler(store, bill).round()
    assert money(store) == {"late": (500_000, 500_000, 0), "changed": (200_000, 200_000, 0)}
    bill.events = [event("changed", 250_000), event("changed", 50_000, at=NOW - 2000), event("late", 100_000)]
    await reconciler(store, bill, now=NOW + 2 * DAY_S).round()
    assert money(store) == {"late": (100_000, 100_000, 0), "changed": (300_000, 200_000, 0)}
    bill.events = [event("changed", 10_000), event("changed", 0, at=NOW - 2000), event("late", 100_000)]
    await reconciler(store, bill, now=NOW + 2.5 * DAY_S).round()
    assert money(store)["changed"] == (10_000, 0, 0)
    assert store.run(verify()) == []


async def test_silence(store: MemoryStore) -> None:
    """A request that was not billed for three days is free, if others were billed meanwhile and it made no video."""
    add_job(store, "silent", "uncertain")
    await reconciler(store, Bill()).round()
    await reconciler(store, Bill(), now=NOW + 4 * DAY_S).round()
    held = store.run(holds.standing(Who(guild_id=7, channel_id=9, member_id=1), at=NOW, shipped=SHIPPED))
    assert any(one.held_microusd == 500_000 for one in held.standings)  # a key of another account is silent, too
    add_job(store, "billed", 500_000)
    bill = Bill([event("billed", 500_000)])
    assert await reconciler(store, bill, now=NOW + DAY_S).round() == {"equal": 1}
    assert await reconciler(store, bill, now=NOW + 2.9 * DAY_S).round() == {}
    assert await reconciler(store, bill, now=NOW + 3.1 * DAY_S).round() == {"free": 1}
    assert money(store)["silent"] == (0, 0, 0)
    bill.events.append(event("silent", 70_000, at=NOW + DAY_S))
    await reconciler(store, bill, now=NOW + 3.5 * DAY_S).round()
    assert money(store)["silent"] == (70_000, 0, 0)
    assert store.run(verify()) == []


async def test_a_row_that_cannot_be_read_is_no_silence(store: MemoryStore) -> None:
    """A request is not free because its bill could not be read; what comes after such a row can be free again."""
    add_job(store, "unread", "uncertain")
    add_job(store, "billed", 500_000)
    bill = Bill([event("billed", 500_000)], unreadable=1)
    await reconciler(store, bill).round()
    bill.unreadable = 0
    later = NOW + 10 * DAY_S
    assert await reconciler(store, bill, now=NOW + 4 * DAY_S).round() == {}
    add_job(store, "silent", "uncertain", at=later - 3600)
    add_job(store, "other", 500_000, at=later - 3600)
    bill.events.append(event("other", 500_000, at=later - 3000))
    assert await reconciler(store, bill, now=later + 4 * DAY_S).round() == {"equal": 1, "free": 1}
    assert money(store)["silent"] == (0, 0, 0)
    held = store.run(holds.standing(Who(guild_id=7, channel_id=9, member_id=1), at=NOW, shipped=SHIPPED))
    assert any(one.held_microusd == 500_000 for one in held.standings)
    assert store.run(verify()) == []


async def test_one_process_reads_and_each_compares_its_own(store: MemoryStore) -> None:
    """Only the process with shard 0 reads the bill; each compares the bills of its own servers."""
    add_job(store, "zero", 500_000, guild=7)
    add_job(store, "one", 500_000, guild=7 | 1 << 22)
    bill = Bill([event("zero", 100_000), event("one", 100_000)])
    second = reconciler(store, bill, shards=lambda: Shards(2, frozenset({1})))
    assert await second.round() == {}
    assert bill.pages == 0
    assert await reconciler(store, bill, shards=lambda: Shards(2, frozenset({0}))).round() == {"corrected": 1}
    assert money(store)["one"] == (500_000, 500_000, 0)
    assert await second.round() == {"corrected": 1}
    assert money(store) == {"zero": (100_000, 100_000, 0), "one": (100_000, 100_000, 0)}


async def test_on_the_stand_in(store: MemoryStore) -> None:
    """On the wire: pages, a wrong key, garbage and an outage; in the end the books equal the stand-in's bill."""
    settings = BillSettings(page_events=1)
    async with (
        FalSandbox(is_strict=True, clock=lambda: NOW) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url) as http,
    ):
        for job, nano in (("a", 400_000_000), ("b", 123_456_789), ("c", 600_000_000)):
            add_job(store, job, 500_000)
            body = {"request": f"r-{job}", "endpoint": WAN27, "nano_usd": nano, "ago_s": 60.0}
            (await http.post("/sandbox/bill", json=body)).raise_for_status()
        for fault in ({"status": 503}, {"status": 200, "body": "garbage"}, {"status": 200, "body": {"has_more": True}}):
            (await http.post("/sandbox/faults", json={"at": "billing", **fault})).raise_for_status()
        known = fal_settings(sandbox.url, admin_key=ADMIN_KEY)
        async with make_http(known) as wire:
            books = Reconciler(
                store=store,
                platform=FalPlatform(wire, known),
                settings=settings,
                has_key=True,
                shards=every_shard,
                clock=lambda: NOW,
            )
            for _ in range(3):
                with pytest.raises(Exception, match="fal"):
                    await books.round()
            assert await books.round() == {"corrected": 2, "equal": 1}
            whole = (await http.get("/sandbox/bill")).json()["nano_usd"]
        paid = sum(server + unpaid for server, _, unpaid in money(store).values())
        assert (paid, round(whole / 1000)) == (1_123_457, 1_123_457)
        sandbox.admin_keys.clear()
        async with make_http(known) as wire:
            with pytest.raises(Exception, match=r"40[13]"):
                await FalPlatform(wire, known).balance()


async def test_a_bill_that_is_never_read_is_missed(store: MemoryStore) -> None:
    """The alert counts from what was read last, also before this start; a bill that never was, from the first try."""

    def read_at() -> float | None:
        return metrics.REGISTRY.get_sample_value("wanda_bill_read_timestamp_seconds")

    never = reconciler(store, Bill(fails_at=1))
    with pytest.raises(FalUnreachable):
        await never.round()
    assert read_at() == NOW
    never.clock = lambda: NOW + 60
    never.platform = cast("FalPlatform", Bill(fails_at=1))
    with pytest.raises(FalUnreachable):
        await never.round()
    assert read_at() == NOW
    await reconciler(store, Bill(), now=NOW + 100).round()
    assert read_at() == NOW + 100
    with pytest.raises(FalUnreachable):  # the next start
        await reconciler(store, Bill(fails_at=1), now=NOW + 9000).round()
    assert read_at() == NOW + 100


async def test_a_database_that_is_away(store: MemoryStore) -> None:
    """An error of the database ends the round, and the next one goes on."""

    class Away:
        async def read(self, transaction: Any) -> Any:
            raise StorageError("away")

        async def write(self, transaction: Any, *, guild_id: int | None = None) -> Any:
            raise StorageError("away")

    with pytest.raises(StorageError):
        await reconciler(Away(), Bill()).round()


async def test_old_requests_go_without_a_key_too(store: MemoryStore) -> None:
    """Each job notes its request, so the table ends at `keep_days` whether or not fal's bill is read."""
    for job, at in (("old", NOW - 91 * DAY_S), ("new", NOW - DAY_S)):
        add_job(store, job, 100_000, at=at)
    without = reconciler(store, Bill(fails_at=1))
    without.has_key = False
    await without.round()
    assert store.run(bills.are_known(["r-old", "r-new"])) == {"r-new"}
