from hypothesis import settings

from tests.support.history_engines import InMemory
from tests.support.ledger_histories import LedgerMachine


class InMemoryLedger(InMemory, LedgerMachine):
    """The ledger in a database in memory."""


TestHistories = InMemoryLedger.TestCase
TestHistories.settings = settings(stateful_step_count=40)
