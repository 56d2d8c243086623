"""Warnings that a server's pool is running low: recorded with the hold that crosses a threshold, posted once."""

from bot.ledger.model import Warned
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Many, One, Row, Transaction

_PENDING = """
SELECT guild_id, scope, starts_at, ends_at, threshold, used_microusd, cap_microusd, at FROM warnings
WHERE posted = 0 AND {mine} ORDER BY at, threshold LIMIT $1"""
_POSTED = """
UPDATE warnings SET posted = 1 WHERE scope = $1 AND starts_at = $2 AND ends_at = $3 AND threshold = $4"""


def pending_warnings(shards: Shards = EVERY_SHARD, *, limit: int = 100) -> Transaction[tuple[Warned, ...]]:
    """Return the warnings that were not posted yet, oldest first."""
    rows: list[Row] = yield Many(_PENDING.format(mine=shards.where()), (limit,))
    return tuple(
        Warned(
            guild_id=row["guild_id"],
            limit_scope=row["scope"],
            starts_at=row["starts_at"],
            ends_at=row["ends_at"],
            threshold=row["threshold"],
            used_microusd=row["used_microusd"],
            cap_microusd=row["cap_microusd"],
            at=row["at"],
        )
        for row in rows
    )


def warning_posted(warned: Warned) -> Transaction[None]:
    """Mark the warning as posted; also called when the server has no channel for it."""
    yield One(_POSTED, (warned.limit_scope, warned.starts_at, warned.ends_at, warned.threshold))
