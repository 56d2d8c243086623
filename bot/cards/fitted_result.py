"""Smaller copies of finished videos, for servers whose upload limit the original exceeds."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeAlias

from bot.cards.result_file import Fetched, NotFetched
from bot.errors import EncodeFailed, NoRoom
from bot.jobs.model import FINISHED, Job, Live
from bot.media.ffmpeg import OnFraction
from bot.media.shrinker import Shrunk
from bot.requester import Requester

_LOG = logging.getLogger(__name__)

STEP = "making it fit"
SMALLER = 0.7  # of a size that Discord refused although it had allowed it; tried once
_REMEMBERED_MAX = 1000
_JobAndLimit: TypeAlias = tuple[str, int]
Show: TypeAlias = Callable[[Job, Live], None]


class Shrinks(Protocol):
    """The part of `bot.media.shrinker.Shrinker` that is used here."""

    async def shrink(
        self, source: Path, target: Path, *, bytes_max: int, requester: Requester, on_fraction: OnFraction
    ) -> Shrunk:
        """Return `target`, a video of at most `bytes_max`.

        Raises:
            EncodeFailed: no such copy can be made.
        """
        ...


class FittedResult:
    """Makes the copies; `show` puts the progress on the card. Without a `shrinker` there are none."""

    def __init__(self, shrinker: Shrinks | None, show: Show) -> None:
        self._shrinker = shrinker
        self._show = show
        self._hopeless: OrderedDict[_JobAndLimit, None] = OrderedDict()
        self._refused: OrderedDict[_JobAndLimit, None] = OrderedDict()

    async def fitted(self, job: Job, video: Fetched, limit_bytes: int) -> Fetched | None:
        """Return the video itself if it fits, else a copy of at most `limit_bytes`, or None if that fails.

        A copy that failed is not tried again for this job.

        Raises:
            NotFetched: Wanda's disk did not take the copy.
        """
        if video.size_bytes <= limit_bytes:
            return await self.smaller(job, video, video) if (job.id, limit_bytes) in self._refused else video
        if self._shrinker is None or (job.id, limit_bytes) in self._hopeless:
            return None

        def tell(fraction: float | None) -> None:
            if job.state not in FINISHED:  # the card of an ended job stays as it is until the video comes
                self._show(job, Live(step=STEP, fraction=fraction))

        tell(None)
        try:
            made = await self._shrinker.shrink(
                video.path, _copy_of(video), bytes_max=limit_bytes, requester=job.requester, on_fraction=tell
            )
        except (OSError, NoRoom) as error:
            raise NotFetched("no_room", error) from error
        except EncodeFailed as error:
            _LOG.warning("the video of job %s could not be made to fit %d bytes: %s", job.id, limit_bytes, error)
            _remember(self._hopeless, (job.id, limit_bytes))
            return None
        return Fetched(made.path, made.size_bytes, pixels=(made.width, made.height))

    def note_refused(self, job: Job, limit_bytes: int) -> None:
        """From now on the video itself does not fit, because Discord refused its size although the limit allows it."""
        _remember(self._refused, (job.id, limit_bytes))

    async def smaller(self, job: Job, video: Fetched, refused: Fetched) -> Fetched | None:
        """Return a copy clearly smaller than the refused file, or None if that file was such a copy already."""
        if refused.is_second_try:
            return None
        made = await self.fitted(job, video, int(refused.size_bytes * SMALLER))
        return None if made is None else replace(made, is_second_try=True)

    async def forget(self, video: Fetched) -> None:
        """Delete the file if it is a copy; the original stays for reruns."""
        if video.pixels is not None:
            await asyncio.to_thread(video.path.unlink, missing_ok=True)


def _remember(known: OrderedDict[_JobAndLimit, None], one: _JobAndLimit) -> None:
    known[one] = None
    while len(known) > _REMEMBERED_MAX:
        known.popitem(last=False)


def _copy_of(video: Fetched) -> Path:
    """Return a path that retention deletes with the other files of the job."""
    return video.path.with_name(f"{video.path.name.partition('.')[0]}.fit.mp4")
