"""fal's refunds: the books follow what is left of the bill, whenever and however often its rows are read."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cli.bill_days import bill_days
from bot.fal.wire.platform import BillingEvent
from bot.jobs import bills
from bot.jobs.reconciling import Compared, compare_bill
from bot.ledger import holds
from bot.ledger.audit import verify
from bot.ledger.model import Policy, RuleQuery, Share, Shipped, Who
from bot.ledger.shares import link
from bot.storage.transaction import One, Transaction
from tests.support.stores import MemoryStore

NOON = 1_795_176_000.0
SHIPPED = Shipped(member_daily_microusd=50_000, server_monthly_microusd=80_000)
HELD = 3_000
# Moment and micro-dollars; below zero it is a refund.
Rows: TypeAlias = list[tuple[int, int]]


@dataclass
class Account:
    """Books with one ended job of member 42, and what fal's bill is known to say of its request."""

    store: MemoryStore
    ended: int | None
    policy: Policy = "charge"
    charges: dict[int, int] = field(default_factory=dict[int, int])
    refunds: dict[int, int] = field(default_factory=dict[int, int])

    def __post_init__(self) -> None:
        """Accept the job and end it."""
        hold(self.store, "a", 42)
        self.store.run(_note("a", self.policy))
        self.end()

    def end(self) -> None:
        """End the job as it was made."""
        said: Any = {"at": NOON + 100, "actor": "fal", "reason": "made"}
        self.store.run(holds.release("a", **said) if self.ended is None else holds.settle("a", self.ended, **said))

    def read(self, rows: Rows) -> None:
        """Read these rows of the bill."""
        for moment, amount in rows:
            (self.refunds if amount < 0 else self.charges)[moment] = abs(amount)
        self.store.run(bills.store_events([event(moment, amount) for moment, amount in rows]))

    def compare(self) -> list[Compared]:
        """Compare what is open, as the reconciler does."""
        return [self.store.run(compare_bill(one, now=NOON + 9_000)) for one in self.store.run(bills.open_bills())]

    def spent(self, member_id: int = 42) -> tuple[int, int]:
        """Return what the member's day and the server's month have spent."""
        who = Who(guild_id=7, channel_id=9, member_id=member_id)
        view = self.store.run(holds.standing(who, at=NOON + 9_500, shipped=SHIPPED))
        own, pool = (one for one in view.standings if one.limit.whose in {"member", "server"})
        return own.spent_microusd, pool.spent_microusd

    def expected(self) -> int:
        """Return what the job costs by the simple model: what is left of the bill, within what was held."""
        if self.refunds and not any(self.charges.values()):
            return self.ended or 0
        left = max(0, sum(self.charges.values()) - sum(self.refunds.values()))
        return min(left, HELD) if self.charges else self.ended or 0

    def corrections(self) -> int:
        """Return how many entries the comparisons have made."""
        return self.store.connection.execute("SELECT COUNT(*) FROM corrections").fetchone()[0]


def hold(store: MemoryStore, job: str, member_id: int, amount: int = HELD) -> None:
    """Hold an amount for a member's job."""
    who = Who(guild_id=7, channel_id=9, member_id=member_id)
    said: Any = {"query": RuleQuery(mode="m"), "at": NOON, "shipped": SHIPPED, "reason": "accepted"}
    store.run(holds.hold(job_id=job, amount_microusd=amount, who=who, **said))


def event(moment: int, microusd: int) -> BillingEvent:
    """Return a row of the bill."""
    return BillingEvent(request_id="r-a", at=NOON + moment, endpoint="fal-ai/x", nano_usd=microusd * 1000)


def _note(job: str, policy: Policy) -> Transaction[None]:
    sql = "INSERT INTO fal_requests (request_id, job_id, guild_id, policy, absorbed_daily_microusd, at) "
    yield One(sql + "VALUES ($1, $2, 7, $3, 1000, $4)", (f"r-{job}", job, policy, NOON))


@pytest.fixture
def opened() -> Iterator[Callable[..., Account]]:
    """Return how to make an account."""
    store = MemoryStore()
    with closing(store.connection):
        yield lambda *arguments: Account(store, *arguments)


