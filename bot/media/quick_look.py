"""Tells of an MP4 that it surely plays, by a look at its boxes; the file is not decoded.

Nearly every video of fal's passes, so that no worker has to read it. One that does not pass may still play: a worker
tells (`bot.media.probe`). The boxes are those of ISO/IEC 14496-12, the samples those of ISO/IEC 14496-15.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

_HEADER, _LONG_HEADER = 8, 16
_BOXES_MAX = 4096
_INDEX_BYTES_MAX = 16 * 1024 * 1024
# Codecs whose samples are units with their length before them, in four bytes.
_CODECS = frozenset({b"avc1", b"avc3", b"hvc1", b"hev1"})
_ENTRY_AT, _COUNT_AT = 8, 4  # in stsd; in stco
_LENGTH_BYTES = 4
_Box = tuple[bytes, int, int]  # name, and where its content starts and ends


def surely_plays(path: Path, size_bytes: int | None = None) -> bool:
    """Return whether the file is whole from its first box to its last, and holds a first picture of a known codec.

    Of a file that is still being written, `size_bytes` is the size that it will have, and what is there must be enough
    to tell.
    """
    try:
        with path.open("rb") as file:
            return _plays(file, path.stat().st_size if size_bytes is None else size_bytes)
    except (OSError, IndexError):
        return False


def _plays(file: IO[bytes], end: int) -> bool:
    boxes = list(_boxes(partial(_header_in_file, file), 0, end))
    index = next((box for box in boxes if box[0] == b"moov" and box[2] - box[1] <= _INDEX_BYTES_MAX), None)
    if not boxes or boxes[0][0] != b"ftyp" or boxes[-1][2] != end or index is None:
        return False
    file.seek(index[1])
    data = [(start, stop) for name, start, stop in boxes if name == b"mdat"]
    return _has_picture(file, file.read(index[2] - index[1]), data)


def _header_in_file(file: IO[bytes], at: int) -> bytes:
    file.seek(at)
    return file.read(_LONG_HEADER)


def _boxes(header_at: Callable[[int], bytes], start: int, end: int) -> Iterator[_Box]:
    """Yield the boxes from `start` to `end`, up to the first that does not fit."""
    at = start
    for _ in range(_BOXES_MAX):
        found = _box(header_at(at), at, end)
        if found is None:
            return
        yield found
        at = found[2]


def _box(header: bytes, at: int, end: int) -> _Box | None:
    if len(header) < _HEADER:
        return None
    size, name, skipped = int.from_bytes(header[:4], "big"), header[4:8], _HEADER
    if size == 1:  # it is in the eight bytes that follow
        size, skipped = int.from_bytes(header[8:16], "big"), _LONG_HEADER
    stop = end if size == 0 else at + size  # 0: it lasts to the end of the file
    return (name, at + skipped, stop) if at + skipped <= stop <= end else None


def _inner(index: bytes, start: int, end: int) -> Iterator[_Box]:
    return _boxes(lambda at: index[at : at + _LONG_HEADER], start, end)


def _find(index: bytes, place: tuple[int, int], *names: bytes) -> tuple[int, int] | None:
    """Return where the content of a box inside a box inside a box stands."""
    for name in names:
        found = next(((start, stop) for one, start, stop in _inner(index, *place) if one == name), None)
        if found is None:
            return None
        place = found
    return place


def _has_picture(file: IO[bytes], index: bytes, data: list[tuple[int, int]]) -> bool:
    for name, start, stop in _inner(index, 0, len(index)):
        handler = _find(index, (start, stop), b"mdia", b"hdlr") if name == b"trak" else None
        if handler is not None and index[handler[0] + 8 : handler[0] + 12] == b"vide":
            table = _find(index, (start, stop), b"mdia", b"minf", b"stbl")
            return table is not None and _first_sample_fits(file, index, table, data)
    return False


def _first_sample_fits(file: IO[bytes], index: bytes, table: tuple[int, int], data: list[tuple[int, int]]) -> bool:
    entries, sizes = _find(index, table, b"stsd"), _find(index, table, b"stsz")
    short, long = _find(index, table, b"stco"), _find(index, table, b"co64")
    places = short or long
    if entries is None or sizes is None or places is None:
        return False
    if index[entries[0] + _ENTRY_AT + 4 : entries[0] + _ENTRY_AT + 8] not in _CODECS:
        return False
    same_size, count = _number(index, sizes[0] + 4), _number(index, sizes[0] + 8)
    size = same_size or _number(index, sizes[0] + 12)
    at = _number(index, places[0] + 8, 4 if short else 8)
    if not count or not _number(index, places[0] + _COUNT_AT) or not any(a <= at and at + size <= b for a, b in data):
        return False
    return _is_of_units(file, at, size)


def _is_of_units(file: IO[bytes], at: int, size: int) -> bool:
    """Return whether a sample is one unit after the other, each with its length before it, and with something in it."""
    end, units = at + size, 0
    while at + _LENGTH_BYTES < end and units < _BOXES_MAX:
        file.seek(at)
        head = file.read(_LENGTH_BYTES + 1)
        length = int.from_bytes(head[:_LENGTH_BYTES], "big")
        if not length or not head[_LENGTH_BYTES]:
            return False
        at += _LENGTH_BYTES + length
        units += 1
    return at == end and units > 0


def _number(index: bytes, at: int, count: int = 4) -> int:
    """Return a number of the index; raises IndexError where it ends before."""
    found = index[at : at + count]
    if len(found) < count:
        raise IndexError(at)
    return int.from_bytes(found, "big")
