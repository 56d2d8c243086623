"""The rules of the setup panel: one registry, in which each rule stands once, with its page and its form.

A rule added here is listed, changed, rehearsed, logged and audited like all others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from bot.ledger.model import WINDOW_KINDS
from bot.texts.rules import value_words

Page: TypeAlias = Literal[
    "home",
    "money",
    "people",
    "places",
    "approval",
    "log",
    "timezone",
    "content",
    "template",
    "role",
    "member",
    "channel",
]
FieldKind: TypeAlias = Literal["amount", "count", "text", "names"]
Values: TypeAlias = Mapping[str, Any]  # of one subject, by the rule's name
FIELDS_MAX = 4  # of a form's five, because the last one is the reason

PAGE_TITLES: Mapping[Page, str] = {
    "home": "Overview",
    "money": "Money",
    "people": "People",
    "places": "Modes and channels",
    "approval": "Approval",
    "log": "Warnings and log",
    "timezone": "Time zone",
    "content": "Content",
    "template": "Start with $50 a month",
}


@dataclass(frozen=True, slots=True)
class RuleField:
    """One rule as a field of a form; `label` is at most 45 characters and `hint` 100."""

    name: str
    label: str
    hint: str
    kind: FieldKind = "amount"


@dataclass(frozen=True, slots=True)
class RuleItem:
    """Rules that are shown and changed together.

    `page` is where the server's own stand; roles, members and channels have pages of their own. A switch has one field
    and no form: a press sets it to `on` or takes it back.
    """

    key: str
    page: Page
    title: str
    fields: tuple[RuleField, ...]
    subjects: frozenset[str] = frozenset({"server"})
    note: str = ""
    is_switch: bool = False
    on: Any = True

    def is_on(self, values: Values) -> bool:
        """Return whether the switch is on."""
        return values.get(self.fields[0].name) == self.on


_EACH = {"day": "Each day", "week": "Each week", "month": "Each month", "ever": "In all, never renewed"}


def _windows(kind: str) -> tuple[RuleField, ...]:
    return tuple(
        RuleField(f"{kind}:{one}", f"{_EACH[one]} ($)", "50 or 12.50; empty for no limit") for one in WINDOW_KINDS
    )


POOL = RuleItem(
    "pool",
    "money",
    "Pool",
    _windows("budget"),
    frozenset({"server", "role", "channel"}),
    "What everybody spends together.",
)
ALLOWANCE = RuleItem(
    "allowance",
    "money",
    "Allowance",
    _windows("allowance"),
    frozenset({"server", "role", "member"}),
    "What each member may spend of the pool.",
)
LIMITS = RuleItem(
    "limits",
    "money",
    "One video",
    (
        RuleField("ceiling", "Most for one video ($)", "1 or 0.75; empty for no limit"),
        RuleField("at_once", "Videos at once for each member", "A whole number; empty for no limit", "count"),
    ),
    frozenset({"server", "role"}),
)


# Rules about what may be asked for and how it is shown. Each is one entry.
def _switch(name: str, title: str, on: str, note: str) -> RuleItem:
    return RuleItem(name, "content", title, (RuleField(name, title, ""),), note=note, is_switch=True, on=on)


CONTENT: tuple[RuleItem, ...] = (
    _switch("spoiler", "Every video is a spoiler", "always", "Hidden until somebody clicks it."),
    _switch("age", "Age-restricted channels only", "restricted", "Also in their threads; elsewhere no video is made."),
    _switch(
        "safety", "Members may switch fal's safety check off", "members", "While this is off, fal checks every video."
    ),
)

ITEMS: tuple[RuleItem, ...] = (POOL, ALLOWANCE, LIMITS, *CONTENT)
BY_KEY: Mapping[str, RuleItem] = {item.key: item for item in ITEMS}


def field_words(field: RuleField, values: Values) -> str:
    """Return a field's value: "$50.00 each month", or "" if there is none."""
    value = values.get(field.name)
    if value is None:
        return ""
    said = value_words(field.name, value)
    window = field.name.partition(":")[2]
    if window:
        return f"{said} {_EACH[window].lower()}" if window != "ever" else f"{said} in all"
    return {"ceiling": f"up to {said}", "at_once": f"{said} at once"}.get(field.name, said)


def item_words(item: RuleItem, values: Values, otherwise: str) -> str:
    """Return the values of an item in one line, or `otherwise` if it has none."""
    said = [words for field in item.fields if (words := field_words(field, values))]
    return " · ".join(said) or otherwise


def field_text(field: RuleField, values: Values) -> str:
    """Return a field's value as somebody types it, "" for none."""
    value = values.get(field.name)
    match field.kind:
        case _ if value is None:
            return ""
        case "amount":
            return f"{value // 1_000_000}.{value % 1_000_000:06}".rstrip("0").rstrip(".")
        case "names":
            return ", ".join(map(str, value))
        case "count" | "text":
            return str(value)
