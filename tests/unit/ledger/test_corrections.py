"""What fal billed, after a job's hold had ended otherwise."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import StorageError
from bot.ledger import holds
from bot.ledger.audit import verify
from bot.ledger.corrections import Payment, correct, corrected
from bot.ledger.differences import newest
from bot.ledger.grants import add_grant, grants_of
from bot.ledger.history import entries_page
from bot.ledger.member_records import entries_of_member
from bot.ledger.model import Ending, Grant, Payers, Policy, RuleQuery, Share, Shipped, Who
from bot.ledger.movements import movements
from bot.ledger.pseudonyms import unname
from bot.ledger.shares import link
from tests.support.stores import MemoryStore

SHIPPED = Shipped(member_daily_microusd=5_000, server_monthly_microusd=8_000)
WHO = Who(guild_id=7, channel_id=9, member_id=42)
NOON = 1_795_176_000.0
HELD = 3_000


@pytest.fixture
def books() -> Iterator[MemoryStore]:
    """Books with one hold of 3,000 micro-dollars, of job "a"."""
    store = MemoryStore()
    with closing(store.connection):
        _hold(store, "a")
        yield store


def _hold(books: MemoryStore, job: str, amount: int = HELD, *, shipped: Shipped = SHIPPED) -> None:
    query = RuleQuery(mode="m")
    holding = holds.hold(
        job_id=job, amount_microusd=amount, who=WHO, query=query, at=NOON, shipped=shipped, reason="accepted"
    )
    books.run(holding)


def _end(books: MemoryStore, amount: int | None, payers: Payers = "everyone", *, job: str = "a") -> None:
    said: Any = {"at": NOON + 100, "actor": "fal", "reason": "made"}
    books.run(holds.release(job, **said) if amount is None else holds.settle(job, amount, payers=payers, **said))


def _correct(
    books: MemoryStore, billed: int, policy: Policy = "charge", *, bound: int | None = None, job: str = "a"
) -> Ending | None:
    correcting = correct(job, billed, at=NOON + 4_000, policy=policy, absorbed_max_microusd=bound, reason="bill")
    return books.run(correcting)


def _spent(books: MemoryStore) -> tuple[int, int]:
    """Return what the member's day and the server's month have spent."""
    view = books.run(holds.standing(WHO, at=NOON + 5_000, shipped=SHIPPED))
    own, pool = (one for one in view.standings if one.limit.whose in {"member", "server"})
    return own.spent_microusd, pool.spent_microusd


@pytest.mark.parametrize(
    ("ended", "payers", "policy", "billed", "spent", "unpaid"),
    [
        (3_000, "everyone", "charge", 2_500, (2_500, 2_500), 0),  # a made video that fal billed less
        (2_500, "everyone", "charge", 3_000, (3_000, 3_000), 0),  # or more, up to the quote
        (2_500, "everyone", "absorb", 3_000, (2_500, 3_000), 0),
        (3_000, "everyone", "charge", 4_500, (3_000, 3_000), 1_500),  # never above what was held
        (3_000, "everyone", "absorb", 0, (0, 0), 0),  # fal did not bill it at all
        (3_000, "server", "absorb", 1_000, (0, 1_000), 0),  # a failed one that the server had paid
        (None, "everyone", "charge", 3_000, (3_000, 3_000), 0),  # a failed one that was thought to be free
        (None, "everyone", "absorb", 3_000, (0, 3_000), 0),
        (None, "everyone", "absorb", 0, (0, 0), 0),
    ],
)
def test_the_books_follow_the_bill(  # noqa: PLR0917 - one row of the table
    books: MemoryStore,
    ended: int | None,
    payers: Payers,
    policy: Policy,
    billed: int,
    spent: tuple[int, int],
    unpaid: int,
) -> None:
    """Nobody pays more than fal billed or than was held; what is more is paid by the server's policy."""
    _end(books, ended, payers)
    for _ in range(2):
        _correct(books, billed, policy)
        assert _spent(books) == spent
        assert [one.billed_microusd - one.held_microusd for one in books.run(newest(9))] == [unpaid] * bool(unpaid)
        assert books.run(verify()) == []
    repeated = _correct(books, billed, policy)
    assert repeated is not None
    assert repeated.repeated


def test_a_running_job_is_left_to_its_result(books: MemoryStore) -> None:
    """A bill that comes before the job's end changes nothing; one that was never held is unknown."""
    assert _correct(books, 1_000) is None
    assert _spent(books) == (0, 0)
    with pytest.raises(LookupError):
        _correct(books, 1_000, job="nonesuch")


@pytest.mark.parametrize(("billed", "spent"), [(2_000, (0, 2_000)), (0, (0, 0)), (4_000, (0, 3_000))])
def test_a_bill_ends_what_is_exposed(books: MemoryStore, billed: int, spent: tuple[int, int]) -> None:
    """An uncertain job's bill ends its exposure at the server's cost, and later bills stay the server's."""
    books.run(holds.expose("a", at=NOON + 50, actor="wanda", reason="reply lost"))
    _correct(books, billed)
    assert _spent(books) == spent
    _correct(books, 3_000)
    assert _spent(books) == (0, 3_000)
    assert books.run(verify()) == []


def test_what_the_server_absorbs_is_bounded(books: MemoryStore) -> None:
    """Beyond what a server absorbs for a member in a day, a late bill is the member's; less goes back to them first."""
    _end(books, None)
    _correct(books, 3_000, "absorb", bound=1_000)
    assert _spent(books) == (2_000, 3_000)
    _correct(books, 1_500, "absorb", bound=1_000)
    assert _spent(books) == (500, 1_500)
    assert books.run(verify()) == []


