"""Backups, restores and the move from one engine to the other, on real databases."""

import asyncio
import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bot.cli import migrate as moving
from bot.cli import restore as restoring
from bot.cli.backup import back_up
from bot.cli.backup_folder import MANIFEST, SUMS
from bot.cli.ledger import Books, close_exposure, look
from bot.cli.migrate import migrate_lines, move
from bot.cli.restore import restore, restore_lines
from bot.errors import BackupRefused, NoDatabase, SettingsRefused, StartRefused, StorageError
from bot.jobs import acceptance, events, queries, transactions
from bot.ledger.model import Shipped
from bot.requester import Requester
from bot.settings import FilesSettings, Settings, StorageSettings
from bot.sharding import shard_plan
from bot.storage.copies import snapshot_of
from bot.storage.data_folder import read_mark
from bot.storage.database import open_store
from bot.storage.location import is_postgres
from bot.storage.migrate import migrations
from bot.storage.postgres_copy import NewPostgres
from bot.storage.sqlite_copy import NewSQLite
from bot.storage.tables import tables_of
from bot.storage.transaction import Many, Store, Transaction
from tests.support.buckets import Bucket
from tests.support.job_samples import NOW, PLACES, a_job
from tests.support.old_schema import open_at_step
from tests.support.stores import PostgresServer, settings_for

SHIPPED = Shipped(member_daily_microusd=10**12, server_monthly_microusd=10**12)
NEWEST = len(migrations("sqlite"))


def _all(storage: StorageSettings) -> Settings:
    return Settings(storage=storage)


def _run(sql: str) -> Transaction[Any]:
    return (yield Many(sql))


async def _order(store: Store, number: int, *, sent: bool = True) -> str:
    """Accept a job, and send it to fal unless it is not to be `sent`."""
    job = a_job(id=f"{number:032x}", member_id=number)
    await store.write(acceptance.accept(job, SHIPPED, PLACES))
    if sent:
        await store.write(transactions.advance(job.id, events.Uploaded(job.inputs), now=NOW))
    return job.id


