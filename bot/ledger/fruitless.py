"""A member's attempts that ended without a video: what the server paid of them, and how long the member waits.

Callers that write hold the server's lock, so that the bound is kept by what ends at the same moment.
"""

from bot.ledger.model import Fruitless, MemberAbsorbed, Shipped, Who
from bot.ledger.pseudonyms import pseudonym_of
from bot.storage.transaction import Many, One, Row, Transaction

ABSORBED_WITHIN_S = 86400.0
COUNTED_WITHIN_S = 3600.0
WAIT_MAX_S = 3600.0
_DOUBLINGS_MAX = 30

_OF_MEMBER = """
SELECT CAST(COALESCE(SUM(absorbed_microusd), 0) AS BIGINT) AS absorbed,
COALESCE(SUM(CASE WHEN slows = 1 AND at > $4 THEN 1 ELSE 0 END), 0) AS counted,
MAX(CASE WHEN slows = 1 THEN at END) AS last_at
FROM fruitless WHERE guild_id = $1 AND member_id IN ($2, $5) AND at > $3"""
_OF_OTHER_JOBS = """
SELECT CAST(COALESCE(SUM(absorbed_microusd), 0) AS BIGINT) AS absorbed
FROM fruitless WHERE guild_id = $1 AND member_id IN ($2, $5) AND at > $3 AND job_id <> $4"""
_NOTE = """
INSERT INTO fruitless (job_id, guild_id, member_id, at, absorbed_microusd, slows) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (job_id) DO UPDATE SET absorbed_microusd = excluded.absorbed_microusd,
at = CASE WHEN excluded.absorbed_microusd > fruitless.absorbed_microusd THEN excluded.at ELSE fruitless.at END"""
_OF_SERVER = """
SELECT member_id, CAST(SUM(absorbed_microusd) AS BIGINT) AS absorbed, COUNT(*) AS jobs FROM fruitless
WHERE guild_id = $1 AND at >= $2 AND absorbed_microusd > 0
GROUP BY member_id ORDER BY 2 DESC, member_id LIMIT $3"""


def fruitless_of(who: Who, erased_id: int | None, *, at: float) -> Transaction[Fruitless]:
    """Return the member's latest attempts without a video in this server, also before a deletion of their data."""
    since = (at - ABSORBED_WITHIN_S, at - COUNTED_WITHIN_S)
    row = yield One(_OF_MEMBER, (who.guild_id, who.member_id, *since, erased_id))
    return Fruitless(absorbed_microusd=row["absorbed"], count=int(row["counted"]), last_at=row["last_at"])


def waits_until(attempts: Fruitless, shipped: Shipped, *, at: float) -> float | None:
    """Return when the member may order again; None for at once."""
    further = attempts.count - shipped.fruitless_max
    if further < 0 or attempts.last_at is None:
        return None
    until = attempts.last_at + min(WAIT_MAX_S, shipped.fruitless_wait_s * 2 ** min(further, _DOUBLINGS_MAX))
    return until if until > at else None


def absorbed_of_others(job: Row, *, at: float) -> Transaction[int]:
    """Return what the server pays, or may yet pay, for the other failed jobs of this job's member in 24 hours.

    `job` is a row of its draws.
    """
    guild_id, member_id = job["guild_id"], job["member_id"]
    nobody_id = yield from pseudonym_of(guild_id, member_id)
    row = yield One(_OF_OTHER_JOBS, (guild_id, member_id, at - ABSORBED_WITHIN_S, job["job_id"], nobody_id))
    return row["absorbed"]


def note(job: Row, *, absorbed_microusd: int, slows: bool, at: float) -> Transaction[None]:
    """Record the job's attempt, or what an attempt recorded before cost in the end; `job` is a row of its draws.

    If the server pays more than was recorded before, it counts for the 24 hours from now on.
    """
    who = (job["job_id"], job["guild_id"], job["member_id"])
    yield One(_NOTE, (*who, at, absorbed_microusd, int(slows)))


def absorbed_by_member(guild_id: int, *, since: float, limit: int) -> Transaction[tuple[MemberAbsorbed, ...]]:
    """Return for whom the server paid since a moment, the dearest member first."""
    rows: list[Row] = yield Many(_OF_SERVER, (guild_id, since, limit))
    return tuple(
        MemberAbsorbed(member_id=row["member_id"], absorbed_microusd=row["absorbed"], jobs=row["jobs"]) for row in rows
    )
