"""Display names of members, fetched from Discord when needed: Wanda caches no members."""

import asyncio
import logging
from collections.abc import Iterable

import discord

log = logging.getLogger(__name__)
ASK_TIMEOUT_S = 5.0


async def names_of(guild: discord.Guild, member_ids: Iterable[int]) -> dict[int, str]:
    """Return display names by id; members who left, or whose name could not be fetched in time, are missing."""
    wanted = list(dict.fromkeys(member_ids))
    found = await asyncio.gather(*(_name(guild, member_id) for member_id in wanted))
    return {member_id: name for member_id, name in zip(wanted, found, strict=True) if name is not None}


async def _name(guild: discord.Guild, member_id: int) -> str | None:
    member = guild.get_member(member_id)
    if member is not None:
        return member.display_name
    try:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            return (await guild.fetch_member(member_id)).display_name
    except discord.NotFound:
        return None
    except (discord.HTTPException, TimeoutError) as error:
        log.warning("the name of a member of server %s was not told: %s", guild.id, error)
        return None
