"""An incremental parser of server-sent events, as far as fal uses them: `data:` lines and comments.

The rules: https://html.spec.whatwg.org/multipage/server-sent-events.html. fal sends no ids, retry times or event names.
This is no library because a line must be limited in length before it is held in memory, and none does that.
"""

from bot.errors import FalReplyTooLarge


class SseReader:
    """Takes the stream in pieces of any size and returns each event's data; holds at most `event_bytes_max`."""

    def __init__(self, event_bytes_max: int) -> None:
        self._max = event_bytes_max
        self._rest = b""
        self._data: list[bytes] = []
        self._held = 0
        self._skip_newline = False
        self._first = True

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the events that `piece` completes, in order.

        Raises:
            FalReplyTooLarge: a line or an event is too long; the stream cannot be read on.
        """
        if self._skip_newline and piece:
            # The last piece ended in CR; a LF that follows belongs to the same line end.
            piece = piece.removeprefix(b"\n")
            self._skip_newline = False
        self._skip_newline = self._skip_newline or piece.endswith(b"\r")
        lines = (self._rest + piece).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop()
        events = [event for line in lines if (event := self._line(line)) is not None]
        if len(self._rest) + self._held > self._max:
            raise FalReplyTooLarge(f"an event of fal's stream is longer than {self._max} bytes")
        return events

    def close(self) -> bytes | None:
        """Return the event that the end of the stream left without its blank line, if there is one."""
        event, self._data, self._held = self._data, [], 0
        return b"\n".join(event) or None

    def _line(self, line: bytes) -> bytes | None:
        """Take a whole line; return the event that it ends, if any."""
        if self._first:
            line, self._first = line.removeprefix(b"\xef\xbb\xbf"), False
        if not line:
            return self.close()
        field, _, value = line.partition(b":")
        if field == b"data":
            value = value.removeprefix(b" ")
            self._data.append(value)
            self._held += len(value) + 1
            if self._held > self._max:
                raise FalReplyTooLarge(f"an event of fal's stream is longer than {self._max} bytes")
        return None
