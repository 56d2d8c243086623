"""What members added to a film is divided over its shots, and every micro-dollar of it is held as it was."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import Busy, StorageError
from bot.fal.wire.types import FalStatus
from bot.jobs import acceptance, erasure, events, transactions
from bot.jobs.rule_query import who_of
from bot.ledger import grants, holds, reservations, shares, splits
from bot.ledger.audit import totals, verify
from bot.ledger.model import Grant, RuleQuery, Share, Shipped
from bot.ledger.past_jobs import past_jobs
from bot.ledger.reservations import Wish
from bot.ledger.splits import divided_over
from tests.support.job_samples import HANDLE, NOW, PLACES, RESULT, a_job
from tests.support.stores import MemoryStore

PRICES = st.lists(st.integers(0, 10**9), min_size=1, max_size=8)
FILM, MAKER, BEN = "f" * 32, 2, 3
SHIPPED = Shipped(member_daily_microusd=1000, server_monthly_microusd=10**9)
SHOTS = [a_job(id=f"{n}" * 32, inputs=(), quote_microusd=price, member_id=MAKER) for n, price in ((1, 700), (2, 801))]


@given(prices=PRICES, cuts=st.lists(st.fractions(0, 1), max_size=24))
@example(prices=[1, 1, 1], cuts=[])
def test_the_parts_of_each_sum_up_to_it_and_those_of_each_price_to_that(
    prices: list[int], cuts: list[Fraction]
) -> None:
    """Whatever the members added: nothing is lost, and no shot lacks or has too much."""
    total = sum(prices)
    ends = sorted({*(int(total * cut) for cut in cuts), 0, total})
    wholes = [after - before for before, after in itertools.pairwise(ends)] or [0]
    parts = divided_over(wholes, prices)
    assert [sum(of_each) for of_each in parts] == wholes
    assert [sum(of_price) for of_price in zip(*parts, strict=True)] == prices
    assert all(part >= 0 for of_each in parts for part in of_each)


@pytest.fixture
def books() -> Iterator[MemoryStore]:
    """Yield an empty database, whose books are right in the end."""
    store = MemoryStore()
    with closing(store.connection):
        yield store
        assert store.run(verify()) == []


def wish_for(job_id: str, member_id: int, amount: int, purpose: reservations.Purpose = "share") -> Wish:
    """Return what a member reserves."""
    return Wish(
        job_id=job_id,
        group_id=FILM,
        purpose=purpose,
        who=replace(who_of(SHOTS[0]), member_id=member_id),
        query=RuleQuery(mode=SHOTS[0].mode, is_share=True),
        amount_microusd=amount,
        reason="a share",
        expires_at=NOW + 1000,
    )


def held_of(store: MemoryStore, member_id: int) -> int:
    """Return what the member's allowance holds."""
    who = replace(who_of(SHOTS[0]), member_id=member_id)
    view = store.run(holds.standing(who, at=NOW, shipped=SHIPPED))
    return next(one.held_microusd for one in view.standings if one.limit.side == "member")


def two_shots(store: MemoryStore) -> None:
    """Reserve two shots that two members pay for: the maker 501, the other 1,000."""
    wholes = (("a" * 32, MAKER, 501), ("b" * 32, BEN, 1000))
    for one in wholes:
        store.run(reservations.reserve(wish_for(*one), at=NOW, shipped=SHIPPED))
    prices = [job.quote_microusd for job in SHOTS]
    store.run(shares.link(FILM, [Share(*one) for one in wholes], quote_microusd=sum(prices)))
    divided = divided_over([501, 1000], prices)
    for (hold_id, member_id, _), parts in zip(wholes, divided, strict=True):
        ids = [job.id if member_id == MAKER else f"c{job.id[1:]}" for job in SHOTS]
        store.run(reservations.use(hold_id))
        store.run(splits.split(hold_id, list(zip(ids, parts, strict=True)), at=NOW, reason="a film begins"))
    for number, job in enumerate(SHOTS):
        paid = [Share(job.id, MAKER, divided[0][number]), Share(f"c{job.id[1:]}", BEN, divided[1][number])]
        store.run(shares.link(job.id, paid, quote_microusd=job.quote_microusd))
        store.run(reservations.keep(wish_for(job.id, MAKER, job.quote_microusd, "shot")))


