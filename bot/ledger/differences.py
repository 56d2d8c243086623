"""What was billed above a job's hold. No budget pays it: it is between the operator and fal."""

from bot.ledger.model import Difference
from bot.storage.transaction import Many, One, Row, Transaction

UNITS_CHARS_MAX = 40
_ADD = """
INSERT INTO differences (job_id, guild_id, held_microusd, billed_microusd, units, at) VALUES ($1, $2, $3, $4, $5, $6)"""
_NEWEST = """
SELECT job_id, guild_id, held_microusd, billed_microusd, units, at FROM differences ORDER BY at DESC, job_id LIMIT $1"""
_SUM = """
SELECT COUNT(*) AS jobs, CAST(COALESCE(SUM(billed_microusd - held_microusd), 0) AS BIGINT) AS unpaid_microusd
FROM differences"""


def record(
    job_id: str, guild_id: int, held_microusd: int, billed_microusd: int, *, units: str, at: float
) -> Transaction[None]:
    """Record the one difference of a job, in the transaction that ends its hold."""
    yield One(_ADD, (job_id, guild_id, held_microusd, billed_microusd, units[:UNITS_CHARS_MAX], at))


def newest(limit: int) -> Transaction[tuple[Difference, ...]]:
    """Return the latest differences, newest first."""
    rows: list[Row] = yield Many(_NEWEST, (limit,))
    return tuple(Difference(**row) for row in rows)


def total() -> Transaction[tuple[int, int]]:
    """Return how many jobs were billed above their hold, and by how many micro-dollars together."""
    row = yield One(_SUM)
    return row["jobs"], row["unpaid_microusd"]
