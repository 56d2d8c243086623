"""The pick among drafts: who decides what and when, and that its money ends once, whatever dies in between."""

import re
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from typing import Any, TypeGuard

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import Busy, NotReserved, OptionRefused, Refusal
from bot.fal.wire.types import FalStatus
from bot.jobs import acceptance, erasure, events, pick_rows, picks, queries, transactions
from bot.jobs.best_of import best_of, final_quote, final_request, ordered
from bot.jobs.model import Failure, Job, Order, job_from
from bot.jobs.pick_rows import PickRef
from bot.jobs.picks import Pick, PickBounds, Press
from bot.jobs.queries import jobs_of_set
from bot.ledger import holds, reservations
from bot.ledger.audit import verify
from bot.ledger.model import Shipped
from bot.storage.batch import execute
from bot.storage.transaction import Lock, Locked, Many, One, Statement, Together, Transaction, UnderLock
from tests.support.job_samples import ADDRESS, HANDLE, JOB_ID, NOW, PLACES, RESULT
from tests.support.stores import MemoryStore
from tests.unit.jobs.test_best_of import PRICES, WHO, a_request

SHIPPED = Shipped(member_daily_microusd=10**9, server_monthly_microusd=10**9)
REF = PickRef(JOB_ID, 1)
MAKER, FRIEND = WHO.member_id, 3
DRAFT, FINAL = 500_000, 750_000
BOUNDS = PickBounds(open_s=1000, make_s=500, draw_s=5, draw_old_s=300, old_s=3600, retry_s=5, voters_max=4)


class Books:
    """A database with one order of drafts, and the clock."""

    def __init__(self, drafts: int) -> None:
        self.store = MemoryStore()
        self.now = NOW
        request = best_of(a_request(), drafts, prices=PRICES, is_chosen=True, fresh_seed=7)
        order = Order(
            id=JOB_ID, who=WHO, request=request, quote=request.quote(PRICES), requested_at=NOW, address=ADDRESS
        )
        parts = ordered(order, now=NOW)
        assert parts.pick is not None
        adding = partial(_add, parts.pick)
        self.store.run(acceptance.accept_all(parts.jobs, SHIPPED, PLACES, reserve=parts.reserve, beside=adding))
        self.final_id = parts.pick.final_id

    @property
    def pick(self) -> Pick:
        """The pick as it is stored."""
        pick = self.store.run(pick_rows.get_pick(JOB_ID))
        assert pick is not None
        return pick

    @property
    def drafts(self) -> tuple[Job, ...]:
        """The drafts as they are stored."""
        return self.store.run(jobs_of_set(JOB_ID))

    def end(self, number: int, *, how: str) -> None:
        """Have a draft end: made, failed or cancelled, unless it has ended."""
        job = self.drafts[number - 1]
        if job.state != "accepted":
            return
        failed = events.NotMade(Failure(kind="content_policy_violation", status=422, billed="no"))
        way: list[Any] = [events.Uploaded(inputs=job.inputs), events.Submitted(HANDLE), FalStatus(state="completed")]
        match how:
            case "made":
                way += [events.Made(RESULT), events.VideoPosted(ADDRESS)]
            case "failed":
                way += [failed, events.EndShown()]
            case _:
                way = [events.CancelAsked(), events.EndShown()]
        for event in way:
            self.store.run(transactions.advance(job.id, event, now=self.now))

    def all_made(self) -> None:
        """Have all drafts made, and the pick opened."""
        for job in self.drafts:
            self.end(job.variation.number if job.variation else 0, how="made")
        self.look()

    def look(self) -> Pick:
        """Look at the pick as the loop does, and begin the final if that is due."""
        looked = self.store.run(pick_rows.look(REF, now=self.now, bounds=BOUNDS))
        assert looked is not None
        if looked.step == "make":
            self.make()
        return self.pick

    def final(self) -> Job:
        """Return the job of the final, as it is to be accepted."""
        pick, drafts = self.pick, self.drafts
        request = final_request(drafts[(pick.number or 1) - 1], pick)
        order = Order(
            id=self.final_id, who=WHO, request=request, quote=final_quote(pick), requested_at=self.now, address=ADDRESS
        )
        return job_from(order, now=self.now)

    def make(self) -> None:
        """Begin the final as the loop does, unless it is begun."""
        if self.store.run(queries.get(self.final_id)) is None:
            self.store.run(acceptance.accept_reserved(self.final(), SHIPPED, PLACES, now=self.now))
        self.store.run(pick_rows.note_made(REF, now=self.now, bounds=BOUNDS))

    def press(self, what: Press, value: int = 0, *, by: int = MAKER) -> Pick:
        """Press a button below the drafts."""
        return self.store.run(pick_rows.press(REF, what, value, member_id=by, now=self.now, bounds=BOUNDS))

    def vote(self, number: int, *, by: int) -> bool:
        """Vote for a draft."""
        return self.store.run(pick_rows.vote(REF, number, member_id=by, now=self.now, bounds=BOUNDS))

    def held(self) -> int:
        """Return what the member's allowance holds."""
        return self.store.run(holds.standing(WHO, at=NOW, shipped=SHIPPED)).standings[0].held_microusd

    def finals(self) -> int:
        """Return how many finals are jobs."""
        return len(self.store.run(_jobs(self.final_id)))

    def check(self) -> None:
        """Check that the books are right, and that the final is reserved, a job, or neither, and never both."""
        assert self.store.run(verify()) == []
        reserved = len(self.store.run(reservations.reserved_for(JOB_ID)))
        state = self.pick.state
        assert reserved + self.finals() <= 1
        assert (reserved == 1) == (state in {"drafting", "open", "voting", "picked"} and not self.finals())
        if state == "made":
            assert self.finals() == 1
        running = sum(job.quote_microusd for job in self.drafts if job.state not in {"done", "failed", "cancelled"})
        assert self.held() == running + FINAL * (reserved + self.finals())


