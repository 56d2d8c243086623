"""Notes of files that are still to be removed: they stand until every place has removed them.

A note is written in the transaction that deletes the row of the files, so an outage keeps nothing for ever.
"""

from collections.abc import Collection, Sequence

from bot.chunks import chunks
from bot.storage.transaction import Many, One, Row, Transaction

_AT_ONCE = 100  # in one statement


def note_removal(what: str) -> Transaction[None]:
    """Note what is to be removed: all files of a deleted job, film, draft or chip-in by its id, or one file by name."""
    yield from note_removals((what,))


def note_removals(whats: Sequence[str]) -> Transaction[None]:
    """Note each of these, as `note_removal` does."""
    for some in chunks(whats, _AT_ONCE):
        rows = ", ".join(f"(${number})" for number in range(1, len(some) + 1))
        yield One(f"INSERT INTO removals (what) VALUES {rows} ON CONFLICT DO NOTHING", some)  # noqa: S608 - only the numbers of parameters are put in


def noted_removals(*, limit: int) -> Transaction[tuple[str, ...]]:
    """Return what is still to be removed."""
    rows: list[Row] = yield Many("SELECT what FROM removals ORDER BY what LIMIT $1", (limit,))
    return tuple(row["what"] for row in rows)


def note_removed(removed: Collection[str]) -> Transaction[None]:
    """Note that these are removed; in order, because two processes may note the same ones at once."""
    for what in sorted(removed):
        yield One("DELETE FROM removals WHERE what = $1", (what,))
