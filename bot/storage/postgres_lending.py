"""Lends a pool's connections to transactions, in the order of asking.

While others wait, a connection passes from one to the next without the pool, and the COMMIT of the one and the BEGIN of
the other are one round trip.
"""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.storage.postgres_session import DATABASE_ERRORS

_Pool: TypeAlias = Any  # asyncpg has no type annotations
_Connection: TypeAlias = Any
WRITE = "BEGIN"
READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
ALONE = ""  # a statement that is a transaction by itself


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Who waits for a connection, in the transaction that `begin` begins or in none; given None, to ask the pool."""

    begin: str
    given: asyncio.Future[_Connection | None]

    def leave(self) -> bool:
        """Wait no longer; return whether something was given at the last moment."""
        return not self.given.cancel() and not self.given.cancelled()


class Lending:
    """The connections of a pool that has `size` of them, which nobody else takes any from."""

    def __init__(self, pool: _Pool, *, size: int, timeout_s: float) -> None:
        self._pool = pool
        self._size = size
        self._free = size
        self._timeout_s = timeout_s
        self._line: deque[_Waiting] = deque()
        self._all_back = asyncio.Event()
        self._all_back.set()

    async def begin(self, begin: str) -> _Connection:
        """Return a connection in a transaction that `begin` began; `commit` or `roll_back` takes it back.

        Raises:
            TimeoutError: none came in time.
            asyncpg's errors: as its own `acquire` and `execute`.
        """
        connection: _Connection = None
        if self._free:
            self._free -= 1
            self._all_back.clear()
        else:
            connection = await self._wait(begin)
        if connection is None:
            try:
                connection = await self._pool.acquire(timeout=self._timeout_s)
            except BaseException:
                self._pass_on()
                raise
        if begin and not connection.is_in_transaction():
            try:
                await connection.execute(begin)
            except BaseException:
                await self.roll_back(connection)
                raise
        return connection

    async def _wait(self, begin: str) -> _Connection | None:
        waiting = _Waiting(begin, asyncio.get_running_loop().create_future())
        self._line.append(waiting)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await waiting.given
        except BaseException:
            if waiting.leave():
                given = waiting.given.result()
                if given is None:
                    self._pass_on()
                else:
                    await self.roll_back(given)
            raise

    async def commit(self, connection: _Connection, begun: str) -> None:
        """Commit what `begun` began, which is durable then; raises as asyncpg's `execute`."""
        following = self._next()
        if begun:
            try:
                await connection.execute(f"COMMIT; {following.begin}" if following and following.begin else "COMMIT")
            except BaseException:
                if following is not None:
                    self._line.appendleft(following)
                await self.roll_back(connection)
                raise
        if following is None:
            await self._give_back(connection)
        elif following.given.done():  # they gave up meanwhile
            await self.roll_back(connection)
        else:
            following.given.set_result(connection)

    async def roll_back(self, connection: _Connection) -> None:
        """Undo what was begun, also on a connection that has broken."""
        try:
            await connection.execute("ROLLBACK")
        except DATABASE_ERRORS:
            with suppress(*DATABASE_ERRORS):
                connection.terminate()  # with its session the server ends the transaction
        finally:
            await self._give_back(connection)

    async def _give_back(self, connection: _Connection) -> None:
        try:
            with suppress(*DATABASE_ERRORS):  # then asyncpg has closed it
                await self._pool.release(connection, timeout=self._timeout_s)
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        """Let the next one take a connection from the pool."""
        following = self._next()
        if following is not None:
            following.given.set_result(None)
            return
        self._free += 1
        if self._free == self._size:
            self._all_back.set()

    def _next(self) -> _Waiting | None:
        while self._line:
            waiting = self._line.popleft()
            if not waiting.given.done():
                return waiting
        return None

    async def all_back(self) -> None:
        """Return when no connection is lent any more."""
        await self._all_back.wait()
