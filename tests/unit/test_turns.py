"""Fair turns: whoever waits is served soon, whatever others ask for, and no place is lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.requester import Requester
from bot.turns import FairTurns, NoTurn, Patience, named_turns

MEMBERS = [Requester(1, 1), Requester(1, 2), Requester(1, 3), Requester(2, 1), Requester(3, 1)]
SETTLED = 10
WAITING_MAX = Patience(wait_s=3600, member_max=2, server_max=3)


@dataclass(frozen=True)
class Step:
    """What happens next, and how often the loop goes round before the step after it; `SETTLED` is until all wait."""

    what: Literal["ask", "end", "fail", "cancel"]
    who: Requester
    which: int = 0
    rounds: int = SETTLED


@dataclass
class Request:
    """One request for a turn, and how it stands."""

    number: int
    who: Requester
    over: asyncio.Event = field(default_factory=asyncio.Event)
    fails: bool = False
    task: asyncio.Task[None] | None = None


class Place:
    """Requests for turns, and the log of what became of them."""

    def __init__(self, turns: FairTurns) -> None:
        self.turns = turns
        self.log: list[tuple[Literal["asked", "served", "left", "gave up"], Request]] = []
        self.requests: list[Request] = []

    def ask(self, who: Requester, patience: Patience | None = None) -> Request:
        """Begin to wait for a turn."""
        request = Request(len(self.requests), who)
        self.requests.append(request)
        request.task = asyncio.create_task(self._hold(request, patience))
        return request

    async def _hold(self, request: Request, patience: Patience | None) -> None:
        served = False
        self.log.append(("asked", request))
        try:
            async with self.turns.turn(request.who, patience):
                served = True
                self.log.append(("served", request))
                try:
                    await request.over.wait()
                    if request.fails:
                        raise ValueError(request.number)
                finally:
                    self.log.append(("left", request))
        except ValueError:
            assert request.fails
        finally:
            if not served:
                self.log.append(("gave up", request))

    def standing(self) -> tuple[list[Request], list[Request]]:
        """Return who waits and who holds a place."""
        waiting: dict[int, Request] = {}
        holding: dict[int, Request] = {}
        for what, request in self.log:
            if what == "asked":
                waiting[request.number] = request
            elif what == "served":
                holding[request.number] = waiting.pop(request.number)
            else:
                (holding if what == "left" else waiting).pop(request.number)
        return list(waiting.values()), list(holding.values())

    def take(self, step: Step) -> None:
        """Do one step."""
        waiting, holding = self.standing()
        chosen = [*holding, *waiting] if step.what == "cancel" else holding
        if step.what == "ask":
            self.ask(step.who)
        elif chosen:
            request = chosen[step.which % len(chosen)]
            request.fails = step.what == "fail"
            assert request.task is not None
            if step.what == "cancel":
                request.task.cancel()
            else:
                request.over.set()


async def settle(rounds: int = SETTLED) -> None:
    """Let the loop go round; by default, until every task waits."""
    for _ in range(rounds):
        await asyncio.sleep(0)


@asynccontextmanager
async def placed(turns: FairTurns) -> AsyncGenerator[Place]:
    """End every request afterwards."""
    place = Place(turns)
    try:
        yield place
    finally:
        for request in place.requests:
            request.over.set()
        async with asyncio.timeout(5):
            await asyncio.gather(*(one.task for one in place.requests if one.task), return_exceptions=True)


STEPS = st.lists(
    st.builds(
        Step,
        what=st.sampled_from(["ask", "ask", "ask", "end", "end", "fail", "cancel"]),
        who=st.sampled_from(MEMBERS),
        which=st.integers(0, 9),
        rounds=st.sampled_from([0, 1, SETTLED]),
    ),
    min_size=25,
    max_size=60,
)
ASK = [Step("ask", MEMBERS[0])] * 3
# A waiter is cancelled when it was just given the place, and just before that.
GIVEN = [*ASK, Step("end", MEMBERS[0], rounds=1), Step("cancel", MEMBERS[0])]
NOT_YET = [*ASK, Step("end", MEMBERS[0], rounds=0), Step("cancel", MEMBERS[0], which=1)]


@pytest.mark.hypothesis
@given(places=st.integers(1, 4), each_max=st.integers(1, 4), steps=STEPS)
@example(places=1, each_max=1, steps=GIVEN)
@example(places=1, each_max=1, steps=NOT_YET)
async def test_turns_are_fair_under_ends_errors_and_cancels(places: int, each_max: int, steps: Sequence[Step]) -> None:
    """Bounds hold, a free place is taken at once, turns go round, and afterwards every place is free again."""
    turns = FairTurns(places, each_max=each_max)
    async with placed(turns) as place:
        for step in steps:
            if step.what == "ask":
                await settle()  # so that whoever got a place before this request is in the log before it
            place.take(step)
            await settle(step.rounds)
            if step.rounds == SETTLED:
                check_bounds(place, places, each_max)
        await settle()
        check_bounds(place, places, each_max)
        check_order_of_one_member(place)
        check_nobody_starves(place, each_max)
    assert place.standing() == ([], [])
    async with placed(turns) as place:
        for guild_id in range(places):
            place.ask(Requester(guild_id, 1))
        await settle()
        assert len(place.standing()[1]) == places


def check_bounds(place: Place, places: int, each_max: int) -> None:
    """No place is held twice, and none is free while somebody waits who may have it."""
    waiting, holding = place.standing()
    held = Counter(one.who for one in holding)
    assert len(holding) <= places
    assert max(held.values(), default=0) <= each_max
    assert len(holding) == places or all(held[one.who] >= each_max for one in waiting)


def check_order_of_one_member(place: Place) -> None:
    """A member's requests are served in the order of asking."""
    for who in MEMBERS:
        served = [one.number for what, one in place.log if what == "served" and one.who == who]
        assert served == sorted(served)