def test_a_shot_to_come_is_begun_settled_and_released_with_everybodys_parts(books: MemoryStore) -> None:
    """Budgets hold what they held; the first is settled for half, the second is given back, to each their part."""
    two_shots(books)
    assert books.run(verify()) == []
    assert (held_of(books, MAKER), held_of(books, BEN)) == (501, 1000)
    job = books.run(acceptance.accept_reserved(SHOTS[0], SHIPPED, PLACES, now=NOW))
    assert {(one.member_id, one.amount_microusd) for one in job.shares} == {(MAKER, 234), (BEN, 466)}
    assert [one.jobs for one in books.run(totals())] == [2]
    for event in (events.Uploaded(()), events.Submitted(HANDLE), FalStatus("completed")):
        books.run(transactions.advance(job.id, event, now=NOW))
    made = books.run(transactions.advance(job.id, events.Made(RESULT, cost_microusd=350), now=NOW)).job
    assert made.charged_microusd == 350
    assert books.run(reservations.release(SHOTS[1].id, at=NOW, reason="stopped"))
    assert (held_of(books, MAKER), held_of(books, BEN)) == (0, 0)
    assert books.run(reservations.reserved_for(FILM)) == ()


def test_who_paid_for_a_shot_to_come_is_not_erased_meanwhile(books: MemoryStore) -> None:
    """Their part is still held; what is not begun is released first."""
    two_shots(books)
    with pytest.raises(Busy):
        books.run(erasure.forget_member(BEN, at=NOW))
    books.run(reservations.release_group(FILM, at=NOW, reason="stopped"))
    books.run(erasure.forget_member(BEN, at=NOW))


def test_grants_are_divided_with_the_allowance(books: MemoryStore) -> None:
    """What a hold took of a grant its parts take, no more and no less."""
    given = Grant(
        id="g", guild_id=1, member_id=MAKER, amount_microusd=300, expires_at=None, reason="", actor_id=9, at=NOW
    )
    books.run(grants.add_grant(given))
    books.run(reservations.reserve(wish_for("a" * 32, MAKER, 1200), at=NOW, shipped=SHIPPED))
    books.run(reservations.use("a" * 32))
    books.run(splits.split("a" * 32, [("b" * 32, 500), ("c" * 32, 0), ("d" * 32, 700)], at=NOW, reason=""))
    assert books.run(verify()) == []
    assert held_of(books, MAKER) == 1000


def test_a_hold_is_divided_as_a_whole_and_once(books: MemoryStore) -> None:
    """Parts of another sum, or a second division, are a defect and change nothing."""
    books.run(reservations.reserve(wish_for("a" * 32, MAKER, 100), at=NOW, shipped=SHIPPED))
    books.run(reservations.use("a" * 32))
    with pytest.raises(StorageError):
        books.run(splits.split("a" * 32, [("b" * 32, 99)], at=NOW, reason=""))
    books.run(splits.split("a" * 32, [("b" * 32, 100)], at=NOW, reason=""))
    with pytest.raises(StorageError):
        books.run(splits.split("a" * 32, [("c" * 32, 100)], at=NOW, reason=""))


def test_a_divided_hold_is_rehearsed_once(books: MemoryStore) -> None:
    """Its parts are what its member asked for; the whole beside them would be refused under rules that carry it."""
    two_shots(books)
    assert sorted(one.amount_microusd for one in books.run(past_jobs(1, since=0.0, limit=9))) == [234, 267, 466, 534]
