"""Words for one member alone: ids go to Discord as text there, as its specification has them.

discord.py sends them as numbers in these two places, which Discord takes today but does not promise to take.
"""

from dataclasses import dataclass
from typing import Any

import discord


@dataclass(frozen=True, slots=True)
class _Named:
    """A member by their id as text."""

    id: str


def naming(member_id: int) -> discord.AllowedMentions:
    """Return the permission to ping this member, and nobody else."""
    return discord.AllowedMentions(users=[_Named(str(member_id))])  # pyright: ignore[reportArgumentType] - only `id` is read, and it becomes JSON


async def mail(bot: discord.Client, member_id: int, content: str, **message: Any) -> None:
    """Send the member a direct message.

    Raises:
        discord.Forbidden: the member takes none.
        discord.HTTPException: Discord did not carry it out.
    """
    opened = await bot.http.start_private_message(str(member_id))
    await bot.get_partial_messageable(int(opened["id"])).send(content, **message)
