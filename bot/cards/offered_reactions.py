"""Adds the reactions that Wanda offers below a finished video, one by one to stay within Discord's limit."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import discord

from bot.cards.discord_request import DiscordRefused, discord_request
from bot.cards.result_file import Sleep
from bot.settings import CardSettings
from bot.tasks import end

_LOG = logging.getLogger(__name__)
WAITING_MAX = 1000  # cards; one more drops the oldest, whose buttons do the same


class OfferedReactions:
    """Adds the same emoji to one message after another while it is entered; failures are only logged."""

    def __init__(
        self, client: discord.Client, settings: CardSettings, emoji: Sequence[str], *, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._client = client
        self._emoji = tuple(emoji)
        self._interval_s = settings.reaction_interval_s
        self._timeout_s = settings.discord_timeout_s
        self._sleep = sleep
        self._waiting: deque[tuple[int, int]] = deque(maxlen=WAITING_MAX)
        self._news = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.create_task(self._work(), name="reactions")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end(self._loop)

    def offer(self, channel_id: int, message_id: int) -> None:
        """Add the emoji to this message soon. Never raises, never waits."""
        self._waiting.append((channel_id, message_id))
        self._news.set()

    async def _work(self) -> None:
        while True:
            await self._news.wait()
            while self._waiting:
                channel_id, message_id = self._waiting.popleft()
                for each in self._emoji:
                    if not await self._add(channel_id, message_id, each):
                        break
                    # A channel has one bucket for adding and removing reactions, about one in 250 ms.
                    await self._sleep(self._interval_s)
            self._news.clear()

    async def _add(self, channel_id: int, message_id: int, emoji: str) -> bool:
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            async with discord_request(self._timeout_s):
                await message.add_reaction(emoji)
        except DiscordRefused as refused:
            _LOG.info("%s could not be put below message %d: %s", emoji, message_id, refused)
            return False
        return True
