from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ledger.model import Act, Rule, Shipped, Window
from bot.texts import rule_changes
from bot.texts.card import join_within
from bot.texts.rule_changes import RuleChange
from bot.texts.rules import act_words, value_words

SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)
BEHIND_A_NAME = "\u200e"
MONTH = Window("month", 100.0, 200.0)


def changed(subject: str, name: str, before: Any, after: Any, **others: Any) -> RuleChange:
    """One changed rule."""
    return RuleChange(subject=subject, name=name, before=before, after=after, **others)


def test_a_budget_says_before_after_and_from_when() -> None:
    """A new budget is told with the old one, what of it counts already, and when it renews."""
    said = rule_changes.change_text(changed("server", "budget:month", 20_000_000, 40_000_000, window=MONTH))
    assert said == (
        "You set this server's pool for each month: $20.00 → **$40.00**.\n"
        "It counts what was spent since <t:100:f>, and renews <t:200:R>."
    )
    assert "never renews" in rule_changes.change_text(changed("server", "budget:ever", None, 1))
    assert "Nothing new can be made with it" in rule_changes.change_text(
        changed("channel:3", "budget:day", None, 0, window=MONTH)
    )


def test_a_budget_says_what_is_gone_already() -> None:
    """A pool set below or near what was spent says what is left."""
    low = changed("server", "budget:month", 50_000_000, 20_000_000, window=MONTH, used_microusd=22_955_000)
    assert rule_changes.change_text(low).endswith("$22.955 is already used, so **nothing is left** until then.")
    more = changed("server", "budget:month", None, 40_000_000, window=MONTH, used_microusd=22_955_000)
    assert rule_changes.change_text(more).endswith("$22.955 is already used, so $17.045 is left.")


def test_an_amount_stays_behind_the_name_it_is_of() -> None:
    """A name in Arabic or Hebrew letters takes no amount with it: a left-to-right mark stands between them."""
    grant = rule_changes.grant_texts(9, 8, 2_000_000, None, "")
    assert f"<@8>{BEHIND_A_NAME} **$2.00**" in grant.private
    assert f"<@8>{BEHIND_A_NAME} **$2.00**" in grant.log
    assert f"for <@&8>{BEHIND_A_NAME}: 2 → " in rule_changes.change_text(changed("role:8", "at_once", 2, 3))


def test_what_was_so_already_is_no_change() -> None:
    """Setting a rule to its own value, or clearing none, is reported as no change; a new expiry is a change."""
    same = changed("server", "policy", "charge", "charge")
    assert not rule_changes.is_change(same)
    assert rule_changes.change_text(same) == (
        "Who pays for a failed video that fal may have billed was the member who asked for it already, "
        "so nothing changed."
    )
    assert rule_changes.change_text(changed("role:8", "ceiling", None, None)) == (
        "There was no such rule for <@&8>, so nothing changed."
    )
    assert rule_changes.is_change(changed("member:2", "raise", {"microusd": 1}, {"microusd": 1}, expires_at=5.0))


def test_the_shipped_default_goes_and_comes_back() -> None:
    """The first budget of a kind ends Wanda's shipped one, and taking the last one back brings it again."""
    first = changed("server", "allowance:week", None, 1)
    rules = [Rule("server", "allowance:week", 1), Rule("server", "budget:day", 1)]
    assert rule_changes.with_note(first, rules, SHIPPED).note == (
        "Wanda's default of $5.00 for each day no longer applies."
    )
    second = changed("server", "allowance:day", None, 1)
    assert rule_changes.with_note(second, [*rules, Rule("server", "allowance:day", 1)], SHIPPED).note == ""
    gone = changed("server", "budget:day", 1, None)
    assert rule_changes.with_note(gone, [], SHIPPED).note == "Wanda's default of $50.00 for each month holds again."
    assert rule_changes.with_note(changed("role:8", "budget:day", 1, None), [], SHIPPED).note == ""


