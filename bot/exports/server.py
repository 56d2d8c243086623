"""Writes a server's videos and movements of money as CSV files, a page at a time and up to a size limit."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from bot.exports.csv_text import csv_lines
from bot.exports.rows import MOVEMENT_COLUMNS, VIDEO_COLUMNS, Names, movement_row, video_row
from bot.jobs.model import Job
from bot.jobs.queries import jobs_by_id
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


Video: TypeAlias = tuple[Spent, Job | None]
FindNames: TypeAlias = Callable[[Iterable[int]], Awaitable[Names]]  # those of these members, and all channels'


@dataclass(frozen=True, slots=True)
class _Table(Generic[T]):
    name: str
    columns: Sequence[str]
    page: Callable[[Cursor], Transaction[Sequence[T]]]
    rows: Callable[[Sequence[T]], Awaitable[Iterable[Sequence[object]]]]
    cursor: Callable[[T], Cursor]


async def export(
    store: Store, guild_id: int, folder: Path, *, since: float, bounds: Bounds, find_names: FindNames
) -> tuple[ExportFile, ...]:
    """Write videos.csv and movements.csv with everything since `since` (Unix seconds), oldest first.

    Raises:
        StorageError: the database did not answer.
        OSError: the disk did not take a file.
    """

    async def video_rows(videos: Sequence[Video]) -> Iterable[Sequence[object]]:
        names = await find_names(spent.member_id for spent, _ in videos)
        return [video_row(spent, job, names) for spent, job in videos]

    async def movement_rows(entries: Sequence[Entry]) -> Iterable[Sequence[object]]:
        return map(movement_row, entries)

    videos: _Table[Video] = _Table(
        "videos.csv",
        VIDEO_COLUMNS,
        lambda after: _videos(guild_id, after),
        video_rows,
        lambda video: (video[0].counted_at, video[0].job_id),
    )
    movements: _Table[Entry] = _Table(
        "movements.csv",
        MOVEMENT_COLUMNS,
        lambda after: entries_page(guild_id, after=after, limit=PAGE_ROWS),
        movement_rows,
        lambda entry: (entry.at, entry.id),
    )
    return (
        await _write(store, videos, folder, since=since, bounds=bounds),
        await _write(store, movements, folder, since=since, bounds=bounds),
    )


def _videos(guild_id: int, after: Cursor) -> Transaction[Sequence[Video]]:
    spent = yield from spent_page(guild_id, after=after, limit=PAGE_ROWS)
    jobs = yield from jobs_by_id([one.job_id for one in spent])
    return [(one, jobs.get(one.job_id)) for one in spent]


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
        text = csv_lines(await table.rows(found))
        if rows + len(found) > bounds.rows or size_bytes + len(text.encode()) > bounds.size_bytes:
            return ExportFile(path, rows, whole=False)
        rows += len(found)
        after = table.cursor(found[-1])


def _append(path: Path, text: str) -> int:
    """Append the text as UTF-8; return its size in bytes."""
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)
    return len(text.encode())
