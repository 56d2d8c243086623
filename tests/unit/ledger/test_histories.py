from functools import partial
from typing import Any

from hypothesis import settings

from bot.storage.batch import execute
from bot.storage.transaction import Transaction
from tests.support.ledger_histories import LedgerMachine, step
from tests.support.stores import MemoryStore


class InMemory(LedgerMachine):
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
        step(transaction, partial(execute, connection.cursor()), statements)
        connection.execute("ROLLBACK")

    def reopen(self) -> None:
        """Do nothing: only the real engines can be reopened (tests/integration/ledger)."""

    def teardown(self) -> None:
        """Close the database."""
        self.store.connection.close()


TestHistories = InMemory.TestCase
TestHistories.settings = settings(stateful_step_count=40)
