"""Ask an admin: posts a member's request for more money, and carries out an admin's answer."""

import asyncio
import logging
from functools import partial

import discord

from bot.cards.direct_message import mail, naming
from bot.cards.discord_request import DISCORD_ERRORS
from bot.client import Interaction, Wanda
from bot.errors import NotAllowed, OptionRefused
from bot.ledger import money_requests
from bot.ledger.money_requests import MoneyRequest
from bot.storage.transaction import Transaction
from bot.texts import money_requests as words
from bot.texts.button_ids import MONEY_TEMPLATE, MoneyAnswer
from cogs.base.cog import FeatureCog
from cogs.base.component import PersistentButton

log = logging.getLogger(__name__)


class MoneyButton(PersistentButton, template=MONEY_TEMPLATE):
    """An admin's answer to a member's request; whoever may manage the server may press."""

    async def pressed(self, interaction: Interaction) -> None:
        """Give the money or decline, once, and tell the member."""
        if interaction.guild_id is None or not interaction.permissions.manage_guild:
            raise NotAllowed(words.NOT_YOURS, rule="approver")
        await interaction.response.defer()
        answer = _answer(self.parts["answer"])
        services, actor_id = interaction.client.services, interaction.user.id
        request = await services.store.write(
            _carried_out(answer, self.parts["request_id"], interaction.guild_id, actor_id, at=services.clock()),
            guild_id=interaction.guild_id,
        )
        if request is None:
            raise OptionRefused(words.OVER)
        said = words.answered_text(request, answer, actor_id)
        await interaction.edit_original_response(
            content=said, view=None, allowed_mentions=discord.AllowedMentions.none()
        )
        await _tell(interaction.client, request, words.told_member(request, answer))


def _answer(text: str) -> MoneyAnswer:
    return "grant" if text == "grant" else "raise" if text == "raise" else "decline"


def _carried_out(
    answer: MoneyAnswer, request_id: str, guild_id: int, actor_id: int, *, at: float
) -> Transaction[MoneyRequest | None]:
    match answer:
        case "grant":
            return money_requests.grant_request(request_id, guild_id, actor_id=actor_id, at=at)
        case "raise":
            return money_requests.raise_request(request_id, guild_id, actor_id=actor_id, at=at)
        case "decline":
            return money_requests.answer_request(request_id, guild_id, at=at)


async def _tell(bot: Wanda, request: MoneyRequest, sentence: str) -> None:
    """Tell the member where they asked, else by direct message; failures are logged."""
    channel = bot.get_partial_messageable(request.channel_id, guild_id=request.guild_id)
    for send in (channel.send, partial(mail, bot, request.member_id)):
        try:
            async with asyncio.timeout(bot.services.settings.cards.discord_timeout_s):
                await send(sentence, allowed_mentions=naming(request.member_id))
        except DISCORD_ERRORS as error:
            log.info("a member could not be told what became of their request: %s", error)
        else:
            return


class MoneyRequests(FeatureCog):
    """The buttons below members' requests."""

    buttons = (MoneyButton,)
