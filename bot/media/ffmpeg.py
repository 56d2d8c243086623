"""Finds ffmpeg once and runs it within limits; it may open only the files that are named to it."""

import asyncio
import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from bot.errors import EncodeFailed, NoRoom
from bot.media.rules.decoders import DECODERS_TEXT
from bot.settings import MediaSettings
from bot.turns import FairTurns
from bot.units import MIB
from bot.workers.run_once import FileAccess, RunFailed, RunLimits, output_of, run_once

_LOG = logging.getLogger(__name__)

OnFraction: TypeAlias = Callable[[float], None]
_NO_SPACE = "No space left on device"  # what every program prints for ENOSPC
NEEDED_ENCODERS = ("libx264", "aac", "libmp3lame")
_LOOK = RunLimits(memory_mib=1024, cpu_s=20, file_mib=0, timeout_s=20.0)
# FFmpeg's demuxer for each of our formats. FFmpeg never chooses one itself, so a playlist is never opened.
_READERS = {
    **dict.fromkeys(("mp4", "mov", "3gp", "m4a"), "mov"),
    **dict.fromkeys(("webm", "mkv"), "matroska"),
    "ts": "mpegts",
    **{name: name for name in ("avi", "flv", "wav", "mp3", "ogg", "flac", "aac", "aiff", "caf", "amr", "au")},
}


# FFmpeg may skip past the last key frame of these, so they are decoded from their start and what is skipped is dropped
# (https://ffmpeg.org/ffmpeg.html#Main-options, -ss as an output option).
_WITHOUT_INDEX = frozenset({"ts"})


@dataclass(frozen=True, slots=True)
class Program:
    """An ffmpeg that has every encoder in `NEEDED_ENCODERS`; some lack the filters that turn HDR into BT.709."""

    path: str
    origin: Literal["the system's", "imageio-ffmpeg's"]
    version: str
    can_tone_map: bool = False


def find_ffmpeg() -> Program | None:
    """Return the ffmpeg on PATH, else the one that imageio-ffmpeg brings, or None; blocks for a moment."""
    for origin, locate in _PLACES:
        path = locate()
        if path is None:
            continue
        version = _version(path)
        missing = _missing_encoders(path)
        if version and not missing:
            return Program(os.path.realpath(path), origin, version, _can_tone_map(path))
        _LOG.warning("%s ffmpeg at %s is not used: it lacks %s", origin, path, ", ".join(missing) or "a version")
    return None


def _bundled() -> str | None:
    """Return imageio-ffmpeg's program; on a platform without its wheel there is none."""
    with contextlib.suppress(ImportError, RuntimeError):
        import imageio_ffmpeg  # noqa: PLC0415 - where the system has an ffmpeg, this one may be missing

        return imageio_ffmpeg.get_ffmpeg_exe()
    return None


_PLACES: tuple[tuple[Literal["the system's", "imageio-ffmpeg's"], Callable[[], str | None]], ...] = (
    ("the system's", lambda: shutil.which("ffmpeg")),
    ("imageio-ffmpeg's", _bundled),
)


def _version(path: str) -> str:
    """Return "n9.0.2", the third word of "ffmpeg version n9.0.2 Copyright …", or nothing."""
    words = _output(path, "-version").split(maxsplit=3)
    return words[2][:40] if words[:2] == ["ffmpeg", "version"] else ""


def _missing_encoders(path: str) -> list[str]:
    listed = _listed(path, "-encoders")
    return [name for name in NEEDED_ENCODERS if name not in listed]


def _can_tone_map(path: str) -> bool:
    return {"zscale", "tonemap"} <= _listed(path, "-filters")


def _listed(path: str, option: str) -> set[str]:
    """Return the names in a list that ffmpeg prints, which stand after some flags."""
    return {words[1] for line in _output(path, option).splitlines() if len(words := line.split()) > 1}


def _output(path: str, option: str) -> str:
    """Return what it prints, confined as it will be for a file; nothing when it cannot work like that."""
    command = [os.path.realpath(path), "-nostdin", "-hide_banner" if option != "-version" else "-nostdin", option]
    try:
        return output_of(command, _LOOK).decode(errors="replace")
    except RunFailed:
        return ""


