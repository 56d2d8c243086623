"""Logging as JSON lines on standard error: never blocks the loop, and never holds a secret.

A line is `{"time", "level", "logger", "message"}`, with `job_id` inside a job's scope and `exception` after a failure.
"""

import json
import logging
import queue
import re
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO, TypeAlias
from urllib.parse import quote

from pydantic import SecretStr

LINES_WAITING_MAX = 10_000
TEXT_CHARACTERS_MAX = 20_000
CLOSE_TIMEOUT_S = 2.0
REDACTED = "[redacted]"
# A shorter "secret" is a word of its own, and blotting it out would make every line unreadable.
_SECRET_CHARACTERS_MIN = 6
# httpx writes a line with the full address for each request; aiohttp does so for each health check.
_TALKATIVE = ("httpx", "httpcore", "aiohttp.access", "PIL")

# Shapes of secrets that are nobody's setting: other people's keys, and tokens that Discord hands out by the minute.
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)(authorization\W{1,6}(?:\w+\s+)?)[^\s\"',})]+"), rf"\1{REDACTED}"),
    (re.compile(r"\b(Key\s+)[\w-]+:[\w-]+"), rf"\1{REDACTED}"),
    (re.compile(r"\b((?:Bot|Bearer)\s+)[\w.-]{20,}"), rf"\1{REDACTED}"),
    (re.compile(r"\b[\w-]{18,40}\.[\w-]{6,7}\.[\w-]{27,}"), REDACTED),
    (re.compile(r"(/webhooks/\d+/|/interactions/\d+/)[\w.-]+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)([\"']\w*(?:token|secret|password)[\"']\s*:\s*[\"'])[^\"']+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)([?&](?:hm|sig|signature|x-amz-signature|token|key)=)[^&\s\"']+"), rf"\1{REDACTED}"),
    (re.compile(r"(\w://[^\s:/@]*:)[^\s/@]+(?=@)"), rf"\1{REDACTED}"),
)

_job_id: ContextVar[str | None] = ContextVar("job_id", default=None)
Line: TypeAlias = tuple[logging.LogRecord, str | None]


@contextmanager
def job_scope(job_id: str) -> Generator[None]:
    """Put this job's id on every line that is logged within, also by tasks that are started within."""
    token = _job_id.set(job_id)
    try:
        yield
    finally:
        _job_id.reset(token)


def set_up(level: str, secrets: Sequence[SecretStr], *, stream: TextIO | None = None) -> Callable[[], None]:
    """Send what is logged from now on, at `level` or above, to `stream` (standard error) only, without `secrets`.

    Returns what ends it: afterwards all waiting lines are written, unless the stream is stuck for `CLOSE_TIMEOUT_S`.
    """
    root = logging.getLogger()
    writer = _Writer(stream or sys.stderr, Redactor(secrets))
    handler = _Hand(writer)
    before = root.level, root.handlers
    root.handlers = [handler]  # any other would write the secrets that this one takes out
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    writer.start()

    def close() -> None:
        logging.captureWarnings(capture=False)
        root.setLevel(before[0])
        root.handlers = before[1]
        writer.close()

    return close


class Redactor:
    """Takes known secrets, and whatever is shaped like one, out of text."""

    def __init__(self, secrets: Sequence[SecretStr]) -> None:
        words: set[str] = set()
        for secret in secrets:
            value = secret.get_secret_value()
            # fal's key is "id:secret", and its second half alone is as good as the whole.
            forms = {value, quote(value, safe=""), repr(value)[1:-1], json.dumps(value)[1:-1], value.rpartition(":")[2]}
            words |= {form for form in forms if len(form) >= _SECRET_CHARACTERS_MIN}
        longest_first = sorted(words, key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(word) for word in longest_first)) if words else None

    def clean(self, text: str) -> str:
        """Return the text, cut to `TEXT_CHARACTERS_MAX` after each secret in it was replaced."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text if len(text) <= TEXT_CHARACTERS_MAX else text[:TEXT_CHARACTERS_MAX] + "…"


class _Hand(logging.Handler):
    """Hands records over to the writer's thread, complete, so that nothing in them changes on the way."""

    def __init__(self, writer: "_Writer") -> None:
        super().__init__()
        self._writer = writer
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record; when the queue is full it is dropped and counted."""
        made = logging.makeLogRecord(record.__dict__)
        try:
            made.msg = record.getMessage()
        except Exception as error:  # noqa: BLE001 - a wrong log call must neither fail nor print its arguments
            made.msg = f"{record.msg} (a log call whose arguments do not fit: {type(error).__name__})"
        made.args = None
        if record.exc_info:
            made.exc_text = record.exc_text or self._formatter.formatException(record.exc_info)
            made.exc_info = None
        self._writer.take((made, _job_id.get()))


class _Writer(threading.Thread):
    """Writes lines in a thread of its own, so that a slow terminal or a full pipe holds up nobody else."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        super().__init__(name="log", daemon=True)
        self._stream = stream
        self._redactor = redactor
        self._lines: queue.Queue[Line | None] = queue.Queue(LINES_WAITING_MAX)
        self._dropped = 0
        self._lock = threading.Lock()

    def take(self, line: Line) -> None:
        """Queue a line, or count it as dropped."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            with self._lock:
                self._dropped += 1

    def close(self) -> None:
        """Return when everything that waits is written, or after `CLOSE_TIMEOUT_S`."""
        try:
            self._lines.put(None, timeout=CLOSE_TIMEOUT_S)
        except queue.Full:
            return
        self.join(CLOSE_TIMEOUT_S)

    def run(self) -> None:
        """Write until the end is queued."""
        while (line := self._lines.get()) is not None:
            self._write(self._text(*line))
            self._own_up()
        self._own_up()

    def _own_up(self) -> None:
        """Say how many lines are missing, if any."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            record = logging.makeLogRecord({"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"})
            record.msg = f"{dropped} log lines were dropped: they came faster than they could be written"
            self._write(self._text(record, None))

    def _text(self, record: logging.LogRecord, job_id: str | None) -> str:
        """Return the record as one line of JSON."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._redactor.clean(str(record.msg)),
        }
        if job_id is not None:
            fields["job_id"] = job_id
        if record.exc_text:
            fields["exception"] = self._redactor.clean(record.exc_text)
        if record.stack_info:
            fields["stack"] = self._redactor.clean(record.stack_info)
        return json.dumps(fields, ensure_ascii=False)

    def _write(self, text: str) -> None:
        """Write one line. A stream that is gone takes the line with it: there is nowhere left to say so."""
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            with self._lock:
                self._dropped += 1
