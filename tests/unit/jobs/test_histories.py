from hypothesis import settings

from tests.support.history_engines import InMemory
from tests.support.set_histories import SetMachine


class InMemoryJobs(SetMachine, InMemory):
    """Jobs in a database in memory."""


TestHistories = InMemoryJobs.TestCase
TestHistories.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=15)
