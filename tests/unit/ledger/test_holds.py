import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import NotAllowed, QuotaExceeded, StorageError
from bot.ledger import budget_warnings, differences, holds, pseudonyms, rules
from bot.ledger.audit import verify
from bot.ledger.grants import add_grant, grants_of
from bot.ledger.model import Difference, Ending, Grant, Held, Payers, RuleQuery, Shipped, View, Who
from bot.money import AMOUNT_MAX_MICROUSD
from bot.storage.transaction import Many, One, Transaction
from tests.support.stores import MemoryStore

SHIPPED = Shipped(member_daily_microusd=5_000, server_monthly_microusd=8_000)
WHO = Who(guild_id=7, channel_id=9, member_id=42, role_ids=(1, 2))
NOON = datetime(2026, 11, 20, 12, tzinfo=ZoneInfo("UTC")).timestamp()  # a Friday
DAY_S = 86_400


def _hold(
    books: MemoryStore, job: str, amount: int, *, who: Who = WHO, at: float = NOON, shipped: Shipped = SHIPPED
) -> Held:
    return books.run(
        holds.hold(
            job_id=job,
            amount_microusd=amount,
            who=who,
            query=RuleQuery(mode="m"),
            at=at,
            shipped=shipped,
            reason="accepted",
        )
    )


def _settle(books: MemoryStore, job: str, amount: int, payers: Payers = "everyone") -> Ending:
    return books.run(holds.settle(job, amount, at=NOON + 100, actor="fal", reason="video made", payers=payers))


def _release(books: MemoryStore, job: str) -> Ending:
    return books.run(holds.release(job, at=NOON + 100, actor="fal", reason="refused"))


def _expose(books: MemoryStore, job: str) -> Ending:
    return books.run(holds.expose(job, at=NOON + 50, actor="wanda", reason="reply lost"))


def _set(books: MemoryStore, subject: str, name: str, value: Any, **more: Any) -> None:
    books.run(rules.set_rule(7, subject, name, value, actor_id=9, reason="", at=NOON, **more))


def _view(books: MemoryStore, *, who: Who = WHO, at: float = NOON, shipped: Shipped = SHIPPED) -> View:
    return books.run(holds.standing(who, at=at, shipped=shipped))


def _numbers(books: MemoryStore, **where: Any) -> dict[str, tuple[int, int, int]]:
    view = _view(books, **where)
    return {
        f"{one.limit.whose} {one.limit.window.kind}": (one.held_microusd, one.spent_microusd, one.left_microusd)
        for one in view.standings
    }


def _give(books: MemoryStore, name: str, amount: int, expires_at: float | None = None) -> None:
    grant = Grant(
        id=name,
        guild_id=7,
        member_id=42,
        amount_microusd=amount,
        expires_at=expires_at,
        reason="contest",
        actor_id=9,
        at=NOON,
    )
    assert books.run(add_grant(grant))


def _grants(books: MemoryStore) -> dict[str, tuple[int, int]]:
    grants = books.run(grants_of(7, 42))
    return {one.grant.id: (one.held_microusd, one.spent_microusd) for one in grants}


def test_a_hold_takes_the_amount_from_every_budget(books: MemoryStore) -> None:
    """A hold returns each budget's standing with it."""
    held = _hold(books, "a", 3_000)
    assert [(one.limit.whose, one.held_microusd) for one in held.standings] == [("member", 3_000), ("server", 3_000)]
    assert _numbers(books) == {"member day": (3_000, 0, 2_000), "server month": (3_000, 0, 5_000)}


def test_looking_makes_no_rows(books: MemoryStore) -> None:
    """An unused budget is whole, and reading it writes nothing."""
    assert _numbers(books) == {"member day": (0, 0, 5_000), "server month": (0, 0, 8_000)}
    assert books.connection.execute("SELECT COUNT(*) FROM budgets").fetchone() == (0,)


def test_the_last_micro_dollar_can_be_held_and_no_more(books: MemoryStore) -> None:
    """A hold up to the cap is granted; one above it by a micro-dollar is not."""
    _hold(books, "a", 4_999)
    with pytest.raises(QuotaExceeded) as caught:
        _hold(books, "b", 2)
    assert (caught.value.scope, caught.value.left_microusd, caught.value.short_microusd) == ("member:7:42", 1, 1)
    _hold(books, "b", 1)
    assert _numbers(books)["member day"] == (5_000, 0, 0)


