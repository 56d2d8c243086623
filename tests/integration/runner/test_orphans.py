"""Files that belong to no job are deleted at the start."""

import os
from pathlib import Path

from bot.jobs import transactions
from bot.ledger.model import Shipped
from bot.runner.orphans import LEFT_ALONE_S, sweep
from bot.settings import StorageSettings
from bot.storage.transaction import Store
from tests.support.job_samples import NOW, PLACES, a_job

OTHER = "b" * 32
SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)


def _put(path: Path, *, age_s: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    for each in (path, path.parent):
        os.utime(each, (NOW - age_s, NOW - age_s))
    return path


async def test_only_old_files_of_no_job_are_removed(store: Store, store_settings: StorageSettings) -> None:
    """Files of jobs stay, and so do files newer than an hour, whose command may be in progress."""
    folder, job = store_settings.data_dir, a_job()
    await store.write(transactions.accept(job, SHIPPED, PLACES))
    old, young = LEFT_ALONE_S + 60, LEFT_ALONE_S - 60
    kept = [
        _put(folder / "inputs" / job.id / "image.png", age_s=old),
        _put(folder / "results" / f"{job.id}.mp4", age_s=old),
        _put(folder / "inputs" / ("c" * 32) / "image.png", age_s=young),
        _put(folder / "results" / f"{'c' * 32}.mp4", age_s=young),
    ]
    gone = [
        _put(folder / "inputs" / OTHER / "image.png", age_s=old),
        _put(folder / "results" / f"{OTHER}.mp4", age_s=old),
        _put(folder / "results" / f"{OTHER}.fit.mp4", age_s=old),
        _put(folder / "scratch" / "privacy-x1" / "jobs.jsonl", age_s=old),
    ]
    assert await sweep(store, folder, clock=lambda: NOW) == len(gone)
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in gone)
