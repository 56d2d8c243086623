"""Notes of files that are still to be removed: they stand until every place has removed them.

A note is written in the transaction that deletes the row of the files, so an outage keeps nothing for ever.
"""

from collections.abc import Collection

from bot.storage.transaction import Many, One, Row, Transaction

_ADD = "INSERT INTO removals (what) VALUES ($1) ON CONFLICT DO NOTHING"


def note_removal(what: str) -> Transaction[None]:
    """Note what is to be removed: all files of a deleted job, film, draft or chip-in by its id, or one file by name."""
    yield One(_ADD, (what,))


def noted_removals(*, limit: int) -> Transaction[tuple[str, ...]]:
    """Return what is still to be removed."""
    rows: list[Row] = yield Many("SELECT what FROM removals ORDER BY what LIMIT $1", (limit,))
    return tuple(row["what"] for row in rows)


def note_removed(removed: Collection[str]) -> Transaction[None]:
    """Note that these are removed; in order, because two processes may note the same ones at once."""
    for what in sorted(removed):
        yield One("DELETE FROM removals WHERE what = $1", (what,))