def test_a_hold_on_all_budgets_or_on_none(books: MemoryStore) -> None:
    """If one budget is too small nothing is held on any, and the job can be held later."""
    _set(books, "role:2", "budget:week", 2_000)
    with pytest.raises(QuotaExceeded) as caught:
        _hold(books, "a", 3_000)
    assert caught.value.scope == "role:7:2"
    assert {held for held, _, _ in _numbers(books).values()} == {0}
    _hold(books, "a", 2_000)
    assert {held for held, _, _ in _numbers(books).values()} == {2_000}


def test_a_job_never_holds_twice(books: MemoryStore) -> None:
    """A repeated hold returns the standing, even on another day, over budget, or after the end."""
    assert not _hold(books, "a", 5_000).repeated
    again = _hold(books, "a", 5_000)
    assert (again.repeated, again.standings) == (True, _view(books).standings)
    tomorrow = _hold(books, "a", 1, at=NOON + DAY_S)
    assert {one.limit.whose: one.held_microusd for one in tomorrow.standings} == {"member": 0, "server": 5_000}
    _release(books, "a")
    assert {one.held_microusd for one in _hold(books, "a", 3_000).standings} == {0}


def test_costing_nothing_is_always_possible(books: MemoryStore) -> None:
    """A hold of zero is accepted, also on a budget of zero or an overdrawn one."""
    _hold(books, "a", 5_000)
    _set(books, "member:42", "allowance:day", 4_000)
    _hold(books, "free", 0)
    assert _settle(books, "free", 0) == Ending("free", "settled", 0, 0, repeated=False)


@pytest.mark.parametrize("amount", [-1, AMOUNT_MAX_MICROUSD + 1])
def test_amounts_out_of_bounds_are_refused(books: MemoryStore, amount: int) -> None:
    """A negative hold, settlement or grant would make money; holds and grants above $1,000,000 are nobody's wish."""
    with pytest.raises(ValueError, match="no amount"):
        _hold(books, "a", amount)
    with pytest.raises(ValueError, match="no amount"):
        _give(books, "g", amount)
    _hold(books, "a", 1)
    with pytest.raises(ValueError, match="cannot be negative"):
        _settle(books, "a", -1)


def test_settling_spends_what_was_held(books: MemoryStore) -> None:
    """The held amount becomes spent on every budget; a smaller one gives the rest back."""
    _hold(books, "a", 3_000)
    assert _settle(books, "a", 2_000) == Ending("a", "settled", 2_000, 2_000, repeated=False)
    assert _numbers(books) == {"member day": (0, 2_000, 3_000), "server month": (0, 2_000, 6_000)}


def test_a_settlement_never_exceeds_the_hold(books: MemoryStore) -> None:
    """What was billed above the hold is taken from nobody, and recorded once as a difference with fal's units."""
    _hold(books, "a", 3_000)
    settling = partial(holds.settle, at=NOON + 100, actor="wanda", reason="", units="12.5")
    ended = books.run(settling("a", 6_000))
    assert ended == Ending("a", "settled", 3_000, 3_000, repeated=False, unpaid_microusd=3_000)
    assert books.run(settling("a", 7_000)).repeated
    assert _numbers(books) == {"member day": (0, 3_000, 2_000), "server month": (0, 3_000, 5_000)}
    (one,) = books.run(differences.newest(9))
    assert one == Difference("a", 7, 3_000, 6_000, "12.5", NOON + 100)
    assert books.run(differences.total()) == (1, 3_000)


def test_a_server_that_pays_alone_pays_no_more_than_the_hold(books: MemoryStore) -> None:
    """Absorbing, and closing an exposed hold, stop at what was held too."""
    _hold(books, "absorbed", 2_000)
    assert _settle(books, "absorbed", 9_000, "server") == Ending(
        "absorbed", "settled", 0, 2_000, repeated=False, unpaid_microusd=7_000
    )
    _hold(books, "lost", 1_000)
    _expose(books, "lost")
    assert _settle(books, "lost", 10**30) == Ending(
        "lost", "settled", 0, 1_000, repeated=False, unpaid_microusd=AMOUNT_MAX_MICROUSD - 1_000
    )
    assert _numbers(books) == {"member day": (0, 0, 5_000), "server month": (0, 3_000, 5_000)}
    assert [one.job_id for one in books.run(differences.newest(9))] == ["absorbed", "lost"]


