"""Several members pay for one video: it is made when all is there, or everybody gets everything back."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from bot.cli.ledger import closing as closing_exposure
from bot.errors import Busy, Closed, NotAllowed, OptionRefused, QuotaExceeded
from bot.fal.wire.types import FalStatus
from bot.jobs import (
    acceptance,
    chip_in_endings,
    chip_in_rows,
    chip_ins,
    erasure,
    leaving,
    queries,
    removals,
    transactions,
)
from bot.jobs.chip_in_model import Added, ChipInBounds, Rules
from bot.jobs.events import CancelAsked, Declined, EndShown, Event, Made, ReplyLost, Submitted, Uploaded
from bot.jobs.model import Job
from bot.jobs.queries import job_ids_named
from bot.jobs.rule_query import who_of
from bot.ledger import corrections, holds, reservations, rules
from bot.ledger.audit import totals, verify
from bot.ledger.exposures import count_exposures, open_exposures
from bot.ledger.history import spent_page, top_members
from bot.ledger.model import Ending, Shipped, Who
from bot.storage.batch import execute
from bot.storage.transaction import Transaction
from tests.support.job_samples import HANDLE, NOW, PLACES, RESULT, a_job
from tests.support.stores import MemoryStore

PRICE = 3_000_000
DAILY = 2_000_000
SHIPPED = Shipped(member_daily_microusd=DAILY, server_monthly_microusd=10**9)
BOUNDS = ChipInBounds(
    of_member_max=2, in_server_max=3, life_s=3600.0, shares_max=4, shares_of_member_max=2, least_microusd=50_000
)
MAKER, BEN, CLEO = 2, 3, 4
JOB = a_job(id="1" * 32, inputs=(), quote_microusd=PRICE, member_id=MAKER)


@pytest.fixture
def books() -> Iterator[MemoryStore]:
    """Yield an empty database, whose books are right in the end."""
    store = MemoryStore()
    with closing(store.connection):
        yield store
        assert store.run(verify()) == []


def said(now: float = NOW, **others: Any) -> Rules:
    """Return the rules at a moment."""
    given: dict[str, Any] = {"bounds": BOUNDS, "shipped": SHIPPED, "places": PLACES, **others}
    return Rules(now=now, **given)


def member(member_id: int) -> Who:
    """Return a member in the job's channel."""
    return replace(who_of(JOB), member_id=member_id)


def start(store: MemoryStore, own: int = 1_000_000, job: Job = JOB, **others: Any) -> Added:
    """Begin a chip-in."""
    return store.run(chip_ins.start(job, own, said(**others)))


def add(store: MemoryStore, member_id: int, amount: int, share: str = "", **others: Any) -> Added:
    """Add a member's share."""
    share_id = (share or f"{member_id}").rjust(32, "a")
    return store.run(chip_ins.add(JOB.id, share_id, member(member_id), amount, said(**others)))


def held_of(store: MemoryStore, member_id: int, now: float = NOW) -> int:
    """Return what a member's allowance holds."""
    view = store.run(holds.standing(member(member_id), at=now, shipped=SHIPPED))
    return next(one.held_microusd for one in view.standings if one.limit.side == "member")


def spent_of(store: MemoryStore, member_id: int) -> int:
    """Return what a member's allowance has spent."""
    view = store.run(holds.standing(member(member_id), at=NOW, shipped=SHIPPED))
    return next(one.spent_microusd for one in view.standings if one.limit.side == "member")


def state_of(store: MemoryStore, chip_in_id: str = JOB.id) -> str | None:
    """Return the state of the chip-in; None without one."""
    chip_in = store.run(chip_in_rows.chip_in_of(chip_in_id))
    return None if chip_in is None else chip_in.state


def due(store: MemoryStore, now: float) -> list[str]:
    """Return the ids of the chip-ins that are looked at."""
    return [one.id for one in store.run(chip_in_rows.due_chip_ins(now=now))]


def make(store: MemoryStore) -> Job:
    """Let three members pay for the video: 1.00, 1.50 and 0.50."""
    start(store)
    add(store, BEN, 1_500_000)
    job = add(store, CLEO, 2_000_000).job
    assert job is not None
    return job


def bring(store: MemoryStore, *events: Event) -> Job:
    """Apply events to the job."""
    return [store.run(transactions.advance(JOB.id, event, now=NOW + 60)).job for event in events][-1]