def _keep_files(storage: StorageSettings, job_id: str) -> None:
    for path in (storage.data_dir / "inputs" / job_id / "image.png", storage.data_dir / "results" / f"{job_id}.mp4"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(job_id.encode() * 1000)


async def _used(storage: StorageSettings, *, jobs: int = 3) -> StorageSettings:
    """Return the settings, with a database that a bot has worked with, and files of its jobs and of none."""
    store = await open_store(storage)
    for number in range(1, jobs + 1):
        _keep_files(storage, await _order(store, number, sent=number > 1))
    _keep_files(storage, "ff" * 16)
    await store.begun()
    await store.close()
    return storage


@pytest.fixture
async def other(store_settings: StorageSettings, tmp_path: Path, postgres_server: PostgresServer) -> StorageSettings:
    """Settings for an empty database on the engine that `store_settings` is not, with a data folder of its own."""
    url = "" if is_postgres(store_settings) else await postgres_server.new_database()
    return settings_for(tmp_path / "other", url)


@pytest.fixture(autouse=True)
def _private() -> Iterator[None]:
    """Make files as the command line does, for this user alone."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the backup goes."""
    return tmp_path / "backups" / "today"


def _files(folder: Path) -> dict[str, bytes]:
    found = [path for name in ("inputs", "results") for path in (folder / name).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


async def _state(storage: StorageSettings, number: int) -> str:
    async with snapshot_of(storage) as snapshot:
        row = await snapshot.read(queries.find(f"{number:032x}"))
    return str(row[0])


async def test_a_backup_taken_while_jobs_are_accepted(
    store_settings: StorageSettings, other: StorageSettings, place: Path
) -> None:
    """Its database shows one moment: restored on the other engine, its books are right and each job of it is whole."""
    store = await open_store(store_settings)
    accepted = [await _order(store, 1)]
    is_written = asyncio.Event()

    async def go_on() -> None:
        while not is_written.is_set():
            accepted.append(await _order(store, len(accepted) + 1))

    ordering = asyncio.create_task(go_on())
    manifest, books = await back_up(_all(store_settings), place)
    is_written.set()
    await ordering
    await store.close()
    assert books is not None
    assert books.wrong == []
    restored = await restore(_all(other), place, nothing_ran_since=False)
    assert restored.books == books == await kept_books(other)
    assert 1 <= manifest.tables["jobs"].rows <= len(accepted)
    assert manifest.tables["jobs"].rows == sum(server.jobs for server in books.servers)
    started = await open_store(other)
    assert str(started.database).endswith(f"found, schema {NEWEST}")
    await started.close()


async def test_the_files_of_its_jobs_come_along(
    store_settings: StorageSettings, other: StorageSettings, place: Path
) -> None:
    """A restored data folder has every file of a job, readable by its owner alone, and none that belongs to no job."""
    await _used(store_settings)
    (store_settings.data_dir / "results" / f"{1:032x}.mp4.part").write_bytes(b"half")
    await back_up(_all(store_settings), place)
    await restore(_all(other), place, nothing_ran_since=True)
    expected = {
        name: content
        for name, content in _files(store_settings.data_dir).items()
        if "ff" * 16 not in name and not name.endswith(".part")
    }
    assert len(expected) == 6
    assert _files(other.data_dir) == expected
    modes = {path.stat().st_mode & 0o777 for folder in (place, other.data_dir) for path in folder.rglob("*")}
    assert modes == {0o600, 0o700}


async def test_files_in_a_bucket_stay_there(tmp_path: Path, other: StorageSettings, place: Path) -> None:
    """The backup says which bucket has them, and a restore that it has to be named; nothing is asked of it."""
    await _used(settings_for(tmp_path))
    in_bucket = Settings(storage=settings_for(tmp_path), files=FilesSettings(url="s3://nowhere/wanda"))
    manifest, _ = await back_up(in_bucket, place)
    assert (manifest.files_in, manifest.files) == ("the bucket s3://nowhere/wanda", 0)
    restored = await restore(_all(other), place, nothing_ran_since=True)
    assert "are in the bucket s3://nowhere/wanda: WANDA_FILES_URL has to name it" in "\n".join(
        restore_lines(restored, other)
    )


async def test_a_restore_into_a_bucket(tmp_path: Path, bucket: Bucket, place: Path) -> None:
    """Files of a folder come into the bucket that the settings of the restore name, where a start finds them."""
    used = await _used(settings_for(tmp_path))
    await back_up(_all(used), place)
    target = settings_for(tmp_path / "other")
    await restore(Settings(storage=target, files=bucket.settings), place, nothing_ran_since=True)
    assert _files(target.data_dir) == {}
    expected = {name: content for name, content in _files(used.data_dir).items() if "ff" * 16 not in name}
    files = bucket.opened(tmp_path / "elsewhere")
    requester = Requester(1, 2)
    assert {name: (await files.fetch(name, requester)).read_bytes() for name in expected} == expected


async def test_files_in_a_shared_folder_come_along(tmp_path: Path, place: Path) -> None:
    """They are restored where the settings say then, but not among another database's files."""
    await _used(settings_for(tmp_path / "shared"))
    (tmp_path / "shared" / "wanda.db").rename(tmp_path / "wanda.db")
    shared = FilesSettings(url=f"file://{tmp_path}/shared")
    await back_up(Settings(storage=settings_for(tmp_path), files=shared), place)
    (tmp_path / "new").mkdir()
    new = FilesSettings(url=f"file://{tmp_path}/new")
    (tmp_path / "new" / "wanda.files").write_text("another")
    target = Settings(storage=settings_for(tmp_path / "other"), files=new)
    with pytest.raises(BackupRefused, match="belong to another database: correct WANDA_FILES_URL"):
        await restore(target, place, nothing_ran_since=True)
    (tmp_path / "new" / "wanda.files").unlink()
    await restore(target, place, nothing_ran_since=True)
    assert len(_files(tmp_path / "new")) == 6
    assert _files(tmp_path / "other") == {}


async def test_what_may_have_been_sent_since_is_not_sent_again(
    store_settings: StorageSettings, other: StorageSettings, place: Path, tmp_path: Path
) -> None:
    """A job that fal was not asked for yet is asked for after a restore only if nothing ran since the backup."""
    await _used(store_settings)
    await back_up(_all(store_settings), place)
    restored = await restore(_all(other), place, nothing_ran_since=False)
    assert "1 job had not been sent to fal" in "\n".join(restore_lines(restored, other))
    assert await _state(other, 1) == "submitting"  # a start makes it uncertain, as after a crash there
    again = settings_for(tmp_path / "again")
    await restore(_all(again), place, nothing_ran_since=True)
    assert await _state(again, 1) == "accepted"


async def test_a_restore_that_is_interrupted_looks_like_none(
    store_settings: StorageSettings, other: StorageSettings, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start after it is refused, and the same restore can be run again; another one cannot."""
    await _used(store_settings)
    await back_up(_all(store_settings), place)

    async def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(restoring, "compare", cut)
        with pytest.raises(KeyboardInterrupt):
            await restore(_all(other), place, nothing_ran_since=True)
    assert _files(other.data_dir)
    with pytest.raises(StartRefused, match="is missing or empty"):
        await open_store(other)
    assert (await restore(_all(other), place, nothing_ran_since=True)).books.wrong == []
    await (await open_store(other)).close()


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a table": lambda folder: _flip(folder / "tables/jobs.jsonl.gz"),
    "a video": lambda folder: _flip(next(folder.glob("files/results/*"))),
    "a file that is missing": lambda folder: next(folder.glob("files/results/*")).unlink(),
    "the checksums": lambda folder: _flip(folder / SUMS),
    "the manifest": lambda folder: (folder / MANIFEST).write_text("{"),
    "a table that the manifest lacks": lambda folder: (folder / MANIFEST).write_text(
        (folder / MANIFEST).read_text().replace('"draws": {', '"drawn": {')
    ),
    "no manifest": lambda folder: (folder / MANIFEST).unlink(),
}


async def test_damage_is_found_before_anything_is_made(
    store_settings: StorageSettings, other: StorageSettings, place: Path, tmp_path: Path
) -> None:
    """One changed bit, or one file less, anywhere: the restore is refused, and nothing is there afterwards."""
    await _used(store_settings)
    await back_up(_all(store_settings), place)
    for what, damage in DAMAGE.items():
        damaged = tmp_path / what
        shutil.copytree(place, damaged)
        damage(damaged)
        with pytest.raises(BackupRefused, match=r"damaged|not a whole one"):
            await restore(_all(other), damaged, nothing_ran_since=True)
        assert not other.data_dir.exists()


async def test_rows_that_were_changed_with_their_checksums_are_found(tmp_path: Path, place: Path) -> None:
    """The manifest has a digest of every table, which the stored rows are compared with."""
    await _used(settings_for(tmp_path))
    await back_up(_all(settings_for(tmp_path)), place)
    table, sums, manifest = place / "tables/draws.jsonl.gz", place / SUMS, place / MANIFEST
    before = sha256(table.read_bytes()).hexdigest()
    table.write_bytes(gzip.compress(gzip.decompress(table.read_bytes()).replace(b"750000", b"740000")))
    sums.write_text(sums.read_text().replace(before, sha256(table.read_bytes()).hexdigest()))
    changed = json.loads(manifest.read_text()) | {"sums": sha256(sums.read_bytes()).hexdigest()}
    manifest.write_text(json.dumps(changed))
    with pytest.raises(StorageError, match="draws was not stored as it was read"):
        await restore(_all(settings_for(tmp_path / "other")), place, nothing_ran_since=True)
    assert not (tmp_path / "other" / "wanda.db").exists()


def _with_file(place: Path, folder: Path, name: str) -> Path:
    """Return a copy of the backup that lists one more file, with right checksums."""
    shutil.copytree(place, folder)
    if "\0" not in name and name != "inputs":
        path = Path(f"{folder}/files/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"wanda")
    sums, manifest = folder / SUMS, folder / MANIFEST
    sums.write_text(f"{sums.read_text()}{sha256(b'wanda').hexdigest()}  files/{name}\n")
    facts = json.loads(manifest.read_text())
    facts |= {"sums": sha256(sums.read_bytes()).hexdigest(), "files": facts["files"] + 1}
    manifest.write_text(json.dumps(facts))
    return folder


async def test_a_backup_has_no_other_files(tmp_path: Path, place: Path) -> None:
    """Whoever made the backup: a restore writes inputs and results, and nothing else in the data folder or outside."""
    await _used(settings_for(tmp_path / "data"))
    await back_up(_all(settings_for(tmp_path / "data")), place)
    target = settings_for(tmp_path / "other")
    for number, name in enumerate(["wanda.db", "../wanda.db", "inputs", "inputs/../wanda.db", "inputs/a\0b"]):
        changed = _with_file(place, tmp_path / str(number), name)
        with pytest.raises(BackupRefused, match="names 'files/"):
            await restore(_all(target), changed, nothing_ran_since=True)
        assert not target.data_dir.exists()


async def test_nothing_that_is_there_is_overwritten(
    store_settings: StorageSettings, other: StorageSettings, place: Path
) -> None:
    """A database with tables, a folder with anything in it, and one that a bot works with are refused as they are."""
    await _used(store_settings)
    await back_up(_all(store_settings), place)
    with pytest.raises(BackupRefused, match="name a new folder"):
        await back_up(_all(store_settings), place)
    for target in (store_settings, other):
        bot = await open_store(target)
        with pytest.raises(StorageError, match="Another Wanda"):
            await restore(_all(target), place, nothing_ran_since=True)
        await bot.close()
    emptied = settings_for(other.data_dir / "new", store_settings.database_url)
    if is_postgres(store_settings):
        with pytest.raises(StorageError, match="has tables of Wanda already"):
            await restore(_all(emptied), place, nothing_ran_since=True)
    with pytest.raises(BackupRefused, match=r"is not empty \("):
        await restore(_all(store_settings), place, nothing_ran_since=True)
    assert await _state(store_settings, 1) == "accepted"


async def test_a_log_of_a_lost_sqlite_file_is_not_played_into_another(tmp_path: Path, place: Path) -> None:
    """SQLite would take the old file's log for the new one's; it may also be all that is left of the last day."""
    await _used(settings_for(tmp_path))
    await back_up(_all(settings_for(tmp_path)), place)
    lost = tmp_path / "lost" / "wanda.db"
    lost.parent.mkdir()
    lost.with_name("wanda.db-wal").write_bytes(b"x")
    with pytest.raises(StorageError, match=r"wanda\.db-wal exists: move it away"):
        await restore(_all(settings_for(tmp_path / "data", f"sqlite:///{lost}")), place, nothing_ran_since=True)


async def test_a_backup_of_an_older_version(
    store_settings: StorageSettings, other: StorageSettings, place: Path, tmp_path: Path
) -> None:
    """It is written by the newer program as it is, and the restore brings its schema up to date."""
    old = await open_at_step(NEWEST - 1, store_settings, tmp_path)
    await old.write(_run("INSERT INTO leaving (guild_id, at) VALUES (7, 1.5)"))
    await old.close()
    manifest, books = await back_up(_all(store_settings), place)
    assert (manifest.schema_version, books) == (NEWEST - 1, None)
    await restore(_all(other), place, nothing_ran_since=True)
    async with snapshot_of(other) as snapshot:
        assert snapshot.schema == NEWEST
        assert [dict(row) for row in await snapshot.read(_run("SELECT * FROM leaving"))] == [{"guild_id": 7, "at": 1.5}]


async def test_a_backup_of_a_newer_version(store_settings: StorageSettings, place: Path, tmp_path: Path) -> None:
    """It is refused with the version that wrote it, and nothing is made."""
    await _used(store_settings)
    await back_up(_all(store_settings), place)
    manifest = json.loads((place / MANIFEST).read_text())
    (place / MANIFEST).write_text(json.dumps(manifest | {"schema_version": NEWEST + 1, "version": "9.0"}))
    with pytest.raises(BackupRefused, match=rf"has schema {NEWEST + 1}.*restore it with Wanda 9\.0"):
        await restore(_all(settings_for(tmp_path / "other")), place, nothing_ran_since=True)
    assert not (tmp_path / "other").exists()


async def test_a_newer_database_is_not_copied(
    store_settings: StorageSettings, target_url: str, place: Path, tmp_path: Path
) -> None:
    """It may have tables that this version does not know, which the copy would lack."""
    await _used(store_settings)
    store = await open_store(store_settings)
    newer = f"INSERT INTO schema_version (version, applied_at) VALUES ({NEWEST + 1}, 1)"  # noqa: S608 - a number of ours
    await store.write(_run(newer))
    await store.close()
    with pytest.raises(StorageError, match=f"has schema {NEWEST + 1}, .* newer version. Use that one"):
        await back_up(_all(store_settings), place)
    assert list(place.parent.iterdir()) == []
    with pytest.raises(StorageError, match=f"has schema {NEWEST + 1}, .* newer version. Use that one"):
        await move(store_settings, target_url)


async def kept_books(settings: StorageSettings) -> Books:
    """Return the books as a back-up compares them: without fal's bill, which is shown up to the present day."""
    return replace(await look(settings), bill=None)


@pytest.fixture
def target_url(store_settings: StorageSettings, other: StorageSettings, tmp_path: Path) -> str:
    """The URL of an empty database on the other engine."""
    return other.database_url or f"sqlite:///{tmp_path / 'moved.db'}"


async def test_a_database_moves_to_the_other_engine(store_settings: StorageSettings, target_url: str) -> None:
    """Every row is there, the books are the same, and a start takes the new database and refuses the old one."""
    await _used(store_settings)
    before = await kept_books(store_settings)
    moved = await move(store_settings, target_url)
    new = store_settings.model_copy(update={"database_url": target_url})
    assert moved.books == before == await kept_books(new)
    assert await _rows(new) == await _rows(store_settings)
    assert any("of both, which are the same" in line for line in migrate_lines(moved))
    with pytest.raises(StartRefused, match="was moved to"):
        await open_store(store_settings)
    for _ in range(2):
        await (await open_store(new)).close()
    with pytest.raises(StartRefused, match="was moved to"):
        await open_store(store_settings)


async def test_what_a_move_left_behind_is_not_taken_for_the_books(
    store_settings: StorageSettings, target_url: str, tmp_path: Path
) -> None:
    """With DATABASE_URL still the old one, no command backs up, prints or closes what nobody works with any more."""
    await _used(store_settings)
    await move(store_settings, target_url)
    for command in (
        back_up(_all(store_settings), tmp_path / "stale"),
        look(store_settings),
        close_exposure(store_settings, "f" * 32, 0, at=1.0),
    ):
        with pytest.raises(StartRefused, match=r"was moved to .*Correct DATABASE_URL"):
            await command
    assert not (tmp_path / "stale").exists()
    await back_up(_all(store_settings.model_copy(update={"database_url": target_url})), tmp_path / "current")


async def _rows(storage: StorageSettings) -> dict[str, list[tuple[Any, ...]]]:
    async with snapshot_of(storage) as snapshot:
        return {
            table.name: sorted([row async for rows in snapshot.batches(table) for row in rows], key=repr)
            for table in tables_of(snapshot.schema)
        }


async def test_no_move_while_a_bot_runs(store_settings: StorageSettings, other: StorageSettings) -> None:
    """The sentence says to stop it first; neither database was changed."""
    await _used(store_settings)
    bot = await open_store(store_settings)
    with pytest.raises(StorageError, match="Another Wanda"):
        await move(store_settings, other.database_url or "sqlite:////nowhere/w.db")
    await bot.close()
    await (await open_store(store_settings)).close()


def _do_nothing(*_: object) -> None:
    """Stand in for what a killed process does not do."""


@pytest.mark.parametrize("is_killed", [False, True])
async def test_a_move_that_is_interrupted(
    store_settings: StorageSettings, target_url: str, monkeypatch: pytest.MonkeyPatch, *, is_killed: bool
) -> None:
    """Nothing is left of it; if the process died, no start takes either database until the move is run again."""
    await _used(store_settings)
    before = read_mark(store_settings.data_dir)

    async def cut(_: object) -> None:
        if is_killed:
            monkeypatch.setattr(moving, "write_mark", _do_nothing)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        for kind in (NewSQLite, NewPostgres):
            patch.setattr(kind, "commit", cut)
        with pytest.raises(KeyboardInterrupt):
            await move(store_settings, target_url)
    monkeypatch.undo()
    if is_killed:
        with pytest.raises(StartRefused, match="was moved to"):
            await open_store(store_settings)
    else:
        assert read_mark(store_settings.data_dir) == before
        await (await open_store(store_settings)).close()
    new = store_settings.model_copy(update={"database_url": target_url})
    with pytest.raises((StartRefused, NoDatabase)):
        await (open_store(new) if is_killed else look(new))
    await move(store_settings, target_url)
    await (await open_store(new)).close()


@pytest.mark.parametrize("shards", ["1/2", "auto/1"])
async def test_no_move_while_another_machine_has_the_database(
    tmp_path: Path, postgres_server: PostgresServer, shards: str
) -> None:
    """One shard is enough, and so is a process that only stands by: it would take over at any moment."""
    url = await postgres_server.new_database()
    here = await _used(settings_for(tmp_path / "here", url))
    there = await open_store(settings_for(tmp_path / "there", url), shard_plan(shards))
    attempts = (move(here, f"sqlite:///{tmp_path}/moved.db"), _restore_beside(here, tmp_path))
    for refused in await asyncio.gather(*attempts, return_exceptions=True):
        assert isinstance(refused, StorageError)
        assert "this PostgreSQL database" in str(refused)
    await there.close()
    await move(here, f"sqlite:///{tmp_path}/moved.db")


async def _restore_beside(here: StorageSettings, folder: Path) -> None:
    await back_up(_all(here), folder / "backup")
    await restore(_all(settings_for(folder / "new", here.database_url)), folder / "backup", nothing_ran_since=True)


async def test_a_move_that_cannot_be(store_settings: StorageSettings, tmp_path: Path, target_url: str) -> None:
    """Without a database, within one engine, to no database, or of an older version's: a sentence, and nothing done."""
    with pytest.raises(NoDatabase):
        await move(store_settings, target_url)
    with pytest.raises(SettingsRefused, match="of one engine"):
        await move(store_settings, store_settings.database_url or "sqlite:////tmp/x.db")
    with pytest.raises(SettingsRefused, match="--to names no database"):
        await move(store_settings, "mysql://x")
    old = await open_at_step(NEWEST - 1, store_settings, tmp_path)
    await old.close()
    with pytest.raises(BackupRefused, match=f"has schema {NEWEST - 1}, .* start the bot once"):
        await move(store_settings, target_url)
    with pytest.raises(NoDatabase):
        await look(store_settings.model_copy(update={"database_url": target_url}))


async def test_an_sqlite_file_of_another_name_is_restored(store_settings: StorageSettings, tmp_path: Path) -> None:
    """The lock that the restore itself puts beside the file does not make the folder a used one."""
    await _used(store_settings)
    await back_up(_all(store_settings), tmp_path / "backup")
    elsewhere = settings_for(tmp_path / "other", f"sqlite:///{tmp_path}/other/books.db")
    await restore(_all(elsewhere), tmp_path / "backup", nothing_ran_since=False)
    assert await look(elsewhere) == await look(store_settings)