@given(
    data=st.data(),
    held=st.integers(0, 9_000),
    billed=st.integers(0, 20_000) | st.sampled_from([AMOUNT_MAX_MICROUSD, 10**18, 2**63, 10**400]),
    given_=st.lists(st.integers(0, 3_000), max_size=3),
    payers=st.sampled_from(["everyone", "server"]),
)
def test_any_bill_spends_at_most_the_hold(
    data: st.DataObject, held: int, billed: int, given_: list[int], payers: Payers
) -> None:
    """For any hold, bill and grants: no draw spends more than it held, and every sum of entries equals its row."""
    books = MemoryStore()
    with closing(books.connection):
        for number, amount in enumerate(given_):
            _give(books, str(number), amount)
        roomy = replace(SHIPPED, server_monthly_microusd=10_000, server_cap_microusd=10_000, total_cap_microusd=10_000)
        try:
            _hold(books, "a", held, shipped=roomy)
        except QuotaExceeded:
            return
        exposed = data.draw(st.booleans())
        if exposed:
            _expose(books, "a")
        ended = _settle(books, "a", billed, payers)
        paid = min(billed, held)
        assert (ended.member_microusd, ended.server_microusd) == (0 if exposed or payers == "server" else paid, paid)
        draws = books.connection.execute("SELECT settled_microusd, amount_microusd FROM draws").fetchall()
        assert all((settled or 0) <= amount for settled, amount in draws)
        assert books.run(verify()) == []
        assert len(books.run(differences.newest(9))) == (billed > held)


def test_absorbing_releases_the_member_and_charges_the_server(books: MemoryStore) -> None:
    """With the policy `absorb` the server pays for a failed job that fal may have billed."""
    _hold(books, "a", 3_000)
    assert _settle(books, "a", 3_000, "server") == Ending("a", "settled", 0, 3_000, repeated=False)
    assert _numbers(books) == {"member day": (0, 0, 5_000), "server month": (0, 3_000, 5_000)}
    assert _settle(books, "a", 1) == Ending("a", "settled", 0, 3_000, repeated=True)


def test_releasing_gives_everything_back(books: MemoryStore) -> None:
    """A released hold leaves the budgets as if it had never been, but for its entries."""
    _hold(books, "a", 3_000)
    assert _release(books, "a") == Ending("a", "released", 0, 0, repeated=False)
    assert _numbers(books) == {"member day": (0, 0, 5_000), "server month": (0, 0, 8_000)}


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


def test_exposing_frees_the_member_and_not_the_server(books: MemoryStore) -> None:
    """A possible cost stays held for the server until it is known."""
    _hold(books, "a", 3_000)
    assert _expose(books, "a") == Ending("a", "exposed", 0, 0, repeated=False)
    assert _expose(books, "a").repeated
    assert _numbers(books) == {"member day": (0, 0, 5_000), "server month": (3_000, 0, 5_000)}
    assert _settle(books, "a", 2_000) == Ending("a", "settled", 0, 2_000, repeated=False)
    assert _numbers(books) == {"member day": (0, 0, 5_000), "server month": (0, 2_000, 6_000)}
    assert _release(books, "a") == Ending("a", "settled", 0, 2_000, repeated=True)


def test_releasing_an_exposure_frees_the_server(books: MemoryStore) -> None:
    """Once it is known that nothing was billed, nothing is held any more."""
    _hold(books, "a", 3_000)
    _expose(books, "a")
    assert _release(books, "a") == Ending("a", "released", 0, 0, repeated=False)
    assert _numbers(books) == {"member day": (0, 0, 5_000), "server month": (0, 0, 8_000)}


def test_ending_a_hold_that_never_was_is_an_error(books: MemoryStore) -> None:
    """Ending a hold that does not exist is a LookupError."""
    for end in (_release, _expose):
        with pytest.raises(LookupError, match="never had a hold"):
            end(books, "ghost")
    with pytest.raises(LookupError, match="never had a hold"):
        _settle(books, "ghost", 1)


