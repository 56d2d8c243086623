"""The sentences with which the ledger refuses a job: each says the number, the limit and what to do."""

from datetime import datetime
from typing import assert_never

from bot.errors import QuotaExceeded
from bot.ledger.model import Standing, WindowKind
from bot.ledger.window_names import IN_WINDOW
from bot.ledger.windows import zone
from bot.money import exact_dollars

_DAY_S = 86400
_HOUR_S = 3600
_MINUTE_S = 60
_REASON_MAX = 300


def shortage(standing: Standing, amount_microusd: int, granted_microusd: int) -> int:
    """Return how much a budget lacks for a job, of which grants pay a part; 0 if the job costs this budget nothing."""
    own = amount_microusd - granted_microusd if standing.limit.side == "member" else amount_microusd
    return max(0, standing.used_microusd + own - standing.limit.cap_microusd) if own else 0


def budget_refusal(
    standing: Standing,
    amount_microusd: int,
    *,
    granted_microusd: int = 0,
    videos: int = 1,
    is_share: bool = False,
    at: float,
    timezone: str = "UTC",
) -> QuotaExceeded:
    """Return the refusal of a job, or of several at once, that the budget cannot carry."""
    limit = standing.limit
    short = shortage(standing, amount_microusd, granted_microusd)
    left = standing.left_microusd
    grants = f" and {exact_dollars(granted_microusd)} of your grants" if granted_microusd else ""
    this = "Your part is" if is_share else "This video costs" if videos == 1 else f"These {videos} videos cost"
    sentence = (
        f"{this} {exact_dollars(amount_microusd)}, but "
        f"{f'only {exact_dollars(left)}' if left else 'nothing'} of {_whose(standing)} "
        f"{exact_dollars(limit.cap_microusd)} {_in_window(limit.window.kind)}{grants} is left. "
        f"{_what_to_do(standing, amount_microusd, granted_microusd, at, timezone)}"
    )
    return QuotaExceeded(
        sentence,
        scope=limit.scope,
        short_microusd=short,
        left_microusd=left,
        cap_microusd=limit.cap_microusd,
        renews_at=limit.window.renews_at,
    )


def _what_to_do(standing: Standing, amount_microusd: int, granted_microusd: int, at: float, timezone: str) -> str:
    limit = standing.limit
    helper = "whoever runs Wanda" if limit.whose in {"all", "cap"} else "an administrator of this server"
    renews_at = limit.window.renews_at
    if limit.cap_microusd == 0:
        return f"Ask {helper} for a budget."
    if amount_microusd - granted_microusd > limit.cap_microusd:
        return "Waiting won't help: it's more than the whole budget."
    if renews_at is None:
        return f"It doesn't renew: ask {helper} for more."
    zone_name = "UTC" if limit.whose in {"all", "cap"} else timezone
    moment = datetime.fromtimestamp(renews_at, tz=zone(zone_name))
    date = "" if limit.window.kind == "day" else f"on {moment.day} {moment:%B} "
    return f"It renews {date}at {moment:%H:%M} {zone_name}, in {in_words(renews_at - at)}."


def _whose(standing: Standing) -> str:
    whose = standing.limit.whose
    match whose:
        case "member" | "grant":
            return "your"
        case "server":
            return "this server's"
        case "role":
            return f"the role <@&{standing.limit.scope.rpartition(':')[2]}>'s"
        case "channel":
            return f"the channel <#{standing.limit.scope.rpartition(':')[2]}>'s"
        case "cap":
            return "the operator's cap for this server,"
        case "all":
            return "the operator's cap for all servers,"
        case _:
            assert_never(whose)


def _in_window(kind: WindowKind) -> str:
    return IN_WINDOW[kind] if kind == "ever" else f"for {IN_WINDOW[kind]}"


def in_words(seconds: float) -> str:
    """Return a wait in its two largest units, rounded up to minutes: "10 d 5 h", "5 h 12 min", "1 min"."""
    minutes = max(1, -int(-seconds // _MINUTE_S))
    seconds_up = minutes * _MINUTE_S
    days, hours = seconds_up // _DAY_S, seconds_up % _DAY_S // _HOUR_S
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def reason_text(reason: str) -> str:
    """Return the administrators' reason as the end of a clause, with its full stop."""
    said = " ".join(reason.split())[:_REASON_MAX].rstrip(".")
    return f": {said}." if said else "."


def allowed_names(names: frozenset[str]) -> str:
    """Return what a rule leaves a member to choose from, as a sentence."""
    return f"Allowed: {', '.join(sorted(names))}." if names else "Nothing is allowed: ask an administrator."
