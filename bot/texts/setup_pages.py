"""The pages of `/wanda-admin setup`: every rule with its value and what changes it."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.catalogue.registry import MODE_TITLES, MODES
from bot.ledger.model import Rule, View
from bot.ledger.rehearsal import Change
from bot.ledger.window_names import EACH_WINDOW
from bot.money import dollars
from bot.texts.button_ids import setup_button_id
from bot.texts.can_do import SECONDS, Example, can_do
from bot.texts.card import Button, Choice, join_within
from bot.texts.job_card import AMBER, BLUE
from bot.texts.panel import CHOICES_MAX, Block, Buttons, Divider, Entry, List, Panel, Text
from bot.texts.plain import before_amount, cut, plain, span
from bot.texts.quota import in_order, standing_lines
from bot.texts.rehearsal import proposal_buttons
from bot.texts.rules import PINGS, change_words, subject_words, value_words
from bot.texts.setup_rules import (
    ALLOWANCE,
    CONTENT,
    ITEMS,
    LIMITS,
    PAGE_TITLES,
    POOL,
    Page,
    RuleItem,
    Values,
    item_words,
)
from bot.units import counted

NOTICE_CHARS_MAX = 900
LIST_CHARS_MAX = 1100
POOLS_CHARS_MAX = 900
CHANNELS_CHARS_MAX = 240
NAMES_CHARS_MAX = 240
NAME_CHARS_MAX = 80
STALE = "Somebody changed these rules a moment ago, so nothing changed now. Here they are as they stand."
UNCHANGED = "It was like that already, so nothing changed."
# Sets only what these name; other rules stay.
TEMPLATE: tuple[Change, ...] = (
    Change(subject="server", name="budget:month", value=50_000_000),
    Change(subject="server", name="allowance:day", value=1_000_000),
    Change(subject="server", name="allowance:month", value=5_000_000),
    Change(subject="server", name="ceiling", value=1_000_000),
    Change(subject="server", name="at_once", value=1),
)
USUAL_ZONES = (
    "UTC",
    *("Europe/London", "Europe/Lisbon", "Europe/Berlin", "Europe/Madrid", "Europe/Kyiv", "Europe/Istanbul"),
    *("Africa/Lagos", "Africa/Johannesburg", "Asia/Dubai", "Asia/Kolkata", "Asia/Jakarta", "Asia/Shanghai"),
    *("Asia/Seoul", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland", "America/Sao_Paulo", "America/Bogota"),
    *("America/New_York", "America/Chicago", "America/Denver", "America/Mexico_City", "America/Los_Angeles"),
)
_SERVERS: Mapping[Page, frozenset[str]] = {
    "home": frozenset({"paused"}),
    "money": frozenset({"policy", "absorbed"}),
    "places": frozenset({"modes", "resolutions"}),
    "approval": frozenset({"approval"}),
    "log": frozenset({"log_channel", "pings"}),
    "timezone": frozenset({"timezone"}),
    "content": frozenset({"words", "prompt_log"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the panel shows: the server's rules, and the state that a job of nobody would meet, or of the member shown.

    `target` is the id of the role, member or channel whose page it is; `notice` says what the last press did. The
    `examples` are the prices of short videos, the usual mode's first.
    """

    name: str
    rules: Sequence[Rule]
    view: View
    target: int = 0
    notice: str = ""
    examples: Sequence[Example] = ()

    def of(self, subject: str) -> dict[str, Any]:
        """Return the subject's rules by name."""
        return {rule.name: rule.value for rule in self.rules if rule.subject == subject}

    @property
    def server(self) -> Values:
        """The server's own rules by name."""
        return self.of("server")


def subject_of(page: Page, target: int) -> str:
    """Return whose rules a page changes."""
    return f"{page}:{target}" if page in {"role", "member", "channel"} else "server"


def shown_rules(rules: Iterable[Rule], page: Page, target: int) -> list[tuple[str, str, Any]]:
    """Return the rules that a page shows, sorted."""
    subject = subject_of(page, target)
    names = _SERVERS.get(page, frozenset[str]()) | {
        field.name for item in ITEMS if item.page == page for field in item.fields
    }
    return sorted(
        (
            (rule.subject, rule.name, rule.value)
            for rule in rules
            if (rule.subject == subject and (subject != "server" or page == "template" or rule.name in names))
            or (page == "places" and rule.name == "access")
        ),
        key=lambda one: one[:2],
    )


