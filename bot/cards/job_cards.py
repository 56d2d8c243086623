"""A job's message in Discord: its progress, then the video or why there is none."""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from types import TracebackType
from typing import Self

import discord

from bot.cards.channel_queue import ChannelQueue
from bot.cards.fitted_result import FittedResult, Shrinks
from bot.cards.offered_reactions import OfferedReactions
from bot.cards.pacer import EditOutcome, Frame, Pacer
from bot.cards.poster import UPLOAD_BYTES_MAX, MayPing, MessageContent, Poster
from bot.cards.result_file import Fetched, NotFetched, ResultFiles, Sleep
from bot.errors import DeliveryError, DiscordBusy, Forbidden, TooLarge
from bot.jobs.model import Job, LinkReason, Live, PostedVideo, reported_seed
from bot.jobs.notices import NoticeKind, end_kind
from bot.jobs.short_id import short_id
from bot.runner.cards_port import MessageRef, Posted
from bot.settings import CardSettings, JobSettings
from bot.texts import job_card
from bot.texts.card import JobCard
from bot.texts.ending import approval_announcement, end_announcement
from bot.texts.mode_settings import Describe, mode_settings_of
from bot.texts.result_link import spoiler_mark
from bot.turns import FairTurns

_LOG = logging.getLogger(__name__)
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9.-]+")


