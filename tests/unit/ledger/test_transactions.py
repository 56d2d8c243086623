import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from bot.errors import QuotaExceeded, StorageError
from bot.ledger import transactions as ledger
from bot.ledger.audit import verify
from bot.ledger.model import Budget, Ending, Standing, Totals
from bot.storage.transaction import Many, One, Transaction
from tests.stores import MemoryStore

MEMBER = Budget("member:7:42", "day:2026-11-20", 5_000, "member", 2_000.0)
SERVER = Budget("server:7", "month:2026-11", 8_000, "server", 9_000.0)
BOTH = (MEMBER, SERVER)


@pytest.fixture
def books() -> Iterator[MemoryStore]:
    """A ledger in memory, whose books are right after every test."""
    store = MemoryStore()
    with closing(store.connection):
        yield store
        assert store.run(verify()) == []


def _hold(books: MemoryStore, job_id: str, amount: int, budgets: tuple[Budget, ...] = BOTH) -> tuple[Standing, ...]:
    return books.run(ledger.hold(job_id, amount, budgets, at=1_000.0, member_id=42, reason="accepted"))


def _settle(books: MemoryStore, job_id: str, amount: int) -> Ending:
    return books.run(ledger.settle(job_id, amount, at=1_100.0, actor="fal", reason="video made"))


def _release(books: MemoryStore, job_id: str) -> Ending:
    return books.run(ledger.release(job_id, at=1_100.0, actor="fal", reason="refused"))


def _expose(books: MemoryStore, job_id: str) -> Ending:
    return books.run(ledger.expose(job_id, at=1_050.0, actor="wanda", reason="reply lost"))


def _numbers(books: MemoryStore) -> list[tuple[int, int, int]]:
    standings = books.run(ledger.standing(BOTH))
    return [(one.held_microusd, one.spent_microusd, one.left_microusd) for one in standings]


def test_a_hold_takes_the_amount_from_every_budget(books: MemoryStore) -> None:
    """The answer is where each budget stands with the hold, sorted."""
    assert _hold(books, "a", 3_000, (SERVER, MEMBER)) == (Standing(MEMBER, 3_000, 0), Standing(SERVER, 3_000, 0))
    assert _numbers(books) == [(3_000, 0, 2_000), (3_000, 0, 5_000)]


def test_a_budget_that_was_never_used_is_whole(books: MemoryStore) -> None:
    """Looking makes no rows, and the cap is that of the budget asked about."""
    assert _numbers(books) == [(0, 0, 5_000), (0, 0, 8_000)]


def test_the_last_micro_dollar_can_be_held_and_no_more(books: MemoryStore) -> None:
    """A hold up to the cap is granted; one above it by a micro-dollar is not."""
    _hold(books, "a", 4_999)
    with pytest.raises(QuotaExceeded) as caught:
        _hold(books, "b", 2)
    assert (caught.value.scope, caught.value.left_microusd, caught.value.short_microusd) == ("member:7:42", 1, 1)
    _hold(books, "b", 1)
    assert _numbers(books)[0] == (5_000, 0, 0)


def test_a_hold_on_all_budgets_or_on_none(books: MemoryStore) -> None:
    """When the second budget is short, the first has nothing held, and the job can hold again later."""
    tight = Budget("server:7", "month:2026-11", 2_000, "server", 9_000.0)
    with pytest.raises(QuotaExceeded) as caught:
        _hold(books, "a", 3_000, (MEMBER, tight))
    assert caught.value.scope == "server:7"
    assert "this server's" in str(caught.value)
    assert _numbers(books) == [(0, 0, 5_000), (0, 0, 8_000)]
    _hold(books, "a", 3_000)
    assert _numbers(books) == [(3_000, 0, 2_000), (3_000, 0, 5_000)]


def test_an_amount_above_the_cap_is_refused_on_a_new_budget_too(books: MemoryStore) -> None:
    """A budget's first hold obeys its cap like every other."""
    with pytest.raises(QuotaExceeded):
        _hold(books, "a", 5_001)


def test_a_job_never_holds_twice(books: MemoryStore) -> None:
    """Holding again is answered with the standing, even on another day, with another amount, or after the end."""
    first = _hold(books, "a", 3_000)
    assert _hold(books, "a", 3_000) == first
    tomorrow = Budget("member:7:42", "day:2026-11-21", 5_000, "member", 3_000.0)
    assert _hold(books, "a", 1, (tomorrow, SERVER)) == (Standing(tomorrow, 0, 0), Standing(SERVER, 3_000, 0))
    _release(books, "a")
    assert _hold(books, "a", 3_000) == (Standing(MEMBER, 0, 0), Standing(SERVER, 0, 0))


