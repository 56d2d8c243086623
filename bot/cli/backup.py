"""`python -m bot backup`: writes the database and the files of jobs to a folder, also while the bot runs.

The database is read at one moment. The files are copied after it, so that what its jobs need is there; a file that was
removed meanwhile, because its time was over or its member deleted it, is left out. Files in a bucket stay there.
"""

import asyncio
import time
from pathlib import Path

from bot import VERSION
from bot.cli.backup_folder import BackupWriter, Manifest, TableFacts, new_backup
from bot.cli.ledger import Books, read_books, verdict_lines
from bot.files.files import Files
from bot.files.names import FOLDERS, job_id_in, job_ids_in
from bot.files.opening import open_files
from bot.jobs.queries import known_ids
from bot.settings import Settings, StorageSettings
from bot.storage.copies import snapshot_of
from bot.storage.copying import Snapshot
from bot.storage.data_folder import read_mark
from bot.storage.database import check_same, database_id_in
from bot.storage.location import database_name
from bot.storage.migrate import migrations
from bot.storage.sqlite_copy import PART
from bot.storage.tables import tables_of


async def back_up(settings: Settings, place: Path) -> tuple[Manifest, Books | None]:
    """Write a backup to the new folder `place`; returns its manifest, and the books at its moment.

    The books of an older version's database cannot be read: they are None.

    Raises:
        BackupRefused: the folder exists, or cannot be written.
        NoDatabase: there is no database.
        StartRefused: the data folder belongs to another database, which this one may have been moved to.
        StorageError: the database cannot be read.
    """
    storage = settings.storage
    files = open_files(storage, settings.files)
    with new_backup(place) as writer:
        async with snapshot_of(storage) as snapshot:
            made_at = time.time()
            database_id = await snapshot.read(database_id_in())
            check_same(storage, read_mark(storage.data_dir), database_id)
            tables = await _write_tables(snapshot, writer)
            books = await snapshot.read(read_books()) if snapshot.schema == len(migrations("sqlite")) else None
        if not settings.files.is_bucket:
            await _copy_files(storage, files, writer)
        manifest = Manifest(
            made_at=made_at,
            version=VERSION,
            database=database_name(storage),
            database_id=database_id,
            schema_version=snapshot.schema,
            tables=tables,
            files_in=files.name if settings.files.is_bucket else "",
            files=writer.files,
            files_bytes=writer.files_bytes,
            sums=writer.sums,
        )
        await asyncio.to_thread(writer.finish, manifest)
    return manifest, books


async def _write_tables(snapshot: Snapshot, writer: BackupWriter) -> dict[str, TableFacts]:
    tables: dict[str, TableFacts] = {}
    for table in tables_of(snapshot.schema):
        with writer.table(table) as rows:
            async for batch in snapshot.batches(table):
                await asyncio.to_thread(rows.write, batch)
        tables[table.name] = TableFacts(rows=rows.digest.rows, digest=str(rows.digest))
    return tables


async def _copy_files(storage: StorageSettings, files: Files, writer: BackupWriter) -> None:
    """Copy the files of the jobs that there are now.

    This may take hours, for which no snapshot is kept open: the database could not tidy up behind it.
    """
    for folder in FOLDERS:
        async for page in files.pages(folder):
            names = [kept.name for kept in page if not kept.name.endswith(("/", PART))]
            found = job_ids_in(names)
            async with snapshot_of(storage) as now:
                known = await now.read(known_ids(found)) if found else frozenset[str]()
            for name in names:
                if job_id_in(name) in known:
                    await asyncio.to_thread(writer.copy, files.root / name, name)


def backup_lines(manifest: Manifest, place: Path, books: Books | None) -> list[str]:
    """Return what was written, line by line, and whether the books in it are right."""
    older = ["The database is an older version's: its books are checked when it is restored."]
    files = f"the files of its jobs stay in {manifest.files_in}" if manifest.files_in else "and the files of its jobs"
    return [
        f"Wrote {place}: {manifest.database} as it was at {manifest.when}, {files}.",
        f"It has {manifest.contents}; every file has a checksum.",
        *(older if books is None else verdict_lines(books)),
    ]
