"""A member's entries, grants and rules in all servers, for their own export."""

from typing import Any

from bot.ledger.history import Cursor
from bot.ledger.model import Entry
from bot.ledger.tables import moved_page
from bot.storage.transaction import Many, Row, Transaction

# A job has a draw in each of many scopes; only the server's (position 0) is listed, so each job appears once.
_THEIRS = """EXISTS (
SELECT 1 FROM draws d WHERE d.job_id = e.job_id AND d.scope = e.scope AND d.member_id = $1 AND d.position = 0)"""
_ENTRIES = moved_page(f"{_THEIRS} AND (at, id) > ($2, $3)", "at, id", "$4")
_GRANTS = """
SELECT guild_id, amount_microusd, expires_at, reason, at FROM grants WHERE member_id = $1 ORDER BY at LIMIT $2"""
_RULES = """
SELECT guild_id, name, value, expires_at, reason, at FROM rules WHERE subject = $1
UNION ALL SELECT guild_id, 'ask_above', CAST(above_microusd AS TEXT), NULL, '', at FROM asks WHERE member_id = $2
ORDER BY guild_id, name LIMIT $3"""


def entries_of_member(member_id: int, *, after: Cursor | None = None, limit: int) -> Transaction[tuple[Entry, ...]]:
    """Return a page of the member's entries, oldest first; `after` is (at, id) of the previous page's last."""
    rows: list[Row] = yield Many(_ENTRIES, (member_id, *(after or (-1.0, "")), limit))
    return tuple(Entry(**row) for row in rows)


def grants_and_rules_of(member_id: int, *, limit: int) -> Transaction[dict[str, list[dict[str, Any]]]]:
    """Return the grants to the member, the rules about them and the prices that they set themselves.

    The ids of the admins who gave or set them are left out.
    """
    grants: list[Row] = yield Many(_GRANTS, (member_id, limit))
    rules: list[Row] = yield Many(_RULES, (f"member:{member_id}", member_id, limit))
    return {"grants": [dict(row) for row in grants], "rules": [dict(row) for row in rules]}
