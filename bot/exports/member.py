"""Writes a member's data as ZIP files on disk, in parts that fit into a Discord message, a page at a time."""

import asyncio
import json
import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import OptionRefused
from bot.exports.csv_text import csv_lines
from bot.exports.rows import MOVEMENT_COLUMNS, movement_row
from bot.files.files import Files
from bot.files.names import result_name
from bot.films.member_export import films_for_export
from bot.jobs.chip_in_rows import chip_ins_of_member
from bot.jobs.member_export import export_values
from bot.jobs.model import Job
from bot.jobs.pick_rows import votes_everywhere
from bot.jobs.preferences import preferences_everywhere
from bot.jobs.presets import presets_everywhere
from bot.jobs.queries import JobCursor, cursor_of, jobs_of_member_everywhere
from bot.jobs.short_id import short_id
from bot.ledger.history import Cursor
from bot.ledger.member_records import entries_of_member, grants_and_rules_of
from bot.media.rules.file_name import shown_name
from bot.requester import Requester
from bot.storage.transaction import Store, Transaction
from bot.texts.privacy import READ_ME, PackedPart, no_such_part

PAGE_ROWS = 200
SAID_MAX = 1000
LISTS_SHARE = 0.5  # of a part's size; the lists' share, uncompressed
MARGIN_BYTES = 64 * 1024  # for the ZIP's headers
MARGIN_PER_FILE_BYTES = 600


@dataclass(frozen=True, slots=True)
class Item:
    """A kept file of the export, with its name in the ZIP."""

    name: str
    kept_as: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ExportContents:
    """The lists on disk, the media files of the newest jobs first, and whether the lists are complete."""

    lists: tuple[Path, ...]
    files: tuple[Item, ...]
    whole: bool


async def pack(
    store: Store, files: Files, member_id: int, folder: Path, *, part: int, limit_bytes: int, rows_max: int
) -> tuple[Path, PackedPart]:
    """Write one part of the member's data into `folder`, at most `limit_bytes` large; return its path and content.

    The first part has the lists. The same data is always divided into the same parts.

    Raises:
        OptionRefused: there is no such part.
        StorageError: the database or the files did not answer.
        OSError: the disk did not take a file.
    """
    gathered = await _gather(store, files, member_id, folder, limit_bytes=limit_bytes, rows_max=rows_max)
    listed = await asyncio.to_thread(lambda: sum(path.stat().st_size for path in gathered.lists))
    parts, too_large = divide(gathered.files, limit_bytes, first_used_bytes=listed)
    if part > len(parts):
        raise OptionRefused(no_such_part(len(parts)))
    path = folder / (f"wanda-data-{part}.zip" if len(parts) > 1 else "wanda-data.zip")
    chosen = await _fetched(files, parts[part - 1], Requester(0, member_id))
    await asyncio.to_thread(_zip, path, gathered.lists if part == 1 else (), chosen)
    packed = PackedPart(
        part=part,
        parts=len(parts),
        too_large=[(item.name, item.size_bytes) for item in too_large],
        whole=gathered.whole,
    )
    return path, packed


def divide(files: Sequence[Item], limit_bytes: int, *, first_used_bytes: int) -> tuple[list[list[Item]], list[Item]]:
    """Divide the files into parts, in order; return the parts, at least one, and the files too large for any."""
    room = limit_bytes - MARGIN_BYTES
    parts: list[list[Item]] = [[]]
    too_large: list[Item] = []
    left = room - first_used_bytes
    for item in files:
        needed = item.size_bytes + MARGIN_PER_FILE_BYTES
        if needed > room:
            too_large.append(item)
            continue
        if needed > left:
            parts.append([])
            left = room
        parts[-1].append(item)
        left -= needed
    return parts, too_large


async def _gather(
    store: Store, files: Files, member_id: int, folder: Path, *, limit_bytes: int, rows_max: int
) -> ExportContents:
    most = int(limit_bytes * LISTS_SHARE / 2)
    jobs_path, items, jobs_whole = await _jobs(store, files, member_id, folder, most=most, rows_max=rows_max)
    money_path, money_whole = await _money(store, member_id, folder, most=most, rows_max=rows_max)
    said = await store.read(_said_of(member_id))
    rules_path, about_path = folder / "rules.json", folder / "README.txt"
    await asyncio.to_thread(rules_path.write_text, json.dumps(said, indent=2, ensure_ascii=False), encoding="utf-8")
    await asyncio.to_thread(about_path.write_text, READ_ME, encoding="utf-8")
    return ExportContents((about_path, jobs_path, money_path, rules_path), items, jobs_whole and money_whole)


