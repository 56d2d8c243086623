"""Scales, trims and converts attached files to fit a mode's limits, without enlarging or distorting them."""

import json
import logging
import sys
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import Busy, EncodeFailed, MediaRefused, NoRoom
from bot.media.ffmpeg import Ffmpeg, Program, encode_failure, is_read_whole, reading_from, writing
from bot.media.file_turns import turn_or_busy
from bot.media.probe import Facts, Prober
from bot.media.rules.encode_time import check_encode_time
from bot.media.rules.lengths import FRAMES_PER_S_MAX
from bot.media.rules.needs import (
    CUT_SHORTER_S,
    Keep,
    Needs,
    changes,
    even_size,
    is_beyond_help,
    needs,
    target_format,
    too_odd,
    two_lengths,
)
from bot.media_spec import MediaSpec
from bot.requester import Requester
from bot.settings import MediaSettings
from bot.tasks import in_thread
from bot.turns import FairTurns, Patience
from bot.units import MB
from bot.workers.environment import python_files
from bot.workers.run_once import FileAccess, RunFailed, RunLimits, run_once

_LOG = logging.getLogger(__name__)
_PICTURE_WORKER = Path(__file__).with_name("picture_worker.py")  # by its path: a worker may not search our folder
_PARSERS = {"png": "PNG", "jpeg": "JPEG", "gif": "GIF", "bmp": "BMP", "webp": "WEBP"}
_SOUND_CUT_SHORTER_S = 0.05  # MP3 pads both ends
_SOUND_BITRATE = "192k"
_SOUND_RATE_HZ = 44_100  # an MP3 of telephone sound pads by more than is cut off
_OF_THE_BYTES = 0.9  # the rest is for the container and for peaks of the bitrate
_WHITE_NITS = 203  # HDR's brightness of white paper (ITU-R BT.2408)
_TONE_MAPPING = 2  # times as long as encoding alone
# In a recording put together of several, FFmpeg drops later pictures that are said to come earlier again; sounds
# like these are encoded, unless they are left out here (https://ffmpeg.org/ffmpeg-filters.html#select_002c-aselect).
_NO_SOUND_AGAIN = r"aselect=isnan(prev_selected_t)+gt(t\,prev_selected_t)"
_COPIES = {"mp4": "mp4", "mov": "mov"}

NO_ROOM = "Wanda's disk is full, so your file couldn't be made to fit. You weren't charged; please tell an admin."


@dataclass(frozen=True, slots=True)
class Fitted:
    """The original file with no `changes`, or a new one and what was done to it, in short phrases."""

    path: Path
    facts: Facts
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _FitTask:
    """One file that does not fit, its limits, the folder for the new file, and for whom it is made."""

    path: Path
    facts: Facts
    limits: MediaSpec
    keep: Keep
    folder: Path
    requester: Requester

    @property
    def needs(self) -> Needs:
        return needs(self.facts, self.limits)

    @property
    def seconds(self) -> float:
        return self.facts.seconds or 1.0

    @property
    def kept_s(self) -> float:
        """How much of a clip is kept."""
        if self.limits.seconds_max is None:
            return self.seconds
        return min(self.seconds, self.limits.seconds_max - CUT_SHORTER_S)

    @property
    def written(self) -> tuple[int, int]:
        """The size of the new clip in pixels."""
        return even_size(self.facts.width or 2, self.facts.height or 2, self.limits.side_max)

    def target(self, format_: str) -> Path:
        return self.folder / f"{self.path.stem}.fitted.{format_}"

    def skipped_s(self, kept_s: float) -> float:
        """Return how much of the file's start is left out: what shows no picture, and what is before a kept end."""
        return self.facts.begins_s + (max(0.0, self.seconds - kept_s) if self.keep == "end" else 0.0)

    def read_for(self, kept_s: float) -> list[str]:
        """Return ffmpeg's arguments that read what is kept, `kept_s` long at the most."""
        file = reading_from(self.path, self.facts.format, self.skipped_s(kept_s))
        return [*file, "-t", _seconds_text(kept_s)]

    @property
    def is_read_whole(self) -> bool:
        """Whether what is not kept is decoded too."""
        return is_read_whole(self.facts.format) and self.skipped_s(self.kept_s) > 0


