"""Which budgets a job is held against, and what they have left, from the operator's settings."""

from dataclasses import dataclass

from bot.jobs.model import Job, Left
from bot.ledger import transactions as ledger
from bot.ledger.model import Budget, Standing
from bot.ledger.rules import budgets_for
from bot.storage.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """The caps in force, in micro-dollars."""

    member_daily_microusd: int
    server_monthly_microusd: int

    def of(self, job: Job) -> tuple[Budget, ...]:
        """Return every budget the job is held against, by the time at which it was accepted."""
        return budgets_for(
            guild_id=job.guild_id,
            member_id=job.member_id,
            now=job.created_at,
            member_daily_microusd=self.member_daily_microusd,
            server_monthly_microusd=self.server_monthly_microusd,
        )

    def standing(self, job: Job) -> Transaction[tuple[Standing, ...]]:
        """Read where the job's budgets stand now."""
        return ledger.standing(self.of(job))

    @staticmethod
    def left(standings: tuple[Standing, ...]) -> Left:
        """Return what the card shows of them."""
        by_owner = {standing.budget.owner: standing for standing in standings}
        member, server = by_owner["member"], by_owner["server"]
        return Left(
            member_left_microusd=member.left_microusd,
            member_cap_microusd=member.budget.cap_microusd,
            server_left_microusd=server.left_microusd,
            server_cap_microusd=server.budget.cap_microusd,
        )
