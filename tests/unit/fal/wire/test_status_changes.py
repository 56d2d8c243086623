from bot.fal.wire.backoff import wait_s
from bot.fal.wire.status_changes import LOGS_KEPT, Changes
from bot.fal.wire.types import Completed, LogLine, Queued, Running, Status


def running(*lines: str) -> Status:
    """A running request that printed `lines`."""
    return Status(state="IN_PROGRESS", logs=tuple(LogLine(line, line) for line in lines))


def test_only_changes() -> None:
    """What was told is not told again; a move back to the queue is told, and forgets the lost runner's progress."""
    changes = Changes()
    seen = [
        changes.take(status)
        for status in (
            Status(state="IN_QUEUE", position=3),
            Status(state="IN_QUEUE", position=3),
            Status(state="IN_QUEUE", position=2),
            running(),
            running("1/2"),
            running("1/2"),
            Status(state="IN_QUEUE", position=0),
            running(),
            Status(state="COMPLETED", inference_s=2.5),
        )
    ]
    assert seen == [
        Queued(3),
        None,
        Queued(2),
        Running(),
        Running(("1/2",), 0.5),
        None,
        Queued(0),
        Running(),
        Completed(None, None, 2.5),
    ]


def test_logs_join() -> None:
    """Polls repeat every line and streams send only new ones: either way each line stands once, the newest are kept."""
    changes = Changes()
    changes.take(running("a", "1/4"))
    assert changes.take(running("a", "1/4", "b")) == Running(("a", "1/4", "b"), 0.25)
    assert changes.take(running("c")) == Running(("a", "1/4", "b", "c"), 0.25)
    many = changes.take(running(*(f"line {n}" for n in range(100))))
    assert isinstance(many, Running)
    assert many.logs == tuple(f"line {n}" for n in range(100 - LOGS_KEPT, 100))
    assert many.fraction == 0.25


def test_waits_grow() -> None:
    """Waits double up to the bound, less up to a half at random, however often it was tried."""
    full = [wait_s(n, least_s=2, most_s=20, random=lambda: 0.0) for n in (0, 1, 2, 3, 4, 10_000)]
    assert full == [2, 4, 8, 16, 20, 20]
    assert wait_s(1, least_s=2, most_s=20, random=lambda: 1.0) == 2
