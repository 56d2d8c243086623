"""Transactions that delete the data of a member or a server; amounts stay in the ledger, without member ids.

`forget_member` and `forget_guild` return the ids of the deleted jobs and films, whose files the caller removes; until
it notes that, `removals` has them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.chunks import chunks
from bot.errors import Busy
from bot.jobs.chip_in_endings import forget_chip_ins_in, forget_chip_ins_of
from bot.jobs.leaving import keep_guild
from bot.jobs.model import Job
from bot.jobs.notices import forget_notices_in, forget_notices_of
from bot.jobs.pick_rows import forget_picks_in, forget_picks_of
from bot.jobs.preferences import forget_preferences_in, forget_preferences_of
from bot.jobs.presets import forget_presets_in, forget_presets_of
from bot.jobs.prompt_log import forget_prompts_in, forget_prompts_of
from bot.jobs.removals import note_removals
from bot.jobs.rows import body_of, readable_job, readable_jobs
from bot.ledger import asks, money_requests, reservations, scopes, tables, timezones
from bot.ledger.pseudonyms import guilds_with, unname
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Lock, Many, One, Row, Transaction, parameters
from bot.units import counted

JOBS_AT_ONCE = 500  # of a server that are deleted in one transaction
_IDS_AT_ONCE = 100  # in one statement
DELETED_NAME = "a deleted file"
_NOTHING = "{}"
# By indexes that find few rows: a server's draws by its pool's scope, and what was declined ("+" keeps an index by the
# server, which finds all entries, from being used).
_NAMED = """
SELECT member_id AS id FROM draws WHERE scope = $3 AND member_id > 0 AND position = 0
UNION SELECT member_id FROM grants WHERE guild_id = $1 AND member_id > 0
UNION SELECT actor_id FROM grants WHERE guild_id = $1 AND actor_id > 0
UNION SELECT actor_id FROM acts WHERE guild_id = $1 AND actor_id > 0
UNION SELECT actor_id FROM rules WHERE guild_id = $1 AND actor_id > 0
UNION SELECT member_id FROM acts WHERE guild_id = $1 AND member_id > 0
UNION SELECT declined_by FROM entries WHERE +guild_id = $1 AND declined_by > 0 LIMIT $2"""
_OPEN_OF = """
SELECT (SELECT count(*) FROM jobs WHERE member_id = $1 AND told = 0)
+ (SELECT count(*) FROM reservations WHERE member_id = $1)
+ (SELECT count(*) FROM draws d JOIN shares s ON s.id = d.job_id AND s.id <> s.job_id JOIN jobs j ON j.id = s.job_id
WHERE d.member_id = $1 AND d.position = 0 AND j.told = 0)
+ (SELECT count(*) FROM draws d JOIN shares s ON s.id = d.job_id AND s.id <> s.job_id
JOIN reservations r ON r.job_id = s.job_id WHERE d.member_id = $1 AND d.position = 0) AS n"""
# Where the member has anything that goes with a server's data too.
_SERVERS_BESIDE = " UNION ".join(
    f"SELECT guild_id FROM {table} WHERE {column} = $1"  # noqa: S608 - names of ours
    for table, column in (
        *(
            (name, "member_id")
            for name in ("films", "film_drafts", "chip_ins", "picks", "votes", "notices", "prompt_log")
        ),
        *((name, "member_id") for name in ("preferences", "asks", "money_requests")),
        ("presets", "owner_id"),
    )
)
# Others' jobs too. A member's draws at position 0 have an index.
_PAID_FOR = """
SELECT DISTINCT s.job_id FROM draws d JOIN shares s ON s.id = d.job_id
WHERE d.member_id = $1 AND d.position = 0"""
# All rows of jobs that are deleted or changed, in one order: members of one film who are erased at once have the same.
_LOCK_JOBS = f"""
SELECT id FROM jobs WHERE id IN (SELECT id FROM jobs WHERE member_id = $1 AND told = 1
UNION SELECT id FROM jobs WHERE approved_by = $1 UNION {_PAID_FOR}) ORDER BY id FOR UPDATE"""  # noqa: S608 - a constant of this module
_WITH_DELETED_SOURCES = """
SELECT body FROM jobs WHERE id IN (SELECT b.job_id FROM borrowings b WHERE b.job_id > $1 {until}
AND NOT EXISTS (SELECT 1 FROM jobs source WHERE source.id = b.source_id)) AND {mine}"""
_BORROWER = "SELECT job_id FROM borrowings WHERE job_id > $1 ORDER BY job_id LIMIT 1 OFFSET $2"


def forget_member(member_id: int, *, at: float) -> Transaction[tuple[str, ...]]:
    """Delete the member's jobs in every server, and replace their id in the ledger by a pseudonym.

    What they used of an allowance still counts: `bot.ledger.pseudonyms.pseudonym` finds it again. Before that they get
    back what they added to videos that are not paid for yet, and so does everybody who added to theirs.

    Raises:
        Busy: a video that they pay for is still being made, or money is reserved for one.
    """
    shared: list[Row] = yield Many(f"{_PAID_FOR} ORDER BY s.job_id", (member_id,))
    yield Lock(_LOCK_JOBS, (member_id,))
    job_ids = yield from _delete_jobs("member_id = $1", member_id)
    yield from _forget_shares(member_id, [row["job_id"] for row in shared])
    guild_ids = yield from guilds_with(member_id)
    yield from _lock_servers(member_id, guild_ids)
    # After the servers' locks, as whoever changes one of these does.
    film_ids = yield from _delete_films("member_id = $1", member_id)
    yield from forget_picks_of(member_id, at=at)
    yield from forget_chip_ins_of(member_id, at=at)
    # After the deletion, which waits for a webhook that takes an uncertain job up again.
    running = yield One(_OPEN_OF, (member_id,))
    if running["n"]:
        videos = "a video" if running["n"] == 1 else counted(running["n"], "video")
        raise Busy(
            f"Wanda is still making {videos} for you, so nothing was deleted. Wait until that's done, or cancel "
            "it, and try again."
        )
    yield from _forget_decisions(member_id)
    yield from forget_notices_of(member_id)
    yield from forget_prompts_of(member_id)
    yield from forget_preferences_of(member_id)
    yield from forget_presets_of(member_id)
    yield from money_requests.forget_requests_of(member_id)
    yield from asks.forget_asks_of(member_id)  # rules that admins set for them belong to the server
    for guild_id in guild_ids:
        yield from unname(guild_id, member_id)
    return (*job_ids, *film_ids)


def _lock_servers(member_id: int, guild_ids: Collection[int]) -> Transaction[None]:
    """Lock these servers, and those in which the member has anything else that is deleted with a server's data.

    All of them in one order, before anything of that is changed: a server that is locked afterwards can be one whose
    data is being deleted, which waits for what was changed.
    """
    # Whoever holds it may lock every server, in any order, and so one where the member adds to a video meanwhile.
    yield from tables.lock_all()
    others: list[Row] = yield Many(_SERVERS_BESIDE, (member_id,))
    every = sorted({*guild_ids, *(row["guild_id"] for row in others)})
    for guild_id in every:
        yield from tables.lock(guild_id)


def names_in(guild_id: int, *, limit: int) -> Transaction[tuple[int, ...]]:
    """Return at most `limit` ids of members that a server's ledger still has."""
    rows: list[Row] = yield Many(_NAMED, (guild_id, limit, scopes.server(guild_id)))
    return tuple(row["id"] for row in rows)


