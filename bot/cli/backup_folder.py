"""The folder of a backup: every table as compressed JSON lines, the files of jobs, checksums, and a manifest.

```
manifest.json               what it is a backup of, and how many rows and files there are
SHA256SUMS                  a checksum of every other file, as `sha256sum --check` reads it
tables/jobs.jsonl.gz        a row on each line
files/inputs/…, results/…   the files of jobs, by their names in the data folder
```

It is written under another name, with its manifest last, so that one that is not whole is not taken for a backup.
"""

import gzip
import hashlib
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from io import BufferedReader, BufferedWriter
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import BackupRefused
from bot.files.names import job_id_in
from bot.storage.copying import BATCH_ROWS, Digest, TableRow, line_of, row_in
from bot.storage.data_folder import why_not
from bot.storage.sqlite_copy import flush
from bot.storage.tables import Table
from bot.units import MIB, counted, megabytes

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
TABLES = "tables"
FILES = "files"


class TableFacts(BaseModel):
    """How many rows a table has, and their digest."""

    model_config = ConfigDict(frozen=True)

    rows: int
    digest: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """What a backup holds. `files_in` is the bucket that has the files, empty when they are in the backup."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    made_at: float  # Unix seconds
    version: str  # of Wanda
    database: str  # without user and password
    database_id: str
    schema_version: int
    tables: Mapping[str, TableFacts]
    files_in: str = ""
    files: int = 0
    files_bytes: int = 0
    sums: str  # the checksum of SHA256SUMS

    @property
    def when(self) -> str:
        """Return the moment that it shows."""
        return f"{datetime.fromtimestamp(self.made_at, UTC):%Y-%m-%d %H:%M} UTC"

    @property
    def contents(self) -> str:
        """Return how much is in it."""
        rows = counted(sum(table.rows for table in self.tables.values()), "row")
        files = f"{counted(self.files, 'file')} ({megabytes(self.files_bytes)})"
        return f"{counted(len(self.tables), 'table')} with {rows}, and {files}"


class _Hashed:
    """A file that hashes what is written to it."""

    def __init__(self, file: BufferedWriter) -> None:
        self.sum = hashlib.sha256()
        self._file = file

    def write(self, data: bytes) -> int:
        """Write all of it."""
        self.sum.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Hand everything to the system."""
        self._file.flush()


