"""The buttons on the card of an unfinished job: Cancel, Approve, Decline."""

from collections.abc import Coroutine
from typing import Any

import discord

from bot.answers import answer_privately, error_boundary
from bot.client import Interaction
from bot.texts.button_ids import CANCEL_TEMPLATE, DECISION_TEMPLATE, SET_TEMPLATE
from bot.texts.trouble import job_trouble
from cogs.base.acknowledgement import store_first
from cogs.base.cog import FeatureCog
from cogs.base.component import PersistentButton
from cogs.ordering.checks import role_ids
from cogs.ordering.posting_rights import check_commands


class CancelButton(PersistentButton, template=CANCEL_TEMPLATE):
    """Cancels a job, for its owner only."""

    async def pressed(self, interaction: Interaction) -> None:
        """Answer privately whether the job is cancelled."""
        cancel = interaction.client.services.runner.cancel(self.parts["job_id"], member_id=interaction.user.id)
        await answer_with(interaction, cancel, unchanged="the video goes on")


class SetButton(PersistentButton, template=SET_TEMPLATE):
    """Cancels what is unfinished of several variations, for their owner only."""

    async def pressed(self, interaction: Interaction) -> None:
        """Answer privately what was cancelled."""
        cancel = interaction.client.services.runner.cancel_set(self.parts["set_id"], member_id=interaction.user.id)
        await answer_with(interaction, cancel, unchanged="the videos go on")


class DecisionButton(PersistentButton, template=DECISION_TEMPLATE):
    """Approves or declines a waiting job; only for members who may decide."""

    async def pressed(self, interaction: Interaction) -> None:
        """Answer privately whether the decision was accepted."""
        check_commands(interaction)
        member = interaction.user
        decide = interaction.client.services.runner.decide(
            self.parts["job_id"],
            guild_id=interaction.guild_id,
            member_id=member.id,
            role_ids=role_ids(member) if isinstance(member, discord.Member) else (),
            manages=interaction.permissions.manage_guild,
            approve=self.parts["action"] == "approve",
        )
        await answer_with(interaction, decide, unchanged="the video waits on")


async def answer_with(interaction: Interaction, work: Coroutine[Any, Any, str], *, unchanged: str) -> None:
    """Say privately what `work` returns, once it is stored."""
    async with error_boundary(interaction, job_trouble(unchanged)):
        await answer_privately(interaction, await store_first(interaction, work))


class CardButtons(FeatureCog):
    """The buttons on the cards of unfinished jobs."""

    buttons = (CancelButton, SetButton, DecisionButton)
