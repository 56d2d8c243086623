"""Shares: the holds of several members who pay for one job together.

Each is a hold under an id of its own, on its member's own budgets; the maker's is the one under the job's id. The table
names the holds of a job that is being made, or was, or is a film's shot to come; before that they are reservations
(`bot.jobs.chip_ins`). `bot.ledger.holds` ends all shares of a job at once, so that nothing else about money knows of
them. What members added to a film as a whole stands under the film's id, and is divided over its shots when it begins
(`bot.ledger.splits`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.ledger.model import Share
from bot.storage.transaction import Many, One, Row, Transaction

# The order decides who pays an odd micro-dollar, so it is always the same.
_OF_JOB = """
SELECT s.id, d.guild_id, d.member_id, d.amount_microusd FROM shares s JOIN draws d ON d.job_id = s.id AND d.position = 0
WHERE s.job_id = $1 ORDER BY s.id"""
_LINK = "INSERT INTO shares (id, job_id, quote_microusd) VALUES ($1, $2, $3)"


@dataclass(frozen=True, slots=True)
class HeldShare:
    """One of the holds of a job, whose it is, and what it held when it was placed."""

    id: str
    guild_id: int
    member_id: int
    amount_microusd: int


def shares_of(job_id: str) -> Transaction[tuple[HeldShare, ...]]:
    """Return the holds of a job that several members pay for; none of any other job."""
    rows: list[Row] = yield Many(_OF_JOB, (job_id,))
    return tuple(HeldShare(row["id"], row["guild_id"], row["member_id"], row["amount_microusd"]) for row in rows)


def link(job_id: str, shares: Iterable[Share], *, quote_microusd: int) -> Transaction[None]:
    """Make these the holds of the job, whose price they sum up to, in the transaction that inserts it."""
    for one in shares:
        yield One(_LINK, (one.id, job_id, quote_microusd))


def divided(amount_microusd: int, held: Sequence[int]) -> tuple[int, ...]:
    """Divide an amount, which is at most the sum of what is held, in proportion to what each holds.

    The parts sum up to the amount, and none is above what is held. Odd micro-dollars go to those whose exact parts lose
    most by rounding down, of equals to the first.
    """
    total = sum(held)
    if not total:
        return tuple(0 for _ in held)
    parts = [amount_microusd * one // total for one in held]
    by_loss = sorted(range(len(held)), key=lambda n: (-(amount_microusd * held[n] % total), n))
    for number in by_loss[: amount_microusd - sum(parts)]:
        parts[number] += 1
    return tuple(parts)
