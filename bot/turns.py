"""Shares a few places fairly between servers, and within a server between its members.

An `asyncio.Semaphore` serves in the order of asking, so whoever asks a hundred times first makes everybody else wait
for a hundred. Here a free place goes to the next server that waits, and there to the next member; both then go to the
end of their line (round robin). So a server waits for one turn of each other server at most, whatever they ask for.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias
from weakref import WeakSet

from bot.requester import Requester

Shortage: TypeAlias = Literal["member", "server", "time"]
_Ticket: TypeAlias = asyncio.Future[None]  # done once its waiter has a place
_Lines: TypeAlias = OrderedDict[int, OrderedDict[int, deque[_Ticket]]]  # by server and member; the next one is first


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a request waits for its turn, and how many of one member and of one server wait at once."""

    wait_s: float
    member_max: int
    server_max: int


class NoTurn(Exception):  # noqa: N818 - the event
    """A request did not get its turn: too many of its member or server wait already, or none came in time.

    `limit` is how many may wait, or how many seconds one waits.
    """

    def __init__(self, reason: Shortage, limit: float) -> None:
        super().__init__(f"no turn: {reason}, {limit:g}")
        self.reason: Shortage = reason
        self.limit = limit


class FairTurns:
    """`places` that are held for a turn each, at most `each_max` of them by one member.

    Unless it is given, `each_max` is all but one, so that no member alone keeps everybody else waiting. The requests of
    one member are served in the order of asking. Places with a `name` are shown at /metrics.
    """

    def __init__(self, places: int, *, each_max: int | None = None, name: str = "") -> None:
        self.name = name
        if name:
            _named.add(self)
        self._free = places
        self._each_max = max(1, places - 1) if each_max is None else each_max
        self._held: Counter[Requester] = Counter()
        self._lines: _Lines = OrderedDict()

    @asynccontextmanager
    async def turn(self, requester: Requester, patience: Patience | None = None) -> AsyncGenerator[None]:
        """Hold a place for the block; without `patience` the turn is waited for as long as it takes.

        Raises:
            NoTurn: the patience is at its end; no place was taken.
        """
        await self._enter(requester, patience)
        try:
            yield
        finally:
            self._leave(requester)

    @property
    def waiting(self) -> int:
        """How many requests wait for a place."""
        return sum(len(line) for members in self._lines.values() for line in members.values())

    @property
    def held(self) -> int:
        """How many places are taken."""
        return self._held.total()

    def is_free(self, requester: Requester) -> bool:
        """Return whether a turn would begin without a wait."""
        return self._free > 0 and self._held[requester] < self._each_max

    async def _enter(self, requester: Requester, patience: Patience | None) -> None:
        if self.is_free(requester):  # nobody who waits could have the place, or they would have it
            self._take(requester)
            return
        if patience is None:
            await self._wait(requester)
            return
        self._check_lines(requester, patience)
        try:
            async with asyncio.timeout(patience.wait_s):
                await self._wait(requester)
        except TimeoutError:
            raise NoTurn("time", patience.wait_s) from None

    def _check_lines(self, requester: Requester, patience: Patience) -> None:
        members = self._lines.get(requester.guild_id)
        if members is None:
            return
        if len(members.get(requester.member_id, ())) >= patience.member_max:
            raise NoTurn("member", patience.member_max)
        if sum(map(len, members.values())) >= patience.server_max:
            raise NoTurn("server", patience.server_max)

    async def _wait(self, requester: Requester) -> None:
        """Wait in line; a cancelled waiter leaves it, or gives back the place that it was just given."""
        ticket: _Ticket = asyncio.get_running_loop().create_future()
        members = self._lines.setdefault(requester.guild_id, OrderedDict())
        members.setdefault(requester.member_id, deque()).append(ticket)
        try:
            await ticket
        except asyncio.CancelledError:
            if ticket.cancelled():
                self._withdraw(requester, ticket)
            else:
                self._move(requester, last=False)  # the turn was not used, so the next one is still theirs
                self._leave(requester)
            raise

    def _withdraw(self, requester: Requester, ticket: _Ticket) -> None:
        """Remove a cancelled ticket, unless it was passed over and is gone already."""
        members = self._lines.get(requester.guild_id)
        line = None if members is None else members.get(requester.member_id)
        if line is not None and ticket in line:
            line.remove(ticket)
            self._drop_if_empty(requester)

    def _take(self, requester: Requester) -> None:
        self._free -= 1
        self._held[requester] += 1

    def _leave(self, requester: Requester) -> None:
        """Free the member's place, and give it to the next who may have one."""
        self._free += 1
        self._held[requester] -= 1
        if not self._held[requester]:
            del self._held[requester]
        while self._free and (served := next(self._may_have_a_place(), None)) is not None:
            self._serve(served)

    def _may_have_a_place(self) -> Iterator[Requester]:
        """Yield the waiting members in the order of their turns, without those who hold `each_max` places."""
        for guild_id, members in self._lines.items():
            for member_id in members:
                requester = Requester(guild_id, member_id)
                if self._held[requester] < self._each_max:
                    yield requester

    def _serve(self, requester: Requester) -> None:
        """Give a place to the member's first waiter, and move member and server to the end of their lines.

        A waiter that is cancelled, but did not notice it yet, is dropped; its member keeps their turn.
        """
        ticket = self._lines[requester.guild_id][requester.member_id].popleft()
        if not ticket.cancelled():
            self._take(requester)
            ticket.set_result(None)
            self._move(requester, last=True)
        self._drop_if_empty(requester)

    def _move(self, requester: Requester, *, last: bool) -> None:
        """Move the member and the server, if they wait, to the end or the beginning of their lines."""
        members = self._lines.get(requester.guild_id)
        if members is not None:
            self._lines.move_to_end(requester.guild_id, last=last)
            if requester.member_id in members:
                members.move_to_end(requester.member_id, last=last)

    def _drop_if_empty(self, requester: Requester) -> None:
        members = self._lines[requester.guild_id]
        if not members[requester.member_id]:
            del members[requester.member_id]
        if not members:
            del self._lines[requester.guild_id]


_named: WeakSet[FairTurns] = WeakSet()


def named_turns() -> tuple[FairTurns, ...]:
    """Return all places with a name that are in use; several may share one."""
    return tuple(_named)
