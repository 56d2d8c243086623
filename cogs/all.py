"""All cogs, in the order of their commands in a sync."""

from bot.catalogue.picker import Picker
from cogs.admin.cog import Admin
from cogs.admin.waiting import WaitingLog
from cogs.base.cog import FeatureCog, TreeCommand
from cogs.bills import Bills, LostJobs
from cogs.budget_warnings import BudgetWarnings
from cogs.chip_in.cog import ChipInCards
from cogs.films.cog import FilmCog
from cogs.help.cog import Help
from cogs.help.welcome import Welcome
from cogs.jobs.card_buttons import CardButtons
from cogs.jobs.cog import Jobs
from cogs.menus import Menus
from cogs.money_requests import MoneyRequests
from cogs.notices import Notices
from cogs.operator_news import OperatorNews
from cogs.ordering.confirmation import Confirmations
from cogs.ordering.cut_orders import CutOrders
from cogs.ordering.refused import RefusedOrderButtons
from cogs.picks.cog import Picks
from cogs.presets import Presets
from cogs.privacy import Privacy
from cogs.prompt_log import PromptLog
from cogs.quota import Quota
from cogs.results.buttons import ResultButtons
from cogs.results.reactions import Reactions
from cogs.retention import RetentionLoop
from cogs.settings import OwnSettingsCog
from cogs.wan.cog import WanCommands

COGS: tuple[type[FeatureCog], ...] = (
    WanCommands,
    FilmCog,
    Help,
    Quota,
    OwnSettingsCog,
    Jobs,
    Presets,
    Privacy,
    Admin,
    Menus,  # discord.py lists menus after all slash commands
    Confirmations,
    RefusedOrderButtons,
    MoneyRequests,
    ChipInCards,
    CardButtons,
    ResultButtons,
    Reactions,
    BudgetWarnings,
    WaitingLog,
    Notices,
    Picks,
    PromptLog,
    OperatorNews,
    RetentionLoop,
    Bills,
    LostJobs,
    CutOrders,
    Welcome,
)


def all_commands(picker: Picker) -> list[TreeCommand]:
    """Return new command objects of all cogs, in the order of a sync."""
    return [command for cog in COGS for command in cog.commands_with(picker)]
