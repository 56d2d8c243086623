"""Reads a request's body: JSON, or a form with `files[n]` and either `payload_json` or a field for each key.

https://discord.com/developers/docs/reference#http-api
"""

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox.discord.cdn import Cdn
from sandbox.discord.draft import UploadedFile
from sandbox.discord.wire import ApiError, Json, dumps, invalid

MAX_FILE_BYTES = 512 * 1024 * 1024
CHUNK_BYTES = 256 * 1024
MAX_FILES = 10
TEXT_FIELDS = frozenset({"content", "nonce", "username"})
_FILE = re.compile(r"files\[(\d+)\]")


@dataclass(slots=True)
class Body:
    """A request's body: the JSON text, its value, and the uploaded files."""

    text: bytes
    value: Any
    uploads: dict[int, UploadedFile]


async def read_body(request: web.Request, cdn: Cdn) -> Body:
    """Return the request's body.

    Raises:
        ApiError: 50109 for broken JSON, 50035 for parts or a content type that Discord does not accept.
    """
    if not request.can_read_body:
        return Body(b"", None, {})
    match request.content_type:
        case "application/json":
            text = await request.read()
            return Body(text, _parse(text), {})
        case "multipart/form-data":
            return await _multipart(request, cdn)
        case "application/x-www-form-urlencoded":
            return _form(await request.post())
        case other:
            await request.read()
            raise invalid(
                "", "CONTENT_TYPE_INVALID", f'Expected "Content-Type" header to be application/json, not {other}'
            )


def _parse(text: bytes) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        raise ApiError(400, 50109, "The request body contains invalid JSON.") from None


def _form(fields: Mapping[str, Any]) -> Body:
    text = str(fields["payload_json"]).encode() if "payload_json" in fields else b""
    if text:
        return Body(text, _parse(text), {})
    value = {name: _field(name, str(given)) for name, given in fields.items()}
    return Body(dumps(value), value, {})


def _field(name: str, text: str) -> Any:
    """Return the value of a form's field, which is JSON unless it is a text."""
    if name in TEXT_FIELDS:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


async def _multipart(request: web.Request, cdn: Cdn) -> Body:
    body = Body(b"", None, {})
    fields: Json = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise invalid("", "MULTIPART_NESTED", "A multipart body may not contain another one.")
        if part.name == "payload_json":
            body.text = bytes(await part.read())
            body.value = _parse(body.text)
        elif (found := _FILE.fullmatch(part.name or "")) and part.filename:
            body.uploads[int(found[1])] = UploadedFile(part.filename, await cdn.spool(_chunks(part), MAX_FILE_BYTES))
        elif part.name and not part.filename:
            fields[part.name] = _field(part.name, (await part.read()).decode(errors="replace"))
        else:
            raise invalid("", "SANDBOX_UNKNOWN_PART", f"A message has no part {part.name!r}.")
    if body.value is None and fields:
        body.text, body.value = dumps(fields), fields
    if len(body.uploads) > MAX_FILES:
        raise ApiError(400, 30015, f"Maximum number of attachments in a message reached ({MAX_FILES})")
    return body


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(CHUNK_BYTES):
        yield chunk
