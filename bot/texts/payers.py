"""Who pays for a video that several members chipped in for."""

from collections.abc import Iterable, Sequence

from bot.ledger.model import Share
from bot.money import dollars
from bot.texts.card import join_within
from bot.texts.plain import before_amount, person

PAYERS_CHARS_MAX = 900


def payers_line(shares: Sequence[Share]) -> str:
    """Return who pays how much, each member once: "<@1> $1.00 · <@2> $0.50"."""
    return join_within(payers(shares), PAYERS_CHARS_MAX, between=" · ")


def payers(shares: Sequence[Share]) -> list[str]:
    """Return each member who pays something, and how much."""
    return [
        f"{before_amount(person(member_id))} {dollars(sum_)}" for member_id, sum_ in _sums_by_member(shares) if sum_
    ]


def _sums_by_member(shares: Iterable[Share]) -> Iterable[tuple[int, int]]:
    """Return each member with the sum of what they pay, in the order in which they added something."""
    sums: dict[int, int] = {}
    for one in shares:
        sums[one.member_id] = sums.get(one.member_id, 0) + one.amount_microusd
    return sums.items()
