"""`python -m bot backup`: writes the database and the files of jobs to a folder, also while the bot runs.

The database is read at one moment. The files are copied after it, so that what its jobs need is there; a file that was
removed meanwhile, because its time was over or its member deleted it, is left out.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from itertools import islice
from pathlib import Path

from bot import VERSION
from bot.cli.backup_folder import BackupWriter, Manifest, TableFacts, new_backup
from bot.cli.ledger import Books, read_books, verdict_lines
from bot.settings import Settings
from bot.storage.copies import snapshot_of
from bot.storage.copying import Snapshot
from bot.storage.database import database_id_in, database_name
from bot.storage.migrate import migrations
from bot.storage.tables import tables_of
from bot.storage.transaction import Many, Transaction

FOLDERS = ("inputs", "results")
NAMES_AT_ONCE = 500


async def back_up(settings: Settings, place: Path) -> tuple[Manifest, Books | None]:
    """Write a backup to the new folder `place`; returns its manifest, and the books at its moment.

    The books of an older version's database cannot be read: they are None.

    Raises:
        BackupRefused: the folder exists, or cannot be written.
        NoDatabase: there is no database.
        StorageError: the database cannot be read.
    """
    storage = settings.storage
    async with snapshot_of(storage) as snapshot:
        made_at = time.time()
        with new_backup(place) as writer:
            tables: dict[str, TableFacts] = {}
            for table in tables_of(snapshot.schema):
                with writer.table(table) as rows:
                    async for batch in snapshot.batches(table):
                        await asyncio.to_thread(rows.write, batch)
                tables[table.name] = TableFacts(rows=rows.digest.rows, digest=str(rows.digest))
            await _copy_files(snapshot, storage.data_dir, writer)
            manifest = Manifest(
                made_at=made_at,
                version=VERSION,
                database=database_name(storage),
                database_id=await snapshot.read(database_id_in()),
                schema_version=snapshot.schema,
                tables=tables,
                files=writer.files,
                files_bytes=writer.files_bytes,
                sums=writer.sums,
            )
            books = await snapshot.read(read_books()) if snapshot.schema == len(migrations("sqlite")) else None
            await asyncio.to_thread(writer.finish, manifest)
    return manifest, books


async def _copy_files(snapshot: Snapshot, data_dir: Path, writer: BackupWriter) -> None:
    """Copy the files of the jobs that the snapshot knows."""
    async for names in _known_names(snapshot, data_dir):
        for name in names:
            await asyncio.to_thread(writer.copy, data_dir / name, name)


async def _known_names(snapshot: Snapshot, data_dir: Path) -> AsyncGenerator[Sequence[str], None]:
    for folder in FOLDERS:
        entries = _entries(data_dir / folder)
        while paths := await asyncio.to_thread(_next, entries):
            ids = {path: path.name.partition(".")[0] for path in paths}
            known = await snapshot.read(_known_among(sorted(set(ids.values()))))
            found = [path for path in paths if ids[path] in known]
            yield [str(file.relative_to(data_dir)) for path in found for file in await asyncio.to_thread(_whole, path)]


def _known_among(job_ids: Sequence[str]) -> Transaction[frozenset[str]]:
    marks = ", ".join(f"${number}" for number in range(1, len(job_ids) + 1))
    rows = yield Many(f"SELECT id FROM jobs WHERE id IN ({marks})", job_ids)  # noqa: S608 - numbers of parameters
    return frozenset(row["id"] for row in rows)


def _entries(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())


def _next(entries: Iterator[Path]) -> list[Path]:
    return list(islice(entries, NAMES_AT_ONCE))


def _whole(path: Path) -> list[Path]:
    """Return a job's file, or those in its folder, without what is still being written."""
    files = path.iterdir() if path.is_dir() else [path]
    return sorted(file for file in files if file.is_file() and file.suffix != ".part")


def backup_lines(manifest: Manifest, place: Path, books: Books | None) -> list[str]:
    """Return what was written, line by line, and whether the books in it are right."""
    older = ["The database is an older version's: its books are checked when it is restored."]
    return [
        f"Wrote {place}: {manifest.database} as it was at {manifest.when}, and the files of its jobs.",
        f"It has {manifest.contents}; every file has a checksum.",
        *(older if books is None else verdict_lines(books)),
    ]
