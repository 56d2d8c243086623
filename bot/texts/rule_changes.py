"""The texts after an admin's act, for the admin and for the log channel: before, after, and what changes now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.ledger.model import Rule, Shipped, Window
from bot.ledger.window_names import EACH_WINDOW
from bot.money import exact_dollars
from bot.texts.plain import before_amount, person
from bot.texts.rules import change_words, reason_suffix, rule_words, subject_words, value_words

LOG_GONE = (
    "This couldn't be posted, because the log channel is gone. Choose another with `/wanda-admin log-channel`; "
    "`/wanda-admin audit` still shows it."
)
LOG_SHUT = (
    "This couldn't be posted, because Wanda can't post in {channel}. Allow that, or choose another channel with "
    "`/wanda-admin log-channel`; `/wanda-admin audit` still shows it."
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
    """Add a note if Wanda's default applies again or no longer: it holds while the server has no such budget.

    `rules` are those after the change.
    """
    kind = what.name.partition(":")[0]
    if what.subject != "server" or kind not in {"budget", "allowance"}:
        return what
    amount = shipped.server_monthly_microusd if kind == "budget" else shipped.member_daily_microusd
    default = f"Wanda's default of {exact_dollars(amount)} {EACH_WINDOW['month' if kind == 'budget' else 'day']}"
    own = [rule.name for rule in rules if rule.subject == "server" and rule.name.startswith(f"{kind}:")]
    if not own:
        return replace(what, note=f"{default} holds again.")
    if what.before is None and own == [what.name]:
        return replace(what, note=f"{default} no longer applies.")
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
    until = f"It lasts until <t:{int(expires_at)}:f>" if expires_at is not None else "It doesn't expire"
    given = f"{before_amount(person(member_id))} **{exact_dollars(amount_microusd)}**"
    return ChangeTexts(
        f"You gave {given}, once. {until}, and only counts once their allowance is used up. The server's pool still "
        "applies.",
        f"<@{actor_id}> gave {given}{_until(expires_at)}{reason_suffix(reason)}",
    )


def _until(expires_at: float | None) -> str:
    return f" until <t:{int(expires_at)}:f>" if expires_at is not None else ""


def _meaning(what: RuleChange) -> str:
    """Return what the change means from now on, in a sentence."""
    kind = what.name.partition(":")[0]
    if kind in {"budget", "allowance"}:
        return _budget_meaning(what)
    if what.after is None:
        return _LIFTED.get(what.name, "It no longer applies.")
    return _MEANS.get(what.name, "It applies from now on.")


def _budget_meaning(what: RuleChange) -> str:
    if what.after is None:
        return "There's no such limit from now on."
    if what.after == 0:
        return "Nothing new can be made with it; running videos finish."
    if what.window is None or what.name.endswith(":ever"):
        return f"It counts everything spent so far, and never renews.{_used(what)}"
    return (
        f"It counts what was spent since <t:{int(what.window.starts_at)}:f>, and renews "
        f"<t:{int(what.window.ends_at)}:R>.{_used(what)}"
    )


def _used(what: RuleChange) -> str:
    """Return a sentence about what is already used of a pool, or "" if nothing is."""
    used = what.used_microusd
    if not used:
        return ""
    rest = (
        "so **nothing is left** until then" if used >= what.after else f"so {exact_dollars(what.after - used)} is left"
    )
    return f" {exact_dollars(used)} is already used, {rest}."


_MEANS = {
    "ceiling": "Dearer videos are refused from now on; running ones finish.",
    "modes": "Every other mode is refused from now on; running videos finish.",
    "resolutions": "Every other resolution is refused from now on; running videos finish.",
    "at_once": "One more is refused until one of them is done.",
    "timezone": (
        "Days, weeks and months now begin at midnight there. The current ones run on to the first midnight there after "
        "they end, so nobody gets an allowance twice."
    ),
    "policy": "It applies to every video that fails from now on, and the card says who paid.",
    "absorbed": "It applies to every video ordered from now on; the member pays what goes beyond it.",
    "paused": "Nothing new starts; running videos finish. `/wanda-admin resume` ends the pause.",
    "approval": (
        "A dearer video now waits, with its money set aside, until somebody presses Approve or Decline. "
        "With no answer in time, the money goes back."
    ),
    "log_channel": "Admins' changes, videos that wait for approval and budget warnings are now posted there.",
    "safety": "It applies from the next video on. Without a rule it's always on, for every mode.",
    "spoiler": "It applies from the next video on.",
    "age": "It applies from the next video on, also in threads.",
    "words": "Orders with one of them are refused from now on, whichever way they come. Members read which word it is.",
    "prompt_log": "Every accepted prompt is now posted there, with its member and a link. `/privacy` tells members so.",
    "pings": "It's for members who chose nothing in `/settings`.",
    "raise": "It's added to each of their allowances right away, and ends by itself.",
    "blocked": (
        "They can't start anything new, and are told this reason; their running videos finish. "
        "`/wanda-admin member unblock` ends the block."
    ),
    "reset": "Their allowances start fresh now. What they spent before still counts in the server's pool.",
    "access": "It applies from now on, also in its threads.",
}
_LIFTED = {
    "ceiling": "A video can now cost whatever the budgets allow.",
    "modes": "Every mode can be used now.",
    "resolutions": "Every resolution can be used now.",
    "at_once": "Only the budgets limit it now.",
    "absorbed": "Wanda's own default applies again.",
    "paused": "Members can make videos again.",
    "approval": "No new video waits for approval. Those already waiting still need an answer.",
    "log_channel": "Nothing is posted to a log channel any more; `/wanda-admin audit` still shows everything.",
    "safety": "It's always on again.",
    "spoiler": "Only videos made from spoilers are hidden now.",
    "age": "Videos can be made in every open channel now.",
    "words": "No words are refused any more.",
    "prompt_log": "Prompts are posted nowhere any more. What was posted stays there.",
    "pings": "Wanda's own default applies again: a ping in the channel.",
    "blocked": "They can make videos again.",
    "access": "It's now like every channel without its own rule.",
}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
