import asyncio
import io
import json
import logging
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from bot.errors import StorageError
from bot.log import LINES_WAITING_MAX, Form, Redactor, job_scope, set_up

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GhIjKl.abcdefghijklmnopqrstuvwxyz0123456789AB"
KEY = "11111111-2222-3333-4444-555555555555:0123456789abcdef0123456789abcdef"
LOG = logging.getLogger("wanda.test")


class Captured:
    """What was written, read after the log was closed."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.close: Callable[[], None] = set_up("DEBUG", [SecretStr(TOKEN), SecretStr(KEY)], stream=self.stream)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines, after closing."""
        self.close()
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def captured() -> Iterator[Captured]:
    """A log that writes into memory."""
    capture = Captured()
    yield capture
    capture.close()


def test_line(captured: Captured) -> None:
    """A line is JSON with time, level, logger and message."""
    LOG.info("%d files, “%s”", 3, "größe\n")
    (line,) = captured.lines
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "INFO", "logger": "wanda.test", "message": "3 files, “größe\n”"}


@pytest.mark.parametrize(
    ("message", "args"),
    [
        (f"token {TOKEN}", ()),
        ("token %s", (TOKEN,)),
        ("headers %r", ({"Authorization": f"Bot {TOKEN}"},)),
        ("headers %r", ({"authorization": f"Key {KEY}"},)),
        ("half %s", (KEY.split(":")[1],)),
        ("quoted %s", (KEY.replace(":", "%3A"),)),
        ("%d", (TOKEN,)),
        ("%s %s", (TOKEN,)),
    ],
)
def test_secret_in_message(message: str, args: tuple[object, ...]) -> None:
    """A secret appears neither in a message nor from its arguments, even when the log call is wrong."""
    captured = Captured()  # not the fixture: pytest adds handlers of its own between the two, which fail on wrong calls
    LOG.warning(message, *args)
    captured.close()
    text = captured.stream.getvalue()
    assert text
    assert TOKEN not in text
    assert KEY.split(":")[1] not in text


def test_secret_in_traceback(captured: Captured) -> None:
    """A secret does not appear in a traceback, nor in the exceptions behind it."""

    def connect() -> None:
        raise ConnectionError(f"GET with {KEY}")

    def start() -> None:
        try:
            connect()
        except ConnectionError as error:
            raise RuntimeError(f"token {TOKEN}") from error

    try:
        start()
    except RuntimeError:
        LOG.exception("it failed")
    (line,) = captured.lines
    assert "RuntimeError: token [redacted]" in line["exception"]
    assert "ConnectionError: GET with [redacted]" in line["exception"]
    assert TOKEN not in json.dumps(line)


def test_a_trouble_is_told_by_its_sentence(captured: Captured) -> None:
    """A warning that the database failed has no traceback, which is a defect's; an error that it caused has one."""
    for tell in (LOG.warning, LOG.error):
        tell("it is tried again", exc_info=StorageError("The database is locked."))
    warned, failed = captured.lines
    assert warned["exception"] == "StorageError: The database is locked."
    assert failed["exception"] != warned["exception"]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Key abc-def:0123", "Key [redacted]"),
        ("Bot abcdefghijklmnopqrstuvwxyz", "Bot [redacted]"),
        ("{'Authorization': 'Bearer abc'}", "{'Authorization': 'Bearer [redacted]'}"),
        ("POST https://d.example/api/v10/webhooks/12/aW50ZXJ-x_y/messages/@original", None),
        ("POST https://d.example/api/v10/interactions/12/aW50ZXJ-x_y/callback", None),
        ('{"t":"INTERACTION_CREATE","d":{"token":"aW50ZXJ-x_y"}}', None),
        ("https://cdn.example/a.png?ex=1&is=2&hm=aW50ZXJ-x_y&", None),
        ("postgresql://wanda:aW50ZXJ-x_y@db.example/wanda", None),
        ("Bot started", "Bot started"),
        ("Key points: none", "Key points: none"),
        ("at 12:30, https://example.com:8080/a@b", "at 12:30, https://example.com:8080/a@b"),
    ],
)
def test_shapes(text: str, cleaned: str | None) -> None:
    """What is shaped like a key or a token is replaced though nobody named it; ordinary words stay."""
    result = Redactor([]).clean(text)
    if cleaned is not None:
        assert result == cleaned
    else:
        assert "aW50ZXJ" not in result
        assert "[redacted]" in result