def check_nobody_starves(place: Place, each_max: int) -> None:
    """Between two turns of a server that waits, no other has two; within a server, the same holds for its members.

    A turn that its waiter gave up in the moment of getting it may add one.
    """
    for who in MEMBERS:
        of_server: Counter[int] = Counter()
        of_member: Counter[int] = Counter()
        waits, holds, given_up = 0, 0, 0
        for what, one in place.log:
            mine = one.who == who
            waits += mine * {"asked": 1, "served": -1, "gave up": -1, "left": 0}[what]
            holds += mine * {"asked": 0, "served": 1, "gave up": 0, "left": -1}[what]
            given_up += what == "gave up"
            if what == "served" and one.who.guild_id != who.guild_id:
                of_server[one.who.guild_id] += 1
            elif what == "served":
                of_server.clear()
                of_member[one.who.member_id] += 1
            if not waits or holds >= each_max or (mine and what == "served"):
                of_server.clear()
                of_member.clear()
                given_up = 0
            assert max((*of_server.values(), *of_member.values()), default=0) <= 1 + given_up, who


async def test_servers_take_turns_and_so_do_their_members() -> None:
    """With one place, a busy member of a busy server delays others by one turn."""
    async with placed(FairTurns(1)) as place:
        busy, calm, other = Requester(1, 1), Requester(1, 2), Requester(2, 1)
        for who in (busy, busy, busy, calm, other, other):
            place.ask(who)
            await settle()
        for request in place.requests:
            request.over.set()
        await settle()
        assert [one.who for what, one in place.log if what == "served"] == [busy, busy, other, calm, other, busy]


async def test_one_member_leaves_a_place_to_others() -> None:
    """However much one member asks for, one place of several stays for others."""
    async with placed(FairTurns(4)) as place:
        for _ in range(10):
            place.ask(Requester(1, 1))
        await settle()
        assert len(place.standing()[1]) == 3
        place.ask(Requester(2, 1))
        await settle()
        assert len(place.standing()[1]) == 4


@pytest.mark.parametrize(
    ("others", "who", "reason", "limit"),
    [
        ([Requester(1, 1)] * 3, Requester(1, 1), "member", 2),
        ([Requester(1, 1)] + [Requester(1, number) for number in (1, 2, 3)], Requester(1, 4), "server", 3),
    ],
)
async def test_a_full_line(others: list[Requester], who: Requester, reason: str, limit: int) -> None:
    """A request is refused when too many of its member or its server wait; one without patience waits all the same."""
    async with placed(FairTurns(1)) as place:
        for each in others:
            place.ask(each, WAITING_MAX)
        await settle()
        with pytest.raises(NoTurn) as refused:
            async with place.turns.turn(who, WAITING_MAX):
                pass
        assert (refused.value.reason, refused.value.limit) == (reason, limit)
        patient, stranger = place.ask(who), place.ask(Requester(2, 1), WAITING_MAX)
        await settle()
        assert {patient.number, stranger.number} <= {one.number for one in place.standing()[0]}


async def test_no_turn_in_time() -> None:
    """A request whose time is over leaves the line, and the place goes to the next."""
    async with placed(FairTurns(1)) as place:
        first, _ = place.ask(Requester(1, 1)), await settle()
        with pytest.raises(NoTurn, match="time"):
            async with place.turns.turn(Requester(2, 1), Patience(wait_s=0.0, member_max=1, server_max=1)):
                pass
        later = place.ask(Requester(3, 1))
        first.over.set()
        await settle()
        assert place.standing()[1] == [later]


async def test_a_turn_that_is_given_up() -> None:
    """A waiter who is cancelled leaves the line, and a turn given to one in vain goes to the same member's next."""
    async with placed(FairTurns(1)) as place:
        holding, first, second = place.ask(Requester(1, 1)), place.ask(Requester(2, 1)), place.ask(Requester(2, 1))
        place.ask(Requester(3, 1))
        await settle()
        holding.over.set()
        await settle(1)
        assert first.task is not None
        first.task.cancel()
        await settle()
        assert place.standing()[1] == [second]
        asked = place.ask(Requester(1, 2), Patience(wait_s=60, member_max=1, server_max=1))
        await settle()
        assert asked.task is not None
        asked.task.cancel()
        await settle()
        again = place.ask(Requester(1, 2), Patience(wait_s=60, member_max=1, server_max=1))
        await settle()
        assert again in place.standing()[0]


async def test_how_many_wait_and_hold() -> None:
    """Places with a name say how many of them are taken and how many requests wait; without one they are not listed."""
    turns, unnamed = FairTurns(2, name="a place"), FairTurns(1)
    assert (turns.waiting, turns.held) == (0, 0)
    async with turns.turn(MEMBERS[0]), turns.turn(MEMBERS[3]):
        waiting = [asyncio.create_task(turns._enter(member, None)) for member in MEMBERS[:3]]
        await asyncio.sleep(0)
        assert (turns.waiting, turns.held) == (3, 2)
    assert (turns.waiting, turns.held) == (1, 2)
    waiting[2].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert turns.waiting == 0
    assert turns in named_turns()
    assert unnamed not in named_turns()
