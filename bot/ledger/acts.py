"""Administrative acts: who changed what, when and why, numbered within their server and never altered."""

import json
from typing import Any

from bot.ledger import scopes
from bot.ledger.model import Act
from bot.storage.transaction import Many, One, Row, Transaction

# MAX(id) + 1 is safe: the caller holds the server's lock.
_RECORD = """
INSERT INTO acts (guild_id, id, at, actor_id, act, subject, before, after, reason, member_id)
SELECT CAST($1 AS BIGINT), COALESCE(MAX(id), 0) + 1, CAST($2 AS DOUBLE PRECISION), CAST($3 AS BIGINT),
CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS TEXT), CAST($8 AS TEXT), CAST($9 AS BIGINT)
FROM acts WHERE guild_id = $1"""
# Members' own prices were acts once, and no page of the admins' acts is theirs.
_ADMINS = "SELECT * FROM acts WHERE guild_id = $1 AND act NOT IN ('set ask_above', 'clear ask_above')"
_LATEST = f"{_ADMINS} ORDER BY id DESC LIMIT $2"
_BEFORE = f"{_ADMINS} AND id < $3 ORDER BY id DESC LIMIT $2"


def record(
    guild_id: int, *, act: str, subject: str, before: Any, after: Any, actor_id: int, reason: str, at: float
) -> Transaction[None]:
    """Write one act; the caller holds the server's lock."""
    values = (json.dumps(before), json.dumps(after), reason, scopes.member_id_in(subject))
    yield One(_RECORD, (guild_id, at, actor_id, act, subject, *values))


def acts_of(guild_id: int, *, limit: int, before: int | None = None) -> Transaction[tuple[Act, ...]]:
    """Return a page of a server's acts, newest first; `before` is the number of the last act on the previous page."""
    known = (guild_id, limit)
    rows: list[Row] = yield Many(_LATEST, known) if before is None else Many(_BEFORE, (*known, before))
    return tuple(
        Act(
            id=row["id"],
            guild_id=row["guild_id"],
            at=row["at"],
            actor_id=row["actor_id"],
            act=row["act"],
            subject=row["subject"],
            before=json.loads(row["before"]),
            after=json.loads(row["after"]),
            reason=row["reason"],
        )
        for row in rows
    )
