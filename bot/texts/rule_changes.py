"""The texts after an admin's act, for the admin and for the log channel: before, after, and what changes now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.ledger.model import Rule, Shipped, Window
from bot.ledger.window_names import EACH_WINDOW
from bot.money import exact_dollars
from bot.texts.rules import change_words, reason_suffix, rule_words, subject_words, value_words

LOG_GONE = (
    "This could not be logged: the log channel does not exist any more. Choose another with "
    "`/wanda-admin log-channel`; `/wanda-admin audit` has the act all the same."
)
LOG_SHUT = (
    "This could not be logged: Wanda may not post in {channel}. Let her view the channel and send messages there, or "
    "choose another with `/wanda-admin log-channel`; `/wanda-admin audit` has the act all the same."
)


@dataclass(frozen=True, slots=True)
class ChangeTexts:
    """The texts of one act: the private answer to the admin, and the line for the log channel."""

    private: str
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """A rule's value before and after; None is no rule. `window` is the current window of a budget.

    `used_microusd` is what is already held or spent of a pool; `note` is one more sentence for the admin.
    """

    subject: str
    name: str
    before: Any
    after: Any
    expires_at: float | None = None
    window: Window | None = None
    used_microusd: int | None = None
    note: str = ""


def change_text(what: RuleChange) -> str:
    """Return the private answer for one rule: what changed and what that means, or that nothing changed."""
    if what.before is None and what.after is None:
        return nothing_to_clear(what.subject)
    if not is_change(what):
        return f"{_capital(_unchanged_words(what))}, so nothing changed."
    done = change_words(what.subject, what.name, what.before, what.after, expires_at=what.expires_at)
    return f"You {done}.\n{_meaning(what)} {what.note}".rstrip()


def change_log_line(actor_id: int, what: RuleChange, reason: str | None) -> str:
    """Return the line for the log channel about one changed rule."""
    done = change_words(what.subject, what.name, what.before, what.after, expires_at=what.expires_at)
    return f"<@{actor_id}> {done}{reason_suffix(reason, what.after)}"


def is_change(what: RuleChange) -> bool:
    """Return whether the value changed or an expiry was set."""
    return what.before != what.after or what.expires_at is not None


def with_note(what: RuleChange, rules: Sequence[Rule], shipped: Shipped) -> RuleChange:
    """Add a note if Wanda's shipped default applies again or no longer: it holds while the server has no such budget.

    `rules` are those after the change.
    """
    kind = what.name.partition(":")[0]
    if what.subject != "server" or kind not in {"budget", "allowance"}:
        return what
    amount = shipped.server_monthly_microusd if kind == "budget" else shipped.member_daily_microusd
    default = (
        f"Wanda's shipped default of {exact_dollars(amount)} {EACH_WINDOW['month' if kind == 'budget' else 'day']}"
    )
    own = [rule.name for rule in rules if rule.subject == "server" and rule.name.startswith(f"{kind}:")]
    if not own:
        return replace(what, note=f"{default} holds again.")
    if what.before is None and own == [what.name]:
        return replace(what, note=f"{default} holds no more.")
    return what


def nothing_to_clear(subject: str) -> str:
    """Return the answer when there was no rule to remove."""
    return f"There was no such rule for {subject_words(subject)}, so nothing changed."


def _unchanged_words(what: RuleChange) -> str:
    if what.name in {"paused", "blocked", "access"}:
        return f"{subject_words(what.subject)} was {value_words(what.name, what.after)} already"
    return f"{rule_words(what.subject, what.name)} was {value_words(what.name, what.after)} already"


def grant_texts(
    actor_id: int, member_id: int, amount_microusd: int, expires_at: float | None, reason: str
) -> ChangeTexts:
    """Return the texts of a grant; `expires_at` is in Unix seconds, or None if it does not expire."""
    until = f"It is theirs until <t:{int(expires_at)}:f>" if expires_at is not None else "It does not expire"
    return ChangeTexts(
        f"You granted <@{member_id}> **{exact_dollars(amount_microusd)}**, once. {until}, and is used only where their "
        "allowance is short; the server's pool still bounds what everybody spends together.",
        f"<@{actor_id}> granted <@{member_id}> **{exact_dollars(amount_microusd)}**"
        f"{_until(expires_at)}{reason_suffix(reason)}",
    )


def _until(expires_at: float | None) -> str:
    return f" until <t:{int(expires_at)}:f>" if expires_at is not None else ""


def _meaning(what: RuleChange) -> str:
    """Return what the change means from now on, in a sentence."""
    kind = what.name.partition(":")[0]
    if kind in {"budget", "allowance"}:
        return _budget_meaning(what)
    if what.after is None:
        return _LIFTED.get(what.name, "It holds no more, from now on.")
    return _MEANS.get(what.name, "It holds from now on.")


def _budget_meaning(what: RuleChange) -> str:
    if what.after is None:
        return "It is no limit any more, from now on."
    if what.after == 0:
        return "Nothing can be made on it from now on; videos in the making finish."
    if what.window is None or what.name.endswith(":ever"):
        return f"It holds from now on, counts everything spent so far, and never renews.{_used(what)}"
    return (
        f"It holds from now on. What was spent since <t:{int(what.window.starts_at)}:f> counts; "
        f"it renews <t:{int(what.window.ends_at)}:R>.{_used(what)}"
    )


def _used(what: RuleChange) -> str:
    """Return a sentence about what is already used of a pool, or "" if nothing is."""
    used = what.used_microusd
    if not used:
        return ""
    rest = (
        "so **nothing is left** until then" if used >= what.after else f"so {exact_dollars(what.after - used)} is left"
    )
    return f" {exact_dollars(used)} is used already, {rest}."


_MEANS = {
    "ceiling": "From now on a dearer video is refused; videos in the making finish.",
    "modes": "From now on every other mode is refused; videos in the making finish.",
    "resolutions": "From now on every other resolution is refused; videos in the making finish.",
    "at_once": "From now on one more is refused until one of them is done.",
    "timezone": "From now on days, weeks and months begin at midnight there. Those that run now go on until the first "
    "midnight there after their end, so that nobody gets an allowance twice.",
    "policy": "It holds for every video that fails from now on; the card says which was done.",
    "absorbed": "It holds for every video that is ordered from now on; what goes beyond it is charged to the member.",
    "paused": "Nothing new starts from now on; videos in the making finish. `/wanda-admin resume` ends it.",
    "approval": "From now on a dearer video waits, its money held, until somebody presses Approve or Decline; with no "
    "answer in time it is given back.",
    "log_channel": "From now on every administrative act and every budget warning is posted there.",
    "pings": "It's for members who chose nothing in `/settings`.",
    "raise": "It is added to each of their allowances at once, and ends by itself.",
    "blocked": "They can start nothing new, and are told this reason; their videos in the making finish. "
    "`/wanda-admin member unblock` ends it.",
    "reset": "Their running windows begin again now, with nothing spent; the server's pool still counts what they "
    "spent before.",
    "access": "It holds from now on, also in its threads.",
}
_LIFTED = {
    "ceiling": "From now on a video may cost what the budgets allow.",
    "modes": "From now on every mode may be used.",
    "resolutions": "From now on every resolution may be used.",
    "at_once": "From now on only the budgets bound it.",
    "absorbed": "What Wanda ships holds again.",
    "paused": "Members can make videos again.",
    "approval": "From now on no video waits for approval; those that wait still need an answer.",
    "log_channel": "From now on nothing is logged to a channel; `/wanda-admin audit` still shows everything.",
    "pings": "Wanda's own default holds again: a ping in the channel.",
    "blocked": "They can make videos again.",
    "access": "It is now like every channel without a rule of its own.",
}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