def test_it_is_made_when_nothing_is_missing(books: MemoryStore) -> None:
    """The last share is cut to what is missing, and the job begins with it; everybody holds their own part."""
    job = make(books)
    assert (job.state, job.quote_microusd, state_of(books)) == ("accepted", PRICE, None)
    assert [(one.member_id, one.amount_microusd) for one in job.shares] == [
        (2, 1_000_000),
        (3, 1_500_000),
        (4, 500_000),
    ]
    assert [held_of(books, one) for one in (MAKER, BEN, CLEO)] == [1_000_000, 1_500_000, 500_000]
    assert books.run(reservations.reserved_for(JOB.id)) == ()
    assert [one.jobs for one in books.run(totals())] == [1]


def test_everybody_pays_in_proportion(books: MemoryStore) -> None:
    """What fal billed below the price goes back to each in proportion; a share counts as its member's spending."""
    make(books)
    made = Made(RESULT, cost_microusd=1_500_000)
    job = bring(books, Uploaded(()), Submitted(HANDLE), FalStatus("completed"), made)
    assert job.charged_microusd == 1_500_000
    assert [spent_of(books, one) for one in (MAKER, BEN, CLEO)] == [500_000, 750_000, 250_000]
    assert [held_of(books, one) for one in (MAKER, BEN, CLEO)] == [0, 0, 0]
    top = books.run(top_members(1, since=0, limit=5))
    assert [(one.member_id, one.spent_microusd, one.jobs) for one in top] == [
        (3, 750_000, 0),
        (2, 500_000, 1),
        (4, 250_000, 0),
    ]
    assert {one.mode for one in books.run(spent_page(1, limit=9))} == {JOB.mode}


def test_what_fal_bills_above_the_price_nobody_pays(books: MemoryStore) -> None:
    """There is one difference for the job, of what all of its shares held."""
    make(books)
    made = Made(RESULT, cost_microusd=PRICE + 7)
    bring(books, Uploaded(()), Submitted(HANDLE), FalStatus("completed"), made)
    assert [spent_of(books, one) for one in (MAKER, BEN, CLEO)] == [1_000_000, 1_500_000, 500_000]
    rows = books.connection.execute("SELECT job_id, held_microusd, billed_microusd FROM differences").fetchall()
    assert rows == [(JOB.id, PRICE, PRICE + 7)]


@pytest.mark.parametrize(("billed", "each"), [(PRICE, (1_000_000, 1_500_000, 500_000)), (30, (10, 15, 5))])
def test_a_bill_corrects_everybody_in_proportion(books: MemoryStore, billed: int, each: tuple[int, ...]) -> None:
    """What fal's bill says of the job is divided as its result was; above the price it is one difference."""
    make(books)
    made = Made(RESULT, cost_microusd=1_500_000)
    bring(books, Uploaded(()), Submitted(HANDLE), FalStatus("completed"), made)

    def correct(amount: int) -> Ending | None:
        return books.run(
            corrections.correct(JOB.id, amount, at=NOW + 99, policy="charge", absorbed_max_microusd=0, reason="bill")
        )

    ending = correct(billed)
    assert ending is not None
    assert (ending.server_microusd, ending.repeated) == (billed, False)
    assert tuple(spent_of(books, one) for one in (MAKER, BEN, CLEO)) == each
    again = correct(billed)
    assert again is not None
    assert again.repeated
    assert books.connection.execute("SELECT count(*) FROM differences").fetchone() == (0,)
    correct(PRICE + 5)
    rows = books.connection.execute("SELECT job_id, held_microusd, billed_microusd FROM differences").fetchall()
    assert rows == [(JOB.id, PRICE, PRICE + 5)]


def test_an_uncertain_job_is_one_exposure_that_is_closed_at_once(books: MemoryStore) -> None:
    """The operator sees one job with all that it holds, finds it by any share's id, and closes it for all."""
    make(books)
    bring(books, Uploaded(()), ReplyLost())
    assert [held_of(books, one) for one in (MAKER, BEN, CLEO)] == [0, 0, 0]
    (one,) = books.run(open_exposures(limit=9))
    assert (one.job_id, one.amount_microusd, books.run(count_exposures())) == (JOB.id, PRICE, 1)
    assert books.run(job_ids_named("3".rjust(32, "a"), limit=5)) == (JOB.id,)
    assert "closed at $2.00" in books.run(closing_exposure(JOB.id, 2_000_000, at=NOW + 99))
    assert "closed before" in books.run(closing_exposure(JOB.id, 1, at=NOW + 99))
    assert books.run(open_exposures(limit=9)) == ()


