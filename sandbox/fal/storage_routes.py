"""fal's storage and CDN over HTTP: the plain upload, the upload of fal's own client, and downloads."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from sandbox.fal.errors import FalReply
from sandbox.fal.gate import Gate, as_response, not_supported
from sandbox.fal.queue_routes import request_base_url
from sandbox.fal.storage import UPLOAD_MAX_BYTES, Storage, StoredFile

__all__ = ["StorageRoutes"]

STORAGES = frozenset({"fal-cdn-v3", "gcs"})  # the second is a fallback of fal's own client
TYPE_OPTION = frozenset({"storage_type"})
TOKEN = "sandbox-cdn-token"  # noqa: S105 - valid only for this stand-in
TOKEN_LIFE = timedelta(hours=1)
NOT_FOUND = FalReply(404, {"detail": "Not found"})
TOO_LARGE = FalReply(413, {"detail": f"The file is larger than {UPLOAD_MAX_BYTES} bytes"})


@dataclass
class StorageRoutes:
    """Uploads and downloads."""

    storage: Storage
    gate: Gate
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict[str, dict[int, bytes]])

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes."""
        return [
            web.post("/storage/upload/initiate", self.initiate),
            web.post("/storage/upload/initiate-multipart", self.initiate_parts),
            web.put("/files/{key:.+}/multipart/{upload}/{number:[0-9]+}", self.put_part),
            web.post("/files/{key:.+}/multipart/{upload}/complete", self.complete_parts),
            web.put("/files/{key:.+}", self.put),
            web.get("/files/{key:.+}", self.get),
            web.post("/storage/auth/token", self.token),
            web.post("/files/upload", self.upload),
            web.post("/files/upload/multipart", self.start_parts),
        ]

    async def initiate(self, request: web.Request) -> web.StreamResponse:
        """Reserve a file and return its URLs for upload and download."""
        return await self._initiate(request, lambda url, _: {"upload_url": url, "file_url": url})

    async def initiate_parts(self, request: web.Request) -> web.StreamResponse:
        """Reserve a file for an upload in parts, as fal's JavaScript client makes it above 90 MiB."""

        def urls(url: str, stored: StoredFile) -> dict[str, str]:
            upload = self._start_parts(stored)
            return {"upload_url": f"{url}/multipart/{upload}?signature={upload}", "file_url": url}

        return await self._initiate(request, urls)

    async def _initiate(
        self, request: web.Request, urls: Callable[[str, StoredFile], dict[str, str]]
    ) -> web.StreamResponse:
        async def handle() -> web.StreamResponse:
            trouble = self._wrong_storage(request)
            if trouble is not None:
                return trouble
            body = await request.json()
            if set(body) != {"file_name", "content_type"}:
                return not_supported(f"an upload of {sorted(body)}: it takes file_name and content_type")
            stored = self.storage.create(body["file_name"], body["content_type"])
            return web.json_response(urls(f"{request_base_url(request)}/files/{stored.key}", stored))

        return await self.gate.answer(request, "upload", handle)

    def _wrong_storage(self, request: web.Request) -> web.Response | None:
        """Return a 501 for an unknown storage type, or what is unknown to a strict stand-in."""
        kind = request.query.get("storage_type")
        return self.gate.refuse_unknown(request, TYPE_OPTION) or (
            None if kind in STORAGES else not_supported(f"the storage type {kind}")
        )

    def _start_parts(self, stored: StoredFile) -> str:
        """Return the id of a new upload in parts."""
        upload = stored.path.name
        self.parts[upload] = {}
        return upload

    async def put(self, request: web.Request) -> web.StreamResponse:
        """Store the bytes of a reserved file; the URL is the permission."""

        async def handle() -> web.StreamResponse:
            stored = self.storage.find(request.match_info["key"])
            if stored is None:
                return as_response(NOT_FOUND)
            stored.content_type = request.headers.get("Content-Type", stored.content_type)
            return await _receive(request, stored) or web.Response(status=200)

        return await self.gate.answer(request, "upload", handle, key_needed=False)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Send a file; ranges and HEAD work."""

        async def handle() -> web.StreamResponse:
            stored = self.storage.get(request.match_info["key"])
            if stored is None:
                return as_response(NOT_FOUND)
            return web.FileResponse(stored.path, headers={"Content-Type": stored.content_type})

        return await self.gate.answer(request, "cdn", handle, key_needed=False)

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Return the token with which fal's own client uploads to the CDN."""

        async def handle() -> web.StreamResponse:
            trouble = self._wrong_storage(request)
            if trouble is not None:
                return trouble
            until = datetime.now(UTC) + TOKEN_LIFE
            answer = {
                "token": TOKEN,
                "token_type": "Bearer",
                "base_url": request_base_url(request),
                "expires_at": until.isoformat(),
            }
            return web.json_response(answer)

        return await self.gate.answer(request, "upload", handle)

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Store a whole file, with the CDN's token."""

        async def handle() -> web.StreamResponse:
            stored = self._new_file(request)
            return await _receive(request, stored) or _access(request, stored)

        return await self._with_token(request, handle)

    async def start_parts(self, request: web.Request) -> web.StreamResponse:
        """Reserve a file for a multipart upload."""

        async def handle() -> web.StreamResponse:
            stored = self._new_file(request)
            url = f"{request_base_url(request)}/files/{stored.key}"
            return web.json_response({"access_url": url, "uploadId": self._start_parts(stored)})

        return await self._with_token(request, handle)

    async def put_part(self, request: web.Request) -> web.StreamResponse:
        """Store one part."""

        async def handle() -> web.StreamResponse:
            parts = self.parts.get(request.match_info["upload"])
            if parts is None:
                return as_response(NOT_FOUND)
            number = request.match_info["number"]
            parts[int(number)] = await request.read()
            etag = f'"{number}"'
            return web.json_response({"partNumber": int(number), "etag": etag}, headers={"ETag": etag})

        return await self._with_token(request, handle)

    async def complete_parts(self, request: web.Request) -> web.StreamResponse:
        """Join the parts into the file."""

        async def handle() -> web.StreamResponse:
            parts = self.parts.pop(request.match_info["upload"], None)
            stored = self.storage.find(request.match_info["key"])
            if parts is None or stored is None:
                return as_response(NOT_FOUND)
            with stored.open_new() as file:
                for number in sorted(parts):
                    file.write(parts[number])
            stored.complete = True
            return _access(request, stored)

        return await self._with_token(request, handle)

    def _new_file(self, request: web.Request) -> StoredFile:
        """Return a new file with the headers' name and type."""
        name = request.headers.get("X-Fal-File-Name", "upload.bin")
        return self.storage.create(name, request.headers.get("Content-Type", "application/octet-stream"))

    async def _with_token(self, request: web.Request, handle: Any) -> web.StreamResponse:
        """Answer a request that has the CDN's token, or the signature that its upload's URL came with."""
        upload = request.match_info.get("upload")
        signed = upload is not None and request.query.get("signature") == upload
        if not signed and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return as_response(FalReply(401, {"detail": "Invalid CDN token"}))
        return await self.gate.answer(request, "upload", handle, key_needed=False)


async def _receive(request: web.Request, stored: StoredFile) -> web.Response | None:
    """Write the body to the file, or return a 413 if it is too large."""
    size = 0
    with stored.open_new() as file:
        async for chunk in request.content.iter_chunked(256 * 1024):
            size += len(chunk)
            if size > UPLOAD_MAX_BYTES:
                return as_response(TOO_LARGE)
            file.write(chunk)
    stored.complete = True
    return None


def _access(request: web.Request, stored: StoredFile) -> web.Response:
    """Return the answer with a file's URL."""
    return web.json_response({"access_url": f"{request_base_url(request)}/files/{stored.key}"})
