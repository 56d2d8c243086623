"""Checks the books: every budget's row is the sum of its draws and entries, and every hold ended at most once.

`python -m bot ledger` prints what `verify` finds, and every server's totals.
"""

from bot.ledger.model import Totals
from bot.storage.transaction import Many, Row, Transaction

_HELD = "CASE WHEN x.state IN ('held', 'exposed') THEN x.amount_microusd ELSE 0 END"


_ITS_OWN = "x.scope = replace(b.scope, 'cap:', 'server:') AND b.scope <> 'all'"
_EVERY_SERVERS = "x.position = 0 AND b.scope = 'all'"
# Joined through the draws, which have an index by time; "entry {what} belongs to no draw" finds the other entries.
_THEIR_ENTRIES = "LEFT JOIN entries e ON e.job_id = x.job_id AND e.scope = x.scope"
# What fal's bill corrected is added once for each draw, beside its hold.
_CORRECTED = """(SELECT CAST(COALESCE(SUM(c.spent_delta_microusd), 0) AS BIGINT) FROM corrections c
WHERE c.job_id = e.job_id AND c.scope = e.scope)"""
_SPENT_BY_ENTRIES = f"e.spent_delta_microusd + CASE WHEN e.kind = 'hold' THEN {_CORRECTED} ELSE 0 END"


def _row_check(what: str, column: str, value: str, entries: str = "") -> tuple[str, str]:
    """Return the check that `column` of a budget's row is the sum of `value` over the draws in the row's window."""
    total = f"CAST(COALESCE(SUM({value}), 0) AS BIGINT)"
    sums = (
        f"""
        SELECT b.scope || ' ' || b.starts_at || ' ' || b.ends_at AS what, b.{column} AS found, {total} AS expected
        FROM budgets b LEFT JOIN draws x ON {draws} AND x.counted_at >= b.starts_at AND x.counted_at < b.ends_at
        {entries} WHERE b.scope {whose} 'all' GROUP BY b.scope, b.starts_at, b.ends_at, b.{column}
        HAVING b.{column} <> {total}"""  # noqa: S608 - the arguments are constants of this module
        for draws, whose in ((_ITS_OWN, "<>"), (_EVERY_SERVERS, "="))
    )
    return f"what budget {{what}} {what}", " UNION ALL ".join(sums)


