"""Kept files behave the same in a folder, in a shared folder and in a bucket; a bucket is found from every machine."""

import asyncio
import logging
import os
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import SecretStr

from bot.errors import FilesUnavailable, StartRefused
from bot.files.bucket import ASKED_AT_ONCE, PIECE_BYTES, BucketFiles
from bot.files.files import Files
from bot.files.folder import FolderFiles
from bot.files.opening import begin_with, open_files
from bot.runner.orphans import sweep
from bot.settings import FilesSettings, StorageSettings
from tests.support.buckets import SECRET, Bucket
from tests.support.job_samples import REQUESTER
from tests.support.kept_files import Machine
from tests.support.stores import MemoryStore

T = TypeVar("T")
PICTURE, VIDEO = "inputs/job1/image.png", "results/job1.mp4"


def _make(files: Files, name: str, content: bytes = b"made here") -> None:
    path = files.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def _kept(files: Files, name: str, content: bytes = b"made here") -> None:
    _make(files, name, content)
    await files.keep(name, REQUESTER)


async def _names(files: Files) -> list[str]:
    return sorted([one.name for folder in ("inputs", "results") async for page in files.pages(folder) for one in page])


class _CountingThreads(ThreadPoolExecutor):
    """Threads that count what they are given to do."""

    def __init__(self) -> None:
        super().__init__(max_workers=1)
        self.given = 0

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        self.given += 1
        return super().submit(fn, *args, **kwargs)


@pytest.mark.parametrize("is_shared", [False, True])
async def test_a_look_at_this_machines_disk_takes_no_thread(tmp_path: Path, is_shared: bool) -> None:
    """A job looks at its files four times. Only a folder of another machine may be slow, so only it gets a thread."""
    files = FolderFiles(tmp_path, is_shared=is_shared)
    threads = _CountingThreads()
    asyncio.get_running_loop().set_default_executor(threads)
    await _kept(files, PICTURE)
    await files.fetch(PICTURE, REQUESTER)
    with pytest.raises(FileNotFoundError):
        await files.fetch(VIDEO, REQUESTER)
    assert threads.given == (3 if is_shared else 0)


async def test_what_one_machine_keeps_another_finds(machine: Machine) -> None:
    """A kept file has its content and size on another machine; one that was only made is not promised there."""
    here, there = machine("here"), machine("there")
    await _kept(here, PICTURE)
    await here.keep(PICTURE, REQUESTER)  # again changes nothing
    assert await there.sizes([PICTURE, VIDEO]) == {PICTURE: 9}
    assert (await there.fetch(PICTURE, REQUESTER)).read_bytes() == b"made here"
    with pytest.raises(FileNotFoundError):
        await there.fetch(VIDEO, REQUESTER)
    with pytest.raises(FileNotFoundError):
        await there.keep(VIDEO, REQUESTER)
    assert await _names(there) == [PICTURE]


async def test_a_copy_outlives_its_source(machine: Machine, tmp_path: Path) -> None:
    """A copy stays when the source is removed; there is none of what is not there."""
    here, there = machine("here"), machine("there")
    await _kept(here, PICTURE)
    await here.copy(PICTURE, "inputs/job2/image.png")
    await here.keep("inputs/job2/image.png", REQUESTER)
    await here.remove([PICTURE])
    await there.fetch_to("inputs/job2/image.png", tmp_path / "mine" / "clip.png")
    assert (tmp_path / "mine" / "clip.png").read_bytes() == b"made here"
    with pytest.raises(FileNotFoundError):
        await there.copy(PICTURE, "inputs/job3/image.png")
    with pytest.raises(FileNotFoundError):
        await there.fetch_to(PICTURE, tmp_path / "none")


async def test_a_removed_job_is_gone_everywhere(machine: Machine) -> None:
    """All files of the jobs go, those of others stay, whoever removes them; it may be repeated."""
    here, there = machine("here"), machine("there")
    for name in (PICTURE, "inputs/job1/image.preview.jpg", VIDEO, "inputs/job2/image.png", "results/job2.mp4"):
        await _kept(here, name)
    assert (await there.fetch(PICTURE, REQUESTER)).exists()
    for _ in range(2):
        await there.remove_jobs(["job1", "job9"])
        assert await _names(here) == ["inputs/job2/image.png", "results/job2.mp4"]
    assert not (there.root / PICTURE).exists()


