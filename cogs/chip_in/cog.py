"""The card of a video that several members pay for: its buttons, and the loop that draws it and ends it in time."""

import asyncio
import hashlib
import logging
import time
from contextlib import suppress
from functools import partial
from typing import Any

import discord

from bot.cards.direct_message import naming_all
from bot.cards.discord_request import DiscordRefused, discord_request
from bot.cards.embeds import to_embed, to_view
from bot.client import Interaction, Wanda
from bot.errors import OptionRefused, StorageError
from bot.jobs import chip_in_rows
from bot.jobs.chip_in_model import GONE, ChipIn
from bot.ledger import holds
from bot.texts import chip_in as words
from bot.texts.button_ids import CHIP_IN_REST_TEMPLATE, CHIP_IN_TEMPLATE
from bot.texts.card import Card
from cogs.base.acknowledgement import think
from cogs.base.cog import LoopCog
from cogs.base.component import PersistentButton
from cogs.chip_in.start import ask_for_amount
from cogs.ordering.checks import interaction_member
from cogs.ordering.posting_rights import check_commands

log = logging.getLogger(__name__)
AT_ONCE = 8
TRIES_MAX = 6
FIRST_WAIT_S = 20.0  # to the second try to draw a card; doubles


class ChipInRestButton(PersistentButton, template=CHIP_IN_REST_TEMPLATE):
    """Adds what was missing when the button was drawn, or what is missing now if that is less."""

    async def pressed(self, interaction: Interaction) -> None:
        """Add it from whoever pressed, or ask them first if it is above their own limit for that."""
        chip_in_id, microusd = self.parts["chip_in_id"], int(self.parts["microusd"])
        check_commands(interaction)
        if self.parts["how"] == "sure":
            await interaction.response.defer()
            await _add_from(chip_in_id, interaction, microusd)
            return
        await think(interaction)
        answer = await _question_or_amount(interaction, chip_in_id, microusd)
        if isinstance(answer, int):
            await _add_from(chip_in_id, interaction, answer)
            return
        await interaction.edit_original_response(embed=to_embed(answer), view=to_view(answer))


async def _question_or_amount(interaction: Interaction, chip_in_id: str, microusd: int) -> Card | int:
    """Return what a member is asked before a press spends so much, or what it may add without a question.

    Raises:
        OptionRefused: the chip-in is over, or another server's.
        StorageError: the database did not answer.
    """
    services = interaction.client.services
    chip_in = await _open_chip_in(interaction, chip_in_id)
    view = await services.store.read(
        holds.standing(interaction_member(interaction), at=services.clock(), shipped=services.shipped)
    )
    return words.question_or_amount(chip_in, microusd, above_microusd=view.terms.confirm_above_microusd.value)


class ChipInButton(PersistentButton, template=CHIP_IN_TEMPLATE):
    """The other buttons: another amount, take mine back, cancel."""

    async def pressed(self, interaction: Interaction) -> None:
        """Ask for the amount, or give back what whoever pressed may have back."""
        check_commands(interaction)
        services, chip_in_id = interaction.client.services, self.parts["chip_in_id"]
        mine = {"guild_id": interaction.guild_id or 0, "member_id": interaction.user.id}
        match self.parts["action"]:
            case "other":
                await _ask(interaction, chip_in_id)
            case "back":
                await think(interaction)
                back = await services.chip_ins.take_back(chip_in_id, **mine)
                await interaction.edit_original_response(content=words.taken_back_text(back))
            case _:
                await think(interaction)
                await services.chip_ins.cancel(chip_in_id, **mine)
                await interaction.edit_original_response(content=words.CANCELLED)


async def _open_chip_in(interaction: Interaction, chip_in_id: str) -> ChipIn:
    chip_in = await interaction.client.services.store.read(chip_in_rows.chip_in_of(chip_in_id))
    if chip_in is None or chip_in.state != "open" or chip_in.guild_id != interaction.guild_id:
        raise OptionRefused(GONE)
    return chip_in


async def _ask(interaction: Interaction, chip_in_id: str) -> None:
    chip_in = await _open_chip_in(interaction, chip_in_id)
    who = interaction_member(interaction)
    add = partial(_add, chip_in_id)
    await ask_for_amount(interaction, words.FORM_TITLE, who, chip_in.missing_microusd, add)


async def _add(chip_in_id: str, interaction: Interaction, amount_microusd: int) -> None:
    """Add the amount that a member typed, and tell them."""
    check_commands(interaction)
    await think(interaction)
    await _add_from(chip_in_id, interaction, amount_microusd)


async def _add_from(chip_in_id: str, interaction: Interaction, amount_microusd: int) -> None:
    """Add this much of whoever pressed or submitted, and tell them in the deferred answer."""
    who = interaction_member(interaction)
    added = await interaction.client.services.chip_ins.add(chip_in_id, who, amount_microusd)
    said = words.added_text(added.chip_in, added.share_microusd, is_made=added.job is not None)
    await interaction.edit_original_response(content=said, embed=None, view=None)


