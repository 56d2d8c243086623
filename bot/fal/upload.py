"""A file from disk into fal's storage: the key goes to the start of the upload only, the bytes to the signed URL."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import BinaryIO

from bot.fal.http import FalHttp
from bot.fal.wire import protocol
from bot.settings import Settings

PIECE_BYTES = 256 * 1024
INITIATE_PATH = "/storage/upload/initiate"


async def upload_once(line: FalHttp, settings: Settings, path: Path, *, file_name: str, content_type: str) -> str:
    """Start an upload, put the bytes, and return the URL that the file has at fal. Repeating it is harmless.

    Raises:
        FalAccountError: fal does not take the key, or the account is locked.
        FalRefused: fal's storage does not take this file.
        FalUnreachable, FalReplyLost, FalProtocolError: it may work another time.
        OSError: the file cannot be read.
    """
    rest_url = settings.fal_rest_url.rstrip("/")
    # Opening a local file takes less than a hop to a thread, and a hop that is cancelled would leave it open.
    with path.open("rb") as file:
        size_bytes = file.seek(0, 2)
        file.seek(0)
        reply = await line.ask(
            "POST",
            rest_url + INITIATE_PATH,
            params={"storage_type": "fal-cdn-v3"},
            json={"file_name": file_name, "content_type": content_type},
        )
        ticket = protocol.read_ticket(reply.status, reply.body, rest_url=rest_url)
        put = await line.put(
            ticket.upload_url, _pieces(file, size_bytes), size_bytes=size_bytes, content_type=content_type
        )
        protocol.read_put(put.status, put.body)
        return ticket.file_url


async def _pieces(file: BinaryIO, size_bytes: int) -> AsyncGenerator[bytes]:
    """The file's bytes, never more than one piece in memory, and exactly as many as were announced.

    Raises:
        OSError: the file has become shorter; aiohttp would leave fal waiting for the rest.
    """
    left = size_bytes
    while left > 0:
        piece = await asyncio.to_thread(file.read, min(PIECE_BYTES, left))
        if not piece:
            raise OSError("the file has become shorter while it was read")
        left -= len(piece)
        yield piece
