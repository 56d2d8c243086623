"""Reads what a rehearsal replays: a server's latest accepted jobs, what was drawn before them, and grants."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.chunks import chunks
from bot.ledger import scopes
from bot.ledger.grants import in_order_of_use
from bot.ledger.model import Grant, RuleQuery, Who, Window
from bot.storage.transaction import Many, Row, Transaction, parameters

ROWS_EACH = 10  # read draws for each job that may be replayed; most jobs have three, and one more for each role
NAMES_MAX = 64  # scopes or members in one statement
Opening: TypeAlias = Mapping[tuple[str, float], int]  # micro-dollars by scope and the beginning of a window

# `similar_to` is "mode:resolution:seconds"; a job whose row was deleted keeps its draws. What was added to a film as a
# whole is left out: its parts, one of each shot, are there for the same moment (`bot.ledger.splits`).
_DRAWS = """
SELECT d.job_id, d.scope, d.side, d.state, d.amount_microusd, d.settled_microusd, d.counted_at, d.ended_at,
d.position, d.member_id, j.mode, j.similar_to, s.id AS share_id
FROM (SELECT job_id, counted_at FROM draws WHERE scope = $1 AND counted_at >= $2
AND NOT EXISTS (SELECT 1 FROM shares w WHERE w.id = draws.job_id
AND NOT EXISTS (SELECT 1 FROM draws m WHERE m.job_id = w.job_id))
ORDER BY counted_at DESC, job_id DESC LIMIT $3) f
JOIN draws d ON d.job_id = f.job_id LEFT JOIN jobs j ON j.id = f.job_id LEFT JOIN shares s ON s.id = f.job_id
ORDER BY f.counted_at DESC, f.job_id DESC, d.position LIMIT $4"""
_BEFORE = """
SELECT scope, CAST(SUM(CASE WHEN state IN ('held', 'exposed') THEN amount_microusd
ELSE COALESCE(settled_microusd, 0) END) AS BIGINT) AS used FROM draws
WHERE counted_at >= $1 AND counted_at < $2 AND scope IN ({names}) GROUP BY scope"""
_GRANTS = """
SELECT id, guild_id, member_id, amount_microusd, expires_at, reason, actor_id, at FROM grants
WHERE guild_id = $1 AND member_id IN ({names})"""
_KEPT = "SELECT kind, starts_at, ends_at FROM kept_windows WHERE guild_id = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastJob:
    """A job that was accepted `at` this price, and how its hold ended: for the server and for the member.

    An end of None is a hold that has not ended; what was spent counts from the end on. `is_exposed` says that the
    member's part is held for a job of unknown outcome. `query` has no mode if the job's row was deleted.
    """

    job_id: str
    who: Who
    at: float
    query: RuleQuery
    amount_microusd: int
    server_ended_at: float | None
    server_spent_microusd: int
    member_ended_at: float | None
    member_spent_microusd: int
    is_exposed: bool = False

    @property
    def cost_microusd(self) -> int:
        """What it cost the server, or holds."""
        return self.amount_microusd if self.server_ended_at is None else self.server_spent_microusd


def past_jobs(guild_id: int, *, since: float, limit: int) -> Transaction[tuple[PastJob, ...]]:
    """Return the jobs accepted since a moment, oldest first: the latest `limit`, and fewer if they have many draws."""
    most = limit * ROWS_EACH
    rows: list[Row] = yield Many(_DRAWS, (scopes.server(guild_id), since, limit, most))
    by_job: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_job[row["job_id"]].append(row)
    if len(rows) == most:
        by_job.popitem()  # some of its draws were not read
    return tuple(_past_job(guild_id, draws) for draws in reversed(by_job.values()))


def _past_job(guild_id: int, draws: list[Row]) -> PastJob:
    server, own = draws[0], [row for row in draws if row["side"] == "member"]
    ids: dict[str, list[int]] = defaultdict(list)
    for row in draws:
        whose, _, identity = row["scope"].partition(":")
        if whose in {"role", "channel"}:
            ids[whose].append(int(identity.rpartition(":")[2]))
    _, _, rest = (server["similar_to"] or "").partition(":")
    resolution = rest.partition(":")[0]
    is_open = any(row["ended_at"] is None for row in own)
    return PastJob(
        job_id=server["job_id"],
        who=Who(
            guild_id=guild_id,
            channel_id=next(iter(ids["channel"]), 0),
            member_id=server["member_id"],
            role_ids=tuple(ids["role"]),
        ),
        at=server["counted_at"],
        query=RuleQuery(
            mode=server["mode"] or "",
            resolution=None if resolution in {"", "None"} else resolution,
            is_share=server["share_id"] is not None,
        ),
        amount_microusd=server["amount_microusd"],
        server_ended_at=server["ended_at"],
        server_spent_microusd=server["settled_microusd"] or 0,
        member_ended_at=None if is_open else max(row["ended_at"] for row in own),
        member_spent_microusd=sum(row["settled_microusd"] or 0 for row in own),
        is_exposed=any(row["state"] == "exposed" for row in own),
    )


def opening_of(windows: Collection[tuple[str, float]], *, before: float) -> Transaction[Opening]:
    """Return what was drawn on each scope from the beginning of a window to the first replayed job.

    Of jobs that were under way at that moment, what they cost in the end counts.
    """
    by_start: dict[float, list[str]] = defaultdict(list)
    for scope, starts_at in sorted(windows):
        by_start[starts_at].append(scope)
    found: dict[tuple[str, float], int] = {}
    for starts_at, names in by_start.items():
        for some in chunks(names, NAMES_MAX):
            for row in (yield Many(_BEFORE.format(names=parameters(some, first=3)), (starts_at, before, *some))):
                found[row["scope"], starts_at] = row["used"]
    return found


def grants_to(guild_id: int, member_ids: Collection[int]) -> Transaction[Mapping[int, tuple[Grant, ...]]]:
    """Return every grant to these members, each member's in the order in which they are used."""
    found: dict[int, list[Grant]] = defaultdict(list)
    for some in chunks(sorted(member_ids), NAMES_MAX):
        rows: list[Row] = yield Many(_GRANTS.format(names=parameters(some, first=2)), (guild_id, *some))
        for row in rows:
            grant: dict[str, Any] = dict(row)
            found[row["member_id"]].append(Grant(**grant))
    return {member_id: tuple(sorted(of, key=in_order_of_use)) for member_id, of in found.items()}


def kept_windows(guild_id: int) -> Transaction[tuple[Window, ...]]:
    """Return the windows that began in the server's timezone of before."""
    rows: list[Row] = yield Many(_KEPT, (guild_id,))
    return tuple(Window(row["kind"], row["starts_at"], row["ends_at"]) for row in rows)
