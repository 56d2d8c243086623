"""Files that belong to no job are deleted: at the start, and in shared places once they are not young."""

from pathlib import Path

from bot.files.folder import FolderFiles
from bot.jobs import acceptance
from bot.ledger.model import Shipped
from bot.runner.orphans import empty_scratch, sweep
from bot.settings import StorageSettings
from bot.storage.transaction import Store
from tests.support.job_samples import PLACES, a_job

OTHER = "b" * 32
SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)


def _put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


async def test_files_of_no_job_are_removed(store: Store, store_settings: StorageSettings) -> None:
    """Files of jobs stay; those of orders and exports that a killed process left go, however new they are."""
    folder, job = store_settings.data_dir, a_job()
    await store.write(acceptance.accept(job, SHIPPED, PLACES))
    kept = [
        _put(folder / "inputs" / job.id / "image.png"),
        _put(folder / "results" / f"{job.id}.mp4"),
    ]
    gone = [
        _put(folder / "inputs" / OTHER / "image.png"),
        _put(folder / "results" / f"{OTHER}.mp4"),
        _put(folder / "results" / f"{OTHER}.fit.mp4"),
        _put(folder / "scratch" / "privacy-x1" / "jobs.jsonl"),
    ]
    assert await sweep(store, FolderFiles(folder), before=None) == 1
    await empty_scratch(folder / "scratch")
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in gone)


async def test_parts_of_downloads_are_removed(store: Store, store_settings: StorageSettings) -> None:
    """A killed process leaves what it had downloaded of a video, and no later try uses its name again."""
    folder, job = store_settings.data_dir, a_job()
    await store.write(acceptance.accept(job, SHIPPED, PLACES))
    kept = _put(folder / "results" / f"{job.id}.mp4")
    part = _put(folder / "results" / f"{job.id}.unchecked.0123abcd.part")
    await sweep(store, FolderFiles(folder), before=0.0)
    assert part.exists()  # it may be written to by another process
    await sweep(store, FolderFiles(folder), before=None)
    assert (kept.exists(), part.exists()) == (True, False)
