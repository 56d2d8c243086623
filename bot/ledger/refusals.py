"""The sentences with which the ledger refuses a job: each says the number, the limit and what to do."""

import math
from collections.abc import Mapping, Sequence
from typing import assert_never

from bot.errors import QuotaExceeded
from bot.ledger.model import Limit, Standing
from bot.ledger.window_names import IN_WINDOW
from bot.money import exact_dollars

_REASON_MAX = 300


def shortage(standing: Standing, amount_microusd: int, granted_microusd: int) -> int:
    """Return how much a budget lacks for a job, of which grants pay a part; 0 if the job costs this budget nothing."""
    own = amount_microusd - granted_microusd if standing.limit.side == "member" else amount_microusd
    return max(0, standing.used_microusd + own - standing.limit.cap_microusd) if own else 0


def budget_refusal(
    standing: Standing, amount_microusd: int, *, granted_microusd: int = 0, videos: int = 1, is_share: bool = False
) -> QuotaExceeded:
    """Return the refusal of a job, or of several at once, that the budget cannot carry."""
    limit = standing.limit
    price = exact_dollars(amount_microusd)
    this, cheaper = f"This video costs {price}", "Choose a cheaper one"
    if videos > 1:
        this, cheaper = f"These {videos} videos cost {price}", "Choose fewer or cheaper ones"
    if is_share:  # it can be made as small as what is left
        this, cheaper = f"Your part is {price}", ""
    return QuotaExceeded(
        f"{this}, {_what_is_left(standing, amount_microusd, granted_microusd, cheaper)}",
        scope=limit.scope,
        short_microusd=shortage(standing, amount_microusd, granted_microusd),
        left_microusd=standing.left_microusd,
        cap_microusd=limit.cap_microusd,
        renews_at=limit.window.renews_at,
    )


def _what_is_left(standing: Standing, amount_microusd: int, granted_microusd: int, cheaper: str) -> str:
    """Return the end of the sentence that begins with the price, and what to do next."""
    limit = standing.limit
    owner, window, cap = _owner(limit), _window(limit), exact_dollars(limit.cap_microusd)
    helper = "whoever runs Wanda" if limit.whose in {"all", "cap"} else "an admin here"
    if limit.cap_microusd == 0:
        return f"but {owner} budget {window} is {cap}. Ask {helper} for more."
    grants = f" and {exact_dollars(granted_microusd)} of your grants" if granted_microusd else ""
    if cheaper and amount_microusd - granted_microusd > limit.cap_microusd:
        return f"more than {owner} whole {cap} {window}{grants}. {cheaper}, or ask {helper} for more."
    left = f"only {exact_dollars(standing.left_microusd)}" if standing.left_microusd else "nothing"
    renews_at = limit.window.renews_at
    then = f"Ask {helper} for more." if renews_at is None else f"It renews <t:{math.ceil(renews_at)}:R>."
    return f"but {left} of {owner} {cap} {window}{grants} {'are' if grants else 'is'} left. {then}"


def _owner(limit: Limit) -> str:
    identity = limit.scope.rpartition(":")[2]
    match limit.whose:
        case "member" | "grant":
            return "your"
        case "server":
            return "this server's"
        case "role":
            return f"<@&{identity}>'s"
        case "channel":
            return f"<#{identity}>'s"
        case "cap" | "all":
            return "the operator's"
        case _:
            assert_never(limit.whose)


def _window(limit: Limit) -> str:
    window = IN_WINDOW[limit.window.kind]
    if limit.whose == "cap":
        return f"for this server {window}"
    if limit.whose == "all":
        return f"for all servers {window}"
    return window if limit.window.kind == "ever" else f"for {window}"


def reason_text(reason: str) -> str:
    """Return the admins' reason as the end of a clause, with its full stop."""
    said = " ".join(reason.split())[:_REASON_MAX].rstrip(".")
    return f": {said}." if said else "."


def allowed_modes(mode_ids: frozenset[str], titles: Mapping[str, str]) -> str:
    """Return the modes that a rule leaves a member to choose from, by their titles and in the titles' order."""
    unknown = sorted(mode_ids - titles.keys())
    return _allowed([*(title for mode_id, title in titles.items() if mode_id in mode_ids), *unknown])


def allowed_resolutions(resolutions: frozenset[str]) -> str:
    """Return the resolutions that a rule leaves a member to choose from, the lowest first."""
    return _allowed(sorted(resolutions, key=lambda name: (len(name), name)))


def _allowed(names: Sequence[str]) -> str:
    if not names:
        return "Nothing is allowed: ask an admin."
    *others, last = names
    return f"Choose {', '.join(others)} or {last}." if others else f"Choose {last}."
