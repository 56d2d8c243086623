"""From a slash command to an accepted job: check, defer, copy the files, hold the price."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import aiohttp
import discord

from bot.catalogue.fields import Attached
from bot.catalogue.mode import Mode
from bot.catalogue.registry import build
from bot.client import NEEDED_TO_POST, STORAGE_TROUBLE, Interaction, Services, answer_privately, withdraw
from bot.errors import OptionRefused, Refusal, StorageError
from bot.jobs.drafts import Draft
from bot.jobs.model import Address
from bot.ledger.model import Who
from bot.media.intake import discard, inputs_folder
from cogs.asker import asker
from cogs.asking import ask_first
from cogs.placing import address_of, order_of, second_card
from cogs.taking import take_files
from cogs.weighing import Weighed, weigh

log = logging.getLogger(__name__)
ALREADY_ANSWERED = 40060
_given_up: set[asyncio.Task[Weighed]] = set()  # a loop keeps no task alive by itself
WEIGH_WITHIN_S = 1.2  # Discord waits 3 s for the first answer, of which the way there and back takes its part


async def make_video(
    interaction: Interaction,
    mode_class: type[Mode],
    options: Mapping[str, Any],
    attachments: Mapping[str, discord.Attachment],
) -> None:
    """Carry the command out, ask first if it is costly, or refuse it privately; a refusal spends and keeps nothing."""
    services = interaction.client.services
    try:
        _check_place(interaction)
        attached = {option: Attached(item.filename, item.size) for option, item in attachments.items()}
        mode = build(mode_class.id, options, attached)
        who = asker(interaction)
        # What the files decide is weighed once they were read; everything else before a byte is copied.
        weighed = None if mode.priced_by_files() else await _weighed_at_once(services, who, mode)
    except Refusal as refusal:
        await answer_privately(interaction, str(refusal))
        return
    except StorageError:
        log.exception("a command was refused: the database did not answer")
        await answer_privately(interaction, STORAGE_TROUBLE)
        return
    draft = Draft(
        id=services.new_id(),
        who=who,
        mode=mode,
        inputs=(),
        expires_at=services.clock() + services.settings.draft_life_s,
    )
    if weighed is not None and weighed.is_costly:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await _carry_out(interaction, draft, attachments, None)
    else:
        await _carry_out(interaction, draft, attachments, await _card(interaction), unweighed=weighed is None)


async def _weighed_at_once(services: Services, who: Who, mode: Mode) -> Weighed | None:
    """Return what the job would cost and leave, or None when the database takes longer than Discord would wait.

    Raises:
        Refusal: as `weigh` does.
        StorageError: the database did not answer.
    """
    weighing = asyncio.create_task(weigh(services, who, mode, ()), name="weigh")
    done, _ = await asyncio.wait({weighing}, timeout=WEIGH_WITHIN_S)
    if done:
        return weighing.result()
    # Its end is not waited for: a driver whose database is silent takes its time to give up, too.
    log.warning("the budgets were not read within %.1f s; the command is acknowledged first", WEIGH_WITHIN_S)
    _given_up.add(weighing)
    weighing.add_done_callback(_end_of_given_up)
    weighing.cancel()
    return None


def _end_of_given_up(weighing: asyncio.Task[Weighed]) -> None:
    _given_up.discard(weighing)
    if not weighing.cancelled():
        weighing.exception()  # whatever it was: the command weighs again, and says so itself


async def _card(interaction: Interaction) -> Address:
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


async def _carry_out(
    interaction: Interaction,
    draft: Draft,
    attachments: Mapping[str, discord.Attachment],
    card: Address | None,
    *,
    unweighed: bool = True,
) -> None:
    """Copy the files, then have the job accepted on its card, or ask the member first; what fails leaves nothing."""
    services = interaction.client.services
    kept = False
    try:
        draft = replace(draft, inputs=await take_files(services, draft.mode, attachments, draft.id))
        weighed = None
        if unweighed:
            weighed = await weigh(services, draft.who, draft.mode, draft.inputs)
        if weighed is not None and weighed.is_costly:
            await ask_first(interaction, draft, weighed, in_public=card is not None)
        else:
            await services.runner.accept(order_of(draft, card or await second_card(interaction)))
        kept = True
    except Refusal as refusal:
        await withdraw(interaction, str(refusal))
    except StorageError:
        log.exception("a command was refused: the database did not answer")
        await withdraw(interaction, STORAGE_TROUBLE)
    except Exception:
        log.exception("a command failed before its job was accepted")
        await withdraw(interaction, "Something went wrong in Wanda, and nothing was charged. Please tell an admin.")
    finally:
        if not kept:
            await discard(inputs_folder(services.settings.data_dir, draft.id))


def _check_place(interaction: Interaction) -> None:
    """Refuse where the video could not be posted: it would be paid for and never seen.

    Raises:
        OptionRefused: this is no server, or Wanda lacks a permission in this channel.
    """
    if interaction.guild_id is None or interaction.channel_id is None:
        raise OptionRefused("Wanda makes videos in servers, whose admins set the budget. Use this command there.")
    needed = NEEDED_TO_POST
    if isinstance(interaction.channel, discord.Thread):
        needed = needed | discord.Permissions(send_messages_in_threads=True)
    missing = discord.Permissions(needed.value & ~interaction.app_permissions.value)
    if missing.value:
        names = ", ".join(_as_admins_see_it(name) for name, on in missing if on)
        raise OptionRefused(
            f"Wanda cannot post videos here, because she lacks: {names}. "
            "Ask an admin to allow that in this channel, or use another one; nothing was charged."
        )


def _as_admins_see_it(permission: str) -> str:
    """Return the name in Discord's settings; discord.py still calls seeing a channel by its old one."""
    return "View Channel" if permission == "read_messages" else permission.replace("_", " ").title()