async def test_only_old_files_of_no_job_are_swept(machine: Machine) -> None:
    """What another machine has just kept for an order stays; a day later it belongs to no job and goes."""
    here, there = machine("here"), machine("there")
    await _kept(here, PICTURE)
    await _kept(here, VIDEO)
    assert await sweep(MemoryStore(), there, before=time.time() - 60) == 0
    assert await _names(here) == [PICTURE, VIDEO]
    assert await sweep(MemoryStore(), there, before=time.time() + 60) == 1
    assert await _names(here) == []


async def test_files_are_one_databases(machine: Machine, tmp_path: Path) -> None:
    """A place that belongs to another database is refused, unless it is told to begin anew."""
    await begin_with(machine("here"), StorageSettings(data_dir=tmp_path / "here"), "database one")
    await begin_with(machine("there"), StorageSettings(data_dir=tmp_path / "there"), "database one")
    with pytest.raises(StartRefused, match=r"belong to another database\. Correct DATABASE_URL or WANDA_FILES_URL"):
        await begin_with(machine("there"), StorageSettings(data_dir=tmp_path / "there"), "database two")
    await begin_with(machine("there"), StorageSettings(data_dir=tmp_path / "there"), "database two", begin_anew=True)
    assert await machine("here").mark() == "database two"


async def test_an_emptied_place_is_noticed(machine: Machine, tmp_path: Path) -> None:
    """The check finds out that the place is another one than at the start: an unmounted disk leaves a folder."""
    files = machine("here")
    await begin_with(files, StorageSettings(data_dir=tmp_path / "here"), "database one")
    await files.check()
    await files.remove(["wanda.files"])
    with pytest.raises(FilesUnavailable):
        await files.check()


async def test_looks_do_not_wait_for_removals(bucket: Bucket, tmp_path: Path) -> None:
    """While the files of many jobs are looked for, to be removed, a look at one file still has its place."""
    files = bucket.opened(tmp_path)
    await _kept(files, PICTURE)
    removal = asyncio.create_task(files.remove_jobs([f"job{number}" for number in range(2, 200)]))
    assert await files.sizes([PICTURE, VIDEO]) == {PICTURE: 9}
    assert not removal.done()
    await removal


async def test_the_wait_for_a_place_is_not_the_buckets_fault(tmp_path: Path) -> None:
    """A look that waits behind others, as those of an export, is refused only if the bucket itself takes too long."""
    settings = FilesSettings(url="s3://wanda", endpoint_url="http://127.0.0.1:9", look_timeout_s=0.01)
    files = open_files(StorageSettings(data_dir=tmp_path), settings)
    assert isinstance(files, BucketFiles)
    released = asyncio.Event()

    async def answer() -> str:
        return "9 bytes"

    others = [asyncio.create_task(files._ask(released.wait, "list", slowly=True)) for _ in range(ASKED_AT_ONCE)]
    look = asyncio.create_task(files._ask(answer, "tell the size"))
    assert not (await asyncio.wait({look}, timeout=0.05))[0]
    released.set()
    assert await look == "9 bytes"
    await asyncio.gather(*others)


async def test_a_data_folders_files_are_moved_in(machine: Machine, tmp_path: Path) -> None:
    """The first start with another place moves what the data folder has; one that was cut short goes on."""
    old = FolderFiles(tmp_path / "here")
    for name in (PICTURE, VIDEO, "results/job1.fit.mp4", "results/job2.mp4.part"):
        _make(old, name)
    files = machine("here")
    await files.adopt(old.root / PICTURE, PICTURE)  # the first try ended here
    for _ in range(2):
        await begin_with(files, StorageSettings(data_dir=tmp_path / "here"), "database one")
        assert await _names(machine("there")) == [PICTURE, VIDEO]
    assert (await machine("there").fetch(VIDEO, REQUESTER)).read_bytes() == b"made here"
    assert await old.is_empty()


async def test_a_place_can_be_tried_out(machine: Machine) -> None:
    """The check puts, reads and removes a file, and leaves nothing."""
    await machine("here").try_out()
    assert await machine("here").is_empty()


async def test_the_data_folder_is_no_place_of_its_own(tmp_path: Path) -> None:
    """By default, and when it is named, files stay in the data folder and nothing is asked or moved at the start."""
    storage = StorageSettings(data_dir=tmp_path)
    for settings in (FilesSettings(), FilesSettings(url=tmp_path.as_uri())):
        files = open_files(storage, settings)
        _make(files, PICTURE)
        await begin_with(files, storage, "database one")
        assert not files.is_shared
        assert (tmp_path / PICTURE).read_bytes() == b"made here"
        assert sorted(one.name for one in os.scandir(tmp_path)) == ["inputs"]


