from typing import Any

import pytest

from bot.errors import OptionRefused
from bot.ledger import rules
from bot.ledger.acts import acts_of
from bot.ledger.grants import add_grant, grants_of
from bot.ledger.model import Act, Grant, Rule
from bot.ledger.rule_values import checked
from tests.support.stores import MemoryStore

SAID: Any = {"actor_id": 9, "reason": "because", "at": 100.0}


def test_a_rule_is_set_changed_and_cleared_with_an_act_each(books: MemoryStore) -> None:
    """Each change answers with the values before and after, and is recorded: who, when, what and why."""
    assert books.run(rules.set_rule(7, "server", "budget:day", 5, **SAID)) == (None, 5)
    assert books.run(rules.set_rule(7, "server", "budget:day", 6, **SAID)) == (5, 6)
    assert books.run(rules.rules_of(7)) == (Rule("server", "budget:day", 6, None, "because", 9, 100.0),)
    assert books.run(rules.clear_rule(7, "server", "budget:day", **SAID)) == 6
    assert books.run(rules.clear_rule(7, "server", "budget:day", **SAID)) is None
    assert books.run(rules.rules_of(7)) == ()
    acts = books.run(acts_of(7, limit=10))
    assert [(act.id, act.act, act.before, act.after) for act in acts] == [
        (3, "clear budget:day", 6, None),
        (2, "set budget:day", 5, 6),
        (1, "set budget:day", None, 5),
    ]
    assert acts[2] == Act(
        id=1,
        guild_id=7,
        at=100.0,
        actor_id=9,
        act="set budget:day",
        subject="server",
        before=None,
        after=5,
        reason="because",
    )


def test_acts_are_read_page_by_page_and_server_by_server(books: MemoryStore) -> None:
    """The next page begins where the last one ended, without other servers' acts."""
    for number in range(5):
        books.run(rules.set_rule(7, "server", "at_once", number + 1, **SAID))
    books.run(rules.set_rule(8, "server", "at_once", 1, **SAID))
    first = books.run(acts_of(7, limit=2))
    second = books.run(acts_of(7, limit=2, before=first[-1].id))
    assert [act.after for act in (*first, *second)] == [5, 4, 3, 2]
    assert [act.guild_id for act in books.run(acts_of(8, limit=9))] == [8]


def test_an_expired_rule_is_as_if_it_were_not_there(books: MemoryStore) -> None:
    """An expired rule is not listed, and a change returns None as its old value."""
    books.run(rules.set_rule(7, "member:1", "blocked", "spam", expires_at=50.0, **SAID))
    assert books.run(rules.rules_of(7, at=100.0)) == ()
    assert len(books.run(rules.rules_of(7))) == 1
    assert books.run(rules.clear_rule(7, "member:1", "blocked", **SAID)) is None


def test_a_grant_is_given_once(books: MemoryStore) -> None:
    """A repeated grant, as after a lost answer, is ignored and recorded once."""
    grant = Grant(
        id="g", guild_id=7, member_id=1, amount_microusd=5, expires_at=9.0, reason="contest", actor_id=9, at=1.0
    )
    assert books.run(add_grant(grant))
    assert not books.run(add_grant(grant))
    (standing,) = books.run(grants_of(7, 1))
    assert (standing.grant, standing.left_microusd) == (grant, 5)
    assert books.run(grants_of(7, 2)) == books.run(grants_of(8, 1)) == ()
    (act,) = books.run(acts_of(7, limit=9))
    assert (act.act, act.subject, act.after["microusd"]) == ("grant", "member:1", 5)


@pytest.mark.parametrize(
    ("subject", "name", "value", "stored"),
    [
        ("server", "allowance:week", 0, 0),
        ("role:1", "modes", ["b", "a", "b"], ["a", "b"]),
        ("server", "modes", [], []),
        ("server", "timezone", "Asia/Kolkata", "Asia/Kolkata"),
        ("member:1", "blocked", " so  much\nspam ", "so much spam"),
        ("member:1", "raise", {"microusd": 5}, {"microusd": 5}),
        ("member:1", "reset", 5, 5.0),
        ("channel:1", "access", "deny", "deny"),
        (
            "server",
            "approval",
            {"above_microusd": 5, "wait_s": 60},
            {"above_microusd": 5, "role_id": None, "wait_s": 60.0},
        ),
    ],
)
def test_values_are_kept_in_one_form(subject: str, name: str, value: Any, stored: Any) -> None:
    """Valid values are stored in one form."""
    assert checked(subject, name, value) == stored


@pytest.mark.parametrize(
    ("subject", "name", "value", "sentence"),
    [
        ("server", "budget:day", -1, "from $0.00 to $1,000,000.00"),
        ("server", "budget:day", 10**12 + 1, "from $0.00 to $1,000,000.00"),
        ("server", "at_once", 0, "from 1 to 1,000"),
        ("server", "timezone", "Mars/Olympus", "no time zone “Mars/Olympus”"),
        ("server", "timezone", "", "no time zone"),
        ("server", "policy", "maybe", "isn't one of charge, absorb"),
        ("channel:1", "access", "perhaps", "isn't one of allow, deny"),
        ("server", "approval", {"above_microusd": 1, "wait_s": 1}, "from 1 minute to 30 days"),
        ("member:1", "blocked", "x" * 501, "501 characters"),
        ("server", "modes", [str(n) for n in range(51)], "51 names"),
    ],
)
def test_other_values_are_refused_with_a_sentence(
    books: MemoryStore, subject: str, name: str, value: Any, sentence: str
) -> None:
    """Invalid values are refused with a sentence on the valid ones, and nothing is changed."""
    with pytest.raises(OptionRefused, match=r"\.$") as refused:
        books.run(rules.set_rule(7, subject, name, value, **SAID))
    assert sentence in str(refused.value)
    assert books.run(rules.rules_of(7)) == books.run(acts_of(7, limit=9)) == ()


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("server", "blocked"),
        ("channel:1", "allowance:day"),
        ("member:1", "budget:day"),
        ("role:x", "ceiling"),
        ("role:1' OR 1=1", "ceiling"),
        ("everyone", "ceiling"),
        ("server", "budget:year"),
    ],
)
def test_rules_that_do_not_exist_are_a_defect(subject: str, name: str) -> None:
    """An unknown rule is a ValueError, because it would silently apply to nobody."""
    with pytest.raises(ValueError, match="there is no rule"):
        checked(subject, name, 1)
