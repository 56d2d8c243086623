"""The transcript: every REST exchange and gateway event, kept as bytes and printed as JSON lines."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.discord.wire import dumps

KEPT = 100_000
KEPT_BYTES = 256 * 1024 * 1024
NULL = b"null"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A REST exchange: bodies as JSON text, path without host and query."""

    method: str
    path: str
    request: bytes
    status: int
    response: bytes
    ms: float

    def line(self) -> bytes:
        """Return the exchange as one JSON line."""
        return b'{"method":%b,"path":%b,"request":%b,"status":%d,"response":%b,"ms":%.2f}' % (
            dumps(self.method),
            dumps(self.path),
            self.request or NULL,
            self.status,
            self.response or NULL,
            self.ms,
        )


@dataclass(frozen=True, slots=True)
class Event:
    """A gateway event as sent."""

    name: str
    data: bytes

    def line(self) -> bytes:
        """Return the event as one JSON line."""
        return b'{"event":%b,"data":%b}' % (dumps(self.name), self.data)


class Transcript:
    """The latest exchanges and events, limited in number and in bytes. `listeners` hear of each as it is added."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[Exchange | Event], None]] = []
        self._entries: deque[tuple[int, Exchange | Event]] = deque()
        self._bytes = 0

    def add(self, entry: Exchange | Event) -> None:
        """Add an entry; the oldest are dropped when there are too many."""
        weight = len(entry.data) if isinstance(entry, Event) else len(entry.request) + len(entry.response)
        self._entries.append((weight, entry))
        self._bytes += weight
        while len(self._entries) > KEPT or self._bytes > KEPT_BYTES:
            gone, _ = self._entries.popleft()
            self._bytes -= gone
        for listener in self.listeners:
            listener(entry)

    def clear(self) -> None:
        """Delete every entry."""
        self._entries.clear()
        self._bytes = 0

    def lines(self) -> Iterator[bytes]:
        """Yield the entries in order, each ending in a newline."""
        for _, entry in self._entries:
            yield entry.line() + b"\n"
