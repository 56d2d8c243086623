"""Reads a video or a sound with FFmpeg's libraries (PyAV). Runs only in a worker process."""

from dataclasses import dataclass
from fractions import Fraction
from typing import IO, Any, NoReturn

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from bot.media.rules.decoders import DECODERS, DECODERS_TEXT
from bot.media.rules.sniff import Sniffed
from bot.media.rules.verdict import Unreadable

_OPTIONS = {
    "codec_whitelist": DECODERS_TEXT,
    "protocol_whitelist": "none",  # no protocol has this name, so none is allowed
    "enable_drefs": "0",  # an MP4 may name other files as its data; it must not get them
}
# A file may begin with packets that no decoder can use yet, but not with this many.
_PACKETS_UNTIL_DECODED_MAX = 600
# The boxes at the top of an MP4 or QuickTime file without which it does not play to its end.
_NEEDED_BOXES = frozenset({b"moov", b"moof", b"mdat"})
_BOX_HEADER_BYTES = 16
_BOXES_MAX = 100_000


@dataclass(slots=True)
class _Track:
    """Timestamps of one stream's packets, in units of the stream's time base."""

    packets: int = 0
    corrupt: int = 0
    first: int | None = None
    last: int = 0
    end: int = 0
    decoded: Any = None

    def count(self, packet: Any) -> None:
        """Count one packet; packets that an edit list hides are not played, so their time does not count."""
        self.packets += 1
        self.corrupt += bool(packet.is_corrupt)
        at = packet.pts if packet.pts is not None else packet.dts
        if at is None or packet.is_discard:
            return
        self.first = at if self.first is None else min(self.first, at)
        self.last = max(self.last, at)
        self.end = max(self.end, at + (packet.duration or 0))

    def seconds(self, time_base: Fraction | None) -> float:
        """Return what the packets span; a last packet without a duration gets the average one."""
        if self.first is None or time_base is None:
            return 0.0
        span = self.end - self.first
        if self.end <= self.last and self.packets > 1:
            span += (self.last - self.first) // (self.packets - 1)
        return round(float(span * time_base), 3)


def read_clip(file: IO[bytes], named: Sniffed, *, pixels_max: int) -> dict[str, Any]:
    """Return kind, codec, seconds and pixels (as shown after rotation), read from the packets and not the headers.

    At least one frame, of picture or sound, was decoded.

    Raises:
        Unreadable: there is nothing to play, or its codec is not in `DECODERS`.
        Exception: any other error means that the file is damaged.
    """
    if named.parser == "mov":
        _check_boxes(file, named)
    with av.open(
        file, mode="r", format=named.parser, options=_OPTIONS, metadata_errors="ignore", io_open=_no_other_file
    ) as container:
        video = next((stream for stream in container.streams.video if not _is_cover(stream)), None)
        stream = video or next(iter(container.streams.audio), None)
        if stream is None:
            raise Unreadable("silent", named.label)
        # `is_decoder` codecs carry their decoder's name, which is what the list holds.
        codec = _codec_name(stream)
        track = _follow(container, stream, named, pixels_max=pixels_max)
        found: dict[str, Any] = {"format": named.format, "codec": codec, "seconds": track.seconds(stream.time_base)}
        if isinstance(stream, VideoStream):
            width, height = _shown_pixels(stream, track.decoded)
            return found | {"kind": "video", "width": width, "height": height}
        return found | {"kind": "audio"}


def _codec_name(stream: VideoStream | AudioStream) -> str:
    """Return the codec's name; raises Unreadable when it is not in `DECODERS`."""
    context: Any = stream.codec_context  # None for a codec that this FFmpeg has no decoder for
    if context is None:
        raise Unreadable("codec", "unknown")
    codec = str(context.codec.canonical_name)
    if codec not in DECODERS and str(context.name) not in DECODERS:
        raise Unreadable("codec", codec)
    return codec


def _follow(container: InputContainer, stream: VideoStream | AudioStream, named: Sniffed, *, pixels_max: int) -> _Track:
    """Read every packet, decode the first frame, and raise Unreadable for a damaged or empty stream."""
    track = _Track()
    width, height = (
        (stream.codec_context.width, stream.codec_context.height) if isinstance(stream, VideoStream) else (0, 0)
    )
    only_measured = width * height > pixels_max
    stream.codec_context.thread_count = 1
    for packet in container.demux(stream):
        if track.decoded is None and not only_measured:
            if track.packets > _PACKETS_UNTIL_DECODED_MAX:
                raise Unreadable("damaged", named.label)
            track.decoded = next(iter(packet.decode()), None)  # the empty last packet flushes the decoder
        if packet.size:
            track.count(packet)
    if track.packets == 0:
        # Frames that are listed but lie outside the file were lost with a part of it.
        raise Unreadable("damaged" if stream.frames else "silent", named.label)
    if track.corrupt or (track.decoded is None and not only_measured):
        raise Unreadable("damaged", named.label)
    return track


def _shown_pixels(stream: VideoStream, frame: VideoFrame | None) -> tuple[int, int]:
    """Return width and height as a player shows them: phones store upright clips sideways, with a rotation."""
    if frame is None:
        return stream.codec_context.width, stream.codec_context.height
    if round(frame.rotation / 90) % 2:
        return frame.height, frame.width
    return frame.width, frame.height


def _is_cover(stream: VideoStream) -> bool:
    """Whether the stream is an album cover, which FFmpeg presents as a video of one picture."""
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _no_other_file(url: str, *_: object) -> NoReturn:
    """Refuse any other file that a file asks FFmpeg to open."""
    raise PermissionError(f"a media file asked for another file: {url!r}")


def _check_boxes(file: IO[bytes], named: Sniffed) -> None:
    """Raise Unreadable for an MP4 that ends within a box or has no index, as after an aborted download.

    FFmpeg would play such a file as far as it goes, without an error.
    """
    size = file.seek(0, 2)
    at, has_index = 0, False
    for _ in range(_BOXES_MAX):
        file.seek(at)
        header = file.read(_BOX_HEADER_BYTES)
        if len(header) < 8:  # noqa: PLR2004 - a box's length and name; a shorter rest is padding
            break
        length, name = int.from_bytes(header[:4], "big"), header[4:8]
        has_index = has_index or name == b"moov"
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if length == 0:  # the last box, up to the end of the file
            break
        if name in _NEEDED_BOXES and at + length > size:
            raise Unreadable("damaged", named.label)
        if length < 8:  # noqa: PLR2004 - no box is shorter than its own header; this is something appended
            break
        at += length
    file.seek(0)
    if not has_index:
        raise Unreadable("damaged", named.label)
