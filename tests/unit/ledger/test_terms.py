from datetime import UTC, datetime
from typing import Any

import pytest

from bot.ledger import terms as policy
from bot.ledger.model import Approval, Limit, Rule, Ruled, Shipped, Source, Terms, Who

NOW = datetime(2026, 11, 20, 18, 48, tzinfo=UTC).timestamp()  # a Friday
SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)


def _terms(
    *rules: tuple[str, str, Any] | Rule, roles: tuple[int, ...] = (), shipped: Shipped = SHIPPED, now: float = NOW
) -> Terms:
    return policy.terms(
        [rule if isinstance(rule, Rule) else Rule(*rule) for rule in rules],
        Who(guild_id=7, channel_id=9, member_id=42, role_ids=roles),
        now=now,
        shipped=shipped,
    )


def _caps(terms: Terms) -> dict[str, tuple[int, str]]:
    return {f"{one.scope} {one.window.kind}": (one.cap_microusd, one.source.to_member) for one in terms.limits}


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_without_any_rule_what_wanda_ships_holds() -> None:
    """By default there is a daily allowance and a monthly pool, in UTC, and no other limit."""
    terms = _terms()
    assert _caps(terms) == {
        "member:7:42 day": (5_000_000, "Wanda's default"),
        "server:7 month": (50_000_000, "Wanda's default"),
    }
    day, month = (one.window for one in terms.limits)
    assert (day.starts_at, day.ends_at) == (_moment("2026-11-20"), _moment("2026-11-21"))
    assert (month.starts_at, month.ends_at) == (_moment("2026-11-01"), _moment("2026-12-01"))
    assert terms.scopes == ("server:7", "channel:7:9", "member:7:42")
    assert terms.confirm_above_microusd == Ruled(
        1_000_000, Source("shipped", "20 % of your allowance", "20 % of their allowance")
    )
    assert terms.policy.value == "absorb"
    assert (terms.ceiling_microusd, terms.modes, terms.resolutions, terms.at_once, terms.approval) == (None,) * 5
    assert (terms.blocked, terms.paused, terms.channel_closed, terms.server_allowed) == (None, None, None, True)


ALLOWANCES = (
    ("member:42", "allowance:day", 1),
    ("role:1", "allowance:day", 2),
    ("role:2", "allowance:day", 3),
    ("server", "allowance:day", 4),
)


@pytest.mark.parametrize(
    ("from_", "roles", "cap"),
    [
        (0, (1, 2), (1, "your own allowance")),
        (1, (1, 2), (3, "the role <@&2> (best of 2)")),
        (1, (1,), (2, "the role <@&1>")),
        (1, (), (4, "this server's default")),
        (4, (1, 2), (5_000_000, "Wanda's default")),
    ],
)
def test_an_allowance_is_the_members_own_else_the_best_role_else_the_servers(
    from_: int, roles: tuple[int, ...], cap: tuple[int, str]
) -> None:
    """The first of override, best role, server's default and shipped default that there is, even when it is smaller."""
    assert _caps(_terms(*ALLOWANCES[from_:], roles=roles))["member:7:42 day"] == cap


def test_each_window_has_its_own_precedence() -> None:
    """A role's daily and the server's monthly allowance apply together."""
    rules = (("role:1", "allowance:day", 2), ("server", "allowance:month", 30), ("member:42", "allowance:week", 9))
    assert {key: cap for key, (cap, _) in _caps(_terms(*rules, roles=(1,))).items()} == {
        "member:7:42 day": 2,
        "member:7:42 week": 9,
        "member:7:42 month": 30,
        "server:7 month": 50_000_000,
    }


def test_any_default_of_the_server_ends_the_shipped_one() -> None:
    """With only a weekly allowance and a daily pool set, no shipped day and no shipped month apply."""
    rules = (("server", "allowance:week", 9), ("server", "budget:day", 20))
    assert _caps(_terms(*rules)) == {
        "member:7:42 week": (9, "this server's default"),
        "server:7 day": (20, "this server's pool"),
    }


def test_an_override_for_one_window_leaves_the_shipped_day() -> None:
    """A member's own monthly allowance leaves the default daily one in force."""
    assert set(_caps(_terms(("member:42", "allowance:month", 9)))) == {
        "member:7:42 day",
        "member:7:42 month",
        "server:7 month",
    }


