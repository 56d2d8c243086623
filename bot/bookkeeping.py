"""`python -m bot ledger`: are the books right, and what has each server spent."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.ledger.audit import totals, verify
from bot.ledger.model import Totals
from bot.money import dollars
from bot.settings import Settings
from bot.storage.opening import open_store


@dataclass(frozen=True, slots=True)
class Books:
    """What is wrong with the books, one sentence each, and every server's sums."""

    wrong: Sequence[str]
    servers: Sequence[Totals]


async def look(settings: Settings) -> Books:
    """Read the books beside a running bot; nothing is changed.

    Raises:
        StorageError: the database cannot be opened or read.
    """
    store = await open_store(settings, exclusive=False)
    try:
        return Books(await store.read(verify()), await store.read(totals()))
    finally:
        await store.close()


def lines(books: Books) -> list[str]:
    """Return the report for a terminal."""
    together = Totals(
        guild_id=0,
        jobs=sum(one.jobs for one in books.servers),
        held_microusd=sum(one.held_microusd for one in books.servers),
        exposed_microusd=sum(one.exposed_microusd for one in books.servers),
        spent_microusd=sum(one.spent_microusd for one in books.servers),
    )
    rows = [
        _columns("server", "jobs", "spent", "held", "of it uncertain"),
        *(_row(str(one.guild_id), one) for one in books.servers),
        _row("together", together),
    ]
    verdict = [f"WRONG  {sentence}" for sentence in books.wrong] or [
        "The books are right: every sum of entries equals its row, and every hold ended at most once."
    ]
    return [*rows, *verdict]


def _row(name: str, sums: Totals) -> str:
    amounts = (sums.spent_microusd, sums.held_microusd, sums.exposed_microusd)
    return _columns(name, str(sums.jobs), *(dollars(amount) for amount in amounts))


def _columns(name: str, jobs: str, spent: str, held: str, exposed: str) -> str:
    return f"{name:<20} {jobs:>7} {spent:>14} {held:>14} {exposed:>16}"
