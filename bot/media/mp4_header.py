"""Reads the lengths that an MP4 or QuickTime file states in its header. Runs only in a worker process.

FFmpeg replaces some of them by what it computes, while other readers believe them. The boxes are described in
https://developer.apple.com/documentation/quicktime-file-format.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

_BOXES_MAX = 100_000
_SHORT_HEADER, _LONG_HEADER = 8, 16
_HANDLERS = {b"vide": "video", b"soun": "audio"}


@dataclass(slots=True)
class StatedLengths:
    """Seconds by where they are stated: for the whole file, and for each track."""

    whole_s: list[float] = field(default_factory=list[float])
    tracks: list["StatedTrack"] = field(default_factory=list["StatedTrack"])

    def longest(self, kind: str) -> list[float]:
        """Return the longest shown length of the tracks of this kind, and their longest media; nothing without any."""
        of_kind = [track for track in self.tracks if track.kind == kind]
        if not of_kind:
            return []
        return [max(track.shown_s for track in of_kind), max(track.media_s for track in of_kind)]


@dataclass(slots=True)
class StatedTrack:
    """A track's length as it is shown, and that of its media with what an edit list hides; `kind` is None for text."""

    kind: str | None = None
    shown_s: float = 0.0
    media_s: float = 0.0


def stated_lengths(file: IO[bytes]) -> StatedLengths:
    """Return the lengths in the header; one that is not stated, as in a fragmented file, is 0.

    A length of all ones, which means "unknown", is the number that it reads as.
    """
    found = StatedLengths()
    for name, start, end in _boxes(file, 0, file.seek(0, 2)):
        if name == b"moov":
            _read_movie(file, start, end, found)
    file.seek(0)
    return found


def _read_movie(file: IO[bytes], start: int, end: int, found: StatedLengths) -> None:
    children = list(_boxes(file, start, end))
    scale = 0
    for name, at, _ in children:
        if name == b"mvhd":
            scale, length = _scale_and_length(file, at)
            found.whole_s.append(_seconds(length, scale))
    for name, at, stop in children:
        if name == b"trak":
            _read_track(file, at, stop, scale, found)
        elif name == b"mvex":
            fragments = [place for child, place, _ in _boxes(file, at, stop) if child == b"mehd"]
            found.whole_s += [_seconds(_number(file, place, 4, 4), scale) for place in fragments]


def _read_track(file: IO[bytes], start: int, end: int, movie_scale: int, found: StatedLengths) -> None:
    track = StatedTrack()
    found.tracks.append(track)
    for name, at, stop in _boxes(file, start, end):
        if name == b"tkhd":
            place = (28, 8) if _is_long(file, at) else (20, 4)
            track.shown_s = _seconds(_number(file, at, *place), movie_scale)
        elif name == b"mdia":
            _read_media(file, at, stop, track)


def _read_media(file: IO[bytes], start: int, end: int, track: StatedTrack) -> None:
    for name, at, _ in _boxes(file, start, end):
        if name == b"mdhd":
            scale, length = _scale_and_length(file, at)
            track.media_s = _seconds(length, scale)
        elif name == b"hdlr":
            track.kind = _HANDLERS.get(_bytes(file, at + 8, 4))


def _scale_and_length(file: IO[bytes], at: int) -> tuple[int, int]:
    """Return the units per second and the length in them; mvhd and mdhd begin alike."""
    if _is_long(file, at):
        return _number(file, at, 20, 4), _number(file, at, 24, 8)
    return _number(file, at, 12, 4), _number(file, at, 16, 4)


def _is_long(file: IO[bytes], at: int) -> bool:
    """Whether the box has version 1, whose times have 64 bits."""
    return _number(file, at, 0, 1) == 1


def _seconds(length: int, scale: int) -> float:
    return length / scale if scale else 0.0


def _number(file: IO[bytes], at: int, offset: int, count: int) -> int:
    return int.from_bytes(_bytes(file, at + offset, count), "big")


def _bytes(file: IO[bytes], at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)


def _boxes(file: IO[bytes], start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each box's name and where its content starts and ends, as far as they make sense."""
    at = start
    for _ in range(_BOXES_MAX):
        header = _bytes(file, at, _LONG_HEADER)
        if at + _SHORT_HEADER > end or len(header) < _SHORT_HEADER:
            return
        length, name, skipped = int.from_bytes(header[:4], "big"), header[4:8], _SHORT_HEADER
        if length == 1:
            length, skipped = int.from_bytes(header[8:], "big"), _LONG_HEADER
        stop = end if length == 0 else min(end, at + length)
        if stop < at + skipped:
            return
        yield name, at + skipped, stop
        at = stop
