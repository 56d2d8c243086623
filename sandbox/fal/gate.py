"""Checks and faults around every route: the key, unknown headers and options, planned faults."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from json import dumps

from aiohttp import web

from sandbox.fal.errors import NO_USER, FalReply
from sandbox.fal.faults import FalFault, FalFaults, Point

__all__ = ["KNOWN_HEADERS", "Gate", "as_response", "compact_json", "gzip_bomb", "hang_up", "not_supported"]

KNOWN_HEADERS = frozenset(
    {
        "x-fal-request-timeout",
        "x-fal-queue-priority",
        "x-fal-runner-hint",
        "x-fal-no-retry",
        "x-fal-store-io",
        "x-fal-object-lifecycle-preference",
        "x-fal-object-lifecycle",
        "x-fal-file-name",
        "x-app-fal-disable-fallback",
    }
)
HALF_MAX_BYTES = 1024 * 1024


class Gate:
    """Checks each request's key and applies planned faults.

    fal ignores headers and options that it does not know. If `is_strict`, they are refused, so that a mistyped one is
    noticed.
    """

    def __init__(
        self,
        keys: AbstractSet[str],
        faults: FalFaults,
        *,
        admin_keys: AbstractSet[str] = frozenset(),
        is_strict: bool = False,
    ) -> None:
        self._is_strict = is_strict
        self._keys = keys
        self._admin_keys = admin_keys
        self._faults = faults

    def has_key(self, request: web.Request) -> bool:
        """Return whether the request has one of the account's keys, as `Authorization: Key …`."""
        return _key_of(request) in self._keys or self.has_admin_key(request)

    def has_admin_key(self, request: web.Request) -> bool:
        """Return whether the request has a key that may read the account's bill."""
        return _key_of(request) in self._admin_keys

    def refuse_unknown(self, request: web.Request, options: frozenset[str]) -> web.Response | None:
        """Return a 501 for a header or option that fal does not document; None if there is none, or it is ignored."""
        unknown = _unknown_part(request, options)
        if unknown is None:
            return None
        if self._is_strict:
            return not_supported(unknown)
        print(f"sandbox/fal ignores {unknown}", flush=True)
        return None

    async def answer(
        self,
        request: web.Request,
        at: Point,
        handle: Callable[[], Awaitable[web.StreamResponse]],
        *,
        key_needed: bool = True,
        endpoint: str | None = None,
    ) -> web.StreamResponse:
        """Return a refusal, a planned answer, or the answer of `handle`, delayed or cut if planned."""
        if key_needed and not self.has_key(request):
            return as_response(NO_USER)
        fault = self._faults.take(at, endpoint)
        if fault is None:
            return await handle()
        return await apply_fault(request, fault, handle)


def _key_of(request: web.Request) -> str | None:
    kind, _, key = request.headers.get("Authorization", "").partition(" ")
    return key if kind == "Key" else None


async def apply_fault(
    request: web.Request, fault: FalFault, handle: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Return the answer that the fault asks for."""
    reply = fault.reply
    # With `lose_reply` the request is carried out, whatever the planned answer.
    response = await handle() if reply is None or fault.lose_reply else as_response(reply)
    if fault.delay_s:
        await asyncio.sleep(fault.delay_s)
    if fault.lose_reply:
        hang_up(request)
    elif fault.cut:
        return await _send_half(request, response)
    if fault.bomb_mib:
        return await asyncio.to_thread(_bomb, response.status, response.content_type, fault.bomb_mib)
    if fault.billable_units is not None and not response.prepared:
        response.headers["X-Fal-Billable-Units"] = fault.billable_units
    return response


def _bomb(status: int, content_type: str, mib: int) -> web.Response:
    headers = {"Content-Encoding": "gzip", "Content-Type": content_type}
    return web.Response(status=status, body=gzip_bomb(mib), headers=headers)


def gzip_bomb(mib: int) -> bytes:
    """Return gzip that grows to this many MiB of spaces and line ends."""
    packing = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    piece = (b" " * 1023 + b"\n") * 1024
    return b"".join(packing.compress(piece) for _ in range(mib)) + packing.flush()


async def _send_half(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Send the headers and half of the body, then close the connection."""
    if response.prepared:
        hang_up(request)
        return response
    body = await _body(response)
    half = web.StreamResponse(status=response.status, headers={"Content-Type": response.content_type})
    half.content_length = len(body)
    half.force_close()
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()  # sends what was written first
    return half


async def _body(response: web.StreamResponse) -> bytes:
    """Return the response's body; of files only the first `HALF_MAX_BYTES`."""
    match response:
        case web.FileResponse():
            with response._path.open("rb") as file:  # noqa: SLF001 - it has no public name  # pyright: ignore[reportPrivateUsage]
                return file.read(HALF_MAX_BYTES)
        case web.Response():
            return response.body if isinstance(response.body, bytes) else b""
        case _:
            return b""


def hang_up(request: web.Request) -> None:
    """Abort the connection."""
    if request.transport is not None:
        request.transport.abort()


def as_response(reply: FalReply, request_id: str | None = None) -> web.Response:
    """Return an answer as an HTTP response with fal's headers."""
    headers = dict(reply.headers)
    if request_id is not None:
        headers["x-fal-request-id"] = request_id
    if reply.billed_units is not None:
        headers["X-Fal-Billable-Units"] = f"{reply.billed_units:g}"
    if isinstance(reply.body, str):
        return web.Response(status=reply.status, text=reply.body, headers=headers)
    return web.json_response(reply.body, status=reply.status, headers=headers)


def not_supported(what: str) -> web.Response:
    """Return a 501 for something that the stand-in does not support, and print it."""
    print(f"sandbox/fal does not know {what}", flush=True)
    return web.json_response({"detail": f"sandbox/fal does not know {what}"}, status=501)


def _unknown_part(request: web.Request, options: frozenset[str]) -> str | None:
    """Return the first unknown header or option of a request."""
    for name in request.headers:
        lower = name.lower()
        if lower.startswith(("x-fal-", "x-app-fal-")) and lower not in KNOWN_HEADERS:
            return f"the header {name}"
    unknown = sorted(set(request.query) - options)
    return f"the option {unknown[0]} of {request.method} {request.path}" if unknown else None


def compact_json(value: object) -> str:
    """Return a value as one line of JSON."""
    return dumps(value, separators=(",", ":"))
