"""Adds the reactions that Wanda offers below a finished video, one by one to stay within Discord's limit."""

import asyncio
import logging
from collections.abc import Sequence

import discord

from bot.cards.discord_request import DiscordRefused, discord_request
from bot.cards.result_file import Sleep
from bot.settings import CardSettings
from bot.tasks import WorkQueue

_LOG = logging.getLogger(__name__)
WAITING_MAX = 1000  # cards; one more drops the oldest, whose buttons do the same


class OfferedReactions(WorkQueue[tuple[int, int]]):
    """Adds the same emoji to one message after another while it is entered; failures are only logged."""

    def __init__(
        self, client: discord.Client, settings: CardSettings, emoji: Sequence[str], *, sleep: Sleep = asyncio.sleep
    ) -> None:
        super().__init__(size_max=WAITING_MAX)
        self._client = client
        self._emoji = tuple(emoji)
        self._interval_s = settings.reaction_interval_s
        self._timeout_s = settings.discord_timeout_s
        self._sleep = sleep

    def offer(self, channel_id: int, message_id: int) -> None:
        """Add the emoji to this message soon. Never raises, never waits."""
        self.add((channel_id, message_id))

    async def handle(self, item: tuple[int, int]) -> None:
        """Add the emoji to this message, the second only if the first could be added."""
        for emoji in self._emoji:
            if not await self._add_one(*item, emoji):
                break
            # A channel has one bucket for adding and removing reactions, about one in 250 ms.
            await self._sleep(self._interval_s)

    async def _add_one(self, channel_id: int, message_id: int, emoji: str) -> bool:
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            async with discord_request(self._timeout_s):
                await message.add_reaction(emoji)
        except DiscordRefused as refused:
            _LOG.info("%s could not be put below message %d: %s", emoji, message_id, refused)
            return False
        return True
