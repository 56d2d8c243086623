"""A job as its row keeps it: one JSON document."""

from pydantic import TypeAdapter

from bot.jobs.model import Job
from bot.storage.transaction import Row

_JOB = TypeAdapter(Job)


def body_of(job: Job) -> str:
    """Return what the row's `body` is."""
    return _JOB.dump_json(job).decode()


def job_in(row: Row) -> Job:
    """Return the job in a row that has its `body`."""
    return _JOB.validate_json(row["body"])
