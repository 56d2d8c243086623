"""Whether the books are right: every sum of entries equals its row, and every hold ended at most once."""

from bot.storage.transaction import Many, Transaction

# Each query finds rows that must not exist: `what` names the row, `is` and `should` the two numbers.
_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "what budget {what} holds is not the sum of its entries",
        """
        SELECT b.scope || ' ' || b.period AS what, b.held_microusd AS found,
        CAST(COALESCE(SUM(e.held_delta_microusd), 0) AS BIGINT) AS expected
        FROM budgets b LEFT JOIN entries e ON e.scope = b.scope AND e.period = b.period
        GROUP BY b.scope, b.period, b.held_microusd
        HAVING b.held_microusd <> COALESCE(SUM(e.held_delta_microusd), 0)""",
    ),
    (
        "what budget {what} spent is not the sum of its entries",
        """
        SELECT b.scope || ' ' || b.period AS what, b.spent_microusd AS found,
        CAST(COALESCE(SUM(e.spent_delta_microusd), 0) AS BIGINT) AS expected
        FROM budgets b LEFT JOIN entries e ON e.scope = b.scope AND e.period = b.period
        GROUP BY b.scope, b.period, b.spent_microusd
        HAVING b.spent_microusd <> COALESCE(SUM(e.spent_delta_microusd), 0)""",
    ),
    (
        "what budget {what} holds is not the sum of its open holds",
        """
        SELECT b.scope || ' ' || b.period AS what, b.held_microusd AS found,
        CAST(COALESCE(SUM(h.amount_microusd), 0) AS BIGINT) AS expected
        FROM budgets b LEFT JOIN holds h
        ON h.scope = b.scope AND h.period = b.period AND h.state IN ('held', 'exposed')
        GROUP BY b.scope, b.period, b.held_microusd
        HAVING b.held_microusd <> COALESCE(SUM(h.amount_microusd), 0)""",
    ),
    (
        "budget {what} is negative",
        """
        SELECT scope || ' ' || period AS what, held_microusd AS found, spent_microusd AS expected
        FROM budgets WHERE held_microusd < 0 OR spent_microusd < 0 OR cap_microusd < 0""",
    ),
    (
        "entry {what} belongs to no hold or to no budget",
        """
        SELECT e.id AS what, e.held_delta_microusd AS found, e.spent_delta_microusd AS expected
        FROM entries e LEFT JOIN budgets b ON b.scope = e.scope AND b.period = e.period
        LEFT JOIN holds h ON h.job_id = e.job_id AND h.scope = e.scope AND h.period = e.period
        WHERE b.scope IS NULL OR h.job_id IS NULL""",
    ),
    (
        "hold {what} was not entered exactly once",
        """
        SELECT h.job_id || ' ' || h.scope AS what, h.amount_microusd AS expected,
        CAST(COALESCE(SUM(e.held_delta_microusd), 0) AS BIGINT) AS found
        FROM holds h LEFT JOIN entries e
        ON e.job_id = h.job_id AND e.scope = h.scope AND e.period = h.period AND e.kind = 'hold'
        GROUP BY h.job_id, h.scope, h.period, h.amount_microusd
        HAVING COUNT(e.id) <> 1 OR COALESCE(SUM(e.held_delta_microusd), 0) <> h.amount_microusd""",
    ),
    (
        "hold {what} did not end as often as its state says",
        """
        SELECT h.job_id || ' ' || h.scope AS what, COUNT(e.id) AS found,
        CASE WHEN h.state IN ('settled', 'released') THEN 1 ELSE 0 END AS expected
        FROM holds h LEFT JOIN entries e
        ON e.job_id = h.job_id AND e.scope = h.scope AND e.period = h.period AND e.kind IN ('settle', 'release')
        GROUP BY h.job_id, h.scope, h.period, h.state
        HAVING COUNT(e.id) <> CASE WHEN h.state IN ('settled', 'released') THEN 1 ELSE 0 END""",
    ),
    (
        "the ending of hold {what} is not what its entry says",
        """
        SELECT h.job_id || ' ' || h.scope AS what, e.spent_delta_microusd AS found,
        COALESCE(h.settled_microusd, 0) AS expected
        FROM holds h JOIN entries e
        ON e.job_id = h.job_id AND e.scope = h.scope AND e.period = h.period AND e.kind IN ('settle', 'release')
        WHERE e.spent_delta_microusd <> COALESCE(h.settled_microusd, 0) OR e.held_delta_microusd <> -h.amount_microusd
        OR (e.kind = 'settle') <> (h.state = 'settled')""",
    ),
)


def verify() -> Transaction[list[str]]:
    """Return a sentence for everything that is wrong with the books: none when they are right."""
    wrong: list[str] = []
    for sentence, sql in _CHECKS:
        rows = yield Many(sql)
        wrong.extend(
            f"{sentence.format(what=row['what'])} (found {row['found']}, expected {row['expected']})." for row in rows
        )
    return wrong
