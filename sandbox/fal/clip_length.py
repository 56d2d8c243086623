"""The longest length of a clip or a sound, which is what the stand-in bills.

fal's pages charge for "input seconds" and do not say how they are measured
(https://fal.ai/models/fal-ai/wan/v2.7/reference-to-video), so the stand-in takes the measure that costs most.
"""

import re
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer

__all__ = ["longest_s"]

PADDING_S = 0.25  # encoders pad sound, and muxers state one frame more; so much is not billed
# Boxes that state a length, with the offsets of their time scale (none: the movie's) and of their length.
STATED = {b"mvhd": (12, 16), b"mdhd": (12, 16), b"tkhd": (None, 20)}


def longest_s(path: Path) -> float:
    """Return the longest of what the file states, plays, decodes to, and hides by edit lists.

    Raises:
        av.error.FFmpegError: it cannot be read.
    """
    with av.open(str(path)) as container:
        is_mp4 = "mp4" in container.format.name
        stated = [
            (container.duration or 0) / av.time_base,
            *(_seconds(one, one.duration) for one in _streams(container)),
        ]
        played, decoded = _spans(container, is_edited=True), _decoded(path)
    shown = max(*stated, *played)
    hidden = [*decoded, *(_box_lengths(path) if is_mp4 else [])]
    if is_mp4:
        with av.open(str(path), options={"ignore_editlist": "1"}) as container:
            hidden += _spans(container, is_edited=False)
    longest = max([0.0, *hidden])
    return longest if longest > shown + PADDING_S else shown


def _streams(container: InputContainer) -> list[Any]:
    return [*container.streams.video, *container.streams.audio]


def _seconds(stream: Any, ticks: int | None) -> float:
    return float((ticks or 0) * (stream.time_base or 0))


def _spans(container: InputContainer, *, is_edited: bool) -> list[float]:
    """Return from where to where each stream's packets play; hidden ones count only without edit lists."""
    spans: dict[int, tuple[float, float]] = {}
    for packet in container.demux(*_streams(container)):
        if packet.pts is None or (is_edited and packet.is_discard):
            continue
        start, end = _seconds(packet, packet.pts), _seconds(packet, packet.pts + (packet.duration or 0))
        first, last = spans.get(packet.stream_index, (start, end))
        spans[packet.stream_index] = (min(first, start), max(last, end))
    return [last - first for first, last in spans.values()]


def _decoded(path: Path) -> list[float]:
    """Return how much sound there is when it is decoded, as far as it can be."""
    lengths: list[float] = []
    with av.open(str(path)) as container:
        sounds = len(container.streams.audio)
    for number in range(sounds):
        seconds = 0.0
        with av.open(str(path)) as container:
            try:
                for frame in container.decode(audio=number):
                    seconds += frame.samples / frame.sample_rate
            except av.error.FFmpegError:
                pass
        lengths.append(seconds)
    return lengths


def _box_lengths(path: Path) -> list[float]:
    """Return what the boxes of an MP4 state; found by their names, which is near enough for a stand-in."""
    data = path.read_bytes()
    movie = data.find(b"moov")
    scale = int.from_bytes(data[(at := data.find(b"mvhd", movie) + 4) + 12 : at + 16], "big")
    lengths: list[float] = []
    for found in re.finditer(b"mvhd|mdhd|tkhd", data[movie:]):
        start = movie + found.end()
        scale_at, length_at = STATED[found.group()]
        units = scale if scale_at is None else int.from_bytes(data[start + scale_at : start + scale_at + 4], "big")
        if data[start] == 0 and units:  # version 1 is for files of years
            lengths.append(int.from_bytes(data[start + length_at : start + length_at + 4], "big") / units)
    return lengths
