"""Files in a local folder: what is made there is kept there, and a second copy is a hard link.

obstore's own store of local files is not used for this: it copies every file that it is given (25 MB in 25 to 80 ms),
where nothing has to be done here.
"""

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from bot.errors import FilesUnavailable
from bot.files.files import KeptFile
from bot.files.names import FOLDERS, INPUTS, RESULTS, inputs_name
from bot.requester import Requester
from bot.tasks import in_thread

PAGE = 500  # files
MARK = "wanda.files"


class FolderFiles:
    """Implements `bot.files.files.Files`. A folder that is not the data folder `is_shared` with other processes."""

    def __init__(self, root: Path, *, is_shared: bool = False) -> None:
        self.root = root
        self.is_shared = is_shared

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self.root.absolute())

    @property
    def cache(self) -> None:
        """None: all files are on this machine."""
        return

    async def keep(self, name: str, requester: Requester) -> None:
        """Only look: the file is where it is kept."""
        del requester
        await self._look(self.root / name)

    async def fetch(self, name: str, requester: Requester) -> Path:
        """Return the file's path; raises FileNotFoundError."""
        del requester
        path = self.root / name
        await self._look(path)
        return path

    async def _look(self, path: Path) -> None:
        """Raise FileNotFoundError if there is no such file.

        In a thread only where the folder may be another machine's: on this one's disk a look takes far less than the
        way to a thread and back.
        """
        look = path.stat
        if self.is_shared:
            await asyncio.to_thread(look)
        else:
            look()

    async def fetch_to(self, name: str, path: Path) -> None:
        """Hard-link or copy the file to the path; raises FileNotFoundError."""
        await in_thread(link_or_copy, self.root / name, path)

    async def sizes(self, names: Collection[str]) -> Mapping[str, int]:
        """Return the sizes of those files that are there."""
        return await asyncio.to_thread(_sizes, self.root, names)

    async def copy(self, source: str, target: str) -> None:
        """Hard-link the file, or copy it where hard links are not supported; raises FileNotFoundError."""
        await in_thread(link_or_copy, self.root / source, self.root / target)

    async def remove(self, names: Collection[str]) -> None:
        """Unlink these files."""
        await self._removing(lambda: _unlink(self.root / name for name in names))

    async def remove_jobs(self, job_ids: Collection[str]) -> None:
        """Remove the folders of inputs, and the videos with their smaller copies."""
        await self._removing(lambda: _remove_jobs(self.root, job_ids))

    async def _removing(self, remove: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(remove)
        except OSError as error:
            raise FilesUnavailable(f"Files in {self.name} could not be removed: {error.strerror}.") from error

    async def pages(self, folder: str) -> AsyncIterator[Sequence[KeptFile]]:
        """Yield the files, and empty folders of inputs; `changed_at` is also the time of a new hard link."""
        found = _walk(self.root, folder)
        while page := await asyncio.to_thread(lambda: list(islice(found, PAGE))):
            yield page

    async def is_empty(self) -> bool:
        """Return whether there are no folders for files yet."""
        return not await asyncio.to_thread(lambda: any((self.root / name).exists() for name in FOLDERS))

    async def mark(self) -> str | None:
        """Return the text of the mark's file."""
        try:
            return await asyncio.to_thread((self.root / MARK).read_text, encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FilesUnavailable(f"The folder of files {self.name} cannot be read: {error.strerror}.") from error

    async def set_mark(self, text: str) -> None:
        """Write the mark's file whole or not at all."""

        def write() -> None:
            new = self.root / f"{MARK}.{secrets.token_hex(4)}"
            new.write_text(text, encoding="utf-8")
            new.replace(self.root / MARK)

        await self._writing(write)

    async def check(self) -> None:
        """Check that the folder is there, and with its mark: where no disk is mounted, there is an empty one."""
        if not await asyncio.to_thread(self.root.is_dir) or (self.is_shared and await self.mark() is None):
            raise FilesUnavailable(f"The folder of files {self.name} is not there; mount it, or correct the setting.")

    async def try_out(self) -> None:
        """Write a file and remove it; the folder is made if it can be."""

        def write() -> None:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.root / f"wanda.check.{secrets.token_hex(4)}"
            path.write_bytes(b"wanda")
            path.unlink()

        await self._writing(write)

    async def _writing(self, write: Callable[[], None]) -> None:
        try:
            await in_thread(write)
        except OSError as error:
            raise FilesUnavailable(f"The folder of files {self.name} cannot be written: {error.strerror}.") from error

    async def adopt(self, path: Path, name: str) -> None:
        """Keep a file from elsewhere; it appears whole or not at all."""

        def take() -> None:
            target = self.root / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = target.with_name(f"{target.name}.part")
            shutil.copyfile(path, part)
            with part.open("rb+") as copied:
                os.fsync(copied.fileno())  # the caller may remove the original, and then the power may fail
            part.replace(target)

        await self._writing(take)

    async def trim(self) -> None:
        """Do nothing: every file here is the only one."""


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link the file, or copy it where hard links are not supported. Neither file is modified afterwards.

    Raises:
        FileNotFoundError: there is no source.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


def _sizes(root: Path, names: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        with suppress(FileNotFoundError, NotADirectoryError):
            found[name] = (root / name).stat().st_size
    return found


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _remove_jobs(root: Path, job_ids: Collection[str]) -> None:
    for job_id in job_ids:
        with suppress(FileNotFoundError):
            shutil.rmtree(root / inputs_name(job_id))
        _unlink((root / RESULTS).glob(f"{job_id}.*"))


def _walk(root: Path, folder: str) -> Iterator[KeptFile]:
    try:
        entries = os.scandir(root / folder)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            name = f"{folder}/{entry.name}"
            with suppress(FileNotFoundError):  # removed meanwhile
                inner = list(os.scandir(entry.path)) if folder == INPUTS and entry.is_dir() else None
                if inner is None or not inner:
                    yield _kept(entry, name if inner is None else f"{name}/")
                for one in inner or ():
                    with suppress(FileNotFoundError):
                        yield _kept(one, f"{name}/{one.name}")


def _kept(entry: os.DirEntry[str], name: str) -> KeptFile:
    stat = entry.stat()
    return KeptFile(name, stat.st_size, max(stat.st_mtime, stat.st_ctime))