def test_pools_of_every_role_and_of_the_channel_apply_together() -> None:
    """A member with two roles draws on both roles' pools and on the channel's, and on no other role's or channel's."""
    rules = (
        ("role:1", "budget:week", 10),
        ("role:2", "budget:ever", 20),
        ("role:3", "budget:day", 30),
        ("channel:9", "budget:month", 40),
        ("channel:8", "budget:month", 50),
    )
    caps = _caps(_terms(*rules, roles=(2, 1)))
    assert caps["role:7:1 week"] == (10, "the pool of the role <@&1>")
    assert caps["role:7:2 ever"] == (20, "the pool of the role <@&2>")
    assert caps["channel:7:9 month"] == (40, "the pool of the channel <#9>")
    assert len(caps) == 5


def test_a_budget_of_zero_is_a_budget() -> None:
    """A limit of zero is a limit, not a missing one."""
    assert _caps(_terms(("server", "allowance:day", 0), ("server", "budget:month", 0))) == {
        "member:7:42 day": (0, "this server's default"),
        "server:7 month": (0, "this server's pool"),
    }


def test_the_operators_caps_are_months_of_utc_whatever_the_servers_timezone() -> None:
    """The operator's months are in UTC, whatever the server's timezone."""
    shipped = Shipped(member_daily_microusd=1, server_monthly_microusd=2, server_cap_microusd=3, total_cap_microusd=4)
    terms = _terms(("server", "timezone", "Pacific/Kiritimati"), shipped=shipped)
    by_scope = {one.scope: one for one in terms.limits}
    assert (by_scope["cap:7"].cap_microusd, by_scope["all"].cap_microusd) == (3, 4)
    assert by_scope["cap:7"].window.starts_at == by_scope["all"].window.starts_at == _moment("2026-11-01")
    assert by_scope["server:7"].window.starts_at == _moment("2026-11-01") - 14 * 3600
    assert by_scope["member:7:42"].window.starts_at == _moment("2026-11-21") - 14 * 3600


def test_a_raise_adds_to_every_allowance_until_it_expires() -> None:
    """A raise applies to both windows, is named in their sources, and no longer counts at its expiry."""
    raised = Rule("member:42", "raise", {"microusd": 2_000_000}, expires_at=NOW + 10)
    rules = (("member:42", "allowance:month", 9_000_000), raised)
    caps = _caps(_terms(*rules))
    assert caps["member:7:42 day"] == (7_000_000, "Wanda's default, with a raise of $2.00")
    assert caps["member:7:42 month"] == (11_000_000, "your own allowance, with a raise of $2.00")
    assert _caps(_terms(*rules, now=NOW + 10))["member:7:42 day"] == (5_000_000, "Wanda's default")


@pytest.mark.parametrize(
    ("ago_s", "begins"),
    [(60, NOW - 60), (0, NOW), (5 * 86400, _moment("2026-11-20")), (-60, _moment("2026-11-20"))],
)
def test_a_reset_begins_the_members_windows_anew(ago_s: float, begins: float) -> None:
    """A window begins no earlier than the reset; one of an earlier day, or of a clock set back, changes nothing."""
    terms = _terms(("member:42", "reset", NOW - ago_s))
    member, server = terms.limits
    assert member.window.starts_at == begins
    assert member.window.holds(NOW)
    assert server.window.starts_at == _moment("2026-11-01")


def test_expired_rules_do_not_count() -> None:
    """A rule no longer applies at the moment of its expiry."""
    blocked = Rule("member:42", "blocked", "spam", expires_at=NOW)
    assert _terms(blocked).blocked is None
    assert _terms(blocked, now=NOW - 1).blocked == Ruled("spam", Source.of("server", "a block by this server's admins"))


def test_roles_together_allow_what_each_allows() -> None:
    """Modes and resolutions are the union of the roles', ceiling and jobs at once the largest; else the server's."""
    rules = (
        ("server", "modes", ["a"]),
        ("server", "ceiling", 10),
        ("server", "at_once", 1),
        ("server", "resolutions", ["480p"]),
        ("role:1", "modes", ["b"]),
        ("role:2", "modes", ["c", "b"]),
        ("role:1", "ceiling", 30),
        ("role:2", "ceiling", 20),
        ("role:2", "at_once", 2),
    )
    terms = _terms(*rules, roles=(1, 2))
    assert terms.modes == Ruled(frozenset("bc"), Source.of("role", "the roles <@&1>, <@&2>"))
    assert terms.ceiling_microusd == Ruled(30, Source.of("role", "the role <@&1> (best of 2)"))
    assert terms.at_once == Ruled(2, Source.of("role", "the role <@&2>"))
    assert terms.resolutions == Ruled(frozenset({"480p"}), Source.of("server", "this server's default"))
    without = _terms(*rules)
    assert without.modes == Ruled(frozenset("a"), Source.of("server", "this server's default"))
    assert without.ceiling_microusd == Ruled(10, Source.of("server", "this server's default"))


