"""Words for a server's rules, their values, and the admins' changes to them.

Members, roles and channels are written as Discord mentions. They show a name and notify nobody, because every message
is sent with `allowed_mentions` empty.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.catalogue.registry import MODE_TITLES
from bot.ledger import rule_values
from bot.ledger.model import Act
from bot.ledger.window_names import EACH_WINDOW
from bot.money import exact_dollars
from bot.texts.plain import before_amount, person, plain, span
from bot.units import counted

REASON_CHARS_MAX = 150
NOT_SET = "not set"
_ALONE = {
    "ceiling": "the most one video can cost",
    "modes": "the modes that can be used",
    "resolutions": "the resolutions that can be used",
    "at_once": "how many videos each member can have going",
    "timezone": "the time zone",
    "policy": "who pays for a failed video that fal may have billed",
    "absorbed": "the most the server pays for one member's failed videos in 24 hours",
    "approval": "the price above which a video waits for approval",
    "log_channel": "the log channel",
    "pings": "how members hear of their videos",
    "safety": "fal's safety check",
    "spoiler": "which videos are hidden as spoilers",
    "age": "where videos can be made",
    "words": "the refused words",
    "prompt_log": "the prompt log",
    rule_values.CONFIRM_ABOVE: "the price above which Wanda asks first",
}
PINGS = {
    "channel": "a ping in the channel",
    "direct": "a direct message",
    "never": "no ping",
}
CONTENT = {
    "on": "always on",
    "members": "members may switch it off",
    "always": "every video",
    "as_given": "those made from spoilers",
    "restricted": "in age-restricted channels only",
    "any": "in every channel",
}
WORDS_SHOWN = 10
POLICIES = {"charge": "the member who asked for it", "absorb": "the server, not the member"}
_IN_WORDS = {"policy": POLICIES, "pings": PINGS, "safety": CONTENT, "spoiler": CONTENT, "age": CONTENT}


def subject_words(subject: str) -> str:
    """Return the subject of a rule: "this server", or the mention of a role, a channel or a member."""
    kind, _, identity = subject.partition(":")
    match kind:
        case "role":
            return f"<@&{identity}>"
        case "channel":
            return f"<#{identity}>" if identity else "any channel"
        case "member":
            return person(int(identity))
        case _:
            return "this server"


def rule_words(subject: str, name: str) -> str:
    """Return the name of a rule with its subject: "this server's pool for each month"."""
    who = subject_words(subject)
    kind, _, window = name.partition(":")
    if window:
        return f"{_budget(subject, kind, who)} {EACH_WINDOW.get(window, window)}"
    title = _ALONE.get(name, name.replace("_", " "))
    return title if subject == "server" else f"{title}, for {before_amount(who)}"


def _budget(subject: str, kind: str, who: str) -> str:
    if kind == "budget":
        return "this server's pool" if subject == "server" else f"the pool of {who}"
    if subject == "server":
        return "each member's default allowance"
    return f"the allowance of each {who}" if subject.startswith("role:") else f"{who}'s own allowance"


def value_words(name: str, value: Any) -> str:  # noqa: C901 - one short case per rule
    """Return a rule's value: "$50.00", "Wan 2.7 image, Wan 2.1 image", or "not set" for None."""
    if value is None:
        return NOT_SET
    kind = name.partition(":")[0]
    if kind in _IN_WORDS:
        return _IN_WORDS[kind].get(value, str(value))
    if kind in _LISTED:
        return _LISTED[kind](value)
    match kind:
        case "budget" | "allowance" | "ceiling" | "absorbed" | rule_values.CONFIRM_ABOVE:
            return exact_dollars(int(value))
        case "raise":
            return f"{exact_dollars(int(value['microusd']))} more"
        case "resolutions":
            return ", ".join(sorted(map(str, value), key=lambda one: (len(one), one))) or "none"
        case "log_channel" | "prompt_log":
            return f"<#{int(value)}>"
        case "reset":
            return f"<t:{int(value)}:f>"
        case "access":
            return "allowed" if value == "allow" else "denied"
        case "paused" | "blocked":
            return f"“{plain(str(value), REASON_CHARS_MAX)}”"
        case _:
            return str(value)


