"""A job's message in Discord: its progress, then the video or why there is none."""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import discord

from bot.cards.channel_queue import ChannelQueue
from bot.cards.fitted_result import FittedResult, Shrinks
from bot.cards.offered_reactions import OfferedReactions
from bot.cards.pacer import Frame, Pacer
from bot.cards.poster import MessageContent, Poster
from bot.cards.result_file import Fetched, ResultFiles, Sleep
from bot.errors import DeliveryError, DiscordBusy, DownloadError, DownloadTooLarge, TooLarge
from bot.jobs.model import Job, Left, Live, reported_seed
from bot.jobs.short_id import short_id
from bot.runner.cards_port import MessageRef
from bot.settings import CardSettings, JobSettings
from bot.texts import job_card
from bot.texts.card import Card
from bot.texts.mode_settings import Describe, mode_settings_of
from bot.texts.result_link import PostedVideo, Reason, spoiler_mark
from bot.turns import FairTurns

_LOG = logging.getLogger(__name__)
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9.-]+")


class JobCards:
    """Implements `bot.runner.cards_port.Cards` with a logged-in client; progress is shown while it is entered.

    `now` is in Unix seconds. `describe` returns a job's mode and settings as text; `reactions` adds the reactions to a
    finished video. `shrinker` encodes a video down to the server's upload limit; without one a larger video is linked.
    """

    def __init__(
        self,
        client: discord.Client,
        settings: CardSettings,
        jobs: JobSettings,
        results: ResultFiles,
        *,
        upload_timeout_s: float,
        reactions: OfferedReactions | None = None,
        channel_queue: ChannelQueue | None = None,
        shrinker: Shrinks | None = None,
        describe: Describe = mode_settings_of,
        now: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._results = results
        self._reactions = reactions
        self._attach_patience_s = settings.attach_patience_s
        self._describe = describe
        self._now = now
        self._post = Poster(
            client, settings, upload_timeout_s=upload_timeout_s, now=now, channel_queue=channel_queue, sleep=sleep
        )
        self._fetches = FairTurns(jobs.deliveries_at_once)
        self._fitted_results = FittedResult(shrinker, self.show)
        self._pacer = Pacer(
            settings,
            self._draw,
            self._post.progress,
            self._shared_channel,
            cards_max=jobs.in_flight_max,
            now=now,
            sleep=sleep,
        )

    async def __aenter__(self) -> Self:
        await self._pacer.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pacer.__aexit__(kind, error, trace)

    def show(self, job: Job, live: Live, left: Left | None) -> None:
        """Queue this state for the card; a newer one replaces it. Never raises, never waits."""
        self._pacer.show(job, live, left)

    def card(self, job: Job, live: Live, left: Left | None) -> Card:
        """Return the card for this state, as the first answer to a command or button."""
        words = self._describe(job)
        return job_card.status_card(
            job, live, left, now=self._now(), mode_title=words.mode_title, settings=words.settings
        )

    async def ask(self, job: Job, live: Live, left: Left | None) -> MessageRef:
        """Make the card ask for approval, or post a new one if it is gone; returns once Discord has it.

        Raises:
            DiscordBusy: try again later.
            DeliveryError: Discord will never take it.
        """
        await self._pacer.end(job)
        announcement = f"<@{job.member_id}>, your video waits for approval."
        return await self._post.last(
            job, MessageContent(self.card(job, live, left), announcement=announcement, keep=True)
        )

    async def finish(self, job: Job, live: Live, left: Left | None) -> None:
        """Show on the card how a job without a video ended; if Discord refuses the edit for good, that is only logged.

        Raises:
            DiscordBusy: try again later.
        """
        await self._pacer.end(job)
        content = MessageContent(
            self.card(job, live, left), announcement=f"<@{job.member_id}>, your video did not come about."
        )
        try:
            await self._post.last(job, content)
        except DiscordBusy:
            raise
        except DeliveryError as error:
            _LOG.warning("the card of job %s could not say how it ended: %s", job.id, error)

    async def prepare(self, job: Job, left: Left | None) -> None:
        """Download the job's video and encode it down to the server's upload limit. Never raises.

        Separate from `deliver`, so that minutes of encoding do not block other deliveries.
        """
        async with self._fetches.turn(job.requester):
            video, _ = await self._fetched(job)
        if video is not None:
            await self._fitted_results.fitted(job, left, video, self._limit_bytes(job))

    async def deliver(self, job: Job, left: Left | None) -> MessageRef:
        """Put the job's video, or else fal's link to it, on its card; no progress is shown afterwards.

        Repeating it after a crash changes nothing visible: the edit replaces the attachment by the same file.

        Raises:
            DiscordBusy: try again later. The link is posted instead only after `attach_patience_s`.
            DeliveryError: neither the file nor the link could be posted.
        """
        video, reason = await self._fetched(job)
        fitting = None if video is None else await self._fitted_results.fitted(job, left, video, self._limit_bytes(job))
        try:
            delivered = await self._delivered(job, left, video, fitting, reason)
        except BaseException:
            self._pacer.resume(job)
            raise
        if self._reactions is not None:
            self._reactions.offer(delivered.channel_id, delivered.message_id)
        return delivered

    async def _fetched(self, job: Job) -> tuple[Fetched | None, Reason]:
        """Return the video on disk, or None and the reason for a link."""
        try:
            return await self._results.fetch(job), "refused"
        except DownloadTooLarge:
            return None, "too_large"
        except (DownloadError, OSError) as error:
            # On a full or read-only disk the member still gets fal's link.
            _LOG.warning("the video of job %s could not be fetched: %s", job.id, error)
            return None, "not_fetched"

    async def _delivered(
        self, job: Job, left: Left | None, video: Fetched | None, fitting: Fetched | None, reason: Reason
    ) -> MessageRef:
        """Post `fitting`, or smaller versions while Discord finds it too large, else the link."""
        limit_bytes = self._limit_bytes(job)
        while video is not None and fitting is not None:
            await self._pacer.end(job)
            try:
                return await self._attached(job, left, fitting, limit_bytes)
            except TooLarge:
                self._pacer.resume(job)
                fitting = await self._fitted_results.smaller(job, left, video, fitting)
            except DeliveryError as error:
                if isinstance(error, DiscordBusy) and self._may_wait(job):
                    # Discord may be back in seconds, while a posted link stays and expires within days.
                    raise
                _LOG.warning("the video of job %s could not be attached, so its link is posted: %s", job.id, error)
                break
        await self._pacer.end(job)
        size_bytes = video.size_bytes if video is not None else job.result.size_bytes if job.result else None
        if video is not None and fitting is None:
            reason = "too_large"
        return await self._last(job, left, PostedVideo(size_bytes, reason, limit_bytes), None)

    async def _attached(self, job: Job, left: Left | None, video: Fetched, limit_bytes: int) -> MessageRef:
        """Post the file. A smaller copy is deleted afterwards; the original is kept."""
        # If the first upload was refused, the limit that Wanda knew is wrong.
        known = None if video.is_second_try else limit_bytes
        posted = PostedVideo(video.size_bytes, limit_bytes=known, pixels=video.pixels)
        message = await self._last(job, left, posted, video.path)
        await self._fitted_results.forget(video)
        return message

    def _limit_bytes(self, job: Job) -> int:
        return self._post.limit_bytes(job, self._post.route(job))

    def _may_wait(self, job: Job) -> bool:
        """Return whether the job ended so recently that it is better to attach the video later than to link it now."""
        now = self._now()
        return now < (job.completed_at or now) + self._attach_patience_s

    async def _last(self, job: Job, left: Left | None, posted: PostedVideo, path: Path | None) -> MessageRef:
        words = self._describe(job)
        card = job_card.finished_card(job, left, posted, mode_title=words.mode_title, settings=words.settings)
        ready = f"<@{job.member_id}>, your video is ready."
        return await self._post.last(job, MessageContent(card, announcement=ready, file=path, file_name=file_name(job)))

    def _draw(self, frame: Frame) -> Card:
        return self.card(frame.job, frame.live, frame.left)

    def _shared_channel(self, job: Job) -> int | None:
        """Return the channel whose rate limit an edit would use; None if it would use the interaction's token."""
        return None if self._post.route(job) == "token" else job.address.channel_id


def file_name(job: Job) -> str:
    """Return the attachment's name in lower-case ASCII letters, digits, dots and dashes: wanda-wan27-image-42.mp4.

    Before a spoiler's name stands the mark by which Discord hides it.
    """
    reported = reported_seed(job)
    seed = short_id(job.id) if reported is None else reported
    return spoiler_mark(job) + _NOT_IN_A_NAME.sub("-", f"wanda-{job.mode}-{seed}".lower())[:80] + ".mp4"
