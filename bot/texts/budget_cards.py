"""The cards of `/wanda-admin budget show`: the limits of a member or of the server, and the rule behind each."""

from collections.abc import Iterable, Sequence
from typing import Any

from bot.ledger.model import Rule, Ruled, Terms, View
from bot.ledger.rule_values import CONFIRM_ABOVE
from bot.ledger.window_names import EACH_WINDOW
from bot.money import dollars
from bot.texts.card import AMBER, BLUE, DESCRIPTION_CHARS_MAX, FIELD_CHARS_MAX, RED, Card, Field, join_within
from bot.texts.plain import before_amount, plain
from bot.texts.quota import grant_line, in_order, reach, standing_lines
from bot.texts.rules import REASON_CHARS_MAX, subject_words, value_words

BETWEEN = "\n\n"
POOLS_CHARS_MAX = 1500  # the rest of a panel's 6,000 characters is for who has rules of their own
_ORDER = ("budget", "allowance", "ceiling", "at_once", "modes", "resolutions")
_SETTINGS = ("timezone", "policy", "absorbed", "approval", "log_channel", "pings")
_CONTENT = {
    "safety": ("fal's safety check", "always on"),
    "spoiler": ("Hidden as spoilers", "those made from spoilers"),
    "age": ("Videos", "in every channel"),
    "words": ("Refused words", "none"),
    "prompt_log": ("Prompt log", "none"),
}
_SHIPPED_SETTINGS = {
    "timezone": "UTC",
    "policy": "the server, not the member",
    "approval": "none",
    "log_channel": "none",
    "pings": "a ping in the channel",
}


def member_card(view: View) -> Card:
    """Return the card with all limits of one member, each with the rule that sets it."""
    terms = view.terms
    parts = [f"What <@{terms.who.member_id}> can spend in <#{terms.who.channel_id}>, and which rule decides it."]
    parts += [standing_lines(one, mine=False, with_source=True) for one in in_order(view.standings)]
    parts += [grant_line(one) for one in view.grants]
    bound = reach(view)
    if bound is not None:
        parts.append(f"So they can spend **{dollars(bound.microusd)}** now.")
    return Card(
        title="Limits and where they come from",
        description=join_within(parts, DESCRIPTION_CHARS_MAX, between="\n\n"),
        fields=tuple(Field(name, value, inline=False) for name, value in _member_fields(view)),
        colour=RED if terms.blocked or terms.paused or terms.channel_closed else BLUE,
        footer=f"Times are in {terms.timezone.value}, by {terms.timezone.source.to_others}",
    )


def _member_fields(view: View) -> Iterable[tuple[str, str]]:
    terms = view.terms
    stopped = [
        f"{what}: “{plain(said.value, REASON_CHARS_MAX)}”"
        for what, said in (("Blocked", terms.blocked), ("Paused", terms.paused))
        if said is not None
    ]
    if terms.channel_closed is not None:
        stopped.append(f"No videos in <#{terms.who.channel_id}>: {terms.channel_closed.source.to_others}")
    if not terms.server_allowed:
        stopped.append("Whoever runs Wanda hasn't turned Wanda on here")
    if stopped:
        yield "Stopped", join_within(stopped, FIELD_CHARS_MAX)
    yield (
        "Also",
        join_within(
            [
                _line("One video can cost up to", "ceiling", terms.ceiling_microusd, "whatever the budgets allow"),
                _line("Videos at once", "at_once", terms.at_once, "any number"),
                _line("Modes", "modes", terms.modes, "all"),
                _line("Resolutions", "resolutions", terms.resolutions, "all"),
                _line("Asked first above", CONFIRM_ABOVE, terms.confirm_above_microusd, ""),
                _absorbed_line(view),
            ],
            FIELD_CHARS_MAX,
        ),
    )


def _absorbed_line(view: View) -> str:
    bound = view.terms.absorbed_daily_microusd
    used = f"{dollars(view.fruitless.absorbed_microusd)} of " if view.fruitless.absorbed_microusd else "up to "
    return f"Failed videos the server pays in 24 h: {used}**{dollars(bound.value)}**, by {bound.source.to_others}"


def _line(title: str, name: str, said: Ruled[Any] | None, otherwise: str) -> str:
    if said is None:
        return f"{title}: **{otherwise}**"
    value = sorted(said.value) if name in {"modes", "resolutions"} else said.value
    return f"{title}: **{value_words(name, value)}**, by {said.source.to_others}"


