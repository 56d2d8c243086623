"""Chooses the bitrate and the pixels for a video that must fit a size in bytes."""

from dataclasses import dataclass, replace

from bot.media.rules.needs import even_size

OF_THE_LIMIT = 0.97  # the encoder keeps its average only roughly
_CONTAINER = 0.985  # the container's share is the rest
_FRAMES_PER_SECOND = 30  # assumed: it only decides when fewer pixels look better
_BITS_PER_PIXEL_MIN = 0.02  # below this H.264 falls into blocks, and fewer pixels look better
_LOWERED_BY = 0.95  # beyond the proportion, so that a second try fits surely
_STEPS = (1.0, 0.75, 2 / 3, 0.5, 0.375, 0.25)
_VIDEO_KBPS_MIN = 60  # below this no size is worth watching
_SOUND_KBPS = ((2000, 160), (900, 128), (400, 96), (0, 64))  # (from this total bitrate, this much for the sound)


@dataclass(frozen=True, slots=True)
class Bitrates:
    """Target bitrates, and pixels that are never more than the source's."""

    video_kbps: int
    sound_kbps: int
    width: int
    height: int


def rates(*, seconds: float, width: int, height: int, bytes_max: int) -> Bitrates | None:
    """Return the best rates that fit `bytes_max`, or None when nothing worth watching fits.

    The pixels are reduced only if the bitrate is too low for them.
    """
    if seconds <= 0 or bytes_max <= 0:
        return None
    total_kbps = bytes_max * OF_THE_LIMIT * _CONTAINER * 8 / seconds / 1000
    sound_kbps = next(sound for least, sound in _SOUND_KBPS if total_kbps >= least)
    video_kbps = int(total_kbps - sound_kbps)
    if video_kbps < _VIDEO_KBPS_MIN:
        return None
    for step in _STEPS:
        w, h = even_size(width, height, int(max(width, height) * step))
        if video_kbps * 1000 >= _BITS_PER_PIXEL_MIN * w * h * _FRAMES_PER_SECOND:
            return Bitrates(video_kbps, sound_kbps, w, h)
    return None


def lowered(chosen: Bitrates, *, size_bytes: int, bytes_max: int) -> Bitrates:
    """Return the rates for one more try at a video that came out larger than `bytes_max`."""
    return replace(chosen, video_kbps=max(1, int(chosen.video_kbps * bytes_max / size_bytes * _LOWERED_BY)))
