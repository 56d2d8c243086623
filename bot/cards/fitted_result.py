"""A finished video on its way to a server that does not take it as it is: a smaller copy beside the original."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeAlias

from bot.cards.result_file import Fetched
from bot.errors import EncodeFailed
from bot.jobs.model import Job, Left, Live
from bot.media.ffmpeg import OnFraction
from bot.media.shrinker import Shrunk

_LOG = logging.getLogger(__name__)

STEP = "making it fit"
SMALLER = 0.7  # what is tried once where Discord refuses a size that it had allowed
_HOPELESS_MAX = 1000
Show: TypeAlias = Callable[[Job, Live, Left | None], None]


class Shrinks(Protocol):
    """What makes a video smaller: `bot.media.shrinker.Shrinker`."""

    async def shrink(self, source: Path, target: Path, *, bytes_max: int, on_fraction: OnFraction) -> Shrunk:
        """Return `target`, a video of at most `bytes_max`.

        Raises:
            EncodeFailed: there can be none.
        """
        ...


class FittedResult:
    """Makes copies of results; `show` puts the progress on the card. Without a `shrinker` nothing can be made."""

    def __init__(self, shrinker: Shrinks | None, show: Show) -> None:
        self._shrinker = shrinker
        self._show = show
        self._hopeless: OrderedDict[tuple[str, int], None] = OrderedDict()

    async def fitted(self, job: Job, left: Left | None, video: Fetched, limit_bytes: int) -> Fetched | None:
        """Return the video itself where it fits, else a copy of at most `limit_bytes`, or None when there can be none.

        What was found to be impossible once is not tried again for this job.
        """
        if video.size_bytes <= limit_bytes:
            return video
        if self._shrinker is None or (job.id, limit_bytes) in self._hopeless:
            return None

        def tell(fraction: float | None) -> None:
            self._show(job, Live(step=STEP, fraction=fraction), left)

        tell(None)
        try:
            made = await self._shrinker.shrink(video.path, _copy_of(video), bytes_max=limit_bytes, on_fraction=tell)
        except (EncodeFailed, OSError) as error:
            _LOG.warning("the video of job %s could not be made to fit %d bytes: %s", job.id, limit_bytes, error)
            self._give_up(job, limit_bytes)
            return None
        return Fetched(made.path, made.size_bytes, pixels=(made.width, made.height))

    async def smaller(self, job: Job, left: Left | None, video: Fetched, refused: Fetched) -> Fetched | None:
        """Return a copy that is clearly smaller than the refused file, once; None when that was refused too."""
        if refused.is_second_try:
            return None
        made = await self.fitted(job, left, video, int(refused.size_bytes * SMALLER))
        return None if made is None else replace(made, is_second_try=True)

    async def forget(self, video: Fetched) -> None:
        """Remove the copy, if this is one, once it is where it belongs; the original stays for reruns."""
        if video.pixels is not None:
            await asyncio.to_thread(video.path.unlink, missing_ok=True)

    def _give_up(self, job: Job, limit_bytes: int) -> None:
        self._hopeless[job.id, limit_bytes] = None
        while len(self._hopeless) > _HOPELESS_MAX:
            self._hopeless.popitem(last=False)


def _copy_of(video: Fetched) -> Path:
    """Name the copy so that it goes when everything of its job goes."""
    return video.path.with_name(f"{video.path.name.partition('.')[0]}.fit.mp4")
