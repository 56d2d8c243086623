"""Updates the "Made from this" links on a parent card; edits are batched, and failures are logged and ignored.

A card of components is drawn again from its job. An embed is fetched and sent back with one field changed, so that
the video, its buttons and its text stay.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import discord

from bot.cards.channel_queue import ChannelQueue
from bot.cards.discord_request import DiscordRefused, discord_request
from bot.cards.layouts import says
from bot.cards.result_file import Sleep
from bot.errors import StorageError
from bot.jobs import queries
from bot.jobs.model import Job
from bot.log import job_scope
from bot.settings import CardSettings
from bot.storage.transaction import Store
from bot.tasks import WorkQueue
from bot.texts import lineage
from bot.texts.card import Field

_LOG = logging.getLogger(__name__)
# Draws the card of a posted video again, with links to these videos; raises DiscordRefused.
Redraw: TypeAlias = Callable[[Job, Sequence[Job]], Awaitable[None]]
WAITING_MAX = 1000  # parents; one more drops the oldest


class ParentLinks(WorkQueue[str]):
    """Edits the parents of posted videos while it is entered, one every `edit_interval_s` at most."""

    def __init__(
        self,
        client: discord.Client,
        store: Store,
        settings: CardSettings,
        *,
        redraw: Redraw,
        channel_queue: ChannelQueue | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__(size_max=WAITING_MAX)
        self._client = client
        self._channel_queue = channel_queue or ChannelQueue()
        self._store = store
        self._settings = settings
        self._redraw = redraw
        self._sleep = sleep

    def posted(self, job: Job) -> None:
        """Link to this video on its parent's card soon, if it has a parent. Never raises, never waits."""
        if job.parent_id is not None:
            self.add(job.parent_id)

    async def handle(self, item: str) -> None:
        """Update the card of this job, then wait for `edit_interval_s` if it was edited or failed."""
        with job_scope(item):
            try:
                if not await self._link(item):
                    return
            except StorageError:
                _LOG.warning("the children of job %s could not be read for its card", item, exc_info=True)
            except DiscordRefused as refused:
                _LOG.info("the card of job %s takes no links: %s", item, refused)
        # Links to videos posted in this interval share the next edit.
        await self._sleep(self._settings.edit_interval_s)

    async def _link(self, parent_id: str) -> bool:
        """Update the parent's card; returns whether it was edited."""
        parent = await self._store.read(queries.get(parent_id))
        children = await self._store.read(queries.children_of(parent_id))
        if parent is None or parent.state != "done" or not children:
            return False
        field = lineage.children_field(children)
        channel = self._client.get_partial_messageable(parent.address.channel_id, guild_id=parent.guild_id or None)
        card = channel.get_partial_message(parent.address.message_id)
        if parent.address.style == "components":
            return await self._link_layout(parent, children, card, field)
        return await self._link_embed(parent, card, field)

    async def _link_layout(
        self, parent: Job, children: Sequence[Job], card: discord.PartialMessage, field: Field
    ) -> bool:
        if parent.posted is None or parent.late_at is not None:
            return False  # its video is about to take the place of its link
        async with discord_request(self._settings.discord_timeout_s):
            if says(await card.fetch(), field.value):
                return False
        await self._redraw(parent, children)
        return True

    async def _link_embed(self, parent: Job, card: discord.PartialMessage, field: Field) -> bool:
        turn = self._channel_queue.turn(parent.address.channel_id, "edit")
        async with turn, discord_request(self._settings.discord_timeout_s):
            message = await card.fetch()
            if not message.embeds:
                return False
            embed = message.embeds[0]
            known = {one.name: (place, one.value) for place, one in enumerate(embed.fields)}
            place, value = known.get(field.name, (None, None))
            if value == field.value:
                return False
            if place is None:
                embed.add_field(name=field.name, value=field.value, inline=False)
            else:
                embed.set_field_at(place, name=field.name, value=field.value, inline=False)
            await message.edit(embed=embed, allowed_mentions=discord.AllowedMentions.none())
            return True
