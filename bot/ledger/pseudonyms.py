"""Replaces a member's id by a pseudonym in one server's books; amounts, times and the server stay.

The server's rules about the member keep the id: otherwise members could lift a block by deleting their data.
"""

from bot.ledger import tables
from bot.storage.transaction import Many, One, Row, Transaction

_OPEN = "INSERT INTO renaming (name, pseudonym) VALUES ($1, $2)"
_CLOSE = "DELETE FROM renaming WHERE name = $1"
_GUILDS = """
SELECT guild_id FROM draws WHERE member_id = $1 AND position = 0
UNION SELECT guild_id FROM grants WHERE member_id = $1 UNION SELECT guild_id FROM grants WHERE actor_id = $1
UNION SELECT guild_id FROM acts WHERE actor_id = $1 UNION SELECT guild_id FROM acts WHERE member_id = $1
UNION SELECT guild_id FROM rules WHERE actor_id = $1 UNION SELECT guild_id FROM entries WHERE declined_by = $1
ORDER BY guild_id"""
_USED_UNTIL = """
SELECT MAX(ends_at) AS until_at FROM budgets
WHERE scope = $1 AND starts_at <= $2 AND ends_at > $2 AND held_microusd + spent_microusd > 0"""
_ENTRIES = """
UPDATE entries SET
id = CASE scope WHEN $2 THEN job_id || ':' || kind || ':' || CAST($3 AS TEXT) ELSE id END,
scope = CASE scope WHEN $2 THEN CAST($3 AS TEXT) ELSE scope END,
actor = CASE actor WHEN $4 THEN CAST($5 AS TEXT) ELSE actor END,
declined_by = CASE declined_by WHEN $6 THEN CAST($7 AS BIGINT) ELSE declined_by END
WHERE guild_id = $1 AND (scope = $2 OR actor = $4 OR declined_by = $6)"""
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
_GRANTS = """
UPDATE grants SET reason = CASE member_id WHEN $2 THEN '' ELSE reason END,
actor_id = CASE actor_id WHEN $2 THEN CAST($3 AS BIGINT) ELSE actor_id END,
member_id = CASE member_id WHEN $2 THEN CAST($3 AS BIGINT) ELSE member_id END
WHERE guild_id = $1 AND (member_id = $2 OR actor_id = $2)"""


def guilds_with(member_id: int) -> Transaction[tuple[int, ...]]:
    """Return the servers whose books contain the member's id, in locking order."""
    rows: list[Row] = yield Many(_GUILDS, (member_id,))
    return tuple(row["guild_id"] for row in rows)


def unname(guild_id: int, member_id: int, *, pseudonym: int, at: float) -> Transaction[float | None]:
    """Replace the member's id by the pseudonym, which must be unused, in one server's books.

    Returns the end (Unix seconds) of the longest running window in which the member used their allowance, or None.
    """
    yield from tables.lock(guild_id)
    old, new = f"member:{guild_id}:{member_id}", f"member:{guild_id}:{pseudonym}"
    actor, nobody = f"member:{member_id}", f"member:{pseudonym}"
    used = yield One(_USED_UNTIL, (old, at))
    yield One(_OPEN, (str(member_id), str(pseudonym)))
    yield One(_ENTRIES, (guild_id, old, new, actor, nobody, member_id, pseudonym))
    yield One(_ACTS, (guild_id, member_id, pseudonym, nobody))
    yield One(_CLOSE, (str(member_id),))
    yield One(_GRANTS, (guild_id, member_id, pseudonym))
    yield One("UPDATE draws SET scope = $3 WHERE guild_id = $1 AND scope = $2", (guild_id, old, new))
    yield One(_DRAWS, (guild_id, member_id, pseudonym))
    yield One("UPDATE budgets SET scope = $2 WHERE scope = $1", (old, new))
    yield One("UPDATE rules SET actor_id = $3 WHERE guild_id = $1 AND actor_id = $2", (guild_id, member_id, pseudonym))
    return used["until_at"]
