"""`/privacy`: what Wanda keeps of a member, as a file, and gone."""

import asyncio
import logging
import re
import tempfile
from pathlib import Path
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.cards.embeds import to_embed, to_view
from bot.client import STORAGE_TROUBLE, Interaction, Wanda
from bot.errors import Busy, Refusal, StorageError
from bot.exports.member import pack
from bot.jobs.member_export import count_of_member
from bot.texts import privacy as words
from bot.texts.privacy import FORGET_PREFIX, FORGET_TEMPLATE
from bot.units import MIB
from cogs.admin.desk import Listed

log = logging.getLogger(__name__)
_WAIT_S = 60.0  # for somebody else's export


async def show(interaction: Interaction) -> None:
    """Show what is kept of this member, and for how long."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    services = interaction.client.services
    counted = await services.store.read(count_of_member(interaction.user.id))
    await interaction.edit_original_response(embed=to_embed(words.about(counted, services.settings.storage.keep_days)))


async def delete(interaction: Interaction) -> None:
    """Ask whether everything that is known of this member shall be deleted."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    counted = await interaction.client.services.store.read(count_of_member(interaction.user.id))
    card = words.ask_to_delete(counted)
    await interaction.edit_original_response(embed=to_embed(card), view=to_view(card))


async def forget(interaction: Interaction) -> str:
    """Delete everything that is known of whoever pressed but the amounts; returns what to say.

    Raises:
        Busy: a video of theirs is still being made; nothing was deleted.
        StorageError: the database did not answer; nothing was deleted.
    """
    services = interaction.client.services
    count = await services.keeper.forget_member(interaction.user.id)
    await services.pending_orders.drop_of(interaction.user.id)
    log.info("a member had their data deleted: %d jobs", count)
    return words.deleted(count)


class ForgetButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=FORGET_TEMPLATE):
    """One of the two buttons below the question; it deletes the data of whoever presses it, and nobody else's."""

    def __init__(self, wish: str) -> None:
        """Stand for the button that the card shows."""
        super().__init__(discord.ui.Button(label=wish, custom_id=f"{FORGET_PREFIX}{wish}"))
        self.wish = wish

    @classmethod
    async def from_custom_id(cls, _: Any, __: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """Read the wish from the button's id."""
        return cls(match["wish"])

    async def callback(self, interaction: Interaction) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - our client is always a Wanda
        """Carry the wish out; errors are answered here, because discord.py only logs them."""
        await interaction.response.defer()
        try:
            sentence = await forget(interaction) if self.wish == "yes" else words.KEPT
        except Refusal as refusal:
            sentence = str(refusal)
        except StorageError:
            log.exception("a member's data could not be deleted: the database did not answer")
            sentence = STORAGE_TROUBLE
        except Exception:
            log.exception("a member's data could not be deleted")
            sentence = "Something went wrong in Wanda, and not everything was deleted. Please tell an admin."
        await interaction.edit_original_response(content=sentence, embed=None, view=None)


class Privacy(commands.Cog):
    """Owns `/privacy` and the buttons of its question; packs one export at a time."""

    def __init__(self, bot: Wanda) -> None:
        """Nothing is in the tree before `cog_load`."""
        self.bot = bot
        self.group = offered()

    async def cog_load(self) -> None:
        """Begin to answer."""
        self.bot.tree.add_command(self.group)
        self.bot.add_dynamic_items(ForgetButton)

    async def cog_unload(self) -> None:
        """Answer no more."""
        self.bot.tree.remove_command(self.group.name)
        self.bot.remove_dynamic_items(ForgetButton)


class Exporter:
    """Gives members their data, one at a time, so that many who ask at once do not fill the disk."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._turn = asyncio.Lock()

    async def export(self, interaction: Interaction, part: int) -> None:
        """Give the member one part of their data as a private file.

        Raises:
            Busy: others were packed for all the time that one may wait.
            OptionRefused: there is no such part.
            StorageError: the database did not answer.
        """
        try:
            async with asyncio.timeout(_WAIT_S):
                await self._turn.acquire()
        except TimeoutError:
            raise Busy(words.BUSY) from None
        try:
            await _export(interaction, part)
        finally:
            self._turn.release()


async def _export(interaction: Interaction, part: int) -> None:
    services = interaction.client.services
    settings = services.settings
    scratch = settings.storage.data_dir / "scratch"  # whose orphans the next start removes, should this process die
    await asyncio.to_thread(scratch.mkdir, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="privacy-", dir=scratch) as folder:
        path, packed = await pack(
            services.store,
            settings.storage.data_dir,
            interaction.user.id,
            Path(folder),
            part=part,
            limit_bytes=min(settings.exports.privacy_mib_max * MIB, interaction.filesize_limit),
            rows_max=settings.exports.rows_max,
        )
        file = await asyncio.to_thread(discord.File, path)
        await interaction.edit_original_response(content=words.privacy_exported(packed), attachments=[file])


def offered() -> app_commands.Group:
    """Return the group, made anew, as a sync would send it; it works in direct messages too."""
    exporter = Exporter()

    @app_commands.describe(part="Which part, when there is more than fits into one file.")
    async def export(interaction: Interaction, part: app_commands.Range[int, 1, 1000] = 1) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await exporter.export(interaction, part)

    export.__qualname__ = "export"  # a dotted name would look like a method to discord.py
    listed = (
        Listed("show", "See what Wanda keeps of you, and for how long.", show),
        Listed("export", "Get everything that Wanda keeps of you as a file.", export),
        Listed("delete", "Have Wanda forget you: your videos' records and files, and your name in the books.", delete),
    )
    group = app_commands.Group(
        name="privacy",
        description="What Wanda keeps of you.",
        allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False),
        allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
    )
    for one in listed:
        group.add_command(app_commands.Command(name=one.name, description=one.description, callback=one.callback))
    return group


def privacy(bot: Wanda) -> tuple[Privacy]:
    """Make the cog."""
    return (Privacy(bot),)
