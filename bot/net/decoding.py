"""Takes the compression off a reply in small pieces, so that the reader's limit counts what would be in memory.

httpx decodes whatever arrives at once: 256 KiB of gzip become 256 MiB before a reader sees the first byte of them.
"""

import zlib
from collections.abc import AsyncGenerator, AsyncIterable

PIECE_BYTES = 64 * 1024
_EITHER_HEADER = zlib.MAX_WBITS | 32  # of gzip, or of zlib, which HTTP calls deflate
_KNOWN = frozenset({"gzip", "x-gzip", "deflate"})


class UnreadableEncodingError(Exception):
    """The body is compressed in an unknown way, or is not what its header says."""


def is_plain(encoding: str) -> bool:
    """Return whether a Content-Encoding leaves the body as it is."""
    return encoding.strip().lower() in {"", "identity"}


async def decoded(raw: AsyncIterable[bytes], encoding: str) -> AsyncGenerator[bytes]:
    """Yield the body without its Content-Encoding; what was compressed comes in pieces of at most `PIECE_BYTES`.

    Every request of Wanda's asks for `identity`; a proxy on the way may compress all the same.

    Raises:
        UnreadableEncodingError: it cannot be decoded, or ends early.
    """
    if is_plain(encoding):
        async for piece in raw:
            yield piece
        return
    if encoding.strip().lower() not in _KNOWN:
        raise UnreadableEncodingError(f"an encoding that nobody asked for: {encoding[:40]!r}")
    unpacking = zlib.decompressobj(_EITHER_HEADER)
    try:
        async for piece in raw:
            rest = piece
            while rest and not unpacking.eof:
                yield unpacking.decompress(rest, PIECE_BYTES)
                rest = unpacking.unconsumed_tail
        while not unpacking.eof and (piece := unpacking.decompress(b"", PIECE_BYTES)):
            yield piece
    except zlib.error as error:
        raise UnreadableEncodingError(str(error)) from error
    if not unpacking.eof:
        raise UnreadableEncodingError("the compressed body ends early")
