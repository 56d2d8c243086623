"""The JSON document that a job's row holds in `body`."""

from collections.abc import Iterable

from pydantic import TypeAdapter, ValidationError

from bot.jobs.model import Job
from bot.storage.transaction import Row

_JOB = TypeAdapter(Job)


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