class JobCards:
    """Implements `bot.runner.cards_port.Cards` with a logged-in client; progress is shown while it is entered.

    `now` is in Unix seconds. `describe` returns a job's mode and settings as text; `reactions` adds the reactions to a
    finished video. `shrinker` encodes a video down to the server's upload limit; without one a larger video is linked.
    `may_ping` is as in `Poster`.
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
        may_ping: MayPing | None = None,
    ) -> None:
        self._results = results
        self._reactions = reactions
        self._attach_patience_s = settings.attach_patience_s
        self._describe = describe
        self._now = now
        self._post = Poster(
            client,
            settings,
            files=results.files,
            upload_timeout_s=upload_timeout_s,
            now=now,
            channel_queue=channel_queue,
            sleep=sleep,
            may_ping=may_ping,
        )
        self._fetches = FairTurns(jobs.deliveries_at_once, name="fetch")
        self._fitted_results = FittedResult(shrinker, self.show)
        self._pacer = Pacer(
            settings,
            self._draw,
            self._progress,
            self._shared_channel,
            cards_max=jobs.in_flight_max,
            now=now,
            sleep=sleep,
        )

    def keep_pace_with(self, other: "JobCards") -> None:
        """Have the bounds on edits and downloads at once in common with the other; call it before it is entered."""
        self._pacer.keep_pace_with(other._pacer)  # noqa: SLF001 - of the same class
        self._fetches = other._fetches  # noqa: SLF001 - likewise

    async def __aenter__(self) -> Self:
        await self._pacer.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pacer.__aexit__(kind, error, trace)

    def show(self, job: Job, live: Live) -> None:
        """Queue this state for the card; a newer one replaces it. Never raises, never waits."""
        self._pacer.show(job, live)

    def card(self, job: Job, live: Live) -> JobCard:
        """Return the card for this state, as the first answer to a command or button."""
        words = self._describe(job)
        return job_card.status_card(job, live, now=self._now(), mode_title=words.mode_title, settings=words.settings)

    async def ask(self, job: Job, live: Live) -> MessageRef:
        """Make the card ask for approval, or post a new one if it is gone; returns once Discord has it.

        Raises:
            DiscordBusy: try again later.
            DeliveryError: Discord will never take it.
        """
        await self._pacer.end(job)
        content = MessageContent(self.card(job, live), announcement=approval_announcement(job), keep=True)
        return await self._post.last(job, content)

    async def finish(self, job: Job, live: Live) -> MessageRef | None:
        """Show on the card how a job ended whose video is not on it; None, and a line in the log, if Discord refuses.

        Raises:
            DiscordBusy: try again later.
        """
        await self._pacer.end(job)
        card = self.card(job, live)
        content = MessageContent(card, announcement=end_announcement(job), note=_note(job, card), tells=end_kind(job))
        try:
            return await self._post.last(job, content)
        except DiscordBusy:
            raise
        except DeliveryError as error:
            _LOG.warning("the card of job %s could not say how it ended: %s", job.id, error)
            return None

    async def fetch(self, job: Job) -> LinkReason | None:
        """Download the job's video. Never raises. Returns why there is none, or None."""
        try:
            await self._fetched(job)
        except NotFetched as error:
            return _why(job, error)
        return None

    async def _fetched(self, job: Job) -> Fetched:
        if (known := self._results.known(job)) is not None:
            return known
        async with self._fetches.turn(job.requester):
            return await self._results.fetch(job)

    async def prepare(self, job: Job) -> LinkReason | None:
        """Download the job's video and encode it down to the server's upload limit. Never raises.

        Separate from `deliver`, so that minutes of encoding do not block other deliveries. Returns why there is no
        video to attach, or None.
        """
        try:
            fitting = await self._fitted_results.fitted(job, await self._fetched(job), self._limit_bytes(job))
        except NotFetched as error:
            return _why(job, error)
        return "too_large" if fitting is None else None

    async def deliver(self, job: Job) -> Posted:
        """Put the job's video, or else fal's link to it, on its card; no progress is shown afterwards.

        Repeating it after a crash changes nothing visible: the edit replaces the attachment by the same file.

        Raises:
            DiscordBusy: try again later. The link is posted instead only after `attach_patience_s`.
            DeliveryError: neither the file nor the link could be posted.
        """
        try:
            delivered = await self._delivered(job)
            await self._results.kept(job)
        except BaseException:
            self._pacer.resume(job)
            raise
        self._offer(delivered)
        return delivered

    async def deliver_arriving(self, job: Job, turn: AbstractAsyncContextManager[None]) -> Posted | None:
        """Put the video that `fetch` is downloading on its card while it arrives, once it surely plays.

        It is posted in the turn, and only by the interaction's token: by another route the edits of other cards would
        wait for the download. Returns None, and `deliver` is to be called after the download, if that cannot be, or
        Discord did not take it at once: an upload that breaks off changes nothing.
        """
        video, limit_bytes = await self._results.arriving(job), self._limit_bytes(job)
        if video is None or video.arrival is None or video.size_bytes > limit_bytes:
            return None
        try:
            async with turn:
                if self._post.route(job) != "token":
                    return None
                await self._pacer.end(job)
                delivered = await self._attached(job, video, limit_bytes)
            await video.arrival.over()
            await self._results.kept(job)
        except BaseException as error:
            self._pacer.resume(job)
            if not isinstance(error, DeliveryError):
                raise
            if isinstance(error, TooLarge):
                self._fitted_results.note_refused(job, limit_bytes)
            _LOG.info("the video of job %s is posted once it is whole: %s", job.id, error)
            return None
        self._offer(delivered)
        return delivered

    async def replace_link(self, job: Job) -> Posted:
        """Put the video on a card that has only fal's link.

        Raises:
            CardGone: somebody deleted the card.
            DeliveryError: the video could not be attached; the card is as it was.
        """
        limit_bytes = self._limit_bytes(job)
        try:
            fitting = await self._fitting(job, limit_bytes)
        except NotFetched as error:
            raise DeliveryError(str(error)) from error
        delivered = await self._attached(job, fitting, limit_bytes, anew=False)
        if delivered.ref.message_id != job.address.message_id:
            self._offer(delivered)
        return delivered

    async def link_children(self, job: Job, children: Sequence[Job]) -> None:
        """Draw the card of a posted video again, with links to the videos that were made of it.

        Raises:
            DiscordRefused: Discord did not take it.
        """
        if job.posted is not None:
            await self._post.redraw(job, self._finished(job, job.posted, children))

    async def mail(self, job: Job, *, video_only: bool = False) -> Posted:
        """Send the job's video, or else fal's link unless `video_only`, to its member by direct message.

        Raises:
            DeliveryError: Discord did not take it, as when the member accepts no direct messages.
        """
        reason: LinkReason = "too_large"
        try:
            fitting = await self._fitting(job, UPLOAD_BYTES_MAX)
            return await self._mailed(job, PostedVideo(fitting.size_bytes, pixels=fitting.pixels), fitting)
        except NotFetched as error:
            reason = error.reason
        except TooLarge:
            pass
        if video_only:
            raise DeliveryError(f"there is no video to attach: {reason}")
        size_bytes = job.result.size_bytes if job.result else None
        return await self._mailed(job, PostedVideo(size_bytes, reason, UPLOAD_BYTES_MAX), None)

    async def _mailed(self, job: Job, posted: PostedVideo, video: Fetched | None) -> Posted:
        posted = named(job, posted, video)
        card = job_card.mailed_card(self._finished(job, posted), job)
        content = MessageContent(card, file=video and video.path, file_name=posted.file_name, note=_note(job, card))
        return Posted(await self._post.mail(job, content), posted.reason, posted)

    async def _fitting(self, job: Job, limit_bytes: int) -> Fetched:
        """Return the video, or a copy that fits.

        Raises:
            NotFetched: it is not there.
            TooLarge: it cannot be made to fit.
        """
        fitting = await self._fitted_results.fitted(job, await self._results.fetch(job), limit_bytes)
        if fitting is None:
            raise TooLarge(f"the video cannot be made to fit {limit_bytes} bytes")
        return fitting

    def _offer(self, delivered: Posted) -> None:
        if self._reactions is not None:
            self._reactions.offer(delivered.ref.channel_id, delivered.ref.message_id)

    async def _delivered(self, job: Job) -> Posted:
        """Post the video, or smaller versions while Discord finds it too large, else the link."""
        limit_bytes = self._limit_bytes(job)
        size_bytes = job.result.size_bytes if job.result else None
        reason: LinkReason = "too_large"
        try:
            video = await self._results.fetch(job)
            size_bytes = video.size_bytes
            fitting = await self._fitted_results.fitted(job, video, limit_bytes)
            while fitting is not None:
                await self._pacer.end(job)
                try:
                    return await self._attached(job, fitting, limit_bytes)
                except TooLarge:
                    self._pacer.resume(job)
                    fitting = await self._fitted_results.smaller(job, video, fitting)
        except NotFetched as error:
            reason = error.reason
        except DeliveryError as error:
            if isinstance(error, DiscordBusy) and self._may_wait(job):
                # Discord may be back in seconds, while a posted link stays and expires within days.
                raise
            _LOG.warning("the video of job %s could not be attached, so its link is posted: %s", job.id, error)
            reason = (
                "busy" if isinstance(error, DiscordBusy) else "forbidden" if isinstance(error, Forbidden) else "refused"
            )
        await self._pacer.end(job)
        return await self._last(job, PostedVideo(size_bytes, reason, limit_bytes), None)

    async def _attached(self, job: Job, video: Fetched, limit_bytes: int, *, anew: bool = True) -> Posted:
        """Post the file. A smaller copy is deleted afterwards; the original is kept."""
        # If the first upload was refused, the limit that Wanda knew is wrong.
        known = None if video.is_second_try else limit_bytes
        posted = PostedVideo(video.size_bytes, limit_bytes=known, pixels=video.pixels)
        message = await self._last(job, posted, video, anew=anew)
        await self._fitted_results.forget(video)
        return message

    def _limit_bytes(self, job: Job) -> int:
        return self._post.limit_bytes(job, self._post.route(job))

    def _may_wait(self, job: Job) -> bool:
        """Return whether the job ended so recently that it is better to attach the video later than to link it now."""
        now = self._now()
        return now < (job.completed_at or now) + self._attach_patience_s

    async def _last(self, job: Job, posted: PostedVideo, video: Fetched | None, *, anew: bool = True) -> Posted:
        posted = named(job, posted, video)
        card = self._finished(job, posted)
        ready = f"<@{job.member_id}>, your video is ready."
        tells: NoticeKind | None = None if job.state == "done" else "ready"  # a late video was told with its link
        note = _note(job, card)
        content = MessageContent(
            card,
            announcement=ready,
            file=video and video.path,
            file_name=posted.file_name,
            arrival=video and video.arrival,
            note=note,
            tells=tells,
        )
        return Posted(await self._post.last(job, content, anew=anew), posted.reason, posted)

    def _finished(self, job: Job, posted: PostedVideo, children: Sequence[Job] = ()) -> JobCard:
        words = self._describe(job)
        return job_card.finished_card(
            job, posted, mode_title=words.mode_title, settings=words.settings, children=children
        )

    async def _progress(self, job: Job, card: JobCard) -> EditOutcome:
        return await self._post.progress(job, card)

    def _draw(self, frame: Frame) -> JobCard:
        return self.card(frame.job, frame.live)

    def _shared_channel(self, job: Job) -> int | None:
        """Return the channel whose rate limit an edit would use; None if it would use the interaction's token."""
        return None if self._post.route(job) == "token" else job.address.channel_id


def _why(job: Job, error: NotFetched) -> LinkReason:
    _LOG.warning("the video of job %s is not here: %s", job.id, error)
    return error.reason


def _note(job: Job, card: JobCard) -> str:
    """Return fal's link as the content of a text file, if the card has one."""
    return job.result.url if card.files and job.result is not None else ""


def named(job: Job, posted: PostedVideo, video: Fetched | None) -> PostedVideo:
    """Return it with the name that its file gets."""
    return replace(posted, file_name="" if video is None else file_name(job, video.ending))


def file_name(job: Job, ending: str = "mp4") -> str:
    """Return the attachment's name in lower-case ASCII letters, digits, dots and dashes: wanda-wan27-image-42.mp4.

    Its ending tells the format, and the mark before it that Discord hides it as a spoiler.
    """
    reported = reported_seed(job)
    seed = short_id(job.id) if reported is None else reported
    number = "" if job.variation is None else f"-{job.variation.number}"  # names in one message have to differ
    stem = _NOT_IN_A_NAME.sub("-", f"wanda-{job.mode}-{seed}{number}".lower())[:80]
    return f"{spoiler_mark(job)}{stem}.{ending}"
