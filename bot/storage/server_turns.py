"""One turn per server, held by one transaction at a time; the others of the same server wait in the order of asking.

A transaction that waits for a row keeps its connection, so without turns one busy server would have all of them. Who
has a connection waits for nobody's turn: so a turn is taken before a connection, and only one of them.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from bot.errors import StorageError


class ServerTurns:
    """The turns of all servers. It remembers only servers whose turn is held or waited for."""

    def __init__(self, *, wait_max_s: float) -> None:
        self._wait_max_s = wait_max_s
        self._locks: dict[int, asyncio.Lock] = {}
        self._asking: dict[int, int] = {}  # how many hold a server's turn or wait for it

    def __len__(self) -> int:
        return len(self._locks)

    @asynccontextmanager
    async def turn(self, guild_id: int | None) -> AsyncGenerator[None]:
        """Hold the server's turn for the block; None is no server and does not wait.

        Raises:
            StorageError: the turn did not come within `wait_max_s`.
        """
        if guild_id is None:
            yield
            return
        lock = self._locks.setdefault(guild_id, asyncio.Lock())
        self._asking[guild_id] = self._asking.get(guild_id, 0) + 1
        try:
            if self._asking[guild_id] == 1:
                await lock.acquire()  # nobody has it
            else:
                await self._acquire(lock)
            try:
                yield
            finally:
                lock.release()
        finally:
            self._asking[guild_id] -= 1
            if not self._asking[guild_id]:
                del self._asking[guild_id], self._locks[guild_id]

    async def _acquire(self, lock: asyncio.Lock) -> None:
        try:
            async with asyncio.timeout(self._wait_max_s):
                await lock.acquire()
        except TimeoutError as error:
            raise StorageError(
                f"The database is too busy: this server's transactions waited for {self._wait_max_s:g} s."
            ) from error
