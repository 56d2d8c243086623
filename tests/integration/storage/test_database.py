import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import StorageError
from bot.settings import StorageSettings
from bot.storage.database import open_store
from tests.support.stores import PostgresServer, settings_for


async def test_the_data_folder_is_made_and_holds_the_database(tmp_path: Path) -> None:
    """An empty DATABASE_URL is SQLite in the data folder, which need not exist before."""
    folder = tmp_path / "new" / "data"
    store = await open_store(settings_for(folder))
    await store.close()
    assert sorted(path.name for path in folder.iterdir()) == ["wanda.db", "wanda.lock"]


async def test_a_sqlite_url_names_a_file(tmp_path: Path) -> None:
    """`sqlite:///` and a path is SQLite in that file, whose folder is made."""
    store = await open_store(settings_for(tmp_path, f"sqlite:///{tmp_path / 'else' / 'here.db'}"))
    await store.close()
    assert (tmp_path / "else" / "here.db").exists()


async def test_two_bots_cannot_own_the_same_data(store_settings: StorageSettings) -> None:
    """The second process is refused with the first one's id; once the first has closed, it can open the database."""
    first = await open_store(store_settings)
    with pytest.raises(StorageError, match=rf"Another Wanda \(process {os.getpid()}\)"):
        await open_store(store_settings)
    await first.close()
    second = await open_store(store_settings)
    await second.close()


async def test_who_only_looks_needs_no_lock(store_settings: StorageSettings) -> None:
    """A command that only reads works beside a running bot."""
    bot = await open_store(store_settings)
    looker = await open_store(store_settings, exclusive=False)
    await looker.close()
    await bot.close()


async def test_two_folders_on_one_postgresql_database_are_refused(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """The database is locked as well as the folder, so two machines cannot run the same jobs."""
    url = await postgres_server.new_database()
    first = await open_store(settings_for(tmp_path / "a", url))
    with pytest.raises(StorageError, match="Another Wanda already works with this PostgreSQL database"):
        await open_store(settings_for(tmp_path / "b", url, timeout_s=0.5))
    await first.close()
    second = await open_store(settings_for(tmp_path / "b", url))
    await second.close()


async def test_a_failed_opening_leaves_the_folder_free(tmp_path: Path) -> None:
    """A failed opening releases the lock, so corrected settings can be tried at once."""
    (tmp_path / "wanda.db").write_bytes(b"this is not a database" * 1000)
    with pytest.raises(StorageError, match=r"wanda\.db cannot be opened"):
        await open_store(settings_for(tmp_path))
    (tmp_path / "wanda.db").unlink()
    store = await open_store(settings_for(tmp_path))
    await store.close()


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """The sentence names the folder and the setting."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"file/data cannot be made .*WANDA_DATA_DIR"):
        await open_store(settings_for(tmp_path / "file" / "data"))


async def test_sqlite_is_opened_for_durability(tmp_path: Path) -> None:
    """The file is in WAL mode; the writer syncs each commit and enforces foreign keys (see test_sqlite.py)."""
    store = await open_store(settings_for(tmp_path))
    await store.close()
    connection = sqlite3.connect(tmp_path / "wanda.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


async def test_an_unreachable_postgresql_is_told(tmp_path: Path) -> None:
    """An unreachable server is a StorageError at the start, not a traceback."""
    with pytest.raises(StorageError, match="PostgreSQL cannot be used"):
        await open_store(settings_for(tmp_path, f"postgresql://wanda@/wanda?host={tmp_path}"))


def test_without_the_extra_the_sentence_says_what_to_install(tmp_path: Path) -> None:
    """PostgreSQL without its driver ends in one sentence; SQLite needs none of it."""
    (tmp_path / "asyncpg.py").write_text("raise ModuleNotFoundError('No module named asyncpg', name='asyncpg')\n")
    program = (
        "import asyncio, sys\n"
        "from bot.errors import StorageError\n"
        "from bot.configuration import read_group\n"
        "from bot.settings import StorageSettings\n"
        "from bot.storage.database import open_store\n"
        "try:\n"
        "    asyncio.run(open_store(read_group(StorageSettings)))\n"
        "except StorageError as error:\n"
        "    sys.exit(str(error))\n"
    )
    environment = os.environ | {
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{Path.cwd()}",
        "DATABASE_URL": "postgresql://wanda@127.0.0.1/wanda",
        "WANDA_DATA_DIR": str(tmp_path),
    }
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "pip install 'wanda[postgres]'" in ended.stderr
