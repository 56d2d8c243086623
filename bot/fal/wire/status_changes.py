"""PURE. What is new in a request's status, whichever way the status came."""

from bot.fal.wire.log_progress import latest_fraction
from bot.fal.wire.types import Change, Completed, LogLine, Queued, Running, Status

LOGS_KEPT = 20


class Changes:
    """Compares each status with what was told before, and joins the logs, of which it keeps the newest."""

    def __init__(self) -> None:
        self._told: Change | None = None
        self._logs: tuple[LogLine, ...] = ()
        self._fraction: float | None = None

    def take(self, status: Status) -> Change | None:
        """What the status tells, or None when that was told already."""
        change = self._change(status)
        if change == self._told:
            return None
        self._told = change
        return change

    def _change(self, status: Status) -> Change:
        match status.state:
            case "IN_QUEUE":
                # A retry inside fal moves a request back; what the lost runner printed no longer counts.
                self._logs, self._fraction = (), None
                return Queued(status.position)
            case "IN_PROGRESS":
                self._join(status.logs)
                return Running(tuple(line.message for line in self._logs), self._fraction)
            case "COMPLETED":
                return Completed(status.error, status.error_type, status.inference_s)

    def _join(self, lines: tuple[LogLine, ...]) -> None:
        """Add the lines that are not known: polls repeat them all, streams send only new ones, until they reopen."""
        new = tuple(line for line in lines if line not in self._logs)
        fraction = latest_fraction(tuple(line.message for line in new))
        self._fraction = self._fraction if fraction is None else fraction
        self._logs = (self._logs + new)[-LOGS_KEPT:]
