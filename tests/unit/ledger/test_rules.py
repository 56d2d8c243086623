from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.ledger.model import Budget, Standing
from bot.ledger.rules import budgets_for, in_order, refusal

AT = datetime(2026, 11, 20, 18, 48, tzinfo=UTC).timestamp()


def _budgets(now: float, *, daily: int = 5_000_000, monthly: int = 50_000_000) -> tuple[Budget, ...]:
    return budgets_for(guild_id=7, member_id=42, now=now, member_daily_microusd=daily, server_monthly_microusd=monthly)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_a_job_draws_on_its_members_day_and_its_servers_month() -> None:
    """The member's day and the server's month, in UTC, each with its cap and the moment it renews."""
    assert _budgets(AT) == (
        Budget("member:7:42", "day:2026-11-20", 5_000_000, "member", _moment("2026-11-21")),
        Budget("server:7", "month:2026-11", 50_000_000, "server", _moment("2026-12-01")),
    )


@pytest.mark.parametrize(
    ("now", "windows", "renewals"),
    [
        ("2026-12-31T23:59:59.999", ("day:2026-12-31", "month:2026-12"), ("2027-01-01", "2027-01-01")),
        ("2027-01-01T00:00:00", ("day:2027-01-01", "month:2027-01"), ("2027-01-02", "2027-02-01")),
        ("2028-02-29T12:00:00", ("day:2028-02-29", "month:2028-02"), ("2028-03-01", "2028-03-01")),
        ("2026-10-31T00:00:00", ("day:2026-10-31", "month:2026-10"), ("2026-11-01", "2026-11-01")),
    ],
)
def test_windows_begin_and_end_at_midnight_utc(now: str, windows: tuple[str, str], renewals: tuple[str, str]) -> None:
    """The last moment of a window is still in it, and the next window begins with the next moment."""
    member, server = _budgets(_moment(now))
    assert (member.window, server.window) == windows
    assert (member.renews_at, server.renews_at) == tuple(_moment(renewal) for renewal in renewals)


def test_budgets_are_taken_in_one_order_whoever_asks() -> None:
    """Any order given becomes the same one, so two holds never wait for each other."""
    member, server = _budgets(AT)
    assert in_order((server, member)) == in_order((member, server)) == (member, server)


def test_a_hold_needs_budgets_and_each_only_once() -> None:
    """No budget would be no limit, and the same one twice would count double."""
    member, _ = _budgets(AT)
    with pytest.raises(ValueError, match="at least one budget"):
        in_order(())
    with pytest.raises(ValueError, match="only once"):
        in_order((member, member))


def test_the_refusal_says_what_is_short_by_how_much_and_when_it_renews() -> None:
    """A member reads the cost, what is left of which budget, the difference, the renewal, and what to do instead."""
    member, _ = _budgets(AT)
    error = refusal(Standing(member, 600_000, 4_000_000), 750_000, at=AT)
    assert str(error) == (
        "This video costs $0.75, but only $0.40 of your $5.00 for today is left (short by $0.35). "
        "It renews at 00:00 UTC, in 5 h 12 min; or choose a lower resolution or a shorter video."
    )
    assert (error.scope, error.short_microusd, error.left_microusd, error.cap_microusd, error.renews_at) == (
        "member:7:42",
        350_000,
        400_000,
        5_000_000,
        _moment("2026-11-21"),
    )


def test_the_servers_refusal_speaks_of_the_server_and_its_month() -> None:
    """The server's budget is named as the server's, and renews with the month."""
    _, server = _budgets(AT)
    assert str(refusal(Standing(server, 0, 50_000_000), 750_000, at=AT)) == (
        "This video costs $0.75, but nothing of this server's $50.00 for this month is left (short by $0.75). "
        "It renews on 1 December at 00:00 UTC, in 10 d 5 h; or choose a lower resolution or a shorter video."
    )


def test_a_video_dearer_than_the_whole_budget_is_not_told_to_wait() -> None:
    """Waiting for the renewal would not help, so the sentence does not propose it."""
    member, _ = _budgets(AT)
    assert str(refusal(Standing(member, 0, 0), 7_500_000, at=AT)) == (
        "This video costs $7.50, but only $5.00 of your $5.00 for today is left (short by $2.50). "
        "Waiting will not help, it is more than the whole budget: choose a lower resolution or a shorter video."
    )


def test_without_a_budget_only_an_administrator_can_help() -> None:
    """A cap of zero has nothing to renew."""
    member, _ = _budgets(AT, daily=0)
    assert str(refusal(Standing(member, 0, 0), 750_000, at=AT)) == (
        "This video costs $0.75, but nothing of your $0.00 for today is left (short by $0.75). "
        "Ask an administrator of this server for a budget."
    )


def test_what_is_left_is_never_below_zero() -> None:
    """A settlement above the cap, or a lowered cap, leaves nothing, and the shortage counts it in full."""
    member, _ = _budgets(AT)
    over = Standing(member, 1_000_000, 5_500_000)
    assert over.left_microusd == 0
    assert refusal(over, 750_000, at=AT).short_microusd == 2_250_000


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 min"), (60, "1 min"), (61, "2 min"), (3600, "1 h 0 min"), (86_399, "1 d 0 h"), (90_000, "1 d 1 h")],
)
def test_waits_are_told_in_two_units_rounded_up(seconds: int, words: str) -> None:
    """Nobody is sent back too early, and nobody reads seconds."""
    member = replace(_budgets(AT)[0], renews_at=AT + seconds)
    assert f", in {words};" in str(refusal(Standing(member, 0, 5_000_000), 1, at=AT))
