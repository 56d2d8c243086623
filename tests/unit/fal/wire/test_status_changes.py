import json

from bot.fal.wire.backoff import wait_s
from bot.fal.wire.protocol import StatusDocument, read_event
from bot.fal.wire.status_changes import LOGS_KEPT, StatusChanges
from bot.fal.wire.types import FalStatus


def queued(position: int) -> StatusDocument:
    """A request in the queue."""
    return StatusDocument(status="IN_QUEUE", queue_position=position)


def running(*lines: str) -> StatusDocument:
    """A running request that printed `lines`."""
    logs = [{"timestamp": line, "message": line} for line in lines]
    return read_event(json.dumps({"status": "IN_PROGRESS", "logs": logs}).encode())


def test_only_changes() -> None:
    """A repeated status is no change; a move back to the queue is one, and resets the progress."""
    changes = StatusChanges()
    documents = [
        queued(3),
        queued(3),
        queued(2),
        running(),
        running("1/2"),
        running("1/2"),
        queued(0),
        running(),
        StatusDocument(status="COMPLETED"),
    ]
    assert [changes.take(document) for document in documents] == [
        FalStatus("queued", position=3),
        None,
        FalStatus("queued", position=2),
        FalStatus("running"),
        FalStatus("running", fraction=0.5),
        None,
        FalStatus("queued", position=0),
        FalStatus("running"),
        FalStatus("completed"),
    ]


def test_logs_join() -> None:
    """Polls repeat all lines and streams send only new ones; either way a line is new once, and progress stays."""
    changes = StatusChanges()
    quarter = FalStatus("running", fraction=0.25)
    assert changes.take(running("a", "1/4")) == quarter
    assert changes.take(running("a", "1/4", "b")) == quarter
    assert changes.take(running("b", "c")) == quarter
    assert changes.take(running("a", "1/4", "b", "c")) is None
    assert changes.take(running(*(f"line {n}" for n in range(100)))) == quarter
    assert changes.take(running(*(f"line {n}" for n in range(100 - LOGS_KEPT, 100)))) is None
    assert changes.take(running("0/4")) == FalStatus("running", fraction=0.0)


def test_waits_grow() -> None:
    """Waits double up to a maximum, minus up to half at random, for any number of attempts."""
    full = [wait_s(n, least_s=2, most_s=20, random=lambda: 0.0) for n in (0, 1, 2, 3, 4, 10_000)]
    assert full == [2, 4, 8, 16, 20, 20]
    assert wait_s(1, least_s=2, most_s=20, random=lambda: 1.0) == 2
