"""The price above which Wanda asks a member first, as the members set it themselves.

These are no rules of the server: they count towards no bound that its admins need, and are no administrative acts.
"""

from dataclasses import dataclass

from bot.errors import OptionRefused
from bot.ledger import tables
from bot.ledger.rule_values import checked_amount
from bot.storage.transaction import One, Transaction

DAY_S = 86_400.0
_OTHERS = """
SELECT COUNT(*) AS kept, COALESCE(SUM(CASE WHEN at > $3 THEN 1 ELSE 0 END), 0) AS today FROM asks
WHERE guild_id = $1 AND member_id <> $2"""
_SET = """
INSERT INTO asks (guild_id, member_id, above_microusd, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (guild_id, member_id) DO UPDATE SET above_microusd = excluded.above_microusd, at = excluded.at"""
_CLEAR = "DELETE FROM asks WHERE guild_id = $1 AND member_id = $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskBounds:
    """How many members of one server may have a price of their own, and how many may set one within 24 hours."""

    kept_max: int
    daily_max: int


def set_ask(guild_id: int, member_id: int, above_microusd: int, *, bounds: AskBounds, at: float) -> Transaction[None]:
    """Ask this member first before a video above this price; it replaces their last one.

    Raises:
        OptionRefused: the amount is out of bounds, or too many other members have set one.
    """
    amount = checked_amount(above_microusd)
    yield from tables.lock(guild_id)
    others = yield One(_OTHERS, (guild_id, member_id, at - DAY_S))
    if others["kept"] >= bounds.kept_max:
        raise OptionRefused(
            f"{others['kept']:,} members of this server have a price of their own, and Wanda keeps "
            f"{bounds.kept_max:,}. Nothing was changed: she asks you as before."
        )
    if others["today"] >= bounds.daily_max:
        raise OptionRefused(
            f"{others['today']:,} members of this server set their price in the last 24 hours, and Wanda takes "
            f"{bounds.daily_max:,}. Nothing was changed; try again tomorrow."
        )
    yield One(_SET, (guild_id, member_id, amount, at))


def clear_ask(guild_id: int, member_id: int) -> Transaction[None]:
    """Remove the member's own price, if they have one."""
    yield One(_CLEAR, (guild_id, member_id))


def forget_asks_of(member_id: int) -> Transaction[None]:
    """Remove the member's own prices in every server."""
    yield One("DELETE FROM asks WHERE member_id = $1", (member_id,))


def forget_asks_in(guild_id: int) -> Transaction[None]:
    """Remove the prices of all members of the server."""
    yield One("DELETE FROM asks WHERE guild_id = $1", (guild_id,))