@dataclass(frozen=True, slots=True)
class ForgottenGuild:
    """The deleted jobs of a server, how many unfinished ones are still there, and whether ended ones are, too."""

    job_ids: tuple[str, ...]
    still_open: int
    goes_on: bool


def forget_guild(guild_id: int, *, at: float) -> Transaction[ForgottenGuild]:
    """Delete all of the server but its books and unfinished jobs, and its deletion mark once no job is left.

    Call it after `unname` for every member of `names_in`, and again while it `goes_on`: of the jobs it deletes
    `JOBS_AT_ONCE`, so that no transaction keeps the database for long.
    """
    job_ids = yield from _delete_some_jobs(guild_id)
    yield from tables.lock(guild_id)
    film_ids = yield from _delete_films("guild_id = $1", guild_id)
    yield from reservations.release_in(guild_id, at=at)
    yield from forget_chip_ins_in(guild_id)
    yield from timezones.leave(guild_id, at=at)
    yield One("DELETE FROM rules WHERE guild_id = $1", (guild_id,))
    yield from asks.forget_asks_in(guild_id)
    yield from money_requests.forget_requests_in(guild_id)
    yield from forget_notices_in(guild_id)
    yield from forget_prompts_in(guild_id)
    yield from forget_preferences_in(guild_id)
    yield from forget_presets_in(guild_id)
    yield from forget_picks_in(guild_id)
    yield One("DELETE FROM warnings WHERE guild_id = $1", (guild_id,))
    still = yield One("SELECT count(*) AS n FROM jobs WHERE guild_id = $1", (guild_id,))
    if not still["n"]:
        yield from keep_guild(guild_id)
    return ForgottenGuild((*job_ids, *film_ids), still["n"], goes_on=len(job_ids) == JOBS_AT_ONCE)


def note_files_removed(job_id: str, *, at: float) -> Transaction[None]:
    """Note on the job that its files were removed from disk; does nothing if the job was deleted."""
    row = yield One("UPDATE jobs SET version = version + 1 WHERE id = $1 RETURNING body", (job_id,))
    if row is not None:
        job = readable_job(row)
        body = row["body"] if job is None else body_of(replace(job, files_gone_at=at))
        yield One("UPDATE jobs SET files_gone = 1, body = $2 WHERE id = $1", (job_id, body))


