"""How much all servers spend, which says how long a balance will last."""

from bot.storage.transaction import One, Transaction

DAY_S = 86_400.0
DAYS = 7
_LONG_DAYS = 60


def spent_a_day(*, now: float) -> Transaction[int]:
    """Return the micro-dollars that all jobs of the last 7 days were settled at, for each day of them."""
    row = yield One(
        "SELECT CAST(COALESCE(SUM(settled_microusd), 0) AS BIGINT) AS total FROM draws "
        "WHERE position = 0 AND counted_at >= $1",
        (now - DAYS * DAY_S,),
    )
    return row["total"] // DAYS


def lasts(balance_microusd: int, a_day_microusd: int) -> str:
    """Return how long the balance lasts at this pace, "about 3 days"; "" when that says nothing."""
    if a_day_microusd <= 0 or balance_microusd <= 0:
        return ""
    days = balance_microusd / a_day_microusd
    if days < 1:
        return "less than a day"
    if days > _LONG_DAYS:
        return "months"
    return f"about {round(days)} day{'' if round(days) == 1 else 's'}"