@pytest.mark.parametrize(
    ("rules", "closed"),
    [
        ((), False),
        ((("channel:9", "access", "deny"),), True),
        ((("channel:8", "access", "deny"),), False),
        ((("channel:8", "access", "allow"),), True),
        ((("channel:8", "access", "allow"), ("channel:9", "access", "allow")), False),
    ],
)
def test_once_a_channel_is_allowed_the_others_are_closed(rules: tuple[tuple[str, str, Any], ...], closed: bool) -> None:
    """Denied channels are closed; with any channel allowed, only allowed ones are open."""
    assert (_terms(*rules).channel_closed is not None) == closed


def test_the_rest_of_the_servers_rules() -> None:
    """Timezone, policy, pause, approval and a member's own threshold are read as they were set."""
    terms = _terms(
        ("server", "timezone", "Europe/Berlin"),
        ("server", "policy", "charge"),
        ("server", "paused", "back at six"),
        ("server", "approval", {"above_microusd": 5, "role_id": 3, "wait_s": 60.0}),
        ("server", "log_channel", 99),
        ("member:42", "ask_above", 0),
        ("member:41", "blocked", "somebody else"),
    )
    assert (terms.timezone.value, terms.policy.value) == ("Europe/Berlin", "charge")
    assert terms.paused == Ruled("back at six", Source.of("server", "a pause by this server's admins"))
    assert terms.approval == Ruled(
        Approval(above_microusd=5, role_id=3, wait_s=60.0), Source.of("server", "this server's approval rule")
    )
    assert terms.confirm_above_microusd == Ruled(0, Source("member", "your own choice", "their own choice"))
    assert terms.blocked is None


def test_the_threshold_is_a_fifth_of_the_tightest_allowance() -> None:
    """The default threshold is a fifth of the smaller of a daily and a monthly cap."""
    rules = (("server", "allowance:day", 1_000_000), ("server", "allowance:month", 900_000))
    assert _terms(*rules).confirm_above_microusd.value == 180_000


def test_a_timezone_that_this_machine_does_not_know_is_utc_and_says_so() -> None:
    """A timezone that this machine does not know counts as UTC, and stops no jobs."""
    terms = _terms(("server", "timezone", "Mars/Olympus"))
    assert terms.timezone == Ruled("UTC", Source.of("server", "UTC, because this machine does not know Mars/Olympus"))


def test_of_more_roles_than_count_those_with_rules_do() -> None:
    """A member with 250 roles draws on 100, and the one with a pool is among them."""
    terms = _terms(("role:250", "budget:day", 5), roles=tuple(range(1, 251)))
    assert len(terms.who.role_ids) == 100
    assert "role:7:250" in terms.scopes
    assert "role:7:250 day" in _caps(terms)


def test_the_operator_may_name_the_servers() -> None:
    """With a list, only servers on it are open; without one, all are."""
    assert _terms(
        shipped=Shipped(member_daily_microusd=1, server_monthly_microusd=1, allowed_servers=frozenset({7}))
    ).server_allowed
    assert not _terms(
        shipped=Shipped(member_daily_microusd=1, server_monthly_microusd=1, allowed_servers=frozenset({8}))
    ).server_allowed


def test_limits_come_sorted_and_know_their_side() -> None:
    """Allowances are the member's money, everything else is the server's; the order is always the same."""
    terms = _terms(("role:1", "budget:day", 5), ("channel:9", "budget:day", 5), roles=(1,))
    assert [one.scope for one in terms.limits] == ["channel:7:9", "member:7:42", "role:7:1", "server:7"]
    sides: dict[str, str] = {one.whose: one.side for one in terms.limits}
    assert sides == {"channel": "server", "member": "member", "role": "server", "server": "server"}
    assert Limit("grant:x", terms.limits[0].window, 1, Source.of("server", "")).side == "member"