def _words(value: Sequence[str]) -> str:
    """Return how many words there are and the first of them, hidden until somebody clicks them."""
    shown = ", ".join(f"||{plain(word, 40)}||" for word in value[:WORDS_SHOWN])
    more = f" and {len(value) - WORDS_SHOWN:,} more" if len(value) > WORDS_SHOWN else ""
    return f"{counted(len(value), 'word')}: {shown}{more}"


def word_list(subject: str, value: Sequence[str]) -> str:
    """Return all refused words, hidden until somebody clicks them, for an admin alone."""
    if not value:
        return f"No words are refused for {subject_words(subject)}. Add some with `add`."
    shown = ", ".join(plain(word, 40) for word in value)
    return f"{counted(len(value), 'word')} refused for {subject_words(subject)}: ||{shown}||"


def modes_words(ids: Sequence[str]) -> str:
    """Return the modes' titles in the catalogue's order, then the ids that it no longer has; "none" if empty."""
    known = [title for mode, title in MODE_TITLES.items() if mode in ids]
    return ", ".join([*known, *(str(mode) for mode in ids if mode not in MODE_TITLES)]) or "none"


def _approval(value: Any) -> str:
    role_id = value.get("role_id")
    by = f"<@&{role_id}> or somebody who manages the server" if role_id else "somebody who manages the server"
    own = ", also their own" if value.get("own") else ""
    return f"above {exact_dollars(int(value['above_microusd']))}, by {by}, within {span(float(value['wait_s']))}{own}"


_LISTED: Mapping[str, Callable[[Any], str]] = {"words": _words, "modes": modes_words, "approval": _approval}


def change_words(subject: str, name: str, before: Any, after: Any, *, expires_at: float | None = None) -> str:
    """Return a change as it follows "You" or a name: "set this server's pool for each month: $20.00 → $40.00"."""
    who = subject_words(subject)
    until = f" until <t:{int(expires_at)}:f>" if expires_at is not None else ""
    old, new = value_words(name, before), value_words(name, after)
    match name, after:
        case "paused", None:
            return f"ended Wanda's pause ({old})"
        case "paused", _:
            return f"**paused** Wanda: {new}"
        case "blocked", None:
            return f"unblocked {who} ({old})"
        case "blocked", _:
            return f"**blocked** {who}: {new}"
        case "reset", _ if after is not None:
            return f"**reset** the windows of {who}: they begin again at {new}"
        case "raise", _ if after is not None:
            return f"raised each allowance of {who} by **{exact_dollars(int(after['microusd']))}**{until}"
        case "access", None:
            return f"took back the rule for {who} (it was {old})"
        case "access", _:
            return f"**{new}** videos in {who}"
        case _, None:
            return f"took back {rule_words(subject, name)} (it was {old})"
        case _:
            return f"set {rule_words(subject, name)}: {old} → **{new}**{until}"


def act_words(act: Act) -> str:
    """Return an act in one line: who did what, before and after, and why."""
    why = reason_suffix(act.reason, act.after)
    if act.act == "grant":
        expires_at = act.after["expires_at"]
        until = f" until <t:{int(expires_at)}:f>" if expires_at is not None else ""
        what = (
            f"gave {before_amount(subject_words(act.subject))} **{exact_dollars(int(act.after['microusd']))}**{until}"
        )
        return f"{person(act.actor_id)} {what}{why}"
    name = act.act.partition(" ")[2]
    expires_at = act.after.get("expires_at") if name == "raise" and act.after is not None else None
    return (
        f"{person(act.actor_id)} {change_words(act.subject, name, act.before, act.after, expires_at=expires_at)}{why}"
    )


def reason_suffix(reason: str | None, value: Any = None) -> str:
    """Return " · because: …", or "" if there is no reason or it is the value itself, as for a pause."""
    return f" · because: {plain(reason, REASON_CHARS_MAX)}" if reason and reason != value else ""