def jobs_with_deleted_sources(
    shards: Shards = EVERY_SHARD, *, after: str = "", among: int
) -> Transaction[tuple[tuple[Job, ...], str | None]]:
    """Return ended and unfinished jobs with copies of files whose member had their data deleted.

    They are looked for among so many reruns, because a year has many more of these. Also returns the id after which the
    next ones are; None if there are no more.
    """
    last: Row | None = yield One(_BORROWER, (after, among - 1))
    page = (after,) if last is None else (after, last["job_id"])
    until = "" if last is None else "AND b.job_id <= $2"
    rows: list[Row] = yield Many(_WITH_DELETED_SOURCES.format(until=until, mine=shards.where()), page)
    return readable_jobs(rows), None if last is None else last["job_id"]


def note_copies_removed(job_id: str) -> Transaction[None]:
    """Note on the job, once it has ended, that its borrowed inputs are gone, and forget what they were called.

    An unfinished job is noted by a later call: until then it still writes its inputs itself.
    """
    row = yield One("UPDATE jobs SET version = version + 1 WHERE id = $1 AND told = 1 RETURNING body", (job_id,))
    job = None if row is None else readable_job(row)
    if job is None:
        return
    inputs = tuple(
        replace(item, file_name=DELETED_NAME, url=None, changes=()) if item.is_borrowed else item for item in job.inputs
    )
    yield One("UPDATE jobs SET body = $2 WHERE id = $1", (job_id, body_of(replace(job, inputs=inputs))))
    yield One("DELETE FROM borrowings WHERE job_id = $1", (job_id,))


def _delete_some_jobs(guild_id: int) -> Transaction[tuple[str, ...]]:
    """Delete `JOBS_AT_ONCE` ended jobs of the server, locked in the order in which a member's erasure locks them."""
    rows: list[Row] = yield Many(
        f"SELECT id FROM jobs WHERE guild_id = $1 AND told = 1 LIMIT {JOBS_AT_ONCE}",  # noqa: S608 - a number
        (guild_id,),
    )
    if not rows:
        return ()
    job_ids = tuple(row["id"] for row in rows)
    yield Lock(f"SELECT id FROM jobs WHERE id IN ({parameters(job_ids)}) ORDER BY id FOR UPDATE", job_ids)  # noqa: S608 - only the numbers of parameters are put in
    return (yield from _delete_jobs(f"id IN ({parameters(job_ids)})", *job_ids))


def _delete_jobs(whose: str, *identity: int | str) -> Transaction[tuple[str, ...]]:
    rows: list[Row] = yield Many(f"DELETE FROM jobs WHERE {whose} AND told = 1 RETURNING id", identity)  # noqa: S608 - the condition is this module's own
    job_ids = tuple(row["id"] for row in rows)
    for some in chunks(job_ids, _IDS_AT_ONCE):
        yield One(f"DELETE FROM borrowings WHERE job_id IN ({parameters(some)})", some)  # noqa: S608 - only the numbers of parameters are put in
    yield from note_removals(job_ids)
    return job_ids


def _delete_films(whose: str, identity: int) -> Transaction[tuple[str, ...]]:
    """Delete films and drafts of films; their shots are jobs, and their files are named as those of jobs."""
    deleted: list[str] = []
    for table in ("films", "film_drafts"):
        rows: list[Row] = yield Many(f"DELETE FROM {table} WHERE {whose} RETURNING id", (identity,))  # noqa: S608 - the names and the condition are this module's own
        deleted += [row["id"] for row in rows]
    yield from note_removals(deleted)
    return tuple(deleted)


def _forget_decisions(member_id: int) -> Transaction[None]:
    """Remove the member's id from other members' jobs that they approved."""
    # Locked before it is read, so that no step of a running job is undone.
    rows: list[Row] = yield Many(
        "UPDATE jobs SET version = version + 1 WHERE approved_by = $1 RETURNING id, body", (member_id,)
    )
    for row in rows:
        job = readable_job(row)
        # An id cannot be taken out of a document that cannot be read, so the document goes.
        body = _NOTHING if job is None else body_of(replace(job, approved_by=None))
        yield One("UPDATE jobs SET approved_by = NULL, body = $2 WHERE id = $1", (row["id"], body))


def _forget_shares(member_id: int, job_ids: Sequence[str]) -> Transaction[None]:
    """Remove the member's id from these jobs, other members' ones that they paid a share of.

    A job that has begun since they were read is still being made.
    """
    for job_id in job_ids:
        row = yield One("UPDATE jobs SET version = version + 1 WHERE id = $1 RETURNING body", (job_id,))
        if row is not None:  # else it is deleted, or a film's as a whole
            job = readable_job(row)
            body = _NOTHING if job is None else body_of(_without_name(job, member_id))
            yield One("UPDATE jobs SET body = $2 WHERE id = $1", (job_id, body))


def _without_name(job: Job, member_id: int) -> Job:
    shares = tuple(replace(one, member_id=0) if one.member_id == member_id else one for one in job.shares)
    return replace(job, shares=shares)
