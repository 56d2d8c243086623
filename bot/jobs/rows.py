"""A job's row: columns to find and count it by, and in `body` the whole job as a JSON document."""

from collections.abc import Iterable

from pydantic import TypeAdapter, ValidationError

from bot.jobs.model import Job
from bot.jobs.places import bytes_of
from bot.storage.transaction import One, Row

_JOB = TypeAdapter(Job)
_COLUMNS = (
    "guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, created_at, render_s, "
    "parent_id, pressed, files_gone, approved_by, approve_by, input_bytes, late_at, set_id"
)
_INSERT = (
    f"INSERT INTO jobs (id, {_COLUMNS}, version, body) "  # noqa: S608 - the column names are this module's own
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 1, $20) "
    "ON CONFLICT (parent_id, member_id, pressed) WHERE told = 0 DO NOTHING RETURNING id"
)
_UPDATE = (
    f"UPDATE jobs SET version = version + 1, ({_COLUMNS}, body) = "  # noqa: S608 - the column names are this module's own
    "($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) WHERE id = $1"
)


def body_of(job: Job) -> str:
    """Return the job as JSON for `body`."""
    return _JOB.dump_json(job).decode()


def job_in(row: Row) -> Job:
    """Return the job in the row's `body`; raises ValidationError for another document."""
    return _JOB.validate_json(row["body"])


def readable_job(row: Row) -> Job | None:
    """Return the job in the row's `body`, or None for a document that this version cannot read."""
    try:
        return job_in(row)
    except ValidationError:
        return None


def readable_jobs(rows: Iterable[Row]) -> tuple[Job, ...]:
    """Return the jobs in these rows without those that cannot be read: one of them does not keep the others away."""
    return tuple(job for row in rows if (job := readable_job(row)) is not None)


def insertion(job: Job) -> One:
    """Return the statement that inserts the job; it answers nothing if the member's same rerun has not ended.

    The index decides: on PostgreSQL two transactions may both have seen none.
    """
    return One(_INSERT, (job.id, *_indexed(job), body_of(job)))


def update(job: Job) -> One:
    """Return the statement that stores a changed job."""
    return One(_UPDATE, (job.id, *_indexed(job), body_of(job)))


def _indexed(job: Job) -> tuple[object, ...]:
    """Return the values of `_COLUMNS`."""
    made = job.result is not None and job.started_at is not None and job.completed_at is not None
    render_s = job.completed_at - job.started_at if made and job.completed_at and job.started_at else None
    address = job.address
    return (
        job.guild_id,
        address.channel_id,
        address.message_id,
        job.member_id,
        job.mode,
        job.state,
        int(job.told),
        job.similar,
        job.created_at,
        render_s,
        job.parent_id,
        job.trigger if job.revived_at is None else None,  # the member may have ordered the same again meanwhile
        int(job.files_gone_at is not None),
        job.approved_by,
        job.approve_by,
        bytes_of(job.inputs),
        job.late_at,
        None if job.variation is None else job.variation.set_id,
    )
