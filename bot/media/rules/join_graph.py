"""The filters that bring the parts of a film to one canvas and one sound, and join them. Pure text for ffmpeg.

What the filters do is described in https://ffmpeg.org/ffmpeg-filters.html. Pictures are counted in frames and sound in
samples, so that nothing drifts apart over many parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.media.rules.joining import SAMPLE_RATE_HZ, Canvas, Place, Timeline
from bot.media.rules.stored_picture import Matrix

SOUND_FADE_S = 1.0  # at the end of a soundtrack that is longer than the film
_HELD_S = 1  # the last picture is held, should a part have a frame less than it states
_SOUND = "aformat=sample_fmts=fltp:channel_layouts=stereo"
_COLOURS = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureInput:
    """Where ffmpeg finds a part's picture, such as "0:0", and how it is brought to the canvas."""

    stream: str
    matrix: Matrix
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Soundtrack:
    """Where ffmpeg finds the one sound that replaces the parts', and how long it plays."""

    stream: str
    seconds: float


def picture_graph(inputs: Sequence[PictureInput], canvas: Canvas, timeline: Timeline) -> str:
    """Return the filters that end in [picture], one frame after the other at the canvas's rate."""
    chains = [
        f"[{one.stream}]{_to_canvas(one, canvas)},{_lasting(frames, canvas)}[p{number}]"
        for number, (one, frames) in enumerate(zip(inputs, timeline.parts, strict=True))
    ]
    rate, step = canvas.frame_rate, 1 / canvas.frame_rate
    runs, lengths = _runs(timeline)
    joined: list[str] = []
    for number, run in enumerate(runs):
        names = "".join(f"[p{part}]" for part in run)
        # Behind its seams the time base and the rate are not known any more, and a fade needs both.
        chains.append(f"{names}concat=n={len(run)},settb={step},fps={rate}[r{number}]")
        joined.append(f"[r{number}]")
    at, length = joined[0], lengths[0]
    for number, fade in enumerate(fade for fade in timeline.fades if fade):
        seconds, offset = float(fade / rate), float((length - fade) / rate)
        chains.append(f"{at}{joined[number + 1]}xfade=duration={seconds:.6f}:offset={offset:.6f}[x{number}]")
        at, length = f"[x{number}]", length + lengths[number + 1] - fade
    chains.append(f"{at}trim=end_frame={timeline.frames},{_COLOURS}[picture]")
    return ";".join(chains)


def sound_graph(streams: Sequence[str | None], timeline: Timeline) -> str:
    """Return the filters that end in [sound]: the parts' sounds, or silence, with the fades of the picture."""
    chains = [
        f"{_heard(stream)},atrim=end_sample={timeline.samples(frames)},asetpts=N/SR/TB[s{number}]"
        for number, (stream, frames) in enumerate(zip(streams, timeline.parts, strict=True))
    ]
    runs, _ = _runs(timeline)
    for number, run in enumerate(runs):
        names = "".join(f"[s{part}]" for part in run)
        chains.append(f"{names}concat=n={len(run)}:v=0:a=1[t{number}]")
    at = "[t0]"
    for number, fade in enumerate(fade for fade in timeline.fades if fade):
        chains.append(f"{at}[t{number + 1}]acrossfade=nb_samples={timeline.samples(fade)}[y{number}]")
        at = f"[y{number}]"
    chains.append(f"{at}{_whole(timeline)}[sound]")
    return ";".join(chains)


def soundtrack_graph(track: Soundtrack, timeline: Timeline) -> str:
    """Return the filters that end in [sound]: the track, faded out at the film's end, or silence after its own."""
    fade_s = min(SOUND_FADE_S, timeline.seconds / 2)
    is_longer = track.seconds > timeline.seconds
    fade = f",afade=t=out:st={timeline.seconds - fade_s:.6f}:d={fade_s:.6f}" if is_longer else ""
    return f"{_heard(track.stream)},{_whole(timeline)}{fade}[sound]"


def _to_canvas(one: PictureInput, canvas: Canvas) -> str:
    """Return the filters that scale a part, undistorted, and crop or frame it."""
    place = one.place
    scaled = (
        f"scale={place.width}:{place.height}:flags=bicubic"
        f":in_color_matrix={one.matrix}:out_color_matrix=bt709:out_range=tv,setsar=1,format=yuv420p"
    )
    if (place.width, place.height) == (canvas.width, canvas.height):
        return scaled
    size = f"{canvas.width}:{canvas.height}:"
    if place.width >= canvas.width and place.height >= canvas.height:
        return (
            f"{scaled},crop={size}{_even_half(place.width - canvas.width)}:{_even_half(place.height - canvas.height)}"
        )
    return f"{scaled},pad={size}{_even_half(canvas.width - place.width)}:{_even_half(canvas.height - place.height)}"


def _even_half(pixels: int) -> int:
    return pixels // 4 * 2


def _lasting(frames: int, canvas: Canvas) -> str:
    """Return the filters that make it exactly so many frames at the canvas's rate."""
    rate = canvas.frame_rate
    return (
        f"fps={rate}:start_time=0,tpad=stop_mode=clone:stop_duration={_HELD_S},trim=end_frame={frames},"
        f"settb={1 / rate},setpts=N"
    )


def _heard(stream: str | None) -> str:
    """Return the filters for a sound that begins at 0 and never ends, or for silence."""
    if stream is None:
        return f"anullsrc=r={SAMPLE_RATE_HZ}:cl=stereo,{_SOUND}"
    return f"[{stream}]aresample={SAMPLE_RATE_HZ}:async=1:first_pts=0,{_SOUND},apad"


def _whole(timeline: Timeline) -> str:
    return f"atrim=end_sample={timeline.samples(timeline.frames)},asetpts=N/SR/TB"


def _runs(timeline: Timeline) -> tuple[list[list[int]], list[int]]:
    """Return the numbers of the parts between two fades, and how many frames they have together."""
    runs, lengths = [[0]], [timeline.parts[0]]
    for number, (fade, frames) in enumerate(zip(timeline.fades, timeline.parts[1:], strict=True), start=1):
        if fade:
            runs.append([number])
            lengths.append(frames)
        else:
            runs[-1].append(number)
            lengths[-1] += frames
    return runs, lengths