def test_costing_nothing_is_always_possible(books: MemoryStore) -> None:
    """A hold of zero is a hold like others, also on a budget of zero or one that is overspent."""
    empty = Budget("member:7:43", "day:2026-11-20", 0, "member", 2_000.0)
    _hold(books, "free", 0, (empty,))
    _hold(books, "a", 5_000)
    _settle(books, "a", 6_000)
    _hold(books, "also free", 0)
    assert _settle(books, "free", 0) == Ending("free", "settled", 0, 0, repeated=False)
    _settle(books, "also free", 0)


def test_negative_amounts_are_refused(books: MemoryStore) -> None:
    """A negative hold or settlement would make money."""
    with pytest.raises(ValueError, match="cannot be negative"):
        _hold(books, "a", -1)
    _hold(books, "a", 1)
    with pytest.raises(ValueError, match="cannot be negative"):
        _settle(books, "a", -1)


def test_a_new_cap_holds_from_the_next_hold_on(books: MemoryStore) -> None:
    """Caps come from the settings of the moment: a raised one allows more, a lowered one refuses."""
    _hold(books, "a", 5_000)
    raised = Budget("member:7:42", "day:2026-11-20", 6_000, "member", 2_000.0)
    _hold(books, "b", 1_000, (raised, SERVER))
    lowered = Budget("member:7:42", "day:2026-11-20", 1_000, "member", 2_000.0)
    with pytest.raises(QuotaExceeded) as caught:
        _hold(books, "c", 1, (lowered, SERVER))
    assert (caught.value.left_microusd, caught.value.short_microusd) == (0, 5_001)


def test_settling_spends_what_was_held(books: MemoryStore) -> None:
    """The held amount becomes spent on every budget, and the answer says what was charged."""
    _hold(books, "a", 3_000)
    assert _settle(books, "a", 3_000) == Ending("a", "settled", 3_000, 3_000, repeated=False)
    assert _numbers(books) == [(0, 3_000, 2_000), (0, 3_000, 5_000)]


def test_settling_for_less_gives_the_rest_back(books: MemoryStore) -> None:
    """Only what was truly billed is spent."""
    _hold(books, "a", 3_000)
    _settle(books, "a", 1_000)
    assert _numbers(books) == [(0, 1_000, 4_000), (0, 1_000, 7_000)]


def test_settling_for_more_is_the_truth_even_above_the_cap(books: MemoryStore) -> None:
    """Money that is gone is recorded; the budget then refuses."""
    _hold(books, "a", 3_000)
    assert _settle(books, "a", 6_000).member_microusd == 6_000
    assert _numbers(books) == [(0, 6_000, 0), (0, 6_000, 2_000)]
    with pytest.raises(QuotaExceeded):
        _hold(books, "b", 1)


def test_releasing_gives_everything_back(books: MemoryStore) -> None:
    """A released hold leaves the budgets as if it had never been, but for its entries."""
    _hold(books, "a", 3_000)
    assert _release(books, "a") == Ending("a", "released", 0, 0, repeated=False)
    assert _numbers(books) == [(0, 0, 5_000), (0, 0, 8_000)]


def test_the_first_ending_stays(books: MemoryStore) -> None:
    """Repeating a call, or making the opposite one, returns the first ending and changes nothing."""
    _hold(books, "paid", 3_000)
    _hold(books, "free", 1_000)
    _settle(books, "paid", 2_500)
    _release(books, "free")
    before = _numbers(books)
    for repeated in (_settle(books, "paid", 1), _release(books, "paid"), _expose(books, "paid")):
        assert repeated == Ending("paid", "settled", 2_500, 2_500, repeated=True)
    for repeated in (_settle(books, "free", 1), _release(books, "free"), _expose(books, "free")):
        assert repeated == Ending("free", "released", 0, 0, repeated=True)
    assert _numbers(books) == before


def test_a_lost_reply_frees_the_member_and_keeps_the_servers_exposure(books: MemoryStore) -> None:
    """The member can go on at once, while the possible cost stays on the server's books; repeating changes nothing."""
    _hold(books, "a", 3_000)
    assert _expose(books, "a") == Ending("a", "exposed", 0, 0, repeated=False)
    assert _numbers(books) == [(0, 0, 5_000), (3_000, 0, 5_000)]
    assert _expose(books, "a") == Ending("a", "exposed", 0, 0, repeated=True)
    assert books.run(ledger.totals("month:2026-11")) == Totals(3_000, 3_000, 0)


def test_settling_an_exposure_charges_only_the_server(books: MemoryStore) -> None:
    """The member's hold had ended; what fal billed after all is the server's."""
    _hold(books, "a", 3_000)
    _expose(books, "a")
    assert _settle(books, "a", 2_000) == Ending("a", "settled", 0, 2_000, repeated=False)
    assert _numbers(books) == [(0, 0, 5_000), (0, 2_000, 6_000)]
    assert _release(books, "a") == Ending("a", "settled", 0, 2_000, repeated=True)


