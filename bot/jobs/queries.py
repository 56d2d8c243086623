"""Transactions that find jobs by id, message, parent, member, state or age."""

from collections.abc import Collection, Sequence
from statistics import median

from bot.jobs.model import Job, JobRef, State
from bot.jobs.places import FileBounds
from bot.jobs.rows import job_in, readable_job, readable_jobs
from bot.jobs.short_id import id_patterns
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Many, One, Row, Transaction, parameters

CHILDREN_MAX = 5  # that a card links to
TYPICAL_SAMPLE = 20  # past jobs that an estimate is the median of
_LATER_THAN_ALL = 1e15
JobCursor = tuple[float, str]  # (created_at, id)
_BEYOND_RETRIES = """
SELECT body FROM (SELECT body, SUM(input_bytes) OVER (PARTITION BY member_id ORDER BY created_at DESC, id DESC) AS own,
SUM(input_bytes) OVER (ORDER BY created_at DESC, id DESC) AS every FROM jobs
WHERE guild_id = $1 AND files_gone = 0 AND input_bytes > 0 AND state IN ('failed', 'cancelled')) AS kept
WHERE own > $2 OR every > $3 LIMIT $4"""


def get(job_id: str) -> Transaction[Job | None]:
    """Return the job, or None."""
    row = yield One("SELECT body FROM jobs WHERE id = $1", (job_id,))
    return None if row is None else job_in(row)


def find(job_id: str) -> Transaction[tuple[State | None, Job | None]]:
    """Return the job's state, and the job unless its row cannot be read; None twice if there is no such job."""
    row = yield One("SELECT state, body FROM jobs WHERE id = $1", (job_id,))
    return (None, None) if row is None else (row["state"], readable_job(row))


def unfinished_jobs(shards: Shards = EVERY_SHARD) -> Transaction[list[JobRef]]:
    """Return every job that is unfinished or whose card does not show its end yet, oldest first.

    Their bodies are not read here: one that cannot be read would keep all the others from being taken up.
    """
    rows = yield Many(f"SELECT id, guild_id FROM jobs WHERE told = 0 AND {shards.where()} ORDER BY created_at")  # noqa: S608 - numbers
    return [JobRef(row["id"], row["guild_id"]) for row in rows]


def fetching_jobs(shards: Shards = EVERY_SHARD) -> Transaction[list[JobRef]]:
    """Return the jobs of which fal has said that they ended, and whose result is not known yet."""
    rows = yield Many(f"SELECT id, guild_id FROM jobs WHERE told = 0 AND state = 'fetching' AND {shards.where()}")  # noqa: S608 - numbers
    return [JobRef(row["id"], row["guild_id"]) for row in rows]


def typical_seconds(similar: str) -> Transaction[float | None]:
    """Return the median rendering time in seconds of the latest jobs like this one, or None when there is none."""
    rows = yield Many(
        "SELECT render_s FROM jobs WHERE similar_to = $1 AND render_s IS NOT NULL ORDER BY created_at DESC LIMIT $2",
        (similar, TYPICAL_SAMPLE),
    )
    return median(row["render_s"] for row in rows) if rows else None


def known_ids(job_ids: Collection[str]) -> Transaction[frozenset[str]]:
    """Return those of these ids, at most some hundred and at least one, that are jobs, or what becomes some."""
    named = parameters(job_ids)
    tables_of_ids = ("jobs", "films", "film_drafts", "chip_ins")
    of_each = (f"SELECT id FROM {table} WHERE id IN ({named})" for table in tables_of_ids)  # noqa: S608 - only the numbers of parameters are put in
    rows: list[Row] = yield Many(" UNION ".join(of_each), tuple(job_ids))
    return frozenset(row["id"] for row in rows)


def job_of_message(message_id: int) -> Transaction[Job | None]:
    """Return the job whose card is this message, or None; of a set the first that is done."""
    row = yield One(
        "SELECT body FROM jobs WHERE message_id = $1 "
        "ORDER BY created_at DESC, CASE WHEN state = 'done' THEN 0 ELSE 1 END, id LIMIT 1",
        (message_id,),
    )
    return None if row is None else job_in(row)


def jobs_of_set(set_id: str) -> Transaction[tuple[Job, ...]]:
    """Return the jobs that were ordered at once with this first one, by their numbers; those deleted are missing."""
    rows: list[Row] = yield Many("SELECT body FROM jobs WHERE set_id = $1", (set_id,))
    return tuple(sorted(readable_jobs(rows), key=lambda job: 0 if job.variation is None else job.variation.number))


