from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ledger.model import (
    Grant,
    GrantStanding,
    Limit,
    Rule,
    Ruled,
    Shipped,
    Source,
    Standing,
    Terms,
    View,
    Who,
    Window,
    WindowKind,
)
from bot.ledger.terms import terms
from bot.texts import quota
from bot.texts.budget_cards import member_card, server_card
from bot.texts.card import Card
from tests.support.catalogue_samples import PICKER

NOW = 1_795_000_000.0
SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)
OFFERS = quota.offers(PICKER)
USD = 1_000_000


def view(*rules: Rule, spent: dict[str, int] | None = None, roles: tuple[int, ...] = (), **others: Any) -> View:
    """What a member meets under these rules, with what each kind of scope has spent."""
    found = terms(rules, Who(guild_id=1, channel_id=3, member_id=2, role_ids=roles), now=NOW, shipped=SHIPPED)
    used = spent or {}
    standings = tuple(Standing(limit, 0, used.get(limit.whose, 0)) for limit in found.limits)
    return View(terms=found, standings=standings, **others)


def text(card: Card) -> str:
    """All words of a card."""
    return "\n".join([card.title, card.description, *(f"{f.name}\n{f.value}" for f in card.fields), card.footer or ""])


def within_limits(card: Card) -> None:
    """A card that Discord takes."""
    assert 0 < len(card.title) <= 256
    assert 0 < len(card.description) <= 4096
    assert len(card.footer or "") <= 2048
    assert len(card.fields) <= 25
    assert all(0 < len(field.name) <= 256 and 0 < len(field.value) <= 1024 for field in card.fields)
    assert len(text(card)) <= 6000


def test_what_the_shipped_quota_buys() -> None:
    """Without rules a member sees the day's five dollars, and how many videos of each mode at its default those are."""
    said = text(quota.quota_card(view(), OFFERS))
    assert "You can spend **$5.00** now. Then your allowance today is used up." in said
    assert "**10** × Wan 2.7 image (720p, $0.50)" in said
    assert "Wanda asks first above $1.00" in said


def test_the_tightest_limit_is_named() -> None:
    """What can be spent now is the smallest rest of all limits, and that limit is named."""
    said = text(quota.quota_card(view(spent={"server": 48_000_000}), OFFERS))
    assert "You can spend **$2.00** now. Then this server's pool this month is used up." in said
    said = text(quota.quota_card(view(spent={"member": 5_000_000}), OFFERS))
    assert "You can't spend anything now: your allowance today is used up." in said
    assert "**0** × Wan 2.7 image" in said


def test_grants_count_to_the_allowance() -> None:
    """A grant adds to what the allowance leaves, and not to the pool."""
    grant = Grant(
        id="g", guild_id=1, member_id=2, amount_microusd=3 * USD, expires_at=None, reason="won *it*", actor_id=9, at=NOW
    )
    grants = (GrantStanding(grant, 0, USD),)
    said = text(quota.quota_card(view(grants=grants), OFFERS))
    assert "You can spend **$7.00** now" in said
    assert "**A grant**: $2.00 of $3.00 left · won \\*it\\*" in said
    ending = (GrantStanding(replace(grant, expires_at=NOW + 60), 0, USD),)
    assert f"left, ends <t:{int(NOW) + 60}:R> · " in text(quota.quota_card(view(grants=ending), OFFERS))
    assert "**$2.00** now" in text(quota.quota_card(view(grants=grants, spent={"server": 48 * USD}), OFFERS))


def test_rules_change_what_it_buys() -> None:
    """A mode that is not allowed is marked, and a resolution that is not is replaced by the costliest allowed one."""
    rules = (
        Rule("server", "modes", ["wan27-image"]),
        Rule("server", "resolutions", ["480p", "720p"]),
        Rule("server", "ceiling", 600_000),
    )
    said = text(quota.quota_card(view(*rules), OFFERS))
    assert "**10** × Wan 2.7 image (720p, $0.50)" in said
    assert "\u2013 Wan 2.1 image: not allowed here" in said
    assert "One video can cost up to $0.60." in said
    said = text(quota.quota_card(view(Rule("server", "ceiling", 10_000)), OFFERS))
    assert "\u2013 Wan 2.7 image: only a shorter one, if at all" in said


