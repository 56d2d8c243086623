"""How many round trips to PostgreSQL an ordinary job takes: each is time in which its server's turn is held."""

from collections.abc import Iterator
from typing import Any

import pytest

from bot.fal.wire.types import FalStatus
from bot.jobs import acceptance, acknowledgements, events, queries, transactions
from bot.jobs.acknowledgements import Acknowledgement
from bot.jobs.events import Event
from bot.ledger.model import Shipped
from bot.storage.transaction import Alone, Constant, Statement, Transaction, alone
from tests.support.job_samples import ADDRESS, HANDLE, NOW, PICTURE, PLACES, RESULT, a_job
from tests.support.stores import MemoryStore

SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)
ROUND_TRIPS = 36
BEGIN_AND_COMMIT = 2
EVENTS: tuple[Event, ...] = (
    events.Resumed(),
    events.Uploaded((PICTURE,)),
    events.Submitted(HANDLE),
    FalStatus("running"),
    FalStatus("completed"),
    events.Made(RESULT),
    events.VideoPosted(ADDRESS),
)


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    """An empty database."""
    store = MemoryStore()
    yield store
    store.connection.close()


class Trips:
    """Counts the statements of transactions, as the driver of PostgreSQL sends them."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._constants: set[str] = set()
        self.count = 0

    def run(self, transaction: Transaction[Any]) -> Any:
        """Run and commit it."""
        self.count += BEGIN_AND_COMMIT
        return self._store.run(self._counted(transaction))

    def _counted(self, transaction: Transaction[Any]) -> Transaction[Any]:
        answer: Any = None
        while True:
            try:
                statement = transaction.send(answer)
            except StopIteration as end:
                return end.value
            self.count += self._trips_of(statement)
            answer = yield statement

    def _trips_of(self, statement: Statement) -> int:
        if isinstance(statement, Constant):
            is_known = statement.sql in self._constants
            self._constants.add(statement.sql)
            return 0 if is_known else 1
        return 1 - BEGIN_AND_COMMIT if isinstance(statement, Alone) else 1


def _order(trips: Trips, number: int) -> None:
    """Take one job from its order to the posted video."""
    job_id = f"{number:032x}"
    order = Acknowledgement(id=job_id, guild_id=1, channel_id=20, shows="thinking", at=NOW)
    trips.run(alone(acknowledgements.note(order)))
    trips.run(acceptance.accept(a_job(id=job_id), SHIPPED, PLACES))
    trips.run(alone(acknowledgements.drop(job_id)))
    trips.run(alone(queries.typical_seconds("wan27-image:1080p:5")))
    for later, event in enumerate(EVENTS, start=1):
        trips.run(transactions.advance(job_id, event, now=NOW + later))
    job = trips._store.run(queries.get(job_id))
    assert job is not None
    assert job.told


def test_an_ordinary_job(store: MemoryStore) -> None:
    """From the order to the posted video, BEGIN and COMMIT included.

    A process's first job reads the database's key of pseudonyms, and a day's first one opens its budgets.
    """
    counts: list[int] = []
    trips = Trips(store)
    for number in range(2):
        before = trips.count
        _order(trips, number)
        counts.append(trips.count - before)
    assert counts == [ROUND_TRIPS + 2, ROUND_TRIPS]


def test_an_event_writes_its_jobs_row_once(store: MemoryStore) -> None:
    """A step that changes a job writes one row of it, and one that changes nothing writes nothing at all."""
    job = store.run(acceptance.accept(a_job(), SHIPPED, PLACES)).job
    written: list[int] = []
    for event in (*EVENTS[:2], *EVENTS[1:4], EVENTS[3]):
        before = store.connection.total_changes
        store.run(transactions.advance(job.id, event, now=NOW))
        written.append(store.connection.total_changes - before)
    resumed, uploaded, again, submitted, running, running_again = written
    assert (resumed, uploaded, again, running, running_again) == (0, 1, 0, 1, 0)
    assert submitted == 2  # and the request's id, for fal's bill
