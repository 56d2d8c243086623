"""Where the settings say that the database is, and what it is called."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from bot.errors import StorageError
from bot.settings import POSTGRES_SCHEMES, SQLITE_SCHEME, StorageSettings
from bot.storage.data_folder import why_not
from bot.storage.migrate import Engine


def is_postgres(settings: StorageSettings) -> bool:
    """Return whether the settings name a PostgreSQL database."""
    return settings.database_url.startswith(POSTGRES_SCHEMES)


def database_name(settings: StorageSettings) -> str:
    """Return the database's name for people, without user and password."""
    if not is_postgres(settings):
        return f"SQLite {sqlite_path(settings)}"
    try:
        parts = urlsplit(settings.database_url)
        place = f"{parts.hostname or 'localhost'}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        place = "by DATABASE_URL"
    return f"PostgreSQL {place}"


def sqlite_path(settings: StorageSettings) -> Path:
    """Return the file that `DATABASE_URL` names: `sqlite:///wanda.db` is relative, `sqlite:////var/wanda.db` absolute.

    Links are followed, so that all names of one file lead to one lock.
    """
    url = settings.database_url
    return Path(os.path.realpath(url.removeprefix(SQLITE_SCHEME) if url else settings.data_dir / "wanda.db"))


def engine_of(settings: StorageSettings) -> Engine:
    """Return the engine that the settings name."""
    return "postgres" if is_postgres(settings) else "sqlite"


def is_there(settings: StorageSettings) -> bool:
    """Return whether an SQLite database exists; whether a PostgreSQL one has tables is seen once it is open."""
    if is_postgres(settings):
        return True
    try:
        return sqlite_path(settings).stat().st_size > 0
    except OSError:
        return False


def make_parent(path: Path) -> None:
    """Make the folder of an SQLite file, for its owner alone.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The database's folder {path.parent} cannot be made: {why_not(path.parent.parent, error)}."
        ) from error


def kind_of(name: str) -> str:
    """Return the engine's name in a name that `database_name` made."""
    return name.partition(" ")[0]