def test_a_grant_is_not_drawn_on_twice(books: MemoryStore) -> None:
    """A grant that was used again after a release pays no late bill; the server does."""
    given_ = Grant(
        id="g", guild_id=7, member_id=42, amount_microusd=4_000, expires_at=None, reason="", actor_id=9, at=0
    )
    books.run(add_grant(given_))
    _hold(books, "b", 4_000)  # 2,000 of the allowance, 2,000 of the grant
    _end(books, None, job="b")
    _hold(books, "c", 4_500)  # 2,000 and 2,500
    _end(books, 4_500, job="c")
    _correct(books, 4_000, job="b")
    (grant,) = books.run(grants_of(7, 42))
    assert (grant.left_microusd, _spent(books)[1]) == (0, 8_500)
    assert books.run(verify()) == []


@pytest.mark.parametrize("ended", [None, 2_000, 6_000])
@pytest.mark.parametrize("billed", [0, 1, 2, 3_333, 6_000, 7_000])
def test_shares_are_corrected_together(books: MemoryStore, ended: int | None, billed: int) -> None:
    """Several members pay a bill in proportion to their shares, to the micro-dollar; what is above all is nobody's."""
    roomy = replace(SHIPPED, member_daily_microusd=50_000, server_monthly_microusd=80_000)
    for job, amount in (("b", 1_000), ("c", 2_000)):
        _hold(books, job, amount, shipped=roomy)
    books.run(link("a", [Share("a", 42, 3_000), Share("b", 42, 1_000), Share("c", 42, 2_000)], quote_microusd=6_000))
    _end(books, ended)
    for _ in range(2):
        _correct(books, billed)
        rows = books.connection.execute("SELECT settled_microusd FROM draws WHERE position = 0 ORDER BY job_id")
        paid = [row[0] or 0 for row in rows]
        assert sum(paid) == min(billed, 6_000)
        for part, share in zip(paid, (3_000, 1_000, 2_000), strict=True):
            assert abs(part * 6_000 - share * min(billed, 6_000)) < 6_000
        assert _spent(books) == (min(billed, 6_000),) * 2
        assert [one.billed_microusd - one.held_microusd for one in books.run(newest(9))] == [1_000] * (billed == 7_000)
        assert books.run(verify()) == []


def test_corrections_are_entries_that_stay(books: MemoryStore) -> None:
    """A correction stands in every list of movements, is never altered, and loses the member's name when they ask."""
    _end(books, 3_000)
    _correct(books, 2_500)
    _correct(books, 2_900)
    (latest, before, *_) = books.run(movements(7, limit=9))
    assert {(one.entry.kind, one.entry.spent_delta_microusd, one.member_id) for one in (latest, before)} == {
        ("correct", 400, 42),
        ("correct", -500, 42),
    }
    assert sum(one.entry.spent_delta_microusd for one in books.run(movements(7, limit=9))) == 2_900
    assert sum(one.spent_delta_microusd for one in books.run(entries_of_member(42, limit=99))) == 2_900
    kinds = [one.kind for one in books.run(entries_page(7, limit=99)) if one.scope == "server:7"]
    assert kinds == ["hold", "settle", "correct", "correct"]
    for sql in ("UPDATE corrections SET reason = 'x'", "DELETE FROM corrections"):
        with pytest.raises((StorageError, sqlite3.Error), match="append-only"):
            books.connection.execute(sql)
    books.run(unname(7, 42))
    scopes = {row[0] for row in books.connection.execute("SELECT scope FROM corrections")}
    assert not any(scope.endswith(":42") for scope in scopes)
    assert books.run(verify()) == []


@given(
    bills=st.lists(st.tuples(st.integers(0, 4_000), st.sampled_from(["charge", "absorb"])), min_size=1, max_size=5),
    ended=st.none() | st.integers(0, HELD),
    bound=st.none() | st.integers(0, HELD),
)
def test_bills_converge(bills: list[tuple[int, Policy]], ended: int | None, bound: int | None) -> None:
    """Whatever came before, the books say the last bill; the member never pays more than it, or than was held."""
    store = MemoryStore()
    with closing(store.connection):
        _hold(store, "a", shipped=replace(SHIPPED, server_cap_microusd=100_000))
        _end(store, ended)
        for billed, policy in bills:
            _correct(store, billed, policy, bound=bound)
            own, pool = _spent(store)
            unpaid = sum(one.billed_microusd - one.held_microusd for one in store.run(newest(9)))
            assert pool + unpaid == billed
            assert own <= pool <= HELD
            assert store.run(verify()) == []


@given(
    data=st.data(),
    server=st.integers(0, HELD),
    billed=st.integers(0, 2 * HELD),
    policy=st.sampled_from(["charge", "absorb", None]),
    room=st.none() | st.integers(0, HELD),
)
def test_who_pays(data: st.DataObject, server: int, billed: int, policy: Policy | None, room: int | None) -> None:
    """A smaller bill raises nobody's part; a larger one never lowers one, and raises the member's only by its rest."""
    before = Payment(server_microusd=server, member_microusd=data.draw(st.integers(0, server)))
    after = corrected(before, billed_microusd=billed, held_microusd=HELD, policy=policy, room_microusd=room)
    assert after.server_microusd == min(billed, HELD)
    assert 0 <= after.member_microusd <= after.server_microusd
    if after.server_microusd <= before.server_microusd:
        assert after.member_microusd <= before.member_microusd
        assert after.absorbed_microusd <= before.absorbed_microusd
    else:
        assert after.member_microusd >= before.member_microusd
        assert after.absorbed_microusd >= before.absorbed_microusd
        assert policy is not None or after.member_microusd == before.member_microusd
