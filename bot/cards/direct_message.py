"""Direct messages, and pings of one member or role, with ids as strings.

discord.py sends the ids as numbers in these places. Discord accepts that today, but documents strings
(https://discord.com/developers/docs/reference#snowflakes).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import discord


@dataclass(frozen=True, slots=True)
class _Named:
    """A member's or role's id as text, in the shape that `AllowedMentions` expects."""

    id: str


def naming(member_id: int) -> discord.AllowedMentions:
    """Return allowed mentions of this member only."""
    return discord.AllowedMentions(users=[_Named(str(member_id))])  # pyright: ignore[reportArgumentType] - only `id` is read, and it becomes JSON


def naming_all(member_ids: Iterable[int]) -> discord.AllowedMentions:
    """Return allowed mentions of these members only."""
    users = [_Named(str(one)) for one in member_ids]
    return discord.AllowedMentions(everyone=False, users=users, roles=False, replied_user=False)  # pyright: ignore[reportArgumentType] - likewise


def naming_role(role_id: int) -> discord.AllowedMentions:
    """Return allowed mentions of this role only."""
    return discord.AllowedMentions(everyone=False, users=False, roles=[_Named(str(role_id))], replied_user=False)  # pyright: ignore[reportArgumentType] - likewise


async def mail(bot: discord.Client, member_id: int, content: str | None = None, **message: Any) -> discord.Message:
    """Send the member a direct message, and return it.

    Raises:
        discord.Forbidden: the member accepts no direct messages.
        discord.HTTPException: Discord refused or failed.
    """
    opened = await bot.http.start_private_message(str(member_id))
    return await bot.get_partial_messageable(int(opened["id"])).send(content, **message)
