"""Which part of a PostgreSQL database is this process's: advisory locks, in a session of their own.

A lock is held as long as its session lives (https://www.postgresql.org/docs/current/explicit-locking.html), so those of
a process that died are free at once, and those of a machine that vanished within 30 s. A process that is stopped or
hangs keeps its connection, so the server also ends a session with shards that asked nothing for `SILENT_S`. The locks,
as pairs of numbers:

- (730501, shard): the shard's jobs are this process's.
- (730502, count): shared by the processes of this many shards; (730502, 0) is the one process that does everything.

A process of an older version holds (730501, 0) alone, for everything.

Session starts at Discord are noted in the same session, so that only who has its locks begins one.
"""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

from bot.errors import OwnershipLost, StorageUnreachable
from bot.sharding import WHOLE, ShardPlan, to_claim
from bot.storage.postgres_session import DATABASE_ERRORS, KEEPALIVE, connection_trouble
from bot.units import counted

_Session: TypeAlias = Any  # asyncpg has no type annotations
_asyncpg: Any = asyncpg

SHARD, COUNT = 730501, 730502
AGAIN_S = 0.1  # between two looks whether the last owner has ended
FRESH_S = 10.0  # less than the server takes to free the locks of a session that is cut off
SILENT_S = 30.0  # more than between two looks of a process that works

