"""Exposures: holds of jobs that fal may have billed. They stay open when a member deletes their jobs."""

from dataclasses import dataclass

from bot.storage.transaction import Many, One, Row, Transaction

# A job that several members pay for has a hold for each of them.
_JOB_ID = "COALESCE((SELECT s.job_id FROM shares s WHERE s.id = draws.job_id), job_id)"
_OPEN = f"""
SELECT {_JOB_ID} AS job_id, guild_id, CAST(SUM(amount_microusd) AS BIGINT) AS amount_microusd,
MIN(counted_at) AS counted_at FROM draws WHERE position = 0 AND state = 'exposed' GROUP BY {_JOB_ID}, guild_id
ORDER BY 4, 1 LIMIT $1"""  # noqa: S608 - constants of this module


@dataclass(frozen=True, slots=True)
class Exposure:
    """The server's money that one uncertain job holds, and when the job was accepted."""

    job_id: str
    guild_id: int
    amount_microusd: int
    counted_at: float


def open_exposures(*, limit: int) -> Transaction[tuple[Exposure, ...]]:
    """Return the open exposures, oldest first; an operator can close them."""
    rows: list[Row] = yield Many(_OPEN, (limit,))
    return tuple(Exposure(row["job_id"], row["guild_id"], row["amount_microusd"], row["counted_at"]) for row in rows)


def count_exposures() -> Transaction[int]:
    """Return how many exposures are open."""
    row = yield One(f"SELECT count(DISTINCT {_JOB_ID}) AS n FROM draws WHERE position = 0 AND state = 'exposed'")  # noqa: S608 - a constant of this module
    return row["n"]


def is_exposed(job_id: str) -> Transaction[bool]:
    """Return whether the job's hold is or was exposed."""
    row = yield One("SELECT id FROM entries WHERE job_id = $1 AND kind = 'expose' LIMIT 1", (job_id,))
    return row is not None
