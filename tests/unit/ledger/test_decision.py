from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.errors import NotAllowed, QuotaExceeded
from bot.ledger import terms as policy
from bot.ledger.decision import crossed, decide, settled_parts
from bot.ledger.model import (
    Decision,
    Grant,
    GrantStanding,
    Limit,
    Rule,
    RuleQuery,
    Shipped,
    Source,
    Standing,
    View,
    Who,
    WindowKind,
)
from bot.ledger.refusals import budget_refusal
from bot.ledger.windows import window, zone

AT = datetime(2026, 11, 20, 18, 48, tzinfo=UTC).timestamp()
SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)
QUERY = RuleQuery(
    mode="wan27-image",
    resolution="1080p",
    mode_titles={"wan27-image": "Wan 2.7 image", "wan25-image": "Wan 2.5 image", "wan22-video": "Wan 2.2 video"},
)
PRICE = 750_000


def _view(*rules: tuple[str, str, Any], shipped: Shipped = SHIPPED, open_jobs: int = 0, used: int = 0) -> View:
    terms = policy.terms(
        [Rule(*rule) for rule in rules],
        Who(guild_id=7, channel_id=9, member_id=42, role_ids=(3,)),
        now=AT,
        shipped=shipped,
    )
    return View(terms=terms, standings=tuple(Standing(one, 0, used) for one in terms.limits), open_jobs=open_jobs)


def _decide(view: View, price: int = PRICE) -> Decision:
    return decide(view, amount_microusd=price, query=QUERY)


def _limit(scope: str, kind: WindowKind, cap: int, timezone: str = "UTC") -> Limit:
    tz = zone(timezone)
    assert tz is not None
    return Limit(scope, window(kind, tz, AT), cap, Source.of("server", "this server's default"))


@pytest.mark.parametrize(
    ("rule", "kind", "sentence"),
    [
        (
            ("member:42", "blocked", "spam."),
            "blocked",
            "The admins here have blocked you from making videos: spam. Ask one of them to unblock you.",
        ),
        (
            ("server", "paused", ""),
            "paused",
            ("The admins here have paused Wanda. Try again once Wanda is back."),
        ),
        (
            ("channel:9", "access", "deny"),
            "channel",
            (
                "<#9> is closed for videos: this server's admins closed it. "
                "Use another channel, or ask an admin to open this one."
            ),
        ),
        (
            ("role:3", "modes", ["wan25-image", "wan22-video"]),
            "mode",
            "You can't use Wan 2.7 image here (the role <@&3>). Choose Wan 2.5 image or Wan 2.2 video.",
        ),
        (
            ("server", "resolutions", ["720p", "480p"]),
            "resolution",
            "You can't make 1080p videos here (this server's default). Choose 480p or 720p.",
        ),
        (
            ("server", "ceiling", 500_000),
            "ceiling",
            (
                "This video costs $0.75, and the most for one video here is $0.50 (this server's default). "
                "Choose a cheaper one."
            ),
        ),
        (
            ("server", "at_once", 1),
            "at_once",
            (
                "You have 1 video going, and your limit here is 1 at once (this server's default). "
                "Wait until one is done, or cancel one."
            ),
        ),
    ],
)
def test_each_rule_refuses_with_its_number_and_what_to_do(rule: tuple[str, str, Any], kind: str, sentence: str) -> None:
    """The sentence names the rule, who set it, and the way out."""
    with pytest.raises(NotAllowed) as refused:
        _decide(_view(rule, open_jobs=1))
    assert (refused.value.rule, str(refused.value)) == (kind, sentence)


def test_a_server_that_the_operator_did_not_name_is_told_its_id() -> None:
    """The refusal has the server's id, which the operator's setting needs."""
    shipped = replace(SHIPPED, allowed_servers=frozenset({8}))
    with pytest.raises(NotAllowed, match=r"isn't turned on for this server yet.*\(7\)"):
        _decide(_view(shipped=shipped))