def test_a_cancelled_job_gives_everybody_theirs_back(books: MemoryStore) -> None:
    """Before fal is asked nobody pays."""
    make(books)
    assert bring(books, CancelAsked()).state == "cancelled"
    assert [held_of(books, one) + spent_of(books, one) for one in (MAKER, BEN, CLEO)] == [0, 0, 0]


@pytest.mark.parametrize("end", ["cancel", "late", "left"])
def test_all_is_given_back_at_once(books: MemoryStore, end: str) -> None:
    """When the maker cancels, the time is over or Wanda was removed, nothing stays held, and the files go."""
    start(books)
    add(books, BEN, 500_000)
    match end:
        case "cancel":
            books.run(chip_in_endings.cancel(JOB.id, MAKER, now=NOW + 1))
        case "late":
            assert books.run(chip_in_endings.end_late(JOB.id, now=NOW + 3599)) is False
            assert due(books, NOW + 3600) == [JOB.id]
            assert books.run(chip_in_endings.end_late(JOB.id, now=NOW + 3600)) is True
        case _:
            books.run(leaving.mark_guild_left(1, at=NOW + 100))
            assert due(books, NOW) == [JOB.id]
            assert books.run(chip_in_endings.end_late(JOB.id, now=NOW)) is True
    assert (held_of(books, MAKER), held_of(books, BEN), state_of(books)) == (0, 0, "over")
    assert books.run(removals.noted_removals(limit=9)) == (JOB.id,)
    with pytest.raises(OptionRefused, match="over"):
        add(books, CLEO, 500_000)


def test_only_the_maker_cancels_and_the_others_take_theirs_back(books: MemoryStore) -> None:
    """What is taken back is missing again; the maker's share stays as long as the chip-in."""
    start(books)
    add(books, BEN, 500_000)
    add(books, BEN, 100_000, "b")
    with pytest.raises(OptionRefused, match="Only <@2>"):
        books.run(chip_in_endings.cancel(JOB.id, BEN, now=NOW))
    with pytest.raises(OptionRefused, match="your own video"):
        books.run(chip_in_endings.take_back(JOB.id, MAKER, now=NOW))
    with pytest.raises(OptionRefused, match="haven't added"):
        books.run(chip_in_endings.take_back(JOB.id, CLEO, now=NOW))
    assert books.run(chip_in_endings.take_back(JOB.id, BEN, now=NOW)) == 600_000
    chip_in = books.run(chip_in_rows.chip_in_of(JOB.id))
    assert chip_in is not None
    assert (chip_in.missing_microusd, held_of(books, BEN)) == (2_000_000, 0)


def test_everybody_adds_only_what_their_own_budgets_carry(books: MemoryStore) -> None:
    """The refusal names the number; an amount below the least is refused, unless no more is missing."""
    start(books, 1_950_000)
    books.run(rules.set_rule(1, "member:3", "allowance:day", 1_000_000, actor_id=9, reason="", at=NOW - 1))
    with pytest.raises(QuotaExceeded, match=r"Your part is \$1.05, but only \$1.00"):
        add(books, BEN, 5_000_000)
    with pytest.raises(OptionRefused, match=r"at least \$0.05"):
        add(books, BEN, 49_999)
    add(books, BEN, 1_000_000)
    assert add(books, CLEO, 50_000).job is not None


def test_the_bounds_hold(books: MemoryStore) -> None:
    """A member and a server have so many at once, and a chip-in so many shares, also of one member."""
    start(books, 100_000)
    add(books, BEN, 50_000)
    add(books, BEN, 50_000, "b")
    with pytest.raises(Busy, match="2 times"):
        add(books, BEN, 50_000, "c")
    add(books, CLEO, 50_000)
    with pytest.raises(Busy, match="4 amounts"):
        add(books, 5, 50_000)
    start(books, 0, replace(JOB, id="2" * 32))
    with pytest.raises(Busy, match="2 at once"):
        start(books, 0, replace(JOB, id="3" * 32))
    start(books, 0, replace(JOB, id="4" * 32, member_id=BEN))
    with pytest.raises(Busy, match="3 at once"):
        start(books, 0, replace(JOB, id="5" * 32, member_id=CLEO))


