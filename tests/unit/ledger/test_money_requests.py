"""A member's request for more money is answered once, whoever presses however often."""

from contextlib import closing
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import Busy
from bot.ledger import holds
from bot.ledger.acts import acts_of
from bot.ledger.audit import verify
from bot.ledger.decision import decide, grant_needed
from bot.ledger.grants import grants_of
from bot.ledger.model import RuleQuery, Shipped, Who
from bot.ledger.money_requests import (
    RAISED_FOR_S,
    MoneyRequest,
    RequestBounds,
    answer_request,
    ask_for_money,
    grant_request,
    raise_request,
    withdraw_request,
)
from bot.ledger.rules import rules_of
from tests.support.stores import MemoryStore

GUILD, ADMIN, NOW, LIFE_S = 7, 99, 1_795_000_000.0, 3_600.0
BOUNDS = RequestBounds(open_in_server_max=2, wait_s=600.0)
SHIPPED = Shipped(member_daily_microusd=1_000_000, server_monthly_microusd=5_000_000)
Press: TypeAlias = Literal["grant", "raise", "decline", "withdraw"]


def request_of(member: int, number: int, amount: int, *, at: float) -> MoneyRequest:
    """Return a member's request."""
    return MoneyRequest(
        id=f"{number:032x}",
        guild_id=GUILD,
        member_id=member,
        amount_microusd=amount,
        channel_id=9,
        at=at,
        expires_at=at + LIFE_S,
    )


def press(books: MemoryStore, answer: Press, request_id: str, *, at: float, guild: int = GUILD) -> bool:
    """Answer a request, and return whether that counted."""
    match answer:
        case "grant":
            return books.run(grant_request(request_id, guild, actor_id=ADMIN, at=at)) is not None
        case "raise":
            return books.run(raise_request(request_id, guild, actor_id=ADMIN, at=at)) is not None
        case "decline":
            return books.run(answer_request(request_id, guild, at=at)) is not None
        case "withdraw":
            books.run(withdraw_request(request_id))
            return False


@dataclass
class Naive:
    """What should have happened, kept as plainly as possible."""

    now: float = NOW
    requests: dict[str, MoneyRequest] = field(default_factory=dict[str, MoneyRequest])
    answered: dict[str, Press] = field(default_factory=dict[str, Press])
    granted: dict[int, int] = field(default_factory=dict[int, int])
    raises: dict[int, tuple[int, float]] = field(default_factory=dict[int, tuple[int, float]])
    acts: int = 0

    def is_open(self, one: MoneyRequest) -> bool:
        """Whether the request can still be answered."""
        return one.id not in self.answered and one.expires_at > self.now

    def takes(self, member: int) -> bool:
        """Whether the member may ask."""
        own = [one for one in self.requests.values() if one.member_id == member and one.expires_at > self.now]
        recent = [one for one in own if one.id in self.answered and one.at + BOUNDS.wait_s > self.now]
        waiting = [one for one in self.requests.values() if self.is_open(one)]
        return not recent and not any(map(self.is_open, own)) and len(waiting) < BOUNDS.open_in_server_max

    def press(self, answer: Press, request_id: str) -> bool:
        """Answer as it should be."""
        one = self.requests.get(request_id)
        if one is None or not self.is_open(one):
            return False
        if answer == "withdraw":
            del self.requests[request_id]
            return False
        self.answered[request_id] = answer
        self.acts += answer != "decline"
        member, amount = one.member_id, one.amount_microusd
        if answer == "grant":
            self.granted[member] = self.granted.get(member, 0) + amount
        elif answer == "raise":
            before, until = self.raises.get(member, (0, 0.0))
            before = before if until > self.now else 0
            self.raises[member] = (before + amount, max(until, self.now + RAISED_FOR_S))
        return True


STEPS = st.one_of(
    st.tuples(st.just("ask"), st.integers(1, 3), st.integers(1, 2_000_000)),
    st.tuples(st.sampled_from(["grant", "raise", "decline", "withdraw"]), st.integers(0, 12), st.just(0)),
    st.tuples(st.just("wait"), st.sampled_from([1, 599, 600, 3_599, 3_600, 700_000]), st.just(0)),
)


@given(st.lists(STEPS, max_size=40))
@settings(deadline=None)
def test_money_is_given_once_for_each_request(steps: list[tuple[str, int, int]]) -> None:
    """Whatever is asked, pressed and waited in whatever order, the books hold what the answers in time gave."""
    books, naive, count = MemoryStore(), Naive(), 0
    with closing(books.connection):
        for what, number, amount in steps:
            if what == "ask":
                count += 1
                asked = request_of(number, count, amount, at=naive.now)
                if naive.takes(number):
                    books.run(ask_for_money(asked, BOUNDS))
                    naive.requests[asked.id] = asked
                else:
                    with pytest.raises(Busy):
                        books.run(ask_for_money(asked, BOUNDS))
            elif what == "wait":
                naive.now += number
            else:
                answer: Press = what  # pyright: ignore[reportAssignmentType] - one of the four
                assert press(books, answer, f"{number:032x}", at=naive.now) == naive.press(answer, f"{number:032x}")
        raised = {
            int(rule.subject.removeprefix("member:")): (rule.value["microusd"], rule.expires_at)
            for rule in books.run(rules_of(GUILD, at=naive.now))
        }
        assert raised == {member: one for member, one in naive.raises.items() if one[1] > naive.now}
        for member in (1, 2, 3):
            grants = books.run(grants_of(GUILD, member))
            assert sum(one.grant.amount_microusd for one in grants) == naive.granted.get(member, 0)
        assert len(books.run(acts_of(GUILD, limit=100))) == naive.acts
        assert books.run(verify()) == []


def test_another_server_answers_nothing(books: MemoryStore) -> None:
    """A button that is pressed in another server gives no money, and the request stays open."""
    books.run(ask_for_money(request_of(1, 1, 500_000, at=NOW), BOUNDS))
    assert not press(books, "grant", f"{1:032x}", at=NOW, guild=8)
    assert press(books, "grant", f"{1:032x}", at=NOW)


@given(st.integers(0, 1_500_000), st.integers(1, 6_000_000))
def test_what_is_asked_for_is_enough(spent: int, price: int) -> None:
    """A grant of what is missing makes the video affordable, one micro-dollar less does not; else none would help."""
    who, query = Who(guild_id=GUILD, channel_id=9, member_id=42), RuleQuery(mode="m")
    books = MemoryStore()
    with closing(books.connection):
        if 0 < spent <= SHIPPED.member_daily_microusd:
            one = holds.hold(
                job_id="a", amount_microusd=spent, who=who, query=query, at=NOW, shipped=SHIPPED, reason="test"
            )
            books.run(one)
        missing = grant_needed(books.run(holds.standing(who, at=NOW, shipped=SHIPPED)), price)
        for grant, number in ((missing - 1, 1), (1, 2)):
            if missing == 0:
                return
            if grant:
                books.run(
                    ask_for_money(request_of(42, number, grant, at=NOW), RequestBounds(open_in_server_max=9, wait_s=0))
                )
                assert press(books, "grant", f"{number:032x}", at=NOW)
            view = books.run(holds.standing(who, at=NOW, shipped=SHIPPED))
            assert grant_needed(view, price) == (1 if number == 1 else 0)
        decide(view, amount_microusd=price, query=query)
