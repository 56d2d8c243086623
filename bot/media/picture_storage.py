"""Reads how a video's picture is stored (`bot.media.rules.stored_picture`). Runs only in a worker process."""

from fractions import Fraction
from hashlib import sha256
from typing import Any

from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from bot.media.rules.stored_picture import HIGH_LINES, Matrix

_RATE_PARTS_MAX = 1_000_000
# Matrix coefficients by their numbers in ITU-T H.273, table 4.
_MATRICES: dict[int, Matrix] = {1: "bt709", 4: "bt601", 5: "bt601", 6: "bt601", 9: "bt2020", 10: "bt2020"}


def stored_picture(
    stream: VideoStream, frame: VideoFrame | None, *, played_s: float, last: int, start_s: float
) -> dict[str, Any]:
    """Return the fields of a `StoredPicture`; the rate is numerator and denominator. `last` is in the time base."""
    context: Any = stream.codec_context
    rate = Fraction(stream.average_rate or stream.guessed_rate or 0).limit_denominator(_RATE_PARTS_MAX)
    height = context.height if frame is None else frame.height
    matrix = int(context.colorspace)
    return {
        "played_s": played_s,
        "last_s": max(0.0, float(last * (stream.time_base or 0)) - start_s),
        "frame_rate": (min(rate.numerator, _RATE_PARTS_MAX), rate.denominator),
        "matrix": _MATRICES.get(matrix, "bt709" if height >= HIGH_LINES else "bt601"),
        "coding": _coding(stream, frame),
    }


def _coding(stream: VideoStream, frame: VideoFrame | None) -> str:
    """Return the codec and the pixels in words, and a sum of what its decoder is set up with."""
    context: Any = stream.codec_context
    turned = 0 if frame is None else frame.rotation
    setup = sha256(bytes(context.extradata or b"")).hexdigest()[:16]
    shape = Fraction(stream.sample_aspect_ratio or 1)
    words = (context.codec.canonical_name, context.pix_fmt, f"{context.width}x{context.height}", shape, turned, setup)
    return " ".join(str(word) for word in words)
