"""A hold and its settlement for nobody, over and over, to be rolled back: they warm a database connection.

PostgreSQL plans a statement anew in its first five runs on a connection and may keep a plan from then on
(https://www.postgresql.org/docs/current/sql-prepare.html), and a new connection knows no table yet. So the first holds
on it take several times as long as the later ones.
"""

from bot.ledger import endings, holds
from bot.ledger.model import RuleQuery, Shipped, Who
from bot.money import AMOUNT_MAX_MICROUSD
from bot.storage.transaction import Transaction

_RUNS = 6
_QUERY = RuleQuery(mode="")
_SHIPPED = Shipped(member_daily_microusd=AMOUNT_MAX_MICROUSD, server_monthly_microusd=AMOUNT_MAX_MICROUSD)


def hold_and_settle(number: int, *, at: float) -> Transaction[None]:
    """Run what every job runs. Nothing of it may be kept, and no two that run at once may have the same number."""
    who = Who(guild_id=-1 - number, channel_id=0, member_id=0)  # Discord's ids are positive
    for run in range(_RUNS):
        job_id = f"warming:{number}:{run}"
        yield from holds.hold(
            job_id=job_id, amount_microusd=1, who=who, query=_QUERY, at=at, shipped=_SHIPPED, reason="warming"
        )
        yield from endings.settle(job_id, 1, at=at, actor="wanda", reason="warming")