def test_releasing_an_exposure_frees_the_server(books: MemoryStore) -> None:
    """Once it is known that nothing was billed, nothing is held any more."""
    _hold(books, "a", 3_000)
    _expose(books, "a")
    assert _release(books, "a") == Ending("a", "released", 0, 0, repeated=False)
    assert _numbers(books) == [(0, 0, 5_000), (0, 0, 8_000)]


def test_exposing_without_a_servers_part_is_a_release(books: MemoryStore) -> None:
    """With nobody to carry the exposure, the hold has ended."""
    _hold(books, "a", 3_000, (MEMBER,))
    assert _expose(books, "a") == Ending("a", "released", 0, 0, repeated=False)


def test_ending_a_hold_that_never_was_is_an_error(books: MemoryStore) -> None:
    """There is no first ending to answer with."""
    for end in (_release, _expose):
        with pytest.raises(LookupError, match="never had a hold"):
            end(books, "ghost")
    with pytest.raises(LookupError, match="never had a hold"):
        _settle(books, "ghost", 1)


def test_every_change_has_an_entry_that_says_who_and_why(books: MemoryStore) -> None:
    """The entries tell a job's story, with ids made of what happened."""
    _hold(books, "a", 3_000)
    _expose(books, "a")
    _settle(books, "a", 2_000)

    def story() -> Transaction[list[tuple[object, ...]]]:
        rows = yield Many("SELECT * FROM entries ORDER BY at, id")
        return [tuple(row.values()) for row in rows]

    day, month = ("member:7:42", "day:2026-11-20"), ("server:7", "month:2026-11")
    assert books.run(story()) == [
        (f"a:hold:{':'.join(day)}", "a", *day, "hold", 3_000, 0, 1_000.0, "member:42", "accepted"),
        (f"a:hold:{':'.join(month)}", "a", *month, "hold", 3_000, 0, 1_000.0, "member:42", "accepted"),
        (f"a:expose:{':'.join(month)}", "a", *month, "expose", 0, 0, 1_050.0, "wanda", "reply lost"),
        (f"a:release:{':'.join(day)}", "a", *day, "release", -3_000, 0, 1_050.0, "wanda", "reply lost"),
        (f"a:settle:{':'.join(month)}", "a", *month, "settle", -3_000, 2_000, 1_100.0, "fal", "video made"),
    ]


@pytest.mark.parametrize("sql", ["UPDATE entries SET reason = 'x'", "DELETE FROM entries"])
def test_entries_are_never_altered(books: MemoryStore, sql: str) -> None:
    """The database itself refuses to change or remove an entry."""
    _hold(books, "a", 3_000)

    def tamper() -> Transaction[None]:
        yield One(sql)

    with pytest.raises(StorageError, match="append-only"):
        books.run(tamper())


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("UPDATE budgets SET held_microusd = held_microusd + 1 WHERE scope = 'server:7'", "sum of its entries"),
        ("UPDATE budgets SET held_microusd = held_microusd + 1 WHERE scope = 'server:7'", "sum of its open holds"),
        ("UPDATE budgets SET spent_microusd = 1 WHERE scope = 'server:7'", "spent is not the sum of its entries"),
        ("DELETE FROM budgets WHERE scope = 'server:7'", "belongs to no hold or to no budget"),
        ("DELETE FROM holds WHERE job_id = 'open'", "belongs to no hold or to no budget"),
        ("UPDATE holds SET state = 'released', ended_at = 1 WHERE job_id = 'open'", "did not end as often"),
        (
            "UPDATE holds SET state = 'held', ended_at = NULL, settled_microusd = NULL WHERE job_id = 'paid'",
            "did not end as often",
        ),
        ("UPDATE holds SET settled_microusd = 7 WHERE job_id = 'paid'", "is not what its entry says"),
        ("UPDATE holds SET amount_microusd = 7 WHERE job_id = 'paid'", "was not entered exactly once"),
    ],
)
def test_the_audit_finds_every_kind_of_wrong(sql: str, sentence: str) -> None:
    """Each number that was changed behind the ledger's back is told in a sentence with both numbers."""
    store = MemoryStore()
    with closing(store.connection):
        _hold(store, "paid", 1_000)
        _settle(store, "paid", 1_000)
        _hold(store, "open", 2_000)
        store.connection.execute(sql)
        wrong = store.run(verify())
    assert any(sentence in line and "expected" in line for line in wrong), wrong


def test_the_database_itself_refuses_a_negative_budget() -> None:
    """A mistake in the code cannot make a row negative."""
    store = MemoryStore()
    with closing(store.connection):
        _hold(store, "a", 1_000)
        with pytest.raises(sqlite3.IntegrityError):
            store.connection.execute("UPDATE budgets SET held_microusd = -1")