_EVERYTHING = f"SELECT pg_try_advisory_lock({COUNT}, 0) AND pg_try_advisory_lock({SHARD}, 0)"
_AGREE = f"SELECT pg_try_advisory_lock_shared({COUNT}, $1)"
_LOCKED = f"""
SELECT pid, classid::bigint AS kind, objid::bigint AS number FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid IN ({SHARD}, {COUNT})
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""  # noqa: S608 - constants of this module
_TAKE = f"SELECT shard FROM unnest($1::int[]) AS shard WHERE pg_try_advisory_lock({SHARD}, shard)"  # noqa: S608 - likewise
_GIVE_BACK = f"SELECT pg_advisory_unlock({SHARD}, shard) FROM unnest($1::int[]) AS shard"  # noqa: S608 - likewise
_FORGET_OTHERS = "DELETE FROM claims WHERE part NOT LIKE $1"  # of another number of shards
_CLAIM = """
INSERT INTO claims (part, owner, at) SELECT part, $2, $3 FROM unnest($1::text[]) AS part
ON CONFLICT (part) DO UPDATE SET owner = excluded.owner, at = excluded.at"""
# Through the table of settings: before PostgreSQL 14 there is none of this name, and that is no error.
_END_IF_SILENT = """
SELECT set_config(name, $1, false) FROM pg_settings WHERE name = 'idle_session_timeout'"""
# The server's clock, read once the row is locked: of two that come at once the second sees the time of the first.
_NOW = "extract(epoch FROM clock_timestamp())::float8"
_START = f"""
WITH begun AS (
    INSERT INTO session_starts AS last (bucket, at) VALUES ($1, {_NOW})
    ON CONFLICT (bucket) DO UPDATE SET at = {_NOW} WHERE {_NOW} - last.at NOT BETWEEN 0 AND $2
    RETURNING at
)
SELECT 0.0::float8 AS wait_s FROM begun
UNION ALL SELECT greatest(at + $2 - {_NOW}, {AGAIN_S}) FROM session_starts
WHERE bucket = $1 AND NOT EXISTS (SELECT FROM begun)"""  # noqa: S608 - likewise
_CLAIMED = "SELECT part FROM claims WHERE owner = $1"
_RETAKEN = "Another Wanda took over while the connection to PostgreSQL was interrupted."


class Ownership:
    """The locks of one process. `plan` says whether it is to have everything, or the shards that are free.

    `held` are the shards it has. After an OwnershipLost it has none and gets none any more.
    """

    def __init__(self, url: str, plan: ShardPlan = WHOLE, *, timeout_s: float) -> None:
        self.plan = plan
        self.held: frozenset[int] = frozenset()
        self._url = url
        self._timeout_s = timeout_s
        self._owner = f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(4)}"
        self._session: _Session = None
        self._turn = asyncio.Lock()
        self._checked_at = 0.0
        self._is_claimed = False  # whether a row in `claims` says so
        self._has_begun = False
        self._lost: OwnershipLost | None = None
        self._heard: dict[str, Callable[[str], None]] = {}

    async def begin(self, *, patience_s: float) -> None:
        """Agree with the other processes; a last owner of everything has `patience_s` to end.

        Raises:
            OwnershipLost: others have the database, or work with another number of shards.
            StorageError: the server cannot be asked.
        """
        give_up_at = time.monotonic() + patience_s
        while True:
            try:
                await self.ensure()
            except OwnershipLost:
                if time.monotonic() >= give_up_at:
                    raise
                await asyncio.sleep(AGAIN_S)
            else:
                self._has_begun = True
                return

    async def ensure(self, *, trust_s: float = FRESH_S) -> None:
        """Check that this process has what it had; if the session broke, take it again.

        An answer of the server that is not older than `trust_s` counts.

        Raises:
            OwnershipLost: another process has, or had, some of it.
            StorageError: the server cannot be asked.
        """
        if self._lost is not None:
            raise self._lost
        if not self._is_fresh(trust_s):
            async with self._in_session() as session:
                if not self._is_fresh(trust_s):
                    await session.execute("SELECT 1")
                    self._checked_at = time.monotonic()

    @property
    def unchecked_s(self) -> float:
        """How long ago the server last answered, in seconds."""
        return time.monotonic() - self._checked_at

    def _is_fresh(self, trust_s: float) -> bool:
        session = self._session
        return session is not None and not session.is_closed() and self.unchecked_s < trust_s

    async def claim(self, *, most: int, trust_s: float = 0.0) -> frozenset[int]:
        """Take shards that are free, up to `most` with those it has (0: no bound); returns the new ones.

        Call it when the database has its tables. With the plan for everything it only notes that. Where there is no
        room for more it checks that the locks are still there, as `ensure` does.

        Raises:
            OwnershipLost, StorageError: as `ensure`.
        """
        async with self._in_session() as session:
            if self.plan.is_whole:
                await self._note(session, self._parts(()))
                return frozenset()
            has_room = to_claim(self.plan, held=self.held, taken=(), most=most)
            if not has_room and self._is_fresh(trust_s):
                return frozenset()
            locked = await (session.fetch(_LOCKED) if has_room else session.fetch("SELECT 1"))
            self._checked_at = time.monotonic()
            if not has_room:
                return frozenset()
            taken = {row["number"] for row in locked if row["kind"] == SHARD}
            wanted = to_claim(self.plan, held=self.held, taken=taken, most=most)
            if not wanted:
                return frozenset()
            try:
                got = frozenset(row["shard"] for row in await session.fetch(_TAKE, wanted))
                await self._note(session, self._parts(got))
                await _end_if_silent(session)
            except BaseException:
                await _give_back(session, wanted)
                raise
            self.held |= got
            return got

    def _parts(self, shards: Collection[int]) -> tuple[str, ...]:
        return ("all",) if self.plan.is_whole else tuple(f"{one}/{self.plan.count}" for one in shards)

    async def _note(self, session: _Session, parts: Collection[str]) -> None:
        async with session.transaction():
            await session.execute(_FORGET_OTHERS, "all" if self.plan.is_whole else f"%/{self.plan.count}")
            await session.execute(_CLAIM, list(parts), self._owner, time.time())
        self._is_claimed = True

    async def start_session(self, bucket: int, every_s: float) -> float:
        """Note that a shard of this bucket identifies now, if none did for `every_s`: 0.0; else return the wait.

        What a process noted stays when it dies, because Discord still counts it.

        Raises:
            OwnershipLost, StorageError: as `ensure`.
        """
        async with self._in_session() as session:
            wait_s = await session.fetchval(_START, bucket, every_s)
            return AGAIN_S if wait_s is None else wait_s  # another one's first row is not seen yet

    async def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Call `heard` with the payload of each notification; with "" when some may have been missed.

        Raises:
            OwnershipLost, StorageError: as `ensure`; it listens once the session stands again.
        """
        self._heard[channel] = heard
        async with self._in_session() as session:
            await _listen(session, channel, heard)

    @asynccontextmanager
    async def _in_session(self) -> AsyncGenerator[_Session, None]:
        """Lend the session, made anew if it broke; a session takes one question at a time."""
        if self._lost is not None:
            raise self._lost
        try:
            # Includes the wait for `_turn`: while the server is silent, each caller ahead holds it until its timeout.
            async with asyncio.timeout(2 * self._timeout_s), self._turn:
                if self._session is None or self._session.is_closed():
                    self._session = await self._take()
                    self._checked_at = time.monotonic()
                try:
                    yield self._session
                except DATABASE_ERRORS:
                    # What does not answer is of no use; the next session finds out whether the locks are still ours.
                    session, self._session = self._session, None
                    session.terminate()
                    raise
        except OwnershipLost as lost:
            if self._has_begun:
                self._lost, self.held = lost, frozenset()
            raise
        except (*DATABASE_ERRORS, ValueError) as error:
            raise connection_trouble(error) from error

    async def _take(self) -> _Session:
        """Make a session that has the locks this process has.

        Raises:
            OwnershipLost: as `begin`.
        """
        session: _Session = await _asyncpg.connect(
            self._url,
            timeout=self._timeout_s,
            command_timeout=self._timeout_s,
            server_settings={"application_name": "wanda owner"} | KEEPALIVE,
        )
        try:
            await self._lock(session)
            if self.held:
                await _end_if_silent(session)
            for channel, heard in self._heard.items():
                await _listen(session, channel, heard)
                heard("")
        except BaseException:
            session.terminate()
            raise
        return session

    async def _lock(self, session: _Session) -> None:
        """Lock what this process has, then look at who else is there: of two that come at once, each sees the other."""
        count = self.plan.count
        got = await (session.fetchval(_EVERYTHING) if count is None else session.fetchval(_AGREE, count))
        locked = await session.fetch(_LOCKED)
        agreed = {row["pid"]: row["number"] for row in locked if row["kind"] == COUNT}
        others = {number for number in agreed.values() if number != (count or 0)}
        older = {row["pid"] for row in locked if row["kind"] == SHARD}.difference(agreed)
        if others or older:
            raise OwnershipLost(_refusal(self.plan, max(others, default=0)))
        again = frozenset(row["shard"] for row in await session.fetch(_TAKE, list(self.held)))
        got = got and again == self.held
        if self._is_claimed:
            noted = {row["part"] for row in await session.fetch(_CLAIMED, self._owner)}
            if not noted.issuperset(self._parts(self.held)):
                raise OwnershipLost(_RETAKEN)
            if not got:
                raise StorageUnreachable("PostgreSQL has not yet noticed that the connection with our locks is gone.")
        elif not got:
            raise OwnershipLost(_refusal(self.plan, 0))

    async def give_up(self) -> None:
        """Release all locks by closing the session."""
        session, self._session = self._session, None
        self.held = frozenset()
        self._lost = OwnershipLost("Wanda has given up her part of the database, because she ends.")
        if session is not None:
            try:
                await session.close(timeout=self._timeout_s)
            except DATABASE_ERRORS:
                session.terminate()


