"""The discord.py client: intents, cogs, the sync of the commands, and the error handler of commands."""

import hashlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import discord
from discord import app_commands
from discord.ext import commands

from bot.answers import answer_privately, sentence_for, steps_after
from bot.bounded import Bounded
from bot.cards.channel_queue import ChannelQueue
from bot.cards.set_cards import CardsOfOrders
from bot.catalogue.picker import Picker
from bot.catalogue.price import PriceTable
from bot.command_access import Command, CommandAccess, Overrides, overrides_in
from bot.drawing.painter import Painter
from bot.errors import SettingsRefused, StartRefused
from bot.files.files import Files
from bot.ledger.model import Shipped
from bot.media.fitter import Fitter
from bot.media.intake import Intake
from bot.media.probe import Prober
from bot.net.counted import FirstAnswers, discord_trace
from bot.open_forms import OpenForms
from bot.refused_orders import RefusedOrders
from bot.requester import Requester
from bot.runner.alarms import Alarms
from bot.runner.chip_ins import ChipIns
from bot.runner.film_driver import FilmDriver
from bot.runner.film_orders import FilmOrders
from bot.runner.lost_search import LostSearch
from bot.runner.order_space import OrderSpace
from bot.runner.orders_under_way import OrdersUnderWay
from bot.runner.pending_orders import PendingOrders
from bot.runner.reconciler import Reconciler
from bot.runner.retention import Retention
from bot.runner.runner import Runner
from bot.session_starts import SessionStarts
from bot.settings import DiscordSettings, Settings
from bot.sharded_bot import ShardedBot
from bot.sharding import Shards
from bot.storage import program
from bot.storage.transaction import Store
from bot.texts.trouble import COMMAND_TROUBLE

log = logging.getLogger(__name__)


