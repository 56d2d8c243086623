"""Migrates a database: numbered SQL files, each applied once, in its own transaction."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, TypeVar

from bot.errors import StorageError
from bot.storage.transaction import One, Store, Transaction

log = logging.getLogger(__name__)
T = TypeVar("T")

Engine: TypeAlias = Literal["sqlite", "postgres"]

SCHEMA_DIR = Path(__file__).parent / "schema"
_FILE_NAME = re.compile(r"(?P<version>\d{4})_(?P<name>\w+)(?:\.(?P<engine>sqlite|postgres))?\.sql")
_STATEMENT_END = re.compile(r";[ \t]*$", re.MULTILINE)
_COMMENT_LINE = re.compile(r"^\s*--.*$", re.MULTILINE)

# The lock of a migration, in case two processes start together. In SQLite the write transaction is the lock.
_LOCK: Mapping[Engine, Sequence[str]] = {
    "sqlite": (),
    "postgres": ("SELECT pg_advisory_xact_lock(7305012026)",),
}
SCHEMA_VERSIONS_SQL = (
    "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY, applied_at DOUBLE PRECISION NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered migration, with its statements for one engine."""

    version: int
    statements: tuple[str, ...]


def migrations(engine: Engine, folder: Path = SCHEMA_DIR) -> tuple[Migration, ...]:
    """Return the migrations in order. `0001_name.sql` is for both engines; `0001_name.sqlite.sql` follows it on SQLite.

    Raises:
        StorageError: a file's name has another form, two steps have the same number, or a number is missing.
    """
    steps: dict[int, tuple[str, ...]] = {}
    names: dict[int, str] = {}
    # By number, and the file for both engines (one dot in its name) before an engine's own (two dots).
    for path in sorted(folder.glob("*.sql"), key=lambda path: (path.name[:4], path.name.count("."), path.name)):
        name = _FILE_NAME.fullmatch(path.name)
        if name is None:
            raise StorageError(f"{path} is not named like 0001_name.sql or 0001_name.sqlite.sql.")
        version = int(name["version"])
        if names.setdefault(version, name["name"]) != name["name"]:
            raise StorageError(
                f"Two steps of the schema in {folder} have the number {name['version']}: "
                f"{names[version]} and {name['name']}. Give one of them the next free number."
            )
        if name["engine"] in {None, engine}:
            steps[version] = steps.get(version, ()) + split(path.read_text(encoding="utf-8"))
    if sorted(steps) != list(range(1, len(steps) + 1)):
        raise StorageError(f"The schema's files in {folder} are not numbered 1, 2, 3, …: {sorted(steps)}.")
    return tuple(Migration(version, steps[version]) for version in sorted(steps))


def split(text: str) -> tuple[str, ...]:
    """Return the statements of an SQL text; each ends with a semicolon at the end of a line."""
    pieces = (_COMMENT_LINE.sub("", piece).strip() for piece in _STATEMENT_END.split(text))
    return tuple(piece for piece in pieces if piece)


class Writer(Protocol):
    """What migrates: a store, or a connection with more patience."""

    async def write(self, transaction: Transaction[T]) -> T:
        """See `Store.write`."""
        ...


async def schema_of(store: Store, engine: Engine) -> int:
    """Return the database's schema version, 0 if it has no tables of Wanda; nothing is created.

    Raises:
        StorageError: the database did not answer.
    """
    return await store.read(schema_version(engine))


def schema_version(engine: Engine) -> Transaction[int]:
    """Return the database's schema version, as `schema_of`."""
    there = yield One(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'"
        if engine == "sqlite"
        else "SELECT 1 AS one WHERE to_regclass('schema_version') IS NOT NULL"
    )
    if there is None:
        return 0
    row = yield One("SELECT COALESCE(MAX(version), 0) AS version FROM schema_version")
    return row["version"]


async def migrate(store: Writer, engine: Engine, *, at: float, folder: Path = SCHEMA_DIR) -> int:
    """Apply the migrations that are new to the database, and return its schema version.

    Raises:
        StorageError: a migration failed and was rolled back, or the database is newer than the code.
    """
    steps = migrations(engine, folder)
    found = await store.write(_prepare(engine))
    if found > len(steps):
        raise StorageError(
            f"The database has schema {found}, but this version of Wanda knows only {len(steps)}: "
            "it was opened by a newer version. Start that one, or restore a backup from before."
        )
    for step in steps[found:]:
        if found:
            log.info("applying step %d of the database's schema", step.version)
        await store.write(_apply(step, engine, at))
    return len(steps)


def apply_steps(engine: Engine, *, after: int, until: int | None, at: float) -> Transaction[None]:
    """Apply the steps after one version, and up to another or to the last, as a part of a larger transaction.

    The table `schema_version` must be there.
    """
    for step in migrations(engine)[after:until]:
        yield from _apply(step, engine, at)


def keep_others_out(engine: Engine) -> Transaction[None]:
    """Take the lock of the migration, until the transaction ends: a bot that starts meanwhile waits for it."""
    for lock in _LOCK[engine]:
        yield One(lock)


def _prepare(engine: Engine) -> Transaction[int]:
    yield from keep_others_out(engine)
    yield One(SCHEMA_VERSIONS_SQL)
    row = yield One("SELECT COALESCE(MAX(version), 0) AS version FROM schema_version")
    return row["version"]


def _apply(step: Migration, engine: Engine, at: float) -> Transaction[None]:
    yield from keep_others_out(engine)
    # Checked again under the lock: another process may have applied it in between.
    if (yield One("SELECT version FROM schema_version WHERE version = $1", (step.version,))) is not None:
        return
    for statement in step.statements:
        yield One(statement)
    yield One("INSERT INTO schema_version (version, applied_at) VALUES ($1, $2)", (step.version, at))