@pytest.mark.parametrize(
    ("ended", "policy", "rows", "spent"),
    [
        (3_000, "charge", [(1, 3_000), (2, -1_000)], (2_000, 2_000)),
        (3_000, "charge", [(1, 3_000), (2, -3_000)], (0, 0)),
        (3_000, "charge", [(1, 3_000), (2, -9_000)], (0, 0)),  # never below zero
        (3_000, "charge", [(1, 3_000), (1, -1_000)], (2_000, 2_000)),  # at the same moment
        (3_000, "charge", [(2, -1_000)], (3_000, 3_000)),  # its charge was not read
        (3_000, "charge", [(1, 9_000), (2, -1_000)], (3_000, 3_000)),  # what nobody had paid
        (None, "absorb", [(1, 3_000), (2, -500)], (1_500, 2_500)),  # the server absorbs 1,000
        (None, "absorb", [(1, 3_000), (2, -2_500)], (0, 500)),
    ],
)
def test_a_refund(
    opened: Callable[..., Account], ended: int | None, policy: Policy, rows: Rows, spent: tuple[int, int]
) -> None:
    """What fal gives back goes to those who paid, the member first, and never makes spent money negative."""
    account = opened(ended, policy)
    for row in rows:
        account.read([row])
        account.compare()
    assert account.spent() == spent
    assert account.store.run(verify()) == []


def test_a_refund_of_a_shared_video() -> None:
    """Several members get a refund back in proportion to their shares."""
    store = MemoryStore()
    with closing(store.connection):
        hold(store, "a", 42)
        hold(store, "b", 43, 1_000)
        store.run(link("a", [Share("a", 42, HELD), Share("b", 43, 1_000)], quote_microusd=4_000))
        store.run(_note("a", "charge"))
        store.run(holds.settle("a", 4_000, at=NOON + 100, actor="fal", reason="made"))
        store.run(bills.store_events([event(1, 4_000), event(2, -2_000)]))
        (request,) = store.run(bills.open_bills())
        assert store.run(compare_bill(request, now=NOON + 9_000)) == "corrected"
        rows = store.connection.execute("SELECT settled_microusd FROM draws WHERE side = 'member' ORDER BY job_id")
        assert [row[0] for row in rows] == [1_500, 500]
        assert store.run(verify()) == []


def test_a_refund_alone_is_reported_nowhere_as_a_bill(opened: Callable[..., Account]) -> None:
    """A refund of what was billed before the bill was read changes nothing, until its charge is read."""
    account = opened(3_000)
    store = account.store
    store.run(bills.note_read(since=NOON - 86_400, until=NOON + 86_400))
    account.read([(5, -1_000)])
    assert account.compare() == ["no_charge"]
    assert account.compare() == []
    (day,) = store.run(bill_days(now=NOON)).days
    assert (day.fal_microusd, day.wanda_microusd, day.unbilled) == (0, 3_000, 1)
    account.read([(1, 3_000)])
    assert account.compare() == ["corrected"]
    (day,) = store.run(bill_days(now=NOON)).days
    assert (day.fal_microusd, day.wanda_microusd, day.unbilled) == (2_000, 2_000, 0)


AMOUNTS = st.one_of(st.integers(0, 4_000), st.integers(-4_000, -1))


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), AMOUNTS), min_size=1, max_size=8, unique_by=lambda row: (row[0], row[1] < 0)
    ),
    data=st.data(),
    ended=st.none() | st.integers(0, HELD),
    policy=st.sampled_from(["charge", "absorb"]),
)
def test_any_bill(rows: Rows, data: st.DataObject, ended: int | None, policy: Policy) -> None:
    """In whatever order rows come, are read again and compared: the job costs what is left of its bill, once.

    A refund raises nobody's part, and what was compared before changes nothing.
    """
    store = MemoryStore()
    with closing(store.connection):
        account = Account(store, ended, policy)
        for row in data.draw(st.permutations(rows)):
            before = account.spent()
            was_known = any(account.charges.values())
            account.read([row])
            account.compare()
            own, pool = account.spent()
            assert pool == account.expected()
            assert 0 <= own <= pool <= HELD
            if row[1] < 0 and was_known:
                assert own <= before[0]
                assert pool <= before[1]
            entries = account.corrections()
            known = [(at, -amount) for at, amount in account.refunds.items()] + list(account.charges.items())
            account.read([data.draw(st.sampled_from(known))])
            account.compare()
            assert account.corrections() == entries
            assert store.run(verify()) == []
