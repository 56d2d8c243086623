"""PURE. What a server's rules are called, and their values, in the words of people: for answers, the log and lists.

Members, roles and channels are written as Discord's own mentions, which show a name and, as every message of Wanda's
is sent without allowed mentions, call nobody.
"""

from collections.abc import Sequence
from typing import Any

from bot.catalogue.registry import MODES
from bot.delivery.text import plain, span
from bot.ledger.model import Act
from bot.money import dollars

REASON_CHARS_MAX = 200
NOT_SET = "not set"
EACH = {"day": "for each day", "week": "for each week", "month": "for each month", "ever": "for ever"}
_TITLES = {mode.id: mode.title for mode in MODES}
_ALONE = {
    "ceiling": "the most that one video may cost",
    "modes": "the modes that may be used",
    "resolutions": "the resolutions that may be used",
    "at_once": "how many videos each member may have in the making",
}
_SERVER = {
    "timezone": "the timezone",
    "policy": "who pays for a failed video that fal may have billed",
    "paused": "the pause",
    "approval": "the price above which a video waits for approval",
    "log_channel": "the log channel",
}
_MEMBER = {
    "raise": "{who}'s temporary raise",
    "blocked": "{who}'s block",
    "reset": "the start of {who}'s windows",
    "ask_above": "the price above which {who} is asked first",
}
POLICIES = {"charge": "the member who asked for it", "absorb": "the server, not the member"}


def subject_words(subject: str) -> str:
    """Return whom a rule is about: "this server", or the mention of a role, a channel or a member."""
    kind, _, identity = subject.partition(":")
    match kind:
        case "role":
            return f"<@&{identity}>"
        case "channel":
            return f"<#{identity}>"
        case "member":
            return f"<@{identity}>"
        case _:
            return "this server"


def rule_words(subject: str, name: str) -> str:
    """Return what the rule is called: "this server's pool for each month"."""
    who = subject_words(subject)
    kind, _, window = name.partition(":")
    if window:
        return f"{_budget(subject, kind, who)} {EACH.get(window, window)}"
    if name in _ALONE:
        return _ALONE[name] if subject == "server" else f"{_ALONE[name]}, for {who}"
    if subject.startswith("channel:"):
        return f"the access to {who}"
    return _SERVER.get(name) or _MEMBER.get(name, name.replace("_", " ")).format(who=who)


def _budget(subject: str, kind: str, who: str) -> str:
    if kind == "budget":
        return "this server's pool" if subject == "server" else f"the pool of {who}"
    if subject == "server":
        return "each member's default allowance"
    return f"each allowance of {who}" if subject.startswith("role:") else f"{who}'s own allowance"


def value_words(name: str, value: Any) -> str:  # noqa: C901, PLR0912 - one short case for each rule reads best
    """Return the rule's value: "$50.00", "Wan 2.7 image, Wan 2.1 image", "not set"."""
    if value is None:
        return NOT_SET
    match name.partition(":")[0]:
        case "budget" | "allowance" | "ceiling" | "ask_above":
            return dollars(int(value))
        case "raise":
            return f"{dollars(int(value['microusd']))} more"
        case "modes":
            return ", ".join(_TITLES.get(str(mode), str(mode)) for mode in value) or "none"
        case "resolutions":
            return ", ".join(value) or "none"
        case "approval":
            return _approval(value)
        case "log_channel":
            return f"<#{int(value)}>"
        case "reset":
            return f"<t:{int(value)}:f>"
        case "policy":
            return POLICIES.get(value, str(value))
        case "access":
            return "allowed" if value == "allow" else "denied"
        case "at_once":
            return f"{int(value)}"
        case "paused" | "blocked":
            return f"“{plain(str(value), REASON_CHARS_MAX)}”"
        case _:
            return plain(str(value), 80)


def modes_words(ids: Sequence[str]) -> str:
    """Return the modes' titles in one line."""
    return value_words("modes", list(ids))


def _approval(value: Any) -> str:
    role_id = value.get("role_id")
    by = f"<@&{role_id}> or somebody who manages the server" if role_id else "somebody who manages the server"
    return f"above {dollars(int(value['above_microusd']))}, by {by}, within {span(float(value['wait_s']))}"


def act_words(act: Act) -> str:
    """Return one act in a line: who, what, before and after, and why."""
    why = f" · because: {plain(act.reason, REASON_CHARS_MAX)}" if act.reason else ""
    if act.act == "grant":
        expires_at = act.after["expires_at"]
        until = f" until <t:{int(expires_at)}:f>" if expires_at is not None else ""
        what = f"granted {subject_words(act.subject)} **{dollars(int(act.after['microusd']))}**{until}"
        return f"<@{act.actor_id}> {what}{why}"
    name = act.act.partition(" ")[2]
    before, after = value_words(name, act.before), value_words(name, act.after)
    return f"<@{act.actor_id}> set {rule_words(act.subject, name)}: {before} → **{after}**{why}"
