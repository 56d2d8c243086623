"""Reads a video or a sound with FFmpeg's libraries (PyAV). Runs only in a worker process."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import IO, Any, NoReturn

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from bot.media.mp4_header import StatedLengths, stated_lengths
from bot.media.rules.decoders import DECODERS, DECODERS_TEXT
from bot.media.rules.lengths import FRAMES_PER_S_MAX, Lengths, lengths
from bot.media.rules.sniff import Sniffed
from bot.media.rules.verdict import Unreadable

_OPTIONS = {
    "codec_whitelist": DECODERS_TEXT,
    "protocol_whitelist": "none",  # no protocol has this name, so none is allowed
    "enable_drefs": "0",  # an MP4 may name other files as its data; it must not get them
}
# A file may begin with packets that no decoder can use yet, but not with this many.
_PACKETS_UNTIL_DECODED_MAX = 600
# All sound is decoded to measure it, up to this much: no mode takes longer files, so what is longer is cut anyway.
_SOUND_DECODED_MAX_S = 120.0
# The boxes at the top of an MP4 or QuickTime file without which it does not play to its end.
_NEEDED_BOXES = frozenset({b"moov", b"moof", b"mdat"})
_BOX_HEADER_BYTES = 16
_BOXES_MAX = 100_000


@dataclass(slots=True)
class _Track:
    """Timestamps of one stream's packets, in units of the stream's time base, and how much sound they decode to."""

    stream: VideoStream | AudioStream
    packets: int = 0
    corrupt: int = 0
    first: int | None = None
    last: int = 0
    end: int = 0
    decoded: Any = None
    decoded_s: float = 0.0
    not_decoded: int = 0

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

    def seconds(self) -> float:
        """Return what the packets span; a last packet without a duration gets the average one."""
        if self.first is None:
            return 0.0
        span = self.end - self.first
        if self.end <= self.last and self.packets > 1:
            span += (self.last - self.first) // (self.packets - 1)
        return self._in_seconds(span)

    def declared_s(self) -> list[float]:
        """Return the length that FFmpeg reports for the stream, if the format states one for each."""
        return [] if self.stream.duration is None else [self._in_seconds(self.stream.duration)]

    def sound_s(self) -> float:
        """Return how much sound was decoded, with the rest as its packets state it."""
        return self.decoded_s + self._in_seconds(self.not_decoded)

    def decode_sound(self, packet: Any) -> None:
        """Decode a packet of sound; one that cannot be decoded plays nothing."""
        if self.decoded_s > _SOUND_DECODED_MAX_S:
            self.not_decoded += packet.duration or 0
            return
        try:
            for frame in packet.decode():
                self.decoded = self.decoded or frame
                self.decoded_s += frame.samples / frame.sample_rate
        except av.error.FFmpegError:
            return

    def _in_seconds(self, ticks: int) -> float:
        return float(ticks * (self.stream.time_base or Fraction(0)))


def read_clip(file: IO[bytes], named: Sniffed, *, pixels_max: int) -> dict[str, Any]:
    """Return kind, codec, lengths and pixels (as shown after rotation).

    The seconds are what the packets play, whatever the header states. At least one frame, of picture or sound, was
    decoded; all sound was, to measure it.

    Raises:
        Unreadable: there is nothing to play, or its codec is not in `DECODERS`.
        Exception: any other error means that the file is damaged.
    """
    stated = StatedLengths()
    if named.parser == "mov":
        _check_boxes(file, named)
        stated = stated_lengths(file)
    with _opened(file, named) as container:
        streams = _played_streams(container)
        if not streams:
            raise Unreadable("silent", named.label)
        main = streams[0]
        # `is_decoder` codecs carry their decoder's name, which is what the list holds.
        codec = _codec_name(main)
        tracks = _follow(container, streams, named, pixels_max=pixels_max)
        hidden = _media_lengths(file, named) if named.parser == "mov" else []
        measured = _lengths(container, tracks, stated, hidden)
        found: dict[str, Any] = {"format": named.format, "codec": codec} | asdict(measured)
        if isinstance(main, VideoStream):
            width, height = _shown_pixels(main, tracks[0].decoded)
            return found | {"kind": "video", "width": width, "height": height, "frames": tracks[0].packets}
        return found | {"kind": "audio"}


def _opened(file: IO[bytes], named: Sniffed, **options: str) -> InputContainer:
    file.seek(0)
    return av.open(
        file,
        mode="r",
        format=named.parser,
        options=_OPTIONS | options,
        metadata_errors="ignore",
        io_open=_no_other_file,
    )


def _played_streams(container: InputContainer) -> list[VideoStream | AudioStream]:
    """Return all videos and sounds; the first is what the file is."""
    return [*(stream for stream in container.streams.video if not _is_cover(stream)), *container.streams.audio]


def _media_lengths(file: IO[bytes], named: Sniffed) -> list[float]:
    """Return how long each stream is with what the edit lists hide, which a reader that ignores them counts."""
    with _opened(file, named, ignore_editlist="1") as container:
        tracks = {stream.index: _Track(stream) for stream in _played_streams(container)}
        for packet in container.demux(*(track.stream for track in tracks.values())):
            if packet.size:
                tracks[packet.stream.index].count(packet)
        return [track.seconds() for track in tracks.values()]


def _lengths(
    container: InputContainer, tracks: Sequence[_Track], stated: StatedLengths, hidden: Sequence[float]
) -> Lengths:
    """Compare what the container and its streams state with what their packets play."""
    main, others = tracks[0], tracks[1:]
    whole_s = (container.duration or 0) / av.time_base  # a container that states no length states 0
    frames_s = main.packets / FRAMES_PER_S_MAX if isinstance(main.stream, VideoStream) else 0.0
    shown, *media = stated.longest(main.stream.type) or [main.seconds()]
    return lengths(
        main.seconds(),
        stated_s=[whole_s, *stated.whole_s, shown, *main.declared_s()],
        media_s=[*media, *hidden[:1]],
        parts_s=[
            *(track.shown_s for track in stated.tracks),
            *(seconds for track in others for seconds in (track.seconds(), *track.declared_s())),
        ],
        padded_s=[
            frames_s,
            *hidden[1:],
            *(track.media_s for track in stated.tracks),
            *(track.sound_s() for track in tracks if isinstance(track.stream, AudioStream)),
        ],
    )


def _codec_name(stream: VideoStream | AudioStream) -> str:
    """Return the codec's name; raises Unreadable when it is not in `DECODERS`."""
    context: Any = stream.codec_context  # None for a codec that this FFmpeg has no decoder for
    if context is None:
        raise Unreadable("codec", "unknown")
    codec = str(context.codec.canonical_name)
    if not _is_allowed(stream):
        raise Unreadable("codec", codec)
    return codec


