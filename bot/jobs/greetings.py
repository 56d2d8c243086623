"""The one message with which Wanda greets a server that she joins; a row is kept so that she greets it once, ever."""

from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Many, One, Row, Transaction

TRIES_MAX = 3
LIFE_S = 86_400.0  # a greeting that could not be posted for so long is left out
AT_ONCE_MAX = 100


def begin_greeting(guild_id: int, *, at: float) -> Transaction[bool]:
    """Have the server greeted; returns whether it never was before. A server that Wanda joins again is not."""
    row = yield One(
        "INSERT INTO greetings (guild_id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING guild_id", (guild_id, at)
    )
    return row is not None


def due_greetings(shards: Shards = EVERY_SHARD, *, now: float) -> Transaction[dict[int, int]]:
    """Return the servers that are to be greeted, the earliest first, and how often each was tried."""
    rows: list[Row] = yield Many(
        "SELECT guild_id, tries FROM greetings WHERE is_over = 0 AND tries < $1 AND at > $2 "  # noqa: S608 - numbers
        f"AND {shards.where()} ORDER BY at LIMIT $3",
        (TRIES_MAX, now - LIFE_S, AT_ONCE_MAX),
    )
    return {row["guild_id"]: row["tries"] for row in rows}


def try_greeting(guild_id: int) -> Transaction[None]:
    """Count a try, before it begins."""
    yield One("UPDATE greetings SET tries = tries + 1 WHERE guild_id = $1", (guild_id,))


def end_greeting(guild_id: int) -> Transaction[None]:
    """Note that the server was greeted, or that Wanda may not write there."""
    yield One("UPDATE greetings SET is_over = 1 WHERE guild_id = $1", (guild_id,))
