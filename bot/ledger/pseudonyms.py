"""Replaces a member's id by a pseudonym in one server's books; amounts, times and the server stay.

The server's rules about the member keep the id: otherwise members could lift a block by deleting their data.
"""

import hmac
from functools import lru_cache

from bot.ledger import scopes, tables
from bot.ledger.model import EVER_ENDS_AT, Limit, Source, Window
from bot.storage.transaction import Constant, Many, One, Row, Transaction

_OPEN = "INSERT INTO renaming (name, pseudonym) VALUES ($1, $2)"
_CLOSE = "DELETE FROM renaming WHERE name = $1"
_GUILDS = """
SELECT guild_id FROM draws WHERE member_id = $1 AND position = 0
UNION SELECT guild_id FROM grants WHERE member_id = $1 UNION SELECT guild_id FROM grants WHERE actor_id = $1
UNION SELECT guild_id FROM acts WHERE actor_id = $1 UNION SELECT guild_id FROM acts WHERE member_id = $1
UNION SELECT guild_id FROM rules WHERE actor_id = $1 UNION SELECT guild_id FROM entries WHERE declined_by = $1
ORDER BY guild_id"""
KEY = Constant("SELECT value FROM pseudonym_key")
_RENAME = """
UPDATE entries SET
id = CASE scope WHEN $2 THEN job_id || ':' || kind || ':' || CAST($3 AS TEXT) ELSE id END,
scope = CASE scope WHEN $2 THEN CAST($3 AS TEXT) ELSE scope END,
actor = CASE actor WHEN $4 THEN CAST($5 AS TEXT) ELSE actor END,
declined_by = CASE declined_by WHEN $6 THEN CAST($7 AS BIGINT) ELSE declined_by END
WHERE"""
# A member is named by the entries of jobs that they pay for, whose ids are made of these jobs' draws, and by those of
# jobs that they declined. A server's own entries are those of all members, and not to be read for each of them: "+"
# keeps an index by the server from being used.
_PAID = """(scope = $2 OR actor = $4 OR declined_by = $6) AND id IN (
SELECT every.job_id || ':' || kinds.kind || ':' || every.scope
FROM draws own JOIN draws every ON every.job_id = own.job_id
CROSS JOIN (SELECT 'hold' AS kind UNION ALL SELECT 'settle' UNION ALL SELECT 'release' UNION ALL SELECT 'expose') kinds
WHERE own.member_id = $6 AND own.position = 0 AND own.guild_id = $1)"""
_DECLINED = "declined_by = $6 AND +guild_id = $1"
_ACTS = """
UPDATE acts SET actor_id = CASE actor_id WHEN $2 THEN CAST($3 AS BIGINT) ELSE actor_id END,
reason = CASE member_id WHEN $2 THEN '' ELSE reason END,
subject = CASE member_id WHEN $2 THEN CAST($4 AS TEXT) ELSE subject END,
member_id = CASE member_id WHEN $2 THEN CAST($3 AS BIGINT) ELSE member_id END
WHERE guild_id = $1 AND (actor_id = $2 OR member_id = $2)"""
# A job's draw at position 0 has an index by member.
_DRAWS = """
UPDATE draws SET member_id = $3
WHERE guild_id = $1 AND job_id IN (SELECT job_id FROM draws WHERE member_id = $2 AND position = 0)"""
_FRUITLESS = "UPDATE fruitless SET member_id = $3 WHERE guild_id = $1 AND member_id = $2"
_GRANTS = """
UPDATE grants SET reason = CASE member_id WHEN $2 THEN '' ELSE reason END,
actor_id = CASE actor_id WHEN $2 THEN CAST($3 AS BIGINT) ELSE actor_id END,
member_id = CASE member_id WHEN $2 THEN CAST($3 AS BIGINT) ELSE member_id END
WHERE guild_id = $1 AND (member_id = $2 OR actor_id = $2)"""


def guilds_with(member_id: int) -> Transaction[tuple[int, ...]]:
    """Return the servers whose books contain the member's id, in locking order."""
    rows: list[Row] = yield Many(_GUILDS, (member_id,))
    return tuple(row["guild_id"] for row in rows)


@lru_cache(maxsize=4096)
def pseudonym(key: str, guild_id: int, member_id: int) -> int:
    """Return the negative id that stands for the member in this server's books after they deleted their data.

    It is always the same one, so that what they spent before still counts when they order again.
    """
    digest = hmac.digest(key.encode(), f"{guild_id}:{member_id}".encode(), "sha256")
    return -1 - (int.from_bytes(digest[:8]) >> 2)


def pseudonym_of(guild_id: int, member_id: int) -> Transaction[int]:
    """Return `pseudonym` with the database's key."""
    row = yield KEY
    return pseudonym(row["value"], guild_id, member_id)


def unname(guild_id: int, member_id: int) -> Transaction[int]:
    """Replace the member's id by their pseudonym, which is returned, in one server's books."""
    nobody_id = yield from pseudonym_of(guild_id, member_id)
    yield from tables.lock(guild_id)
    old, new = scopes.member(guild_id, member_id), scopes.member(guild_id, nobody_id)
    actor, nobody = f"member:{member_id}", f"member:{nobody_id}"
    yield One(_OPEN, (str(member_id), str(nobody_id)))
    names = (guild_id, old, new, actor, nobody, member_id, nobody_id)
    yield One(f"{_RENAME} {_PAID}", names)
    yield One(f"{_RENAME} {_DECLINED}", names)
    yield One("UPDATE corrections SET scope = $3 WHERE guild_id = $1 AND scope = $2", (guild_id, old, new))
    yield One(_ACTS, (guild_id, member_id, nobody_id, nobody))
    yield One(_CLOSE, (str(member_id),))
    yield One(_GRANTS, (guild_id, member_id, nobody_id))
    yield One("UPDATE draws SET scope = $3 WHERE guild_id = $1 AND scope = $2", (guild_id, old, new))
    yield One(_DRAWS, (guild_id, member_id, nobody_id))
    yield One(_FRUITLESS, (guild_id, member_id, nobody_id))
    yield One("UPDATE rules SET actor_id = $3 WHERE guild_id = $1 AND actor_id = $2", (guild_id, member_id, nobody_id))
    yield from _sum_anew(old, new)
    return nobody_id


def _sum_anew(old: str, new: str) -> Transaction[None]:
    """Remove both scopes' rows in `budgets`; `tables.standings` makes those that are needed again from the draws.

    The row for ever is made at once: by it a hold sees that a member has a past under their pseudonym.
    """
    yield One("DELETE FROM budgets WHERE scope = $1 OR scope = $2", (old, new))
    if (yield One("SELECT job_id FROM draws WHERE scope = $1 LIMIT 1", (new,))) is not None:
        ever = Limit(new, Window("ever", 0.0, EVER_ENDS_AT), 0, Source.of("shipped", "a row that always exists"))
        yield from tables.standings((ever,), at=0.0, keep=True)