class BackupWriter:
    """Writes one backup; the caller opens it with `new_backup`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = 0
        self.files_bytes = 0
        self._sums = hashlib.sha256()
        self._lines = _create(folder / SUMS)

    @contextmanager
    def table(self, table: Table) -> Generator["TableWriter", None, None]:
        """Write a table; its checksum is noted at the end of the block."""
        name = f"{TABLES}/{table.name}.jsonl.gz"
        with self._new(name) as file, gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0) as packed:  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - it needs write and flush
            yield TableWriter(packed)

    def copy(self, source: Path, name: str) -> bool:
        """Copy a job's file; returns whether it was still there."""
        try:
            with source.open("rb") as opened, self._new(f"{FILES}/{name}") as file:
                for piece in iter(lambda: opened.read(MIB), b""):
                    file.write(piece)
                self.files_bytes += opened.tell()
        except FileNotFoundError:
            return False
        self.files += 1
        return True

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest; with it the backup is whole."""
        self.close()
        text = manifest.model_dump_json(indent=1) + "\n"
        with _create(self.folder / MANIFEST) as file:
            file.write(text.encode())

    def close(self) -> None:
        """Close the list of checksums; nothing is written after that."""
        self._lines.close()

    @property
    def sums(self) -> str:
        """Return the checksum of all checksums so far."""
        return self._sums.hexdigest()

    @contextmanager
    def _new(self, name: str) -> Generator[_Hashed, None, None]:
        path = self.folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _create(path) as file:
            hashed = _Hashed(file)
            yield hashed
        line = f"{hashed.sum.hexdigest()}  {name}\n".encode()
        self._sums.update(line)
        self._lines.write(line)


class TableWriter:
    """Writes the rows of one table."""

    def __init__(self, packed: gzip.GzipFile) -> None:
        self.digest = Digest()
        self._packed = packed

    def write(self, rows: Sequence[TableRow]) -> None:
        """Write the rows."""
        for row in rows:
            line = line_of(row)
            self.digest.add(line)
            self._packed.write(line)


@contextmanager
def new_backup(place: Path) -> Generator[BackupWriter, None, None]:
    """Write a backup that has this name once the block has ended well; else nothing is left of it.

    Raises:
        BackupRefused: the place exists, or nothing can be written there.
    """
    place = place.absolute()
    if place.exists():
        raise BackupRefused(f"{place} exists already: name a new folder for each backup.")
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent))
    except OSError as error:
        raise BackupRefused(f"{place} cannot be made: {why_not(place.parent, error)}.") from error
    try:
        with closing(BackupWriter(part)) as writer:
            yield writer
        os.sync()  # one call for all files, which may be many
        part.rename(place)
        flush(place.parent)
    except OSError as error:
        raise BackupRefused(f"{place} cannot be written: {why_not(place.parent, error)}.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


class Backup:
    """A backup on disk whose manifest could be read."""

    def __init__(self, folder: Path) -> None:
        """Read the manifest.

        Raises:
            BackupRefused: it is no backup, or one that is not whole.
        """
        self.folder = folder.absolute()
        try:
            self.manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        except FileNotFoundError:
            raise BackupRefused(f"{folder} is not a backup, or not a whole one: it has no {MANIFEST}.") from None
        except OSError as error:
            raise BackupRefused(f"{folder} cannot be read: {error.strerror}.") from error
        except ValidationError:
            raise BackupRefused(
                f"{folder / MANIFEST} cannot be read: it is damaged, or a newer version of Wanda wrote it."
            ) from None

    def check(self) -> None:
        """Read every file and compare it with its checksum.

        Raises:
            BackupRefused: one is missing or damaged; the sentence names it.
        """
        with self._opened(self.folder / SUMS) as sums:
            if _sum_of(sums) != self.manifest.sums:
                raise BackupRefused(f"The backup {self.folder} is damaged: {SUMS} is not the one that was written.")
        names = 0
        for expected, name in self._listed():
            names += 1
            with self._opened(self.folder / name) as file:
                if _sum_of(file) != expected:
                    raise BackupRefused(f"The backup {self.folder} is damaged: {name} is not what was written.")
        if names != len(self.manifest.tables) + self.manifest.files:
            raise BackupRefused(f"The backup {self.folder} is damaged: {SUMS} does not list all of it.")

    def file_names(self) -> Iterator[str]:
        """Yield the names of the files of jobs, as in the data folder."""
        return (name.removeprefix(f"{FILES}/") for _, name in self._listed() if name.startswith(f"{FILES}/"))

    def path_of(self, name: str) -> Path:
        """Return the path of a file of a job."""
        return self.folder / FILES / name

    def batches(self, table: Table) -> Iterator[Sequence[TableRow]]:
        """Yield the table's rows.

        Raises:
            BackupRefused: they cannot be read.
        """
        name = f"{TABLES}/{table.name}.jsonl.gz"
        try:
            with gzip.open(self.folder / name, "rb") as lines:
                while rows := [row_in(line, table) for line in islice(lines, BATCH_ROWS)]:
                    yield rows
        except (OSError, EOFError, ValueError, TypeError) as error:
            raise BackupRefused(f"The backup {self.folder} is damaged: {name} cannot be read.") from error

    def _listed(self) -> Iterator[tuple[str, str]]:
        with self._opened(self.folder / SUMS) as sums:
            for line in sums:
                expected, _, name = line.decode(errors="replace").rstrip("\n").partition("  ")
                if not _is_in_backup(name):
                    raise BackupRefused(f"The backup {self.folder} is damaged: {SUMS} names {name!r}.")
                yield expected, name

    @contextmanager
    def _opened(self, path: Path) -> Generator[BufferedReader, None, None]:
        try:
            with path.open("rb") as file:
                yield file
        except OSError as error:
            name = path.relative_to(self.folder)
            raise BackupRefused(
                f"The backup {self.folder} is damaged: {name} cannot be read ({error.strerror})."
            ) from error


def _is_in_backup(name: str) -> bool:
    """Return whether a backup has a file of this name: a table, or an input or a result of a job."""
    parts = PurePosixPath(name).parts
    if ".." in parts or "\0" in name:
        return False
    return parts[:1] == (TABLES,) or (parts[:1] == (FILES,) and bool(job_id_in("/".join(parts[1:]))))


def _sum_of(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _create(path: Path) -> BufferedWriter:
    """Make a new file that only its owner may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
