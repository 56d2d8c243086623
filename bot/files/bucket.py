"""Files in an S3-compatible bucket, through obstore; the local folder is a cache that may be lost at any time.

Whatever is in the cache is this process's own work since its start, so a file that another process removed can only be
here if its job is gone from the database too: `bot.runner.orphans` finds those.
"""

import asyncio
import logging
import os
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from bot.errors import FilesUnavailable
from bot.files.files import KeptFile
from bot.files.folder import FolderFiles, link_or_copy
from bot.files.names import FOLDERS, inputs_name, result_name
from bot.requester import Requester
from bot.settings import FilesSettings
from bot.tasks import all_of, in_thread
from bot.turns import FairTurns
from bot.units import MB

_LOG = logging.getLogger(__name__)
T = TypeVar("T")

PIECE_BYTES = 8 * 1024 * 1024  # of a multipart upload; S3 takes at least 5 MiB and at most 10,000 of them
PIECES_AT_ONCE = 2
BUFFER_BYTES = 1024 * 1024  # written to the disk at once
PAGE = 1000  # keys in one answer of S3
ASKED_AT_ONCE = 16
LISTED_AT_ONCE = 4  # jobs whose files are looked for to be removed; fewer, so that members' orders find a place
KNOWN_MAX = 10_000  # files that are known to be in the bucket; others are put again, which changes nothing
IDLE_S = 3600.0  # a file of the cache that nobody asked for in this time may go; longer than any one use of it
MARK = "wanda.files"
_NOBODY = Requester(0, 0)  # takes turns with members, as one of them
_CODE = re.compile(r"<Code>(\w+)</Code>")
_STATUS = re.compile(r"status code: (\d{3})")


