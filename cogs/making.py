"""From a slash command to an accepted job: check, defer, copy the files, hold the price."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import discord

from bot.catalogue.fields import Attached
from bot.catalogue.mode import Mode
from bot.catalogue.registry import build
from bot.client import NEEDED_TO_POST, STORAGE_TROUBLE, Interaction, Services, answer_privately, withdraw
from bot.errors import OptionRefused, Refusal, StorageError
from bot.jobs.accepting import Order
from bot.jobs.model import Address, Input
from bot.media.intake import Offered, Taken, Wanted, discard, inputs_folder

log = logging.getLogger(__name__)
ALREADY_ANSWERED = 40060
TOKEN_LIFE_S = 15 * 60  # an interaction's token, by Discord's documentation


async def make_video(
    interaction: Interaction,
    mode_class: type[Mode],
    options: Mapping[str, Any],
    attachments: Mapping[str, discord.Attachment],
) -> None:
    """Carry the command out, or refuse it with one private sentence; a refusal spends and keeps nothing."""
    services = interaction.client.services
    received_at = services.clock()
    try:
        _check_place(interaction)
        attached = {option: Attached(item.filename, item.size) for option, item in attachments.items()}
        mode = build(mode_class.id, options, attached)
    except Refusal as refusal:
        await answer_privately(interaction, str(refusal))
        return
    address = Address(
        channel_id=interaction.channel_id or 0,
        message_id=await _defer(interaction),
        application_id=interaction.application_id,
        token=interaction.token,
        token_expires_at=received_at + TOKEN_LIFE_S,
        size_limit_bytes=interaction.filesize_limit,
        posted_at=received_at,
    )
    await _accept(interaction, services, mode, attachments, address)


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


async def _accept(
    interaction: Interaction,
    services: Services,
    mode: Mode,
    attachments: Mapping[str, discord.Attachment],
    address: Address,
) -> None:
    """Copy the files and have the job accepted; whatever goes wrong, nothing of it stays."""
    job_id = services.new_id()
    folder = inputs_folder(services.settings.data_dir, job_id)
    accepted = False
    try:
        inputs = await _take(services, mode, attachments, folder)
        order = Order(
            job_id=job_id,
            guild_id=interaction.guild_id or 0,
            member_id=interaction.user.id,
            mode=mode,
            inputs=inputs,
            address=address,
        )
        await services.runner.accept(order)
        accepted = True
    except Refusal as refusal:
        await withdraw(interaction, str(refusal))
    except StorageError:
        log.exception("a command was refused: the database did not answer")
        await withdraw(interaction, STORAGE_TROUBLE)
    except Exception:
        log.exception("a command failed before its job was accepted")
        await withdraw(interaction, "Something went wrong in Wanda, and nothing was charged. Please tell an admin.")
    finally:
        if not accepted:
            await discard(folder)


async def _take(
    services: Services, mode: Mode, attachments: Mapping[str, discord.Attachment], folder: Path
) -> tuple[Input, ...]:
    """Copy every attachment and read what it really is, in the order of the mode's fields."""
    wanted = [
        Wanted(
            option=option,
            offered=Offered(url=item.url, file_name=item.filename, size_bytes=item.size),
            bytes_max=spec.bytes_max,
        )
        for option, spec in mode.media().items()
        if (item := attachments.get(option)) is not None
    ]
    taken = await services.intake.take_all(wanted, into=folder)
    return tuple(_input(item, services.settings.data_dir) for item in taken)


def _input(taken: Taken, data_dir: Path) -> Input:
    facts = taken.facts
    return Input(
        option=taken.option,
        path=str(taken.path.relative_to(data_dir)),
        file_name=taken.file_name,
        kind=facts.kind,
        format=facts.format,
        size_bytes=facts.size_bytes,
        width=facts.width,
        height=facts.height,
        seconds=facts.seconds,
        codec=facts.codec,
    )


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
