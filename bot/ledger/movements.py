"""Reads for a server's admins: pages of its entries, and the spending per hour."""

from dataclasses import dataclass, fields
from typing import TypeAlias

from bot.ledger import scopes
from bot.ledger.model import Entry
from bot.ledger.tables import moved_page
from bot.storage.transaction import Many, Row, Transaction

MovementCursor: TypeAlias = tuple[float, str, str]  # (at, job_id, kind)
_COLUMNS = tuple(field.name for field in fields(Entry))

# A job has entries in many scopes; only the server's are listed, so each movement appears once.
# The draw gives the member.
_LATEST = """
SELECT e.*, d.member_id FROM ({page}) AS e LEFT JOIN draws d ON d.job_id = e.job_id AND d.scope = e.scope
ORDER BY e.at DESC, e.job_id DESC, e.kind DESC"""
_ORDER = "at DESC, job_id DESC, kind DESC"
_HOUR_S = 3600
_BY_HOUR = """
SELECT CAST(counted_at AS BIGINT) / 3600 AS hour,
CAST(SUM(COALESCE(settled_microusd, amount_microusd)) AS BIGINT) AS amount FROM draws
WHERE scope = $1 AND counted_at >= $2 AND state <> 'released' GROUP BY 1 ORDER BY 1"""
_FIRST = _LATEST.format(page=moved_page("guild_id = $1 AND scope = $2", _ORDER, "$3"))
_OLDER = _LATEST.format(
    page=moved_page("guild_id = $1 AND scope = $2 AND (at, job_id, kind) < ($4, $5, $6)", _ORDER, "$3")
)


@dataclass(frozen=True, slots=True)
class Movement:
    """One entry of the server's pool, and the member whose job it was."""

    entry: Entry
    member_id: int

    @property
    def cursor(self) -> MovementCursor:
        """Its position in the list, short enough for a button's custom id; the entry's own id would not fit."""
        return (self.entry.at, self.entry.job_id, self.entry.kind)


def movements(guild_id: int, *, limit: int, before: MovementCursor | None = None) -> Transaction[tuple[Movement, ...]]:
    """Return a page of a server's movements, newest first; `before` is the cursor of the previous page's last."""
    known = (guild_id, scopes.server(guild_id), limit)
    rows: list[Row] = yield Many(_FIRST, known) if before is None else Many(_OLDER, (*known, *before))
    return tuple(_movement(row) for row in rows)


def _movement(row: Row) -> Movement:
    entry = {name: row[name] for name in _COLUMNS}
    return Movement(Entry(**entry), row["member_id"] or 0)


def spend_by_hour(scope: str, *, since: float) -> Transaction[tuple[tuple[float, int], ...]]:
    """Return (end of the hour, micro-dollars held or spent by its jobs) for each hour with jobs, oldest first."""
    rows: list[Row] = yield Many(_BY_HOUR, (scope, since))
    return tuple(((row["hour"] + 1) * _HOUR_S, row["amount"]) for row in rows)