def test_whoever_may_not_use_wanda_may_not_pay(books: MemoryStore) -> None:
    """A block holds for whoever adds; the most for one video and the videos at once hold for the maker alone."""
    for subject, name, value in (("member:3", "blocked", ""), ("server", "at_once", 1)):
        books.run(rules.set_rule(1, subject, name, value, actor_id=9, reason="", at=NOW - 1))
    start(books)
    with pytest.raises(NotAllowed, match="blocked"):
        add(books, BEN, 500_000)
    other = a_job(id="9" * 32, inputs=(), member_id=CLEO, quote_microusd=100_000)
    books.run(acceptance.accept(other, SHIPPED, PLACES))
    add(books, CLEO, 1_500_000)
    assert add(books, 5, 500_000).job is not None
    books.run(acceptance.accept(replace(other, id="8" * 32, member_id=5), SHIPPED, PLACES))


def test_what_the_server_cannot_carry_is_not_collected_for(books: MemoryStore) -> None:
    """The whole price has to fit the server's pool and the maker's rules when it begins."""
    books.run(rules.set_rule(1, "server", "budget:day", PRICE - 1, actor_id=9, reason="", at=NOW - 1))
    with pytest.raises(QuotaExceeded, match="this server's"):
        start(books)
    books.run(rules.set_rule(1, "server", "budget:day", PRICE, actor_id=9, reason="", at=NOW))
    books.run(rules.set_rule(1, "server", "ceiling", PRICE - 1, actor_id=9, reason="", at=NOW - 1))
    with pytest.raises(NotAllowed, match="the most for one video"):
        start(books)
    assert state_of(books) is None


def test_without_a_place_it_stays_full(books: MemoryStore) -> None:
    """It begins when there is one; nobody takes theirs back meanwhile, and it still ends when its time is over."""
    start(books)
    full: dict[str, Any] = {"places": replace(PLACES, running_of_member_max=0)}
    add(books, BEN, 1_500_000)
    assert add(books, CLEO, 500_000, **full).job is None
    assert (state_of(books), due(books, NOW)) == ("full", [JOB.id])
    with pytest.raises(OptionRefused, match="too late"):
        books.run(chip_in_endings.take_back(JOB.id, BEN, now=NOW))
    assert books.run(chip_ins.begin_full(JOB.id, said(**full))) is None
    assert books.run(chip_ins.begin_full(JOB.id, said(NOW + 3600))) is None
    job = books.run(chip_ins.begin_full(JOB.id, said(NOW + 3)))
    assert job is not None
    assert (job.created_at, state_of(books)) == (NOW + 3, None)


def test_while_its_mode_is_off_it_stays_full(books: MemoryStore) -> None:
    """What fal does not take, or takes at another price, begins when it is on again; the card says so."""

    def closed(mode_id: str) -> None:
        raise Closed(mode_id)

    start(books)
    add(books, BEN, 1_500_000)
    assert add(books, CLEO, 500_000, check_open=closed).job is None
    waiting = books.run(chip_in_rows.chip_in_of(JOB.id))
    assert waiting is not None
    assert (waiting.state, waiting.obstacle) == ("full", "off")
    assert books.run(chip_ins.begin_full(JOB.id, said(NOW + 3))) is not None


def test_what_needs_approval_waits_with_its_shares(books: MemoryStore) -> None:
    """The whole price decides; a decline gives everybody theirs back."""
    approval = {"above_microusd": 2_500_000, "role_id": 1, "wait_s": 3600.0}
    books.run(rules.set_rule(1, "server", "approval", approval, actor_id=9, reason="", at=NOW - 1))
    assert make(books).state == "waiting"
    bring(books, Declined(9))
    assert [held_of(books, one) for one in (MAKER, BEN, CLEO)] == [0, 0, 0]


