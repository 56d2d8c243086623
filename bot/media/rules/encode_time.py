"""How long a clip takes to encode, estimated before it begins, so that none keeps the encoder in vain."""

from bot.errors import MediaRefused
from bot.media.rules.lengths import FRAMES_PER_S_MAX
from bot.units import TIMES

# Decoding H.264 or HEVC takes about a quarter of the time of encoding as many pixels with x264's preset "veryfast".
_DECODING = 0.25
_PIXELS_PER_MPIXEL = 1_000_000


def check_encode_time(
    *,
    pixels: tuple[int, int],
    frames: int,
    kept_s: float,
    written: tuple[int, int],
    mpixels_per_s: float,
    limit_s: float,
) -> None:
    """Check that a clip can be encoded in `limit_s`; `frames` are those that are read, `written` is the new size.

    Raises:
        MediaRefused: it surely takes longer; the sentence has the number, the limit and what to do.
    """
    (width, height), frames_written = pixels, min(frames, kept_s * FRAMES_PER_S_MAX)
    estimate_s = encode_s(
        read=frames * width * height, written=frames_written * written[0] * written[1], mpixels_per_s=mpixels_per_s
    )
    if estimate_s > limit_s:
        raise MediaRefused(
            f"Making {kept_s:.3g} s of this clip fit ({frames:,} frames of {width:,} {TIMES} {height:,}) would "
            "take about "
            f"{estimate_s:,.0f} s, and the limit is {limit_s:g} s. Export it at 1920 {TIMES} 1080 with 30 frames per "
            "second and try again."
        )


def encode_s(*, read: float, written: float, mpixels_per_s: float) -> float:
    """Return the estimate for so many pixels that are read and written, in seconds."""
    return (_DECODING * read + written) / _PIXELS_PER_MPIXEL / mpixels_per_s
