"""Logging on standard error, from a thread of its own and without secrets: as JSON lines, or for people on a terminal.

A JSON line is `{"time", "level", "logger", "message"}`, with `job_id` inside a job's scope and `exception` after a
failure: its traceback, or of a trouble that is no defect its sentence. For people it is
`15:04:05 warning: message [job 1a2b…]`, in colour unless NO_COLOR is set (https://no-color.org).
"""

import json
import logging
import os
import queue
import re
import sys
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal, TextIO, TypeAlias
from urllib.parse import quote

from pydantic import SecretStr

from bot.metrics import LOG_LINES, LOG_LINES_DROPPED

LINES_WAITING_MAX = 10_000
TEXT_CHARACTERS_MAX = 20_000
CLOSE_TIMEOUT_S = 2.0
REDACTED = "[redacted]"
# Redacting a shorter "secret" would hit ordinary words and make every line unreadable.
_SECRET_CHARACTERS_MIN = 6
# httpx logs a line with each full URL, aiohttp one for each health check, discord.py that it logs in.
_NOISY = ("httpx", "httpcore", "aiohttp.access", "discord.client", "PIL")

# Patterns of secrets that are not in the settings: other keys, and Discord's short-lived tokens.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)(authorization\W{1,6}(?:\w+\s+)?)[^\s\"',})]+"), rf"\1{REDACTED}"),
    (re.compile(r"\b(Key\s+)[\w-]+:[\w-]+"), rf"\1{REDACTED}"),
    (re.compile(r"\b((?:Bot|Bearer)\s+)[\w.-]{20,}"), rf"\1{REDACTED}"),
    (re.compile(r"\b[\w-]{18,40}\.[\w-]{6,7}\.[\w-]{27,}"), REDACTED),
    (re.compile(r"(/webhooks/\d+/|/interactions/\d+/)[\w.-]+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)([\"']\w*(?:token|secret|password)[\"']\s*:\s*[\"'])[^\"']+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)([?&](?:hm|sig|signature|x-amz-signature|token|key)=)[^&\s\"']+"), rf"\1{REDACTED}"),
    (re.compile(r"(\w://[^\s:/@]*:)[^\s/@]+(?=@)"), rf"\1{REDACTED}"),
)

_LEVELS = {level: logging.getLevelName(level) for level in (10, 20, 30, 40, 50)}  # others are a library's own
_job_id: ContextVar[str | None] = ContextVar("job_id", default=None)
Form: TypeAlias = Literal["auto", "text", "json"]
_DIM = "2"
_COLOURS = {"WARNING": "33", "ERROR": "31", "CRITICAL": "1;31", "DEBUG": _DIM}  # ANSI: yellow, red, bold red
Line: TypeAlias = tuple[logging.LogRecord, str | None]


@contextmanager
def job_scope(job_id: str) -> Generator[None]:
    """Add the job's id to every line logged within this context, also by tasks started in it."""
    token = _job_id.set(job_id)
    try:
        yield
    finally:
        _job_id.reset(token)


def set_up(
    level: str, secrets: Sequence[SecretStr], *, stream: TextIO | None = None, form: Form = "auto"
) -> Callable[[], None]:
    """Log at `level` or above to `stream` (default: standard error) alone, with `secrets` redacted.

    The returned function restores the previous logging after writing all queued lines, for at most `CLOSE_TIMEOUT_S`.
    """
    root = logging.getLogger()
    writer = _Writer(stream or sys.stderr, Redactor(secrets), form)
    handler = _QueueHandler(writer)
    before = root.level, root.handlers
    root.handlers = [handler]  # any other handler would write the secrets
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    writer.start()

    def close() -> None:
        logging.captureWarnings(capture=False)
        root.setLevel(before[0])
        root.handlers = before[1]
        writer.close()

    return close


