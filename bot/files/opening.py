"""Opens the place of the settings where files are kept, and brings there what an older setting left elsewhere."""

import asyncio
import logging
import shutil
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bot.errors import SettingsRefused, StartRefused
from bot.files.files import Files
from bot.files.folder import FolderFiles
from bot.files.names import FOLDERS, INPUTS, job_id_in, result_name
from bot.settings import FilesSettings, StorageSettings
from bot.sharding import ShardPlan
from bot.tasks import all_of
from bot.units import counted

if TYPE_CHECKING:
    from obstore.store import S3Config

log = logging.getLogger(__name__)
CACHE = "cache"  # in the data folder
CONNECT_TIMEOUT_S = 5.0
RETRIES = 3
MOVED_AT_ONCE = 8


def open_files(storage: StorageSettings, settings: FilesSettings) -> Files:
    """Return the place where files are kept; nothing is asked of it yet.

    Raises:
        SettingsRefused: the bucket's settings cannot be used.
    """
    if settings.is_bucket:
        return _bucket(storage.data_dir / CACHE, settings)
    folder = _folder_of(settings) or storage.data_dir
    return FolderFiles(folder, is_shared=folder.resolve() != storage.data_dir.resolve())


def check_shared(files: Files, plan: ShardPlan) -> None:
    """Check that other processes find the files too, where there are any.

    Raises:
        SettingsRefused: they are in this process's own data folder.
    """
    if not files.is_shared and not plan.is_whole:
        raise SettingsRefused(
            "With WANDA_SHARDS several processes share the jobs, so they need the same files, and these are in one "
            "process's data folder. Set WANDA_FILES_URL to a bucket or a shared folder, the same for all."
        )


async def begin_with(files: Files, storage: StorageSettings, database_id: str, *, begin_anew: bool = False) -> None:
    """Check that the files belong to this database, empty the cache, and move in what the data folder still has.

    Everything may be repeated after a crash: a file leaves the data folder once it is kept.

    Raises:
        StartRefused: the files are another database's.
        FilesUnavailable: the place cannot be used, now.
    """
    if not files.is_shared:
        return
    await files.try_out()
    mark = await files.mark()
    if mark not in {None, database_id} and not begin_anew:
        raise StartRefused(
            f"The files in {files.name} belong to another database. Correct DATABASE_URL or WANDA_FILES_URL; "
            "`python -m bot run --begin-anew` takes them over, and in time removes the files of the other one's videos."
        )
    if mark != database_id:
        await files.set_mark(database_id)
    await asyncio.to_thread(shutil.rmtree, storage.data_dir / CACHE, ignore_errors=True)
    await _move_in(storage.data_dir, files)


async def _move_in(old: Path, files: Files) -> None:
    """Bring the inputs and results of the data folder to where files are kept now."""
    found, count = _movable(old), 0
    while batch := await asyncio.to_thread(lambda: list(islice(found, MOVED_AT_ONCE))):
        if not count:
            log.info("moving the files of the data folder %s to %s", old, files.name)
        await all_of(_move(files, path, name) for path, name in batch)
        count += len(batch)
    for folder in FOLDERS:
        await asyncio.to_thread(shutil.rmtree, old / folder, ignore_errors=True)  # what is left is half made
    if count:
        log.info("moved %s", counted(count, "file"))


async def _move(files: Files, path: Path, name: str) -> None:
    await files.adopt(path, name)
    await asyncio.to_thread(path.unlink, missing_ok=True)


def _movable(old: Path) -> Iterator[tuple[Path, str]]:
    """Yield inputs and whole results; what is half made, or a smaller copy, is made again when it is needed."""
    for folder in FOLDERS:
        for path in sorted((old / folder).rglob("*")):
            name = path.relative_to(old).as_posix()
            if path.is_file() and (folder == INPUTS or name == result_name(job_id_in(name))):
                yield path, name


def _folder_of(settings: FilesSettings) -> Path | None:
    return Path(unquote(urlsplit(settings.url).path)) if settings.url else None


def _bucket(cache: Path, settings: FilesSettings) -> Files:
    """Return the bucket. obstore is loaded here, because it takes 5 MB of memory that a local folder does not need."""
    from obstore.exceptions import BaseError  # noqa: PLC0415 - see the docstring
    from obstore.store import S3Store  # noqa: PLC0415 - likewise

    from bot.files.bucket import BucketFiles  # noqa: PLC0415 - likewise

    parts = urlsplit(settings.url)
    address = str(settings.endpoint_url) if settings.endpoint_url else None
    config: S3Config = {"region": settings.region}
    if address is not None:
        config["endpoint"] = address
    if settings.access_key_id is not None:
        config["access_key_id"] = settings.access_key_id.get_secret_value()
    if settings.secret_access_key is not None:
        config["secret_access_key"] = settings.secret_access_key.get_secret_value()
    if settings.session_token is not None:
        config["session_token"] = settings.session_token.get_secret_value()
    timeout = timedelta(seconds=settings.timeout_s)
    try:
        store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            config=config,
            client_options={
                # The timeout of a whole transfer is kept by BucketFiles; obstore's own would cut off large answers.
                "timeout": timeout,
                "connect_timeout": timedelta(seconds=min(CONNECT_TIMEOUT_S, settings.timeout_s)),
                "allow_http": address is not None and address.startswith("http://"),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": timeout},
        )
    except (BaseError, ValueError) as error:
        raise SettingsRefused(f"The bucket {settings.url} cannot be used: {type(error).__name__}.") from None
    return BucketFiles(store, cache, settings, name=f"the bucket {settings.url}")