def test_grants_are_used_after_the_allowance_and_get_back_first(books: MemoryStore) -> None:
    """The grant that expires first is used first; the unspent rest goes back to the grants first."""
    _give(books, "lasting", 1_000)
    _give(books, "soon", 500, NOON + 60)
    _give(books, "over", 9_000, NOON)
    assert not _hold(books, "a", 6_200).repeated
    assert _grants(books) == {"over": (0, 0), "soon": (500, 0), "lasting": (700, 0)}
    assert _hold(books, "a", 6_200).repeated
    assert _settle(books, "a", 5_100) == Ending("a", "settled", 5_100, 5_100, repeated=False)
    assert _grants(books) == {"over": (0, 0), "soon": (0, 100), "lasting": (0, 0)}
    assert _numbers(books) == {"member day": (0, 5_000, 0), "server month": (0, 5_100, 2_900)}


def test_grants_do_not_suffice(books: MemoryStore) -> None:
    """A job that allowance and grants together cannot carry takes nothing from either."""
    _give(books, "g", 999)
    with pytest.raises(QuotaExceeded) as caught:
        _hold(books, "a", 6_000)
    assert caught.value.short_microusd == 1
    assert _grants(books) == {"g": (0, 0)}


def test_absorbing_gives_the_grants_back_too(books: MemoryStore) -> None:
    """A grant is the member's money."""
    _give(books, "g", 1_000)
    _hold(books, "a", 6_000)
    assert _settle(books, "a", 6_000, "server").member_microusd == 0
    assert _grants(books) == {"g": (0, 0)}


def test_a_budget_set_in_mid_window_counts_what_was_spent_before(books: MemoryStore) -> None:
    """New pools of a role and a channel, weekly allowances and operator's caps include this window's spending."""
    _hold(books, "a", 3_000)
    _settle(books, "a", 3_000)
    _hold(books, "b", 1_000)
    for subject, name in (
        ("role:1", "budget:day"),
        ("channel:9", "budget:ever"),
        ("member:42", "allowance:week"),
        ("server", "budget:week"),
    ):
        _set(books, subject, name, 10_000)
    capped = replace(SHIPPED, server_cap_microusd=10_000, total_cap_microusd=10_000)
    _hold(books, "c", 500, shipped=capped)
    numbers = _numbers(books, shipped=capped)
    assert len(numbers) == 7
    assert {(held, spent) for held, spent, _ in numbers.values()} == {(1_500, 3_000)}
    _settle(books, "b", 700)
    assert {(held, spent) for held, spent, _ in _numbers(books, shipped=capped).values()} == {(500, 3_700)}


def test_changing_the_timezone_moves_the_window_and_no_money(books: MemoryStore) -> None:
    """Spending at 23:30 UTC counts for yesterday in UTC and for today in Berlin, however often the timezone changes."""
    late = NOON + 11.5 * 3600
    _hold(books, "a", 4_000, at=late)
    assert _numbers(books, at=late + 3600)["member day"] == (0, 0, 5_000)
    _set(books, "server", "timezone", "Europe/Berlin")
    assert _numbers(books, at=late + 3600)["member day"] == (4_000, 0, 1_000)
    with pytest.raises(QuotaExceeded):
        _hold(books, "b", 2_000, at=late + 3600)
    _settle(books, "a", 3_500)
    assert _numbers(books, at=late + 3600)["member day"] == (0, 3_500, 1_500)
    _set(books, "server", "timezone", "UTC")
    assert _numbers(books, at=late + 3600)["member day"] == (0, 0, 5_000)
    assert _numbers(books, at=late)["member day"] == (0, 3_500, 1_500)


def test_a_job_belongs_for_ever_to_the_window_of_its_acceptance(books: MemoryStore) -> None:
    """A job settled tomorrow or next month counts on the day on which it was accepted."""
    _hold(books, "a", 4_000)
    books.run(holds.settle("a", 3_000, at=NOON + 30 * DAY_S, actor="fal", reason="late"))
    assert _numbers(books) == {"member day": (0, 3_000, 2_000), "server month": (0, 3_000, 5_000)}
    assert _numbers(books, at=NOON + 30 * DAY_S) == {"member day": (0, 0, 5_000), "server month": (0, 0, 8_000)}


def test_a_role_gained_in_mid_window_brings_a_better_allowance_and_no_fresh_one(books: MemoryStore) -> None:
    """The member's earlier spending counts against the new role's allowance."""
    _set(books, "role:3", "allowance:day", 7_000)
    _hold(books, "a", 4_000)
    promoted = replace(WHO, role_ids=(1, 2, 3))
    assert _numbers(books, who=promoted)["member day"] == (4_000, 0, 3_000)
    _hold(books, "b", 3_000, who=promoted)
    assert _numbers(books)["member day"] == (7_000, 0, 0)