async def _end_if_silent(session: _Session) -> None:
    """Have the server end the session when it asked nothing for so long."""
    await session.execute(_END_IF_SILENT, f"{SILENT_S * 1000:.0f}")  # in milliseconds


async def _give_back(session: _Session, shards: Collection[int]) -> None:
    """Free these locks, also those that the server gave in an answer that nobody waited for."""
    try:
        await session.execute(_GIVE_BACK, list(shards))
    except DATABASE_ERRORS:
        session.terminate()


async def _listen(session: _Session, channel: str, heard: Callable[[str], None]) -> None:
    def forward(_session: _Session, _pid: int, _channel: str, payload: str) -> None:
        heard(payload)

    await session.add_listener(channel, forward)


def _refusal(plan: ShardPlan, count: int) -> str:
    """Return why the process cannot work beside the others, which have `count` shards (0: one has everything)."""
    if count and plan.count:
        return (
            f"Another Wanda works with {count} shards in this PostgreSQL database, and this one is to work with "
            f"{plan.count}. All need the same number in WANDA_SHARDS: stop the others first, then start all anew."
        )
    if count:
        return (
            f"Others already work with this PostgreSQL database, in {counted(count, 'shard')}: stop them first, or let "
            f"this process run beside them with WANDA_SHARDS=auto/{count}."
        )
    return (
        "Another Wanda already works with this PostgreSQL database: stop it first, or give this one a database "
        "of its own in DATABASE_URL."
    )
