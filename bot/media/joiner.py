"""Joins the parts of a film to one MP4 that fits a server's upload limit.

Parts that are stored alike are put one behind the other as they are; else all are brought to one size and rate and
encoded together, at the bitrate that the limit allows. Their sound is always encoded: AAC begins and ends with padding,
which would be heard at every seam. The bot's own process reads and writes nothing but a list of names.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.errors import EncodeFailed, MediaRefused, NoRoom, PartUnusable
from bot.media.ffmpeg import Ffmpeg, OnFraction
from bot.media.join_task import JoinTask, Source
from bot.media.probe import Facts, Prober
from bot.media.rules.bitrate import Bitrates, lowered, rates
from bot.media.rules.encode_time import encode_s
from bot.media.rules.joining import PARTS_MAX, fits_in_one_pass
from bot.requester import Requester
from bot.settings import MediaSettings
from bot.tasks import all_of, in_thread
from bot.units import MIB
from bot.workers.run_once import FileAccess

_LOG = logging.getLogger(__name__)
_ROUNDS = 2  # a film that came out a little too large is encoded once more, at less
_FIRST_PASS = 0.4  # of the time that both take
_FRAMES_OFF = 2
_DRAFT_TIMES = 2  # the limit; what grows beyond is ended


@dataclass(frozen=True, slots=True)
class JoinPlan:
    """How the parts are joined: the fade at each seam, and the sound that replaces theirs, if there is one."""

    fades_s: tuple[float, ...]
    soundtrack: Path | None = None


@dataclass(frozen=True, slots=True)
class JoinedFile:
    """The film on disk."""

    path: Path
    size_bytes: int
    width: int
    height: int
    seconds: float
    has_sound: bool


class Joiner:
    """Joins films, at most `encodes_at_once` at a time together with all other encodes.

    The parts were paid for, so a film waits for its turn as long as it takes. The work itself ends within
    `join_timeout_s`.
    """

    def __init__(self, ffmpeg: Ffmpeg, prober: Prober, settings: MediaSettings) -> None:
        self._ffmpeg = ffmpeg
        self._prober = prober
        self._settings = settings

    async def join(
        self,
        parts: Sequence[Path],
        plan: JoinPlan,
        into: Path,
        *,
        bytes_max: int,
        requester: Requester,
        on_fraction: OnFraction,
    ) -> JoinedFile:
        """Return the film at `into`, an MP4 of at most `bytes_max`, which appears whole or not at all.

        The sound is that of the parts, or the soundtrack: cut with a short fade at the film's end, or silence after
        its own. `on_fraction` gets 0 to 1. The parts are not changed.

        Raises:
            PartUnusable: a part is no video that can be joined.
            EncodeFailed: they cannot be joined within the limits, or there is no encoder.
            NoRoom: Wanda's disk is full.
            Busy: no worker could read them.
            FileNotFoundError: a part is not there.
        """
        if not 1 <= len(parts) <= PARTS_MAX or len(plan.fades_s) != len(parts) - 1:
            raise EncodeFailed(f"{len(parts)} parts with {len(plan.fades_s)} seams are no film")
        await self._ffmpeg.program()
        task = JoinTask(
            sources=await all_of(self._part(number, path, requester) for number, path in enumerate(parts, start=1)),
            soundtrack=None if plan.soundtrack is None else await self._soundtrack(plan.soundtrack, requester),
            fades_s=plan.fades_s,
            target=into,
            side_max=self._settings.join_side_max,
            bytes_max=min(bytes_max, self._settings.join_mib_max * MIB),
            threads=self._settings.encode_threads,
        )
        self._check(task)
        async with self._ffmpeg.turns.turn(requester):
            try:
                async with asyncio.timeout(self._settings.join_timeout_s):
                    return await self._joined(task, requester, on_fraction)
            except TimeoutError:
                raise EncodeFailed(f"it was not joined within {self._settings.join_timeout_s:g} s") from None
            finally:
                task.draft.unlink(missing_ok=True)

    async def found(self, path: Path, *, requester: Requester) -> JoinedFile:
        """Return what an earlier run joined; it is whole, because a draft gets its name when it is finished.

        Raises:
            EncodeFailed: it does not play.
            Busy: no worker could read it.
        """
        facts = await self._film(path, requester)
        return _joined(path, facts)

    async def _part(self, number: int, path: Path, requester: Requester) -> Source:
        try:
            facts = await self._prober.facts(path, shown_name=f"part {number}", requester=requester)
        except MediaRefused as error:
            raise PartUnusable(number, error) from error
        if facts.picture is None:
            raise PartUnusable(number, "it has no picture")
        return Source(path, facts)

    async def _soundtrack(self, path: Path, requester: Requester) -> Source:
        try:
            facts = await self._prober.facts(path, shown_name="the soundtrack", requester=requester)
        except MediaRefused as error:
            raise EncodeFailed(f"the soundtrack cannot be read: {error}") from error
        if facts.sound_track is None:
            raise EncodeFailed("the soundtrack has no sound that can be read")
        return Source(path, facts)

    def _check(self, task: JoinTask) -> None:
        """Raise EncodeFailed for what surely takes longer than it may."""
        settings, canvas, timeline = self._settings, task.canvas, task.timeline
        if timeline.seconds > settings.join_seconds_max:
            raise EncodeFailed(f"a film of {timeline.seconds:.0f} s is above {settings.join_seconds_max:g} s")
        needed_s = encode_s(
            read=sum(part.frames * part.width * part.height for part in task.parts),
            written=timeline.frames * canvas.width * canvas.height,
            mpixels_per_s=settings.encode_mpixels_per_s,
        )
        if needed_s > settings.join_timeout_s:
            raise EncodeFailed(f"joining takes about {needed_s:.0f} s, and the limit is {settings.join_timeout_s:g} s")

    async def _joined(self, task: JoinTask, requester: Requester, on_fraction: OnFraction) -> JoinedFile:
        if task.is_copied:
            try:
                await self._copy(task, on_fraction)
                return await self._finished(task, requester, (task.canvas.width, task.canvas.height))
            except NoRoom:
                raise
            except EncodeFailed as error:
                _LOG.warning("the parts are encoded, because they could not be joined as they are: %s", error)
        canvas, seconds = task.canvas, task.timeline.seconds
        chosen = rates(seconds=seconds, width=canvas.width, height=canvas.height, bytes_max=task.bytes_max)
        if chosen is None:
            raise EncodeFailed(f"{seconds} s do not fit into {task.bytes_max} bytes")
        one_pass = fits_in_one_pass(task.parts, seconds=seconds, bytes_max=task.bytes_max)
        for _ in range(_ROUNDS):
            await self._encode(task, chosen, on_fraction, one_pass=one_pass)
            size_bytes = (await asyncio.to_thread(task.draft.stat)).st_size
            if size_bytes <= task.bytes_max:
                return await self._finished(task, requester, (chosen.width, chosen.height))
            _LOG.info("joined to %d bytes, above %d; once more", size_bytes, task.bytes_max)
            chosen, one_pass = lowered(chosen, size_bytes=size_bytes, bytes_max=task.bytes_max), False
        raise EncodeFailed("it came out too large twice")

    async def _copy(self, task: JoinTask, on_fraction: OnFraction) -> None:
        with TemporaryDirectory(prefix="join-") as folder:
            names = Path(folder) / "names"
            await in_thread(names.write_text, task.list_of_names(), encoding="utf-8")
            await self._run(
                task, task.copying(names), FileAccess(read=[*task.read, names], made=[task.draft]), on_fraction
            )

    async def _encode(self, task: JoinTask, chosen: Bitrates, on_fraction: OnFraction, *, one_pass: bool) -> None:
        if one_pass:
            await self._run(task, task.encoding(chosen), FileAccess(read=task.read, made=[task.draft]), on_fraction)
            return
        # The encoder renames its log files, so they need a folder that it may write to.
        with TemporaryDirectory(prefix="join-") as folder:
            logs = Path(folder)
            log = logs / "pass"
            await self._run(
                task,
                task.first_pass(chosen, log),
                FileAccess(read=task.read, folder=logs),
                lambda part: on_fraction(part * _FIRST_PASS),
            )
            await self._run(
                task,
                task.second_pass(chosen, log),
                FileAccess(read=task.read, made=[task.draft], folder=logs),
                lambda part: on_fraction(_FIRST_PASS + part * (1 - _FIRST_PASS)),
            )

    async def _run(self, task: JoinTask, arguments: Sequence[str], files: FileAccess, on_fraction: OnFraction) -> None:
        await self._ffmpeg.run(
            arguments,
            files,
            timeout_s=self._settings.join_timeout_s,
            file_bytes_max=_DRAFT_TIMES * task.bytes_max,
            memory_mib=self._settings.join_memory_mib,
            seconds=task.timeline.seconds,
            on_fraction=on_fraction,
        )

    async def _finished(self, task: JoinTask, requester: Requester, size: tuple[int, int]) -> JoinedFile:
        """Give the draft its name, if a worker finds that it is the film that was meant; raises EncodeFailed."""
        made = _joined(task.target, await self._film(task.draft, requester))
        off_s = float(_FRAMES_OFF / task.timeline.frame_rate)
        is_meant = (
            (made.width, made.height) == size
            and abs(made.seconds - task.timeline.seconds) <= off_s
            and made.has_sound == task.has_sound
            and made.size_bytes <= task.bytes_max
        )
        if not is_meant:
            raise EncodeFailed(f"what was joined is not what was meant: {made}")
        await in_thread(task.draft.replace, task.target)
        return made

    async def _film(self, path: Path, requester: Requester) -> Facts:
        try:
            return await self._prober.facts(path, shown_name="the film", requester=requester)
        except MediaRefused as error:
            raise EncodeFailed(f"what was joined does not play: {error}") from error


def _joined(path: Path, facts: Facts) -> JoinedFile:
    played_s = 0.0 if facts.picture is None else facts.picture.played_s
    return JoinedFile(
        path, facts.size_bytes, facts.width or 0, facts.height or 0, played_s, facts.sound_track is not None
    )
