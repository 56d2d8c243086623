"""Money for jobs that come later is held with the order, and ends once: used by its job, or released."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest

from bot.errors import Busy, NotAllowed, NotReserved, QuotaExceeded
from bot.jobs import acceptance, erasure, events, leaving, queries, transactions
from bot.jobs.model import Job
from bot.jobs.rule_query import who_of
from bot.ledger import holds, reservations, rules
from bot.ledger.audit import verify
from bot.ledger.model import RuleQuery, Shipped
from bot.ledger.reservations import Wish
from bot.storage.batch import execute
from tests.support.job_samples import NOW, PLACES, a_job
from tests.support.stores import MemoryStore

EACH = 750_000
SHIPPED = Shipped(member_daily_microusd=4 * EACH, server_monthly_microusd=10**9)
WHO = who_of(a_job())
FILM = "f" * 32


@pytest.fixture
def books() -> Iterator[MemoryStore]:
    """Yield an empty database, whose books are right in the end."""
    store = MemoryStore()
    with closing(store.connection):
        yield store
        assert store.run(verify()) == []


def shot(number: int) -> Job:
    """Return the job of one shot."""
    return a_job(id=f"{number}" * 32, inputs=())


def a_wish(number: int, amount: int = EACH) -> Wish:
    """Return what reserves the money for one shot."""
    return Wish(
        job_id=f"{number}" * 32,
        group_id=FILM,
        purpose="shot",
        who=WHO,
        query=RuleQuery(mode="wan27-image"),
        amount_microusd=amount,
        reason="shot",
        expires_at=NOW + 100,
    )


def held_of(store: MemoryStore) -> int:
    """Return what the member's allowance holds."""
    return store.run(holds.standing(WHO, at=NOW, shipped=SHIPPED)).standings[0].held_microusd


def begin(store: MemoryStore, shots: int, later: int) -> None:
    """Accept so many shots, and reserve the money of so many more."""
    jobs = tuple(shot(number) for number in range(1, shots + 1))
    wishes = tuple(a_wish(number) for number in range(shots + 1, shots + later + 1))
    store.run(acceptance.accept_all(jobs, SHIPPED, PLACES, reserve=wishes))


def accept(store: MemoryStore, job: Job) -> Job:
    """Accept a job whose money is reserved."""
    return store.run(acceptance.accept_reserved(job, SHIPPED, PLACES, now=NOW + 1))


def test_all_of_an_order_is_held_at_once_or_nothing(books: MemoryStore) -> None:
    """What comes later counts in the budgets as what begins; five do not fit into the price of four."""
    with pytest.raises(QuotaExceeded, match=r"These 5 videos cost \$3.75"):
        begin(books, 2, 3)
    assert held_of(books) == 0
    begin(books, 2, 2)
    assert held_of(books) == 4 * EACH


def test_a_job_uses_its_reservation_once(books: MemoryStore) -> None:
    """It holds what was reserved and nothing more, ends as every job does, and a second one gets nothing."""
    begin(books, 1, 1)
    job = accept(books, shot(2))
    assert (job.state, held_of(books)) == ("accepted", 2 * EACH)
    with pytest.raises(NotReserved):
        accept(books, shot(2))
    cancelled = books.run(transactions.advance(job.id, events.CancelAsked(), now=NOW + 2))
    assert (cancelled.job.state, held_of(books)) == ("cancelled", EACH)
    assert books.run(reservations.release(job.id, at=NOW + 3, reason="over")) is False


def test_what_was_released_cannot_be_used(books: MemoryStore) -> None:
    """No job is ever made without a hold."""
    begin(books, 1, 2)
    assert books.run(reservations.release_group(FILM, at=NOW + 1, reason="the film was stopped")) == 2
    assert held_of(books) == EACH
    with pytest.raises(NotReserved):
        accept(books, shot(2))


def test_a_job_that_costs_more_than_is_reserved_is_not_accepted(books: MemoryStore) -> None:
    """It stays reserved."""
    begin(books, 1, 1)
    with pytest.raises(NotReserved):
        accept(books, replace(shot(2), quote_microusd=EACH + 1))
    assert [one.job_id for one in books.run(reservations.reserved_for(FILM))] == [shot(2).id]