def _add(pick: Pick, _: Any) -> Transaction[None]:
    return pick_rows.add(pick)


def _jobs(job_id: str) -> Transaction[list[Any]]:
    return (yield Many("SELECT id FROM jobs WHERE id = $1", (job_id,)))


@pytest.fixture
def books() -> Iterator[Books]:
    """Yield three drafts that are ordered, whose money is right in the end."""
    made = Books(3)
    with closing(made.store.connection):
        yield made
        made.check()


@pytest.mark.parametrize(
    ("votes", "own", "wins"),
    [
        ({}, None, None),
        ({2: 1}, None, 2),
        ({1: 2, 2: 3, 3: 1}, 1, 2),
        ({1: 2, 3: 2}, 3, 3),  # of equal ones the maker's own
        ({1: 2, 3: 2}, 2, 1),  # who voted for another one: the first
        ({2: 5, 9: 9}, None, 2),  # a draft that is not there wins nothing
    ],
)
def test_who_wins(votes: dict[int, int], own: int | None, wins: int | None) -> None:
    """The draft with the most votes; of equal ones the maker's, else the first; none without votes."""
    assert picks.winner((1, 2, 3), votes, own) == wins


def test_the_maker_picks(books: Books) -> None:
    """The final is accepted once, under the id that was reserved; a second press and a late look change nothing."""
    assert books.held() == 3 * DRAFT + FINAL
    with pytest.raises(OptionRefused, match="aren't all made yet"):
        books.press("pick", 1)
    books.end(1, how="made")
    books.end(2, how="failed")
    books.end(3, how="made")
    with pytest.raises(OptionRefused, match="so only they can pick"):
        books.press("pick", 1, by=FRIEND)
    with pytest.raises(OptionRefused, match="That draft isn't there"):
        books.press("pick", 2)
    assert books.press("pick", 3).state == "picked"  # before the loop looked: the press opens it
    with pytest.raises(OptionRefused, match="picked already"):
        books.press("pick", 1)
    assert (books.look().state, books.pick.number) == ("made", 3)
    assert books.look().state == "made"
    assert (books.held(), books.finals()) == (FINAL, 1)


