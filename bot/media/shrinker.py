"""Encodes a finished video again, in two passes with its sound, to fit a server's upload limit."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.errors import Busy, EncodeFailed, MediaRefused
from bot.media.ffmpeg import Ffmpeg, OnFraction, reading, writing
from bot.media.probe import Facts, Prober
from bot.media.rules.bitrate import Bitrates, lowered, rates
from bot.requester import Requester
from bot.settings import MediaSettings
from bot.workers.run_once import FileAccess

_LOG = logging.getLogger(__name__)
_ROUNDS = 2  # a video that came out a little too large is encoded once more, at less
_FIRST_PASS = 0.4  # of the time that both take
_NULL = ["-an", "-sn", "-dn", "-f", "null", "-"]


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The encoded video on disk."""

    path: Path
    size_bytes: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _ShrinkTask:
    """One video that is too large, and the path for the one that fits."""

    source: Path
    target: Path
    facts: Facts
    bytes_max: int
    requester: Requester
    on_fraction: OnFraction

    @property
    def draft(self) -> Path:
        return self.target.with_suffix(".draft.mp4")

    @property
    def folder(self) -> Path:
        return self.target.parent.absolute()


class Shrinker:
    """Encodes results, at most `encodes_at_once` at a time together with the attached files.

    A result was paid for, so it waits for its turn as long as it takes. An encode itself ends within
    `shrink_timeout_s`.
    """

    def __init__(self, ffmpeg: Ffmpeg, prober: Prober, settings: MediaSettings) -> None:
        self._ffmpeg = ffmpeg
        self._prober = prober
        self._timeout_s = settings.shrink_timeout_s
        self._threads = settings.encode_threads

    async def shrink(
        self, source: Path, target: Path, *, bytes_max: int, requester: Requester, on_fraction: OnFraction
    ) -> Shrunk:
        """Return `target`, an MP4 of at most `bytes_max`, encoded now or found from an earlier run.

        `on_fraction` gets 0 to 1. The source is not changed.

        Raises:
            EncodeFailed: it cannot be made so small, there is no encoder, or it took too long.
        """
        before = await self._finished(target, bytes_max, requester)
        if before is not None:
            return before
        await self._ffmpeg.program()
        facts = await self._facts(source, requester)
        if facts.kind != "video":
            raise EncodeFailed("the result has no picture")
        chosen = rates(
            seconds=facts.seconds or 0.0, width=facts.width or 0, height=facts.height or 0, bytes_max=bytes_max
        )
        if chosen is None:
            raise EncodeFailed(f"{facts.seconds} s do not fit into {bytes_max} bytes")
        order = _ShrinkTask(source, target, facts, bytes_max, requester, on_fraction)
        async with self._ffmpeg.turns.turn(requester):
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._made(order, chosen)
            except TimeoutError:
                raise EncodeFailed(f"it was not encoded within {self._timeout_s:g} s") from None

    async def _finished(self, target: Path, bytes_max: int, requester: Requester) -> Shrunk | None:
        """Return the target of an earlier run, if it fits. It is complete: a draft is renamed only when finished."""
        try:
            size = (await asyncio.to_thread(target.stat)).st_size
        except FileNotFoundError:
            return None
        return _shrunk(target, await self._facts(target, requester)) if size <= bytes_max else None

    async def _facts(self, path: Path, requester: Requester) -> Facts:
        try:
            return await self._prober.facts(path, shown_name=path.name, requester=requester)
        except (MediaRefused, Busy, FileNotFoundError) as error:
            raise EncodeFailed(f"{path.name} could not be read: {error}") from error

    async def _made(self, order: _ShrinkTask, chosen: Bitrates) -> Shrunk:
        """Encode, once more at a lower bitrate if the result is too large; drafts are removed in any case."""
        target, draft = order.target, order.draft
        try:
            for _ in range(_ROUNDS):
                await self._two_passes(order, chosen)
                size = (await asyncio.to_thread(draft.stat)).st_size
                if size <= order.bytes_max:
                    made = await self._facts(draft, order.requester)
                    await asyncio.to_thread(draft.replace, target)
                    return _shrunk(target, made)
                _LOG.info("encoded to %d bytes, above %d; once more", size, order.bytes_max)
                chosen = lowered(chosen, size_bytes=size, bytes_max=order.bytes_max)
        finally:
            draft.unlink(missing_ok=True)
        raise EncodeFailed("it came out too large twice")

    async def _two_passes(self, order: _ShrinkTask, chosen: Bitrates) -> None:
        """Run both passes: the first measures the video, so that the second can distribute the bits."""
        # The encoder renames its log files, so they need a folder that it may write to. After a crash of the bot the
        # sweep of orphans removes it, because its name is no job's.
        with TemporaryDirectory(prefix=".passes-", dir=order.folder) as logs:
            video = _video(order.source, order.facts, chosen, self._threads)
            log_files = ("-passlogfile", f"{logs}/pass")
            told = order.on_fraction
            await self._run(
                [*video, "-pass", "1", *log_files, *_NULL],
                order.facts,
                FileAccess(read=[order.source], folder=Path(logs)),
                lambda part: told(part * _FIRST_PASS),
            )
            second = [
                *video,
                *("-pass", "2", *log_files),
                *(*_sound(order.facts), "-c:a", "aac", "-b:a", f"{chosen.sound_kbps}k", "-movflags", "+faststart"),
                *writing(order.draft, "mp4"),
            ]
            await self._run(
                second,
                order.facts,
                FileAccess(read=[order.source], made=[order.draft], folder=Path(logs)),
                lambda part: told(_FIRST_PASS + part * (1 - _FIRST_PASS)),
            )

    async def _run(self, arguments: Sequence[str], facts: Facts, files: FileAccess, on_fraction: OnFraction) -> None:
        await self._ffmpeg.run(
            arguments,
            files,
            timeout_s=self._timeout_s,
            file_bytes_max=2 * facts.size_bytes,
            seconds=facts.seconds,
            on_fraction=on_fraction,
        )


def _video(source: Path, facts: Facts, chosen: Bitrates, threads: int) -> list[str]:
    """Return the arguments of both passes; they must be identical."""
    rate = chosen.video_kbps
    return [
        *reading(source, facts.format),
        *("-map", f"0:{facts.video_track}", "-vf", f"scale={chosen.width}:{chosen.height}:flags=bicubic,setsar=1"),
        *("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-threads", str(threads)),
        *("-b:v", f"{rate}k", "-maxrate", f"{2 * rate}k", "-bufsize", f"{4 * rate}k"),
    ]


def _sound(facts: Facts) -> list[str]:
    """Return the arguments that take the sound, if there is one that can be read."""
    return [] if facts.sound_track is None else ["-map", f"0:{facts.sound_track}"]


def _shrunk(path: Path, facts: Facts) -> Shrunk:
    return Shrunk(path, facts.size_bytes, facts.width or 0, facts.height or 0)
