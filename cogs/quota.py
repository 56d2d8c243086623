"""`/quota`: what a member has left, what they spent, and above which price they are asked first."""

from zoneinfo import ZoneInfo

from discord import app_commands
from discord.ext import commands

from bot.cards.embeds import to_embed
from bot.charts.data import QUOTA_DAYS, Days, own_days
from bot.charts.model import SpendByDay
from bot.client import Interaction, Wanda
from bot.ledger import holds, rules
from bot.ledger.history import spend_by_day
from bot.ledger.model import Shipped, Terms, View, Who
from bot.ledger.rule_values import CONFIRM_ABOVE
from bot.ledger.typed_amount import typed_amount
from bot.ledger.windows import starts_at
from bot.storage.transaction import Transaction
from bot.texts import quota as words
from cogs import charts
from cogs.admin.desk import Listed
from cogs.history_pages import PageButton, page_card, show_page
from cogs.ordering.member import member_of

DEFAULT = "default"


async def show(interaction: Interaction) -> None:
    """Show what is left in each window, what that buys, and the last 30 days as a picture."""
    who = member_of(interaction)
    await interaction.response.defer(ephemeral=True, thinking=True)
    services = interaction.client.services
    at = services.clock()
    view, chart = await services.store.read(_quota(who, at=at, shipped=services.shipped))
    card = words.quota_card(view, words.offers(services.prices))
    await charts.show(interaction, to_embed(card), {"last-30-days.png": chart})


def _quota(who: Who, *, at: float, shipped: Shipped) -> Transaction[tuple[View, SpendByDay]]:
    """Read where the member stands, and their last days."""
    view = yield from holds.standing(who, at=at, shipped=shipped)
    tz = ZoneInfo(view.terms.timezone.value)
    days = Days.last(QUOTA_DAYS, now=at, tz=tz)
    since = starts_at(tz, days.days[0])
    spent = yield from spend_by_day(who.guild_id, since=since, tz=tz, member_id=who.member_id)
    return view, own_days(spent, days, view)


async def history(interaction: Interaction) -> None:
    """Show the member's own jobs and money, a page at a time."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    await show_page(interaction, await page_card(interaction, "history", ""))


@app_commands.describe(
    above="In dollars: 1, $1 or 0.50; 0 asks before every video; “default” is 20 % of your allowance."
)
async def ask(interaction: Interaction, above: str) -> None:
    """Set the price above which Wanda asks this member first."""
    who = member_of(interaction)
    await interaction.response.defer(ephemeral=True, thinking=True)
    services = interaction.client.services
    microusd = None if above.strip().lower() == DEFAULT else typed_amount(above)
    before, now = await services.store.write(_threshold(interaction, who, microusd, at=services.clock()))
    await interaction.edit_original_response(content=words.asked_above(before, now))


def _threshold(
    interaction: Interaction, who: Who, microusd: int | None, *, at: float
) -> Transaction[tuple[Terms, Terms]]:
    """Set or clear the member's own rule, and return their terms before and after."""
    shipped = interaction.client.services.shipped
    where = (who.guild_id, f"member:{who.member_id}", CONFIRM_ABOVE)
    before = yield from rules.terms_of(who, at=at, shipped=shipped)
    if microusd is None:
        yield from rules.clear_rule(*where, actor_id=who.member_id, reason="", at=at)
    else:
        yield from rules.set_rule(*where, microusd, actor_id=who.member_id, reason="", at=at)
    return before, (yield from rules.terms_of(who, at=at, shipped=shipped))


COMMANDS = (
    Listed("show", "See what you have left, when it renews, and how many videos that is.", show),
    Listed("history", "See your own videos here and what they cost.", history),
    Listed("ask", "Choose above which price Wanda asks you first.", ask),
)


def offered() -> app_commands.Group:
    """Return the group, made anew, as a sync would send it."""
    group = app_commands.Group(
        name="quota",
        description="What you may spend on videos in this server.",
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
        allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
    )
    for one in COMMANDS:
        group.add_command(app_commands.Command(name=one.name, description=one.description, callback=one.callback))
    return group


class Quota(commands.Cog):
    """Owns `/quota` and the buttons that turn pages."""

    def __init__(self, bot: Wanda) -> None:
        """Nothing is in the tree before `cog_load`."""
        self.bot = bot
        self.group = offered()

    async def cog_load(self) -> None:
        """Begin to answer."""
        self.bot.tree.add_command(self.group)
        self.bot.add_dynamic_items(PageButton)

    async def cog_unload(self) -> None:
        """Answer no more."""
        self.bot.tree.remove_command(self.group.name)
        self.bot.remove_dynamic_items(PageButton)


def quota(bot: Wanda) -> tuple[Quota]:
    """Make the cog."""
    return (Quota(bot),)