def test_what_is_at_its_limit_is_allowed() -> None:
    """A job at the ceiling, the last of those allowed at once, and one without a resolution are allowed."""
    view = _view(("server", "ceiling", PRICE), ("server", "at_once", 2), ("server", "resolutions", []), open_jobs=1)
    assert decide(view, amount_microusd=PRICE, query=RuleQuery(mode="x")).member_microusd == PRICE


def test_the_refusal_says_what_is_left_and_when_it_renews() -> None:
    """The refusal has the cost, the budget and what is left of it, the renewal, and what to do; no sum twice."""
    error = budget_refusal(Standing(_limit("member:7:42", "day", 5_000_000), 600_000, 4_000_000), PRICE)
    assert str(error) == (
        "This video costs $0.75, but only $0.40 of your $5.00 for today is left. It renews <t:1795219200:R>."
    )
    assert (error.scope, error.short_microusd, error.left_microusd, error.cap_microusd, error.renews_at) == (
        "member:7:42",
        350_000,
        400_000,
        5_000_000,
        datetime(2026, 11, 21, tzinfo=UTC).timestamp(),
    )


@pytest.mark.parametrize(
    ("scope", "kind", "words"),
    [
        (
            "server:7",
            "month",
            "nothing of this server's $50.00 for this month is left. It renews <t:1796083200:R>.",
        ),
        ("role:7:3", "week", "nothing of <@&3>'s $50.00 for this week is left"),
        (
            "channel:7:9",
            "ever",
            "nothing of <#9>'s $50.00 in all is left. Ask an admin here for more.",
        ),
        ("cap:7", "month", "nothing of the operator's $50.00 for this server this month is left"),
        ("all", "month", "nothing of the operator's $50.00 for all servers this month is left"),
    ],
)
def test_every_budget_is_called_by_its_name(scope: str, kind: WindowKind, words: str) -> None:
    """The refusal names the budget's owner, its window, and its renewal if it has one."""
    assert words in str(budget_refusal(Standing(_limit(scope, kind, 50_000_000), 0, 50_000_000), PRICE))


def test_a_video_dearer_than_the_whole_budget_is_not_told_to_wait() -> None:
    """A price above the whole budget is not told to wait for the renewal, which would not help."""
    said = str(budget_refusal(Standing(_limit("member:7:42", "day", 5_000_000), 0, 0), 7_500_000))
    assert said == (
        "This video costs $7.50, more than your whole $5.00 for today. "
        "Choose a cheaper one, or ask an admin here for more."
    )


@pytest.mark.parametrize(("scope", "who"), [("member:7:42", "an admin here"), ("all", "whoever runs")])
def test_without_a_budget_only_somebody_else_can_help(scope: str, who: str) -> None:
    """A refusal by a cap of zero does not mention a renewal."""
    assert f"Ask {who}" in str(budget_refusal(Standing(_limit(scope, "month", 0), 0, 0), PRICE))


def test_of_several_short_budgets_the_one_that_renews_last_is_named() -> None:
    """Of several short budgets the refusal names the one that renews last."""
    with pytest.raises(QuotaExceeded) as refused:
        _decide(_view(used=49_999_999))
    assert refused.value.scope == "server:7"
    assert refused.value.short_microusd == 749_999


def test_a_price_of_zero_always_fits_the_budgets_but_not_every_rule() -> None:
    """A price of zero fits overspent budgets, but a blocked member is still refused."""
    assert _decide(_view(used=10**9), price=0).member_microusd == 0
    with pytest.raises(NotAllowed):
        _decide(_view(("member:42", "blocked", "")), price=0)


def _grant(name: str, amount: int, held: int = 0, spent: int = 0) -> GrantStanding:
    grant = Grant(
        id=name, guild_id=7, member_id=42, amount_microusd=amount, expires_at=None, reason="", actor_id=1, at=AT
    )
    return GrantStanding(grant, held, spent)


