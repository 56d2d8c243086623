"""The panels, the report and the waiting list of `make look`, as those who manage a server see them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.cards.embeds import to_embed
from bot.cards.panels import to_layout
from bot.catalogue.picker import Picker
from bot.charts import data
from bot.charts.model import Chart
from bot.ledger.model import DaySpend, Limit, MemberSpend, Rule, Shipped, Source, Standing, View, Who
from bot.ledger.rehearsal import Affected, Change, Rehearsal
from bot.ledger.terms import terms
from bot.ledger.windows import window
from bot.settings import DefaultSettings, MoneySettings
from bot.texts.can_do import examples
from bot.texts.panel import Panel
from bot.texts.rehearsal import question
from bot.texts.report import Report, report_card
from bot.texts.setup_pages import TEMPLATE, Setup, question_panel, setup_panel
from bot.texts.setup_rules import PAGE_TITLES, Page
from sandbox.message_page import Message

NOW = 1_795_000_000.0
ZONE = ZoneInfo("Europe/Berlin")
ROLE, CHANNEL, MEMBER = 77, 20, 51
SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)
GROWN: tuple[Rule, ...] = (
    *(Rule(one.subject, one.name, one.value) for one in TEMPLATE),
    Rule("server", "timezone", ZONE.key),
    Rule("server", "log_channel", CHANNEL),
    Rule("server", "approval", {"above_microusd": 800_000, "role_id": ROLE, "wait_s": 43_200.0, "own": False}),
    Rule("server", "spoiler", "always"),
    Rule("server", "words", ["gore", "dead body"]),
    Rule("server", "modes", ["wan27-image", "wan21-image"]),
    Rule(f"role:{ROLE}", "allowance:month", 15_000_000),
    Rule(f"role:{ROLE}", "at_once", 3),
    Rule(f"member:{MEMBER}", "allowance:day", 2_500_000),
    Rule(f"channel:{CHANNEL}", "access", "allow"),
)
PAGES: tuple[Page, ...] = (*PAGE_TITLES, "role", "member", "channel")
TARGETS: Mapping[Page, int] = {"role": ROLE, "member": MEMBER, "channel": CHANNEL}
SPENT = (("wan27-image", 750_000), ("wan21-image", 400_000), ("wan25-image", 500_000))
CHANGES = (Change(subject="server", name="ceiling", value=500_000),)
REHEARSED = Rehearsal(
    since=NOW - 30 * 86_400, refused=Affected(12, 9_400_000, 3), waiting=Affected(jobs=0, microusd=0, members=0)
)


def panel_message(panel: Panel) -> Message:
    """Return the panel as a private message; must be called in a running event loop."""
    head = {"id": "30", "author": "Wanda", "created_at": "2026-11-18T10:26:40+00:00", "ephemeral_for": "admin"}
    return {**head, "flags": 1 << 15, "components": to_layout(panel).to_components()}


def setup_page(page: Page, rules: Sequence[Rule]) -> Panel:
    """Return a page of the setup panel of a server with these rules."""
    member = MEMBER if page == "member" else 0
    said = terms(rules, Who(guild_id=10, channel_id=CHANNEL, member_id=member), now=NOW, shipped=SHIPPED)
    standings = tuple(Standing(one, 0, min(one.cap_microusd, 600_000)) for one in said.limits)
    priced = examples(Picker.of(MoneySettings(), DefaultSettings()))
    view = View(terms=said, standings=standings)
    return setup_panel(Setup(name="Studio", rules=rules, view=view, target=TARGETS.get(page, 0), examples=priced), page)


def rehearsal() -> Panel:
    """Return the question before a rule is set that would have refused past videos."""
    return question_panel(question(REHEARSED, CHANGES, (1_000_000,), days=30, is_cut=False), "0" * 32)


def a_report() -> Report:
    """Return a month in which three modes were used, on most days, by four members."""
    first = data.Days.last(30, now=NOW, tz=ZONE).days[0]
    days = [
        DaySpend(
            day=(first + timedelta(days=day)).isoformat(), mode=mode, spent_microusd=price * (day % 4), jobs=day % 4
        )
        for day in range(30)
        for mode, price in SPENT[: 1 + day % 3]
        if day % 4
    ]
    total = sum(one.spent_microusd for one in days)
    pool = Limit("server:10", window("month", ZONE, NOW), 50_000_000, Source.of("server", "this server's pool"))
    top = [MemberSpend(member_id=50 + n, spent_microusd=total // (2 << n), jobs=20 >> n) for n in range(4)]
    standing = Standing(pool, 750_000, 21_000_000)
    return Report(days=30, by_day=tuple(days), top=tuple(top), pools=(standing,), now=NOW, tz=ZONE)


def report_charts() -> Mapping[str, Chart]:
    """Return the report's charts by file name."""
    report, pool = a_report(), a_report().pools[0]
    hours = [(pool.limit.window.starts_at + n * 36_000, pool.spent_microusd // 40) for n in range(40)]
    return data.report_charts(report, [hours], {50: "maker", 51: "friend", 52: "نور", 53: "小林 🎬"})


def report_message(report: Report, charts: Sequence[str]) -> Message:
    """Return the report with these charts, each in an embed of its own."""
    head = {"id": "30", "author": "Wanda", "created_at": "2026-11-18T10:26:40+00:00", "ephemeral_for": "admin"}
    embed: dict[str, Any] = dict(to_embed(report_card(report)).to_dict())
    first, *others = [{"image": {"url": f"attachment://{name}"}} for name in charts] or [{}]
    return {**head, "embeds": [{**embed, **first}, *({"color": embed.get("color"), **one} for one in others)]}


def empty_report() -> Report:
    """Return the report of a server that spent nothing."""
    report = a_report()
    pools = tuple(replace(one, held_microusd=0, spent_microusd=0) for one in report.pools)
    return replace(report, by_day=(), top=(), pools=pools)
