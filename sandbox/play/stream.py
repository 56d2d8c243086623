"""The event stream: every page hears at once of what its person sees, and of what goes on behind the scenes."""

import asyncio
import json
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Any, TypeAlias

from sandbox.discord.control.request import is_visible_to
from sandbox.discord.core import Core
from sandbox.discord.model import Channel, Message, User
from sandbox.discord.transcript import Event, Exchange
from sandbox.discord.wire import Json
from sandbox.play.view import message_json, without_origin, world_json

WIRE_KEPT, LOG_KEPT = 400, 600
PENDING_MAX = 4000
BODY_MAX = 200_000
LONG = 17  # characters of the shortest id
# Gateway events after which servers, channels, people or commands may look different.
WORLD_EVENTS = ("GUILD_", "CHANNEL_", "THREAD_", "APPLICATION_")
COMMANDS_PATH = "/commands"
NewsItem: TypeAlias = tuple[str, Any]


class Page:
    """One open page. News waits until it is sent; later news of the same thing takes the place of earlier."""

    def __init__(self, viewer: User) -> None:
        self.viewer = viewer
        self._pending: OrderedDict[Hashable, Callable[[], NewsItem | None]] = OrderedDict()
        self._wake = asyncio.Event()

    def put(self, key: Hashable, read: Callable[[], NewsItem | None]) -> None:
        """Send what `read` returns when the page's turn comes; the oldest news is dropped beyond `PENDING_MAX`."""
        self._pending[key] = read
        if len(self._pending) > PENDING_MAX:
            self._pending.popitem(last=False)
        self._wake.set()

    async def next(self) -> list[NewsItem]:
        """Wait for news and return all of it, in order."""
        await self._wake.wait()
        self._wake.clear()
        pending, self._pending = self._pending, OrderedDict()
        return [news for read in pending.values() if (news := read()) is not None]


class Stream:
    """Tells every open page what changed; a `sandbox.discord.watchers.Watcher`."""

    def __init__(self, core: Core, status: Callable[[], Json]) -> None:
        """`status` returns what the drawer shows of the bot, the clock and the trouble."""
        self._core = core
        self._status = status
        self._pages: set[Page] = set()
        self._wire: deque[Json] = deque(maxlen=WIRE_KEPT)
        self._log: deque[Json] = deque(maxlen=LOG_KEPT)
        self._books: Any = None
        self._count = 0
        core.watchers.add(self)
        core.transcript.listeners.append(self._discord_wire)

    def open(self, viewer: User) -> Page:
        """Return a new page's news, which begins with all that is known."""
        page = Page(viewer)
        self._pages.add(page)
        self._put_world(page)
        page.put("status", lambda: ("status", self._status()))
        page.put("wire", lambda: ("wire", [_without_bodies(entry) for entry in self._wire]))
        page.put("log", lambda: ("log", list(self._log)))
        page.put("books", lambda: ("books", self._books))
        return page

    def close(self, page: Page) -> None:
        """Forget a page."""
        self._pages.discard(page)

    # A watcher of the world.

    def message_changed(self, message: Message) -> None:
        """Send the message to whom sees it."""
        for page in self._pages:
            page.put(("message", message.id), lambda page=page: self._message_news(page, message))

    def typed(self, channel: Channel, user: User) -> None:
        """Send who types."""
        news: Json = {"channel_id": str(channel.id), "name": user.name}
        for page in self._pages:
            page.put(("typing", channel.id), lambda: ("typing", news))

    def _message_news(self, page: Page, message: Message) -> NewsItem | None:
        if message.id not in self._core.world.messages:
            return "gone", {"id": str(message.id), "channel_id": str(message.channel.id)}
        if not is_visible_to(message, page.viewer):
            return None
        return "message", message_json(self._core, message, page.viewer)

    # The rest of the news.

    def world_changed(self) -> None:
        """Send servers, channels, people and commands anew."""
        for page in self._pages:
            self._put_world(page)

    def _put_world(self, page: Page) -> None:
        page.put("world", lambda: ("world", world_json(self._core, page.viewer)))

    def status_changed(self) -> None:
        """Send the bot's state, the clock and the trouble."""
        for page in self._pages:
            page.put("status", lambda: ("status", self._status()))

    def time_moved(self) -> None:
        """Let every page read its messages anew: signed addresses have aged."""
        self.status_changed()
        for page in self._pages:
            page.put("stale", lambda: ("stale", None))

    def log_line(self, line: str) -> None:
        """Send a line of the bot's log."""
        self._count += 1
        entry: Json = {"n": self._count, "line": line}
        self._log.append(entry)
        for page in self._pages:
            page.put(("log", entry["n"]), lambda: ("log", [entry]))

    def books(self, books: Any) -> None:
        """Send the books."""
        self._books = books
        for page in self._pages:
            page.put("books", lambda: ("books", books))

    def wire(self, entry: Json) -> None:
        """Send what a service received and answered, without the bodies, which `wire_entry` returns."""
        self._count += 1
        entry |= {"n": self._count, "at": self._core.clock.now()}
        self._wire.append(entry)
        for page in self._pages:
            page.put(("wire", entry["n"]), lambda: ("wire", [_without_bodies(entry)]))

    def wire_entry(self, number: int) -> Json | None:
        """Return one entry with its bodies."""
        return next((entry for entry in self._wire if entry["n"] == number), None)

    def _discord_wire(self, entry: Exchange | Event) -> None:
        if isinstance(entry, Event):
            if entry.name.startswith(WORLD_EVENTS):
                self.world_changed()
            if entry.name in {"READY", "RESUMED"}:
                self.status_changed()
            self.wire({"to": "bot", "what": entry.name, "status": None, "ms": None, "answer": _text(entry.data)})
            return
        if COMMANDS_PATH in entry.path and entry.method != "GET":
            self.world_changed()
        self.wire(
            {
                "to": "discord",
                "what": f"{entry.method} {_short_path(entry.path)}",
                "status": entry.status,
                "ms": round(entry.ms, 1),
                "request": _text(entry.request),
                "answer": _text(entry.response),
            }
        )


def frame(core: Core, news: list[NewsItem]) -> str:
    """Return the news as the text of one frame."""
    return without_origin(json.dumps(news, ensure_ascii=False, separators=(",", ":")), core)


def _without_bodies(entry: Json) -> Json:
    return {key: value for key, value in entry.items() if key not in {"request", "answer"}}


def _text(body: bytes) -> str:
    return body[:BODY_MAX].decode(errors="replace")


def _short_path(path: str) -> str:
    """Return the path with tokens and ids cut."""
    return "/".join(f"{part[:4]}…" if len(part) >= LONG else part for part in path.split("/"))