def test_whoever_has_their_data_deleted_gets_theirs_back_first(books: MemoryStore) -> None:
    """A member's shares leave open chip-ins, and with a maker all shares go; nothing names them afterwards."""
    start(books)
    add(books, BEN, 1_500_000)
    books.run(erasure.forget_member(BEN, at=NOW + 5))
    chip_in = books.run(chip_in_rows.chip_in_of(JOB.id))
    assert chip_in is not None
    assert (chip_in.missing_microusd, held_of(books, BEN)) == (2_000_000, 0)
    add(books, CLEO, 500_000)
    books.run(erasure.forget_member(MAKER, at=NOW + 6))
    over = books.run(chip_in_rows.chip_in_of(JOB.id))
    assert over is not None
    assert (over.state, over.job, [one.member_id for one in over.shares]) == ("over", None, [CLEO])
    assert (held_of(books, CLEO), books.run(removals.noted_removals(limit=9))) == (0, (JOB.id,))
    books.run(erasure.forget_member(CLEO, at=NOW + 7))
    over = books.run(chip_in_rows.chip_in_of(JOB.id))
    assert over is not None
    assert over.shares == ()


def test_data_is_not_deleted_while_a_video_is_made_that_the_member_pays_for(books: MemoryStore) -> None:
    """Once it has ended, the job forgets who they were."""
    make(books)
    with pytest.raises(Busy, match="still making a video"):
        books.run(erasure.forget_member(BEN, at=NOW + 5))
    bring(books, CancelAsked(), EndShown())
    books.run(erasure.forget_member(BEN, at=NOW + 5))
    job = books.run(queries.get(JOB.id))
    assert job is not None
    assert [one.member_id for one in job.shares] == [MAKER, 0, CLEO]


def test_a_share_counts_on_the_day_on_which_it_was_added(books: MemoryStore) -> None:
    """A job made after midnight does not move it."""
    start(books)
    tomorrow = NOW + 86_400.0
    add(books, BEN, 1_500_000, now=NOW + 3000)
    rules_tomorrow = said(tomorrow, bounds=replace(BOUNDS, life_s=10**6))
    books.connection.execute("UPDATE chip_ins SET body = replace(body, ?, ?)", (str(NOW + 3600), str(NOW + 10**6)))
    books.run(chip_ins.add(JOB.id, "c" * 32, member(CLEO), 500_000, rules_tomorrow))
    assert [held_of(books, one) for one in (MAKER, BEN, CLEO)] == [1_000_000, 1_500_000, 0]
    assert [held_of(books, one, tomorrow) for one in (MAKER, BEN, CLEO)] == [0, 0, 500_000]


def test_a_row_that_cannot_be_read_gives_everything_back(books: MemoryStore) -> None:
    """As when another version wrote it: no defect holds money for ever."""
    start(books)
    books.connection.execute("UPDATE chip_ins SET body = '{}'")
    assert books.run(chip_in_endings.end_late(JOB.id, now=NOW)) is True
    assert (held_of(books, MAKER), state_of(books)) == (0, None)


STEPS: dict[str, Callable[[], Transaction[Any]]] = {
    "start": lambda: chip_ins.start(replace(JOB, id="2" * 32), 100_000, said()),
    "add": lambda: chip_ins.add(JOB.id, "b" * 32, member(CLEO), 100_000, said()),
    "the last share": lambda: chip_ins.add(JOB.id, "b" * 32, member(CLEO), 500_000, said()),
    "take back": lambda: chip_in_endings.take_back(JOB.id, BEN, now=NOW),
    "cancel": lambda: chip_in_endings.cancel(JOB.id, MAKER, now=NOW),
    "late": lambda: chip_in_endings.end_late(JOB.id, now=NOW + 3600),
    "the contributor is erased": lambda: erasure.forget_member(BEN, at=NOW),
    "the maker is erased": lambda: erasure.forget_member(MAKER, at=NOW),
    "the server is left": lambda: erasure.forget_guild(1, at=NOW),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_death_at_any_statement_changes_nothing(books: MemoryStore, step: str) -> None:
    """Each act is one transaction: it happened, or the database is as it was."""
    start(books)
    add(books, BEN, 1_500_000)
    before = "\n".join(books.connection.iterdump())
    died = 0
    while True:
        books.connection.execute("BEGIN")
        acting, answer = STEPS[step](), partial(execute, books.connection.cursor())
        try:
            statement = next(acting)
            for _ in range(died):
                statement = acting.send(answer(statement))
        except StopIteration:
            break
        finally:
            books.connection.execute("ROLLBACK")
        died += 1
        assert "\n".join(books.connection.iterdump()) == before
    assert died > 3
    books.run(STEPS[step]())
