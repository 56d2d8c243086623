"""The stand-ins and the real bot as processes, with a client for the control routes.

The demo and the end-to-end tests use it.
"""

import asyncio
import base64
import contextlib
import io
import json
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self, TypeAlias, TypeVar

import aiohttp

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 12.0
KEPT_LINES = 20_000
BUTTON, TEXT_DISPLAY = 2, 10  # https://discord.com/developers/docs/components/reference
T = TypeVar("T")


class StageError(Exception):
    """The demo or test cannot go on; the text says what a process or stand-in answered."""


class Running(Protocol):
    """What is needed of a started process; `asyncio.subprocess.Process` has it."""

    @property
    def pid(self) -> int:
        """The process id."""
        ...

    @property
    def stdout(self) -> asyncio.StreamReader | None:
        """What it prints."""
        ...

    @property
    def returncode(self) -> int | None:
        """The exit status; None while it runs."""
        ...

    def send_signal(self, signal: int, /) -> None:
        """Send it a signal."""
        ...

    def kill(self) -> None:
        """Kill it."""
        ...

    async def wait(self) -> int:
        """Return the exit status once it has ended."""
        ...


Spawn: TypeAlias = Callable[[Sequence[str], Mapping[str, str]], Awaitable[Running]]


async def run_python(args: Sequence[str], env: Mapping[str, str]) -> Running:
    """Start this Python with `args`, with this environment alone and its output in a pipe."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *args,
        cwd=ROOT.anchor,  # not the project's folder: its .env may name the operator's database and budgets
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=4 * 1024 * 1024,
    )


class Process:
    """A child process, with its latest lines of output.

    `spawn` starts every one; the end-to-end tests have a quicker one.
    """

    spawn: ClassVar[Spawn] = staticmethod(run_python)

    def __init__(self, name: str, process: Running, told: Callable[[str], None] = lambda _: None) -> None:
        """Start to read its output; `told` gets each line."""
        self.name = name
        self._told = told
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._process = process
        self._news = asyncio.Condition()
        self._ended = False
        self._reader = asyncio.create_task(self._read(), name=f"output of {name}")

    @classmethod
    async def start(
        cls, name: str, *args: str, env: Mapping[str, str], told: Callable[[str], None] = lambda _: None
    ) -> Self:
        """Run this Python with `args` on this project's code, with the settings in `env`; `told` gets each line."""
        return cls(name, await cls.spawn(args, {**_clean_environment(), **env}), told)

    @property
    def returncode(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.returncode

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def until(self, wanted: Callable[[str], bool], *, within_s: float = READY_WITHIN_S) -> str:
        """Return the first line, already printed or not, for which `wanted` is true.

        Raises:
            StageError: the process ended, or the time was over, before such a line.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s), self._news:
                while (line := next(filter(wanted, self.lines), None)) is None and not self._ended:
                    await self._news.wait()
                if line is not None:
                    return line
        tail = "\n".join(list(self.lines)[-15:])
        raise StageError(f"{self.name} (exit {self.returncode}) did not say what was waited for, but:\n{tail}")

    async def ended(self, *, within_s: float = READY_WITHIN_S) -> int:
        """Wait until it ends by itself, and return the exit status.

        Raises:
            TimeoutError: it still runs after `within_s`.
        """
        async with asyncio.timeout(within_s):
            await self._process.wait()
        await self._reader
        return await self._process.wait()

    async def stop(self, *, how: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal, wait, and return the exit status; after `STOP_WITHIN_S` the process is killed."""
        if self._process.returncode is None:
            self._process.send_signal(how)
            try:
                async with asyncio.timeout(STOP_WITHIN_S):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
        status = await self._process.wait()
        await self._reader
        return status

    async def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - `start` passes stdout=PIPE
        async for raw in self._process.stdout:
            async with self._news:
                self.lines.append(raw.decode(errors="replace").rstrip("\n"))
                self._news.notify_all()
            self._told(self.lines[-1])
        async with self._news:
            self._ended = True
            self._news.notify_all()


def _clean_environment() -> dict[str, str]:
    """Return this process's environment without settings of Wanda."""
    ours = ("WANDA_", "DISCORD_", "FAL_", "DATABASE_URL", "AWS_")
    return {key: value for key, value in os.environ.items() if not key.startswith(ours)} | {
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONSAFEPATH": "1",
    }


class ControlClient:
    """A client for a stand-in's control routes."""

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        """`base` is the stand-in's URL without a path."""
        self._http = http
        self.base = base

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST to `/sandbox/<path>` and return the JSON answer.

        Raises:
            StageError: the stand-in refused the request.
        """
        # As a file object it is sent in pieces, so that a large body does not block the event loop.
        data, kind = io.BytesIO(json.dumps(body).encode()), {"Content-Type": "application/json"}
        async with self._http.post(f"{self.base}/sandbox/{path}", data=data, headers=kind) as reply:
            return await _answer(reply, path)

    async def get(self, path: str, **query: str) -> Any:
        """GET `/sandbox/<path>` and return the JSON answer.

        Raises:
            StageError: the stand-in refused the request.
        """
        async with self._http.get(f"{self.base}/sandbox/{path}", params=query) as reply:
            return await _answer(reply, path)

    async def delete(self, path: str) -> Any:
        """DELETE `/sandbox/<path>` and return the JSON answer.

        Raises:
            StageError: the stand-in refused the request.
        """
        async with self._http.delete(f"{self.base}/sandbox/{path}") as reply:
            return await _answer(reply, path)

    async def fetch(self, url: str) -> bytes:
        """Return the bytes at a URL of the stand-in."""
        async with self._http.get(url) as reply:
            reply.raise_for_status()
            return await reply.read()


async def _answer(reply: aiohttp.ClientResponse, path: str) -> Any:
    text = await reply.text()
    if reply.status >= 400:  # noqa: PLR2004 - HTTP
        raise StageError(f"{path} answered {reply.status}: {text[:2000]}")
    if reply.content_type == "application/json":
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines() if line]


class Stage:
    """The stand-ins in one process and the bot in another; leaving the context stops both."""

    def __init__(
        self,
        folder: Path,
        *,
        seconds_per_job: float = 1.0,
        identify_interval_s: float = 0.0,
        is_still: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`folder` is the bot's data folder, kept over its restarts; `settings` are the bot's.

        Discord lets a bot log in once in five seconds; `identify_interval_s` is shorter, so that restarts are quick.
        With `is_still` the videos have no moving camera, so that their rendering takes next to no time.
        """
        self.folder = folder
        self._identify_interval_s = identify_interval_s
        self._seconds_per_job = seconds_per_job
        self._still = ("--still",) if is_still else ()
        self.settings = dict(settings or {})
        self.environment: dict[str, str] = {}
        self.bot: Process | None = None
        self._others: list[Process] = []
        self._world: Process | None = None
        self._http: aiohttp.ClientSession | None = None
        self.discord: ControlClient
        self.fal: ControlClient

    async def __aenter__(self) -> Self:
        """Start the stand-ins on free ports, but not the bot. What they would ignore is refused."""
        serve = ("-m", "sandbox", "serve", "--strict", "--discord-port", "0", "--fal-port", "0")
        speed = ("--seconds-per-job", str(self._seconds_per_job))
        speed += ("--identify-interval-s", str(self._identify_interval_s))
        self._world = await Process.start("the stand-ins", *serve, *speed, *self._still, env={})
        try:
            await self._world.until(lambda line: line == "ready")
        except StageError:
            await self._world.stop()
            raise
        pairs = [line.split("=", 1) for line in self._world.lines if "=" in line]
        self.environment = {key: value for key, value in pairs if key.isupper()}
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        self.discord = ControlClient(self._http, _origin(self.environment["DISCORD_API_URL"]))
        self.fal = ControlClient(self._http, _origin(self.environment["FAL_QUEUE_URL"]))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the bot and the stand-ins."""
        for one in self.bots:
            await one.stop()
        if self._http is not None:
            await self._http.close()
        if self._world is not None:
            await self._world.stop()

    @property
    def bots(self) -> Sequence[Process]:
        """Every process of the bot that was started, but those that `start_bot` replaced."""
        return [*self._others, *([] if self.bot is None else [self.bot])]

    async def start_bot(self, **settings: str) -> Process:
        """Start `python -m bot run` on this stage's folder and return once it is connected."""
        self.bot = await self._start("the bot", self.folder, settings)
        await self.bot.until(lambda line: "Wanda is ready" in line)
        return self.bot

    async def start_process(self, name: str, **settings: str) -> Process:
        """Start one more `python -m bot run`, on a data folder of its own, and return at once."""
        process = await self._start(name, self.folder.with_name(name), settings)
        self._others.append(process)
        return process

    async def _start(self, name: str, folder: Path, settings: Mapping[str, str]) -> Process:
        env = {
            **self.environment,
            "WANDA_DATA_DIR": str(folder),
            "WANDA_DISCORD_READY_TIMEOUT_S": "0.1",
            "WANDA_WEB_PORT": "0",
            **self.settings,
            **settings,
        }
        return await Process.start(name, "-m", "bot", "run", env=env)

    async def slash(
        self, user: str, command: str, options: Mapping[str, Any] | None = None, **files: Path
    ) -> dict[str, Any]:
        """Type a slash command as `user` in #general, with files by option name."""
        body = {"user": user, "channel": "general", "command": command, "options": dict(options or {})}
        return await self.discord.post(
            "slash", {**body, "files": {key: file_body(path) for key, path in files.items()}}
        )

    async def messages(self, *, channel: str = "general", seen_by: str = "maker") -> list[dict[str, Any]]:
        """Return the channel's messages as this person sees them."""
        return await self.discord.get("messages", **{"channel": channel, "as": seen_by})

    async def message(self, message_id: str, *, seen_by: str = "maker") -> dict[str, Any] | None:
        """Return one message as this person sees it; None if there is none."""
        return next((m for m in await self.messages(seen_by=seen_by) if m["id"] == message_id), None)


def file_body(path: Path) -> dict[str, str]:
    """Return a file as the control routes take it."""
    kinds = {".png": "image/png", ".jpg": "image/jpeg", ".mp4": "video/mp4", ".wav": "audio/wav", ".mp3": "audio/mpeg"}
    return {
        "filename": path.name,
        "content_type": kinds.get(path.suffix, "application/octet-stream"),
        "base64": base64.b64encode(path.read_bytes()).decode(),
    }


def components_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every component of a message, at any depth, from top to bottom."""
    tops: list[dict[str, Any]] = message.get("components") or []
    return [part for top in tops for part in _with_inner(top)]


def _with_inner(component: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [*component.get("components", []), *([component["accessory"]] if "accessory" in component else [])]
    return [component, *(part for one in inner for part in _with_inner(one))]


def buttons_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a message's buttons from left to right."""
    return [part for part in components_of(message) if part["type"] == BUTTON]


def videos_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a message's attached videos: a card shows small pictures of its inputs while the video is made."""
    files: list[dict[str, Any]] = message.get("attachments") or []
    return [file for file in files if str(file.get("content_type")).startswith("video/")]


def text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a message, its embeds and its components, from top to bottom."""
    parts = [message.get("content")]
    embeds: list[dict[str, Any]] = message.get("embeds") or []
    for embed in embeds:
        parts += [embed.get("title"), embed.get("description")]
        parts += [f"{field['name']}: {field['value']}" for field in fields_of(embed)]
        parts.append(embed.get("footer", {}).get("text"))
    parts += layout_texts(message.get("components") or [])
    return "\n".join(str(part) for part in parts if part)


def layout_texts(components: list[dict[str, Any]]) -> list[str]:
    """Return the texts of a message of layout components, from top to bottom."""
    return [part["content"] for part in components_of({"components": components}) if part["type"] == TEXT_DISPLAY]


def fields_of(embed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return an embed's fields; Discord leaves the key out when there are none."""
    fields: list[dict[str, Any]] = embed.get("fields") or []
    return fields


async def eventually(look: Callable[[], Awaitable[T | None]], *, what: str, within_s: float = 20.0) -> T:
    """Call `look` repeatedly until it returns something, and return that.

    Raises:
        StageError: it returned None for `within_s` seconds.
    """
    try:
        async with asyncio.timeout(within_s):
            async for seen in _looks(look):
                if seen is not None:
                    return seen
    except TimeoutError:
        pass
    raise StageError(f"after {within_s:g} s there was still no {what}")


async def _looks(look: Callable[[], Awaitable[T | None]]) -> AsyncIterator[T | None]:
    while True:
        yield await look()
        await asyncio.sleep(0.05)


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3])
