"""fal's bill in the database, and its comparison with the books."""

from contextlib import closing
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.fal.wire.platform import BillingEvent
from bot.jobs import bills
from bot.ledger.audit import verify
from tests.support.stores import MemoryStore

NOON = 1_795_176_000.0


def event(request_id: str, nano: int, *, at: float = NOON) -> BillingEvent:
    """Return one event."""
    return BillingEvent(request_id=request_id, at=at, endpoint="fal-ai/wan-i2v", nano_usd=nano)


@given(nano=st.integers(0, 10**15))
def test_rounding(nano: int) -> None:
    """A bill is rounded half to even to a micro-dollar."""
    assert bills.micro_of(nano) == int((Decimal(nano) / 1000).quantize(Decimal(1), ROUND_HALF_EVEN))


@given(amounts=st.lists(st.integers(0, 10**12), max_size=50))
def test_a_days_rounding_is_bounded(amounts: list[int]) -> None:
    """The rounded bills of a day are at most half a micro-dollar a request beside fal's exact sum."""
    assert abs(sum(bills.micro_of(nano) for nano in amounts) * 1000 - sum(amounts)) <= 500 * len(amounts)


@pytest.mark.parametrize("count", [1, 100, 101, 250])
def test_pages_are_stored_whole(count: int) -> None:
    """Every event of a page is stored, and a repeated page changes nothing."""
    store = MemoryStore()
    with closing(store.connection):
        page = [event(f"r{n}", n) for n in range(count)]
        for _ in range(2):
            store.run(bills.store_events(page))
            assert store.run(bills.strangers()) == (count, sum(range(count)))


def test_events_repeat_and_change() -> None:
    """An event that comes again stays compared; one that fal changed, or a further one, is compared again."""
    store = MemoryStore()
    with closing(store.connection):
        store.run(bills.store_events([event("r", 400)]))
        store.connection.execute("INSERT INTO fal_requests VALUES ('r', 'job', 7, 'absorb', 5, 0)")
        (request,) = store.run(bills.open_bills())
        assert (request.job_id, request.guild_id, request.absorbed_daily_microusd) == ("job", 7, 5)
        assert store.run(bills.take_bill("r")) == 0
        assert store.run(bills.open_bills()) == ()
        store.run(bills.store_events([event("r", 400), event("r", 400)]))
        assert store.run(bills.open_bills()) == ()
        store.run(bills.store_events([event("r", 1_600), event("r", 900, at=NOON + 1)]))
        assert store.run(bills.open_bills()) == (request,)
        assert store.run(bills.take_bill("r")) == 2  # 2,500 billionths
        store.run(bills.store_events([event("r", 5), event("r", 700)]))
        assert store.run(bills.take_bill("r")) == 2  # the later row of one moment counts: 700 and 900
        assert store.run(verify()) == []


def test_what_is_read_again() -> None:
    """The bill is read again from three days before it was read last, the first time from a week ago."""
    store = MemoryStore()
    with closing(store.connection):
        assert store.run(bills.read_times()) is None
        assert store.run(bills.read_from(now=NOON, again_s=300, first_s=700)) == NOON - 700
        store.run(bills.note_read(since=NOON - 700, until=NOON))
        assert store.run(bills.read_from(now=NOON + 50, again_s=300, first_s=700)) == NOON - 300
        store.run(bills.note_read(since=NOON - 300, until=NOON + 50))
        assert store.run(bills.read_times()) == (NOON - 700, NOON + 50)
        # A clock that was set back does not leave a gap.
        assert store.run(bills.read_from(now=NOON - 900, again_s=300, first_s=700)) == NOON - 1200


def test_old_bills_are_forgotten_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are old, as after `WANDA_FAL_BILL_KEEP_DAYS` was lowered, no transaction deletes more than some."""
    monkeypatch.setattr(bills, "FORGOTTEN_AT_ONCE", 2)
    store = MemoryStore()
    with closing(store.connection):
        store.run(bills.store_events([event(f"r{number}", 1, at=NOON + number) for number in range(5)]))
        store.connection.executemany(
            "INSERT INTO fal_requests VALUES (?, 'gone', 7, 'absorb', 5, 0)", [(f"r{number}",) for number in range(3)]
        )
        goes_on = [store.run(bills.forget_bills(before=NOON + 4)) for _ in range(3)]
        left = store.connection.execute("SELECT request_id FROM bills UNION ALL SELECT request_id FROM fal_requests")
        assert left.fetchall() == [("r4",)]
    assert goes_on == [True, True, False]


def test_old_bills_are_forgotten() -> None:
    """Old bills and requests go, but for requests of jobs that are still open."""
    store = MemoryStore()
    with closing(store.connection):
        store.run(bills.store_events([event("old", 1), event("new", 1, at=NOON + 10)]))
        draw = "INSERT INTO draws VALUES (?, 0, 7, 42, 'server:7', 'server', 5, 'exposed', NULL, 0, NULL)"
        store.connection.execute(draw, ("open",))
        for request_id, job in (("old", "gone"), ("kept", "open")):
            store.connection.execute(
                "INSERT INTO fal_requests VALUES (?, ?, 7, 'absorb', 5, ?)", (request_id, job, NOON)
            )
        store.run(bills.forget_bills(before=NOON + 5))
        assert [row[0] for row in store.connection.execute("SELECT request_id FROM bills")] == ["new"]
        assert [row[0] for row in store.connection.execute("SELECT request_id FROM fal_requests")] == ["kept"]
