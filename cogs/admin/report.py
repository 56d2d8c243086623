"""`/wanda-admin report`, `audit` and `export`: spending, administrative acts, and both as CSV files."""

import asyncio
import tempfile
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import discord
from discord import app_commands

from bot.answers import sentence_for, withdraw
from bot.cards.embeds import to_embed
from bot.charts import data
from bot.client import Interaction
from bot.errors import StorageError
from bot.exports.server import Bounds, export
from bot.ledger import holds
from bot.ledger.fruitless import absorbed_by_member
from bot.ledger.history import spend_by_day, top_members
from bot.ledger.model import Who
from bot.ledger.movements import spend_by_hour
from bot.ledger.windows import starts_at
from bot.storage.transaction import Transaction
from bot.texts import report as words
from bot.texts.exports import export_text
from bot.texts.report import Report
from bot.units import MIB
from cogs.admin.admin_command import AdminCommand
from cogs.admin.member_names import ExportNames, names_of
from cogs.admin.permission import check_admin
from cogs.base.acknowledgement import think
from cogs.base.charts import show_charts
from cogs.base.command_group import CommandSpec
from cogs.base.page import show_page
from cogs.history_pages import history_page
from cogs.ordering.checks import channel_id

DAY_S = 86_400


@app_commands.describe(
    days="How far back: 30 when not given.", public="Post it here for everybody instead of just for you."
)
async def show_report(
    interaction: Interaction, days: app_commands.Range[int, 1, 90] = 30, public: bool = False
) -> None:
    """Show spending per day and mode, how long the pool lasts, and the members who spent most."""
    command = await AdminCommand.open(interaction, public=public)
    who = Who(guild_id=command.guild.id, channel_id=channel_id(interaction), member_id=0)
    try:
        found, hours = await command.read(_report(command, who, days))
    except StorageError as error:
        await withdraw(
            interaction, sentence_for(error, interaction)
        )  # the first follow-up of a public answer would be public
        return
    names = await names_of(command.guild, (one.member_id for one in found.top))
    await show_charts(interaction, to_embed(words.report_card(found)), data.report_charts(found, hours, names))


def _report(command: AdminCommand, who: Who, days: int) -> Transaction[tuple[Report, list[data.Hours]]]:
    """Read the report's data, and the hourly spending from each pool."""
    view = yield from holds.standing(who, at=command.at, shipped=command.services.shipped)
    tz = ZoneInfo(view.terms.timezone.value)
    since = starts_at(tz, data.Days.last(days, now=command.at, tz=tz).days[0])
    found = Report(
        days=days,
        by_day=(yield from spend_by_day(who.guild_id, since=since, tz=tz)),
        top=(yield from top_members(who.guild_id, since=since, limit=words.TOP_LINES)),
        absorbed=(yield from absorbed_by_member(who.guild_id, since=since, limit=words.TOP_LINES)),
        pools=tuple(one for one in view.standings if one.limit.whose == "server"),
        now=command.at,
        tz=tz,
    )
    hours: list[data.Hours] = []
    for pool in found.pools:
        hours.append((yield from spend_by_hour(pool.limit.scope, since=pool.limit.window.starts_at)))  # noqa: PERF401 - a transaction's yield cannot stand in a comprehension
    return found, hours


@app_commands.describe(what="What admins changed, or how money moved.")
async def show_audit(interaction: Interaction, what: Literal["acts", "money"] = "acts") -> None:
    """Show acts or movements of money, newest first."""
    check_admin(interaction)
    await think(interaction)
    await show_page(interaction, await history_page(interaction, what, ""))


@app_commands.describe(days="How far back; without it, everything.")
async def export_server(interaction: Interaction, days: app_commands.Range[int, 1, 3660] | None = None) -> None:
    """Send all videos and movements of money, or those of the last `days`, as CSV files."""
    command = await AdminCommand.open(interaction)
    settings = command.services.settings
    size_bytes = min(settings.exports.mib_max * MIB, interaction.filesize_limit)
    bounds = Bounds(rows=settings.exports.rows_max, size_bytes=size_bytes)
    since = 0.0 if days is None else command.at - days * DAY_S
    with tempfile.TemporaryDirectory(prefix="wanda-export-") as folder:
        written = await export(
            command.services.store,
            command.guild.id,
            Path(folder),
            since=since,
            bounds=bounds,
            find_names=ExportNames(command.guild, interaction.user.id).find,
        )
        files = await asyncio.to_thread(lambda: [discord.File(one.path) for one in written])
        told = export_text([(one.path.name, one.rows, one.whole) for one in written], days)
        await command.say(told, files=files)


COMMANDS = (
    CommandSpec("report", "See what was spent on what and by whom, and how long the pool lasts.", show_report),
    CommandSpec("audit", "See who changed what, when and why, or how the money moved.", show_audit),
    CommandSpec("export", "Get all videos and all movements of money as two CSV files.", export_server),
)