def test_the_operators_other_servers_stay_private() -> None:
    """The cap over all servers limits what can be spent, but its numbers are not shown."""
    shipped = replace(SHIPPED, total_cap_microusd=1_234_567)
    found = terms((), Who(guild_id=1, channel_id=3, member_id=2), now=NOW, shipped=shipped)
    seen = View(terms=found, standings=tuple(Standing(limit, 0, 0) for limit in found.limits))
    for card in (quota.quota_card(seen, OFFERS), member_card(seen), server_card(seen, (), name="Studio")):
        assert "of $1.234567" not in text(card)
    assert "Then Wanda's own limit for all servers this month is used up" in text(quota.quota_card(seen, OFFERS))


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (Rule("member:2", "blocked", "spam <@1>"), "The admins here have blocked you**: spam \\<\\@1\\>"),
        (Rule("server", "paused", "saving"), "Wanda is paused here**: saving"),
        (Rule("channel:3", "access", "deny"), "This channel is closed for videos"),
    ],
)
def test_what_stops_a_member_comes_first(rule: Rule, says: str) -> None:
    """A block, a pause or a closed channel is shown before any number."""
    card = quota.quota_card(view(rule), OFFERS)
    assert says in card.description.split("\n\n")[0]


def test_an_admin_reads_which_rule_gives_which_number() -> None:
    """An admin sees each of a member's numbers with its rule, in the third person."""
    rules = (
        Rule("member:2", "allowance:day", 7 * USD),
        Rule("role:8", "ceiling", USD),
        Rule("member:2", "ask_above", USD),
        Rule("server", "budget:month", 40 * USD),
    )
    said = text(member_card(view(*rules, roles=(8,))))
    assert "**<@2>'s allowance today**: $7.00 of $7.00 left" in said
    assert "-# by their own allowance" in said
    assert "One video can cost up to: **$1.00**, by the role <@&8>" in said
    assert "Asked first above: **$1.00**, by their own choice" in said
    assert "-# set by the admins" in said
    assert "your" not in said


def test_a_window_that_never_renews() -> None:
    """A budget for ever says that it does not renew."""
    assert "never renews" in text(quota.quota_card(view(Rule("server", "budget:ever", USD)), OFFERS))


_texts = st.text(max_size=600)
_kinds: tuple[WindowKind, ...] = ("day", "week", "month", "ever")


@given(
    reasons=st.lists(_texts, max_size=40),
    roles=st.integers(min_value=0, max_value=100),
    subjects=st.integers(min_value=0, max_value=60),
    name=_texts,
)
def test_cards_stay_within_discords_limits(reasons: list[str], roles: int, subjects: int, name: str) -> None:
    """However many rules, roles and grants there are, and whatever their reasons say, Discord takes the card."""
    first = reasons[0] if reasons else "x"
    rules = [Rule("member:2", "blocked", first), Rule("server", "paused", first)]
    rules += [Rule(f"role:{10**18 + n}", f"budget:{kind}", n) for n in range(roles) for kind in _kinds]
    rules += [Rule(f"{kind}:{10**18 + n}", "allowance:day", n) for n in range(subjects) for kind in ("member", "role")]
    rules += [Rule(f"channel:{10**18 + n}", "access", "deny") for n in range(subjects)]
    grants = tuple(
        GrantStanding(
            Grant(
                id=str(n),
                guild_id=1,
                member_id=2,
                amount_microusd=n,
                expires_at=NOW,
                reason=reason,
                actor_id=1,
                at=NOW,
            ),
            0,
            0,
        )
        for n, reason in enumerate(reasons)
    )
    seen = view(*rules, roles=tuple(10**18 + n for n in range(roles)), grants=grants)
    for card in (quota.quota_card(seen, OFFERS), member_card(seen), server_card(seen, rules, name=name)):
        within_limits(card)


def test_the_threshold_is_told_before_and_after() -> None:
    """The answer to a changed threshold has the new amount, its rule, and the amount before."""
    before = _terms(20, "20 % of your allowance")
    now = _terms(50, "your own choice")
    assert quota.confirm_above_line(before, now) == (
        "Wanda now asks you before any video above **$0.00005**, your own choice. "
        "It was $0.00002, and it's just for you."
    )
    assert quota.confirm_above_line(now, now) == (
        "Wanda asks you before any video above **$0.00005**, your own choice, as before. This is just for you."
    )


def _terms(microusd: int, because: str) -> Terms:
    return replace(view().terms, confirm_above_microusd=Ruled(microusd, Source.of("member", because)))


def test_limits_are_named_by_whose_they_are() -> None:
    """Every kind of limit has a name that a sentence can hold."""
    month = Window("month", 0, 1)
    named = {
        "member:1:2": "your allowance this month",
        "server:1": "this server's pool this month",
        "role:1:8": "the pool of <@&8> this month",
        "channel:1:3": "the pool of <#3> this month",
        "cap:1": "Wanda's own limit for this server this month",
        "all": "Wanda's own limit for all servers this month",
    }
    assert {scope: quota.limit_title(Limit(scope, month, 0, Source.of("server", ""))) for scope in named} == named
