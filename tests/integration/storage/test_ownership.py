"""Which process has which shards: locks on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest

from bot.errors import OwnershipLost, SettingsRefused, StorageError
from bot.sharding import shard_plan
from bot.storage.database import open_store
from bot.storage.migrate import SCHEMA_DIR, split
from bot.storage.ownership import Ownership
from sandbox.stage import eventually
from tests.support.stores import PostgresServer, settings_for

_asyncpg: Any = asyncpg

Begin: TypeAlias = Callable[[str], Coroutine[Any, Any, Ownership]]


@pytest.fixture
async def url(postgres_server: PostgresServer) -> str:
    """A database with the tables that say who took what, and which sessions began."""
    made = await postgres_server.new_database()
    connection = await _asyncpg.connect(made)
    for step in (*SCHEMA_DIR.glob("*_claims.sql"), *SCHEMA_DIR.glob("*_session_starts.sql")):
        for statement in split(step.read_text()):
            await connection.execute(statement)
    await connection.close()
    return made


@pytest.fixture
async def begin(url: str) -> AsyncGenerator[Begin, None]:
    """Begin as a process with this setting; all end with the test."""
    async with AsyncExitStack() as stack:

        async def process(shards: str) -> Ownership:
            ownership = Ownership(url, shard_plan(shards), timeout_s=2.0)
            stack.push_async_callback(ownership.give_up)
            await ownership.begin(patience_s=0.0)
            return ownership

        yield process


async def _taken_over(by: Ownership, *, most: int) -> frozenset[int]:
    """Claim until something is free: the server ends a session a moment after its client."""

    async def claimed() -> frozenset[int] | None:
        return await by.claim(most=most) or None

    return await eventually(claimed, what="free shard")


async def _cut(url: str, *, but: Ownership | None = None) -> None:
    """End the sessions of all owners, but one's."""
    spared = 0 if but is None else but._session.get_server_pid()
    connection = await _asyncpg.connect(url)
    await connection.fetch(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'wanda owner' "
        "AND pid <> $1",
        spared,
    )
    await connection.close()


async def test_two_processes_share_what_is_free(begin: Begin) -> None:
    """Each takes shards up to its bound; a third finds none and stands by, until one of them ends."""
    first, second, third = await begin("auto/4"), await begin("auto/4"), await begin("auto/4")
    assert await first.claim(most=2) == {0, 1}
    assert await first.claim(most=2) == frozenset()
    assert await second.claim(most=2) == {2, 3}
    assert await third.claim(most=2) == frozenset()
    await first.give_up()
    assert await _taken_over(third, most=2) == {0, 1}
    assert (second.held, third.held) == ({2, 3}, {0, 1})


async def test_a_process_takes_over_while_it_runs_others(begin: Begin) -> None:
    """Shards that become free go to whoever has room."""
    first, second = await begin("auto/4"), await begin("auto/4")
    await first.claim(most=2)
    await second.claim(most=2)
    await first.give_up()
    assert await _taken_over(second, most=3) == {0}
    assert await second.claim(most=0) == {1}
    assert second.held == {0, 1, 2, 3}


async def test_exact_shards_are_waited_for(begin: Begin) -> None:
    """A second process for the same shards stands by; one for others takes them."""
    first, standby, other = await begin("0-1/4"), await begin("0-1/4"), await begin("2-3/4")
    assert await first.claim(most=0) == {0, 1}
    assert await standby.claim(most=0) == frozenset()
    assert await other.claim(most=0) == {2, 3}
    await first.give_up()
    assert await _taken_over(standby, most=0) == {0, 1}


async def test_everybody_needs_the_same_number_of_shards(url: str, begin: Begin) -> None:
    """With another number servers would have two owners, or none: the second process is refused."""
    first = await begin("auto/4")
    with pytest.raises(OwnershipLost, match=r"works with 4 shards .* to work with 8"):
        await begin("auto/8")
    with pytest.raises(OwnershipLost, match=r"in 4 shards: stop them first, or .* WANDA_SHARDS=auto/4"):
        await begin("all")
    await first.give_up()
    other = Ownership(url, shard_plan("auto/8"), timeout_s=2.0)
    await other.begin(patience_s=20.0)
    await other.give_up()


async def test_one_process_for_everything_leaves_room_for_no_other(begin: Begin) -> None:
    """`all` and shards do not go together, whoever comes first."""
    await begin("all")
    for shards in ("auto/4", "all"):
        with pytest.raises(OwnershipLost, match="Another Wanda already works"):
            await begin(shards)


async def test_an_older_version_has_everything(url: str, begin: Begin) -> None:
    """A version without shards holds one lock; beside it nobody takes shards."""
    older = await _asyncpg.connect(url)
    await older.fetchval("SELECT pg_advisory_lock(730501, 0)")
    for shards in ("auto/4", "all"):
        with pytest.raises(OwnershipLost, match="Another Wanda already works"):
            await begin(shards)
    await older.close()