def server_card(view: View, rules: Sequence[Rule], *, name: str) -> Card:
    """Return the card with the server's rules and pools, and the rules of its roles, channels and members."""
    terms = view.terms
    pools = [
        standing_lines(one, with_source=True)
        for one in in_order(view.standings)
        if one.limit.whose in {"server", "cap"}
    ]
    own = {rule.name: rule.value for rule in rules if rule.subject == "server"}
    fields = [
        Field("Each member, by default", _defaults(own, terms), inline=False),
        Field("Settings", "\n".join(_setting(name, own, terms) for name in _SETTINGS), inline=False),
        Field("Content", "\n".join(_content(name, own) for name in _CONTENT), inline=False),
    ]
    for title, kind in (("Roles", "role"), ("Channels", "channel"), ("Members", "member")):
        lines = _of_subjects(rules, kind)
        if lines:
            fields.append(Field(title, join_within(lines, FIELD_CHARS_MAX), inline=False))
    paused = f"**Paused**: “{plain(str(own['paused']), REASON_CHARS_MAX)}”\n\n" if "paused" in own else ""
    return Card(
        title=f"Budgets of {plain(name, 80)}",
        description=f"{paused}{join_within(pools, POOLS_CHARS_MAX, between=BETWEEN)}",
        fields=tuple(fields),
        colour=AMBER if paused else BLUE,
        footer="Choose a member to see their limits and where they come from",
    )


def _defaults(own: dict[str, Any], terms: Terms) -> str:
    lines = [
        f"{_short(name)}: **{value_words(name, value)}**"
        for name, value in sorted(own.items(), key=lambda item: _rank(item[0]))
        if name.partition(":")[0] in _ORDER and not name.startswith("budget")
    ]
    if not any(name.startswith("allowance") for name in own):
        shipped = next((one for one in terms.limits if one.whose == "member"), None)
        if shipped is not None:
            lines.insert(
                0, f"{_short('allowance:day')}: **{dollars(shipped.cap_microusd)}**, by {shipped.source.to_others}"
            )
    return "\n".join(lines) or "No rule."


def _setting(name: str, own: dict[str, Any], terms: Terms) -> str:
    shipped = dollars(terms.absorbed_daily_microusd.value) if name == "absorbed" else _SHIPPED_SETTINGS[name]
    value = value_words(name, own[name]) if name in own else _by_default(shipped)
    title = {
        "timezone": "Time zone",
        "policy": "Who pays when a video fails",
        "absorbed": "At most per member in 24 h",
        "approval": "Approval",
        "pings": "Members hear of their videos by",
    }.get(name, "Log channel")
    return f"{title}: {value}"


def _content(name: str, own: dict[str, Any]) -> str:
    title, shipped = _CONTENT[name]
    return f"{title}: {value_words(name, own[name]) if name in own else _by_default(shipped)}"


def _by_default(value: str) -> str:
    return f"{value} (Wanda's default)"


def _of_subjects(rules: Sequence[Rule], kind: str) -> list[str]:
    """Return one line per role, channel or member that has rules."""
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.subject.startswith(f"{kind}:"):
            found.setdefault(rule.subject, []).append(rule)
    return [
        f"{before_amount(subject_words(subject))}: "
        + ", ".join(
            f"{_short(rule.name)} **{value_words(rule.name, rule.value)}**{_until(rule)}" for rule in _sort_rules(of)
        )
        for subject, of in sorted(found.items())
    ]


def _sort_rules(rules: Iterable[Rule]) -> list[Rule]:
    return sorted(rules, key=lambda rule: _rank(rule.name))


def _rank(name: str) -> tuple[int, str]:
    kind = name.partition(":")[0]
    return (_ORDER.index(kind) if kind in _ORDER else len(_ORDER), name)


def _short(name: str) -> str:
    """Return the name of a rule without its subject: "pool for each month"."""
    kind, _, window = name.partition(":")
    words = {"budget": "pool", "at_once": "videos at once", "ceiling": "one video up to", "access": "videos"}
    each = f" {EACH_WINDOW[window]}" if window in EACH_WINDOW else ""
    return f"{words.get(kind, kind)}{each}"


def _until(rule: Rule) -> str:
    return f" until <t:{int(rule.expires_at)}:f>" if rule.expires_at is not None else ""