class Ffmpeg:
    """Runs ffmpeg, at most `encodes_at_once` at a time, each at the lowest priority and within its limits.

    Hold one of `turns` for all passes of one encode. Members and servers take turns, so that one who orders much keeps
    the others waiting for no more than one encode.
    """

    def __init__(self, settings: MediaSettings, *, find: Callable[[], Program | None] = find_ffmpeg) -> None:
        self._settings = settings
        self._find = find
        self._found: Program | None = None
        self._looking = asyncio.Lock()
        self.turns = FairTurns(max(1, settings.encodes_at_once), each_max=1, name="encode")

    async def program(self) -> Program:
        """Return the ffmpeg to use, which is searched for once.

        Raises:
            EncodeFailed: there is none, or encoding is turned off.
        """
        if not self._settings.encodes_at_once:
            raise EncodeFailed("encoding is turned off by WANDA_ENCODES_AT_ONCE")
        async with self._looking:
            if self._found is None:
                self._found = await asyncio.to_thread(self._find)
        if self._found is None:
            raise EncodeFailed("there is no ffmpeg with all the encoders that are needed")
        return self._found

    async def run(
        self,
        arguments: Sequence[str],
        files: FileAccess,
        *,
        timeout_s: float,
        file_bytes_max: int,
        memory_mib: int | None = None,
        seconds: float | None = None,
        on_fraction: OnFraction | None = None,
    ) -> None:
        """Run it once on these files, within a turn; `on_fraction` gets 0 to 1 as the output grows to `seconds`.

        `memory_mib` is its address space, `encode_memory_mib` unless it is given.

        Raises:
            EncodeFailed: it failed, or did not end within its limits.
        """
        program = await self.program()
        command = [program.path, *_QUIET, *arguments]
        limits = RunLimits(
            memory_mib=memory_mib or self._settings.encode_memory_mib,
            cpu_s=max(1, round(timeout_s * (self._settings.encode_threads + 1))),
            file_mib=-(-file_bytes_max // MIB),
            timeout_s=timeout_s,
        )
        try:
            await run_once(command, limits, files, on_line=_Progress(seconds, on_fraction))
        except RunFailed as error:
            raise encode_failure("ffmpeg", error) from error


def encode_failure(what: str, error: RunFailed) -> EncodeFailed:
    """Return the error for a run that failed; a full disk is told apart, because it is no fault of the file."""
    kind = NoRoom if _NO_SPACE in str(error) else EncodeFailed
    return kind(f"{what}: {error}")


_QUIET = ("-nostdin", "-hide_banner", "-v", "error", "-nostats", "-stats_period", "0.5", "-progress", "pipe:1", "-y")


def reading(path: Path, format_: str) -> list[str]:
    """Return the arguments that read one file in this format and forbid ffmpeg to open any other."""
    only = ["-protocol_whitelist", "file,pipe", "-codec_whitelist", DECODERS_TEXT, "-f", _READERS[format_]]
    return [*only, "-i", f"file:{path.absolute()}"]


def reading_from(path: Path, format_: str, skipped_s: float) -> list[str]:
    """Return the arguments that read one file without its first `skipped_s`."""
    if not skipped_s:
        return reading(path, format_)
    skip = ["-ss", f"{skipped_s:.6f}"]
    return [*reading(path, format_), *skip] if is_read_whole(format_) else [*skip, *reading(path, format_)]


def is_read_whole(format_: str) -> bool:
    """Whether what is skipped is decoded too."""
    return format_ in _WITHOUT_INDEX


def concatenating(names: Path) -> list[str]:
    """Return the arguments that read the MP4 files of a list, written by `listed`, one behind the other."""
    only = ["-protocol_whitelist", "file,pipe", "-codec_whitelist", DECODERS_TEXT, "-format_whitelist", "concat,mov"]
    return [*only, "-f", "concat", "-safe", "0", "-i", f"file:{names.absolute()}"]


def listed(path: Path, seconds: float) -> str:
    """Return the lines of one file that plays for so long (https://ffmpeg.org/ffmpeg-formats.html#concat-1)."""
    quoted = str(path.absolute()).replace("'", r"'\''")
    return f"file 'file:{quoted}'\nduration {seconds:.6f}\n"


def writing(path: Path, muxer: str) -> list[str]:
    """Return the arguments that write one file, without the input's metadata."""
    return [
        "-map_metadata",
        "-1",
        "-map_metadata:s",
        "-1",
        "-map_chapters",
        "-1",
        "-sn",
        "-dn",
        "-f",
        muxer,
        f"file:{path.absolute()}",
    ]


class _Progress:
    """Reads ffmpeg's progress lines, such as "out_time_us=5200000"."""

    def __init__(self, seconds: float | None, on_fraction: OnFraction | None) -> None:
        self._seconds = seconds
        self._on_fraction = on_fraction

    def __call__(self, line: str) -> None:
        name, _, value = line.partition("=")
        if name == "out_time_us" and value.isdecimal() and self._seconds and self._on_fraction:
            self._on_fraction(min(1.0, int(value) / 1_000_000 / self._seconds))
