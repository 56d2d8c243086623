"""The setup panel's pages: within Discord's limits with the longest names and the most rules, and never out of date."""

import re
from dataclasses import replace
from typing import Any

import pytest

from bot.catalogue.picker import Picker
from bot.ledger.model import Fruitless, Grant, GrantStanding, Rule, Shipped, Standing, View, Who
from bot.ledger.rule_values import RULES
from bot.ledger.terms import terms
from bot.settings import DefaultSettings, MoneySettings
from bot.texts import setup_pages as pages
from bot.texts.button_ids import SETUP_LIST_TEMPLATE, SETUP_TEMPLATE
from bot.texts.can_do import Example, examples
from bot.texts.card import Button
from bot.texts.panel import (
    CHOICE_CHARS_MAX,
    CHOICES_MAX,
    COMPONENTS_MAX,
    PLACEHOLDER_CHARS_MAX,
    TEXT_CHARS_MAX,
    Entry,
    List,
    Panel,
    Text,
    component_count,
    controls,
    text_chars,
)
from bot.texts.setup_rules import FIELDS_MAX, ITEMS, PAGE_TITLES, Page

NOW = 1_795_000_000.0
BIG = 18446744073709551615
SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000, server_cap_microusd=10**12)
WINDOWS = ("day", "week", "month", "ever")
ALL: tuple[Page, ...] = (*PAGE_TITLES, "role", "member", "channel")
EXAMPLES = examples(Picker.of(MoneySettings(), DefaultSettings()))


def rules_of(subject: str) -> list[Rule]:
    """Return every amount that the subject can have."""
    kinds = {"server": ("budget", "allowance"), "role": ("budget", "allowance"), "channel": ("budget",)}
    names = kinds.get(subject.partition(":")[0], ("allowance",))
    return [Rule(subject, f"{kind}:{one}", 999_999_999_999) for kind in names for one in WINDOWS]


def full() -> list[Rule]:
    """Return as many and as long rules as a server can have of each kind."""
    names = [f"an-old-mode-of-{n}" for n in range(50)]
    fitting = {"ceiling": 999_999_999_999, "at_once": 1000, "modes": names, "resolutions": names}
    found = [
        *rules_of("server"),
        *(Rule("server", name, value) for name, value in fitting.items()),
        Rule("server", "paused", "@" * 500),
        Rule("server", "timezone", "America/Argentina/ComodRivadavia"),
        Rule("server", "approval", {"above_microusd": 10**12, "role_id": BIG, "wait_s": 2_591_999.0, "own": True}),
        Rule("server", "log_channel", BIG),
        Rule("server", "policy", "absorb"),
        Rule("server", "absorbed", 10**12),
        Rule("server", "pings", "channel"),
    ]
    for number in range(200):
        role, member, channel = f"role:{BIG - number}", f"member:{BIG - number}", f"channel:{BIG - number}"
        found += [*rules_of(role), *(Rule(role, name, value) for name, value in fitting.items())]
        found += [*rules_of(member), Rule(member, "blocked", "*" * 500), Rule(member, "raise", {"microusd": 10**12})]
        found += [*rules_of(channel), Rule(channel, "access", "allow" if number % 2 else "deny")]
    return found


