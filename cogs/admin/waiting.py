"""`/wanda-admin waiting`: what awaits approval, with buttons to approve and decline."""

import logging

import discord
from discord.ext import commands

from bot.client import Interaction
from bot.errors import StorageError
from bot.jobs.model import Job
from bot.jobs.queries import waiting_count, waiting_jobs, waiting_with
from bot.ledger import rules as rulebook
from bot.ledger.reservations import reserved_microusd
from bot.log import job_scope
from bot.storage.transaction import Transaction
from bot.texts.button_ids import WAITING_TEMPLATE
from bot.texts.trouble import job_trouble
from bot.texts.waiting import PAGE_JOBS, WaitingPage, order_id, waiting_log_line, waiting_panel
from cogs.admin.admin_command import AdminCommand
from cogs.admin.panel_message import PanelButton, show_panel
from cogs.base.cog import FeatureCog
from cogs.base.command_group import CommandSpec
from cogs.base.log_channel import log_channel
from cogs.ordering.checks import interaction_member

log = logging.getLogger(__name__)
NONCE_CHARS_MAX = 25  # https://discord.com/developers/docs/resources/message#create-message


async def show_waiting(interaction: Interaction) -> None:
    """List what awaits approval."""
    command = await AdminCommand.open(interaction)
    page = await command.read(_page(command.guild.id, ""))
    await show_panel(interaction, waiting_panel(page, command.actor_id))


def _page(guild_id: int, after: str) -> Transaction[WaitingPage]:
    """Return the page that begins after this job; the first one if no job is left there."""
    jobs = yield from waiting_jobs(guild_id, after=after, limit=PAGE_JOBS + 1)  # one more shows whether there are more
    if after and not jobs:
        after = ""
        jobs = yield from waiting_jobs(guild_id, limit=PAGE_JOBS + 1)
    count = yield from waiting_count(guild_id)
    following = jobs[PAGE_JOBS - 1].id if len(jobs) > PAGE_JOBS else None
    orders: list[tuple[Job, ...]] = []
    for job in jobs[:PAGE_JOBS]:
        orders.append((yield from waiting_with(job)))  # noqa: PERF401 - a transaction's yield cannot stand in a comprehension
    orders = [one for one in orders if one]
    reserved: dict[str, int] = {}
    for first, *_ in orders:
        reserved[order_id(first)] = yield from reserved_microusd(order_id(first))
    return WaitingPage(orders=orders, count=count, after=after, next=following, reserved=reserved)


class WaitingButton(PanelButton, template=WAITING_TEMPLATE):
    """Decides on one video of the list, or turns the page."""

    trouble = job_trouble("the video waits on")

    async def act(self, interaction: Interaction) -> None:
        """Carry out the press, then show the page as it is now."""
        await interaction.response.defer()
        who, notice = interaction_member(interaction), ""
        services = interaction.client.services
        if self.parts["action"] != "page":
            notice = await services.runner.decide(
                self.parts["job_id"],
                guild_id=interaction.guild_id,
                member_id=who.member_id,
                role_ids=who.role_ids,
                manages=interaction.permissions.manage_guild,
                approve=self.parts["action"] == "approve",
            )
        page = await services.store.read(_page(who.guild_id, self.parts["after"]))
        await show_panel(interaction, waiting_panel(page, who.member_id, notice))


class WaitingLog(FeatureCog):
    """Tells the server's log channel of every video that begins to wait for approval."""

    @commands.Cog.listener()
    async def on_job_waits(self, job: Job) -> None:
        """Post one line, unless there is no log channel. The card itself asks; so a line that is lost loses nothing."""
        if job.variation is not None and job.variation.number > 1:
            return  # the first one of a set tells of all, and is decided with them
        services = self.bot.services
        try:
            rules = await services.store.read(rulebook.rules_of(job.guild_id, at=services.clock()))
            channel = log_channel(self.bot.get_guild(job.guild_id), rules)
            if channel is not None:
                held = await services.store.read(reserved_microusd(order_id(job)))
                await channel.send(
                    waiting_log_line(job, held),
                    nonce=job.id[:NONCE_CHARS_MAX],
                    suppress_embeds=True,
                    allowed_mentions=discord.AllowedMentions.none(),
                )
        except (StorageError, discord.DiscordException, OSError) as error:
            with job_scope(job.id):
                log.warning("the log channel of server %d was not told of a waiting video: %s", job.guild_id, error)


COMMANDS = (CommandSpec("waiting", "See what waits for approval, and approve or decline it.", show_waiting),)
