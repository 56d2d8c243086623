"""fal's storage: uploaded inputs and rendered videos, as files in one temporary folder."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from urllib.parse import unquote, urlsplit
from uuid import uuid4

__all__ = ["FILES_MAX", "UPLOAD_MAX_BYTES", "Storage", "StoredFile", "copy_with_padding", "hard_link"]

UPLOAD_MAX_BYTES = 512 * 1024 * 1024
FILES_MAX = 100_000
BOX_HEADER = 8
CHUNK = 1024 * 1024
HERE = frozenset({"127.0.0.1", "localhost"})


@dataclass(eq=False)
class StoredFile:
    """One file. `complete` is False until it is uploaded. `key` is its path below `/files/`."""

    key: str
    path: Path
    file_name: str
    content_type: str
    complete: bool = False

    @property
    def size_bytes(self) -> int:
        """The size of the file."""
        return self.path.stat().st_size

    def open_new(self) -> BinaryIO:
        """Open it for writing as a new file, so that hard links to the old one keep their bytes."""
        self.path.unlink(missing_ok=True)
        return self.path.open("wb")


class Storage:
    """Every file of the stand-in, deleted by `close`."""

    def __init__(self, *, new_id: Callable[[], str] = lambda: uuid4().hex) -> None:
        self._folder = TemporaryDirectory(prefix="sandbox-fal-")
        self._new_id = new_id
        self._files: dict[str, StoredFile] = {}
        self.root = Path(self._folder.name)

    def create(self, file_name: str, content_type: str) -> StoredFile:
        """Return a new, empty file.

        Raises:
            RuntimeError: there are `FILES_MAX` files already.
        """
        if len(self._files) >= FILES_MAX:
            raise RuntimeError(f"sandbox/fal holds {FILES_MAX} files; start a new one")
        clean = re.sub(r"[^A-Za-z0-9._-]", "_", file_name)[-80:] or "upload.bin"
        name = self._new_id()
        stored = StoredFile(f"b/{name[:8]}/{name[8:]}_{clean}", self.root / name, clean, content_type)
        stored.path.touch()
        self._files[stored.key] = stored
        return stored

    def get(self, key: str) -> StoredFile | None:
        """Return a complete file."""
        stored = self._files.get(key)
        return stored if stored is not None and stored.complete else None

    def find(self, key: str) -> StoredFile | None:
        """Return a file, complete or not."""
        return self._files.get(key)

    def by_url(self, url: str, port: int) -> StoredFile | None:
        """Return the file of one of the stand-in's own URLs; other URLs are never fetched."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname not in HERE or parts.port != port:
            return None
        return self.get(unquote(parts.path).removeprefix("/files/"))

    def close(self) -> None:
        """Delete every file."""
        self._folder.cleanup()


def copy_with_padding(source: Path, target: Path, note: str, size_bytes: int) -> None:
    """Copy an MP4 and append a `free` box, which players skip, with the note and zeros up to `size_bytes`.

    The zeros are a hole in the file, so they take no disk space. A larger source only gets the note.
    """
    shutil.copyfile(source, target)
    text = note.encode()
    made_bytes = target.stat().st_size
    length = max(BOX_HEADER + len(text), size_bytes - made_bytes)
    with target.open("ab") as file:
        file.write(length.to_bytes(4, "big") + b"free" + text)
    os.truncate(target, made_bytes + length)


def hard_link(source: Path, target: Path) -> None:
    """Make `target` a hard link to `source`."""
    target.unlink(missing_ok=True)
    target.hardlink_to(source)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    hashed = sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()