async def test_job_id(captured: Captured) -> None:
    """Lines of one job carry its id, also from its tasks and its threads, and no other line does."""

    async def job(name: str) -> None:
        with job_scope(name):
            LOG.info("a %s", name)
            await asyncio.create_task(asyncio.to_thread(LOG.info, "b %s", name))

    await asyncio.gather(job("j1"), job("j2"))
    LOG.info("c")
    lines = [line for line in captured.lines if line["logger"] == "wanda.test"]
    assert sorted((line["message"], line.get("job_id")) for line in lines if line["message"] != "c") == [
        ("a j1", "j1"),
        ("a j2", "j2"),
        ("b j1", "j1"),
        ("b j2", "j2"),
    ]
    assert [line.get("job_id") for line in lines if line["message"] == "c"] == [None]


def test_arguments_are_read_at_once(captured: Captured) -> None:
    """A line says what its arguments were when it was logged."""
    things = [1]
    LOG.info("%s", things)
    things.append(2)
    assert captured.lines[0]["message"] == "[1]"


def test_stuck_stream() -> None:
    """A stream that is stuck blocks nobody; the lines beyond the bound are dropped, and counted once it moves again."""
    release = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str, /) -> int:
            assert release.wait(30)
            return super().write(text)

    stream = Stuck()
    close = set_up("INFO", [], stream=stream)
    for number in range(LINES_WAITING_MAX + 500):
        LOG.info("%d", number)
    release.set()
    close()
    lines = [json.loads(line)["message"] for line in stream.getvalue().splitlines()]
    dropped = [line for line in lines if "were dropped" in line]
    assert sum(int(line.split()[0]) for line in dropped) in {499, 500}


def test_closed_stream(captured: Captured) -> None:
    """A stream that is gone makes no log call fail."""
    captured.stream.close()
    LOG.info("into nothing")
    captured.close()


def test_warnings() -> None:
    """Python's warnings become lines."""
    captured = Captured()  # not the fixture: pytest puts its own hook for warnings back between the two
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("beware", UserWarning, stacklevel=1)
    (line,) = captured.lines
    assert line["logger"] == "py.warnings"
    assert "UserWarning: beware" in line["message"]


def test_long_text(captured: Captured) -> None:
    """No line is longer than its bound."""
    LOG.info("x" * 1_000_000)
    assert len(captured.lines[0]["message"]) < 21_000


def test_closing_restores() -> None:
    """After closing, the root logger is as it was."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    set_up("DEBUG", [], stream=io.StringIO())()
    assert (root.level, list(root.handlers)) == before


class Terminal(io.StringIO):
    """A terminal that can be read back."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


def on_terminal(form: Form = "auto") -> str:
    """Return what a terminal shows of a line at each level."""
    stream = Terminal()
    close = set_up("INFO", [SecretStr(TOKEN)], stream=stream, form=form)
    LOG.info("ready, %s", TOKEN)
    with job_scope("ab" * 16):
        LOG.warning("a name: \x1b[2J\u202e")
    try:
        {}["why"]
    except KeyError:
        LOG.exception("it broke")
    close()
    return stream.getvalue()


def test_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """People read short coloured lines without secrets, and no member's name controls their terminal."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    ready, named, *broken = on_terminal().splitlines()
    assert re.fullmatch(r"\x1b\[2m\d\d:\d\d:\d\d\x1b\[0m ready, \[redacted\]", ready)
    assert "\x1b[33mwarning: a name: \\x1b[2J\\u202e\x1b[0m" in named
    assert f"[job {'ab' * 16}]" in named
    assert "\x1b[31merror: it broke\x1b[0m" in broken[0]
    assert broken[-1] == "KeyError: 'why'"


def test_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR takes the colours away, and a setting has JSON on a terminal too."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in on_terminal()
    assert [json.loads(line)["level"] for line in on_terminal("json").splitlines()] == ["INFO", "WARNING", "ERROR"]