def test_a_reset_gives_a_fresh_window_to_the_member_only(books: MemoryStore) -> None:
    """Spending before a reset no longer counts for the member, but still for the server."""
    _hold(books, "a", 5_000)
    _set(books, "member:42", "reset", NOON + 10)
    assert _numbers(books, at=NOON + 10)["member day"] == (0, 0, 5_000)
    _hold(books, "b", 3_000, at=NOON + 10)
    _settle(books, "a", 4_000)
    assert _numbers(books, at=NOON + 20) == {"member day": (3_000, 0, 2_000), "server month": (3_000, 4_000, 1_000)}


def test_a_lowered_cap_refuses_and_a_raised_one_allows_from_the_next_hold_on(books: MemoryStore) -> None:
    """The current cap applies; below a lowered cap the shortage includes the overdraft."""
    _hold(books, "a", 5_000)
    _set(books, "server", "allowance:day", 1_000)
    with pytest.raises(QuotaExceeded) as caught:
        _hold(books, "b", 1)
    assert (caught.value.left_microusd, caught.value.short_microusd) == (0, 4_001)
    _set(books, "member:42", "raise", {"microusd": 5_000}, expires_at=NOON + 60)
    _hold(books, "b", 1_000)
    with pytest.raises(QuotaExceeded):
        _hold(books, "c", 1, at=NOON + 60)


def test_jobs_at_once_counts_what_is_held(books: MemoryStore) -> None:
    """An ended or exposed job makes room; another member's is not counted."""
    _set(books, "server", "at_once", 2)
    _hold(books, "other", 0, who=replace(WHO, member_id=43))
    _hold(books, "a", 0)
    _hold(books, "b", 0)
    assert _view(books).open_jobs == 2
    with pytest.raises(NotAllowed) as caught:
        _hold(books, "c", 0)
    assert caught.value.rule == "at_once"
    _expose(books, "a")
    _hold(books, "c", 0)


def test_a_member_with_more_roles_than_fit_a_statement(books: MemoryStore) -> None:
    """One transaction draws on a hundred roles; pools set later include the job."""
    crowd = replace(WHO, role_ids=tuple(range(1, 131)))
    _hold(books, "a", 1_000, who=crowd)
    _settle(books, "a", 900)
    for role in (1, 50, 100):
        _set(books, f"role:{role}", "budget:month", 2_000)
    numbers = [one for one in _view(books, who=crowd).standings if one.limit.whose == "role"]
    assert [one.spent_microusd for one in numbers] == [900, 900, 900]


def test_the_servers_thresholds_are_told_once_a_window(books: MemoryStore) -> None:
    """A threshold is recorded with the hold that reaches it, once a window, and pending until it is posted."""
    assert _hold(books, "a", 3_999).warnings == ()
    assert [one.threshold for one in _hold(books, "b", 1).warnings] == [50]
    two = _hold(books, "c", 3_600, who=replace(WHO, member_id=43))
    assert [(one.threshold, one.used_microusd, one.cap_microusd) for one in two.warnings] == [
        (80, 7_600, 8_000),
        (95, 7_600, 8_000),
    ]
    _release(books, "c")
    assert _hold(books, "d", 3_600, who=replace(WHO, member_id=44)).warnings == ()
    pending = books.run(budget_warnings.pending_warnings())
    assert [one.threshold for one in pending] == [50, 80, 95]
    books.run(budget_warnings.warning_posted(pending[0]))
    assert books.run(budget_warnings.pending_warnings()) == pending[1:]
    later = _hold(books, "e", 4_000, at=NOON + 15 * DAY_S)
    assert [one.threshold for one in later.warnings] == [50]


