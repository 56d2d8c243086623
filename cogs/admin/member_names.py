"""Display names of members, fetched from Discord when needed: Wanda caches no members."""

import asyncio
import logging
from collections.abc import Iterable

import discord

from bot.cards.discord_request import DISCORD_ERRORS
from bot.exports.rows import Names
from bot.texts.plain import cut, is_blank, visible

log = logging.getLogger(__name__)
ASK_TIMEOUT_S = 5.0
EXPORT_NAMES_MAX = 200  # each is one request to Discord
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


class ExportNames:
    """Finds the names for an export, of at most `EXPORT_NAMES_MAX` members; the others have their id alone."""

    def __init__(self, guild: discord.Guild, reader_id: int) -> None:
        self._guild = guild
        self._reader_id = reader_id
        self._asked: set[int] = set()
        self._members: dict[int, str] = {}
        self._channels = {channel.id: channel.name for channel in (*guild.channels, *guild.threads)}

    async def find(self, member_ids: Iterable[int]) -> Names:
        """Return all names known by now, those of these members among them."""
        new = [one for one in dict.fromkeys(member_ids) if one > 0 and one not in self._asked]
        new = new[: max(0, EXPORT_NAMES_MAX - len(self._asked))]
        self._asked |= set(new)
        self._members |= await names_of(self._guild, new)
        return Names(reader_id=self._reader_id, members=self._members, channels=self._channels)


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
    except DISCORD_ERRORS as error:
        log.warning("the name of a member of server %s was not told: %s", guild.id, error)
        return None
