"""How long a job can stay unfinished, and the transactions that find and end jobs which did."""

from contextlib import suppress

from bot.jobs.model import FINISHED, Job, JobRef
from bot.jobs.rows import readable_job
from bot.ledger import holds
from bot.ledger.rule_values import WAIT_MAX_S
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Locked, Many, One, Row, Transaction

FOUND_MAX = 200  # in one search; the next one goes on
_BEFORE_FAL = ("waiting", "accepted")

# Jobs stored before `approve_by` was a column have none there, and wait no longer than the longest wait.
_OLD = """
SELECT id, guild_id, body FROM jobs WHERE told = 0 AND (state <> 'waiting' AND created_at < $1
OR state = 'waiting' AND COALESCE(approve_by, created_at + $2) < $1) AND {mine} ORDER BY created_at LIMIT $3"""
_GUILDS_LEFT = """
SELECT j.id AS id, j.guild_id AS guild_id FROM jobs j JOIN leaving l ON l.guild_id = j.guild_id
WHERE j.told = 0 AND j.state IN ('waiting', 'accepted') AND {mine} ORDER BY j.created_at LIMIT $1"""


def overdue_at(job: Job, *, deadline_s: float, paid_patience_s: float, overdue_s: float) -> float:
    """Return after which moment an unfinished job is ended by force, in Unix seconds.

    That is `overdue_s` after the step that it is in should have ended: the wait for approval at `approve_by`, the
    request at fal at its deadline, its result when fal no longer keeps it. Other steps have no end of their own and are
    counted from their beginning.
    """
    if job.state == "waiting" and job.approve_by is not None:
        return job.approve_by + overdue_s
    if job.state == "fetching":
        return (job.completed_at or job.updated_at) + paid_patience_s + overdue_s
    if job.submitted_at is not None and job.state not in FINISHED and job.state != "delivering":
        return job.submitted_at + deadline_s + overdue_s
    return job.updated_at + overdue_s


def overdue_jobs(
    shards: Shards = EVERY_SHARD,
    *,
    now: float,
    spared_until: float = 0.0,
    deadline_s: float,
    paid_patience_s: float,
    overdue_s: float,
) -> Transaction[tuple[tuple[JobRef, ...], tuple[JobRef, ...]]]:
    """Return overdue jobs, and old ones whose row cannot be read; at most `FOUND_MAX` together.

    Jobs that fal has are left out until `spared_until`, because they may still be asked about.
    """
    rows: list[Row] = yield Many(_OLD.format(mine=shards.where()), (now - overdue_s, WAIT_MAX_S, FOUND_MAX))
    overdue: list[JobRef] = []
    unreadable: list[JobRef] = []
    for row in rows:
        job, ref = readable_job(row), JobRef(row["id"], row["guild_id"])
        if job is None:
            unreadable.append(ref)
        elif job.handle is None or now >= spared_until:
            ends_at = overdue_at(job, deadline_s=deadline_s, paid_patience_s=paid_patience_s, overdue_s=overdue_s)
            if now > ends_at:
                overdue.append(ref)
    return tuple(overdue), tuple(unreadable)


def jobs_of_guilds_left(shards: Shards = EVERY_SHARD) -> Transaction[tuple[JobRef, ...]]:
    """Return jobs that fal was not asked for yet, in servers that removed Wanda."""
    rows: list[Row] = yield Many(_GUILDS_LEFT.format(mine=shards.where("j.guild_id")), (FOUND_MAX,))
    return tuple(JobRef(row["id"], row["guild_id"]) for row in rows)


def end_unreadable(job_id: str, *, now: float) -> Transaction[None]:
    """End a job whose row cannot be read, so that it holds no place and no money of its member any more.

    Before fal was asked its hold is released; afterwards it is exposed, because fal may have billed it.
    """
    row = yield Locked("SELECT state FROM jobs WHERE id = $1", (job_id,))
    if row is None:
        return
    free = row["state"] in _BEFORE_FAL
    end = holds.release if free else holds.expose
    with suppress(LookupError):  # it never had a hold
        yield from end(job_id, at=now, actor="wanda", reason="its row could not be read")
    yield One("UPDATE jobs SET told = 1, state = $2 WHERE id = $1", (job_id, "failed" if free else "uncertain"))
