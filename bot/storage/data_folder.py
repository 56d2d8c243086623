"""The data folder: made for its owner alone, locked by one process, and marked with the database that it belongs to."""

import errno
import fcntl
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.errors import OwnershipLost, StorageError

MARK = "wanda.database"
FOLDERS = ("inputs", "results", "cache", "scratch")  # of members' files
ROOM_BYTES = 1024 * 1024  # what must fit on the disk for the folder to count as writable


class FileLock:
    """An exclusive lock on a file, held until `free` or until the process ends."""

    def __init__(self, path: Path, *, guards: str) -> None:
        """Take the lock; `guards` says in the refusal what it is for.

        Raises:
            StorageError: another process holds it, or the file cannot be written.
        """
        self._path = path
        try:
            # Child processes do not inherit the descriptor: one that outlives Wanda must not keep the lock.
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageError(f"The lock file {path} cannot be written: {why_not(path.parent, error)}.") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StorageError(f"Another Wanda (process {owner}) already works with {guards}: stop it first.") from None
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, str(os.getpid()).encode("ascii"), 0)
        except OSError as error:
            os.close(self._descriptor)
            raise StorageError(f"The lock file {path} cannot be written: {why_not(path.parent, error)}.") from error

    def check(self) -> None:
        """Check that the locked file is still the one of this name, so that it keeps others out.

        Raises:
            OwnershipLost: it was removed or replaced.
        """
        if not is_same_file(self._path, os.fstat(self._descriptor)):
            raise OwnershipLost(f"The lock file {self._path} was removed, or its folder is no longer mounted.")

    def free(self) -> None:
        """Release the lock. The file stays: if it were deleted, two processes could each lock a file of this name."""
        os.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class Mark:
    """Which database a data folder belongs to. `begun` is false until a bot has logged in with it."""

    database_id: str
    name: str
    begun: bool = True


def make_folder(folder: Path) -> None:
    """Make the data folder, readable by its owner alone; what an older version left in it becomes so.

    Raises:
        StorageError: it cannot be made or written; the sentence says why, and what to do.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The data folder {folder.absolute()} cannot be made ({why_not(folder.parent, error)}): choose another in "
            "WANDA_DATA_DIR."
        ) from error
    check_writable(folder)
    for kept in (folder / name for name in FOLDERS):
        with suppress(OSError):  # there is none yet, or it belongs to somebody else
            kept.chmod(0o700)


def check_writable(folder: Path) -> None:
    """Check that a file of `ROOM_BYTES` can be written to the folder; nothing of it is left.

    Raises:
        StorageError: it cannot; the sentence says why, and what to do.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)
    except OSError as error:
        raise StorageError(
            f"The data folder {folder.absolute()} cannot be written: {why_not(folder, error)}."
        ) from error


def why_not(folder: Path, error: OSError) -> str:
    """Return in words why nothing can be written to this folder, and what to do; no full stop."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk is full; free some space"
        case errno.EROFS:
            return "it is on a read-only file system; mount a writable folder there"
        case errno.EACCES | errno.EPERM:
            return _whose(folder)
        case _:
            return error.strerror or type(error).__name__


def _whose(folder: Path) -> str:
    me = f"{os.getuid()}:{os.getgid()}"
    try:
        owner = folder.stat().st_uid
    except OSError:
        return f"Wanda runs as user {me}, who may not enter it"
    if owner == os.getuid():
        return "its permissions, or its attributes, forbid it"
    return (
        f"it belongs to user {owner}, and Wanda runs as user {me}; run `chown -R {me}` on it "
        "(with Docker: on the folder of the host that is mounted there)"
    )


def read_mark(folder: Path) -> Mark | None:
    """Return the folder's mark; None if it has none, or none that can be read."""
    try:
        return Mark(**json.loads((folder / MARK).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_mark(folder: Path, mark: Mark) -> None:
    """Write the mark whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    new = folder / f"{MARK}.new"
    try:
        new.write_text(json.dumps(asdict(mark)) + "\n", encoding="utf-8")
        new.replace(folder / MARK)
    except OSError as error:
        raise StorageError(f"The data folder {folder} cannot be written: {why_not(folder, error)}.") from error


def is_same_file(path: Path, opened: os.stat_result) -> bool:
    """Return whether the path still names the file that was opened."""
    try:
        return os.path.samestat(path.stat(), opened)
    except OSError:
        return False