def _said_of(member_id: int) -> Transaction[dict[str, list[dict[str, Any]]]]:
    granted = yield from grants_and_rules_of(member_id, limit=SAID_MAX)
    settings = yield from preferences_everywhere(member_id, limit=SAID_MAX)
    presets = yield from presets_everywhere(member_id, limit=SAID_MAX)
    chip_ins = yield from chip_ins_of_member(member_id, limit=SAID_MAX)
    films = yield from films_for_export(member_id, limit=SAID_MAX)
    votes = yield from votes_everywhere(member_id, limit=SAID_MAX)
    collecting = [export_values(job) for job in chip_ins]
    said = {"settings": settings, "presets": presets, "chip_ins": collecting, "films": films, "votes": votes}
    return {**granted, **said}


async def _jobs(
    store: Store, files: Files, member_id: int, folder: Path, *, most: int, rows_max: int
) -> tuple[Path, tuple[Item, ...], bool]:
    path = folder / "jobs.jsonl"
    items: list[Item] = []
    taken: set[str] = set()
    before: JobCursor | None = None
    used = rows = 0
    await asyncio.to_thread(path.touch)
    while True:
        jobs = await store.read(jobs_of_member_everywhere(member_id, before=before, limit=PAGE_ROWS))
        if not jobs:
            return path, tuple(items), True
        text = "".join(f"{json.dumps(export_values(job), ensure_ascii=False)}\n" for job in jobs)
        used += len(text.encode())
        rows += len(jobs)
        if used > most or rows > rows_max:
            return path, tuple(items), False
        await asyncio.to_thread(_append, path, text)
        items += await _files_of(jobs, files, taken)
        before = cursor_of(jobs[-1])


async def _money(store: Store, member_id: int, folder: Path, *, most: int, rows_max: int) -> tuple[Path, bool]:
    path = folder / "money.csv"
    after: Cursor | None = None
    text = csv_lines([MOVEMENT_COLUMNS])
    used = rows = 0
    while True:
        await asyncio.to_thread(_append, path, text)
        used += len(text.encode())
        entries = await store.read(entries_of_member(member_id, after=after, limit=PAGE_ROWS))
        if not entries:
            return path, True
        text = csv_lines(movement_row(entry) for entry in entries)
        rows += len(entries)
        if used + len(text.encode()) > most or rows > rows_max:
            return path, False
        after = (entries[-1].at, entries[-1].id)


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


async def _files_of(jobs: Iterable[Job], files: Files, taken: set[str]) -> list[Item]:
    """Return the jobs' files that are still kept, without borrowed inputs.

    A job's folder has its short id, or its whole id if another job has `taken` that one.
    """
    named: dict[str, str] = {}  # as it is kept, and in the ZIP
    for job in jobs:
        folder = short_id(job.id) if short_id(job.id) not in taken else job.id
        taken.add(folder)
        where = f"files/{folder}"
        own = [one for one in job.inputs if not one.is_borrowed]
        if job.files_gone_at is None:
            named |= {one.path: f"{where}/{one.option}-{_safe(one.file_name)}" for one in own}
            named[result_name(job.id)] = f"{where}/result.mp4"
    sizes = await files.sizes(named.keys())
    return [Item(name, kept_as, sizes[kept_as]) for kept_as, name in named.items() if kept_as in sizes]


async def _fetched(files: Files, items: Iterable[Item], requester: Requester) -> list[tuple[str, Path]]:
    """Return the paths of the files by their names in the ZIP; one that was deleted meanwhile is left out."""
    found: list[tuple[str, Path]] = []
    for item in items:
        with suppress(FileNotFoundError):
            found.append((item.name, await files.fetch(item.kept_as, requester)))
    return found


def _safe(name: str) -> str:
    """Return a file name without slashes and leading dots."""
    return shown_name(name).replace("/", "_").replace("\\", "_").lstrip(".") or "file"


def _zip(path: Path, lists: Iterable[Path], files: Iterable[tuple[str, Path]]) -> None:
    """Write the ZIP; media files are stored uncompressed, as they are compressed already."""
    with zipfile.ZipFile(path, "w") as archive:
        for one in lists:
            archive.write(one, one.name, compress_type=zipfile.ZIP_DEFLATED)
        for name, kept in files:
            archive.write(kept, name, compress_type=zipfile.ZIP_STORED)
