"""The ledger's rules, pure: which budgets a job draws on, and the sentence when one of them is short."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import assert_never

from bot.errors import QuotaExceeded
from bot.ledger.model import Budget, Owner, Standing
from bot.money import dollars

_CHEAPER = "choose a lower resolution or a shorter video"
_DAY_S = 86400
_HOUR_S = 3600
_MINUTE_S = 60


def budgets_for(
    *, guild_id: int, member_id: int, now: float, member_daily_microusd: int, server_monthly_microusd: int
) -> tuple[Budget, ...]:
    """Return the budgets that a member's job in a server draws on at `now`, in the order they are taken.

    Days and months are those of UTC. Everyone takes budgets in this one order, so no two holds wait for each other.
    """
    today = datetime.fromtimestamp(now, tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    month = today.replace(day=1)
    next_month = (month + timedelta(days=31)).replace(day=1)
    member = Budget(
        scope=f"member:{guild_id}:{member_id}",
        window=f"day:{today:%Y-%m-%d}",
        cap_microusd=member_daily_microusd,
        owner="member",
        renews_at=(today + timedelta(days=1)).timestamp(),
    )
    server = Budget(
        scope=f"server:{guild_id}",
        window=f"month:{month:%Y-%m}",
        cap_microusd=server_monthly_microusd,
        owner="server",
        renews_at=next_month.timestamp(),
    )
    return in_order((server, member))


def in_order(budgets: Sequence[Budget]) -> tuple[Budget, ...]:
    """Return the budgets sorted by scope and window.

    Raises:
        ValueError: there is none, or one stands there twice.
    """
    if not budgets or len({(budget.scope, budget.window) for budget in budgets}) != len(budgets):
        raise ValueError("a hold needs at least one budget, and each only once")
    return tuple(sorted(budgets, key=lambda budget: (budget.scope, budget.window)))


def refusal(standing: Standing, amount_microusd: int, *, at: float) -> QuotaExceeded:
    """Return the refusal of `amount_microusd` by a budget that cannot carry it, with its sentence and its numbers."""
    budget = standing.budget
    short = standing.held_microusd + standing.spent_microusd + amount_microusd - budget.cap_microusd
    return QuotaExceeded(
        f"{_what_is_left(standing, amount_microusd, short)} {_what_to_do(budget, amount_microusd, at)}",
        scope=budget.scope,
        short_microusd=short,
        left_microusd=standing.left_microusd,
        cap_microusd=budget.cap_microusd,
        renews_at=budget.renews_at,
    )


def _what_is_left(standing: Standing, amount_microusd: int, short_microusd: int) -> str:
    left = standing.left_microusd
    budget = standing.budget
    return (
        f"This video costs {dollars(amount_microusd)}, but {f'only {dollars(left)}' if left else 'nothing'} of "
        f"{_whose(budget.owner)} {dollars(budget.cap_microusd)} for {_window_in_words(budget)} is left "
        f"(short by {dollars(short_microusd)})."
    )


def _what_to_do(budget: Budget, amount_microusd: int, at: float) -> str:
    if budget.cap_microusd == 0:
        return "Ask an administrator of this server for a budget."
    if amount_microusd > budget.cap_microusd:
        return f"Waiting will not help, it is more than the whole budget: {_CHEAPER}."
    renewal = datetime.fromtimestamp(budget.renews_at, tz=UTC)
    date = "" if _is_daily(budget) else f"on {renewal.day} {renewal:%B} "
    return f"It renews {date}at {renewal:%H:%M} UTC, in {_in_words(budget.renews_at - at)}; or {_CHEAPER}."


def _whose(owner: Owner) -> str:
    match owner:
        case "member":
            return "your"
        case "server":
            return "this server's"
        case _:
            assert_never(owner)


def _is_daily(budget: Budget) -> bool:
    return budget.window.startswith("day:")


def _window_in_words(budget: Budget) -> str:
    return "today" if _is_daily(budget) else "this month"


def _in_words(seconds: float) -> str:
    """Return a wait in its two largest units, rounded up to minutes: "10 d 5 h", "5 h 12 min", "1 min"."""
    minutes = max(1, -int(-seconds // _MINUTE_S))
    seconds_up = minutes * _MINUTE_S
    days, hours = seconds_up // _DAY_S, seconds_up % _DAY_S // _HOUR_S
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
