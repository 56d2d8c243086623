"""The rules that exist, the subjects they can have, and the values they take."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from bot.errors import OptionRefused
from bot.ledger.model import WINDOW_KINDS
from bot.ledger.windows import zone
from bot.money import AMOUNT_MAX_MICROUSD, exact_dollars

_Check: TypeAlias = Callable[[Any], Any]
# Not one of the rules below: members set it themselves (`bot.ledger.asks`). Databases and exports contain the name.
CONFIRM_ABOVE = "ask_above"
REASON_MAX = 500
NAMES_MAX = 50
AT_ONCE_MAX = 1000
WORDS_MAX, WORD_CHARS_MAX = 2000, 100  # of one list; the operator's settings may allow less
WAIT_MIN_S = 60
WAIT_MAX_S = 30 * 86400
_SUBJECT = re.compile(r"server|(?:role|channel|member):[0-9]{1,20}")


def checked(subject: str, name: str, value: Any) -> Any:
    """Return the value as it is stored.

    Raises:
        OptionRefused: the rule cannot have this value; the sentence is for whoever gave it.
        ValueError: there is no such rule for this kind of subject, which is a bug in the caller.
    """
    checks = RULES.get(subject.partition(":")[0], {})
    if _SUBJECT.fullmatch(subject) is None or name not in checks:
        raise ValueError(f"there is no rule {name!r} about {subject!r}")
    return checks[name](value)


def checked_amount(value: Any) -> int:
    """Return the amount in micro-dollars; raises OptionRefused, for whoever gave it, if it is out of bounds."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= AMOUNT_MAX_MICROUSD:
        raise OptionRefused(f"The amount goes from $0.00 to {exact_dollars(AMOUNT_MAX_MICROUSD)}. Give one of these.")
    return value


def _raise(value: Any) -> dict[str, int]:
    return {"microusd": checked_amount(value["microusd"])}


def _names(value: Any) -> list[str]:
    names = sorted({str(name) for name in value})
    if len(names) > NAMES_MAX:
        raise OptionRefused(f"These are {len(names)} names, and {NAMES_MAX} is the most. Leave some out and try again.")
    return names


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= AT_ONCE_MAX:
        raise OptionRefused(f"Videos at once go from 1 to {AT_ONCE_MAX:,}. Give one of these.")
    return value


def _timezone(value: Any) -> str:
    if not isinstance(value, str) or zone(value) is None:
        raise OptionRefused(
            f"There's no time zone “{str(value)[:40]}”. Give its name in the IANA list, for example Europe/Berlin, "
            "America/New_York or UTC."
        )
    return value


def _one_of(*words: str) -> _Check:
    def check(value: Any) -> Any:
        if value not in words:
            raise OptionRefused(f"“{str(value)[:40]}” isn't one of {', '.join(words)}. Choose one of these.")
        return value

    return check


def _reason(value: Any) -> str:
    text = " ".join(str(value).split())
    if len(text) > REASON_MAX:
        raise OptionRefused(
            f"The reason has {len(text):,} characters, and {REASON_MAX} is the most. Shorten it and try again."
        )
    return text


def _approval(value: Any) -> dict[str, Any]:
    wait_s = float(value["wait_s"])
    if not WAIT_MIN_S <= wait_s <= WAIT_MAX_S:
        raise OptionRefused(
            f"An approval can wait from 1 minute to {WAIT_MAX_S // 86400} days. Choose a time between, and try again."
        )
    role_id = value.get("role_id")
    return {
        "above_microusd": checked_amount(value["above_microusd"]),
        "role_id": None if role_id is None else int(role_id),
        "wait_s": wait_s,
    } | ({"own": True} if value.get("own") else {})


def _moment(value: Any) -> float:
    moment = float(value)
    if not math.isfinite(moment) or moment < 0:
        raise ValueError(f"not a moment: {value!r}")
    return moment


def _words(value: Any) -> list[str]:
    words = list(dict.fromkeys(" ".join(str(word).split()) for word in value))
    longest = max((len(word) for word in words), default=0)
    if not words or not all(words) or len(words) > WORDS_MAX or longest > WORD_CHARS_MAX:
        raise OptionRefused(
            f"A list has 1 to {WORDS_MAX:,} words of up to {WORD_CHARS_MAX} characters each. Change it and try again."
        )
    return words


_BUDGETS: Mapping[str, _Check] = {f"budget:{kind}": checked_amount for kind in WINDOW_KINDS}
_ALLOWANCES: Mapping[str, _Check] = {f"allowance:{kind}": checked_amount for kind in WINDOW_KINDS}
_FITTING: Mapping[str, _Check] = {"ceiling": checked_amount, "modes": _names, "resolutions": _names, "at_once": _count}
_CONTENT: Mapping[str, _Check] = {
    "safety": _one_of("on", "members"),
    "spoiler": _one_of("always", "as_given"),
    "age": _one_of("restricted", "any"),
    "words": _words,
}
RULES: Mapping[str, Mapping[str, _Check]] = {
    "server": {
        **_BUDGETS,
        **_ALLOWANCES,
        **_FITTING,
        "timezone": _timezone,
        "policy": _one_of("charge", "absorb"),
        "absorbed": checked_amount,
        "paused": _reason,
        "approval": _approval,
        "log_channel": int,
        "pings": _one_of("channel", "direct", "never"),
        **_CONTENT,
        "prompt_log": int,
    },
    "role": {**_BUDGETS, **_ALLOWANCES, **_FITTING, **_CONTENT},
    "channel": {**_BUDGETS, "access": _one_of("allow", "deny")},
    "member": {**_ALLOWANCES, "raise": _raise, "blocked": _reason, "reset": _moment},
}