def setup(rules: list[Rule], page: Page, **more: Any) -> pages.Setup:
    """Return what a page shows of these rules."""
    target = BIG if page in {"role", "member", "channel"} else 0
    who = Who(guild_id=1, channel_id=BIG, member_id=target if page == "member" else 0, role_ids=(BIG, BIG - 1, BIG - 2))
    said = terms(rules, who, now=NOW, shipped=SHIPPED)
    view = View(
        terms=said,
        standings=tuple(Standing(limit, limit.cap_microusd // 3, 10**11) for limit in said.limits),
        grants=tuple(
            GrantStanding(
                Grant(
                    id=str(n),
                    guild_id=1,
                    member_id=BIG,
                    amount_microusd=10**12,
                    expires_at=NOW,
                    reason="_" * 500,
                    actor_id=1,
                    at=NOW,
                ),
                0,
                1,
            )
            for n in range(20)
        ),
        fruitless=Fruitless(),
    )
    made = pages.Setup(name="*" * 100, rules=rules, view=view, target=target, examples=EXAMPLES)
    return replace(made, **more)


def check(panel: Panel) -> None:
    """Check Discord's limits."""
    assert component_count(panel) <= COMPONENTS_MAX
    assert text_chars(panel) <= TEXT_CHARS_MAX
    ids: list[str] = []
    for one in controls(panel):
        match one:
            case Button():
                ids.append(one.custom_id)
                assert 1 <= len(one.label) <= 80
            case List():
                ids.append(one.custom_id)
                assert len(one.placeholder) <= PLACEHOLDER_CHARS_MAX
                assert len(one.choices) <= CHOICES_MAX
                assert len(one.chosen) <= CHOICES_MAX
                assert bool(one.choices) == (one.kind == "words")
                assert all(len(choice.label) <= CHOICE_CHARS_MAX for choice in one.choices)
                assert sum(choice.chosen for choice in one.choices) <= one.most <= CHOICES_MAX
            case _:
                pass
    assert len(set(ids)) == len(ids)
    assert all(len(one) <= 100 for one in ids)


@pytest.mark.parametrize("page", ALL)
@pytest.mark.parametrize("rules", [[], full()], ids=["none", "full"])
def test_a_page_within_discords_limits(page: Page, rules: list[Rule]) -> None:
    """At most 40 components, 4,000 characters and 25 choices, also with the longest names and the most rules."""
    check(pages.setup_panel(setup(rules, page, notice="\n\n".join(["You set a rule: " + "x" * 300] * 10)), page))


@pytest.mark.parametrize("page", ALL)
def test_every_control_has_an_answer(page: Page) -> None:
    """Each button and list has an id that the cog knows."""
    for one in controls(pages.setup_panel(setup(full(), page), page)):
        if isinstance(one, Button):
            assert re.fullmatch(SETUP_TEMPLATE, one.custom_id), one.custom_id
        elif isinstance(one, List):
            assert re.fullmatch(SETUP_LIST_TEMPLATE, one.custom_id), one.custom_id


def test_every_rule_of_the_server_is_on_a_page() -> None:
    """Every rule that a server can have is shown by some page, so that none is changed unseen."""
    on_pages = {
        name
        for page in PAGE_TITLES
        if page != "template"
        for _, name, _ in pages.shown_rules([Rule("server", name, 1) for name in RULES["server"]], page, 0)
    }
    assert on_pages == set(RULES["server"])


def test_a_list_keeps_numbers_behind_their_name() -> None:
    """A role's or member's name in Arabic or Hebrew letters takes no number of its line with it."""
    said = [
        block.text for block in pages.setup_panel(setup(full(), "people"), "people").blocks if isinstance(block, Text)
    ]
    lines = [line for text in said for line in text.splitlines() if line.startswith("- <@")]
    assert lines
    assert all(re.match(r"- <@&?\d+>\u200e: ", line) for line in lines)


def test_forms_fit() -> None:
    """A form has at most five fields with the reason, whose labels and hints Discord takes."""
    for item in ITEMS:
        assert 1 <= len(item.fields) <= FIELDS_MAX
        assert all(len(field.label) <= 45 and len(field.hint) <= 100 for field in item.fields)


def test_a_page_knows_when_it_is_out_of_date() -> None:
    """A page's digest changes with every rule that it shows, and with no other."""
    before = [Rule("server", "ceiling", 1), Rule("role:5", "ceiling", 1)]
    other = [Rule("server", "ceiling", 2), Rule("role:5", "ceiling", 1)]
    assert pages.seen(before, "money", 0) != pages.seen(other, "money", 0)
    assert pages.seen(before, "role", 5) == pages.seen(other, "role", 5)
    assert pages.seen(before, "places", 0) == pages.seen(other, "places", 0)
    access = [*before, Rule("channel:9", "access", "deny")]
    assert pages.seen(before, "places", 0) != pages.seen(access, "places", 0)


def test_the_template_shows_what_it_sets() -> None:
    """The template names each rule with its old and new value, and only those that are not so already."""
    rules = [Rule("server", "budget:month", 50_000_000), Rule("server", "ceiling", 2_000_000)]
    panel = pages.setup_panel(setup(rules, "template"), "template")
    text = "\n".join(block.text for block in panel.blocks if isinstance(block, Text))
    assert "$2.00 → **$1.00**" in text
    assert "pool" not in text
    done = [Rule(one.subject, one.name, one.value) for one in pages.TEMPLATE]
    assert pages.new_of_template({one.name: one.value for one in done}) == ()


def words_of(panel: Panel) -> str:
    """Return the panel's texts."""
    return "\n".join(block.text for block in panel.blocks if isinstance(block, Text))


def test_the_template_counts_videos_by_the_prices_in_force() -> None:
    """How many videos the template pays for follows from the operator's prices; without one, nothing is said."""
    shown = words_of(pages.setup_panel(setup([], "template"), "template"))
    assert "Enough for about 66 Wan 2.7 image videos of 5 s in 1080p, or 100 in 720p." in shown
    dearer = (Example("m", "Wan", (("720p", 900_000), ("1080p", 2_000_000))),)
    shown = words_of(pages.setup_panel(setup([], "template", examples=dearer), "template"))
    assert "Enough for about 55 Wan videos of 5 s in 720p." in shown
    assert "Enough" not in words_of(pages.setup_panel(setup([], "template", examples=()), "template"))


def test_the_template_is_offered_until_it_is_set() -> None:
    """The overview leaves out the button that would change nothing."""
    done = [Rule(one.subject, one.name, one.value) for one in pages.TEMPLATE]
    labels = [
        [one.label for one in controls(pages.setup_panel(setup(rules, "home"), "home")) if isinstance(one, Button)]
        for rules in ([], done)
    ]
    assert ["Start with $50 a month" in one for one in labels] == [True, False]


def test_a_members_page_names_each_budgets_rule_once() -> None:
    """A pool that the admins set is not called after itself."""
    panel = pages.setup_panel(setup([Rule("server", "budget:month", 50_000_000)], "member"), "member")
    shown = words_of(panel)
    assert re.search(r"^- This server's pool this month: .* left · set by the admins$", shown, re.MULTILINE)
    assert re.search(r"^- Their allowance today: .* left · by Wanda's default$", shown, re.MULTILINE)


def test_a_member_without_a_video_has_none() -> None:
    """How many videos a member has going is told in words where it is none: nobody reads "have 0 now"."""
    panel = pages.setup_panel(setup([Rule("server", "at_once", 3)], "member"), "member")
    assert "They can have 3 videos going at once, and have none now." in words_of(panel)


def test_a_switch_says_on_or_off() -> None:
    """A switch of the content page does not repeat its title as its value."""
    for rules, said in (([], "Off"), ([Rule("server", "spoiler", "always")], "On")):
        entries = [
            one.text for one in pages.setup_panel(setup(rules, "content"), "content").blocks if isinstance(one, Entry)
        ]
        assert entries[0].split("\n")[:2] == ["**Every video is a spoiler**", said]