# Each query finds rows that must not exist: `what` names the row, `found` and `expected` are the two numbers.
_CHECKS: tuple[tuple[str, str], ...] = (
    _row_check("holds is not the sum of its entries", "held_microusd", "e.held_delta_microusd", _THEIR_ENTRIES),
    _row_check("spent is not the sum of its entries", "spent_microusd", _SPENT_BY_ENTRIES, _THEIR_ENTRIES),
    _row_check("holds is not the sum of its open draws", "held_microusd", _HELD),
    _row_check("spent is not the sum of its settled draws", "spent_microusd", "x.settled_microusd"),
    (
        "entry {what} belongs to no draw",
        """
        SELECT e.id AS what, e.held_delta_microusd AS found, e.spent_delta_microusd AS expected FROM entries e
        LEFT JOIN draws d ON d.job_id = e.job_id AND d.scope = e.scope AND d.counted_at = e.counted_at
        AND d.guild_id = e.guild_id WHERE d.job_id IS NULL""",
    ),
    (
        "draw {what} was not entered exactly once",
        """
        SELECT d.job_id || ' ' || d.scope AS what, d.amount_microusd AS expected,
        CAST(COALESCE(SUM(e.held_delta_microusd), 0) AS BIGINT) AS found
        FROM draws d LEFT JOIN entries e ON e.job_id = d.job_id AND e.scope = d.scope AND e.kind = 'hold'
        GROUP BY d.job_id, d.scope, d.amount_microusd
        HAVING COUNT(e.id) <> 1 OR COALESCE(SUM(e.held_delta_microusd), 0) <> d.amount_microusd""",
    ),
    (
        "draw {what} did not end as often as its state says",
        """
        SELECT d.job_id || ' ' || d.scope AS what, COUNT(e.id) AS found,
        CASE WHEN d.state IN ('settled', 'released') THEN 1 ELSE 0 END AS expected
        FROM draws d LEFT JOIN entries e
        ON e.job_id = d.job_id AND e.scope = d.scope AND e.kind IN ('settle', 'release')
        GROUP BY d.job_id, d.scope, d.state
        HAVING COUNT(e.id) <> CASE WHEN d.state IN ('settled', 'released') THEN 1 ELSE 0 END""",
    ),
    (
        "the ending of draw {what} is not what its entry says",
        f"""
        SELECT d.job_id || ' ' || d.scope AS what, e.spent_delta_microusd + {_CORRECTED} AS found,
        COALESCE(d.settled_microusd, 0) AS expected
        FROM draws d JOIN entries e
        ON e.job_id = d.job_id AND e.scope = d.scope AND e.kind IN ('settle', 'release')
        WHERE e.spent_delta_microusd + {_CORRECTED} <> COALESCE(d.settled_microusd, 0)
        OR e.held_delta_microusd <> -d.amount_microusd OR (e.kind = 'settle' AND d.state <> 'settled')
        OR (e.kind = 'release' AND d.state = 'settled'
        AND NOT EXISTS (SELECT 1 FROM corrections c WHERE c.job_id = d.job_id AND c.scope = d.scope))""",  # noqa: S608 - constants of this module
    ),
    (
        "correction {what} belongs to no ended draw",
        """
        SELECT c.job_id || ' ' || c.number || ' ' || c.scope AS what, c.spent_delta_microusd AS found, 0 AS expected
        FROM corrections c LEFT JOIN draws d ON d.job_id = c.job_id AND d.scope = c.scope AND d.state = 'settled'
        AND d.counted_at = c.counted_at AND d.guild_id = c.guild_id WHERE d.job_id IS NULL""",
    ),
    (
        "the server's draws of job {what} do not all have the same amount",
        """
        SELECT job_id AS what, MIN(amount_microusd) AS found, MAX(amount_microusd) AS expected FROM draws
        WHERE side = 'server' GROUP BY job_id HAVING MIN(amount_microusd) <> MAX(amount_microusd)
        OR COUNT(DISTINCT state) <> 1 OR COUNT(DISTINCT COALESCE(settled_microusd, -1)) <> 1""",
    ),
    (
        "what the member pays for job {what} is not what the server pays",
        """
        SELECT m.job_id AS what, CAST(SUM(m.amount_microusd) AS BIGINT) AS found, s.amount_microusd AS expected
        FROM draws m JOIN draws s ON s.job_id = m.job_id AND s.position = 0 WHERE m.side = 'member'
        GROUP BY m.job_id, s.amount_microusd
        HAVING SUM(m.amount_microusd) <> s.amount_microusd""",
    ),
    (
        "what the server absorbed of job {what} is not what it paid and the member did not",
        """
        SELECT s.job_id AS what, COALESCE(f.absorbed_microusd, 0) AS found,
        COALESCE(s.settled_microusd, 0) - CAST(COALESCE(SUM(m.settled_microusd), 0) AS BIGINT) AS expected
        FROM draws s JOIN draws m ON m.job_id = s.job_id AND m.side = 'member'
        LEFT JOIN fruitless f ON f.job_id = s.job_id
        WHERE s.position = 0 AND s.state <> 'exposed'
        GROUP BY s.job_id, s.settled_microusd, f.absorbed_microusd
        HAVING COALESCE(s.settled_microusd, 0) - COALESCE(SUM(m.settled_microusd), 0)
        <> COALESCE(f.absorbed_microusd, 0)""",
    ),
    (
        "what is reserved for job {what} is not held",
        """
        SELECT r.job_id AS what, CAST(COALESCE(SUM(d.amount_microusd), 0) AS BIGINT) AS found,
        r.amount_microusd AS expected FROM reservations r LEFT JOIN shares s ON s.job_id = r.job_id
        LEFT JOIN draws d ON d.job_id = COALESCE(s.id, r.job_id) AND d.position = 0 AND d.state = 'held'
        GROUP BY r.job_id, r.amount_microusd
        HAVING COUNT(d.job_id) = 0 OR SUM(d.amount_microusd) <> r.amount_microusd""",
    ),
    (
        "the shares of job {what} do not hold its price",
        """
        SELECT s.job_id AS what, CAST(SUM(COALESCE(d.amount_microusd, 0)) AS BIGINT) AS found,
        MAX(s.quote_microusd) AS expected
        FROM shares s LEFT JOIN draws d ON d.job_id = s.id AND d.position = 0 GROUP BY s.job_id
        HAVING SUM(COALESCE(d.amount_microusd, 0)) <> MAX(s.quote_microusd)
        OR MIN(s.quote_microusd) <> MAX(s.quote_microusd)""",
    ),
    (
        "the shares of job {what} did not all end together",
        """
        SELECT s.job_id AS what, COUNT(DISTINCT COALESCE(d.ended_at, 0)) AS found, 1 AS expected
        FROM shares s JOIN draws d ON d.job_id = s.id AND d.position = 0 GROUP BY s.job_id
        HAVING COUNT(DISTINCT CASE WHEN d.state IN ('held', 'exposed') THEN d.state ELSE 'ended' END) <> 1
        OR COUNT(DISTINCT COALESCE(d.ended_at, 0)) <> 1""",
    ),
    (
        "share {what} is reserved although its job was made",
        """
        SELECT r.job_id AS what, 1 AS found, 0 AS expected FROM reservations r JOIN shares s ON s.id = r.job_id
        WHERE r.purpose = 'share' OR EXISTS (SELECT 1 FROM jobs j WHERE j.id = s.job_id)""",
    ),
    (
        "more of grant {what} is held and spent than was given",
        """
        SELECT g.id AS what, CAST(SUM(COALESCE(d.settled_microusd, d.amount_microusd)) AS BIGINT) AS found,
        g.amount_microusd AS expected FROM grants g JOIN draws d ON d.scope = 'grant:' || g.id
        WHERE d.state <> 'released' GROUP BY g.id, g.amount_microusd
        HAVING SUM(COALESCE(d.settled_microusd, d.amount_microusd)) > g.amount_microusd""",
    ),
)