class Fitter:
    """Makes files fit. Pictures have a place of their own, so that they do not wait for videos."""

    def __init__(self, ffmpeg: Ffmpeg, prober: Prober, settings: MediaSettings) -> None:
        self._ffmpeg = ffmpeg
        self._prober = prober
        self._settings = settings
        self._picture_turns = FairTurns(1, name="picture")
        self._patience = Patience(
            wait_s=settings.fit_wait_s,
            member_max=settings.waiting_member_max,
            server_max=settings.waiting_server_max,
        )

    async def fit(
        self,
        path: Path,
        facts: Facts,
        limits: MediaSpec,
        *,
        requester: Requester,
        keep: Keep = "start",
        into: Path | None = None,
    ) -> Fitted:
        """Return a file within `limits`: the original if it fits, else a new one in `into` (default: the same folder).

        `keep` says which end of a clip or sound that is too long is kept. A file that cannot be made to fit is
        returned as it is, and the mode refuses it with the number. A file whose lengths disagree, or that is odd, is
        never returned as it is if the mode would take it: fal might charge more for it than Wanda quotes, or refuse
        it. The original is not changed or removed.

        Raises:
            Busy: it was not the requester's turn in time, or too many of their files wait.
            MediaRefused: its lengths disagree, or it is odd, and it could not be saved again; or it would take longer
                than `fit_timeout_s`.
        """
        needed = needs(facts, limits)
        if not needed or is_beyond_help(facts, limits):
            return Fitted(path, facts)
        order = _FitTask(path, facts, limits, keep, into or path.parent, requester)
        copy = await self._copied_clip(order)
        if copy is None:
            self._check_time(order)
        try:
            made, new = copy or await self._made(order)
        except NoRoom as error:
            raise Busy(NO_ROOM) from error
        except (EncodeFailed, MediaRefused) as error:
            _LOG.warning("a file could not be made to fit: %s", error)
            if needed.one_length:
                raise MediaRefused(two_lengths(facts)) from error
            if facts.odd:
                raise MediaRefused(too_odd(facts)) from error
            return Fitted(path, facts)
        return Fitted(made, new, changes(facts, new, keep=keep))

    async def _made(self, order: _FitTask) -> tuple[Path, Facts]:
        """Make the new file; it is probed like a member's file."""
        match order.facts.kind:
            case "image":
                return await self._picture(order)
            case "video":
                program = await self._ffmpeg.program()
                target, arguments = _clip(order, program, self._settings.encode_threads)
            case "audio":
                target, arguments = _sound(order)
        return target, await self._encoded(order, arguments, target)

    async def _copied_clip(self, order: _FitTask) -> tuple[Path, Facts] | None:
        """Cut a clip's end off without encoding; return None where that is not enough."""
        facts = order.facts
        if facts.kind != "video" or facts.format not in _COPIES:
            return None
        if not order.needs.only_a_cut or order.skipped_s(order.kept_s):
            return None
        target = order.target(order.facts.format)
        copied = [*_streams(order), "-c", "copy"]
        arguments = [*order.read_for(order.kept_s), *copied, *writing(target, _COPIES[order.facts.format])]
        try:
            return target, await self._encoded(order, arguments, target)
        except (EncodeFailed, MediaRefused) as error:
            _LOG.info("a clip is encoded, because cutting it was not enough: %s", error)
            return None

    async def _encoded(self, order: _FitTask, arguments: list[str], target: Path) -> Facts:
        """Run ffmpeg and return the new file's facts.

        Raises:
            EncodeFailed: ffmpeg failed, or its output does not fit.
        """
        async with self._turn(self._ffmpeg.turns, order):
            return await self._checked(
                target,
                order,
                self._ffmpeg.run(
                    arguments,
                    FileAccess(read=[order.path], made=[target]),
                    timeout_s=self._settings.fit_timeout_s,
                    file_bytes_max=self._settings.intake_mb_max * MB,
                ),
            )

    async def _checked(self, target: Path, order: _FitTask, work: Coroutine[Any, Any, None]) -> Facts:
        """Await the work and return the new file's facts; on any error the file is removed."""
        done = False
        try:
            await work
            facts = await self._prober.facts(target, shown_name=target.name, requester=order.requester)
            if needs(facts, order.limits) or is_beyond_help(facts, order.limits):
                raise EncodeFailed(f"what was made does not fit either: {facts}")
            done = True
        finally:
            if not done:
                target.unlink(missing_ok=True)  # noqa: ASYNC240 - one file, and a cancelled task would not wait for a thread
        return facts

    async def _picture(self, order: _FitTask) -> tuple[Path, Facts]:
        """Scale and save a picture in a process of its own.

        Raises:
            EncodeFailed: it has too many pixels, or the process failed.
        """
        facts, limits = order.facts, order.limits
        if (facts.width or 0) * (facts.height or 0) > self._settings.probe_pixels_max:
            raise EncodeFailed("the picture has more pixels than are read here")
        draft = order.folder / f"{order.path.stem}.draft"
        asked = {
            "source": str(order.path.absolute()),
            "target": str(draft.absolute()),
            "parser": _PARSERS[facts.format],
            "side_max": limits.side_max,
            "bytes_max": limits.bytes_max,
            "formats": list(limits.formats),
        }
        async with self._turn(self._picture_turns, order):
            new = await self._checked(draft, order, self._redraw(json.dumps(asked), order, draft))
        target = order.target(new.format)
        await in_thread(draft.replace, target)
        return target, new

    async def _redraw(self, asked: str, order: _FitTask, draft: Path) -> None:
        run = RunLimits(
            memory_mib=self._settings.probe_memory_mib,
            cpu_s=round(self._settings.fit_timeout_s),
            # An attempt may exceed the limit; the worker then tries a smaller one.
            file_mib=max(64, 4 * order.limits.bytes_max // MB),
            timeout_s=self._settings.fit_timeout_s,
        )
        files = FileAccess(read=[order.path, *python_files()], made=[draft])
        try:
            await run_once([sys.executable, "-I", str(_PICTURE_WORKER), asked], run, files)
        except RunFailed as error:
            raise encode_failure("the picture could not be redrawn", error) from error

    def _turn(self, turns: FairTurns, order: _FitTask) -> AbstractAsyncContextManager[None]:
        return turn_or_busy(turns, order.requester, self._patience, "made to fit")

    def _check_time(self, order: _FitTask) -> None:
        """Check that a clip can be encoded in time; raises MediaRefused."""
        facts = order.facts
        if facts.kind == "video":
            check_encode_time(
                pixels=(facts.width or 0, facts.height or 0),
                frames=round((facts.frames or 0) * (1 if order.is_read_whole else order.kept_s / order.seconds)),
                kept_s=order.kept_s,
                written=order.written,
                mpixels_per_s=self._settings.encode_mpixels_per_s / (_TONE_MAPPING if facts.is_hdr else 1),
                limit_s=self._settings.fit_timeout_s,
            )


def _clip(order: _FitTask, program: Program, threads: int) -> tuple[Path, list[str]]:
    """Return the target and the arguments that encode a clip as H.264 and AAC within the limits."""
    facts, limits, target = order.facts, order.limits, order.target("mp4")
    kept_s = order.kept_s
    width, height = order.written
    # Without B-frames: with them, FFmpeg states the media one frame longer than it plays.
    rate = int(limits.bytes_max * _OF_THE_BYTES * 8 / kept_s / 1000)
    return target, [
        *order.read_for(kept_s),
        *_streams(order),
        *("-vf", _filters(width, height, tone_maps=facts.is_hdr and program.can_tone_map)),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-bf", "0", "-pix_fmt", "yuv420p"),
        *("-threads", str(threads), "-fpsmax", str(FRAMES_PER_S_MAX), "-maxrate", f"{rate}k", "-bufsize", f"{rate}k"),
        *(("-af", _NO_SOUND_AGAIN) if order.needs.one_length else ()),
        *("-c:a", "aac", "-b:a", "160k", "-movflags", "+faststart"),
        *writing(target, "mp4"),
    ]


def _streams(order: _FitTask) -> list[str]:
    """Return the arguments that take the streams that players play."""
    tracks = (order.facts.video_track, order.facts.sound_track)
    return [word for track in tracks if track is not None for word in ("-map", f"0:{track}")]


def _filters(width: int, height: int, *, tone_maps: bool) -> str:
    """Return FFmpeg's filters for a size; HDR is mapped to BT.709, or else keeps its colours and their tags."""
    if not tone_maps:
        return f"scale={width}:{height}:flags=bicubic,setsar=1"
    return (
        f"zscale=w={width}:h={height}:f=bicubic:pin=bt2020:min=bt2020nc:p=bt709:t=linear:npl={_WHITE_NITS},"
        "format=gbrpf32le,tonemap=mobius:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p,"
        "sidedata=mode=delete:type=MASTERING_DISPLAY_METADATA,sidedata=mode=delete:type=CONTENT_LIGHT_LEVEL,setsar=1"
    )


def _sound(order: _FitTask) -> tuple[Path, list[str]]:
    """Return the target and the arguments for a sound: a WAV of samples that only needs a cut stays WAV.

    All else becomes MP3.
    """
    stays = order.needs.only_a_cut and order.facts.format == "wav"
    format_ = "wav" if stays else target_format(order.limits) or "mp3"
    kept_s = order.seconds
    if order.limits.seconds_max is not None:
        kept_s = min(kept_s, order.limits.seconds_max - (0.0 if format_ == "wav" else _SOUND_CUT_SHORTER_S))
    raw = order.facts.codec if stays and order.facts.codec else "pcm_s16le"  # the samples stay as they are
    codec = {"wav": ["-c:a", raw], "mp3": ["-c:a", "libmp3lame", "-b:a", _SOUND_BITRATE, "-ar", str(_SOUND_RATE_HZ)]}[
        format_
    ]
    target = order.target(format_)
    return target, [
        *order.read_for(kept_s),
        *(*_streams(order), "-vn"),
        *codec,
        *writing(target, format_),
    ]


def _seconds_text(seconds: float) -> str:
    return f"{seconds:.3f}"
