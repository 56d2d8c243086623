"""What a channel must allow a member before Wanda posts a video there for them.

A button works in a channel where its member may not write, and a reaction too. So every way to order a video asks for
what a command and a message with a file would need (https://discord.com/developers/docs/topics/permissions).
"""

import discord

from bot.catalogue.phrases import listed
from bot.errors import NotAllowed

_FILES = discord.Permissions(attach_files=True)


def check_member_may_order(member: discord.Member, held: discord.Permissions, *, in_thread: bool) -> None:
    """Check that the member may use commands and post files in the channel, where they hold these permissions.

    Raises:
        NotAllowed: they may not, or they are in a time-out.
    """
    check_member_may_command(member, held)
    writes = (
        discord.Permissions(send_messages_in_threads=True) if in_thread else discord.Permissions(send_messages=True)
    )
    needed = writes | _FILES
    missing = discord.Permissions(needed.value & ~held.value)
    if missing.value and not held.administrator:
        names = listed([name.replace("_", " ").title() for name, on in missing if on], "and")
        raise NotAllowed(
            f"You lack {names} in this channel, so Wanda posts no video for you here. Use a /wan command in a channel "
            "where you may post files; ✉️ on a card sends you its recipe for /jobs replay. Nothing was charged.",
            rule="posting",
        )


def check_member_may_command(member: discord.Member, held: discord.Permissions) -> None:
    """Check that the member may use application commands in the channel, and is not in a time-out.

    Raises:
        NotAllowed: they may not.
    """
    if held.administrator:
        return  # Discord applies neither time-outs nor missing permissions to administrators
    if member.timed_out_until is not None and member.is_timed_out():
        until = int(member.timed_out_until.timestamp())
        raise NotAllowed(
            f"You are in a time-out in this server until <t:{until}:f>, so Wanda does nothing here for you until "
            "then. Nothing was charged; try again afterwards.",
            rule="timeout",
        )
    if not held.use_application_commands:
        raise NotAllowed(
            "You may not use application commands in this channel, so Wanda does nothing for you here. "
            "Use a channel where you may, or ask an admin; nothing was charged.",
            rule="commands",
        )
