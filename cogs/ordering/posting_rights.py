"""Whether Wanda may post a video in a channel, and whether the member who orders one there may.

A button works in a channel where its member may not write, and a reaction too. So every way to order a video asks for
what a command and a message with a file would need (https://discord.com/developers/docs/topics/permissions).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import discord
from discord.abc import GuildChannel

from bot.catalogue.phrases import listed
from bot.catalogue.registry import by_id
from bot.client import NEEDED_TO_POST, Interaction, Wanda
from bot.command_access import AccessUnknown, Member
from bot.errors import Busy, NotAllowed, OptionRefused
from bot.jobs.model import Job
from cogs.ordering.checks import channel_id, role_ids

_WRITE = discord.Permissions(send_messages=True)
# In a thread, Send Messages has no effect: https://discord.com/developers/docs/topics/threads#permissions
_WRITE_IN_THREAD = discord.Permissions(send_messages_in_threads=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A member in a channel or thread: what they and what Wanda may do there, and the channel whose rules apply."""

    member: discord.Member
    permissions: discord.Permissions
    wandas: discord.Permissions
    channel_id: int
    in_thread: bool
    is_locked: bool = False

    @classmethod
    def of(cls, interaction: Interaction) -> Self:
        """Return where and by whom the interaction was made.

        Raises:
            OptionRefused: it is in a direct message.
        """
        if interaction.channel_id is None or not isinstance(interaction.user, discord.Member):
            raise OptionRefused("Wanda makes videos in servers, where admins set the budget. Use this command there.")
        thread = interaction.channel if isinstance(interaction.channel, discord.Thread) else None
        return cls(
            member=interaction.user,
            permissions=interaction.permissions,
            wandas=interaction.app_permissions,
            channel_id=channel_id(interaction),
            in_thread=thread is not None,
            is_locked=thread is not None and thread.locked,
        )


def place_on_card(job: Job, member: discord.Member, *, channel_id: int) -> Place | None:
    """Return a member where a job's card is, without an interaction; None if neither it nor its parent is known."""
    guild = member.guild
    channel = guild.get_channel_or_thread(channel_id)
    # A thread is not in the cache while it is archived; its parent's permissions apply.
    parent = guild.get_channel(job.rules_channel_id or 0)
    if channel is None and parent is None:
        return None
    thread = channel if isinstance(channel, discord.Thread) else None
    permissions, wandas = (_permissions(channel, parent, one) for one in (member, guild.me))
    return Place(
        member=member,
        permissions=permissions,
        wandas=wandas,
        channel_id=job.rules_channel_id or job.address.channel_id,
        in_thread=thread is not None or channel is None,
        is_locked=thread is not None and thread.locked,
    )


def _permissions(
    channel: GuildChannel | discord.Thread | None, parent: GuildChannel | None, member: discord.Member
) -> discord.Permissions:
    """Return what the member may do in the channel, or in a thread of `parent` that is not in the cache."""
    if channel is not None:
        return channel.permissions_for(member)
    # Not the channel's own method, which takes Attach Files from those who may only write in its threads.
    return discord.Permissions.none() if parent is None else GuildChannel.permissions_for(parent, member)


async def check_place(interaction: Interaction, mode_id: str) -> None:
    """Check that Wanda can and the member may post a video of this mode here, before anybody pays for it.

    Raises:
        Closed: fal takes nothing now, or the mode is off for now.
        OptionRefused: it is a direct message, or Wanda lacks a permission in this channel.
        NotAllowed: the member lacks one, is in a time-out, or may not use the mode's command here.
        Busy: Discord does not say whether they may use it.
    """
    place = Place.of(interaction)
    family, _ = by_id(mode_id).command()
    # Discord itself has checked whoever typed the command.
    typed = (interaction.type is discord.InteractionType.application_command and interaction.data) or {}
    await check_order(place, interaction.client, mode_id, is_command=typed.get("name") == family)


async def check_order(place: Place, bot: Wanda, mode_id: str, *, is_command: bool = False) -> None:
    """Check as `check_place`, also without an interaction; `is_command` says that the mode's own command was used.

    Raises:
        Closed, OptionRefused, NotAllowed, Busy: as `check_place`.
    """
    check_posting(place)
    check_member_may_order(place)
    if not is_command:
        family, _ = by_id(mode_id).command()
        await check_access(place, bot, family)
    bot.services.alarms.check(mode_id)