def test_none_and_never(books: Books) -> None:
    """Without a pick nothing is held any more, and nothing can be pressed."""
    books.all_made()
    assert books.press("none").why == "none"
    assert books.held() == 0
    for what, value in (("pick", 1), ("none", 0), ("begin_vote", 600), ("end_vote", 0)):
        with pytest.raises(OptionRefused, match="This choice is over"):
            books.press(what, value)  # pyright: ignore[reportArgumentType]
    with pytest.raises(OptionRefused, match="The vote is over"):
        books.vote(1, by=FRIEND)
    with pytest.raises(NotReserved):
        books.make()


def test_nobody_picks_in_time(books: Books) -> None:
    """The price is free again when the time is over, also where the runner's sweep was faster."""
    books.all_made()
    books.now += BOUNDS.open_s - 1
    assert books.look().state == "open"
    books.now += 1
    assert (books.look().state, books.pick.why, books.held()) == ("over", "late", 0)


def test_no_draft_is_made(books: Books) -> None:
    """The final goes with the last draft."""
    for number, how in ((1, "failed"), (2, "cancelled"), (3, "failed")):
        books.end(number, how=how)
    assert (books.look().why, books.held()) == ("no_draft", 0)


def test_a_vote(books: Books) -> None:
    """Each member has one vote, which may be changed; at the deadline the winner is picked, and the votes are gone."""
    books.all_made()
    with pytest.raises(OptionRefused, match="The vote is over"):
        books.vote(1, by=FRIEND)
    with pytest.raises(OptionRefused, match="Choose how long"):
        books.press("begin_vote", 601)
    books.press("begin_vote", 600)
    with pytest.raises(OptionRefused, match="The channel is voting"):
        books.press("pick", 1)
    assert books.vote(1, by=FRIEND)
    assert not books.vote(1, by=FRIEND)
    assert books.vote(2, by=FRIEND)
    assert books.vote(3, by=4)
    assert books.vote(2, by=5)
    assert books.vote(3, by=MAKER)
    with pytest.raises(Busy, match="4 members have voted"):
        books.vote(1, by=6)
    with pytest.raises(OptionRefused, match="That draft isn't there"):
        books.vote(4, by=5)
    with pytest.raises(OptionRefused, match="This choice is over"):
        books.store.run(pick_rows.vote(PickRef(JOB_ID, 9), 1, member_id=5, now=books.now, bounds=BOUNDS))
    books.now += 600
    with pytest.raises(OptionRefused, match="The vote is over"):
        books.vote(1, by=5)
    assert (books.look().state, books.pick.number, books.pick.votes) == ("made", 3, {2: 2, 3: 2})
    assert books.store.run(pick_rows.counted_votes(JOB_ID)) == {}


def test_a_vote_without_votes(books: Books) -> None:
    """Its maker may still pick, for as long as without a vote, but not let the channel vote again."""
    books.all_made()
    books.press("begin_vote", 3600)
    books.now += 3600
    assert (books.look().state, books.pick.until) == ("open", books.now + BOUNDS.open_s)
    with pytest.raises(OptionRefused, match="voted on these drafts already"):
        books.press("begin_vote", 600)
    assert books.press("pick", 1).state == "picked"


def test_what_may_not_be_made_is_the_makers_again(books: Books) -> None:
    """A final that is refused as things stand stays reserved for its maker's next press; one without a place waits."""
    books.all_made()
    books.press("pick", 1)
    books.store.run(pick_rows.note_tried(REF, now=books.now, bounds=BOUNDS))
    assert (books.pick.state, books.pick.tries) == ("picked", 1)
    books.store.run(pick_rows.note_refused(REF, now=books.now, bounds=BOUNDS))
    assert (books.pick.state, books.pick.is_refused) == ("open", True)
    books.press("pick", 2)
    books.now += BOUNDS.make_s
    assert (books.look().why, books.held()) == ("unmade", 0)


