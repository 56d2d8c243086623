"""What a server pays for attempts without a video is bounded for each member, and repeated ones slow down."""

from collections import defaultdict
from contextlib import closing
from typing import Any, Literal, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import NotAllowed, QuotaExceeded
from bot.ledger import holds
from bot.ledger.audit import verify
from bot.ledger.fruitless import absorbed_by_member, waits_until
from bot.ledger.grants import add_grant
from bot.ledger.model import Ending, Fruitless, Grant, MemberAbsorbed, RuleQuery, Shipped, Who
from bot.ledger.pseudonyms import unname
from tests.support.stores import MemoryStore

GUILD, MEMBER = 7, 42
NOW = 1_795_000_000.0
DAY_S, HOUR_S, MINUTE_S = 86_400.0, 3_600.0, 60.0
BOUND = 1_000
SHIPPED = Shipped(member_daily_microusd=5_000, server_monthly_microusd=500_000, absorbed_daily_microusd=BOUND)
How: TypeAlias = Literal["absorb", "charge", "expose", "release"]


def hold(books: MemoryStore, job: str, amount: int, *, member: int = MEMBER, at: float = NOW) -> None:
    """Hold the amount for the member."""
    books.run(
        holds.hold(
            job_id=job,
            amount_microusd=amount,
            who=Who(guild_id=GUILD, channel_id=9, member_id=member),
            query=RuleQuery(mode="m"),
            at=at,
            shipped=SHIPPED,
            reason="accepted",
        )
    )


def attempts(books: MemoryStore, *, member: int = MEMBER, at: float) -> Fruitless:
    """Return what the member's next order is checked against."""
    return books.run(
        holds.standing(Who(guild_id=GUILD, channel_id=9, member_id=member), at=at, shipped=SHIPPED)
    ).fruitless


def end(books: MemoryStore, job: str, how: How, amount: int, *, at: float = NOW) -> Ending:
    """End the hold as a job does that ends without a video."""
    said: dict[str, Any] = {"at": at, "actor": "wanda", "reason": "no video"}
    match how:
        case "release":
            return books.run(holds.release(job, is_fruitless=True, **said))
        case "expose":
            return books.run(holds.expose(job, absorbed_max_microusd=BOUND, **said))
        case _:
            payers = "server" if how == "absorb" else "everyone"
            ending = holds.settle(
                job, amount, payers=payers, absorbed_max_microusd=BOUND, is_fruitless=how == "absorb", **said
            )
            return books.run(ending)


def test_what_goes_beyond_the_bound_is_the_members(books: MemoryStore) -> None:
    """The server absorbs up to the bound for one member in 24 hours; the rest is spent of the member's own hold."""
    paid: list[tuple[int, int]] = []
    for number, amount in enumerate((600, 600, 600)):
        hold(books, f"j{number}", amount)
        ending = end(books, f"j{number}", "absorb", amount)
        paid.append((ending.absorbed_microusd, ending.member_microusd))
    assert paid == [(600, 0), (400, 200), (0, 600)]
    hold(books, "next day", 600, at=NOW + DAY_S + 1)
    assert end(books, "next day", "absorb", 600, at=NOW + DAY_S + 1).absorbed_microusd == 600


def test_the_bound_is_each_members_own(books: MemoryStore) -> None:
    """What was absorbed for one member takes nothing from another."""
    for member in (1, 2):
        hold(books, f"j{member}", 900, member=member)
        assert end(books, f"j{member}", "absorb", 900).member_microusd == 0


def test_a_split_payment_spares_the_grants(books: MemoryStore) -> None:
    """Of what the member pays of a split, the allowance pays first, and the grant gets the rest back."""
    books.run(
        add_grant(
            Grant(
                id="g",
                guild_id=GUILD,
                member_id=MEMBER,
                amount_microusd=2_000,
                expires_at=None,
                reason="",
                actor_id=1,
                at=NOW,
            )
        )
    )
    hold(books, "a", 6_000)
    assert end(books, "a", "absorb", 5_500) == Ending("a", "settled", 4_500, 5_500, repeated=False)
    (grant,) = books.run(
        holds.standing(Who(guild_id=GUILD, channel_id=9, member_id=MEMBER), at=NOW, shipped=SHIPPED)
    ).grants
    assert (grant.held_microusd, grant.spent_microusd) == (0, 0)


def test_one_lost_reply_is_the_servers_and_many_are_not(books: MemoryStore) -> None:
    """The first uncertain job of a day frees its member whatever it costs; beyond the bound the member's part stays."""
    hold(books, "a", 3_000)
    assert end(books, "a", "expose", 0).member_held_microusd == 0
    hold(books, "b", 2_000)
    kept = Ending("b", "exposed", 0, 0, repeated=False, member_held_microusd=2_000)
    assert end(books, "b", "expose", 0) == kept
    assert end(books, "b", "expose", 0).member_held_microusd == 2_000
    # Closed by the operator: the first one cost nothing, so of the second the server absorbs what the bound allows.
    assert end(books, "a", "release", 0).how == "released"
    assert end(books, "b", "absorb", 1_500) == Ending("b", "settled", 500, 1_500, repeated=False)


def test_a_closed_exposure_costs_the_member_nothing(books: MemoryStore) -> None:
    """An exposure whose member was freed is the server's to pay, whatever was absorbed since."""
    hold(books, "a", 3_000)
    end(books, "a", "expose", 0)
    assert end(books, "a", "absorb", 2_500) == Ending("a", "settled", 0, 2_500, repeated=False)
    assert attempts(books, at=NOW).absorbed_microusd == 2_500


