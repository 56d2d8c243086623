"""What Wanda says to a server that she joins, and to a member after their first order there."""

from collections.abc import Callable

from bot.ledger.model import Shipped
from bot.money import dollars


def server_greeting(shipped: Shipped, mention: Callable[[str], str]) -> str:
    """Return three lines: what Wanda is, the next step for admins, and the one for everybody."""
    return (
        f"👋 **Wanda is here.** She makes videos from your pictures and clips; {mention('help')} shows how.\n"
        f"**Admins**: each member may spend {dollars(shipped.member_daily_microusd)} a day, and the server "
        f"{dollars(shipped.server_monthly_microusd)} a month. Change that with {mention('wanda-admin setup')}.\n"
        f"**Everybody**: try {mention('wan27 image')} with a picture and a sentence. You see the price as you choose."
    )


def first_order_tip(mention: Callable[[str], str]) -> str:
    """Return the private tip after a member's first order in a server."""
    return (
        "That's your first video here: the message above shows how it's going. "
        f"Then its buttons change or continue it, and {mention('help')} shows what else there is."
    )