@pytest.mark.parametrize("shards", ["auto/4", "all"])
async def test_an_interrupted_session_takes_its_locks_again(url: str, begin: Begin, shards: str) -> None:
    """If nobody had them in between, the process goes on."""
    owner = await begin(shards)
    held = await owner.claim(most=0)
    await _cut(url)
    await owner.ensure(trust_s=0.0)
    assert owner.held == held
    with pytest.raises(OwnershipLost):
        await begin("auto/8")


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("shards", ["auto/4", "all"])
async def test_locks_that_another_had_meanwhile_are_lost_for_good(
    url: str, begin: Begin, shards: str, *, ended: bool
) -> None:
    """Also when that one has ended: it may have changed what this process believes to know."""
    owner, other = await begin(shards), Ownership(url, shard_plan(shards), timeout_s=2.0)
    await owner.claim(most=0)
    await _cut(url)
    await other.begin(patience_s=20.0)
    await other.claim(most=0)
    if ended:
        await other.give_up()
    for _ in range(2):
        with pytest.raises(OwnershipLost, match="Another Wanda"):
            await owner.ensure(trust_s=0.0)
        await other.give_up()
    assert owner.held == frozenset()
    with pytest.raises(OwnershipLost):
        await owner.claim(most=0)


async def test_locks_of_a_session_that_hangs_are_waited_for(url: str, begin: Begin) -> None:
    """While the server has not noticed that the old session is gone, the shards are neither lost nor written to."""
    owner = await begin("auto/2")
    await owner.claim(most=0)
    hanging, owner._session = owner._session, None
    with pytest.raises(StorageError, match="has not yet noticed") as caught:
        await owner.ensure(trust_s=0.0)
    assert not isinstance(caught.value, OwnershipLost)
    await hanging.close()
    await owner.ensure(trust_s=0.0)
    assert owner.held == {0, 1}


class _Unanswered:
    """A session whose answer to a claim is still on its way."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.has_claimed = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def fetch(self, sql: str, *args: Any) -> Any:
        rows = await self._session.fetch(sql, *args)
        if "pg_try_advisory_lock" in sql:
            self.has_claimed.set()
            await asyncio.Event().wait()
        return rows


async def test_a_claim_that_is_cut_short_keeps_no_lock(begin: Begin) -> None:
    """Else the shards would be locked, and nobody's: each process takes a lock for the sign of an owner."""
    owner, other = await begin("auto/2"), await begin("auto/2")
    owner._session = unanswered = _Unanswered(owner._session)
    claiming = asyncio.create_task(owner.claim(most=0))
    await unanswered.has_claimed.wait()
    claiming.cancel()
    await asyncio.wait({claiming})
    assert await other.claim(most=0) == {0, 1}


async def test_a_process_that_is_stopped_loses_its_shards(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps its connection, but asks nothing; once it goes on it finds that another one has them."""
    stopped, standby = await begin("auto/4"), await begin("auto/4")
    with monkeypatch.context() as patch:
        patch.setattr("bot.storage.ownership.SILENT_S", 0.5)
        assert await stopped.claim(most=2) == {0, 1}
    assert await standby.claim(most=2) == {2, 3}
    assert await _taken_over(standby, most=4) == {0, 1}
    with pytest.raises(OwnershipLost, match="took over"):
        await stopped.ensure(trust_s=0.0)


async def test_sessions_of_a_bucket_begin_one_after_another(begin: Begin) -> None:
    """Of processes that ask at once one may begin, and the others learn how long to wait; buckets are apart."""
    processes = [await begin("auto/4") for _ in range(4)]
    waits_s = sorted(await asyncio.gather(*(one.start_session(0, 60.0) for one in processes)))
    assert waits_s[0] == 0.0
    assert all(0 < wait_s <= 60.0 for wait_s in waits_s[1:])
    assert await processes[0].start_session(1, 60.0) == 0.0
    assert await processes[1].start_session(0, 0.0) == 0.0


async def test_a_session_start_counts_after_its_process_died(url: str, begin: Begin) -> None:
    """Discord still counts it, and would refuse the next one, which costs the whole time once more."""
    dead, standby = await begin("auto/4"), await begin("auto/4")
    assert await dead.start_session(0, 60.0) == 0.0
    await _cut(url, but=standby)
    assert 30.0 < await standby.start_session(0, 60.0) <= 60.0


async def test_a_clock_that_went_back_keeps_nobody_waiting(url: str, begin: Begin) -> None:
    """A start in the future is no start of the last seconds."""
    owner = await begin("auto/4")
    connection = await _asyncpg.connect(url)
    await connection.execute("INSERT INTO session_starts VALUES (0, extract(epoch FROM now()) + 3600)")
    await connection.close()
    assert await owner.start_session(0, 60.0) == 0.0


async def test_notifications_arrive_and_a_gap_is_told(url: str, begin: Begin) -> None:
    """After the session broke, the listener hears that it may have missed something, and listens on."""
    owner, heard = await begin("auto/2"), asyncio.Queue[str]()
    await owner.listen("wanda_test", heard.put_nowait)
    connection = await _asyncpg.connect(url)
    await connection.execute("NOTIFY wanda_test, 'one'")
    async with asyncio.timeout(20):
        assert await heard.get() == "one"
        await _cut(url)
        await owner.ensure(trust_s=0.0)
        assert await heard.get() == ""
        await connection.execute("NOTIFY wanda_test, 'two'")
        assert await heard.get() == "two"
    await connection.close()


async def test_sqlite_has_one_process(tmp_path: Path) -> None:
    """A file cannot be shared by processes of several machines, so shards are refused with what to do."""
    with pytest.raises(SettingsRefused, match="DATABASE_URL"):
        await open_store(settings_for(tmp_path), shard_plan("auto/4"))
