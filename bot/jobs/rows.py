"""The JSON document that a job's row holds in `body`."""

from pydantic import TypeAdapter

from bot.jobs.model import Job
from bot.storage.transaction import Row

_JOB = TypeAdapter(Job)


def body_of(job: Job) -> str:
    """Return the job as JSON for `body`."""
    return _JOB.dump_json(job).decode()


def job_in(row: Row) -> Job:
    """Return the job in the row's `body`; raises ValidationError for another document."""
    return _JOB.validate_json(row["body"])