async def test_a_large_file_arrives_whole(bucket: Bucket, tmp_path: Path) -> None:
    """A file of several pieces is the same on the other machine."""
    content = os.urandom(2 * PIECE_BYTES + 12_345)
    await _kept(bucket.opened(tmp_path / "here"), VIDEO, content)
    there = bucket.opened(tmp_path / "there")
    assert (await there.fetch(VIDEO, REQUESTER)).read_bytes() == content
    assert [path.name for path in (there.root / "results").iterdir()] == ["job1.mp4"]


async def test_a_lost_cache_is_filled_again(bucket: Bucket, tmp_path: Path) -> None:
    """The local copies may go at any time; a start begins without any."""
    files = bucket.opened(tmp_path)
    await _kept(files, PICTURE)
    await begin_with(files, StorageSettings(data_dir=tmp_path), "database one")
    assert not files.root.exists()
    assert (await files.fetch(PICTURE, REQUESTER)).read_bytes() == b"made here"


async def test_the_cache_is_bounded(bucket: Bucket, tmp_path: Path) -> None:
    """Above its bound the cache loses what was not used for an hour, the oldest first, and nothing else."""
    files = bucket.opened(tmp_path, cache_mb_max=2)
    for number, age_s in enumerate((9000, 8000, 7000, 10)):
        name = f"results/job{number}.mp4"
        await _kept(files, name, b"\0" * 1_000_000)
        used_at = time.time() - age_s
        os.utime(files.root / name, (used_at, used_at))
    await files.trim()
    assert sorted(path.name for path in (files.root / "results").iterdir()) == ["job2.mp4", "job3.mp4"]
    assert await files.sizes(["results/job0.mp4"]) == {"results/job0.mp4": 1_000_000}


async def test_a_key_that_is_refused_is_said_in_words(bucket: Bucket, tmp_path: Path) -> None:
    """A missing bucket is no missing file, and no sentence or log line has the secret."""
    nowhere = bucket.opened(tmp_path, url="s3://wanda-nowhere")
    _make(nowhere, PICTURE)
    with pytest.raises(FilesUnavailable, match=r"^the bucket s3://wanda-nowhere does not exist: make it"):
        await nowhere.keep(PICTURE, REQUESTER)
    with pytest.raises(FilesUnavailable, match="does not exist"):
        await nowhere.fetch(VIDEO, REQUESTER)


async def test_a_bucket_that_is_down_is_told_in_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing waits longer than its timeout for a server that is gone, or that takes a connection and is silent."""
    caplog.set_level(logging.DEBUG)
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent, socket.create_server(("127.0.0.1", 0)) as gone:
        ports = [server.getsockname()[1] for server in (silent, gone)]
        gone.close()
        # A connection that is refused is tried again within the second timeout, which is never reached.
        for port, within_s, why in zip(
            ports, (0.5, 60.0), (r"within 0\.5 s|reached", "it cannot be reached"), strict=True
        ):
            settings = FilesSettings(
                url="s3://wanda",
                endpoint_url=f"http://127.0.0.1:{port}",
                access_key_id=SecretStr("id"),
                secret_access_key=SecretStr(SECRET),
                timeout_s=within_s,
                look_timeout_s=within_s,
            )
            files = open_files(StorageSettings(data_dir=tmp_path), settings)
            _make(files, PICTURE)
            async with asyncio.timeout(40):
                refusals = await asyncio.gather(
                    files.keep(PICTURE, REQUESTER),
                    files.fetch(VIDEO, REQUESTER),
                    files.sizes([VIDEO]),
                    files.remove([PICTURE]),
                    files.remove_jobs(["job1"]),
                    files.check(),
                    return_exceptions=True,
                )
            assert [type(refused) for refused in refusals] == [FilesUnavailable] * 6
            assert [str(refused) for refused in refusals if not re.search(why, str(refused))] == []
            assert [str(refused) for refused in refusals if SECRET in str(refused)] == []
    assert (tmp_path / "cache" / PICTURE).exists(), "what could not be removed there is not gone here"
    assert SECRET not in caplog.text


async def test_transfers_take_turns(bucket: Bucket, tmp_path: Path) -> None:
    """Many files at once are kept, whatever the number of places."""
    files = bucket.opened(tmp_path, transfers_at_once=2)
    await asyncio.gather(*(_kept(files, f"inputs/job{number}/image.png") for number in range(30)))
    assert len(await _names(files)) == 30
    assert isinstance(files, BucketFiles)
