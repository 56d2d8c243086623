"""`python -m bot migrate --to URL`: copies the database to an empty one of the other engine, and marks the data folder.

The old database stays as it was. The mark in the data folder names the new one, so that a start with the old one is
refused.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bot.cli.ledger import Books, ledger_lines, read_books
from bot.errors import BackupRefused, SettingsRefused
from bot.settings import StorageSettings
from bot.storage.copies import check_there, new_database, owned, snapshot_of
from bot.storage.copying import Digest, copy_rows
from bot.storage.data_folder import Mark, make_folder, read_mark, write_mark
from bot.storage.database import database_id_in
from bot.storage.location import database_name, is_postgres
from bot.storage.migrate import migrations
from bot.units import counted


@dataclass(frozen=True, slots=True)
class Moved:
    """The names of both databases, each table's digest, and the books, which are the same in both."""

    old: str
    new: str
    tables: Mapping[str, Digest]
    books: Books


async def move(settings: StorageSettings, url: str) -> Moved:
    """Copy the database of the settings to the empty one that `url` names, while no bot works with either.

    Raises:
        SettingsRefused: the URL names no database, or one of the same engine.
        NoDatabase: there is no database to copy.
        BackupRefused: it is an older version's, or the books differ after the copy; nothing is left of the copy.
        StorageError: a bot works with one of them, the new one is not empty, or a database did not carry it out.
    """
    target = _with_url(settings, url)
    old, new = database_name(settings), database_name(target)
    if is_postgres(settings) == is_postgres(target):
        raise SettingsRefused(
            f"{old} and {new} are of one engine: take the database there with `python -m bot backup` and `restore`."
        )
    await check_there(settings)
    await asyncio.to_thread(make_folder, settings.data_dir)
    async with owned(settings), snapshot_of(settings) as snapshot:
        known = len(migrations("sqlite"))
        if snapshot.schema != known:
            raise BackupRefused(
                f"{old} has schema {snapshot.schema}, and this version of Wanda has {known}: start the bot once with "
                "this version, stop it, and move the database then."
            )
        async with new_database(target) as database:
            digests = await copy_rows(snapshot, database)
            await database.migrate(snapshot.schema, at=time.time())
            before, after = await snapshot.read(read_books()), await database.run(read_books())
            if before != after:
                raise BackupRefused("The books of the copy differ from those of the old database; nothing was kept.")
            mark = Mark(await snapshot.read(database_id_in()), new)
            async with _marked(settings.data_dir, mark):
                await database.commit()
    return Moved(old, new, digests, after)


@asynccontextmanager
async def _marked(data_dir: Path, mark: Mark) -> AsyncGenerator[None, None]:
    """Mark the data folder before the copy is whole: if the process dies between, no start takes either database.

    The move can be run again then. Where the block fails, the old mark is back.
    """
    old = await asyncio.to_thread(read_mark, data_dir)
    await asyncio.to_thread(write_mark, data_dir, mark)
    try:
        yield
    except BaseException:
        if old is not None:
            await asyncio.to_thread(write_mark, data_dir, old)
        raise


def _with_url(settings: StorageSettings, url: str) -> StorageSettings:
    try:
        return StorageSettings.model_validate({**settings.model_dump(), "database_url": url})
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise SettingsRefused(f"--to names no database: {problem}.") from None


def migrate_lines(moved: Moved) -> list[str]:
    """Return what was copied, line by line, with the books after it."""
    rows = counted(sum(digest.rows for digest in moved.tables.values()), "row")
    return [
        f"Copied {moved.old} to {moved.new}: {counted(len(moved.tables), 'table')} with {rows}, each compared.",
        "The books of both, which are the same:",
        *ledger_lines(moved.books),
        f"Set DATABASE_URL to the new database now: a start with {moved.old}, which stays as it was, is refused.",
    ]