def test_a_death_at_any_statement_leaves_it_reserved(books: MemoryStore) -> None:
    """Its row and its job are never both there, nor both missing."""
    begin(books, 1, 1)
    died = 0
    while True:
        books.connection.execute("BEGIN")
        accepting = acceptance.accept_reserved(shot(2), SHIPPED, PLACES, now=NOW + 1)
        answer = partial(execute, books.connection.cursor())
        try:
            statement = next(accepting)
            for _ in range(died):
                statement = accepting.send(answer(statement))
        except StopIteration:
            break
        finally:
            books.connection.execute("ROLLBACK")
        died += 1
        assert len(books.run(reservations.reserved_for(FILM))) == 1
        assert books.run(queries.get(shot(2).id)) is None
    assert died > 3


def test_without_a_place_it_waits(books: MemoryStore) -> None:
    """The job that has none stays reserved, and is accepted once there is one."""
    begin(books, 1, 1)
    full = replace(PLACES, running_of_member_max=1)
    with pytest.raises(Busy):
        books.run(acceptance.accept_reserved(shot(2), SHIPPED, full, now=NOW + 1))
    assert accept(books, shot(2)).state == "accepted"


def test_it_is_no_video_at_once(books: MemoryStore) -> None:
    """A limit of one at once lets one shot begin, whatever is reserved; a second one is refused."""
    books.run(rules.set_rule(1, "server", "at_once", 1, actor_id=9, reason="", at=NOW - 1))
    begin(books, 1, 2)
    with pytest.raises(NotAllowed, match="your limit here is 1 at once"):
        books.run(acceptance.accept(shot(4), SHIPPED, PLACES))


def test_it_expires_and_ends_with_its_server(books: MemoryStore) -> None:
    """What nobody used is found when its time is over, or when Wanda was removed from its server."""
    begin(books, 1, 1)
    assert books.run(reservations.reservations_over(now=NOW)) == ()
    (over,) = books.run(reservations.reservations_over(now=NOW + 100))
    assert over.job_id == shot(2).id
    books.run(leaving.mark_guild_left(1, at=NOW + 1000))
    assert books.run(reservations.reservations_over(now=NOW)) == (over,)
    books.run(erasure.forget_guild(1, at=NOW + 1000))
    assert (books.run(reservations.reserved_for(FILM)), held_of(books)) == ((), EACH)


def test_data_is_not_deleted_while_money_is_reserved(books: MemoryStore) -> None:
    """A hold whose member nobody knows any more could not be explained."""
    for number in (1, 2):
        books.run(reservations.reserve(a_wish(number), at=NOW, shipped=SHIPPED))
    with pytest.raises(Busy, match="2 videos"):
        books.run(erasure.forget_member(WHO.member_id, at=NOW))
    books.run(reservations.release_group(FILM, at=NOW, reason="over"))
    books.run(erasure.forget_member(WHO.member_id, at=NOW))


def test_a_rule_about_videos_at_once_holds_for_what_was_reserved(books: MemoryStore) -> None:
    """The shots of a film begin one after the other for a member who may have one going; their money stays reserved."""
    books.run(rules.set_rule(1, "server", "at_once", 1, actor_id=9, reason="", at=NOW))
    begin(books, 1, 2)
    with pytest.raises(Busy):
        accept(books, shot(2))
    assert held_of(books) == 3 * EACH
    books.run(transactions.advance(shot(1).id, events.CancelAsked(), now=NOW + 2))
    assert accept(books, shot(2)).state == "accepted"
    with pytest.raises(Busy):
        accept(books, shot(3))
    assert held_of(books) == 2 * EACH


@pytest.mark.parametrize(
    ("subject", "name", "value"),
    [("server", "paused", "holidays"), ("member:2", "blocked", "spam"), ("channel:20", "access", "deny")],
)
def test_nothing_reserved_begins_where_nothing_may(books: MemoryStore, subject: str, name: str, value: str) -> None:
    """A pause, a block and a closed channel also keep what was ordered before from beginning; its money stays."""
    begin(books, 1, 1)
    books.run(rules.set_rule(1, subject, name, value, actor_id=9, reason="", at=NOW))
    with pytest.raises(Busy):
        accept(books, shot(2))
    assert held_of(books) == 2 * EACH
    books.run(rules.clear_rule(1, subject, name, actor_id=9, reason="", at=NOW))
    assert accept(books, shot(2)).state == "accepted"
