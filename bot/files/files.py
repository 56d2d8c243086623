"""What the program needs of the place where files are kept, whichever it is."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.requester import Requester


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One kept file; `changed_at` is in Unix seconds. The name of an empty folder ends in a slash."""

    name: str
    size_bytes: int
    changed_at: float


class Files(Protocol):
    """Members' files by name (`bot.files.names`). A kept file never changes.

    New files are made below `root`, on this machine's disk, and are found by others once they are kept. Wherever the
    place itself does not answer, or refuses, the call raises `FilesUnavailable`, within a bounded time.
    """

    @property
    def root(self) -> Path:
        """The local folder; a file's path in it is its name."""
        ...

    @property
    def name(self) -> str:
        """The place's name for people, without secrets."""
        ...

    @property
    def is_shared(self) -> bool:
        """Whether other processes may be keeping files in the same place now."""
        ...

    @property
    def cache(self) -> "Files | None":
        """The local copies of what is kept elsewhere, as a place of their own."""
        ...

    async def keep(self, name: str, requester: Requester) -> None:
        """Keep a local file where every process finds it. It may be repeated.

        Raises:
            FileNotFoundError: there is no such file, neither here nor kept.
        """
        ...

    async def fetch(self, name: str, requester: Requester) -> Path:
        """Return the path of the file, which is on this machine's disk now.

        Raises:
            FileNotFoundError: it is not kept, or not any more.
        """
        ...

    async def fetch_to(self, name: str, path: Path) -> None:
        """Have the file's content at a new path of the caller's as well; it is not to be modified there.

        Raises:
            FileNotFoundError: it is not kept, or not any more.
        """
        ...

    async def adopt(self, path: Path, name: str) -> None:
        """Keep a file from elsewhere on this machine under this name; its path stays the caller's."""
        ...

    async def sizes(self, names: Collection[str]) -> Mapping[str, int]:
        """Return the sizes of those files that are kept, in bytes."""
        ...

    async def copy(self, source: str, target: str) -> None:
        """Keep a second file with the same content; either can be removed.

        Raises:
            FileNotFoundError: there is no source.
        """
        ...

    async def remove(self, names: Collection[str]) -> None:
        """Remove these files; those that are not kept do not matter."""
        ...

    async def remove_jobs(self, job_ids: Collection[str]) -> None:
        """Remove all files of these orders or jobs."""
        ...

    def pages(self, folder: str) -> AsyncIterator[Sequence[KeptFile]]:
        """Yield what is kept below `inputs` or `results`, in pages, in no order that matters."""
        ...

    async def is_empty(self) -> bool:
        """Return whether no file was ever kept here, as far as can be told."""
        ...

    async def mark(self) -> str | None:
        """Return what `set_mark` left here last."""
        ...

    async def set_mark(self, text: str) -> None:
        """Leave a line of text beside the files."""
        ...

    async def check(self) -> None:
        """Check that the place answers and lets this process in."""
        ...

    async def try_out(self) -> None:
        """Check that a tiny file can be put there, read again and removed."""
        ...

    async def trim(self) -> None:
        """Bring what is on the local disk only for speed below its bound."""
        ...
