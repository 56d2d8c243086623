"""From a slash command to an accepted job: check, defer, copy the files, hold the price."""

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import discord

from bot.catalogue.fields import Attached
from bot.catalogue.mode import Mode
from bot.catalogue.registry import build
from bot.client import FAILED, NEEDED_TO_POST, STORAGE_TROUBLE, Interaction, answer_privately, withdraw
from bot.errors import OptionRefused, Refusal, StorageError
from bot.jobs.model import Address
from bot.media.intake import discard, inputs_folder
from bot.runner.drafts import Draft
from cogs.ordering.attachments import refuse_too_large, take_files
from cogs.ordering.card_place import address_of, order_of, second_card
from cogs.ordering.confirmation import ask_first
from cogs.ordering.quote import refuse_if_ruled_out, rule_query, weigh, weigh_at_once
from cogs.ordering.who import asker

log = logging.getLogger(__name__)
ALREADY_ANSWERED = 40060


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a job comes from when it is not all the member's own words: see `Job`."""

    parent_id: str | None = None
    trigger: str | None = None
    notes: tuple[str, ...] = ()


async def make_video(
    interaction: Interaction,
    mode_class: type[Mode],
    options: Mapping[str, Any],
    attachments: Mapping[str, discord.Attachment],
    *,
    origin: Origin | None = None,
) -> None:
    """Carry the command out, ask first if it is costly, or refuse it privately; a refusal spends and keeps nothing."""
    services = interaction.client.services
    try:
        check_place(interaction)
        attached = {option: Attached(item.filename, item.size) for option, item in attachments.items()}
        mode = build(mode_class.id, options, attached)
        refuse_too_large(services, mode, attachments)
        who = asker(interaction)
        # What the files decide is weighed once they were read; everything else before a byte is copied.
        weighed = None if mode.priced_by_files() else await weigh_at_once(services, who, mode, ())
    except Refusal as refusal:
        await answer_privately(interaction, str(refusal))
        return
    except StorageError:
        log.exception("a command was refused: the database did not answer")
        await answer_privately(interaction, STORAGE_TROUBLE)
        return
    origin = origin or Origin()
    draft = Draft(
        id=services.new_id(),
        who=who,
        mode=mode,
        inputs=(),
        expires_at=services.clock() + services.settings.draft_life_s,
        parent_id=origin.parent_id,
        trigger=origin.trigger,
        notes=origin.notes,
    )
    if weighed is not None and weighed.is_costly:
        await interaction.response.defer(ephemeral=True, thinking=True)
        card = None
    else:
        card = await public_card(interaction)
    async with taking_back(interaction):
        await begin(interaction, draft, attachments, card, weigh_it=card is None or weighed is None)


async def public_card(interaction: Interaction) -> Address:
    """Show that Wanda is thinking, for everyone to see, and return where: that message becomes the card."""
    received_at = interaction.client.services.clock()
    return address_of(interaction, await _defer(interaction), received_at=received_at)


async def _defer(interaction: Interaction) -> int:
    """Show that Wanda is thinking, and return the id of that message, which becomes the card."""
    try:
        callback = await interaction.response.defer(thinking=True)
    except (aiohttp.ClientError, OSError):
        log.warning("the line broke during the first answer, so it is given again", exc_info=True)
        try:
            callback = await interaction.response.defer(thinking=True)
        except discord.HTTPException as error:
            # Only after our own broken line is this our own first answer; else another Wanda has this command.
            if error.code != ALREADY_ANSWERED:
                raise
            callback = None
    message_id = callback.message_id if callback else None
    return message_id or (await interaction.original_response()).id


@asynccontextmanager
async def taking_back(interaction: Interaction) -> AsyncGenerator[None]:
    """Withdraw the answer that was begun when what is done meanwhile fails, and say privately why."""
    try:
        yield
    except Refusal as refusal:
        await withdraw(interaction, str(refusal))
    except StorageError:
        log.exception("a command was refused: the database did not answer")
        await withdraw(interaction, STORAGE_TROUBLE)
    except Exception:
        log.exception("a command failed before its job was accepted")
        await withdraw(interaction, FAILED)


async def begin(
    interaction: Interaction,
    draft: Draft,
    attachments: Mapping[str, discord.Attachment],
    card: Address | None,
    *,
    weigh_it: bool,
) -> None:
    """Copy the files, then have the job accepted on its card, or ask the member first; what fails leaves no file.

    `weigh_it` is False when it was weighed already and is not costly.

    Raises:
        Refusal: nothing was held, nothing was stored.
        StorageError: the database did not answer; nothing was held.
    """
    services = interaction.client.services
    kept = False
    try:
        if weigh_it:
            await refuse_if_ruled_out(services, draft.who, rule_query(draft.mode))
        draft = replace(draft, inputs=await take_files(services, draft.mode, attachments, draft.id))
        weighed = await weigh(services, draft.who, draft.mode, draft.inputs) if weigh_it else None
        if weighed is not None and weighed.is_costly:
            await ask_first(interaction, draft, weighed, in_public=card is not None)
        else:
            await services.runner.accept(order_of(draft, card or await second_card(interaction)))
        kept = True
    finally:
        if not kept:
            await discard(inputs_folder(services.settings.data_dir, draft.id))


def check_place(interaction: Interaction) -> None:
    """Refuse where the video could not be posted: it would be paid for and never seen.

    Raises:
        OptionRefused: this is no server, or Wanda lacks a permission in this channel.
    """
    if interaction.guild_id is None or interaction.channel_id is None:
        raise OptionRefused("Wanda makes videos in servers, whose admins set the budget. Use this command there.")
    check_posting(interaction.app_permissions, in_thread=isinstance(interaction.channel, discord.Thread))


def check_posting(held: discord.Permissions, *, in_thread: bool) -> None:
    """Return when these permissions of Wanda's let her post a video.

    Raises:
        OptionRefused: one is missing; the sentence names it.
    """
    needed = NEEDED_TO_POST
    if in_thread:
        needed = needed | discord.Permissions(send_messages_in_threads=True)
    missing = discord.Permissions(needed.value & ~held.value)
    if missing.value:
        names = ", ".join(_as_admins_see_it(name) for name, on in missing if on)
        raise OptionRefused(
            f"Wanda cannot post videos here, because she lacks: {names}. "
            "Ask an admin to allow that in this channel, or use another one; nothing was charged."
        )


def _as_admins_see_it(permission: str) -> str:
    """Return the name in Discord's settings; discord.py still calls seeing a channel by its old one."""
    return "View Channel" if permission == "read_messages" else permission.replace("_", " ").title()
