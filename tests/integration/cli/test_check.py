"""What `python -m bot check` says of the data folder and the database, without changing either."""

from pathlib import Path

from bot.cli.check import _data_folder, _database, _files
from bot.settings import FilesSettings, Settings, ShardSettings, StorageSettings
from bot.storage.data_folder import Mark, write_mark
from bot.storage.database import open_store
from bot.storage.owned_store import OwnedStore
from tests.support.disks import SmallDisk
from tests.support.stores import settings_for


async def findings(settings: Settings) -> list[str]:
    """Return the two lines."""
    return [str(finding) for one in (_data_folder, _database) for finding in await one(settings)]


def names_in(folder: Path) -> list[str]:
    """Return the names of the files in the folder."""
    return sorted(path.name for path in folder.iterdir())


async def test_before_the_first_run(tmp_path: Path) -> None:
    """Nothing is wrong, and nothing is created."""
    folder, database = await findings(Settings(storage=settings_for(tmp_path / "new" / "data")))
    assert folder == f"ok   data folder     {tmp_path}/new/data is created by the first run"
    assert database.startswith("ok   database        There is no database yet; `python -m bot run` creates it (SQLite ")
    assert names_in(tmp_path) == []


async def test_beside_a_run(store: OwnedStore, store_settings: StorageSettings) -> None:
    """A database that is up to date takes a write, and no file is left behind."""
    before = names_in(store_settings.data_dir)
    folder, database = await findings(Settings(storage=store_settings))
    assert folder == f"ok   data folder     {store_settings.data_dir} can be written"
    assert database.startswith("ok ")
    assert database.endswith(" answers and takes a write; unfinished jobs: 0")
    assert names_in(store_settings.data_dir) == before


async def test_what_is_wrong(small_disk: SmallDisk) -> None:
    """A full disk and a missing database are found before a run meets them."""
    settings = Settings(storage=settings_for(small_disk.folder))
    store = await open_store(settings.storage)
    await store.begun()
    await store.close()
    small_disk.fill(but_bytes=10_000)
    folder, _ = await findings(settings)
    assert folder.startswith("FIX  data folder")
    assert folder.endswith("the disk is full; free some space.")
    small_disk.empty()
    (small_disk.folder / "wanda.db").unlink()
    folder, database = await findings(settings)
    assert folder.startswith("ok ")
    assert database.startswith("FIX  database")
    assert database.endswith("mount or restore it")


async def test_what_a_start_would_refuse(tmp_path: Path) -> None:
    """Shards on SQLite, and a database that was moved away, are found before a start refuses them."""
    storage = settings_for(tmp_path)
    _, database = await findings(Settings(storage=storage, shards=ShardSettings(shards="auto/2")))
    assert database.startswith("FIX  database        Several processes share a PostgreSQL database")
    store = await open_store(storage)
    await store.begun()
    write_mark(tmp_path, Mark(store.database.id, "PostgreSQL db/wanda"))
    await store.close()
    _, database = await findings(Settings(storage=storage))
    assert database.startswith(
        f"FIX  database        The database of the data folder {tmp_path} was moved to PostgreSQL"
    )


async def test_the_place_of_the_files(tmp_path: Path) -> None:
    """A shared folder is tried out and nothing is left; one that cannot be used is said in words."""
    storage = settings_for(tmp_path / "data")
    assert await _files(Settings(storage=storage)) == []
    (refused,) = await _files(Settings(storage=storage, shards=ShardSettings(shards="auto/2")))
    assert "Set WANDA_FILES_URL to a bucket or a shared folder" in refused.text
    (tmp_path / "shared").mkdir()
    shared = Settings(storage=storage, files=FilesSettings(url=(tmp_path / "shared").as_uri()))
    (finding,) = await _files(shared)
    assert str(finding) == f"ok   files           {tmp_path}/shared takes a file, gives it back and removes it"
    assert names_in(tmp_path / "shared") == []
    (tmp_path / "shared").rmdir()
    (tmp_path / "shared").write_text("no folder")
    (finding,) = await _files(shared)
    assert str(finding).startswith(f"FIX  files           The folder of files {tmp_path}/shared cannot be written: ")
