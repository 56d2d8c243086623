"""Uploads a file to fal's storage: one request with the key returns a signed URL, which takes the bytes without it."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import BinaryIO

from bot.fal.http import FalHttp
from bot.fal.wire import protocol
from bot.fal.wire.types import UploadTicket
from bot.settings import FalSettings

PIECE_BYTES = 256 * 1024
INITIATE_PATH = "/storage/upload/initiate"


async def upload_once(http: FalHttp, settings: FalSettings, path: Path, *, file_name: str, content_type: str) -> str:
    """Upload the file and return its URL at fal. It may be repeated.

    Raises:
        FalAccountError: fal does not take the key, or the account is locked.
        FalRefused: fal's storage does not take this file.
        FalUnreachable, FalReplyLost, FalProtocolError: another try may succeed.
        OSError: the file cannot be read.
    """
    # Opened here, not in a thread: that is faster, and a cancelled task would leave the file open.
    with path.open("rb") as file:
        size_bytes = file.seek(0, 2)
        file.seek(0)
        ticket = await begin_upload(http, settings, file_name=file_name, content_type=content_type)
        put = await http.put(
            ticket.upload_url, _pieces(file, size_bytes), size_bytes=size_bytes, content_type=content_type
        )
        protocol.read_put(put.status, put.body)
        return ticket.file_url


async def begin_upload(http: FalHttp, settings: FalSettings, *, file_name: str, content_type: str) -> UploadTicket:
    """Have fal name the places for one file, where nothing is yet.

    Raises:
        FalAccountError: fal does not take the key, or the account is locked.
        FalRefused, FalUnreachable, FalReplyLost, FalProtocolError: as `upload_once`.
    """
    rest_url = settings.rest_url.rstrip("/")
    reply = await http.ask(
        "POST",
        rest_url + INITIATE_PATH,
        params={"storage_type": "fal-cdn-v3"},
        json={"file_name": file_name, "content_type": content_type},
    )
    return protocol.read_ticket(reply.status, reply.body, rest_url=rest_url)


async def _pieces(file: BinaryIO, size_bytes: int) -> AsyncGenerator[bytes]:
    """Yield exactly `size_bytes` of the file, one piece in memory at a time.

    Raises:
        OSError: the file is shorter; fal would wait for the rest.
    """
    left = size_bytes
    while left > 0:
        piece = await asyncio.to_thread(file.read, min(PIECE_BYTES, left))
        if not piece:
            raise OSError("the file has become shorter while it was read")
        left -= len(piece)
        yield piece
