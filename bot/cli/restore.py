"""`python -m bot restore`: makes an empty database and data folder what they were when a backup was written.

The data folder is marked first as the one of this database, so that a start is refused for as long as the database is
missing. The files come next, and the database last, whole or not at all. A restore that was interrupted is run again.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.cli.backup_folder import MANIFEST, Backup, Manifest
from bot.cli.ledger import Books, read_books, verdict_lines
from bot.errors import BackupRefused
from bot.files.files import Files
from bot.files.opening import open_files
from bot.jobs.unsent import doubt_unsent
from bot.settings import Settings, StorageSettings
from bot.storage.copies import new_database, owned
from bot.storage.copying import Digest, TableRow, compare
from bot.storage.data_folder import MARK, Mark, make_folder, read_mark, write_mark
from bot.storage.location import database_name, is_postgres, sqlite_path
from bot.storage.migrate import migrations
from bot.storage.sqlite_copy import PART
from bot.storage.tables import Table, tables_of
from bot.units import counted

_OF_NOBODY = frozenset({"lost+found", "wanda.lock", "wanda.db.lock", "wanda.db.part"})
_OURS = _OF_NOBODY | {MARK, "cache", "inputs", "results", "scratch"}


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored; `unsent` jobs had not been sent to fal by then, and become uncertain."""

    manifest: Manifest
    books: Books
    unsent: int


async def restore(settings: Settings, folder: Path, *, nothing_ran_since: bool) -> Restored:
    """Restore the backup into the database and the data folder of the settings, which must be empty.

    With `nothing_ran_since`, jobs that were not sent to fal by then are sent by the next start; otherwise they are
    never sent, because they may have been sent after the backup.

    Raises:
        BackupRefused: the backup is damaged or newer than this version, or the data folder is in use.
        StorageError: the database is not empty, or something cannot be written; nothing whole is left.
    """
    backup = Backup(folder)
    manifest, storage = backup.manifest, settings.storage
    files = open_files(storage, settings.files)
    known = len(migrations("sqlite"))
    if manifest.schema_version > known:
        raise BackupRefused(
            f"The backup has schema {manifest.schema_version}, but this version of Wanda knows only {known}: restore "
            f"it with Wanda {manifest.version} or a later one."
        )
    if set(manifest.tables) != {table.name for table in tables_of(manifest.schema_version)}:
        raise BackupRefused(
            f"The backup {backup.folder} is damaged: {MANIFEST} does not have the tables of its schema."
        )
    await asyncio.to_thread(backup.check)
    await asyncio.to_thread(make_folder, storage.data_dir)
    async with owned(storage):
        await asyncio.to_thread(_check_folder, storage, manifest)
        await _check_files(files, manifest)
        async with new_database(storage) as database:
            name = database_name(storage)
            await asyncio.to_thread(write_mark, storage.data_dir, Mark(manifest.database_id, name))
            await _keep_files(backup, files)
            await database.make_tables(manifest.schema_version)
            digests: dict[str, Digest] = {}
            for table in tables_of(manifest.schema_version):
                facts = manifest.tables[table.name]
                digests[table.name] = Digest(facts.rows, int(facts.digest, 16))
                await database.load(table, _batches(backup, table))
            await compare(database, manifest.schema_version, digests)
            await database.migrate(manifest.schema_version, at=time.time())
            unsent = 0 if nothing_ran_since else await database.run(doubt_unsent(now=time.time()))
            books = await database.run(read_books())
            await database.commit()
    return Restored(manifest, books, unsent)


def _check_folder(storage: StorageSettings, manifest: Manifest) -> None:
    """Refuse a folder with anything in it, but for what an interrupted restore of this backup left there."""
    folder = storage.data_dir
    mark = read_mark(folder)
    ours = _OF_NOBODY if mark is None or mark.database_id != manifest.database_id else _OURS
    if not is_postgres(storage):
        database = sqlite_path(storage).name
        ours |= {f"{database}.lock", f"{database}{PART}"}
    found = sorted(path.name for path in folder.iterdir() if path.name not in ours)
    if found:
        raise BackupRefused(
            f"The data folder {folder.absolute()} is not empty ({', '.join(found[:3])}): move it away, or name another "
            "in WANDA_DATA_DIR."
        )


async def _check_files(files: Files, manifest: Manifest) -> None:
    """Refuse a bucket, or a shared folder, with the files of another database.

    Raises:
        BackupRefused: it is another's.
        StorageError: it cannot be used.
    """
    if files.is_shared and await files.mark() not in {None, manifest.database_id}:
        raise BackupRefused(f"The files in {files.name} belong to another database: correct WANDA_FILES_URL.")


async def _keep_files(backup: Backup, files: Files) -> None:
    """Keep the files of jobs where the settings say; one that is there, as in the bucket, is written anew."""
    for name in backup.file_names():
        await files.adopt(backup.path_of(name), name)
    await asyncio.to_thread(os.sync)  # one call for all files, which may be many


async def _batches(backup: Backup, table: Table) -> AsyncGenerator[Sequence[TableRow], None]:
    batches = backup.batches(table)
    while (rows := await asyncio.to_thread(next, batches, None)) is not None:
        yield rows


def restore_lines(restored: Restored, storage: StorageSettings) -> list[str]:
    """Return what was restored, line by line, and whether the books in it are right."""
    manifest = restored.manifest
    lines = [
        f"Restored {database_name(storage)} and {storage.data_dir.absolute()} as they were at {manifest.when}:",
        f"{manifest.contents}; all of it is what was backed up.",
    ]
    if manifest.files_in:
        lines.append(f"The files of its jobs are in {manifest.files_in}: WANDA_FILES_URL has to name it.")
    if restored.unsent:
        lines.append(
            f"{counted(restored.unsent, 'job')} had not been sent to fal by then, but may have been since: the next "
            "start sends none of them and calls them uncertain, and `python -m bot ledger` lists them then."
        )
    return [*lines, *verdict_lines(restored.books)]