def seen(rules: Iterable[Rule], page: Page, target: int) -> str:
    """Return a digest of the rules that a page shows: with another one, the page is out of date."""
    told = json.dumps(shown_rules(rules, page, target), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def setup_panel(setup: Setup, page: Page) -> Panel:
    """Return the page."""
    ids = _Ids(setup, page)
    blocks = list(_PAGES[page](setup, ids))
    if page != "home":
        blocks += [Divider(), _nav(page, ids)]
    return Panel(blocks, AMBER if "paused" in setup.server else BLUE)


def question_panel(asked: str, proposal_id: str) -> Panel:
    """Return the question whether to set what would have refused past videos."""
    return Panel((Text(f"## Set this rule?\n{asked}"), Buttons(proposal_buttons(proposal_id))), AMBER)


class _Ids:
    """The custom ids of a page's buttons and lists."""

    def __init__(self, setup: Setup, page: Page) -> None:
        self._page = f"{page}.{setup.target}" if setup.target else page
        self._seen = seen(setup.rules, page, setup.target)
        self.is_servers = not setup.target

    def __call__(self, action: str, arg: str = "") -> str:
        return setup_button_id(action, self._page, arg, self._seen)

    def change(self, arg: str, label: str = "Change") -> Button:
        """Return a button that opens a form."""
        return Button(label, "secondary", self("form", arg))


def _title(setup: Setup, title: str, note: str = "") -> Text:
    notice = f"{_notice(setup)}\n" if setup.notice else ""
    below = f"\n-# {note}" if note else ""
    return Text(f"{notice}## {title}{below}")


def _notice(setup: Setup) -> str:
    """Return what the last press did; of many changes only what was changed, as the page shows the rest."""
    parts = setup.notice.split("\n\n")
    lines = [part.partition("\n")[0] for part in parts] if len(parts) > 1 else setup.notice.split("\n")
    return join_within(lines, NOTICE_CHARS_MAX)


def _nav(page: Page, ids: _Ids) -> List:
    choices = tuple(Choice(title, name, chosen=name == page) for name, title in PAGE_TITLES.items())
    return List(custom_id=ids("nav"), placeholder="Go to another page", choices=choices)


def _home(setup: Setup, ids: _Ids) -> Iterable[Block]:
    own = setup.server
    yield _title(
        setup, f"Wanda in {plain(setup.name, NAME_CHARS_MAX)}", "Only you see this. A change holds from now on."
    )
    for page, text in (
        ("money", f"**Money**\n{_money(setup)}"),
        ("people", f"**People**\n{_people(setup)}"),
        ("places", f"**Modes and channels**\n{_places(setup)}"),
        ("approval", f"**Approval**\n{_approval(own)}"),
        ("log", f"**Warnings and log**\n{_log(own)}"),
        ("timezone", f"**Time zone**\n{setup.view.terms.timezone.value}"),
        ("content", f"**Content**\n{_content(own)}"),
    ):
        yield Entry(text, Button("Change", "secondary", ids("go", page)))
    if "paused" in own:
        yield Entry(
            f"**Paused**\n{value_words('paused', own['paused'])}", Button("Resume", "success", ids("clear", "paused"))
        )
    else:
        yield Entry("**Open**\nMembers can order videos.", Button("Pause", "danger", ids("form", "pause")))
    yield Divider()
    if new_of_template(own):
        yield Buttons((Button(PAGE_TITLES["template"], "success", ids("go", "template")),))
    yield List(custom_id=ids("open", "member"), placeholder="What can a member do now?", kind="members")


def _money(setup: Setup) -> str:
    limits = item_words(LIMITS, setup.server, "any price, any number at once")
    return f"Pool: {_pool(setup)}\nEach member: {_allowance(setup)}\nOne video: {limits}"


def _pool(setup: Setup) -> str:
    shipped = next((one.limit for one in setup.view.standings if one.limit.whose == "server"), None)
    otherwise = (
        "no limit" if shipped is None else f"{_each(shipped.cap_microusd, shipped.window.kind)} (Wanda's default)"
    )
    return item_words(POOL, setup.server, otherwise)


def _allowance(setup: Setup) -> str:
    own = [one for one in setup.view.terms.limits if one.whose == "member" and one.source.setter == "shipped"]
    otherwise = f"{_each(own[0].cap_microusd, own[0].window.kind)} (Wanda's default)" if own else "no limit"
    return item_words(ALLOWANCE, setup.server, otherwise)


def _each(microusd: int, window: str) -> str:
    return f"{dollars(microusd)} {EACH_WINDOW[window].removeprefix('for ')}"


def _people(setup: Setup) -> str:
    kinds = {
        kind: len({rule.subject for rule in setup.rules if rule.subject.startswith(f"{kind}:")})
        for kind in ("role", "member")
    }
    said = [counted(number, kind) for kind, number in kinds.items() if number]
    return f"{' and '.join(said)} with rules of their own" if said else "Everybody has the same rules"


def _places(setup: Setup) -> str:
    own = setup.server
    return f"Modes: {_names('modes', own)}\nResolutions: {_names('resolutions', own)}\nChannels: {_channels(setup)}"


def _names(name: str, own: Values) -> str:
    return cut(value_words(name, own[name]), NAMES_CHARS_MAX) if name in own else "all"


def _channels(setup: Setup) -> str:
    allowed, denied = (_with_access(setup, access) for access in ("allow", "deny"))
    said = [f"only {_mentions(allowed)}"] if allowed else []
    said += [f"never {_mentions(denied)}"] if denied else []
    return ", ".join(said) or "all"


def _with_access(setup: Setup, access: str) -> list[int]:
    return [
        int(rule.subject.partition(":")[2]) for rule in setup.rules if rule.name == "access" and rule.value == access
    ]


def _mentions(channel_ids: Sequence[int]) -> str:
    shown = [f"<#{one}>" for one in channel_ids]
    room = CHANNELS_CHARS_MAX // len("<#18446744073709551615> ")
    more = f" and {len(shown) - room:,} more" if len(shown) > room else ""
    return f"{' '.join(shown[:room])}{more}"


def _approval(own: Values) -> str:
    rule = own.get("approval")
    if rule is None:
        return "No video waits"
    whom = f"<@&{rule['role_id']}> or an admin" if rule.get("role_id") else "an admin"
    theirs = ", also to their own" if rule.get("own") else ""
    above = f"Above {dollars(int(rule['above_microusd']))}" if rule["above_microusd"] else "Always"
    return f"{above}, a video waits up to {span(float(rule['wait_s']))} until {whom} says yes{theirs}"


def _log(own: Values) -> str:
    if "log_channel" not in own:
        return "Changes, approvals and warnings aren't posted anywhere"
    return f"Changes, approvals and warnings are posted in {value_words('log_channel', own['log_channel'])}"


def _content(own: Values) -> str:
    said = [item.title for item in CONTENT if item.is_on(own)]
    said += [title for name, title in (("words", "Refused words"), ("prompt_log", "Prompt log")) if name in own]
    return ", ".join(said) or "No rules"


def _entries(items: Iterable[RuleItem], values: Values, ids: _Ids, shown: Mapping[str, str]) -> Iterable[Block]:
    for item in items:
        note = f"\n-# {item.note}" if item.note and ids.is_servers else ""
        is_on = item.is_switch and item.is_on(values)
        said = "On" if is_on else item_words(item, values, shown.get(item.key, "Not set"))
        text = f"**{item.title}**\n{said[:1].upper()}{said[1:]}{note}"
        if item.is_switch:
            yield Entry(text, Button("Turn off" if is_on else "Turn on", "secondary", ids("switch", item.key)))
        else:
            yield Entry(text, ids.change(item.key))


def _money_page(setup: Setup, ids: _Ids) -> Iterable[Block]:
    own = setup.server
    yield _title(setup, "Money", "A video has to fit every budget that applies.")
    pools = [standing_lines(one) for one in in_order(setup.view.standings) if one.limit.whose in {"server", "cap"}]
    yield Text(join_within(pools, POOLS_CHARS_MAX))
    limits = item_words(LIMITS, own, "Any price, any number at once")
    shown = {"pool": _pool(setup), "allowance": _allowance(setup), "limits": limits}
    yield from _entries((POOL, ALLOWANCE, LIMITS), own, ids, shown)
    terms = setup.view.terms
    payer = value_words("policy", terms.policy.value)
    bound = f", up to {dollars(terms.absorbed_daily_microusd.value)} for each member in 24 h"
    absorbs = terms.policy.value == "absorb"
    yield Entry(f"**Failed videos**\nPaid by {payer}{bound if absorbs else ''}", ids.change("failed"))


def _people_page(setup: Setup, ids: _Ids) -> Iterable[Block]:
    yield _title(setup, "People", "A member's own rules go before their roles', and those before everybody's.")
    for kind, title in (("role", "Roles"), ("member", "Members")):
        lines = list(_subject_lines(setup, kind))
        yield Text(f"**{title} with rules of their own**\n{join_within(lines, LIST_CHARS_MAX) if lines else 'None'}")
    yield List(custom_id=ids("open", "role"), placeholder="Choose a role", kind="roles")
    yield List(custom_id=ids("open", "member"), placeholder="Choose a member", kind="members")


def _subject_lines(setup: Setup, kind: str) -> Iterable[str]:
    for subject in sorted({rule.subject for rule in setup.rules if rule.subject.startswith(f"{kind}:")}):
        own = setup.of(subject)
        items = [words for item in (ALLOWANCE, POOL, LIMITS) if (words := _prefixed(item, own))]
        items += [
            f"{title} {cut(value_words(name, own[name]), NAMES_CHARS_MAX)}"
            for name, title in (("modes", "only"), ("resolutions", "only"), ("raise", "for a while"))
            if name in own
        ]
        items += ["blocked"] if "blocked" in own else []
        if items:
            yield f"- {before_amount(subject_words(subject))}: {' · '.join(items)}"


def _prefixed(item: RuleItem, own: Values) -> str:
    words = item_words(item, own, "")
    return f"{item.title.lower()} {words}" if words and item is not LIMITS else words


def _role_page(setup: Setup, ids: _Ids) -> Iterable[Block]:
    own = setup.of(f"role:{setup.target}")
    yield _title(setup, f"The role <@&{setup.target}>", "Of several roles of a member, the best one counts.")
    shown = {"pool": "Draws on the server's pool", "allowance": "As everybody's", "limits": "As everybody's"}
    yield from _entries((ALLOWANCE, POOL, LIMITS), own, ids, shown)
    yield from _mode_lists(own, ids)
    yield from _entries([item for item in CONTENT if "role" in item.subjects], own, ids, {})
    if own:
        yield Buttons((Button("Remove all its rules", "danger", ids("clear", "everything")),))


def _member_page(setup: Setup, ids: _Ids) -> Iterable[Block]:
    own = setup.of(f"member:{setup.target}")
    if setup.notice:
        yield Text(_notice(setup))
    yield Text(can_do(setup.view, setup.examples))
    yield from _entries((ALLOWANCE,), own, ids, {"allowance": "None of their own"})
    block = (
        Button("Unblock", "success", ids("clear", "blocked"))
        if "blocked" in own
        else Button("Block", "danger", ids("form", "block"))
    )
    yield Buttons(
        (ids.change("grant", "Grant"), ids.change("raise", "Raise"), Button("Reset", "secondary", ids("reset")), block)
    )


def _channel_page(setup: Setup, ids: _Ids) -> Iterable[Block]:
    own = setup.of(f"channel:{setup.target}")
    yield _title(setup, f"The channel <#{setup.target}>", "Its threads follow it.")
    access = own.get("access")
    yield Text(
        f"**Videos here**\n{'No rule of its own' if access is None else value_words('access', access).capitalize()}"
    )
    yield Buttons(
        tuple(
            Button(label, "secondary", ids("access", value), disabled=access == (value if value != "none" else None))
            for value, label in (("allow", "Allow"), ("deny", "Deny"), ("none", "No rule"))
        )
    )
    yield from _entries((POOL,), own, ids, {"pool": "Draws on the server's pool"})


def _places_page(setup: Setup, ids: _Ids) -> Iterable[Block]:
    own = setup.server
    yield _title(
        setup, "Modes and channels", "Choose what's allowed. As soon as one channel is, the others are closed."
    )
    yield from _mode_lists(own, ids)
    for access, title in (("allow", "Videos only in"), ("deny", "Never in")):
        chosen = _with_access(setup, access)
        yield Text(f"**{title}**: {_mentions(chosen) if chosen else 'no channel chosen'}")
        if len(chosen) <= CHOICES_MAX:
            yield List(
                custom_id=ids("pick", access),
                placeholder=f"{title} …",
                kind="channels",
                chosen=chosen,
                least=0,
                most=CHOICES_MAX,
            )
    yield List(custom_id=ids("open", "channel"), placeholder="A channel's own pool", kind="channels")


def _mode_lists(own: Values, ids: _Ids) -> Iterable[Block]:
    for name, title, known in (
        ("modes", "Modes", [(mode.id, MODE_TITLES[mode.id]) for mode in MODES]),
        ("resolutions", "Resolutions", [(size, size) for size in _sizes()]),
    ):
        allowed: Sequence[str] = own.get(name, [value for value, _ in known])
        yield Text(f"**{title}**: {_names(name, own)}")
        yield List(
            custom_id=ids("pick", name),
            placeholder=f"No {title.lower()}",
            choices=tuple(Choice(label, value, chosen=value in allowed) for value, label in known[:CHOICES_MAX]),
            least=1,
            most=min(len(known), CHOICES_MAX),
        )


def _sizes() -> list[str]:
    names = {name for mode in MODES for name in mode.rates.microusd}
    return sorted(names, key=lambda name: (len(name), name))


def _approval_page(setup: Setup, ids: _Ids) -> Iterable[Block]:
    own = setup.server
    yield _title(setup, "Approval", "A video that waits holds its money. Without an answer in time it's given back.")
    yield Entry(f"**What waits**\n{_approval(own)}", ids.change("approval"))
    if "approval" in own:
        yield Buttons((Button("Turn off", "danger", ids("clear", "approval")),))


def _log_page(setup: Setup, ids: _Ids) -> Iterable[Block]:
    own = setup.server
    yield _title(setup, "Warnings and log", "Warnings come when half, 80 % and 95 % of a pool are used.")
    yield Text(_log(own))
    chosen = [int(own["log_channel"])] if "log_channel" in own else []
    yield List(custom_id=ids("pick", "log"), placeholder="Choose the log channel", kind="channels", chosen=chosen)
    pings = own.get("pings", "channel")
    yield Text(f"**Members hear of their videos**: {PINGS[pings]}\n-# Each can choose for themselves in `/settings`.")
    choices = tuple(Choice(label, value, chosen=value == pings) for value, label in PINGS.items())
    yield List(custom_id=ids("pick", "pings"), placeholder="How members hear of their videos", choices=choices)
    if chosen:
        yield Buttons((Button("No log channel", "danger", ids("clear", "log_channel")),))


def _timezone_page(setup: Setup, ids: _Ids) -> Iterable[Block]:
    now = setup.view.terms.timezone.value
    yield _title(setup, "Time zone", "Days, weeks and months begin at midnight there.")
    yield Entry(f"**Now**\n{now}", ids.change("zone", "Another city"))
    choices = tuple(Choice(zone.replace("_", " "), zone, chosen=zone == now) for zone in USUAL_ZONES)
    yield List(custom_id=ids("pick", "zone"), placeholder="Choose a city near you", choices=choices)


def _content_page(setup: Setup, ids: _Ids) -> Iterable[Block]:
    yield _title(setup, "Content", "These hold for every way to order a video.")
    yield from _entries(CONTENT, setup.server, ids, {item.key: "Off" for item in CONTENT if item.is_switch})
    own = setup.server
    refused = value_words("words", own["words"]) if "words" in own else "none"
    yield Text(f"**Refused words**: {refused}\n-# `/wanda-admin content words` changes them.")
    logged = f"in {value_words('prompt_log', own['prompt_log'])}" if "prompt_log" in own else "nowhere"
    yield Text(f"**Prompts are logged** {logged}\n-# `/wanda-admin content prompt-log` chooses a channel.")


def _template_page(setup: Setup, ids: _Ids) -> Iterable[Block]:
    own = setup.server
    changes = new_of_template(own)
    yield _title(setup, "A server on $50 a month", _enough(setup.examples))
    if not changes:
        yield Text("These rules are set already.")
        return
    lines = [
        f"- {words.removeprefix('set ')}"
        for one in changes
        for words in (change_words(one.subject, one.name, own.get(one.name), one.value),)
    ]
    yield Text(
        "\n".join(["This sets:", *lines, "Everything else stays as it is. You can change each of them afterwards."])
    )
    yield Buttons((Button("Set these", "success", ids("apply")), Button("Back", "secondary", ids("go", "home"))))


def _enough(examples: Sequence[Example]) -> str:
    """Return how many short videos of the first mode the template's pool pays for, the dearest first; "" for none."""
    if not examples:
        return ""
    values = {one.name: one.value for one in TEMPLATE}
    fitting = [(size, price) for size, price in reversed(examples[0].prices) if 0 < price <= values["ceiling"]]
    counts = {values["budget:month"] // price: size for size, price in fitting}
    said = [f"{count:,}{{}} in {size}" for count, size in counts.items()]
    of_which = [f" {examples[0].title} videos of {SECONDS} s", *[""] * len(said)]
    told = ", or ".join(one.format(what) for one, what in zip(said, of_which, strict=False))
    return f"Enough for about {told}." if told else ""


def new_of_template(own: Values) -> tuple[Change, ...]:
    """Return the changes of the template that the server's rules do not have yet."""
    return tuple(one for one in TEMPLATE if own.get(one.name) != one.value)


_PAGES: Mapping[Page, Callable[[Setup, _Ids], Iterable[Block]]] = {
    "home": _home,
    "money": _money_page,
    "people": _people_page,
    "places": _places_page,
    "approval": _approval_page,
    "log": _log_page,
    "timezone": _timezone_page,
    "content": _content_page,
    "template": _template_page,
    "role": _role_page,
    "member": _member_page,
    "channel": _channel_page,
}