class BucketFiles:
    """Implements `bot.files.files.Files`. `root` is the cache; `name` is the bucket's for people."""

    is_shared = True

    def __init__(self, store: ObjectStore, root: Path, settings: FilesSettings, *, name: str) -> None:
        self.root = root
        self.name = name
        self._cache = FolderFiles(root, is_shared=True)
        self._store = store
        self._settings = settings
        self._turns = FairTurns(settings.transfers_at_once, name="files")
        self._asked = asyncio.Semaphore(ASKED_AT_ONCE)
        self._listed = asyncio.Semaphore(LISTED_AT_ONCE)
        self._known: OrderedDict[str, None] = OrderedDict()

    @property
    def cache(self) -> FolderFiles:
        """The local copies."""
        return self._cache

    async def keep(self, name: str, requester: Requester) -> None:
        """Put the file, unless it is known to be in the bucket."""
        path = self.root / name
        if name in self._known:
            return
        if await asyncio.to_thread(path.is_file):
            await self._put(name, path, requester)
        elif await self._size(name) is None:
            raise FileNotFoundError(name)

    async def adopt(self, path: Path, name: str) -> None:
        """Put a file from elsewhere into the bucket."""
        await self._put(name, path, _NOBODY)

    async def _put(self, name: str, path: Path, requester: Requester) -> None:
        async with self._transfer(requester, f"take {name}"):
            await obstore.put_async(self._store, name, path, chunk_size=PIECE_BYTES, max_concurrency=PIECES_AT_ONCE)
        self._know(name)

    async def fetch(self, name: str, requester: Requester) -> Path:
        """Return the file in the cache, copied there from the bucket if it is not there yet."""
        path = self.root / name
        if not await asyncio.to_thread(_is_cached, path):
            async with self._transfer(requester, f"give {name}"):
                await self._download(name, path)
            self._know(name)
        return path

    async def _download(self, name: str, path: Path) -> None:
        found = await obstore.get_async(self._store, name)
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        await in_thread(path.parent.mkdir, parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                async for piece in found.stream(min_chunk_size=BUFFER_BYTES):
                    await in_thread(file.write, piece)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    async def fetch_to(self, name: str, path: Path) -> None:
        """Link the file from the cache, or copy it from the bucket past the cache."""
        try:
            await in_thread(link_or_copy, self.root / name, path)
        except FileNotFoundError:
            async with self._transfer(_NOBODY, f"give {name}"):
                await self._download(name, path)

    async def sizes(self, names: Collection[str]) -> Mapping[str, int]:
        """Ask for the sizes of all that is not in the cache."""
        found = dict(await self.cache.sizes(names))
        missing = [name for name in names if name not in found]
        sizes = await all_of(self._size(name) for name in missing)
        return found | {name: size for name, size in zip(missing, sizes, strict=True) if size is not None}

    async def _size(self, name: str) -> int | None:
        with suppress(FileNotFoundError):
            meta = await self._ask(lambda: obstore.head_async(self._store, name), f"tell the size of {name}")
            return meta["size"]
        return None

    async def copy(self, source: str, target: str) -> None:
        """Have the bucket copy the file; what is in the cache is linked there too."""
        await self._ask(lambda: obstore.copy_async(self._store, source, target), f"copy {source}", slowly=True)
        self._know(target)
        with suppress(OSError):
            await in_thread(link_or_copy, self.root / source, self.root / target)

    async def remove(self, names: Collection[str]) -> None:
        """Remove these files from the bucket, then from the cache."""
        for name in names:
            self._known.pop(name, None)
        if names:
            paths = list(names)
            await self._ask(lambda: obstore.delete_async(self._store, paths), f"remove {len(paths)} files", slowly=True)
        await self.cache.remove(names)

    async def remove_jobs(self, job_ids: Collection[str]) -> None:
        """Look for the files of these jobs, and remove them."""
        found = await all_of(self._names_below(inputs_name(job_id)) for job_id in job_ids)
        await self.remove([*chain.from_iterable(found), *map(result_name, job_ids)])
        await self.cache.remove_jobs(job_ids)

    async def _names_below(self, folder: str) -> list[str]:
        async with self._listed:
            return [one.name async for page in self.pages(folder) for one in page]

    async def pages(self, folder: str) -> AsyncIterator[Sequence[KeptFile]]:
        """List the bucket's files below this name."""
        listing: Any = obstore.list(self._store, f"{folder}/", chunk_size=PAGE)  # pyright: ignore[reportUnknownMemberType] - pyarrow, which it names, is not here
        while True:
            page = await self._ask(lambda: _next_page(listing), f"list {folder}", slowly=True)
            if page is None:
                return
            yield [KeptFile(one["path"], one["size"], one["last_modified"].timestamp()) for one in page]

    async def is_empty(self) -> bool:
        """Return whether the bucket has no file below this prefix."""
        for folder in FOLDERS:
            async for page in self.pages(folder):
                if page:
                    return False
        return True

    async def mark(self) -> str | None:
        """Return the content of the mark's object."""
        with suppress(FileNotFoundError):
            return (await self._ask(lambda: _content(self._store, MARK), "give its mark")).decode("utf-8", "replace")
        return None

    async def set_mark(self, text: str) -> None:
        """Put the mark's object."""
        await self._ask(lambda: obstore.put_async(self._store, MARK, text.encode()), "take its mark")

    async def check(self) -> None:
        """Ask for the mark: one small request, which needs the address, the bucket and the key."""
        if await self.mark() is None:
            raise FilesUnavailable(f"{self.name} has lost its mark {MARK}: somebody emptied or replaced it.")

    async def try_out(self) -> None:
        """Put, read and remove an object of five bytes."""
        name, content = f"wanda.check.{secrets.token_hex(4)}", b"wanda"
        await self._ask(lambda: obstore.put_async(self._store, name, content), "take a file")
        try:
            found = await self._ask(lambda: _content(self._store, name), "give a file back")
        except FileNotFoundError:
            raise FilesUnavailable(f"{self.name} does not give back what was put there.") from None
        finally:
            await self._ask(lambda: obstore.delete_async(self._store, [name]), "remove a file")
        if found != content:
            raise FilesUnavailable(f"{self.name} gives back something else than what was put there.")

    async def trim(self) -> None:
        """Remove from the cache what was not used for an hour, the oldest first, until it is within its bound."""
        await asyncio.to_thread(_trim, self.root, self._settings.cache_mb_max * MB)

    def _know(self, name: str) -> None:
        self._known[name] = None
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    @asynccontextmanager
    async def _transfer(self, requester: Requester, what: str) -> AsyncGenerator[None]:
        """Hold a turn for one transfer; both the wait and the transfer are within `timeout_s`."""
        async with self._translated(what, self._settings.timeout_s), self._turns.turn(requester):
            yield

    async def _ask(self, ask: Callable[[], Awaitable[T]], what: str, *, slowly: bool = False) -> T:
        """Return the answer to one small request; a copy, a list or a deletion takes longer than a look.

        The wait for a place does not count, because an export asks for hundreds of files; both are within `timeout_s`.
        """
        longest_s = self._settings.timeout_s
        within_s = longest_s if slowly else self._settings.look_timeout_s
        async with self._translated(what, longest_s), self._asked, self._translated(what, within_s):
            return await ask()

    @asynccontextmanager
    async def _translated(self, what: str, within_s: float) -> AsyncGenerator[None]:
        """Raise FileNotFoundError or FilesUnavailable instead of obstore's errors, whose texts hold whole answers."""
        try:
            async with asyncio.timeout(within_s):
                yield
        except TimeoutError:
            raise FilesUnavailable(f"{self.name} did not {what} within {within_s:g} s.") from None
        except FileNotFoundError as error:
            if _code_in(error) == "NoSuchBucket":
                raise FilesUnavailable(f"{self.name} does not exist: make it, or correct WANDA_FILES_URL.") from None
            raise FileNotFoundError(what) from None
        except (BaseError, OSError, ValueError) as error:
            raise FilesUnavailable(f"{self.name} did not {what}: {_why(error)}.") from None


async def _next_page(listing: Any) -> Sequence[Any] | None:
    try:
        return await anext(listing)
    except StopAsyncIteration:
        return None


async def _content(store: ObjectStore, name: str) -> bytes:
    return bytes(await (await obstore.get_async(store, name)).bytes_async())


def _code_in(error: Exception) -> str:
    found = _CODE.search(str(error))
    return "" if found is None else found[1]


def _why(error: Exception) -> str:
    """Return in words why the bucket refused; S3's own name of the error where there is one."""
    if isinstance(error, OSError):
        return f"the disk failed ({error.strerror or type(error).__name__})"
    code, status = _code_in(error), _STATUS.search(str(error))
    match code:
        case "InvalidAccessKeyId":
            return "it does not know the AWS_ACCESS_KEY_ID"
        case "SignatureDoesNotMatch":
            return "the AWS_SECRET_ACCESS_KEY does not belong to the AWS_ACCESS_KEY_ID"
        case "AccessDenied":
            return "the key may not do that; allow it to get, put, delete and list objects"
        case "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException":
            return "the bucket is in another region; correct AWS_REGION"
        case "RequestTimeTooSkewed":
            return "this machine's clock is wrong"
        case "":
            return (
                _by_status(status[1]) if status else "it cannot be reached; look at the network and at AWS_ENDPOINT_URL"
            )
        case _:
            return f"it answered {code}"


def _by_status(status: str) -> str:
    """Return in words what an answer without S3's name of an error says."""
    if status in {"401", "403"}:
        return f"it answered {status}; correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    return f"it answered {status}"


def _is_cached(path: Path) -> bool:
    """Return whether the file is there, and note that it is used."""
    try:
        os.utime(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _trim(root: Path, bytes_max: int) -> None:
    found: list[tuple[float, int, Path]] = []
    for top in FOLDERS:
        for folder, _, names in os.walk(root / top):  # passes over what is removed meanwhile
            for path in (Path(folder, name) for name in names):
                with suppress(FileNotFoundError):
                    stat = path.stat()
                    found.append((stat.st_mtime, stat.st_size, path))
    total, oldest_s = sum(size for _, size, _ in found), time.time() - IDLE_S
    for used_at, size, path in sorted(found):
        if total <= bytes_max or used_at > oldest_s:
            return
        path.unlink(missing_ok=True)
        total -= size
        with suppress(OSError):
            path.parent.rmdir()  # if it was the last one of a job
