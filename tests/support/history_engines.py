"""Where random histories run: in memory, and on both real engines. Each says how it crashes before a commit."""

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from types import new_class
from typing import Any, ClassVar

import asyncpg
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.errors import Refusal
from bot.settings import StorageSettings
from bot.storage.batch import execute
from bot.storage.database import open_store
from bot.storage.postgres import answer
from bot.storage.transaction import Statement, Transaction
from tests.support.histories import History
from tests.support.naive_ledger import Caps
from tests.support.stores import MemoryStore

_asyncpg: Any = asyncpg


class InMemory(History):
    """The ledger in a database in memory, whose crash is a rollback."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()

    def run(self, transaction: Transaction[Any]) -> Any:
        """Run and commit."""
        return self.store.run(transaction)

    def crash(self, transaction: Transaction[Any], statements: int) -> None:
        """Roll back what the first statements did."""
        connection = self.store.connection
        connection.execute("BEGIN")
        _step(transaction, partial(execute, connection.cursor()), statements)
        connection.execute("ROLLBACK")

    def reopen(self) -> None:
        """Do nothing: only the real engines can be reopened (tests/integration/ledger)."""

    def teardown(self) -> None:
        """Close the database."""
        self.store.connection.close()


class OnDisk(History):
    """The ledger in a real database; a crash drops the connection in the middle of a transaction."""

    database: StorageSettings
    caps: ClassVar[Caps] = Caps(total_cap=None)  # histories share a database, and so would share a cap over all

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = self.runner.run(open_store(self.database))

    def run(self, transaction: Transaction[Any]) -> Any:
        """Run and commit."""
        return self.runner.run(self._write(transaction))

    async def _write(self, transaction: Transaction[Any]) -> Any:
        return await self.store.write(transaction)

    def crash(self, transaction: Transaction[Any], statements: int) -> None:
        """Run the first statements on a new connection, and close it abruptly."""
        if self.database.database_url:
            self.runner.run(self._crash_postgres(transaction, statements))
            return
        connection = sqlite3.connect(self.database.data_dir / "wanda.db", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        _step(transaction, partial(execute, connection.cursor()), statements)
        connection.close()

    async def _crash_postgres(self, transaction: Transaction[Any], statements: int) -> None:
        connection = await _asyncpg.connect(self.database.database_url)
        try:
            await connection.transaction().start()
            await _step_slowly(connection, transaction, statements)
        finally:
            connection.terminate()

    def reopen(self) -> None:
        """Close the store, and open the same database."""
        self.runner.run(self.store.close())
        self.store = self.runner.run(open_store(self.database))

    def teardown(self) -> None:
        """Close everything."""
        self.runner.run(self.store.close())
        self.runner.close()


def run_on_disk(histories: type[History], database: StorageSettings, *, examples_share: float, steps: int) -> None:
    """Run histories of this kind in this database, a share of the profile's examples because each one opens it."""
    here: Any = new_class("OnDiskHistories", (histories, OnDisk))
    here.database = database
    chosen = settings(
        max_examples=int(settings().max_examples * examples_share),
        stateful_step_count=steps,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(here, settings=chosen)


async def _step_slowly(connection: Any, transaction: Transaction[Any], statements: int) -> None:
    try:
        statement = next(transaction)
        for _ in range(statements):
            statement = transaction.send(await answer(connection, statement))
    except (StopIteration, Refusal, LookupError):
        pass
    finally:
        transaction.close()


def _step(transaction: Transaction[Any], answers: Callable[[Statement], Any], statements: int) -> None:
    """Run a transaction's first statements with `answers(statement)`, then drop it."""
    try:
        statement = next(transaction)
        for _ in range(statements):
            statement = transaction.send(answers(statement))
    except (StopIteration, Refusal, LookupError):
        pass
    finally:
        transaction.close()
