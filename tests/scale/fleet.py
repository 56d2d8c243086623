"""Several processes of the bot on one PostgreSQL, in thousands of servers of the stand-in."""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg

from bot.sharding import shard_of
from sandbox.stage import Process
from tests.bench.stands import OPEN_HANDED, Stands
from tests.scale.proxy import Proxy, free_port
from tests.support.process_costs import family_cpu_s
from tests.support.stores import PostgresServer

JOB_S = 2.0
READY_WITHIN_S = 90.0
JOINED_AGO_S = 30 * 86_400.0  # a new server would be greeted
WEBHOOK_RETRY_S = 2.0  # fal waits for longer
IDENTIFY_SLACK = 1.04  # the bot's interval to Discord's, as by default
LOOK_S = 30.0  # a webhook that never came is noticed before the end of a run
BATCH = 500  # servers made with one request
MEMBERS = tuple(f"member-{number}" for number in range(40))
USERS = 20  # more than there are processes
OWNERSHIP_LOCK = 730501
LOGGED_SHARE = 0.1  # of the transactions, whose statements PostgreSQL logs to be counted
# What the operator's PostgreSQL does as it comes, and a log of statements.
_POSTGRES = (
    *("-c", f"log_transaction_sample_rate={LOGGED_SHARE}", "-c", "log_parameter_max_length=0"),
    *("-c", "shared_buffers=128MB", "-c", "max_connections=200"),
)
_asyncpg: Any = asyncpg


@dataclass(frozen=True, slots=True)
class Server:
    """A server of the stand-in with one channel, by their ids."""

    id: int
    channel: str
    members: tuple[str, ...]


@dataclass(slots=True)
class Replica:
    """One process of the bot; the one that is started in its place has the same number and folder."""

    number: int
    process: Process
    port: int

    @property
    def name(self) -> str:
        """Its user in PostgreSQL, by which the list of sessions tells the processes apart."""
        return f"wanda_{self.number}"


