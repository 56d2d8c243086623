"""The files of videos that were not made are kept for another try, within bounds, on both engines."""

from dataclasses import replace
from pathlib import Path

from bot.files.folder import FolderFiles
from bot.jobs import acceptance, events, queries, transactions
from bot.jobs.model import Job
from bot.jobs.places import FileBounds
from bot.ledger.model import Shipped
from bot.runner.job_files import inputs_gone
from bot.runner.retry_files import RetryFiles
from bot.storage.transaction import Store
from tests.support.job_samples import NOW, PICTURE, PLACES, a_job

RICH = Shipped(member_daily_microusd=50_000_000, server_monthly_microusd=50_000_000)
SIZE = PICTURE.size_bytes


async def cancelled(store: Store, folder: Path, number: int, *, member: int = 2, guild: int = 1) -> Job:
    """Return a cancelled job, the later the higher its number, whose picture is on disk."""
    job_id = f"{number:032x}"
    picture = replace(PICTURE, path=f"inputs/{job_id}/image.png")
    path = folder / picture.path
    path.parent.mkdir(parents=True)
    path.write_bytes(b"picture")
    job = a_job(id=job_id, member_id=member, guild_id=guild, inputs=(picture,), created_at=NOW + number)
    await store.write(acceptance.accept(job, RICH, PLACES))
    return (await store.write(transactions.advance(job_id, events.CancelAsked(), now=NOW))).job


def keeper(store: Store, folder: Path, *, own: int, every: int) -> RetryFiles:
    """Return what keeps so many pictures of a member and of a server."""
    bounds = FileBounds(of_member_bytes=own * SIZE, in_server_bytes=every * SIZE)
    return RetryFiles(store=store, files=FolderFiles(folder), bounds=bounds, clock=lambda: NOW)


async def test_the_newest_are_kept(store: Store, tmp_path: Path) -> None:
    """Of a member's and of a server's files the newest stay, and other servers' are not touched."""
    files = keeper(store, tmp_path, own=2, every=3)
    jobs = [await cancelled(store, tmp_path, number, member=2 + number % 2) for number in range(6)]
    elsewhere = await cancelled(store, tmp_path, 6, guild=7)
    for job in (*jobs, elsewhere):
        await files.keep(job)
    gone = [bool(await inputs_gone(job, FolderFiles(tmp_path))) for job in (*jobs, elsewhere)]
    assert gone == [True, True, True, False, False, False, False]
    stored = [await store.read(queries.get(job.id)) for job in jobs]
    assert [job is not None and job.files_gone_at is not None for job in stored] == gone[:6]


async def test_no_files_are_kept_where_none_may(store: Store, tmp_path: Path) -> None:
    """With a bound of 0, a job that ends without a video loses its files at once."""
    job = await cancelled(store, tmp_path, 1)
    await keeper(store, tmp_path, own=0, every=10).keep(job)
    assert await inputs_gone(job, FolderFiles(tmp_path))