def check_commands(interaction: Interaction) -> None:
    """Check that the member may use commands in this channel, so that a button does no more for them than a command.

    Raises:
        NotAllowed: they may not, or they are in a time-out.
    """
    if isinstance(interaction.user, discord.Member):
        _check_member_may_command(interaction.user, interaction.permissions)


async def check_access(place: Place, bot: Wanda, command: str) -> None:
    """Check that the server's admins let the member use the slash command there (Server Settings, Integrations).

    Raises:
        NotAllowed: they do not.
        Busy: Discord does not say.
    """
    member = Member(
        id=place.member.id,
        role_ids=role_ids(place.member),
        channel_id=place.channel_id,
        permissions=place.permissions.value,
    )
    try:
        may_use = await bot.command_access.may_use(place.member.guild.id, command, member)
    except AccessUnknown:
        raise Busy(
            f"Wanda can't check right now whether you can use `/{command}` here. Type `/{command}`, or try again "
            "in a minute; you weren't charged."
        ) from None
    if not may_use:
        raise NotAllowed(
            f"You can't use `/{command}` in this channel, so its buttons and reactions don't work for you either. "
            "Try another channel, or ask an admin, who sets this under Integrations.",
            rule="commands",
        )


def check_posting(place: Place) -> None:
    """Check that Wanda can post a video there.

    Raises:
        OptionRefused: a permission is missing, and the sentence names it; or the thread is locked.
    """
    missing = _missing(NEEDED_TO_POST, place.wandas, in_thread=place.in_thread, shown=_as_admins_see_it)
    if missing:
        raise OptionRefused(
            f"Wanda can't post videos here without: {', '.join(missing)}. Ask an admin to allow that in this "
            "channel, or use another one; you weren't charged."
        )
    # https://discord.com/developers/docs/topics/threads#active-archived-threads
    if place.is_locked and not place.wandas.manage_threads:
        raise OptionRefused(
            "This thread is locked, so Wanda can't post here. Use another thread or channel, or ask a moderator "
            "to unlock it; you weren't charged."
        )


def check_member_may_order(place: Place) -> None:
    """Check that the member may use commands and post files there.

    Raises:
        NotAllowed: they may not, or they are in a time-out.
    """
    _check_member_may_command(place.member, place.permissions)
    needed = _WRITE | discord.Permissions(attach_files=True)
    missing = _missing(needed, place.permissions, in_thread=place.in_thread, shown=_titled)
    if missing and not place.permissions.administrator:
        raise NotAllowed(
            f"You can't post here without {listed(missing, 'and')}, so Wanda can't post for you either. Use a "
            "channel where you can post files; ✉️ on a card sends you its recipe for `/jobs replay`.",
            rule="posting",
        )


def _check_member_may_command(member: discord.Member, held: discord.Permissions) -> None:
    """Check that the member may use application commands in the channel, and is not in a time-out."""
    if held.administrator:
        return  # Discord applies neither time-outs nor missing permissions to administrators
    if member.timed_out_until is not None and member.is_timed_out():
        until = int(member.timed_out_until.timestamp())
        raise NotAllowed(
            f"You're in a time-out here until <t:{until}:f>. You weren't charged; try again after that.",
            rule="timeout",
        )
    if not held.use_application_commands:
        raise NotAllowed(
            "You can't use application commands in this channel. Use a channel where you can, or ask an admin.",
            rule="commands",
        )


def _missing(
    needed: discord.Permissions, held: discord.Permissions, *, in_thread: bool, shown: Callable[[str], str]
) -> list[str]:
    """Return the names of the needed permissions that are not held; in a thread another one is needed to write."""
    wanted = needed.value & ~_WRITE.value | _WRITE_IN_THREAD.value if in_thread else needed.value
    missing = wanted & ~held.value
    # Looking at every permission's name takes 40 µs, and almost always none is missing.
    return [shown(name) for name, on in discord.Permissions(missing) if on] if missing else []


def _as_admins_see_it(permission: str) -> str:
    """Return the permission's name in Discord's settings; discord.py uses an old name for "View Channel"."""
    return "View Channel" if permission == "read_messages" else _titled(permission)


def _titled(permission: str) -> str:
    return permission.replace("_", " ").title()