class Fleet:
    """PostgreSQL, both stand-ins and the processes of the bot; leaving the context stops all of them."""

    def __init__(
        self, folder: Path, *, shards: int, shards_each: int, identify_every_s: float, has_webhooks: bool = False
    ) -> None:
        """`shards_each` is the most that one process takes. `identify_every_s` is Discord's; the bot waits longer.

        With webhooks no job is followed: fal calls through a proxy that knows all processes.
        """
        self.shards = shards
        self.servers: list[Server] = []
        self.replicas: list[Replica] = []
        self.questions: set[str | None] = set()  # the answers to commands that change nothing
        self.stands = Stands(folder, seconds_per_job=JOB_S)
        self._folder = folder
        self._shards_each = shards_each
        self._identify_every_s = identify_every_s
        self._proxy = Proxy(lambda: [replica.port for replica in self.replicas]) if has_webhooks else None
        self._stack = AsyncExitStack()
        self._home = Path()
        self._url = ""
        self._database: Any = None
        self._postgres: PostgresServer

    async def __aenter__(self) -> Self:
        """Start PostgreSQL and the stand-ins, but no bot."""
        try:
            # A socket's path has at most 107 characters, so not below a long folder.
            self._home = Path(tempfile.mkdtemp(prefix="wanda-pg-"))
            self._stack.callback(shutil.rmtree, self._home, ignore_errors=True)
            self._postgres = PostgresServer(self._home, options=_POSTGRES)
            self._stack.callback(self._postgres.stop)
            await asyncio.to_thread(self._postgres.start)
            self._url = await self._postgres.new_database()
            self._database = await _asyncpg.create_pool(self._url, min_size=1, max_size=2)
            self._stack.push_async_callback(self._database.close)
            for number in range(USERS):
                await self._database.execute(f"CREATE ROLE wanda_{number} SUPERUSER LOGIN")
            await self._stack.enter_async_context(self.stands)
            if self._proxy is not None:
                await self._stack.enter_async_context(self._proxy)
                await self.stands.fal.post("settings", {"webhook_retry_s": WEBHOOK_RETRY_S})
            self._stack.push_async_callback(self._stop_all)
            await self.limit_gateway(identify_interval_s=self._identify_every_s, shards=self.shards)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the bots, the stand-ins and PostgreSQL."""
        await self._stack.aclose()

    async def _stop_all(self) -> None:
        await asyncio.gather(*(replica.process.stop() for replica in self.replicas))

    async def limit_gateway(self, **limits: Any) -> None:
        """Set limits of the stand-in's gateway; as at Discord, an older session of a shard goes on by default."""
        await self.stands.discord.post("gateway", {"action": "limits", "closes_older_session": False, **limits})

    async def add_servers(self, count: int) -> None:
        """Add servers with one channel and three members each, out of `MEMBERS`."""
        rows = iter(
            {
                "name": f"Server {number}",
                "members": [MEMBERS[(3 * number + place) % len(MEMBERS)] for place in range(3)],
                "system_channel": "general",
                "joined_ago_s": JOINED_AGO_S,
            }
            for number in range(count)
        )
        while batch := list(islice(rows, BATCH)):
            made = (await self.stands.discord.post("world", {"servers": batch}))["servers"]
            self.servers += [Server(int(row["id"]), row["system_channel_id"], tuple(row["members"])) for row in made]

    async def start(self, number: int, **settings: str) -> Replica:
        """Start the process of this number, in the place of one that ended, without waiting for it."""
        port = free_port() if self._proxy else 0
        env = {
            **self.stands.environment,
            **OPEN_HANDED,
            "DATABASE_URL": self._url.replace("postgres@", f"wanda_{number}@", 1),
            "WANDA_DATA_DIR": str(self._folder / f"process-{number}"),
            "WANDA_FILES_URL": (self._folder / "files").as_uri(),
            "WANDA_SHARDS": f"auto/{self.shards}",
            "WANDA_SHARDS_MAX": str(self._shards_each),
            "WANDA_IDENTIFY_EVERY_S": str(self._identify_every_s * IDENTIFY_SLACK),
            "WANDA_FRUITLESS_MAX": "1000",
            **self._webhook_settings(port),
            **settings,
        }
        process = await Process.start(f"wanda_{number}", "-m", "bot", "run", env=env)
        self.replicas = [one for one in self.replicas if one.number != number]
        self.replicas.append(Replica(number, process, port))
        return self.replicas[-1]

    def _webhook_settings(self, port: int) -> dict[str, str]:
        if self._proxy is None:
            return {}
        return {
            "WANDA_WEB_PORT": str(port),
            "WANDA_PUBLIC_URL": self._proxy.url,
            "WANDA_FAL_STREAMS_MAX": "0",
            "WANDA_FAL_LOOK_S": str(LOOK_S),
        }

    async def held(self) -> dict[str, list[int]]:
        """Return which shards each process holds, by its name: its locks in PostgreSQL."""
        found = await self.query(
            "SELECT s.usename, l.objid::int FROM pg_locks l JOIN pg_stat_activity s USING (pid) "
            "WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1 AND l.objsubid = 2",
            OWNERSHIP_LOCK,
        )
        holding: dict[str, list[int]] = {}
        for name, shard in found:
            holding.setdefault(name, []).append(shard)
        return holding

    def on_shards(self, shards: Sequence[int]) -> list[Server]:
        """Return the servers on these shards."""
        return [server for server in self.servers if shard_of(server.id, self.shards) in shards]

    async def query(self, sql: str, *values: Any) -> list[Any]:
        """Return the rows of a query on the bots' database."""
        return await self._database.fetch(sql, *values)

    async def ledger(self) -> tuple[int, str]:
        """Run `python -m bot ledger`; returns its exit status and its last line, which is the verdict."""
        env = {"DATABASE_URL": self._url, "WANDA_DATA_DIR": str(self._folder / "ledger")}
        process = await Process.start("ledger", "-m", "bot", "ledger", env=env)
        status = await process.ended(within_s=READY_WITHIN_S)
        return status, process.lines[-1] if process.lines else ""

    def cpu_s(self) -> dict[str, float]:
        """Return the processor seconds so far of the bots together, PostgreSQL and each stand-in."""
        bots = sum(family_cpu_s(replica.process.pid) for replica in self.replicas)
        postmaster = int((self._home / "data" / "postmaster.pid").read_text().split()[0])
        return {"bots": bots, "PostgreSQL": family_cpu_s(postmaster), **self.stands.cpu_s()}

    def statements_logged(self) -> int:
        """Return how many statements are in PostgreSQL's log, which has those of `LOGGED_SHARE` of the transactions."""
        with (self._home / "log").open("rb") as log:
            return sum(b"duration: " in line and (b"execute " in line or b"statement: " in line) for line in log)
