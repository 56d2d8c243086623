"""What the ledger speaks of, as plain frozen data. Amounts are integer micro-dollars, times Unix seconds."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Owner: TypeAlias = Literal["member", "server"]
How: TypeAlias = Literal["settled", "released", "exposed"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What a scope may spend in a window: `member:<guild>:<member>` in `day:2026-11-20`, for example.

    `renews_at` is when the next window begins.
    """

    scope: str
    window: str
    cap_microusd: int
    owner: Owner
    renews_at: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of a budget is held by running jobs, and how much is spent."""

    budget: Budget
    held_microusd: int
    spent_microusd: int

    @property
    def left_microusd(self) -> int:
        """What can still be held: never below zero, also when a lowered cap or a settlement above it says so."""
        return max(0, self.budget.cap_microusd - self.held_microusd - self.spent_microusd)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job's hold ended, or that only the server's part is still open (`exposed`).

    `member_microusd` is what the member was charged, `server_microusd` what the server's budget spent; both are 0
    unless settled. `repeated` says that the hold had already ended this way before the call, which changed nothing.
    """

    job_id: str
    how: How
    member_microusd: int
    server_microusd: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """The servers' budgets of one window together: every dollar once."""

    held_microusd: int
    exposed_microusd: int
    spent_microusd: int
