"""Exposures: holds of jobs that fal may have billed. They stay open when a member deletes their jobs."""

from dataclasses import dataclass

from bot.storage.transaction import Many, One, Row, Transaction


@dataclass(frozen=True, slots=True)
class Exposure:
    """The server's money that one uncertain job holds, and when the job was accepted."""

    job_id: str
    guild_id: int
    amount_microusd: int
    counted_at: float


def open_exposures(*, limit: int) -> Transaction[tuple[Exposure, ...]]:
    """Return the open exposures, oldest first; an operator can close them."""
    rows: list[Row] = yield Many(
        "SELECT job_id, guild_id, amount_microusd, counted_at FROM draws WHERE position = 0 AND state = 'exposed' "
        "ORDER BY counted_at, job_id LIMIT $1",
        (limit,),
    )
    return tuple(Exposure(row["job_id"], row["guild_id"], row["amount_microusd"], row["counted_at"]) for row in rows)


def count_exposures() -> Transaction[int]:
    """Return how many exposures are open."""
    row = yield One("SELECT count(*) AS n FROM draws WHERE position = 0 AND state = 'exposed'")
    return row["n"]


def is_exposed(job_id: str) -> Transaction[bool]:
    """Return whether the job's hold is or was exposed."""
    row = yield One("SELECT id FROM entries WHERE job_id = $1 AND kind = 'expose' LIMIT 1", (job_id,))
    return row is not None
