"""`/quota`: what a member has left and has spent, and the price above which Wanda asks them first."""

from zoneinfo import ZoneInfo

from discord import app_commands

from bot.cards.embeds import to_embed
from bot.charts.data import QUOTA_DAYS, Days, spend_by_day_chart
from bot.charts.model import SpendByDay
from bot.client import Interaction
from bot.ledger import holds, rules
from bot.ledger.asks import AskBounds, clear_ask, set_ask
from bot.ledger.history import spend_by_day
from bot.ledger.model import Shipped, Terms, View, Who
from bot.ledger.typed_amount import typed_amount
from bot.ledger.windows import starts_at
from bot.storage.transaction import Transaction
from bot.texts import quota as words
from cogs.base.acknowledgement import think
from cogs.base.charts import show_charts
from cogs.base.cog import FeatureCog
from cogs.base.command_group import CommandSpec, top_group
from cogs.history_pages import HistoryPageButton
from cogs.ordering.checks import interaction_member

DEFAULT = "default"


async def show_quota(interaction: Interaction) -> None:
    """Show what is left in each window, which videos that pays for, and a chart of the last 30 days."""
    who = interaction_member(interaction)
    await think(interaction)
    services = interaction.client.services
    at = services.clock()
    view, chart = await services.store.read(_quota(who, at=at, shipped=services.shipped))
    card = words.quota_card(view, words.offers(services.picker))
    await show_charts(interaction, to_embed(card), {"last-30-days.png": chart} if any(chart.microusd) else {})


def _quota(who: Who, *, at: float, shipped: Shipped) -> Transaction[tuple[View, SpendByDay]]:
    """Read the member's limits, and what they spent on each of the last days."""
    view = yield from holds.standing(who, at=at, shipped=shipped)
    tz = ZoneInfo(view.terms.timezone.value)
    days = Days.last(QUOTA_DAYS, now=at, tz=tz)
    since = starts_at(tz, days.days[0])
    spent = yield from spend_by_day(who.guild_id, since=since, tz=tz, member_id=who.member_id)
    return view, spend_by_day_chart(spent, days, view)


@app_commands.describe(
    above="In dollars: 1, $1 or 0.50; 0 asks before every video; “default” is 20 % of your allowance."
)
async def set_ask_above(interaction: Interaction, above: str) -> None:
    """Set the price above which Wanda asks this member first."""
    who = interaction_member(interaction)
    await think(interaction)
    services = interaction.client.services
    microusd = None if above.strip().lower() == DEFAULT else typed_amount(above)
    money = services.settings.money
    bounds = AskBounds(kept_max=money.asks_max, daily_max=money.asks_daily_max)
    changing = _threshold(who, microusd, bounds=bounds, at=services.clock(), shipped=services.shipped)
    before, now = await services.store.write(changing, guild_id=who.guild_id)
    await interaction.edit_original_response(content=words.confirm_above_line(before, now))


def _threshold(
    who: Who, microusd: int | None, *, bounds: AskBounds, at: float, shipped: Shipped
) -> Transaction[tuple[Terms, Terms]]:
    """Set or clear the member's own price, and return their terms before and after."""
    before = yield from rules.terms_of(who, at=at, shipped=shipped)
    if microusd is None:
        yield from clear_ask(who.guild_id, who.member_id)
    else:
        yield from set_ask(who.guild_id, who.member_id, microusd, bounds=bounds, at=at)
    return before, (yield from rules.terms_of(who, at=at, shipped=shipped))


COMMANDS = (
    CommandSpec("show", "See what you have left, when it renews, and how many videos that is.", show_quota),
    CommandSpec("ask", "Choose above which price Wanda asks you first.", set_ask_above),
)


def quota_group() -> app_commands.Group:
    """Return a new `/quota`."""
    return top_group("quota", "What you can spend on videos in this server.", COMMANDS)


class Quota(FeatureCog):
    """`/quota` and the buttons below pages of history."""

    buttons = (HistoryPageButton,)

    @staticmethod
    def make_commands() -> tuple[app_commands.Group]:
        """Return `/quota`."""
        return (quota_group(),)
