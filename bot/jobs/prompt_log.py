"""Accepted prompts that are to be posted to the channel that a server's admins chose for them.

A row is stored with the job, and deleted once its prompt is posted or cannot be.
"""

from dataclasses import dataclass

from bot.jobs.model import Job
from bot.jobs.rows import readable_job
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Many, One, Row, Transaction

_DUE = """
SELECT p.tries AS tries, p.job_id AS job_id, j.body AS body FROM (
SELECT tries, job_id, at, ROW_NUMBER() OVER (PARTITION BY guild_id ORDER BY at) AS turn FROM prompt_log
WHERE {mine}) p
LEFT JOIN jobs j ON j.id = p.job_id ORDER BY p.turn, p.at LIMIT $1"""


@dataclass(frozen=True, slots=True)
class LoggedPrompt:
    """A job whose prompt is to be posted; None if it was deleted meanwhile. `tries` counts those that failed."""

    job_id: str
    job: Job | None
    tries: int


def log_prompt(job: Job) -> Transaction[None]:
    """Keep that the job's prompt is to be posted; repeating it changes nothing."""
    yield One(
        "INSERT INTO prompt_log (job_id, guild_id, member_id, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        (job.id, job.guild_id, job.member_id, job.created_at),
    )


def prompts_to_log(shards: Shards = EVERY_SHARD, *, limit: int) -> Transaction[tuple[LoggedPrompt, ...]]:
    """Return what is to be posted: the oldest of each server, then the second of each, and so on."""
    rows: list[Row] = yield Many(_DUE.format(mine=shards.where()), (limit,))
    return tuple(
        LoggedPrompt(row["job_id"], None if row["body"] is None else readable_job(row), row["tries"]) for row in rows
    )


def end_prompt(job_id: str) -> Transaction[None]:
    """Delete the row: the prompt is posted, or cannot be."""
    yield One("DELETE FROM prompt_log WHERE job_id = $1", (job_id,))


def put_off_prompt(job_id: str) -> Transaction[None]:
    """Count a failed try."""
    yield One("UPDATE prompt_log SET tries = tries + 1 WHERE job_id = $1", (job_id,))


def forget_prompts_of(member_id: int) -> Transaction[None]:
    """Post none of the member's prompts any more."""
    yield One("DELETE FROM prompt_log WHERE member_id = $1", (member_id,))


def forget_prompts_in(guild_id: int) -> Transaction[None]:
    """Post none of a server's prompts any more."""
    yield One("DELETE FROM prompt_log WHERE guild_id = $1", (guild_id,))