def _is_allowed(stream: VideoStream | AudioStream) -> bool:
    context: Any = stream.codec_context
    return context is not None and (str(context.codec.canonical_name) in DECODERS or str(context.name) in DECODERS)


def _follow(
    container: InputContainer, streams: Sequence[VideoStream | AudioStream], named: Sniffed, *, pixels_max: int
) -> list[_Track]:
    """Read every packet, decode all sound and the main stream's first frame.

    Raises:
        Unreadable: the main stream, which is the first, is damaged or empty.
    """
    tracks = {stream.index: _Track(stream) for stream in streams}
    main = tracks[streams[0].index]
    sounds = {stream.index for stream in streams if isinstance(stream, AudioStream) and _is_allowed(stream)}
    only_measured = _declared_pixels(main.stream) > pixels_max
    for stream in (main.stream, *(tracks[index].stream for index in sounds)):
        stream.codec_context.thread_count = 1
    for packet in container.demux(*streams):
        track = tracks[packet.stream.index]
        if track is main and track.decoded is None and track.packets > _PACKETS_UNTIL_DECODED_MAX and not only_measured:
            raise Unreadable("damaged", named.label)
        if packet.stream.index in sounds:  # the empty last packet flushes the decoder
            track.decode_sound(packet)
        elif track is main and track.decoded is None and not only_measured:
            track.decoded = next(iter(packet.decode()), None)
        if packet.size:
            track.count(packet)
    if main.packets == 0:
        # Frames that are listed but lie outside the file were lost with a part of it.
        raise Unreadable("damaged" if main.stream.frames else "silent", named.label)
    if main.corrupt or (main.decoded is None and not only_measured):
        raise Unreadable("damaged", named.label)
    return list(tracks.values())


def _declared_pixels(stream: VideoStream | AudioStream) -> int:
    return stream.codec_context.width * stream.codec_context.height if isinstance(stream, VideoStream) else 0


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