def test_every_change_has_an_entry_that_says_who_and_why(books: MemoryStore) -> None:
    """Each change has an entry with its actor and reason, and an id made of job, kind and scope."""
    _hold(books, "a", 3_000)
    _expose(books, "a")
    _settle(books, "a", 2_000)

    def story() -> Transaction[list[tuple[object, ...]]]:
        rows = yield Many("SELECT * FROM entries WHERE scope IN ('member:7:42', 'server:7') ORDER BY at, id")
        return [tuple(value for name, value in row.items() if name != "declined_by") for row in rows]

    assert books.run(story()) == [
        ("a:hold:member:7:42", 7, "a", "member:7:42", "hold", 3_000, 0, NOON, NOON, "member:42", "accepted"),
        ("a:hold:server:7", 7, "a", "server:7", "hold", 3_000, 0, NOON, NOON, "member:42", "accepted"),
        ("a:expose:server:7", 7, "a", "server:7", "expose", 0, 0, NOON, NOON + 50, "wanda", "reply lost"),
        ("a:release:member:7:42", 7, "a", "member:7:42", "release", -3_000, 0, NOON, NOON + 50, "wanda", "reply lost"),
        ("a:settle:server:7", 7, "a", "server:7", "settle", -3_000, 2_000, NOON, NOON + 100, "fal", "video made"),
    ]


@pytest.mark.parametrize("sql", ["UPDATE entries SET reason = 'x'", "DELETE FROM entries", "DELETE FROM acts"])
def test_entries_and_acts_are_never_altered(books: MemoryStore, sql: str) -> None:
    """The database refuses to change or delete an entry or act."""
    _hold(books, "a", 3_000)
    _set(books, "server", "at_once", 3)

    def tamper() -> Transaction[None]:
        yield One(sql)

    with pytest.raises(StorageError, match="append-only"):
        books.run(tamper())


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("UPDATE budgets SET held_microusd = held_microusd + 1 WHERE scope = 'server:7'", "sum of its entries"),
        ("UPDATE budgets SET held_microusd = held_microusd + 1 WHERE scope = 'cap:7'", "sum of its open draws"),
        ("UPDATE budgets SET held_microusd = held_microusd + 1 WHERE scope = 'all'", "sum of its open draws"),
        ("UPDATE budgets SET spent_microusd = 1 WHERE scope = 'member:7:42'", "spent is not the sum of its entries"),
        ("DELETE FROM draws WHERE job_id = 'open'", "belongs to no draw"),
        ("UPDATE draws SET state = 'released', ended_at = 1 WHERE job_id = 'open'", "did not end as often"),
        (
            "UPDATE draws SET state = 'held', ended_at = NULL, settled_microusd = NULL WHERE job_id = 'paid'",
            "did not end as often",
        ),
        ("UPDATE draws SET settled_microusd = 7 WHERE job_id = 'paid'", "is not what its entry says"),
        ("UPDATE draws SET amount_microusd = 7 WHERE job_id = 'paid'", "was not entered exactly once"),
        ("UPDATE draws SET amount_microusd = 7 WHERE job_id = 'paid' AND position = 0", "do not all have the same"),
        ("UPDATE draws SET amount_microusd = 7 WHERE side = 'member' AND job_id = 'open'", "is not what the server"),
        ("UPDATE draws SET counted_at = counted_at + 1 WHERE job_id = 'open'", "belongs to no draw"),
    ],
)
def test_the_audit_finds_every_kind_of_wrong(sql: str, sentence: str) -> None:
    """The audit reports each number changed outside the ledger, with both numbers."""
    store = MemoryStore()
    capped = replace(SHIPPED, server_cap_microusd=10_000, total_cap_microusd=10_000)
    with closing(store.connection):
        _hold(store, "paid", 1_000, shipped=capped)
        _settle(store, "paid", 1_000)
        _hold(store, "open", 2_000, shipped=capped)
        assert store.run(verify()) == []
        store.connection.execute(sql)
        wrong = store.run(verify())
    assert any(sentence in line and "expected" in line for line in wrong), wrong


def test_the_database_itself_refuses_a_negative_budget() -> None:
    """A constraint keeps the budgets' rows from becoming negative."""
    store = MemoryStore()
    with closing(store.connection):
        _hold(store, "a", 1_000)
        with pytest.raises(sqlite3.IntegrityError):
            store.connection.execute("UPDATE budgets SET held_microusd = -1")


def test_a_past_under_a_pseudonym_counts(books: MemoryStore) -> None:
    """What a member spent before they deleted their data is found by the database's key."""
    _hold(books, "a", 3_000)
    _settle(books, "a", 3_000)
    books.run(pseudonyms.unname(7, 42))
    assert [one.spent_microusd for one in _view(books).standings] == [3_000, 3_000]
    with pytest.raises(QuotaExceeded):
        _hold(books, "b", 2_001)
    assert _hold(books, "b", 2_000).standings[0].held_microusd == 2_000
