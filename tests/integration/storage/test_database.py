import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bot.errors import (
    NoDatabase,
    OldDatabase,
    OwnershipLost,
    SettingsRefused,
    StartRefused,
    StorageError,
    StorageUnreachable,
)
from bot.files.folder import FolderFiles
from bot.jobs import acceptance
from bot.ledger.model import Shipped
from bot.settings import StorageSettings
from bot.storage.database import look_into, open_store
from bot.storage.owned_store import OwnedStore, write_nothing
from bot.storage.transaction import Many, Transaction
from tests.support.disks import SmallDisk
from tests.support.job_samples import PLACES, a_job
from tests.support.stores import PostgresServer, settings_for

_asyncpg: Any = asyncpg
SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)


def _run(sql: str, *args: Any) -> Transaction[Any]:
    return (yield Many(sql, args))


async def test_the_data_folder_is_made_and_holds_the_database(tmp_path: Path) -> None:
    """An empty DATABASE_URL is SQLite in the data folder, which need not exist before."""
    folder = tmp_path / "new" / "data"
    store = await open_store(settings_for(folder))
    await store.close()
    files = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert sorted(files) == ["wanda.database", "wanda.db", "wanda.db.lock", "wanda.lock"]
    assert {files["wanda.db"], files["wanda.lock"], folder.stat().st_mode & 0o777 & ~0o100} == {0o600}


async def test_a_sqlite_url_names_a_file(tmp_path: Path) -> None:
    """`sqlite:///` and a path is SQLite in that file, whose folder is made."""
    store = await open_store(settings_for(tmp_path, f"sqlite:///{tmp_path / 'else' / 'here.db'}"))
    await store.close()
    assert (tmp_path / "else" / "here.db").exists()


async def test_two_bots_cannot_own_the_same_data(store_settings: StorageSettings) -> None:
    """The second process is refused with the first one's id; once the first has closed, it can open the database."""
    first = await open_store(store_settings)
    with pytest.raises(StorageError, match=rf"Another Wanda \(process {os.getpid()}\) already works with the data in"):
        await open_store(store_settings)
    await first.close()
    second = await open_store(store_settings)
    await second.close()


async def test_who_only_looks_needs_no_lock(store_settings: StorageSettings) -> None:
    """A command that only reads works beside a running bot."""
    bot = await open_store(store_settings)
    looker = await look_into(store_settings)
    await looker.close()
    await bot.close()


async def test_who_only_looks_creates_nothing(store_settings: StorageSettings) -> None:
    """Without a database the sentence says who makes it, and the folder stays as it was."""
    with pytest.raises(NoDatabase, match="`python -m bot run` creates"):
        await look_into(store_settings)
    assert list(store_settings.data_dir.iterdir()) == []


async def test_who_only_looks_migrates_nothing(store: OwnedStore, store_settings: StorageSettings) -> None:
    """A newer version's `check` leaves the database to the older bot that runs: it says which schema it found."""
    known = store.database.schema
    await store.write(_run("DELETE FROM schema_version WHERE version = $1", known))
    with pytest.raises(OldDatabase, match=f"has schema {known - 1}; `python -m bot run` updates it to {known}"):
        await look_into(store_settings)
    await store.write(_run("INSERT INTO schema_version (version, applied_at) VALUES ($1, 1)", known + 1))
    with pytest.raises(StorageError, match=f"has schema {known + 1}, but .* opened by a newer version"):
        await look_into(store_settings)


async def test_two_folders_on_one_sqlite_file_are_refused(tmp_path: Path) -> None:
    """The lock stands beside the file, by whatever name it is reached."""
    (tmp_path / "else").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "else")
    first = await open_store(settings_for(tmp_path / "a", f"sqlite:///{tmp_path}/else/w.db"))
    with pytest.raises(StorageError, match=rf"Another Wanda \(process {os.getpid()}\) already works with the database"):
        await open_store(settings_for(tmp_path / "b", f"sqlite:///{tmp_path}/link/w.db"))
    await first.close()
    second = await open_store(settings_for(tmp_path / "b", f"sqlite:///{tmp_path}/link/w.db"))
    await second.close()


