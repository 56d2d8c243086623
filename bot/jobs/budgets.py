"""The budgets that a job is held on, by the server's rules and the operator's settings, and what they have left."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.jobs.model import Job, Left, Remainder
from bot.ledger import holds
from bot.ledger.model import RuleQuery, Shipped, Side, Standing, View, Who
from bot.settings import MoneySettings
from bot.storage.transaction import Transaction


def shipped_limits(settings: MoneySettings) -> Shipped:
    """Return the operator's default limits and caps from the settings."""
    return Shipped(
        member_daily_microusd=settings.member_daily_microusd,
        server_monthly_microusd=settings.server_monthly_microusd,
        server_cap_microusd=settings.server_cap_microusd,
        total_cap_microusd=settings.total_cap_microusd,
        allowed_servers=settings.allowed_server_ids,
    )


def who_of(job: Job) -> Who:
    """Return the job's member, their roles, and the channel whose rules hold."""
    return Who(
        guild_id=job.guild_id,
        channel_id=job.rules_channel_id or job.address.channel_id,
        member_id=job.member_id,
        role_ids=job.role_ids,
    )


def rule_query_of(job: Job) -> RuleQuery:
    """Return the mode and resolution that the rules may forbid."""
    return RuleQuery(mode=job.mode, resolution=job.options.get("resolution"))


@dataclass(frozen=True, slots=True)
class Budgets:
    """Reads what budgets have left; `shipped` are the operator's limits."""

    shipped: Shipped

    def view(self, job: Job) -> Transaction[View]:
        """Read what the job's member has left, in the windows in which the job was accepted."""
        return holds.standing(who_of(job), at=job.created_at, shipped=self.shipped)

    @staticmethod
    def left(standings: Sequence[Standing]) -> Left:
        """Return what the card shows: the tightest limit of the member and the tightest of the server."""
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