class ChipInCards(LoopCog):
    """Draws the cards that do not show how their chip-in stands, ends those out of time, and begins full ones."""

    buttons = (ChipInRestButton, ChipInButton)

    def __init__(self, bot: Wanda) -> None:
        super().__init__(bot)
        self._drawn: dict[str, float] = {}  # when cards were drawn last, of those that may not be drawn yet
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def loop(self) -> None:
        """Look after each change, and every `look_s`."""
        await self.bot.wait_until_ready()
        services = self.bot.services
        while True:
            services.chip_ins.changed.clear()
            wait_s = services.settings.chip_ins.look_s
            try:
                await services.chip_ins.look(self.bot.held_shards())
                if not await self._draw_stale():
                    wait_s = min(wait_s, services.settings.cards.edit_interval_s)
            except StorageError:
                log.warning("chip-ins could not be read; this is tried again", exc_info=True)
            except Exception:
                log.exception("chip-ins could not be looked after; this is tried again")
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await services.chip_ins.changed.wait()

    async def _draw_stale(self) -> bool:
        """Draw the cards that are to be drawn; returns False if some were drawn too recently for that."""
        services, now = self.bot.services, time.monotonic()
        pace_s = services.settings.cards.edit_interval_s
        self._drawn = {key: at for key, at in self._drawn.items() if now < at + pace_s}
        stale = chip_in_rows.stale_chip_ins(self.bot.ready_shards(), now=services.clock())
        found = await services.store.read(stale)
        ready = [one for one in found if one[0] not in self._drawn]
        await asyncio.gather(*(self._draw(chip_in_id, guild_id) for chip_in_id, guild_id in ready))
        return len(ready) == len(found)

    async def _draw(self, chip_in_id: str, guild_id: int) -> None:
        services = self.bot.services
        async with self._at_once:
            showing = chip_in_rows.showing(chip_in_id, now=services.clock(), wait_s=FIRST_WAIT_S, tries_max=TRIES_MAX)
            chip_in = await services.store.write(showing, guild_id=guild_id)
            if chip_in is None:
                return
            self._drawn[chip_in_id] = time.monotonic()
            if await self._is_shown(chip_in):
                shown = chip_in_rows.shown(chip_in_id, is_over=chip_in.state == "over", seen=chip_in)
                await services.store.write(shown, guild_id=guild_id)

    async def _is_shown(self, chip_in: ChipIn) -> bool:
        """Edit the card, and tell who is to be told of the end; returns whether it need not be tried again."""
        try:
            await self._edit(chip_in)
        except DiscordRefused as refused:
            log.info("the card of chip-in %s could not be drawn: %s", chip_in.id, refused)
            if refused.trouble == "later":
                return False
            if refused.trouble == "message_gone" and chip_in.over is None:
                await self.bot.services.chip_ins.end_without_card(chip_in)
                return False
        if not (told := words.told_over(chip_in)):
            return True
        try:
            await self._tell(chip_in, told)
        except DiscordRefused as refused:
            log.info("nobody was told of the end of chip-in %s: %s", chip_in.id, refused)
            return refused.trouble != "later"
        return True

    async def _edit(self, chip_in: ChipIn) -> None:
        card, address, settings = words.chip_in_card(chip_in), chip_in.address, self.bot.services.settings.cards
        nobody = discord.AllowedMentions.none()
        shown: dict[str, Any] = {"content": None, "embed": to_embed(card), "view": to_view(card)}
        if self.bot.services.clock() < address.token_expires_at - settings.token_margin_s:
            hook = discord.Webhook.partial(address.application_id, address.token, client=self.bot)
            try:
                async with discord_request(settings.discord_timeout_s):
                    await hook.edit_message(address.message_id, allowed_mentions=nobody, **shown)
            except DiscordRefused as refused:
                if refused.trouble == "message_gone":
                    raise
                log.info("the card of chip-in %s is edited by the bot's own token: %s", chip_in.id, refused)
            else:
                return
        turn = self.bot.services.channel_queue.turn(address.channel_id, "edit")
        async with turn, discord_request(settings.discord_timeout_s):
            message = self._channel(chip_in).get_partial_message(address.message_id)
            await message.edit(allowed_mentions=nobody, **shown)

    async def _tell(self, chip_in: ChipIn, member_ids: tuple[int, ...]) -> None:
        """Tell them in one message; after a crash Discord drops its repeat by the nonce."""
        settings = self.bot.services.settings.cards
        reference = discord.MessageReference(
            message_id=chip_in.address.message_id,
            channel_id=chip_in.address.channel_id,
            guild_id=chip_in.guild_id,
            fail_if_not_exists=False,
        )
        turn = self.bot.services.channel_queue.turn(chip_in.address.channel_id, "send")
        async with turn, discord_request(settings.discord_timeout_s):
            await self._channel(chip_in).send(
                words.over_notice(chip_in, member_ids),
                reference=reference,
                mention_author=False,
                allowed_mentions=naming_all(member_ids),
                nonce=hashlib.sha256(f"chip-in {chip_in.id}".encode()).hexdigest()[:24],
            )

    def _channel(self, chip_in: ChipIn) -> discord.PartialMessageable:
        return self.bot.get_partial_messageable(chip_in.address.channel_id, guild_id=chip_in.guild_id)
