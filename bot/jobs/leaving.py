"""Servers that removed Wanda, and when their data is to be deleted."""

from collections.abc import Collection

from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Many, One, Row, Transaction

# One server after the other, by an index that begins with it: the jobs of a year are those of a few servers.
_IN_TABLE = """
SELECT guild_id FROM (WITH RECURSIVE found (guild_id) AS (SELECT MIN(guild_id) FROM {table} UNION ALL
SELECT (SELECT MIN(later.guild_id) FROM {table} later WHERE later.guild_id > found.guild_id) FROM found
WHERE found.guild_id IS NOT NULL) SELECT guild_id FROM found) AS of_{table}"""
_INDEXED = (
    *("jobs", "rules", "asks", "preferences", "presets", "money_requests"),
    *("films", "film_drafts", "chip_ins"),
)
_IN_TABLES = " UNION ".join(_IN_TABLE.format(table=table) for table in _INDEXED)
_SERVERS = f"""
SELECT guild_id FROM ({_IN_TABLES} UNION SELECT guild_id FROM warnings) AS servers
WHERE guild_id <> 0 AND {{mine}}"""  # noqa: S608 - names of ours
_LEAVE = """
INSERT INTO leaving (guild_id, at) VALUES ($1, $2)
ON CONFLICT (guild_id) DO UPDATE SET at = CASE WHEN leaving.at < excluded.at THEN leaving.at ELSE excluded.at END"""


def mark_guild_left(guild_id: int, *, at: float) -> Transaction[None]:
    """Mark the server's data for deletion at `at`; an earlier mark stays."""
    yield One(_LEAVE, (guild_id, at))


def keep_guild(guild_id: int) -> Transaction[None]:
    """Remove the server's deletion mark; data that is not deleted yet stays."""
    yield One("DELETE FROM leaving WHERE guild_id = $1", (guild_id,))


def guilds_to_delete(shards: Shards = EVERY_SHARD, *, at: float) -> Transaction[tuple[int, ...]]:
    """Return the servers that are marked for deletion at `at` or earlier."""
    rows: list[Row] = yield Many(
        f"SELECT guild_id FROM leaving WHERE at <= $1 AND {shards.where()} ORDER BY guild_id",  # noqa: S608 - numbers
        (at,),
    )
    return tuple(row["guild_id"] for row in rows)


def note_guilds(present: Collection[int], shards: Shards = EVERY_SHARD, *, at: float) -> Transaction[None]:
    """Mark these shards' servers that Wanda is no longer in for deletion at `at`; unmark those she is in."""
    marked: list[Row] = yield Many(f"SELECT guild_id FROM leaving WHERE {shards.where()} ORDER BY guild_id")  # noqa: S608 - numbers
    known: list[Row] = yield Many(_SERVERS.format(mine=shards.where()))
    for guild_id in (row["guild_id"] for row in marked):
        if guild_id in present:
            yield from keep_guild(guild_id)
    for guild_id in sorted(row["guild_id"] for row in known):
        if guild_id not in present:
            yield from mark_guild_left(guild_id, at=at)
