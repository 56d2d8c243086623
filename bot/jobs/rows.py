"""A job's row: columns to find and count it by, and in `body` the whole job as a JSON document."""

from collections.abc import Iterable

from pydantic import TypeAdapter, ValidationError

from bot.jobs.model import Job
from bot.jobs.places import bytes_of
from bot.storage.transaction import Locked, One, Row

_JOB = TypeAdapter(Job)
_NAMES = (
    *("guild_id", "channel_id", "message_id", "member_id", "mode", "state", "told", "similar_to", "created_at"),
    *(
        "render_s",
        "parent_id",
        "pressed",
        "files_gone",
        "approved_by",
        "approve_by",
        "input_bytes",
        "late_at",
        "set_id",
    ),
)
_COLUMNS = ", ".join(_NAMES)
_INSERT = (
    f"INSERT INTO jobs (id, {_COLUMNS}, version, body) "  # noqa: S608 - the column names are this module's own
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 1, $20) "
    "ON CONFLICT (parent_id, member_id, pressed) WHERE told = 0 DO NOTHING RETURNING id"
)
_LOCKED = f"SELECT {_COLUMNS}, body FROM jobs WHERE id = $1"  # noqa: S608 - likewise


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


def lock(job_id: str) -> Locked:
    """Return the statement that locks the job's row and reads it, with the columns that `update` compares."""
    return Locked(_LOCKED, (job_id,))


def update(job: Job, stored: Row) -> One:
    """Return the statement that stores a changed job, of which these columns are stored.

    It names only those that change: SQLite writes every index anew that has a column which an UPDATE names.
    """
    changed = [(name, value) for name, value in columns_of(job).items() if stored[name] != value]
    names = "".join(f", {name} = ${number}" for number, (name, _) in enumerate(changed, start=3))
    sql = f"UPDATE jobs SET version = version + 1, body = $2{names} WHERE id = $1"  # noqa: S608 - likewise
    return One(sql, (job.id, body_of(job), *(value for _, value in changed)))


def columns_of(job: Job) -> Row:
    """Return the columns by which the job is found and counted."""
    return dict(zip(_NAMES, _indexed(job), strict=True))


def _indexed(job: Job) -> tuple[object, ...]:
    """Return the values of `_NAMES`."""
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