async def test_a_folder_that_is_not_mounted_is_noticed(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """The database knows videos whose files are kept, and the folder has none of any."""
    url = await postgres_server.new_database()
    store = await open_store(settings_for(tmp_path / "mounted", url))
    await store.write(acceptance.accept(a_job(), SHIPPED, PLACES))
    await store.write(_run("UPDATE jobs SET state = 'done', told = 1"))
    (tmp_path / "mounted" / "results").mkdir()
    await store.close()
    for folder, is_empty in (("mounted", False), ("empty", True)):
        store = await open_store(settings_for(tmp_path / folder, url))
        assert store.database.keeps_files
        assert await FolderFiles(tmp_path / folder).is_empty() is is_empty
        await store.close()


async def _begin(settings: StorageSettings) -> OwnedStore:
    store = await open_store(settings)
    await store.begun()
    return store


async def test_a_missing_database_is_refused(tmp_path: Path) -> None:
    """Where a bot has run, an absent or empty database is not begun anew, unless that is said."""
    file = tmp_path / "else" / "w.db"
    settings = settings_for(tmp_path, f"sqlite:///{file}")
    await (await _begin(settings)).close()
    file.rename(tmp_path / "kept.db")
    with pytest.raises(StartRefused, match=r"SQLite .*else/w\.db is missing or empty, .*--begin-anew"):
        await open_store(settings)
    assert not file.exists()
    file.touch()
    with pytest.raises(StartRefused, match="missing or empty"):
        await open_store(settings)
    anew = await open_store(settings, begin_anew=True)
    assert anew.database.is_new
    await anew.begun()
    await anew.close()
    (tmp_path / "kept.db").rename(file)
    with pytest.raises(StartRefused, match="belongs to another database"):
        await open_store(settings)


async def test_an_emptied_postgresql_is_refused(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """The same holds for a server that was set up anew under the old address."""
    settings = settings_for(tmp_path, await postgres_server.new_database())
    await (await _begin(settings)).close()
    with pytest.raises(StartRefused, match=r"PostgreSQL localhost/postgres is missing or empty"):
        await open_store(settings_for(tmp_path, await postgres_server.new_database()))


async def test_a_database_that_no_bot_has_begun_with_is_still_new(store_settings: StorageSettings) -> None:
    """The log says new until a bot has logged in with it, and found from then on."""
    for _ in range(2):
        store = await open_store(store_settings)
        assert str(store.database).endswith(", new")
        await store.close()
    await (await _begin(store_settings)).close()
    store = await open_store(store_settings)
    assert str(store.database).endswith(f", found, schema {store.database.schema}")
    await store.close()


async def test_a_removed_database_is_noticed(tmp_path: Path) -> None:
    """What is written to a removed file is lost, so the owner learns that the file is not there any more."""
    store = await open_store(settings_for(tmp_path))
    await store.check_files()
    (tmp_path / "wanda.db").rename(tmp_path / "moved.db")
    with pytest.raises(OwnershipLost, match="removed or replaced"):
        await store.check_files()
    (tmp_path / "moved.db").rename(tmp_path / "wanda.db")
    (tmp_path / "wanda.lock").unlink()
    with pytest.raises(OwnershipLost, match=r"wanda\.lock was removed"):
        await store.check_files()
    await store.close()


@pytest.fixture
def immutable(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Call it to have the database's attributes forbid all writing; not every file system has these."""
    file = tmp_path / "wanda.db"

    def change(how: str) -> bool:
        return subprocess.run(["chattr", how, file], capture_output=True, check=False).returncode == 0

    def forbid() -> None:
        if not change("+i"):
            pytest.skip("files cannot be made immutable here")

    yield forbid
    change("-i")


async def test_a_readonly_sqlite_is_noticed(tmp_path: Path, immutable: Callable[[], None]) -> None:
    """SQLite still writes to its log beside the file then, and fails only thousands of writes later."""
    store = await open_store(settings_for(tmp_path))
    immutable()
    with pytest.raises(StorageError, match=r"wanda\.db is read-only"):
        await store.check_files()
    await store.close()


async def test_what_an_older_version_left_becomes_private(tmp_path: Path) -> None:
    """Its database and its folders of members' files were open to every user of the machine."""
    await (await open_store(settings_for(tmp_path))).close()
    old = [tmp_path / name for name in ("inputs", "results")]
    for folder in old:
        folder.mkdir(mode=0o755)
    (tmp_path / "wanda.db").chmod(0o644)
    await (await open_store(settings_for(tmp_path))).close()
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "wanda.db", *old)] == [0o600, 0o700, 0o700]


async def test_a_check_writes_and_leaves_nothing(store: OwnedStore) -> None:
    """It takes a write of the kind that jobs make; the tables are as before."""
    before = await store.read(_run("SELECT version FROM schema_version ORDER BY version"))
    await store.check()
    assert await store.read(_run("SELECT version FROM schema_version ORDER BY version")) == before


async def test_a_locked_sqlite_is_noticed(tmp_path: Path) -> None:
    """Another connection that keeps the write lock makes the check fail after the timeout."""
    store = await open_store(settings_for(tmp_path, timeout_s=0.1))
    other = sqlite3.connect(tmp_path / "wanda.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"):
        await store.check()
    other.close()
    await store.check()
    await store.close()


@pytest.mark.parametrize("table", ["jobs", "draws", "entries", "budgets"])
async def test_a_locked_table_is_noticed(postgres_server: PostgresServer, tmp_path: Path, table: str) -> None:
    """A lock on any table that jobs are written to makes the check fail."""
    url = await postgres_server.new_database()
    store = await open_store(settings_for(tmp_path, url, timeout_s=0.3))
    other: Any = await _asyncpg.connect(url)
    async with other.transaction():
        await other.execute(f"LOCK TABLE {table} IN SHARE MODE")
        with pytest.raises(StorageError, match="in time"):
            await store.check()
    await other.close()
    await store.check()
    await store.close()


async def test_a_readonly_postgresql_is_noticed(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """A server that became a replica, or was set to read only, answers reads; the check fails all the same."""
    url = await postgres_server.new_database()
    readonly = f"{url}&options=-c%20default_transaction_read_only%3Don"
    await (await open_store(settings_for(tmp_path, url))).close()
    store = await look_into(settings_for(tmp_path, readonly))
    assert await store.read(_run("SELECT count(*) AS n FROM jobs")) == [{"n": 0}]
    with pytest.raises(StorageError, match="read-only"):
        await store.write(write_nothing())
    await store.close()


async def test_a_full_disk_is_noticed(small_disk: SmallDisk) -> None:
    """The sentence says that the disk is full, also when only videos do not fit any more."""
    store = await open_store(settings_for(small_disk.folder))
    await store.check_files()
    small_disk.fill(but_bytes=100_000)
    with pytest.raises(StorageError, match="the disk is full; free some space"):
        await store.check_files()
    small_disk.empty()
    await store.check_files()
    await store.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_folder_of_somebody_else_says_what_to_change() -> None:
    """A volume that Docker made belongs to root: the sentence says who owns it, who Wanda is, and the command."""
    folder = Path(tempfile.mkdtemp(prefix="wanda-of-root-"))
    script = (
        "import os; from pathlib import Path; from bot.storage.data_folder import make_folder\n"
        f"os.setgid(10001); os.setuid(10001); make_folder(Path('{folder}'))"
    )
    try:
        folder.chmod(0o755)
        told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False).stderr
    finally:
        folder.rmdir()
    assert "it belongs to user 0, and Wanda runs as user 10001:10001; run `chown -R 10001:10001` on it" in told


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
    with pytest.raises(StorageUnreachable, match="PostgreSQL cannot be used"):
        await open_store(settings_for(tmp_path, f"postgresql://wanda@/wanda?host={tmp_path}"))


async def test_an_address_that_cannot_be_taken_apart_is_a_setting(tmp_path: Path) -> None:
    """The sentence says how special characters are written, and repeats no piece of the password."""
    with pytest.raises(SettingsRefused, match="DATABASE_URL is not usable") as refused:
        await open_store(settings_for(tmp_path, "postgresql://wanda:geh#eim@db/wanda"))
    assert "geh" not in str(refused.value)


def test_without_the_extra_the_sentence_says_what_to_install(tmp_path: Path) -> None:
    """PostgreSQL without its driver ends in one sentence; SQLite needs none of it."""
    (tmp_path / "asyncpg.py").write_text("raise ModuleNotFoundError('No module named asyncpg', name='asyncpg')\n")
    program = (
        "import asyncio, sys\n"
        "from bot.errors import SettingsRefused\n"
        "from bot.configuration import read_group\n"
        "from bot.settings import StorageSettings\n"
        "from bot.storage.database import open_store\n"
        "try:\n"
        "    asyncio.run(open_store(read_group(StorageSettings)))\n"
        "except SettingsRefused as error:\n"
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
