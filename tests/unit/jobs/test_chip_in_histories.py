"""In any history of jobs and chip-ins budgets hold, sums are right, and every share ends once, with its job."""

from hypothesis import settings

from tests.support.chip_in_histories import ChipInMachine
from tests.support.history_engines import InMemory


class InMemoryChipIns(ChipInMachine, InMemory):
    """Jobs and chip-ins in a database in memory."""


TestHistories = InMemoryChipIns.TestCase
TestHistories.settings = settings(max_examples=settings().max_examples // 5, stateful_step_count=20)
