"""Writes a server's jobs and ledger entries as CSV files, a page at a time and up to a size limit."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from bot.exports.csv_text import csv_lines
from bot.exports.rows import ENTRY_COLUMNS, JOB_COLUMNS, entry_row, job_row
from bot.ledger.history import Cursor, entries_page, spent_page
from bot.ledger.model import Entry, Spent
from bot.storage.transaction import Store, Transaction

T = TypeVar("T")
PAGE_ROWS = 500
BYTE_ORDER_MARK = "\ufeff"  # without it, Excel does not read the file as UTF-8


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file on disk with its number of rows; `whole` is False if a limit ended it early."""

    path: Path
    rows: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of one file."""

    rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class _Table(Generic[T]):
    name: str
    columns: Sequence[str]
    page: Callable[[Cursor], Transaction[Sequence[T]]]
    row: Callable[[T], Sequence[object]]
    cursor: Callable[[T], Cursor]


async def export(store: Store, guild_id: int, folder: Path, *, since: float, bounds: Bounds) -> tuple[ExportFile, ...]:
    """Write jobs.csv and entries.csv with everything since `since` (Unix seconds), oldest first.

    Raises:
        StorageError: the database did not answer.
        OSError: the disk did not take a file.
    """
    jobs: _Table[Spent] = _Table(
        "jobs.csv",
        JOB_COLUMNS,
        lambda after: spent_page(guild_id, after=after, limit=PAGE_ROWS),
        job_row,
        lambda job: (job.counted_at, job.job_id),
    )
    entries: _Table[Entry] = _Table(
        "entries.csv",
        ENTRY_COLUMNS,
        lambda after: entries_page(guild_id, after=after, limit=PAGE_ROWS),
        entry_row,
        lambda entry: (entry.at, entry.id),
    )
    return (
        await _write(store, jobs, folder, since=since, bounds=bounds),
        await _write(store, entries, folder, since=since, bounds=bounds),
    )


async def _write(store: Store, table: _Table[T], folder: Path, *, since: float, bounds: Bounds) -> ExportFile:
    path = folder / table.name
    text = BYTE_ORDER_MARK + csv_lines([table.columns])
    after: Cursor = (since, "")
    rows = size_bytes = 0
    while True:
        size_bytes += await asyncio.to_thread(_append, path, text)
        found = await store.read(table.page(after))
        if not found:
            return ExportFile(path, rows, whole=True)
        text = csv_lines(table.row(one) for one in found)
        if rows + len(found) > bounds.rows or size_bytes + len(text.encode()) > bounds.size_bytes:
            return ExportFile(path, rows, whole=False)
        rows += len(found)
        after = table.cursor(found[-1])


def _append(path: Path, text: str) -> int:
    """Append the text as UTF-8; return its size in bytes."""
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)
    return len(text.encode())
