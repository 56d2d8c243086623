"""Reads of what was spent: by job, entry, day and member. Money is counted once per job, in its server's pool."""

from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

from bot.ledger import scopes
from bot.ledger.model import DaySpend, Entry, MemberSpend, Spent
from bot.ledger.tables import moved_page
from bot.ledger.windows import day_of
from bot.storage.transaction import Many, Row, Transaction

Cursor = tuple[float, str]

# `jobs` is joined for the mode and state only: a job whose row was deleted keeps its money here. A member's share of
# another one's job is money of that member, and no job of its own.
_SPENT = """
SELECT d.job_id, d.member_id, d.counted_at, d.ended_at, d.state, d.amount_microusd, d.settled_microusd,
(SELECT CAST(COALESCE(SUM(m.settled_microusd), 0) AS BIGINT) FROM draws m
WHERE m.job_id = d.job_id AND m.side = 'member') AS charged, j.mode, j.state AS job_state
FROM draws f JOIN draws d ON d.job_id = f.job_id AND d.position = 0 LEFT JOIN shares s ON s.id = d.job_id
LEFT JOIN jobs j ON j.id = COALESCE(s.job_id, d.job_id)
WHERE f.scope = $1 AND (f.counted_at, f.job_id) > ($2, $3) ORDER BY f.counted_at, f.job_id LIMIT $4"""
_BY_DAY = """
SELECT d.counted_at, d.settled_microusd, j.mode, CASE WHEN s.id <> s.job_id THEN 0 ELSE 1 END AS jobs
FROM draws d LEFT JOIN shares s ON s.id = d.job_id LEFT JOIN jobs j ON j.id = COALESCE(s.job_id, d.job_id)
WHERE d.scope = $1 AND d.counted_at >= $2 AND d.state = 'settled'"""
_TOP = """
SELECT member_id, CAST(SUM(settled_microusd) AS BIGINT) AS spent,
SUM(CASE WHEN EXISTS (SELECT 1 FROM shares s WHERE s.id = draws.job_id AND s.id <> s.job_id) THEN 0 ELSE 1 END) AS jobs
FROM draws
WHERE scope = $1 AND counted_at >= $2 AND state = 'settled'
GROUP BY member_id ORDER BY 2 DESC, member_id LIMIT $3"""
_ENTRIES = moved_page("guild_id = $1 AND (at, id) > ($2, $3)", "at, id", "$4")


def spent_page(guild_id: int, *, after: Cursor | None = None, limit: int) -> Transaction[tuple[Spent, ...]]:
    """Return a page of a server's jobs, oldest first; `after` is (counted_at, job_id) of the previous page's last."""
    rows: list[Row] = yield Many(_SPENT, (scopes.server(guild_id), *(after or (-1.0, "")), limit))
    return tuple(_spent(row) for row in rows)


def entries_page(guild_id: int, *, after: Cursor | None = None, limit: int) -> Transaction[tuple[Entry, ...]]:
    """Return a page of a server's entries, oldest first; `after` is (at, id) of the previous page's last."""
    rows: list[Row] = yield Many(_ENTRIES, (guild_id, *(after or (-1.0, "")), limit))
    return tuple(Entry(**row) for row in rows)


def spend_by_day(
    guild_id: int, *, since: float, tz: ZoneInfo, member_id: int | None = None
) -> Transaction[tuple[DaySpend, ...]]:
    """Return the spending since `since` by day and mode: of the whole server, or of one member's jobs.

    Days are in the server's timezone; a job counts on the day on which it was accepted.
    """
    sql, known = (_BY_DAY, (scopes.server(guild_id), since))
    rows: list[Row] = (
        yield Many(sql, known) if member_id is None else Many(f"{sql} AND d.member_id = $3", (*known, member_id))
    )
    spent: defaultdict[tuple[str, str], int] = defaultdict(int)
    jobs = Counter[tuple[str, str]]()
    for row in rows:
        key = (day_of(tz, row["counted_at"]).isoformat(), row["mode"] or "")
        spent[key] += row["settled_microusd"]
        jobs[key] += row["jobs"]
    return tuple(
        DaySpend(day=day, mode=mode, spent_microusd=spent[day, mode], jobs=jobs[day, mode])
        for day, mode in sorted(spent)
    )


def top_members(guild_id: int, *, since: float, limit: int) -> Transaction[tuple[MemberSpend, ...]]:
    """Return the members whose jobs since `since` cost the server most, highest first."""
    rows: list[Row] = yield Many(_TOP, (scopes.server(guild_id), since, limit))
    return tuple(MemberSpend(member_id=row["member_id"], spent_microusd=row["spent"], jobs=row["jobs"]) for row in rows)


def _spent(row: Row) -> Spent:
    return Spent(
        job_id=row["job_id"],
        member_id=row["member_id"],
        counted_at=row["counted_at"],
        ended_at=row["ended_at"],
        state=row["state"],
        quote_microusd=row["amount_microusd"],
        member_microusd=row["charged"],
        server_microusd=row["settled_microusd"] or 0,
        mode=row["mode"] or "",
        job_state=row["job_state"] or "",
    )
