"""The machine's ffmpeg, looked for once: each search starts it four times, confined."""

from functools import cache

from bot.media.ffmpeg import Program, find_ffmpeg


@cache
def found_ffmpeg() -> Program | None:
    """Return it, as `bot.media.ffmpeg.Ffmpeg` wants it found."""
    return find_ffmpeg()
