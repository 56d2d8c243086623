"""Divides a hold among several: a share of a film becomes a share of each of its shots.

No budget is asked again and none changes: what the hold drew on each is drawn by its parts, as of the same moment.
"""

from collections.abc import Sequence

from bot.errors import StorageError
from bot.ledger import draws, endings, shares
from bot.ledger.draws import Occasion
from bot.storage.transaction import Row, Transaction


def divided_over(wholes: Sequence[int], prices: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Divide amounts, which sum up to these prices, over them; returns the parts of each, one for each price.

    The parts of an amount sum up to it, and those of a price to that. Each amount is divided in proportion to what the
    ones before it left of the prices.
    """
    lacks, parts = list(prices), list[tuple[int, ...]]()
    for whole in wholes:
        of_each = shares.divided(whole, lacks)
        lacks = [lack - part for lack, part in zip(lacks, of_each, strict=True)]
        parts.append(of_each)
    return tuple(parts)


def split(hold_id: str, parts: Sequence[tuple[str, int]], *, at: float, reason: str) -> Transaction[None]:
    """Replace a hold by one under each of these ids, under the server's lock; the amounts sum up to what it holds.

    Raises:
        StorageError: it is not held, or of another amount.
    """
    rows = yield from draws.draws_under_lock(hold_id)
    held = rows[0]["amount_microusd"] if rows and all(row["state"] == "held" for row in rows) else None
    if held != sum(amount for _, amount in parts):
        raise StorageError(f"hold {hold_id} cannot be divided: it holds {held}")
    yield from endings.release(hold_id, at=at, actor="wanda", reason=reason)
    left = [row["amount_microusd"] for row in rows]
    for part_id, amount in parts:
        occasion = Occasion(
            guild_id=rows[0]["guild_id"],
            job_id=part_id,
            counted_at=rows[0]["counted_at"],
            at=at,
            actor="wanda",
            reason=reason,
        )
        yield from draws.draw(rows[0]["member_id"], _taken(rows, left, amount), occasion)


def _taken(rows: Sequence[Row], left: list[int], amount: int) -> list[tuple[str, int]]:
    """Take a part's draws from what is `left` of the hold's: the member's allowance first, then the grants."""
    wanted, taken = amount, list[tuple[str, int]]()
    for number, row in enumerate(rows):
        if row["side"] == "server":
            taken.append((row["scope"], amount))
            continue
        part = min(left[number], wanted)
        left[number] -= part
        wanted -= part
        if part or not row["scope"].startswith("grant:"):
            taken.append((row["scope"], part))
    return taken