def for_people(fields: Mapping[str, str], *, at: float, in_colour: bool) -> str:
    """Return a line's fields for a terminal: local time, level unless it is INFO, message, and the job's id.

    Nothing in it controls the terminal: members' names and files' names are in the log.
    """

    def paint(text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if in_colour and colour and text else text

    level = fields["level"]
    clock = datetime.fromtimestamp(at, UTC).astimezone().strftime("%H:%M:%S")
    named = "" if level == "INFO" else f"{level.lower()}: "
    job = f" [job {fields['job_id']}]" if "job_id" in fields else ""
    message = paint(f"{named}{_harmless(fields['message'])}", _COLOURS.get(level, ""))
    details = [_harmless(fields[name], keep="\n") for name in ("exception", "stack") if name in fields]
    return "\n".join([f"{paint(clock, _DIM)} {message}{paint(job, _DIM)}", *details])


def _harmless(text: str, *, keep: str = "") -> str:
    return "".join(char if char in keep or char.isprintable() else repr(char)[1:-1] for char in text)


class Redactor:
    """Redacts known secrets, and text that looks like one."""

    def __init__(self, secrets: Sequence[SecretStr]) -> None:
        words: set[str] = set()
        for secret in secrets:
            value = secret.get_secret_value()
            # fal's key is "id:secret"; the second half alone is a secret too.
            forms = {value, quote(value, safe=""), repr(value)[1:-1], json.dumps(value)[1:-1], value.rpartition(":")[2]}
            words |= {form for form in forms if len(form) >= _SECRET_CHARACTERS_MIN}
        longest_first = sorted(words, key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(word) for word in longest_first)) if words else None

    def clean(self, text: str) -> str:
        """Return the text with each secret replaced, then cut to `TEXT_CHARACTERS_MAX`."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text if len(text) <= TEXT_CHARACTERS_MAX else text[:TEXT_CHARACTERS_MAX] + "…"


class _QueueHandler(logging.Handler):
    """Formats each record at once, because its arguments may change, and queues it for the writer's thread."""

    def __init__(self, writer: "_Writer") -> None:
        super().__init__()
        self._writer = writer
        self._formatter = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record; if the queue is full, drop and count it."""
        made = logging.makeLogRecord(record.__dict__)
        try:
            made.msg = record.getMessage()
        except Exception as error:  # noqa: BLE001 - a wrong log call must not fail, and must not print its arguments
            made.msg = f"{record.msg} (a log call whose arguments do not fit: {type(error).__name__})"
        made.args = None
        if record.exc_info:
            made.exc_text = record.exc_text or _sentence(record) or self._formatter.formatException(record.exc_info)
            made.exc_info = None
        LOG_LINES.labels(_LEVELS.get(record.levelno, "OTHER")).inc()
        self._writer.take((made, _job_id.get()))


def _sentence(record: logging.LogRecord) -> str | None:
    """Return the sentence of a trouble that is no defect, in a warning; None of anything else.

    An outage of the database has every loop warn again and again, and a traceback is taken for a defect.
    """
    error = record.exc_info[1] if record.exc_info else None
    is_trouble = record.levelno <= logging.WARNING and getattr(error, "is_trouble", False)
    return f"{type(error).__name__}: {error}" if is_trouble else None


class _Writer(threading.Thread):
    """Writes lines in a thread of its own, so that a slow terminal or a full pipe does not block the loop."""

    def __init__(self, stream: TextIO, redactor: Redactor, form: Form) -> None:
        super().__init__(name="log", daemon=True)
        self._stream = stream
        self._redactor = redactor
        on_terminal = stream.isatty()
        self._for_people = form == "text" or (form == "auto" and on_terminal)
        self._in_colour = on_terminal and not os.environ.get("NO_COLOR")
        self._lines: queue.Queue[Line | None] = queue.Queue(LINES_WAITING_MAX)
        self._dropped = 0
        self._lock = threading.Lock()

    def take(self, line: Line) -> None:
        """Queue a line; if the queue is full, drop and count it."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            with self._lock:
                self._dropped += 1

    def close(self) -> None:
        """Wait until all queued lines are written, at most about twice `CLOSE_TIMEOUT_S`."""
        try:
            self._lines.put(None, timeout=CLOSE_TIMEOUT_S)
        except queue.Full:
            return
        self.join(CLOSE_TIMEOUT_S)

    def run(self) -> None:
        """Write lines until `close` is called."""
        while (line := self._lines.get()) is not None:
            self._write(self._text(*line))
            self._report_dropped()
        self._report_dropped()

    def _report_dropped(self) -> None:
        """Log how many lines were dropped, if any."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            LOG_LINES_DROPPED.inc(dropped)
            record = logging.makeLogRecord({"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"})
            record.msg = f"{dropped} log lines were dropped: they came faster than they could be written"
            self._write(self._text(record, None))

    def _text(self, record: logging.LogRecord, job_id: str | None) -> str:
        """Return the record as one line of JSON, or as lines for people."""
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
        if self._for_people:
            return for_people(fields, at=record.created, in_colour=self._in_colour)
        return json.dumps(fields, ensure_ascii=False)

    def _write(self, text: str) -> None:
        """Write one line; if the stream is closed or broken, the line is counted as dropped."""
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            with self._lock:
                self._dropped += 1