# What a member added to another one's job is money, but no job.
_TOTALS = """
SELECT guild_id, SUM(CASE WHEN EXISTS (SELECT 1 FROM shares s WHERE s.id = draws.job_id AND s.id <> s.job_id)
THEN 0 ELSE 1 END) AS jobs,
CAST(COALESCE(SUM(CASE WHEN state IN ('held', 'exposed') THEN amount_microusd END), 0) AS BIGINT) AS held,
CAST(COALESCE(SUM(CASE WHEN state = 'exposed' THEN amount_microusd END), 0) AS BIGINT) AS exposed,
CAST(COALESCE(SUM(settled_microusd), 0) AS BIGINT) AS spent
FROM draws WHERE position = 0 AND counted_at >= $1 GROUP BY guild_id ORDER BY guild_id"""


def verify() -> Transaction[list[str]]:
    """Return a sentence for each wrong row; an empty list means that the books are right."""
    wrong: list[str] = []
    for sentence, sql in _CHECKS:
        rows: list[Row] = yield Many(sql)
        wrong.extend(
            f"{sentence.format(what=row['what'])} (found {row['found']}, expected {row['expected']})." for row in rows
        )
    return wrong


def totals(*, since: float = 0.0) -> Transaction[tuple[Totals, ...]]:
    """Return each server's held, exposed and spent totals over the jobs accepted since `since` (Unix seconds)."""
    rows: list[Row] = yield Many(_TOTALS, (since,))
    return tuple(
        Totals(
            guild_id=row["guild_id"],
            jobs=row["jobs"],
            held_microusd=row["held"],
            exposed_microusd=row["exposed"],
            spent_microusd=row["spent"],
        )
        for row in rows
    )
