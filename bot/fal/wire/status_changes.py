"""What a status document says that the ones before it did not."""

from bot.fal.wire.log_progress import latest_fraction
from bot.fal.wire.protocol import StatusDocument
from bot.fal.wire.types import FalStatus, LogLine

LOGS_KEPT = 20


def status_of(document: StatusDocument) -> FalStatus:
    """Return the status that one document tells by itself."""
    return StatusChanges().read(document)


class StatusChanges:
    """Reads a request's status documents one after the other, from streams and polls alike."""

    def __init__(self) -> None:
        self._status: FalStatus | None = None
        self._logs: tuple[LogLine, ...] = ()

    def take(self, document: StatusDocument) -> FalStatus | None:
        """Return the status if the document says anything new, be it a log line without progress; else None."""
        before = self._status, self._logs
        self._status = self.read(document)
        return self._status if (self._status, self._logs) != before else None

    def read(self, document: StatusDocument) -> FalStatus:
        """Return the document's status, and keep its log lines."""
        match document.status:
            case "IN_QUEUE":
                # fal retries a request on another runner; what the lost one printed no longer counts.
                self._logs = ()
                return FalStatus("queued", position=document.queue_position)
            case "IN_PROGRESS":
                return FalStatus("running", fraction=self._join(document.logs))
            case "COMPLETED" | "OTHER":
                return FalStatus("completed")

    def _join(self, lines: tuple[LogLine, ...]) -> float | None:
        """Keep the new lines and return the progress so far. Polls repeat every line, streams do when they reopen."""
        new = tuple(line for line in lines if line not in self._logs)
        self._logs = (self._logs + new)[-LOGS_KEPT:]
        fraction = latest_fraction(tuple(line.message for line in new))
        return self._status.fraction if fraction is None and self._status else fraction