def jobs_by_id(job_ids: Sequence[str]) -> Transaction[dict[str, Job]]:
    """Return those of these jobs that are there and can be read, by id; at most some hundred ids."""
    if not job_ids:
        return {}
    named = parameters(job_ids)
    rows: list[Row] = yield Many(f"SELECT body FROM jobs WHERE id IN ({named})", tuple(job_ids))  # noqa: S608 - only the numbers of parameters are put in
    return {job.id: job for job in readable_jobs(rows)}


def is_running(parent_id: str, member_id: int, trigger: str | None) -> Transaction[bool]:
    """Return whether the member has an unfinished rerun of this job by the same trigger."""
    row = yield One(
        "SELECT id FROM jobs WHERE parent_id = $1 AND member_id = $2 AND pressed = $3 AND told = 0 LIMIT 1",
        (parent_id, member_id, trigger),
    )
    return row is not None


def children_of(job_id: str, *, limit: int = CHILDREN_MAX) -> Transaction[tuple[Job, ...]]:
    """Return the latest done reruns of this job, oldest first."""
    rows: list[Row] = yield Many(
        "SELECT body FROM jobs WHERE parent_id = $1 AND state = 'done' ORDER BY created_at DESC, id DESC LIMIT $2",
        (job_id, limit),
    )
    return readable_jobs(reversed(rows))


def posted_since(at: float, shards: Shards = EVERY_SHARD, *, limit: int) -> Transaction[tuple[Job, ...]]:
    """Return the latest done reruns that were accepted since a time, newest first; their files are still kept."""
    rows: list[Row] = yield Many(
        "SELECT body FROM jobs WHERE told = 1 AND files_gone = 0 AND parent_id IS NOT NULL AND state = 'done' "  # noqa: S608 - numbers
        f"AND created_at >= $1 AND {shards.where()} ORDER BY created_at DESC LIMIT $2",
        (at, limit),
    )
    return readable_jobs(rows)


def cursor_of(job: Job) -> JobCursor:
    """Return the job's position in its member's list, for `before` of the next page."""
    return job.created_at, job.id


def member_jobs(
    guild_id: int,
    member_id: int,
    *,
    mode: str | None = None,
    states: Collection[State] = (),
    before: JobCursor | None = None,
    limit: int,
) -> Transaction[tuple[Job, ...]]:
    """Return the member's latest jobs in a server, newest first, of these states if any are named.

    `before` is the place of the last one seen.
    """
    where = ["guild_id = $1", "member_id = $2"]
    args: list[object] = [guild_id, member_id]
    if mode is not None:
        args.append(mode)
        where.append(f"mode = ${len(args)}")
    if states:
        where.append(f"state IN ({parameters(states, first=len(args) + 1)})")
        args.extend(states)
    if before is not None:
        args.extend(before)
        where.append(f"(created_at, id) < (${len(args) - 1}, ${len(args)})")
    args.append(limit)
    rows: list[Row] = yield Many(
        f"SELECT body FROM jobs WHERE {' AND '.join(where)} ORDER BY created_at DESC, id DESC LIMIT ${len(args)}",  # noqa: S608 - the conditions are this function's own
        args,
    )
    return readable_jobs(rows)


def is_first_order(job: Job) -> Transaction[bool]:
    """Return whether the member ordered nothing in this server before the job."""
    earlier = yield One(
        "SELECT 1 AS found FROM jobs WHERE guild_id = $1 AND member_id = $2 AND created_at < $3 LIMIT 1",
        (job.guild_id, job.member_id, job.created_at),
    )
    return earlier is None


def open_jobs(guild_id: int, *, limit: int) -> Transaction[tuple[tuple[Job, ...], int, int]]:
    """Return a server's unfinished jobs, oldest first, `limit` at most; how many are made; how many await approval."""
    open_ones = (
        "FROM jobs WHERE guild_id = $1 AND told = 0 AND state NOT IN ('done', 'failed', 'cancelled', 'uncertain')"
    )
    count = yield One(
        "SELECT COUNT(*) AS jobs, COALESCE(SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END), 0) AS waiting "
        f"{open_ones}",
        (guild_id,),
    )
    rows: list[Row] = yield Many(f"SELECT body {open_ones} ORDER BY created_at, id LIMIT $2", (guild_id, limit))
    return readable_jobs(rows), count["jobs"] - count["waiting"], count["waiting"]


def jobs_named(guild_id: int, member_id: int, text: str, *, limit: int) -> Transaction[tuple[Job, ...]]:
    """Return the member's jobs in a server that a typed text may mean, newest first, `limit` at most."""
    found: dict[str, Job] = {}
    for pattern in id_patterns(text):
        rows: list[Row] = yield Many(
            "SELECT body FROM jobs WHERE guild_id = $1 AND member_id = $2 AND id LIKE $3 "
            "ORDER BY created_at DESC LIMIT $4",
            (guild_id, member_id, pattern, limit),
        )
        found |= {job.id: job for job in readable_jobs(rows)}
    return tuple(sorted(found.values(), key=cursor_of, reverse=True)[:limit])


