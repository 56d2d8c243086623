"""The CDN: attachments under signed URLs that expire after a day of the sandbox's time."""

import asyncio
import hashlib
import hmac
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from aiohttp import web

from sandbox.discord.clock import Clock
from sandbox.discord.faults import DiscordFaults
from sandbox.discord.model import Attachment, Blob

LINK_LIFE_S = 24 * 3600
IN_MEMORY_BYTES = 256 * 1024
ZEROS = bytes(1024 * 1024)
AVATAR_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763b8f9f27f0005a002d2e7a2bb1d0000000049454e44ae426082"
)


class Chunks(Protocol):
    """An asynchronous iterator over a file's bytes."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the pieces in order."""
        ...


class Cdn:
    """Stores attachments and serves their signed URLs. `base_url` is set once the server listens."""

    def __init__(self, clock: Clock, faults: DiscordFaults, secret: bytes) -> None:
        self._faults = faults
        self._clock = clock
        self._secret = secret
        self._files: dict[int, Attachment] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="sandbox-discord-"))
        self._spooled = 0
        self.base_url = ""

    def close(self) -> None:
        """Delete the uploaded files."""
        shutil.rmtree(self._folder, ignore_errors=True)

    async def spool(self, chunks: Chunks, limit_bytes: int) -> Blob:
        """Store a stream: in memory if small, else on disk. Bytes past the limit are counted, not stored."""
        spool = _SpooledFile(self._new_path(), limit_bytes)
        try:
            async for chunk in chunks:
                spool.write(chunk)
        finally:
            spool.close()
        return spool.blob()

    def blob(self, data: bytes) -> Blob:
        """Store bytes that are already in memory."""
        if len(data) <= IN_MEMORY_BYTES:
            return Blob(len(data), data=data)
        path = self._new_path()
        path.write_bytes(data)
        return Blob(len(data), path=path, owned=True)

    def _new_path(self) -> Path:
        self._spooled += 1
        return self._folder / str(self._spooled)

    def add(self, attachment: Attachment) -> None:
        """Serve the attachment from now on."""
        self._files[attachment.id] = attachment

    def remove(self, attachment: Attachment) -> None:
        """Answer 404 for the attachment from now on, and delete its file."""
        if self._files.pop(attachment.id, None) is not None:
            self.discard(attachment.blob)

    def discard(self, blob: Blob) -> None:
        """Delete the file of an upload that no message uses."""
        if blob.owned and blob.path is not None:
            blob.path.unlink(missing_ok=True)

    def url(self, attachment: Attachment) -> str:
        """Return a new signed URL."""
        folder = "ephemeral-attachments" if attachment.ephemeral else "attachments"
        path = f"/{folder}/{attachment.channel_id}/{attachment.id}/{quote(attachment.filename, safe='')}"
        issued = int(self._clock.now())
        expires, issued_hex = f"{issued + LINK_LIFE_S:x}", f"{issued:x}"
        signature = self._signature(attachment.id, expires, issued_hex)
        return f"{self.base_url}{path}?ex={expires}&is={issued_hex}&hm={signature}&"

    def _signature(self, attachment_id: int, expires: str, issued: str) -> str:
        return hmac.new(self._secret, f"{attachment_id} {expires} {issued}".encode(), hashlib.sha256).hexdigest()

    def find(self, attachment_id: str, expires: str, issued: str, signature: str) -> Attachment | None:
        """Return the attachment of a signed URL; None when it is deleted, forged or expired."""
        if not attachment_id.isdigit() or not hmac.compare_digest(
            signature, self._signature(int(attachment_id), expires, issued)
        ):
            return None
        if int(expires, 16) <= self._clock.now():
            return None
        return self._files.get(int(attachment_id))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve a URL: the file or a range of it, else 404. Faults for `/cdn/…` apply here."""
        fault = self._faults.take(request.method, request.path)
        if fault is not None and fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault is not None and fault.drop and request.transport is not None:
            request.transport.abort()
        if fault is not None and fault.status is not None:
            return web.Response(status=fault.status, text=fault.message)
        query = request.query
        found = self.find(
            request.match_info["attachment"], query.get("ex", ""), query.get("is", ""), query.get("hm", "")
        )
        if found is None or found.filename != request.match_info["filename"]:
            return web.Response(status=404, text="This content is no longer available.")
        headers = {"Content-Type": found.content_type or "application/octet-stream", "Accept-Ranges": "bytes"}
        if found.blob.path is not None:
            return web.FileResponse(found.blob.path, headers=headers)
        return _bytes_response(request, found.blob.data or b"", headers)

    async def serve_avatar(self, _: web.Request) -> web.Response:
        """Serve one grey pixel for every avatar."""
        return web.Response(body=AVATAR_PNG, content_type="image/png")


def _bytes_response(request: web.Request, data: bytes, headers: dict[str, str]) -> web.Response:
    try:
        wanted = request.http_range
    except ValueError:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
    if wanted.start is None and wanted.stop is None:
        return web.Response(body=data, headers=headers)
    start, stop, _ = wanted.indices(len(data))
    if start >= stop:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return web.Response(status=206, body=data[start:stop], headers=headers)


class _SpooledFile:
    """Collects chunks in memory, and in a file once they are larger than `IN_MEMORY_BYTES`.

    Chunks of zeros become holes in the file, so that a padded video takes no disk space.
    """

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()
        self._file = None
        self._size = 0

    def write(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._limit_bytes:
            return
        if self._file is None and self._size <= IN_MEMORY_BYTES:
            self._buffer += chunk
            return
        if self._file is None:
            self._file = self._path.open("wb")
            self._file.write(self._buffer)
            self._buffer.clear()
        if chunk == ZEROS[: len(chunk)]:
            self._file.seek(len(chunk), os.SEEK_CUR)
        else:
            self._file.write(chunk)

    def close(self) -> None:
        if self._file is not None:
            self._file.truncate()  # extends the file over a hole at its end
            self._file.close()

    def blob(self) -> Blob:
        if self._file is None:
            return Blob(self._size, data=bytes(self._buffer))
        return Blob(self._size, path=self._path, owned=True)
