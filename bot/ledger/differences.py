"""What was billed above a job's hold. No budget pays it: it is between the operator and fal."""

from bot.ledger.model import Difference
from bot.storage.transaction import Many, One, Row, Transaction

UNITS_CHARS_MAX = 40
_ADD = """
INSERT INTO differences (job_id, guild_id, held_microusd, billed_microusd, units, at) VALUES ($1, $2, $3, $4, $5, $6)"""
_SET = """
INSERT INTO differences (job_id, guild_id, held_microusd, billed_microusd, units, at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (job_id) DO UPDATE SET billed_microusd = excluded.billed_microusd, units = excluded.units"""
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


def set_to(
    job_id: str, guild_id: int, held_microusd: int, billed_microusd: int, *, units: str, at: float
) -> Transaction[None]:
    """Make the job's difference what this bill says; there is none unless it is above the hold."""
    if billed_microusd > held_microusd:
        yield One(_SET, (job_id, guild_id, held_microusd, billed_microusd, units, at))
    else:
        yield One("DELETE FROM differences WHERE job_id = $1", (job_id,))


def newest(limit: int) -> Transaction[tuple[Difference, ...]]:
    """Return the latest differences, newest first."""
    rows: list[Row] = yield Many(_NEWEST, (limit,))
    return tuple(Difference(**row) for row in rows)


def total() -> Transaction[tuple[int, int]]:
    """Return how many jobs were billed above their hold, and by how many micro-dollars together."""
    row = yield One(_SUM)
    return row["jobs"], row["unpaid_microusd"]
