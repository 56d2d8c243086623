"""The discord.py client: intents, cogs, the sync of the commands, and one place for a command's errors."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import discord
from discord import app_commands
from discord.ext import commands

from bot.cards.channel_queue import ChannelQueue
from bot.catalogue.price import PriceTable
from bot.drawing.painter import Painter
from bot.errors import Refusal, StartRefused, StorageError
from bot.ledger.model import Shipped
from bot.media.fitter import Fitter
from bot.media.intake import Intake
from bot.media.probe import Prober
from bot.runner.pending_orders import PendingOrders
from bot.runner.retention import Retention
from bot.runner.runner import Runner
from bot.settings import DiscordSettings, Settings
from bot.storage.transaction import Store

log = logging.getLogger(__name__)
FAILED = "Something went wrong in Wanda, and nothing was charged. Please tell an admin."
STORAGE_TROUBLE = (
    "Wanda's database does not answer, so nothing was started and nothing was charged. "
    "Try again in a few minutes; if it stays like this, tell an admin."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the cogs work with."""

    runner: Runner
    pending_orders: PendingOrders
    intake: Intake
    fitter: Fitter
    prober: Prober
    turns: ChannelQueue
    keeper: Retention
    store: Store
    shipped: Shipped
    prices: PriceTable
    painter: Painter
    settings: Settings
    clock: Callable[[], float]
    new_id: Callable[[], str]


Interaction: TypeAlias = "discord.Interaction[Wanda]"
CogMaker: TypeAlias = Callable[["Wanda"], Iterable[commands.Cog]]


class Tree(app_commands.CommandTree["Wanda"]):
    """The command tree, whose error handler turns everything into one private sentence."""

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        """Answer the member; a defect of ours is logged, never shown."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        match cause:
            case Refusal():
                sentence = str(cause)
            case StorageError():
                log.error("a command was refused: the database did not answer", exc_info=cause)
                sentence = STORAGE_TROUBLE
            case app_commands.CheckFailure():
                sentence = str(cause)
            case app_commands.TransformerError():
                sentence = (
                    f"Wanda cannot read “{discord.utils.escape_markdown(str(cause.value))[:100]}” as this option. "
                    "Choose one of the values that Discord offers."
                )
            case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
                sentence = "This command has changed. Reload Discord (Ctrl+R) and try it again; nothing was charged."
            case _:
                log.error("a command failed", exc_info=cause)
                sentence = "Something went wrong in Wanda; nothing was started by this. Please tell an admin."
        await answer_privately(interaction, sentence)


class Wanda(commands.AutoShardedBot):
    """The bot: nothing privileged, no message cache.

    The composition root sets `services` and makes the cogs, because both are built on a client that already exists.
    """

    services: Services

    def __init__(self, settings: DiscordSettings, cog_makers: Sequence[CogMaker]) -> None:
        """Nothing is connected yet."""
        intents = discord.Intents.none()
        intents.guilds = True
        intents.guild_reactions = True
        intents.dm_reactions = True
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=intents,
            max_messages=None,
            tree_cls=Tree,
            allowed_mentions=discord.AllowedMentions.none(),
            guild_ready_timeout=settings.ready_timeout_s,
        )
        self._cog_makers = cog_makers

    async def setup_hook(self) -> None:
        """Add the cogs, and tell Discord the commands if it does not have them as they are now."""
        for make in self._cog_makers:
            for cog in make(self):
                await self.add_cog(cog)
        await self._sync(self.services.settings.storage.data_dir / "synced-commands")

    async def on_ready(self) -> None:
        """Say so, for whoever waits for it."""
        log.info("Wanda is ready: %s, %d servers", self.user, len(self.guilds))

    def is_connected(self) -> bool:
        """Return whether every shard's line to the gateway is open; discord.py stays "ready" while it has none."""
        lines = self.shards.values()
        return self.is_ready() and not self.is_closed() and not any(shard.is_closed() for shard in lines)

    async def _sync(self, mark: Path) -> None:
        """Sync when the payload is not the one that was synced last, or Discord does not list the same commands."""
        payload = command_payload(self.tree)
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
        known = {command.name for command in await self.tree.fetch_commands()}
        if known == {command["name"] for command in payload} and await asyncio.to_thread(_read, mark) == digest:
            log.info("the commands are as Discord has them")
            return
        await self.tree.sync()
        await asyncio.to_thread(mark.write_text, digest)
        log.info("synced %d commands", len(payload))


def command_payload(tree: app_commands.CommandTree[Wanda]) -> list[dict[str, object]]:
    """Return what a sync would send."""
    return [command.to_dict(tree) for command in tree.get_commands()]


def _read(mark: Path) -> str | None:
    return mark.read_text() if mark.exists() else None


async def answer_privately(interaction: Interaction, sentence: str) -> None:
    """Show the sentence to the member who asked and to nobody else, whatever was answered before."""
    try:
        if not interaction.response.is_done():
            await interaction.response.send_message(sentence, ephemeral=True)
        else:
            await interaction.followup.send(sentence, ephemeral=True)
    except discord.HTTPException as error:
        log.warning("an answer could not be given: %s", error)


async def withdraw(interaction: Interaction, sentence: str) -> None:
    """Take back the public "thinking" message, and say the sentence privately instead.

    The first follow-up of a deferred answer takes over its visibility, so the deferred answer has to go first.
    """
    try:
        await interaction.delete_original_response()
    except discord.HTTPException as error:
        log.warning("the deferred answer could not be taken back: %s", error)
    await answer_privately(interaction, sentence)


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
    """Log in, which for Wanda also syncs the commands.

    Raises:
        StartRefused: Discord does not take the token, or cannot be reached; a sentence for the operator.
    """
    try:
        await client.login(token)
    except discord.LoginFailure as error:
        raise StartRefused(
            "Discord does not accept DISCORD_TOKEN; copy it again from the developer portal (Bot, Reset Token)."
        ) from error
    except (discord.DiscordException, OSError) as error:
        raise StartRefused(
            f"Discord could not be reached to log in ({type(error).__name__}); check the network and try again."
        ) from error


async def identify(token: str) -> Identity:
    """Ask Discord who the token belongs to; raises StartRefused as `log_in` does."""
    async with discord.Client(intents=discord.Intents.none()) as client:
        await log_in(client, token)
        info = await client.application_info()
        return Identity(name=info.name, application_id=info.id, invite_url=invite_url(info.id))


def invite_url(application_id: int) -> str:
    """Return the link with which an admin adds Wanda to a server."""
    return discord.utils.oauth_url(application_id, permissions=INVITED_WITH, scopes=("bot", "applications.commands"))