DEEDS: list[tuple[str, str, Any, Any, str]] = [
    ("server", "paused", None, "we *move*", "**paused** Wanda: “we \\*move\\*”"),
    ("server", "paused", "x", None, "ended Wanda's pause (“x”)"),
    ("member:2", "blocked", None, "spam", "**blocked** <@2>: “spam”"),
    ("member:2", "blocked", "spam", None, "unblocked <@2> (“spam”)"),
    ("member:2", "reset", None, 77, "**reset** the windows of <@2>: they begin again at <t:77:f>"),
    ("member:2", "raise", None, {"microusd": 2_000_000}, "raised each allowance of <@2> by **$2.00**"),
    ("channel:3", "access", None, "deny", "**denied** videos in <#3>"),
    ("channel:3", "access", "deny", None, "took back the rule for <#3> (it was denied)"),
    ("role:8", "at_once", 2, 3, "set how many videos each member can have going, for <@&8>\u200e: 2 → **3**"),
    ("server", "modes", None, ["wan21-image", "wan27-image"], "not set → **Wan 2.7 image, Wan 2.1 image**"),
    ("server", "resolutions", None, ["1080p", "480p"], "not set → **480p, 1080p**"),
    ("server", "log_channel", None, 5, "not set → **<#5>**"),
    ("server", "pings", "channel", "never", "a ping in the channel → **no ping**"),
    ("server", "timezone", None, "Europe/Berlin", "not set → **Europe/Berlin**"),
    (
        "server",
        "approval",
        None,
        {"above_microusd": 2_000_000, "role_id": 8, "wait_s": 3600},
        "**above $2.00, by <@&8> or somebody who manages the server, within 1 h**",
    ),
]


@pytest.mark.parametrize(("subject", "name", "before", "after", "says"), DEEDS)
def test_every_deed_in_words(subject: str, name: str, before: Any, after: Any, says: str) -> None:
    """The admin's answer, the log's line and the audit's line say the same of the same act."""
    what = changed(subject, name, before, after)
    act = Act(
        id=1, guild_id=1, at=0, actor_id=9, act=f"set {name}", subject=subject, before=before, after=after, reason="why"
    )
    assert says in rule_changes.change_text(what)
    assert rule_changes.change_log_line(9, what, "why").endswith(f"{says} · because: why")
    assert act_words(act) == rule_changes.change_log_line(9, what, "why")


def test_a_grant_in_words() -> None:
    """A grant is told with its amount, its end and its reason."""
    said = rule_changes.grant_texts(9, 2, 3_000_000, 77.0, "won @everyone")
    assert said.private.startswith(f"You gave <@2>{BEHIND_A_NAME} **$3.00**, once. It lasts until <t:77:f>")
    assert said.log == f"<@9> gave <@2>{BEHIND_A_NAME} **$3.00** until <t:77:f> · because: won \\@everyone"
    act = Act(
        id=1,
        guild_id=1,
        at=0,
        actor_id=9,
        act="grant",
        subject="member:2",
        before=None,
        after={"id": "g", "microusd": 3_000_000, "expires_at": 77.0},
        reason="won @everyone",
    )
    assert act_words(act) == said.log


@given(reason=st.text(max_size=500))
def test_a_reason_can_do_no_harm(reason: str) -> None:
    """Any reason is shown on one line, at a bounded length, and pings nobody."""
    line = rule_changes.change_log_line(9, changed("server", "ceiling", None, 1), reason)
    assert "\n" not in line
    assert len(line) <= 500
    assert "@everyone" not in line.replace("\\@", "")
    assert value_words("blocked", reason).count("\n") == 0


@given(parts=st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=60), chars_max=st.integers(60, 2000))
def test_what_does_not_fit_is_counted(parts: list[str], chars_max: int) -> None:
    """A joined text is within its limit, and says how many parts were left out."""
    text = join_within(parts, chars_max)
    assert len(text) <= chars_max
    if len("\n".join(parts)) <= chars_max:
        assert text == "\n".join(parts)
    elif len(parts) > 1:
        assert text.endswith((" more", "…"))
