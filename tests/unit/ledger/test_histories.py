from hypothesis import settings

from tests.support.history_engines import InMemory
from tests.support.ledger_histories import LedgerMachine


class InMemoryLedger(InMemory, LedgerMachine):
    """The ledger in a database in memory."""


TestHistories = InMemoryLedger.TestCase
TestHistories.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=40)
