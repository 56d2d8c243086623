"""Reads a video or a sound with FFmpeg's libraries (PyAV). Runs only in a worker process."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import IO, Any, NoReturn, cast

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.format import Flags
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from bot.media.mp4_header import StatedLengths, stated_lengths
from bot.media.picture_storage import stored_picture
from bot.media.rules.decoders import DECODERS, DECODERS_TEXT
from bot.media.rules.lengths import FRAMES_PER_S_MAX, TOLERANCE_S, Lengths, lengths
from bot.media.rules.oddity import Oddity
from bot.media.rules.sniff import Sniffed
from bot.media.rules.verdict import Unreadable
from bot.media.wav_header import data_end

_OPTIONS = {
    "codec_whitelist": DECODERS_TEXT,
    "protocol_whitelist": "none",  # no protocol has this name, so none is allowed
    "enable_drefs": "0",  # an MP4 may name other files as its data; it must not get them
}
# A file may begin with packets that no decoder can use yet, but not with this many.
_PACKETS_UNTIL_DECODED_MAX = 600
# Where FFmpeg takes timestamps for new ones, and plays what follows behind what was (`ts_discontinuity_detect` in
# https://github.com/FFmpeg/FFmpeg/blob/master/fftools/ffmpeg_demux.c).
_AHEAD_MAX_S, _BACK_MAX_S = 10, Fraction(1, 10)
# All sound is decoded to measure it, up to this much: no mode takes longer files, so what is longer is cut anyway.
_SOUND_DECODED_MAX_S = 120.0
# The boxes at the top of an MP4 or QuickTime file without which its samples cannot be found.
_NEEDED_BOXES = frozenset({b"moov", b"moof"})
_BOX_HEADER_BYTES = 16
_BOXES_MAX = 100_000
# Scaling to whole pixels makes them so little wide or high that nobody sees it.
_SQUARE_WITHIN = Fraction(1, 100)
# PQ and HLG (ITU-T H.273, table 3), as Dolby Vision, HDR10 and phones use them.
_HDR_TRANSFERS = frozenset({16, 18})
_PLAIN_SAMPLES = frozenset({"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"})
_PLAIN_WAV = b"RIFF"
# A WAV does not say where one frame of these ends and the next begins, and neither do they themselves.
_LOST_IN_WAV = frozenset({"aac", "vorbis"})
# These state no length, and what FFmpeg makes of their bit rate is no other reader's: they are never sent as they are.
_GUESSED = frozenset({"aac", "amr"})


@dataclass(slots=True)
class _Track:
    """Timestamps of one stream's packets, in units of the stream's time base, and how much sound they decode to.

    Where a recording `is_joined` of several, timestamps that begin anew are moved behind what was before.
    """

    stream: VideoStream | AudioStream
    is_joined: bool = False
    packets: int = 0
    moved: int = 0
    due: int | None = None  # when the next packet is decoded, if nothing begins anew
    corrupt: int = 0
    first: int | None = None
    last: int = 0
    end: int = 0
    decoded: Any = None
    decoded_s: float = 0.0
    not_decoded: int = 0
    back_max: int = 0
    ahead_max: int = 0

    def __post_init__(self) -> None:
        """Reckon in whole units, because a long recording has a million packets."""
        per_s = 1 / Fraction(self.stream.time_base or 1)
        self.back_max, self.ahead_max = int(_BACK_MAX_S * per_s), int(_AHEAD_MAX_S * per_s)

    def count(self, packet: Any) -> None:
        """Count one packet; packets that an edit list hides are not played, so their time does not count."""
        self.packets += 1
        self.corrupt += bool(packet.is_corrupt)
        at = packet.pts if packet.pts is not None else packet.dts
        if at is None or packet.is_discard:
            return
        if self.is_joined:
            self._follow_on(at if packet.dts is None else packet.dts, packet.duration or 0)
        at += self.moved
        self.first = at if self.first is None else min(self.first, at)
        self.last = max(self.last, at)
        self.end = max(self.end, at + (packet.duration or 0))

    def _follow_on(self, at: int, duration: int) -> None:
        """Move what begins at `at` behind what was before, if its timestamps do not follow on."""
        if self.due is not None and not -self.back_max <= at + self.moved - self.due <= self.ahead_max:
            self.moved = self.due - at
        self.due = at + self.moved + duration

    def skip_to_picture(self) -> None:
        """Forget the time before the first picture, if pictures before it can be decoded by nobody."""
        at = None if self.decoded is None else self.decoded.pts
        if at is not None and self.first is not None and self._in_seconds(at - self.first) > TOLERANCE_S:
            self.first = at

    def begins_s(self, start_s: float) -> float:
        """Return how long after `start_s` its first packet is shown, 0 if that is not long."""
        after_s = 0.0 if self.first is None else self._in_seconds(self.first) - start_s
        return after_s if after_s > TOLERANCE_S else 0.0

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
    """Return kind, codec, lengths, pixels (as shown after rotation), and the streams that players play.

    The seconds are what the packets play, whatever the header states. At least one frame, of picture or sound, was
    decoded; all sound was, to measure it.

    Raises:
        Unreadable: there is nothing to play, or its codec is not in `DECODERS`.
        Exception: any other error means that the file is damaged.
    """
    stated, is_longer = StatedLengths(), False
    if named.parser == "mov":
        is_longer = _check_boxes(file, named)
        stated = stated_lengths(file)
    opened, has_readable_text = _opened_anyhow(file, named)
    with opened as container:
        streams = _played_streams(container)
        if not streams:
            raise Unreadable("silent", named.label)
        main = streams[0]
        # `is_decoder` codecs carry their decoder's name, which is what the list holds.
        codec = _codec_name(main)
        tracks = _follow(container, streams, named, pixels_max=pixels_max)
        if named.parser == "wav" and data_end(file) == "missing":
            raise Unreadable("damaged", named.label)
        if is_longer and any(track.packets < max(1, track.stream.frames) for track in tracks):
            raise Unreadable("damaged", named.label)
        hidden = _media_lengths(file, named, tracks) if named.parser == "mov" else []
        measured = _lengths(container, tracks, stated, hidden)
        found: dict[str, Any] = {"format": named.format, "codec": codec} | asdict(measured)
        found |= {"sound_track": _readable_sound(streams)}
        if isinstance(main, VideoStream):
            found |= {"kind": "video"} | _picture_facts(container, tracks[0], streams, is_longer=is_longer)
        else:
            found |= {"kind": "audio", "odd": _odd_sound(file, named, codec)}
    if not has_readable_text:
        found["odd"].append("metadata")
    return found


def _picture_facts(
    container: InputContainer, main: _Track, streams: Sequence[VideoStream | AudioStream], *, is_longer: bool
) -> dict[str, Any]:
    stream = cast("VideoStream", main.stream)
    odd: list[Oddity] = []
    if is_longer:
        odd.append("header")
    if stream is not container.streams.video[0] or sum(isinstance(one, VideoStream) for one in streams) > 1:
        odd.append("streams")
    if not _is_square(_pixel_shape(stream)):
        odd.append("shape")
    has_sound = any(isinstance(one, AudioStream) for one in streams)
    if has_sound and _readable_sound(streams) is None:
        odd.append("sound")
    width, height = _shown_pixels(stream, main.decoded)
    context: Any = stream.codec_context
    is_hdr = int(context.color_trc) in _HDR_TRANSFERS
    sound = _readable_sound(streams)
    used = [stream] if sound is None else [stream, _stream(container, sound)]
    return {
        "width": width,
        "height": height,
        "odd": odd,
        "video_track": stream.index,
        "is_hdr": is_hdr,
        "begins_s": main.begins_s(_start_s(container, *used)),
        "frames": main.packets,
        "picture": stored_picture(
            stream, main.decoded, played_s=main.seconds(), last=main.last, start_s=_start_s(container, stream)
        ),
    }


def _start_s(container: InputContainer, *used: VideoStream | AudioStream) -> float:
    """Return the timestamp at which time begins for an ffmpeg that reads these streams alone.

    It is that of the file, which its demuxer states, but that of the streams in MPEG-TS (`start_time_effective` in
    https://github.com/FFmpeg/FFmpeg/blob/master/fftools/ffmpeg_demux.c).
    """
    starts = [float(one.start_time * (one.time_base or 0)) for one in used if one.start_time is not None]
    if container.format.name == "mpegts" and starts:
        return min(starts)
    return (container.start_time or 0) / av.time_base


def _odd_sound(file: IO[bytes], named: Sniffed, codec: str) -> list[Oddity]:
    odd: list[Oddity] = []
    if named.parser == "wav":
        if codec not in _PLAIN_SAMPLES:
            odd.append("kind of sound")
        file.seek(0)
        if file.read(4) != _PLAIN_WAV or data_end(file) != "as stated":
            odd.append("header")
    if named.has_prefix and "header" not in odd:
        odd.append("header")
    return odd


def _opened(file: IO[bytes], named: Sniffed, *, is_lenient: bool = True, **options: str) -> InputContainer:
    """Open the file; without leniency text that is not UTF-8 raises UnicodeDecodeError, as in other programs."""
    file.seek(0)
    return av.open(
        file,
        mode="r",
        format=named.parser,
        options=_OPTIONS | options,
        metadata_errors="ignore" if is_lenient else "strict",
        io_open=_no_other_file,
    )


def _played_streams(container: InputContainer) -> list[VideoStream | AudioStream]:
    """Return all videos and sounds; the first is what the file is.

    Of several videos, players show one that is marked as the default, and the largest of these. Of several sounds they
    play the first that is the default; one that cannot be read here comes last.
    """
    videos = [stream for stream in container.streams.video if not _is_cover(stream)]
    videos.sort(key=lambda stream: (not _is_default(stream), -_declared_pixels(stream)))
    sounds = sorted(container.streams.audio, key=lambda stream: (not _is_allowed(stream), not _is_default(stream)))
    return [*videos, *sounds]


def _is_default(stream: VideoStream | AudioStream) -> bool:
    return bool(stream.disposition & Disposition.default)


def _readable_sound(streams: Sequence[VideoStream | AudioStream]) -> int | None:
    """Return the position of the sound that players play, or None if there is none that can be read here."""
    return next((one.index for one in streams if isinstance(one, AudioStream) and _is_allowed(one)), None)


def _opened_anyhow(file: IO[bytes], named: Sniffed) -> tuple[InputContainer, bool]:
    """Open the file, leniently if it has to be; return it, and whether all its text is UTF-8."""
    try:
        return _opened(file, named, is_lenient=False), True
    except UnicodeDecodeError:
        return _opened(file, named), False


def _media_lengths(file: IO[bytes], named: Sniffed, played: Sequence[_Track]) -> list[float]:
    """Return how long each track is with what the edit lists hide, which a reader that ignores them counts."""
    # Only packets are asked for, but FFmpeg decodes pictures when it opens a file, until it has seen so many bytes
    # (https://ffmpeg.org/ffmpeg-formats.html#Format-Options). No decoder is called "none".
    with _opened(file, named, ignore_editlist="1", codec_whitelist="none", probesize="32") as container:
        tracks = {track.stream.index: _Track(_stream(container, track.stream.index)) for track in played}
        for packet in container.demux(*(track.stream for track in tracks.values())):
            if packet.size:
                tracks[packet.stream.index].count(packet)
        return [track.seconds() for track in tracks.values()]


def _stream(container: InputContainer, index: int) -> VideoStream | AudioStream:
    return cast("VideoStream | AudioStream", container.streams[index])


def _lengths(
    container: InputContainer, tracks: Sequence[_Track], stated: StatedLengths, hidden: Sequence[float]
) -> Lengths:
    """Compare what the container and its streams state with what their packets play."""
    main, others = tracks[0], tracks[1:]
    is_guess = container.format.name in _GUESSED
    whole_s = main.seconds() if is_guess else (container.duration or 0) / av.time_base  # 0 where none is stated
    frames_s = main.packets / FRAMES_PER_S_MAX if isinstance(main.stream, VideoStream) else 0.0
    shown, *media = stated.longest(main.stream.type) or [main.seconds()]
    return lengths(
        main.seconds(),
        stated_s=[whole_s, *stated.whole_s, shown, *([] if is_guess else main.declared_s())],
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
    # A sound is encoded sample by sample, so all of it is played, whatever its timestamps say.
    is_joined = bool(container.format.flags & Flags.ts_discont.value) or not isinstance(streams[0], VideoStream)
    tracks = {stream.index: _Track(stream, is_joined) for stream in streams}
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
    _check_playable(container, main, named, only_measured=only_measured)
    if isinstance(main.stream, VideoStream):
        main.skip_to_picture()
    return list(tracks.values())


def _check_playable(container: InputContainer, main: _Track, named: Sniffed, *, only_measured: bool) -> None:
    """Raise Unreadable for a main stream that is damaged or empty, or that nobody can take apart."""
    if main.packets == 0:
        # Frames that are listed but lie outside the file were lost with a part of it.
        raise Unreadable("damaged" if main.stream.frames else "silent", named.label)
    if named.parser == "wav" and _is_lost(container, main):
        raise Unreadable("codec", f"{_codec_name(main.stream)} in a WAV")
    # A broadcast's recording begins and ends anywhere. A WAV without a stated length looks cut; its header is asked.
    is_cut = main.corrupt > 0 and named.parser not in {"mpegts", "wav"}
    if is_cut or (main.decoded is None and not only_measured):
        raise Unreadable("damaged", named.label)


def _is_lost(container: InputContainer, track: _Track) -> bool:
    """Whether most of a WAV's sound is of a codec whose frames cannot be found there."""
    whole_s = (container.duration or 0) / av.time_base
    return _codec_name(track.stream) in _LOST_IN_WAV and 2 * track.sound_s() < whole_s


def _declared_pixels(stream: VideoStream | AudioStream) -> int:
    context: Any = stream.codec_context  # None for a codec that this FFmpeg has no decoder for
    return context.width * context.height if isinstance(stream, VideoStream) and context is not None else 0


def _shown_pixels(stream: VideoStream, frame: VideoFrame | None) -> tuple[int, int]:
    """Return width and height as a player shows them.

    Phones store upright clips sideways, with a rotation; DV cameras and discs store pixels that are not square, and
    players make the picture wider or higher, never smaller.
    """
    shape = _pixel_shape(stream)
    if frame is None:
        width, height = stream.codec_context.width, stream.codec_context.height
    else:
        width, height = frame.width, frame.height
    if not _is_square(shape):
        width, height = (round(width * shape), height) if shape > 1 else (width, round(height / shape))
    if frame is not None and round(frame.rotation / 90) % 2:
        return height, width
    return width, height


def _pixel_shape(stream: VideoStream) -> Fraction:
    """Return a pixel's width over its height; 1 when it is not stated."""
    return Fraction(stream.sample_aspect_ratio or 1)


def _is_square(shape: Fraction) -> bool:
    return abs(shape - 1) <= _SQUARE_WITHIN


def _is_cover(stream: VideoStream) -> bool:
    """Whether the stream is an album cover, which FFmpeg presents as a video of one picture."""
    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _no_other_file(url: str, *_: object) -> NoReturn:
    """Refuse any other file that a file asks FFmpeg to open."""
    raise PermissionError(f"a media file asked for another file: {url!r}")


def _check_boxes(file: IO[bytes], named: Sniffed) -> bool:
    """Return whether the last box is said to be longer than the file, as after an aborted download.

    FFmpeg would play such a file as far as it goes, without an error. Only the samples tell whether something is
    missing, because some programs state too much.

    Raises:
        Unreadable: there is no index, or it is cut.
    """
    size = file.seek(0, 2)
    at, has_index, is_longer = 0, False, False
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
        if at + length > size:
            if name in _NEEDED_BOXES:
                raise Unreadable("damaged", named.label)
            is_longer = is_longer or name == b"mdat"
        if length < 8:  # noqa: PLR2004 - no box is shorter than its own header; this is something appended
            break
        at += length
    file.seek(0)
    if not has_index:
        raise Unreadable("damaged", named.label)
    return is_longer
