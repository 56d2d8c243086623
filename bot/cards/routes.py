"""How a card is edited or posted, and what to try next when Discord refuses."""

from typing import Literal, TypeAlias

from bot.cards.discord_request import Trouble
from bot.jobs.model import Address

Route: TypeAlias = Literal[
    "token",  # edit through the interaction's token: no global limit, the member's upload limit, 15 minutes
    "bot",  # edit through the bot's token: shares the channel's bucket
    "reply",  # a new message that replies to a card too old to edit
    "new",  # a new message that stands alone, where there is nothing to reply to
]


def choose(address: Address, now: float, *, token_margin_s: float, edit_age_max_s: float) -> Route:
    """Return the first route to try at `now` (Unix seconds)."""
    if now < address.token_expires_at - token_margin_s:
        return "token"
    return "bot" if now - address.posted_at < edit_age_max_s else "reply"


def after(route: Route, trouble: Trouble) -> Route | None:
    """Return the next route to try, the same one after "later", or None when none is left."""
    if trouble == "later":
        return route
    match route, trouble:
        case "token" | "bot" | "reply", "message_gone":
            return "new"
        case "token", "token_dead" | "no_access" | "too_old" | "broken":
            return "bot"
        case "bot", "too_old" | "broken":
            return "reply"
        case "reply", "no_reply" | "broken":
            return "new"
        case _:
            return None


def worn_out(route: Route) -> Route | None:
    """Return the next route where this one said "later" too often: Discord serves webhooks apart from its bots."""
    return "bot" if route == "token" else None
