"""`/privacy`: shows, exports and deletes a member's data."""

import asyncio
import logging
import tempfile
from pathlib import Path

import discord
from discord import app_commands

from bot.answers import AnyInteraction, Steps, error_boundary
from bot.cards.embeds import to_embed, to_view
from bot.client import Interaction, requester_of
from bot.errors import Busy
from bot.exports.member import pack
from bot.jobs.member_export import job_counts
from bot.texts import privacy as words
from bot.texts.button_ids import ERASURE_TEMPLATE
from bot.texts.trouble import ERASURE_TROUBLE
from bot.turns import FairTurns, NoTurn, Patience
from bot.units import MIB
from cogs.base.acknowledgement import think
from cogs.base.cog import FeatureCog
from cogs.base.command_group import SERVERS_AND_DMS, CommandSpec, top_group
from cogs.base.component import PersistentButton

log = logging.getLogger(__name__)
# All members who ask in direct messages count as one server.
_PATIENCE = Patience(wait_s=60.0, member_max=1, server_max=100)


async def show_privacy(interaction: Interaction) -> None:
    """Show what data Wanda keeps about this member, and for how long."""
    await think(interaction)
    services = interaction.client.services
    counted = await services.store.read(job_counts(interaction.user.id))
    await interaction.edit_original_response(
        embed=to_embed(words.data_card(counted, services.settings.storage.keep_days))
    )


async def ask_to_erase(interaction: Interaction) -> None:
    """Ask the member whether to delete all their data."""
    await think(interaction)
    counted = await interaction.client.services.store.read(job_counts(interaction.user.id))
    card = words.deletion_card(counted)
    await interaction.edit_original_response(embed=to_embed(card), view=to_view(card))


async def erase_member(interaction: Interaction) -> str:
    """Delete all data of the member who pressed, except amounts of money; return the answer's sentence.

    Raises:
        Busy: a job of theirs is not finished; nothing was deleted.
        StorageError: the database did not answer; nothing was deleted.
    """
    services = interaction.client.services
    count = await services.keeper.forget_member(interaction.user.id)
    await services.pending_orders.drop_of(interaction.user.id)
    services.refused_orders.drop_of(interaction.user.id)
    services.proposals.drop_of(interaction.user.id)
    log.info("a member had their data deleted: %d jobs", count)
    return words.deletion_text(count)


class ErasureButton(PersistentButton, template=ERASURE_TEMPLATE):
    """One of the two buttons below the question; it deletes the data of whoever presses it."""

    async def pressed(self, interaction: Interaction) -> None:
        """Delete the data or keep it, and replace the question by what was done."""
        await interaction.response.defer()
        async with error_boundary(interaction, ERASURE_TROUBLE, say=_replace_question):
            sentence = await erase_member(interaction) if self.parts["answer"] == "yes" else words.KEPT
            await _replace_question(interaction, sentence)


async def _replace_question(interaction: AnyInteraction, sentence: str, _: Steps = ()) -> None:
    await interaction.edit_original_response(content=sentence, embed=None, view=None)


class Exporter:
    """Makes one export at a time, so that many requests do not fill the disk; servers and members take turns."""

    def __init__(self) -> None:
        self._turns = FairTurns(1, name="export")

    async def export(self, interaction: Interaction, part: int) -> None:
        """Send the member one part of their data as a private file.

        Raises:
            Busy: other exports did not finish in time, or another one of this member waits.
            OptionRefused: there is no such part.
            StorageError: the database did not answer.
        """
        try:
            async with self._turns.turn(requester_of(interaction), _PATIENCE):
                await _export(interaction, part)
        except NoTurn as error:
            raise Busy(words.BUSY) from error


async def _export(interaction: Interaction, part: int) -> None:
    services = interaction.client.services
    settings = services.settings
    scratch = settings.storage.data_dir / "scratch"  # cleaned up at the next start if the process is killed
    await asyncio.to_thread(scratch.mkdir, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="privacy-", dir=scratch) as folder:
        path, packed = await pack(
            services.store,
            services.files,
            interaction.user.id,
            Path(folder),
            part=part,
            limit_bytes=min(settings.exports.privacy_mib_max * MIB, interaction.filesize_limit),
            rows_max=settings.exports.rows_max,
        )
        file = await asyncio.to_thread(discord.File, path)
        await interaction.edit_original_response(content=words.part_text(packed), attachments=[file])


def privacy_group() -> app_commands.Group:
    """Return a new `/privacy`; it works in direct messages too."""
    exporter = Exporter()

    @app_commands.describe(part="Which part, when there is more than fits into one file.")
    async def export(interaction: Interaction, part: app_commands.Range[int, 1, 1000] = 1) -> None:
        await think(interaction)
        await exporter.export(interaction, part)

    export.__qualname__ = "export"  # discord.py takes a function with a dotted name for a method
    specs = (
        CommandSpec("show", "See what Wanda keeps about you, and for how long.", show_privacy),
        CommandSpec("export", "Get everything Wanda keeps about you as a file.", export),
        CommandSpec(
            "delete",
            "Have Wanda forget you: your orders, your files, and your name beside what you spent.",
            ask_to_erase,
        ),
    )
    return top_group("privacy", "What Wanda keeps about you.", specs, contexts=SERVERS_AND_DMS)


class Privacy(FeatureCog):
    """`/privacy` and the buttons of its question."""

    buttons = (ErasureButton,)

    @staticmethod
    def make_commands() -> tuple[app_commands.Group]:
        """Return `/privacy`."""
        return (privacy_group(),)