def test_the_card_is_drawn_at_a_pace(books: Books) -> None:
    """Many votes within seconds are one edit; a message older than an hour is edited less often."""
    books.all_made()
    books.press("begin_vote", 86_400)
    books.store.run(pick_rows.note_shown(REF, books.pick.version, now=books.now, bounds=BOUNDS))
    for voter in (3, 4, 5):
        books.vote(1, by=voter)
    assert picks.draws_at(books.pick, BOUNDS, now=books.now) == books.now + BOUNDS.draw_s
    assert books.store.run(pick_rows.due_picks(books.now)) == ()
    assert books.store.run(pick_rows.due_picks(books.now + BOUNDS.draw_s)) == (REF,)
    old = books.now + 2 * BOUNDS.old_s
    assert picks.draws_at(books.pick, BOUNDS, now=old) == books.now + BOUNDS.draw_old_s


def test_data_that_is_deleted() -> None:
    """Who has their data deleted takes their votes along, and a maker the pick with what is reserved for it."""
    books = Books(3)
    with closing(books.store.connection):
        books.all_made()
        books.press("begin_vote", 600)
        books.vote(1, by=FRIEND)
        books.vote(2, by=5)
        assert [one["number"] for one in books.store.run(pick_rows.votes_everywhere(FRIEND, limit=9))] == [1]
        books.store.run(erasure.forget_member(FRIEND, at=books.now))
        assert books.store.run(pick_rows.counted_votes(JOB_ID)) == {2: 1}
        books.store.run(erasure.forget_member(MAKER, at=books.now))
        assert books.store.run(pick_rows.get_pick(JOB_ID)) is None
        assert books.store.run(reservations.reserved_for(JOB_ID)) == ()
        assert books.store.run(verify()) == []


def test_a_row_that_cannot_be_read() -> None:
    """As when a later version wrote it: it is not looked at for ever, and keeps no data from being deleted."""
    books = Books(3)
    with closing(books.store.connection):
        books.all_made()
        books.store.connection.execute("UPDATE picks SET body = '{}', look_at = 0")
        assert books.store.run(pick_rows.look(REF, now=books.now, bounds=BOUNDS)) is None
        assert books.store.run(pick_rows.due_picks(books.now + 10**6)) == ()
        with pytest.raises(OptionRefused, match="is over"):
            books.press("pick", 1)
        books.store.run(erasure.forget_member(MAKER, at=books.now))
        assert books.store.run(reservations.reserved_for(JOB_ID)) == ()
        assert books.store.run(verify()) == []


@pytest.mark.parametrize("whose", ["a member", "a server"])
def test_locks_are_taken_in_one_order(whose: str) -> None:
    """Who deletes data locks servers before the rows of films, picks and chip-ins, as who changes those does.

    In another order the two wait for each other on PostgreSQL, and one of them fails.
    """
    books = Books(3)
    with closing(books.store.connection):
        books.all_made()
        seen: list[str] = []
        deletion: Transaction[Any] = (
            erasure.forget_member(MAKER, at=books.now) if whose == "a member" else erasure.forget_guild(1, at=books.now)
        )
        books.store.run(_noted(deletion, seen))
        locked = next(number for number, one in enumerate(seen) if one == "guild:1")
        changing = re.compile(
            "(DELETE FROM|UPDATE|locked by SELECT body FROM) (films|film_drafts|picks|chip_ins|reservations) "
        )
        assert [one for one in seen[:locked] if changing.match(one)] == []
        assert [one for one in seen[locked:] if changing.match(one)] != []


def _is_sql(statement: Statement) -> TypeGuard[One | Many | Lock | Locked]:
    return isinstance(statement, One | Many | Lock | Locked)