def test_exposures_that_are_closed_together_share_one_bound(books: MemoryStore) -> None:
    """What the server pays when it is closed counts for the 24 hours before that, not for the day of the lost reply."""
    for job in ("first", "a", "b"):
        hold(books, job, 800)
        end(books, job, "expose", 0)
    later = NOW + 3 * DAY_S
    paid = [end(books, job, "absorb", 800, at=later).absorbed_microusd for job in ("a", "b")]
    assert paid == [800, 200]
    # What the server took upon itself at once stays on the day on which it did.
    assert end(books, "first", "absorb", 800, at=later).absorbed_microusd == 800
    assert attempts(books, at=later).absorbed_microusd == 1_000


def test_with_a_bound_of_nothing_only_the_first_lost_reply_is_the_servers(books: MemoryStore) -> None:
    """A bound that is used up leaves no room, also when it is zero."""
    kept: list[int] = []
    for job in ("a", "b"):
        hold(books, job, 800)
        said: dict[str, Any] = {"at": NOW, "actor": "wanda", "reason": "lost"}
        ending = books.run(holds.expose(job, absorbed_max_microusd=0, **said))
        kept.append(ending.member_held_microusd)
    assert kept == [0, 800]


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # whose
        st.integers(0, 3_000),  # what is held
        st.integers(0, 4_000),  # what fal billed
        st.sampled_from(["absorb", "charge", "expose", "release"]),
        st.sampled_from([0.0, 10.0, 3_000.0, 50_000.0, 90_000.0]),  # seconds until the next
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_nobody_gets_more_than_the_bound(steps: list[tuple[int, int, int, How, float]]) -> None:
    """Over any history, what a server pays for one member in any 24 hours is within the bound, one exposure aside."""
    books = MemoryStore()
    at = NOW
    absorbed: defaultdict[int, list[tuple[float, int]]] = defaultdict(list)
    with closing(books.connection):
        for number, (member, held, billed, how, pause_s) in enumerate(steps):
            try:
                hold(books, f"j{number}", held, member=member, at=at)
            except (QuotaExceeded, NotAllowed):
                continue
            ending = end(books, f"j{number}", how, billed, at=at)
            assert ending.server_microusd <= held
            assert 0 <= ending.member_microusd <= ending.server_microusd
            if how == "expose":
                recent = sum(amount for when, amount in absorbed[member] if when > at - DAY_S)
                assert (ending.member_held_microusd == 0) == (not recent or held == 0 or recent + held <= BOUND)
                absorbed[member].append((at, 0 if ending.member_held_microusd else held))
            elif how == "absorb":
                absorbed[member].append((at, ending.absorbed_microusd))
                recent = [amount for when, amount in absorbed[member] if when > at - DAY_S]
                assert sum(recent) <= BOUND or not ending.absorbed_microusd
                assert ending.absorbed_microusd <= BOUND
            at += pause_s
        assert books.run(verify()) == []


def test_after_three_in_an_hour_the_next_one_waits(books: MemoryStore) -> None:
    """Attempts that were cancelled or refused, billed or not, slow down; the refusal says until when."""
    for number in range(3):
        hold(books, f"j{number}", 100)
        end(books, f"j{number}", "release" if number else "absorb", 100)
    with pytest.raises(NotAllowed) as refused:
        hold(books, "more", 100, at=NOW + MINUTE_S)
    assert refused.value.rule == "fruitless"
    assert f"<t:{int(NOW + 5 * MINUTE_S)}:R>" in str(refused.value)
    hold(books, "more", 100, at=NOW + 5 * MINUTE_S)
    hold(books, "theirs", 100, member=1)


@pytest.mark.parametrize(("count", "minutes"), [(0, None), (2, None), (3, 5), (4, 10), (6, 40), (7, 60), (9_999, 60)])
def test_the_wait_grows(count: int, minutes: int | None) -> None:
    """The wait doubles with each further attempt, up to an hour."""
    until = waits_until(Fruitless(count=count, last_at=NOW), SHIPPED, at=NOW)
    assert until == (None if minutes is None else NOW + minutes * MINUTE_S)


def test_a_wait_ends_with_its_hour(books: MemoryStore) -> None:
    """Attempts of more than an hour ago slow nobody down."""
    for number in range(5):
        hold(books, f"j{number}", 10, at=NOW)
    for number in range(5):
        end(books, f"j{number}", "absorb", 10)
    with pytest.raises(NotAllowed):
        hold(books, "more", 10, at=NOW + 19 * MINUTE_S)
    assert attempts(books, at=NOW + HOUR_S).count == 0
    hold(books, "more", 10, at=NOW + 20 * MINUTE_S)


def test_the_report_and_a_deletion(books: MemoryStore) -> None:
    """Admins see for whom the server paid, the dearest first; a member who deletes their data is a pseudonym there."""
    for member, amount in ((1, 300), (2, 500), (3, 0)):
        hold(books, f"j{member}", 500, member=member)
        end(books, f"j{member}", "absorb", amount)
    assert books.run(absorbed_by_member(GUILD, since=NOW - 1, limit=9)) == (
        MemberAbsorbed(member_id=2, absorbed_microusd=500, jobs=1),
        MemberAbsorbed(member_id=1, absorbed_microusd=300, jobs=1),
    )
    nobody_id = books.run(unname(GUILD, 2))
    assert [one.member_id for one in books.run(absorbed_by_member(GUILD, since=NOW - 1, limit=9))] == [nobody_id, 1]
    assert attempts(books, member=2, at=NOW).absorbed_microusd == 500
