"""Answers to interactions, and the error boundary that turns every error into one private sentence."""

import errno
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import discord
from discord import app_commands

from bot import metrics
from bot.cards.discord_request import DISCORD_ERRORS, is_no_defect
from bot.cards.embeds import to_buttons
from bot.errors import (
    Busy,
    FilesUnavailable,
    NextStep,
    NotAllowed,
    QuotaExceeded,
    Refusal,
    StorageError,
    WandaError,
)
from bot.texts.card import Button
from bot.texts.trouble import DISK_TROUBLE, FILES_TROUBLE, ORDER_TROUBLE, TroubleTexts

log = logging.getLogger(__name__)
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_SQLITE_FULL = "disk is full"  # https://www.sqlite.org/rescode.html#full
AnyInteraction: TypeAlias = discord.Interaction[Any]
Steps: TypeAlias = Sequence[NextStep]
Say: TypeAlias = Callable[[AnyInteraction, str, Steps], Awaitable[None]]


async def answer_privately(interaction: AnyInteraction, sentence: str, steps: Steps = ()) -> None:
    """Show the sentence, with what can be done next, to this member alone, as the first answer or as a follow-up.

    Discord's errors are logged.
    """
    view = view_of(steps) or discord.utils.MISSING
    try:
        if not interaction.response.is_done():
            await interaction.response.send_message(sentence, view=view, ephemeral=True)
        else:
            await interaction.followup.send(sentence, view=view, ephemeral=True)
    except DISCORD_ERRORS as error:
        log.warning("an answer could not be given: %s", error)


def view_of(steps: Steps) -> discord.ui.View | None:
    """Return the next steps as buttons; None without any."""
    if not steps:
        return None
    return to_buttons(Button(one.label, "success" if one.is_main else "secondary", one.custom_id) for one in steps)


async def withdraw(interaction: AnyInteraction, sentence: str, steps: Steps = ()) -> None:
    """Delete the public "thinking" message and say the sentence privately instead.

    The first follow-up of a deferred answer takes over its visibility, so the deferred answer has to go first.
    """
    try:
        await interaction.delete_original_response()
    except DISCORD_ERRORS as error:
        log.warning("the deferred answer could not be deleted: %s", error)
    await answer_privately(interaction, sentence, steps)


def sentence_for(error: BaseException, interaction: AnyInteraction, texts: TroubleTexts = ORDER_TROUBLE) -> str:
    """Return what the member reads about the error, which is logged with the place of the interaction.

    A refusal speaks for itself. It is the member's matter, except that Wanda is full or stopping.
    """
    match error:
        case Refusal() | app_commands.CheckFailure():
            level = logging.WARNING if isinstance(error, Busy) else logging.INFO
            log.log(level, "refused: %s [%s]", error, place_of(interaction))
            count_refusal(error)
            return str(error)
        case FilesUnavailable():
            metrics.TROUBLES.labels("files").inc()
            log.error("refused, because the files cannot be had: %s [%s]", error, place_of(interaction))
            return FILES_TROUBLE
        case OSError() if error.errno in _DISK:
            metrics.TROUBLES.labels("disk").inc()
            log.error("refused, because the disk takes nothing [%s]", place_of(interaction), exc_info=error)
            return DISK_TROUBLE
        case StorageError() if _SQLITE_FULL in str(error):
            metrics.TROUBLES.labels("disk").inc()
            log.error("refused, because the database's disk is full: %s [%s]", error, place_of(interaction))
            return DISK_TROUBLE
        case StorageError():
            metrics.TROUBLES.labels("storage").inc()
            log.error("refused, because of the database: %s [%s]", error, place_of(interaction))
            return texts.storage
        case _ if is_no_defect(error):
            metrics.TROUBLES.labels("discord").inc()
            log.warning("Discord did not take an answer: %s [%s]", error, place_of(interaction))
            return texts.defect
        case _:
            metrics.TROUBLES.labels("defect").inc()
            log.error("an interaction failed [%s]", place_of(interaction), exc_info=error)
            return texts.defect


def count_refusal(error: Refusal | app_commands.CheckFailure) -> None:
    """Count a refusal for /metrics by its rule, its kind of budget, or its class: "paused", "budget_role", "Busy"."""
    match error:
        case NotAllowed():
            kind = error.rule
        case QuotaExceeded():
            kind = f"budget_{error.scope.partition(':')[0]}"
        case _:
            kind = type(error).__name__
    metrics.REFUSALS.labels(kind).inc()


def steps_after(error: BaseException) -> Steps:
    """Return what the member can do after the error."""
    return error.next_steps if isinstance(error, WandaError) else ()


def place_of(interaction: AnyInteraction) -> str:
    """Return where an interaction came from, for the log: its command or button, and the ids."""
    command = interaction.command
    data: Mapping[str, Any] = interaction.data or {}  # pyright: ignore[reportAssignmentType] - a union of JSON objects
    what = (
        f"/{command.qualified_name}" if command is not None else str(data.get("custom_id", "a form")).partition(":")[0]
    )
    member = interaction.user.id
    return f"{what}, server {interaction.guild_id}, channel {interaction.channel_id}, member {member}"


@asynccontextmanager
async def error_boundary(
    interaction: AnyInteraction, texts: TroubleTexts = ORDER_TROUBLE, *, say: Say = answer_privately
) -> AsyncGenerator[None]:
    """Answer with one sentence when the block raises, and raise nothing.

    discord.py only logs what a button or a form raises; the member would wait in vain. A block that has to clean up
    does so inside and raises again.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - `sentence_for` logs it
        await say(interaction, sentence_for(error, interaction, texts), steps_after(error))
