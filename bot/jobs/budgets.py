"""Which budgets a job is held against, and what they have left, from the server's rules and the operator's settings."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.jobs.model import Job, Left, Remainder
from bot.ledger import holds
from bot.ledger.model import RuleQuery, Shipped, Side, Standing, View, Who
from bot.settings import MoneySettings
from bot.storage.transaction import Transaction


def shipped_limits(settings: MoneySettings) -> Shipped:
    """Return what the operator ships to every server, and caps."""
    return Shipped(
        member_daily_microusd=settings.member_daily_microusd,
        server_monthly_microusd=settings.server_monthly_microusd,
        server_cap_microusd=settings.server_cap_microusd,
        total_cap_microusd=settings.total_cap_microusd,
        allowed_servers=settings.allowed_server_ids,
    )


def who_of(job: Job) -> Who:
    """Return whose job it is, and where it was asked for."""
    return Who(
        guild_id=job.guild_id,
        channel_id=job.rules_channel_id or job.address.channel_id,
        member_id=job.member_id,
        role_ids=job.role_ids,
    )


def rule_query_of(job: Job) -> RuleQuery:
    """Return what the rules look at."""
    return RuleQuery(mode=job.mode, resolution=job.options.get("resolution"))


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budgets in force, as the server's rules and the operator say."""

    shipped: Shipped

    def view(self, job: Job) -> Transaction[View]:
        """Read where the job's member stands, in the windows in which the job was accepted."""
        return holds.standing(who_of(job), at=job.created_at, shipped=self.shipped)

    @staticmethod
    def left(standings: Sequence[Standing]) -> Left:
        """Return what the card shows of them: the tightest of the member's, and of the server's."""
        return Left(member=_tightest(standings, "member"), server=_tightest(standings, "server"))


def _tightest(standings: Sequence[Standing], side: Side) -> Remainder | None:
    of_side = (one for one in standings if one.limit.side == side)
    tightest = min(of_side, key=lambda one: one.left_microusd, default=None)
    if tightest is None:
        return None
    return Remainder(
        left_microusd=tightest.left_microusd,
        cap_microusd=tightest.limit.cap_microusd,
        window=tightest.limit.window.kind,
    )
