"""What of a picture's bytes says how it looks, for readers that break at something else. Only Python's own library."""

import struct
import zlib
from collections.abc import Collection, Iterator

PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"eXIf"})
_DEFLATE_HEADER_BYTES, _PIECE_BYTES = 2, 2**20
_CHECKSUM_BYTES = 4
_RIFF_HEADER = struct.Struct("<4sI4s")
_CHUNK_HEADER_BYTES = 8
_FRAME = b"ANMF"
_WEBP_BESIDE = frozenset({b"XMP ", b"ICCP"})


def bare_png(data: bytes) -> bytes:
    """Return only the chunks that say how it looks (https://www.w3.org/TR/png-3/#11Chunks), with an end.

    Where all pixels are there, their checksum is right.
    """
    chunks = list(_png_chunks(data))
    kept = [_png_chunk(name, body) for name, body in chunks if name in _PNG_KEPT]
    pixels = b"".join(body for name, body in chunks if name == b"IDAT")
    return b"".join([PNG_START, *kept, _png_chunk(b"IDAT", _checked(pixels)), _png_chunk(b"IEND", b"")])


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield each chunk's name and what is there of its content."""
    at = len(PNG_START)
    while at + _CHUNK_HEADER_BYTES <= len(data):
        end = at + _CHUNK_HEADER_BYTES + int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + _CHUNK_HEADER_BYTES : end]
        at = end + _CHECKSUM_BYTES


def _png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _checked(packed: bytes) -> bytes:
    """Return a zlib stream with the checksum of what it holds (https://www.rfc-editor.org/rfc/rfc1950#section-2.2).

    One that does not come to its end stays as it is.
    """
    unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
    rest, checksum = packed[_DEFLATE_HEADER_BYTES:], zlib.adler32(b"")
    try:
        while not unpacking.eof:
            piece = unpacking.decompress(rest, _PIECE_BYTES)
            if not piece and not unpacking.eof:
                return packed
            checksum, rest = zlib.adler32(piece, checksum), unpacking.unconsumed_tail
    except zlib.error:
        return packed
    return packed[: len(packed) - len(unpacking.unused_data)] + struct.pack(">I", checksum)


def whole_webp(data: bytes) -> bytes:
    """Return it with the size that it has, whatever its header says, and without a moving picture that is cut."""
    return _webp(data, without=())


def bare_webp(data: bytes) -> bytes:
    """Return the whole WebP without XMP and colour profile."""
    return _webp(data, without=_WEBP_BESIDE)


def has_cut_frame(data: bytes) -> bool:
    """Whether a WebP that moves ends within one of its pictures."""
    return any(name == _FRAME and is_cut for name, _, is_cut in _webp_chunks(data))


def _webp(data: bytes, *, without: Collection[bytes]) -> bytes:
    kept = [
        chunk for name, chunk, is_cut in _webp_chunks(data) if name not in without and not (name == _FRAME and is_cut)
    ]
    body = b"".join(kept)
    return _RIFF_HEADER.pack(b"RIFF", len(body) + 4, b"WEBP") + body


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Yield each chunk's name, what is there of it, and whether some is missing."""
    at = _RIFF_HEADER.size
    while at + _CHUNK_HEADER_BYTES <= len(data):
        end = at + _CHUNK_HEADER_BYTES + int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], data[at : end + end % 2], end > len(data)
        at = end + end % 2
