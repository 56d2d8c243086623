"""How a card is edited or posted, what Discord's refusal means, and what to try next.

Codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""

from typing import Literal, TypeAlias

from bot.jobs.model import Address

Route: TypeAlias = Literal[
    "token",  # edit through the interaction's token: no global limit, the member's upload limit, 15 minutes
    "bot",  # edit through the bot's token: shares the channel's bucket
    "reply",  # a new message that replies to a card too old to edit
    "new",  # a new message that stands alone, where there is nothing to reply to
]
Trouble: TypeAlias = Literal[
    "token_dead",  # the interaction's token is over or unknown
    "message_gone",  # somebody deleted the card
    "no_reply",  # Wanda may post, but not reply
    "too_old",  # the card can't be edited any more
    "too_large",  # the file is above the limit
    "no_access",  # Wanda may not post there
    "later",  # a rate limit, a server error, or the network
    "broken",  # Discord will never take this request
]

_BY_CODE: dict[int, Trouble] = {
    50027: "token_dead",  # invalid webhook token
    10015: "token_dead",  # unknown webhook
    10062: "token_dead",  # unknown interaction
    10008: "message_gone",
    50005: "message_gone",  # written by somebody else, so it is not the card
    160002: "no_reply",  # replying needs Read Message History
    30046: "too_old",  # edits of messages older than an hour are used up
    50083: "too_old",  # an archived thread: a new message opens it again, an edit does not
    40005: "too_large",
    50001: "no_access",
    50013: "no_access",
    50007: "no_access",
    10003: "no_access",
    10004: "no_access",
}
_TOO_LARGE, _FORBIDDEN, _UNAUTHORISED, _NOT_FOUND, _SLOW_DOWN, _SERVER = 413, 403, 401, 404, 429, 500


def choose(address: Address, now: float, *, token_margin_s: float, edit_age_max_s: float) -> Route:
    """Return the first route to try at `now` (Unix seconds)."""
    if now < address.token_expires_at - token_margin_s:
        return "token"
    return "bot" if now - address.posted_at < edit_age_max_s else "reply"


def trouble_of(status: int, code: int) -> Trouble:
    """Return what Discord's HTTP status and JSON code (0 when there was none) mean for a card."""
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status == _TOO_LARGE:
        return "too_large"
    if status == _UNAUTHORISED:
        return "token_dead"
    if status in {_FORBIDDEN, _NOT_FOUND}:
        return "no_access"
    return "later" if status == _SLOW_DOWN or status >= _SERVER else "broken"


def after(route: Route, trouble: Trouble) -> Route | None:
    """Return the next route to try, the same one after "later", or None when none is left."""
    if trouble == "later":
        return route
    match route, trouble:
        case "token", "token_dead" | "no_access" | "too_old":
            return "bot"
        case "token" | "bot" | "reply", "message_gone":
            return "new"
        case "bot", "too_old":
            return "reply"
        case "reply", "no_reply":
            return "new"
        case _:
            return None
