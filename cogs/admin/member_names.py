"""Display names of members, fetched from Discord when needed: Wanda caches no members."""

import asyncio
import logging
from collections.abc import Iterable

import discord

from bot.texts.plain import cut, is_blank, visible

log = logging.getLogger(__name__)
ASK_TIMEOUT_S = 5.0
NAME_CHARS_MAX = 64  # Discord allows 32, but counts a composed emoji as one


def shown_name(display_name: str, user_name: str) -> str:
    """Return the name on one line, without invisible characters and at most `NAME_CHARS_MAX` long.

    The user name, which has letters in any case, stands in for a display name with nothing to see.
    """
    said = visible(display_name[: 8 * NAME_CHARS_MAX])
    return cut(visible(user_name) if is_blank(said) else said, NAME_CHARS_MAX)


async def names_of(guild: discord.Guild, member_ids: Iterable[int]) -> dict[int, str]:
    """Return display names by id; members who left, or whose name could not be fetched in time, are missing."""
    wanted = list(dict.fromkeys(member_ids))
    found = await asyncio.gather(*(_name(guild, member_id) for member_id in wanted))
    return {member_id: name for member_id, name in zip(wanted, found, strict=True) if name is not None}


async def _name(guild: discord.Guild, member_id: int) -> str | None:
    member = guild.get_member(member_id)
    if member is not None:
        return shown_name(member.display_name, member.name)
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            fetched = await guild.fetch_member(member_id)
            return shown_name(fetched.display_name, fetched.name)
    except discord.NotFound:
        return None
    except (discord.HTTPException, TimeoutError) as error:
        log.warning("the name of a member of server %s was not told: %s", guild.id, error)
        return None
