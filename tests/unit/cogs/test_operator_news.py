"""What the operators' channel is told: all of it, each once, and only what Discord took counts as told."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.jobs.alarms import TEXT_CHARS_MAX, Alarm, begin, end
from bot.settings import WatchSettings
from bot.texts.operator_news import MESSAGE_CHARS_MAX
from cogs.operator_news import OperatorNews
from tests.support.stores import MemoryStore

FIRST, SECOND = 41, 42


@dataclass
class Channels:
    """Discord's channels: what was posted in each; `is_gone` refuses."""

    posted: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    is_gone: bool = False

    def at(self, channel_id: int) -> Any:
        """Return the channel."""

        async def send(content: str, **_: Any) -> None:
            if self.is_gone:
                raise OSError("gone")
            self.posted.setdefault(channel_id, []).append(content)

        return SimpleNamespace(send=send)


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    """An empty database."""
    made = MemoryStore()
    with closing(made.connection):
        yield made


def started(store: MemoryStore, channels: Channels, channel_id: int | None) -> OperatorNews:
    """Return the news of a process that was started with this channel."""
    settings = SimpleNamespace(watch=WatchSettings(operator_channel_id=channel_id, news_calm_s=0))
    services = SimpleNamespace(
        store=store, settings=settings, clock=lambda: 1000.0, picker=None, alarms=SimpleNamespace()
    )
    return OperatorNews(cast("Any", SimpleNamespace(services=services, get_partial_messageable=channels.at)))


async def all_told(news: OperatorNews) -> None:
    """Tell until nothing is left."""
    for _ in range(100):
        if not await news._tell():
            return
    raise AssertionError("it is told for ever")


def alarm(number: int, *, text: str = "", since: float = 100.0) -> Alarm:
    """Return an alarm of a mode with this number."""
    mode = f"mode-{number:02}"
    return Alarm(kind="price", mode=mode, what="0.12", text=text or f"{mode} moved.", closes=False, since=since)


@pytest.mark.parametrize("is_over", [False, True])
async def test_what_does_not_fit_is_told_by_the_next_message(store: MemoryStore, *, is_over: bool) -> None:
    """However many alarms are due at once, each is told whole and once, in as few messages as they fit into."""
    alarms = [alarm(n, text=f"<{n:02}>".ljust(TEXT_CHARS_MAX - 1, "x") + ".") for n in range(25)]
    for one in alarms:
        store.run(begin(one))
    channels = Channels()
    news = started(store, channels, FIRST)
    if is_over:
        await all_told(news)
        channels.posted.clear()
        for one in alarms:
            store.run(end(one.kind, one.mode, at=900.0))
    await all_told(news)
    messages = channels.posted[FIRST]
    assert all(len(one) <= MESSAGE_CHARS_MAX for one in messages)
    lines = [line for one in messages for line in one.split("\n")]
    assert len(lines) == len(set(lines)) == 25
    assert len(messages) == (1 if is_over else 9)
    assert all(line.endswith(".") for line in lines)


async def test_what_discord_does_not_take_is_told_later(store: MemoryStore) -> None:
    """A message that was not taken counts as not told."""
    store.run(begin(alarm(1)))
    channels = Channels(is_gone=True)
    news = started(store, channels, FIRST)
    assert await news._tell()
    channels.is_gone = False
    await all_told(news)
    assert channels.posted == {FIRST: ["⚠️ mode-01 moved."]}


async def test_a_channel_that_is_set_later(store: MemoryStore) -> None:
    """A channel is told what is wrong when it is set, also what was in the log before; a restart tells it nothing."""
    channels = Channels()
    store.run(begin(alarm(1)))
    store.run(begin(alarm(2)))
    await all_told(started(store, channels, None))
    store.run(end("price", "mode-02", at=900.0))
    assert channels.posted == {}
    for channel_id in (FIRST, FIRST, SECOND, SECOND, None, SECOND):
        await all_told(started(store, channels, channel_id))
    assert channels.posted == {FIRST: ["⚠️ mode-01 moved."], SECOND: ["⚠️ mode-01 moved."] * 2}
    store.run(end("price", "mode-01", at=950.0))
    await all_told(started(store, channels, SECOND))
    assert channels.posted[SECOND][2].startswith("✅ fal's list price of mode-01 and Wanda's agree again")