def _told(statement: One | Many | Lock | Locked) -> str:
    if isinstance(statement, Lock):
        return str(statement.args[0])
    return f"locked by {statement.sql}" if isinstance(statement, Locked) else statement.sql


def _noted(transaction: Transaction[Any], seen: list[str]) -> Transaction[Any]:
    """Run a transaction, and note its statements, or what they lock."""
    answer: Any = None
    while True:
        try:
            statement = transaction.send(answer)
        except StopIteration as end:
            return end.value
        parts = statement.parts if isinstance(statement, Together | UnderLock) else (statement,)
        locks = (statement.lock,) if isinstance(statement, UnderLock) else ()
        seen += [_told(one) for one in (*locks, *parts) if _is_sql(one)]
        answer = yield statement


HOW = st.sampled_from(["made", "made", "failed", "cancelled"])
ACTS = st.one_of(
    st.tuples(st.just("end"), st.integers(1, 4), HOW),
    st.tuples(st.just("press"), st.sampled_from(["pick", "none", "begin_vote", "end_vote"]), st.integers(0, 4)),
    st.tuples(st.just("vote"), st.integers(0, 4), st.integers(1, 6)),
    st.tuples(st.just("wait"), st.sampled_from([1, 300, 600, 1000, 30_000]), st.none()),
    st.tuples(st.just("look"), st.none(), st.none()),
    st.tuples(st.just("begin"), st.none(), st.none()),
    st.tuples(st.just("sweep"), st.none(), st.none()),
)


def _carry_out(books: Books, act: tuple[str, Any, Any]) -> None:
    what, one, other = act
    drafts = len(books.drafts)
    match what:
        case "end":
            books.end(min(one, drafts), how=other)
        case "press":
            books.press(one, 600 if one == "begin_vote" else other)
        case "vote":
            books.vote(one, by=other)
        case "wait":
            books.now += one
        case "look":
            books.look()
        case "begin" if books.pick.state == "picked" and not books.finals():  # and die before that is noted
            books.store.run(acceptance.accept_reserved(books.final(), SHIPPED, PLACES, now=books.now))
        case "begin":
            pass
        case _:
            for over in books.store.run(reservations.reservations_over(now=books.now)):
                books.store.run(reservations.release(over.job_id, at=books.now, reason="over"))
                books.look()


def _die_in(books: Books, running: Transaction[Any], statements: int) -> None:
    """Run the first statements of a transaction, and lose them."""
    connection = books.store.connection
    connection.execute("BEGIN")
    with suppress(StopIteration, Refusal, NotReserved):
        statement = next(running)
        for _ in range(statements):
            statement = running.send(execute(connection.cursor(), statement))
    running.close()
    connection.execute("ROLLBACK")


@settings(deadline=None, max_examples=max(1, settings().max_examples // 2))
@given(
    drafts=st.integers(2, 4), acts=st.lists(st.tuples(ACTS, st.integers(0, 25)), max_size=25), number=st.integers(1, 4)
)
def test_random_histories(drafts: int, acts: list[tuple[Any, int]], number: int) -> None:
    """Whatever people press, whenever Wanda dies: the books are right, and there is one final, or none."""
    books = Books(drafts)
    with closing(books.store.connection):
        for act, statements in acts:
            at: dict[str, Any] = {"now": books.now, "bounds": BOUNDS}
            _die_in(books, pick_rows.look(REF, **at), statements)
            _die_in(books, pick_rows.press(REF, "pick", number, member_id=MAKER, **at), statements)
            accepting = acceptance.accept_reserved(books.final(), SHIPPED, PLACES, now=books.now)
            _die_in(books, accepting, statements)
            books.check()
            with suppress(Refusal):
                _carry_out(books, act)
            books.check()
        for job in books.drafts:
            books.end(job.variation.number if job.variation else 0, how="made")
        for _ in range(4):
            books.now += 86_400
            books.look()
            books.check()
        assert books.pick.state in {"made", "over"}
        assert books.pick.state == "made" or books.held() == 0