def test_grants_pay_what_the_allowance_is_short_in_its_shortest_window() -> None:
    """The allowance pays first; the rest comes from the grants in their order, and the server pays the whole."""
    view = _view(("server", "allowance:day", 1_000_000), ("server", "allowance:month", 900_000), used=400_000)
    view = replace(view, grants=(_grant("a", 100_000), _grant("b", 500_000, held=200_000)))
    decision = _decide(view)
    assert decision.member_microusd == 500_000
    assert decision.from_grants == (("grant:a", 100_000), ("grant:b", 150_000))
    after = {one.limit.scope: one.held_microusd for one in decision.standings}
    assert after == {"member:7:42": 500_000, "server:7": 750_000}


def test_grants_that_do_not_suffice_are_told_in_the_refusal() -> None:
    """The sentence names what grants would have paid; the shortage that admins are asked for is what is missing."""
    view = replace(_view(used=5_000_000), grants=(_grant("a", 700_000),))
    with pytest.raises(QuotaExceeded) as refused:
        _decide(view)
    assert refused.value.short_microusd == 50_000
    assert "and $0.70 of your grants are left" in str(refused.value)


def test_grants_do_not_help_a_server_whose_pool_is_short() -> None:
    """Grants do not count against the server's pool, which pays every job in full."""
    view = replace(_view(used=49_500_000), grants=(_grant("a", 10**9),))
    with pytest.raises(QuotaExceeded) as refused:
        _decide(view)
    assert refused.value.scope == "server:7"


def test_an_overspent_allowance_lets_grants_pay_the_whole_job_and_no_more() -> None:
    """With an overspent allowance grants pay the whole job, but not the earlier overdraft."""
    view = replace(_view(used=9_000_000), grants=(_grant("a", 10**9),))
    assert _decide(view).from_grants == (("grant:a", PRICE),)


@pytest.mark.parametrize(("price", "needed"), [(500_000, False), (500_001, True)])
def test_approval_is_needed_above_its_price(price: int, needed: bool) -> None:
    """A job needs approval only above the price, not at it."""
    rule = ("server", "approval", {"above_microusd": 500_000, "role_id": None, "wait_s": 3600.0})
    assert _decide(_view(rule), price=price).needs_approval == needed


@pytest.mark.parametrize(
    ("draws", "amount", "paid"),
    [
        ((("member:1:2", 10), ("grant:a", 5), ("grant:b", 5)), 20, (10, 5, 5)),
        ((("member:1:2", 10), ("grant:a", 5), ("grant:b", 5)), 17, (10, 5, 2)),
        ((("member:1:2", 10), ("grant:a", 5), ("grant:b", 5)), 12, (10, 2, 0)),
        ((("member:1:2", 10), ("grant:a", 5), ("grant:b", 5)), 4, (4, 0, 0)),
        ((("member:1:2", 10), ("grant:a", 5), ("grant:b", 5)), 0, (0, 0, 0)),
        ((("member:1:2", 0), ("grant:a", 5)), 4, (0, 4)),
        ((), 9, ()),
    ],
)
def test_what_was_held_too_much_goes_back_to_the_grants_first(
    draws: tuple[tuple[str, int], ...], amount: int, paid: tuple[int, ...]
) -> None:
    """The grant taken last gets back first."""
    parts = settled_parts(draws, amount)
    assert tuple(parts[scope] for scope, _ in draws) == paid


def test_thresholds_are_those_reached_by_the_servers_pools_only() -> None:
    """At 80 % of a pool the warnings for 50 and 80 are due; members', roles' and empty pools have none."""
    view = _view(("role:3", "budget:day", 1), ("server", "budget:week", 0))
    pool = Standing(_limit("server:7", "month", 100), 30, 50)
    standings = (*(replace(one, spent_microusd=10**12) for one in view.standings), pool)
    warned = [one for one in crossed(view, standings) if one.cap_microusd == 100]
    assert [(one.threshold, one.used_microusd, one.limit_scope) for one in warned] == [
        (50, 80, "server:7"),
        (80, 80, "server:7"),
    ]
    assert {one.limit_scope for one in crossed(view, standings)} == {"server:7"}
    assert crossed(view, [replace(pool, spent_microusd=19)]) == ()