TAKEN_MAX = 2_000  # interactions that are known again when they come twice
STOPPING = "Wanda is restarting, so nothing was done and nothing was charged. Try again in a minute."


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the cogs use."""

    runner: Runner
    films: FilmOrders
    film_driver: FilmDriver
    chip_ins: ChipIns
    order_space: OrderSpace
    orders_under_way: OrdersUnderWay
    pending_orders: PendingOrders
    forms: OpenForms
    refused_orders: RefusedOrders
    proposals: Bounded[Any]  # changes of rules that admins are asked about, by id (`cogs.admin.proposals`)
    intake: Intake
    fitter: Fitter
    prober: Prober
    channel_queue: ChannelQueue
    cards: CardsOfOrders
    keeper: Retention
    reconciler: Reconciler
    lost_search: LostSearch
    files: Files
    store: Store
    alarms: Alarms
    shipped: Shipped
    picker: Picker
    painter: Painter
    settings: Settings
    clock: Callable[[], float]
    is_new_database: bool = False

    @property
    def prices(self) -> PriceTable:
        """The price table."""
        return self.picker.prices


NEW_FOR_S = 3600.0  # for so long one may try Wanda out with one database after the other

Interaction: TypeAlias = "discord.Interaction[Wanda]"


def requester_of(interaction: Interaction) -> Requester:
    """Return for whom the interaction is answered."""
    return Requester(interaction.guild_id or 0, interaction.user.id)


CogClass: TypeAlias = Callable[["Wanda"], commands.Cog]


class Tree(app_commands.CommandTree["Wanda"]):
    """The command tree, with the error boundary of commands."""

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Return whether the command is to be carried out."""
        return await interaction.client.takes(interaction)

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        """Answer the member with one private sentence."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        match cause:
            case app_commands.TransformerError():
                sentence = (
                    f"Wanda can't read “{discord.utils.escape_markdown(str(cause.value))[:100]}” as this option. "
                    "Choose one of the values that Discord offers."
                )
            case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
                sentence = "This command has changed. Reload Discord (Ctrl+R) and try it again; nothing was charged."
            case _:
                sentence = sentence_for(cause, interaction, COMMAND_TROUBLE)
        await answer_privately(interaction, sentence, steps_after(cause))


class Wanda(ShardedBot):
    """The bot, without privileged intents and without a message cache.

    The composition root sets `services` after construction, because some of them need the client.
    """

    services: Services

    def __init__(self, settings: DiscordSettings, cogs: Sequence[CogClass], starts: SessionStarts) -> None:
        intents = discord.Intents.none()
        intents.guilds = True
        intents.guild_reactions = True
        intents.dm_reactions = True
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # Wanda does not speak
        self._answers = FirstAnswers()
        super().__init__(
            starts,
            http_trace=discord_trace(self._answers),
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=intents,
            max_messages=None,
            tree_cls=Tree,
            allowed_mentions=discord.AllowedMentions.none(),
            guild_ready_timeout=settings.ready_timeout_s,
        )
        self._cog_classes = cogs
        self.is_stopping = False
        self._taken: OrderedDict[int, None] = OrderedDict()
        self.command_access = CommandAccess(self._command_overrides, clock=time.monotonic)

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        """Pass the event on; how long the first answer to an interaction takes is measured from here."""
        if event_name == "interaction":
            self._answers.came(args[0].id, args[0].type.name)
        super().dispatch(event_name, *args, **kwargs)

    async def takes(self, interaction: Interaction) -> bool:
        """Return whether the interaction is to be carried out: it is new, and Wanda is not stopping.

        While she stops, its member is told so. Discord may send an event twice
        (https://discord.com/developers/docs/reference#consistency).
        """
        if interaction.id in self._taken:
            log.info("interaction %d came again and is ignored", interaction.id)
            return False
        self._taken[interaction.id] = None
        if len(self._taken) > TAKEN_MAX:
            self._taken.popitem(last=False)
        if not self.is_stopping or interaction.type is discord.InteractionType.autocomplete:
            return True
        await answer_privately(interaction, STOPPING)
        return False

    async def setup_hook(self) -> None:
        """Add the cogs, and read the commands that Discord has.

        Raises:
            StartRefused: Discord has had them for longer than a new database can be there.
        """
        for cog_class in self._cog_classes:
            await self.add_cog(cog_class(self))
        there = await self.tree.fetch_commands()
        if self.services.is_new_database:
            check_is_new(min((one.id for one in there), default=None), now=time.time())
        self.command_access.know(as_access_knows(there))

    async def take_up(self, shards: Shards) -> None:
        """Go on with what the last owner of these shards left; with shard 0 comes the sync of the commands.

        Raises:
            StartRefused: Discord did not take the commands.
            StorageError: the database did not answer.
        """
        try:
            if 0 in shards.ids:
                await self._sync()
            else:
                self.command_access.know(as_access_knows(await self.tree.fetch_commands()))
        except (discord.DiscordException, OSError) as error:
            raise unreachable(error) from error
        await super().take_up(shards)

    async def on_shard_connect(self, shard_id: int) -> None:
        """Forget who may use commands: changes were missed while there was no session."""
        del shard_id
        self.command_access.forget_all()

    async def on_raw_app_command_permissions_update(self, change: discord.RawAppCommandPermissionsUpdateEvent) -> None:
        """Forget who may use commands in a server whose admins changed it."""
        self.command_access.forget(change.guild.id)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Forget who may use commands in a server that has added Wanda again, which begins with none of it set."""
        self.command_access.forget(guild.id)

    async def _command_overrides(self, guild_id: int) -> Overrides:
        application_id = self.application_id or 0
        answer = await self.http.get_guild_application_command_permissions(application_id, guild_id)
        return overrides_in(guild_id, application_id, answer)

    async def _sync(self) -> None:
        """Sync when the payload differs from the last synced one, or Discord lists other commands."""
        payload, store = sync_payload(self.tree), self.services.store
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
        there = await self.tree.fetch_commands()
        self.command_access.know(as_access_knows(there))
        is_known = {one.name for one in there} == {command["name"] for command in payload}
        if is_known and await store.read(program.known(program.COMMANDS)) == digest:
            log.info("the commands are as Discord has them")
            return
        self.command_access.know(as_access_knows(await self.tree.sync()))
        await store.write(program.remember(program.COMMANDS, digest), guild_id=None)
        log.info("synced %d commands", len(payload))


def as_access_knows(commands: Iterable[app_commands.AppCommand]) -> dict[str, Command]:
    """Return the slash commands and menus by name."""
    return {
        one.name: Command(
            id=one.id,
            needed=None if one.default_member_permissions is None else one.default_member_permissions.value,
        )
        for one in commands
    }


def check_is_new(oldest_id: int | None, *, now: float) -> None:
    """Check that an application without a database has not run for long: its commands tell since when it is known.

    This notices a data folder that is not mounted: neither the database nor the folder's mark is there then.

    Raises:
        StartRefused: Discord has had its commands for over an hour.
    """
    if oldest_id is None:
        return
    since = discord.utils.snowflake_time(oldest_id)
    if now - since.timestamp() > NEW_FOR_S:
        raise StartRefused(
            f"The database is new, but Discord has had this bot's commands since {since:%Y-%m-%d %H:%M} UTC, so there "
            "was another one. Mount or restore it (WANDA_DATA_DIR, DATABASE_URL); `python -m bot run --begin-anew` "
            "begins with this one, in which nobody has spent anything yet."
        )


def sync_payload(tree: app_commands.CommandTree[Wanda]) -> list[dict[str, object]]:
    """Return what a sync would send."""
    return [command.to_dict(tree) for command in tree.get_commands()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the token belongs to."""

    name: str
    application_id: int
    invite_url: str


NEEDED_TO_POST = discord.Permissions(
    view_channel=True, send_messages=True, embed_links=True, attach_files=True, read_message_history=True
)
INVITED_WITH = NEEDED_TO_POST | discord.Permissions(send_messages_in_threads=True, add_reactions=True)


async def log_in(client: discord.Client, token: str) -> None:
    """Log in, which for Wanda also reads the commands that Discord has.

    Raises:
        SettingsRefused: Discord does not take the token.
        StartRefused: Discord cannot be reached; a sentence for the operator.
    """
    try:
        await client.login(token)
    except discord.LoginFailure as error:
        raise SettingsRefused(
            "Discord does not accept DISCORD_TOKEN; copy it again from the developer portal (Bot, Reset Token)."
        ) from error
    except (discord.DiscordException, OSError) as error:
        raise unreachable(error) from error


def unreachable(error: Exception) -> StartRefused:
    """Return the error for a Discord that did not answer at the start."""
    return StartRefused(
        f"Discord could not be reached to log in ({type(error).__name__}); check the network and try again."
    )


async def identify(token: str) -> Identity:
    """Ask Discord who the token belongs to; raises StartRefused as `log_in` does."""
    async with discord.Client(intents=discord.Intents.none()) as client:
        await log_in(client, token)
        info = await client.application_info()
        return Identity(name=info.name, application_id=info.id, invite_url=invite_url(info.id))


def invite_url(application_id: int) -> str:
    """Return the link with which an admin adds Wanda to a server."""
    return discord.utils.oauth_url(application_id, permissions=INVITED_WITH, scopes=("bot", "applications.commands"))
