"""Finds jobs whose submit's reply was lost among fal's past requests, by their own uploaded files.

A file's address at fal is one job's alone, so a request that has all of a job's addresses is the job's. A job without a
file is found by its whole input with its seed, if it is the only such job and there is only one such request.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

from bot.errors import Refusal
from bot.fal.wire.platform import PastRequest
from bot.jobs.model import Job, mode_of, payload_of
from bot.jobs.rows import readable_jobs
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Many, Row, Transaction

JOBS_MAX = 200  # in one search
TEXTS_MAX = 1000  # looked at in one request's input
# Jobs that are not open any more need no search: their bill finds them, or the operator closed them.
_LOST = """
SELECT j.body FROM draws d JOIN jobs j ON j.id = d.job_id
WHERE d.position = 0 AND d.counted_at >= $1 AND d.state = 'exposed' AND j.state = 'uncertain' AND {mine}
ORDER BY d.counted_at LIMIT $2"""


def lost_jobs(shards: Shards = EVERY_SHARD, *, since: float) -> Transaction[tuple[Job, ...]]:
    """Return uncertain jobs from `since` on that no request at fal is known for, oldest first; at most `JOBS_MAX`."""
    rows: list[Row] = yield Many(_LOST.format(mine=shards.where("j.guild_id")), (since, JOBS_MAX))
    return tuple(job for job in readable_jobs(rows) if job.handle is None)


def endpoint_of(job: Job) -> str | None:
    """Return the endpoint that the job was sent to; None if the catalogue no longer has its request."""
    try:
        return mode_of(job).endpoint
    except Refusal:
        return None


def found_among(jobs: Sequence[Job], requests: Collection[PastRequest], *, is_whole: bool) -> dict[str, str]:
    """Return the request ids of the jobs that are found, by job id.

    `requests` are those that no job is known for; `is_whole`: all of them since the jobs were ordered. A job or a
    request that more than one fits is not found.
    """
    pairs = [(job.id, one.request_id) for job in jobs for one in requests if _is_jobs(job, one, is_whole=is_whole)]
    of_job, of_request = Counter(job for job, _ in pairs), Counter(request for _, request in pairs)
    return {job: request for job, request in pairs if of_job[job] == 1 and of_request[request] == 1}


def _is_jobs(job: Job, request: PastRequest, *, is_whole: bool) -> bool:
    if request.input is None or request.endpoint != endpoint_of(job):
        return False
    if request.ended_at is not None and request.ended_at < job.created_at:
        return False
    urls = {item.url for item in job.inputs}
    if urls:
        return None not in urls and urls <= set(_texts(request.input))
    return is_whole and _is_whole_input(payload_of(job), request.input)


def _is_whole_input(sent: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
    """Return whether all that was sent is there, a seed among it; fal may show its own defaults beside it."""
    return sent.get("seed") is not None and all(name in seen and seen[name] == value for name, value in sent.items())


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in a JSON value, of which at most `TEXTS_MAX` parts are looked at."""
    parts = [value]
    for _ in range(TEXTS_MAX):
        if not parts:
            return
        part = parts.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            parts.extend(cast("dict[str, object]", part).values())
        elif isinstance(part, list):
            parts.extend(cast("list[object]", part))