def job_ids_named(text: str, *, limit: int) -> Transaction[tuple[str, ...]]:
    """Return the ids of the jobs in the books that a typed text may mean, `limit` at most; deleted jobs too."""
    found: set[str] = set()
    for pattern in id_patterns(text):
        rows: list[Row] = yield Many(
            # A share is found as the job that it pays for.
            "SELECT DISTINCT COALESCE(s.job_id, d.job_id) AS job_id FROM draws d LEFT JOIN shares s ON s.id = d.job_id "
            "WHERE d.position = 0 AND d.job_id LIKE $1 ORDER BY 1 LIMIT $2",
            (pattern, limit),
        )
        found |= {row["job_id"] for row in rows}
    return tuple(sorted(found)[:limit])


def jobs_of_member_everywhere(
    member_id: int, *, before: JobCursor | None = None, limit: int
) -> Transaction[tuple[Job, ...]]:
    """Return the member's latest jobs in every server, newest first; `before` is the place of the last one seen."""
    rows: list[Row] = yield Many(
        "SELECT body FROM jobs WHERE member_id = $1 AND (created_at, id) < ($2, $3) "
        "ORDER BY created_at DESC, id DESC LIMIT $4",
        (member_id, *(before or (_LATER_THAN_ALL, "")), limit),
    )
    return readable_jobs(rows)


def late_jobs(due_at: float, shards: Shards = EVERY_SHARD, *, limit: int) -> Transaction[tuple[Job, ...]]:
    """Return jobs whose video is late and to be tried again by this time (Unix seconds), the longest due first."""
    rows: list[Row] = yield Many(
        f"SELECT body FROM jobs WHERE late_at <= $1 AND told = 1 AND {shards.where()} ORDER BY late_at LIMIT $2",  # noqa: S608 - numbers
        (due_at, limit),
    )
    return readable_jobs(rows)


def expired_job_ids(before: float, shards: Shards = EVERY_SHARD, *, limit: int) -> Transaction[tuple[str, ...]]:
    """Return the ids of ended jobs with files on disk that were accepted before a time (Unix seconds), oldest first."""
    rows: list[Row] = yield Many(
        f"SELECT id FROM jobs WHERE told = 1 AND files_gone = 0 AND created_at < $1 AND {shards.where()} "  # noqa: S608 - numbers
        "ORDER BY created_at LIMIT $2",
        (before, limit),
    )
    return tuple(row["id"] for row in rows)


def beyond_retries(guild_id: int, bounds: FileBounds, *, limit: int) -> Transaction[tuple[Job, ...]]:
    """Return the server's jobs without a video whose files are more than is kept for another try, the newest kept."""
    values = (guild_id, bounds.of_member_bytes, bounds.in_server_bytes, limit)
    rows: list[Row] = yield Many(_BEYOND_RETRIES, values)
    return tuple(job for job in readable_jobs(rows) if job.result is None)


def waiting_jobs(guild_id: int, *, after: str = "", limit: int) -> Transaction[tuple[Job, ...]]:
    """Return the server's jobs that wait for approval, oldest first; of a set, which is decided on at once, one.

    `after` is the id of the last one seen, whatever became of it; "" is none.
    """
    seen: Row | None = (yield One("SELECT created_at FROM jobs WHERE id = $1", (after,))) if after else None
    rows: list[Row] = yield Many(
        "SELECT body FROM jobs WHERE guild_id = $1 AND told = 0 AND state = 'waiting' AND (created_at, id) > ($2, $3) "
        "AND (set_id IS NULL OR NOT EXISTS (SELECT 1 FROM jobs other WHERE other.set_id = jobs.set_id "
        "AND other.state = 'waiting' AND other.told = 0 AND other.id < jobs.id)) ORDER BY created_at, id LIMIT $4",
        (guild_id, -1.0 if seen is None else seen["created_at"], after, limit),
    )
    return readable_jobs(rows)


def waiting_with(job: Job) -> Transaction[tuple[Job, ...]]:
    """Return the jobs that wait for the same decision as this one: itself, or what waits of its set."""
    if job.variation is None:
        return (job,)
    return tuple(one for one in (yield from jobs_of_set(job.set_id)) if one.state == "waiting")


def waiting_count(guild_id: int) -> Transaction[int]:
    """Return how many decisions the server's waiting jobs need; a set needs one."""
    row = yield One(
        "SELECT COUNT(DISTINCT COALESCE(set_id, id)) AS orders FROM jobs "
        "WHERE guild_id = $1 AND told = 0 AND state = 'waiting'",
        (guild_id,),
    )
    return row["orders"]
