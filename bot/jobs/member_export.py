"""The jobs of a member, counted and as JSON, for `/privacy`."""

from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from bot.jobs.disclosure import as_seen_by
from bot.jobs.model import Job
from bot.jobs.short_id import short_id
from bot.storage.transaction import One, Transaction

_JOB = TypeAdapter(Job)
_COUNT = """
SELECT count(*) AS jobs, count(DISTINCT guild_id) AS servers, MIN(created_at) AS first_at,
CAST(COALESCE(SUM(CASE WHEN files_gone = 0 THEN 1 ELSE 0 END), 0) AS BIGINT) AS with_files
FROM jobs WHERE member_id = $1"""
_NOT_THEIRS = frozenset(
    {"approved_by", "approver_role_id", "parent_at", "shares"}
)  # ids of other people, and of another job's card


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCounts:
    """Counts of a member's jobs, their servers and the jobs with files on disk; `first_at` is in Unix seconds."""

    jobs: int
    servers: int
    with_files: int
    first_at: float | None


def job_counts(member_id: int) -> Transaction[JobCounts]:
    """Return the counts of the member's jobs in all servers."""
    row = yield One(_COUNT, (member_id,))
    return JobCounts(jobs=row["jobs"], servers=row["servers"], with_files=row["with_files"], first_at=row["first_at"])


def export_values(job: Job) -> dict[str, Any]:
    """Return the stored job as JSON values, without its interaction token and other people's ids.

    A borrowed input has no URL and no file name, and borrowed options are left out: a member who reruns a video has
    seen neither. Of the job that it was made from, which may be another member's, there is the short id.
    """
    job = as_seen_by(job, job.member_id)
    parent_id = None if job.parent_id is None else short_id(job.parent_id)
    inputs = tuple(replace(item, url=None) if item.is_borrowed else item for item in job.inputs)
    plain: dict[str, Any] = _JOB.dump_python(replace(job, inputs=inputs, parent_id=parent_id), mode="json")
    plain["address"] = {name: value for name, value in plain["address"].items() if name != "token"}
    return {name: value for name, value in plain.items() if name not in _NOT_THEIRS}
