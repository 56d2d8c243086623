"""Holds for jobs that do not exist yet: a film's later shots, the final version of a draft, a share of a video.

A reservation is an ordinary hold under the id that its job will have, and a row that says until when. It ends once: the
job is accepted and the hold is its own (`use`), or the hold is released, at the latest soon after `expires_at`. So what
is reserved counts in every budget like a running job, and a defect of what it was reserved for cannot hold it for ever.
Both endings are decided by who deletes the row, under the server's lock.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from bot.ledger import holds, tables
from bot.ledger.model import Held, RuleQuery, Shipped, Who
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Many, One, Row, Transaction

Purpose: TypeAlias = Literal["shot", "final", "share"]
FOUND_MAX = 200  # in one search; the next one goes on
_COLUMNS = "job_id, group_id, purpose, guild_id, member_id, amount_microusd, expires_at"
_ADD = f"INSERT INTO reservations ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"  # noqa: S608 - a constant of this module
_END = f"DELETE FROM reservations WHERE job_id = $1 RETURNING {_COLUMNS}"  # noqa: S608 - likewise
_OF_GROUP = f"SELECT {_COLUMNS} FROM reservations WHERE group_id = $1 ORDER BY job_id"  # noqa: S608 - likewise
_OVER = f"""
SELECT {_COLUMNS} FROM reservations WHERE (expires_at <= $1
OR purpose <> 'share' AND guild_id IN (SELECT guild_id FROM leaving)) AND {{mine}} ORDER BY expires_at LIMIT $2"""  # noqa: S608 - likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A hold of `amount_microusd` under the id of a job to come.

    `group_id` is the id of what it is reserved for: the film, the set of drafts, or the video that several pay for.
    """

    job_id: str
    group_id: str
    purpose: Purpose
    guild_id: int
    member_id: int
    amount_microusd: int
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What shall be reserved: a job to come, whose price and rules are checked as if it were ordered now."""

    job_id: str
    group_id: str
    purpose: Purpose
    who: Who
    query: RuleQuery
    amount_microusd: int
    reason: str
    expires_at: float


def reserve(wish: Wish, *, at: float, shipped: Shipped) -> Transaction[Held]:
    """Reserve the money of one job, under the server's lock, which the caller holds.

    A job never gets a second hold, so repeating it changes nothing. It does not count as a video at once.

    Raises:
        NotAllowed: a rule forbids it.
        QuotaExceeded: a budget cannot carry it, even with the member's grants.
    """
    checked = yield from holds.check(
        job_id=wish.job_id,
        amount_microusd=wish.amount_microusd,
        who=wish.who,
        query=replace(wish.query, begun=0),
        at=at,
        shipped=shipped,
    )
    held = yield from holds.place(checked, reason=wish.reason)
    if not held.repeated:
        yield from keep(wish)
    return held


def keep(wish: Wish) -> Transaction[None]:
    """Note what is reserved, and held already in the same transaction: by one hold, or by several members' shares."""
    who = wish.who
    values = (wish.job_id, wish.group_id, wish.purpose, who.guild_id, who.member_id, wish.amount_microusd)
    yield One(_ADD, (*values, wish.expires_at))


def use(job_id: str) -> Transaction[Reservation | None]:
    """Give the hold to the job, under the server's lock, which the caller holds; None if nothing is reserved for it.

    Whoever calls it inserts the job in the same transaction.
    """
    row = yield One(_END, (job_id,))
    return None if row is None else _read(row)


def keep_until(job_id: str, expires_at: float) -> Transaction[bool]:
    """Change until when it is reserved; returns False if nothing is, as when the job has been accepted."""
    row = yield One("UPDATE reservations SET expires_at = $2 WHERE job_id = $1 RETURNING job_id", (job_id, expires_at))
    return row is not None


def release(job_id: str, *, at: float, reason: str) -> Transaction[bool]:
    """Release what is reserved for the job; returns False if nothing is, as when the job has been accepted."""
    yield from tables.lock_of_job(job_id)
    if (yield One(_END, (job_id,))) is None:
        return False
    yield from holds.release(job_id, at=at, actor="wanda", reason=reason)
    return True


def release_group(group_id: str, *, at: float, reason: str) -> Transaction[int]:
    """Release all that is reserved for a film, a set of drafts or a video; returns how many there were."""
    released = 0
    for one in (yield from reserved_for(group_id)):
        released += yield from release(one.job_id, at=at, reason=reason)
    return released


def reserved_for(group_id: str) -> Transaction[tuple[Reservation, ...]]:
    """Return what is reserved for a film, a set of drafts or a video."""
    rows: list[Row] = yield Many(_OF_GROUP, (group_id,))
    return tuple(_read(row) for row in rows)


def reserved_microusd(group_id: str) -> Transaction[int]:
    """Return how much is reserved in this group, in micro-dollars."""
    return sum(one.amount_microusd for one in (yield from reserved_for(group_id)))


def reservations_over(shards: Shards = EVERY_SHARD, *, now: float) -> Transaction[tuple[Reservation, ...]]:
    """Return reservations that have expired, or whose server removed Wanda; at most `FOUND_MAX`.

    Shares in a server that removed Wanda are released all at once (`bot.jobs.chip_ins`).
    """
    rows: list[Row] = yield Many(_OVER.format(mine=shards.where()), (now, FOUND_MAX))
    return tuple(_read(row) for row in rows)


def release_in(guild_id: int, *, at: float) -> Transaction[None]:
    """Release all that is reserved in a server."""
    rows: list[Row] = yield Many("SELECT job_id FROM reservations WHERE guild_id = $1 ORDER BY job_id", (guild_id,))
    for row in rows:
        yield from release(row["job_id"], at=at, reason="Wanda was removed from the server")


def _read(row: Row) -> Reservation:
    return Reservation(
        job_id=row["job_id"],
        group_id=row["group_id"],
        purpose=row["purpose"],
        guild_id=row["guild_id"],
        member_id=row["member_id"],
        amount_microusd=row["amount_microusd"],
        expires_at=row["expires_at"],
    )
