"""The one message of several variations: their progress, then the gallery of their videos.

Each job of a set is driven by itself and says here what became of it; every edit draws the whole set. Edits of one set
go one after the other. What is drawn comes from the database and, where that is newer, from what the jobs said since.
A video is added to the files that the message has: these are kept by their ids, and one of the same name is not sent
again, so a delivery may be repeated after a crash. The limit of an upload is that of each file.
https://discord.com/developers/docs/reference#uploading-files

Where the message is gone or too old, a video is posted by itself, as that of a single job.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.cards.job_cards import JobCards, named
from bot.cards.pacer import EditOutcome, Frame
from bot.cards.poster import MessageContent
from bot.errors import CardGone, DeliveryError, DiscordBusy, StorageError
from bot.jobs.model import FINISHED, Job, LinkReason, Live, PostedVideo
from bot.jobs.notices import end_kind
from bot.jobs.queries import jobs_of_set
from bot.runner.cards_port import MessageRef, Posted
from bot.storage.transaction import Store
from bot.texts import set_card as words
from bot.texts.card import JobCard
from bot.texts.ending import approval_announcement, end_announcement
from bot.texts.set_card import is_on_message, place_of, set_card

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Shared:
    """What is known of one set, by number; `lock` is held while its message is edited."""

    jobs: dict[int, Job] = field(default_factory=dict[int, Job])
    lives: dict[int, Live] = field(default_factory=dict[int, Live])
    is_read: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def learn(self, job: Job) -> None:
        """Keep the job, unless a newer state of it is known: its message may show an end that is not stored yet."""
        number = place_of(job).number
        known = self.jobs.get(number)
        if known is None or (job.updated_at, known.state not in FINISHED) > (known.updated_at, False):
            self.jobs[number] = job

    def in_order(self) -> list[Job]:
        return [self.jobs[number] for number in sorted(self.jobs)]

    def has_ended(self) -> bool:
        jobs = self.in_order()
        return self.is_read and all(job.state in FINISHED for job in jobs)


class SetCards(JobCards):
    """The cards of jobs that are one of a set, as long as they have their message in common."""

    def __init__(self, store: Store, *args: Any, beside: JobCards | None = None, **options: Any) -> None:
        """The arguments are those of `JobCards`, whose pace `beside` has in common with this one."""
        super().__init__(*args, **options)
        if beside is not None:
            self.keep_pace_with(beside)
        self._store = store
        self._sets: dict[str, _Shared] = {}

    def show(self, job: Job, live: Live) -> None:
        """Queue this state for the set's message. Never raises, never waits."""
        if job.state in FINISHED and job.told:
            return
        shared = self._shared(job)
        shared.learn(job)
        shared.lives[place_of(job).number] = live
        self._pacer.show(_face(shared), live)

    async def ask(self, job: Job, live: Live) -> MessageRef:
        """Have the message ask for approval, or post one for this job if it is gone."""
        if await self._redrawn(job):
            return MessageRef(job.address.channel_id, job.address.message_id)
        content = MessageContent(self.card(job, live), announcement=approval_announcement(job))
        return await self._post.alone(job, content)

    async def finish(self, job: Job, live: Live) -> MessageRef | None:
        """Have the message say how this job ended; its own message does if that one is gone."""
        try:
            if await self._redrawn(job):
                return MessageRef(job.address.channel_id, job.address.message_id)
            content = MessageContent(self.card(job, live), announcement=end_announcement(job), tells=end_kind(job))
            return await self._post.alone(job, content)
        except DiscordBusy:
            raise
        except DeliveryError as error:
            _LOG.warning("the message of set %s could not say how job %s ended: %s", job.set_id, job.id, error)
            return None

    async def link_children(self, job: Job, children: Sequence[Job]) -> None:
        """Do nothing: the line of a variation has no room for what was made of it."""

    async def _redrawn(self, job: Job) -> bool:
        """Draw the whole set anew with this state of the job; return False if its message is gone."""
        return await self._edited(job, None, "")

    async def _last(self, job: Job, posted: PostedVideo, path: Path | None, *, anew: bool = True) -> Posted:
        posted = await named(job, posted, path)
        ready = replace(job, state="done", posted=posted, late_at=None)
        if await self._edited(ready, path, posted.file_name):
            return Posted(MessageRef(job.address.channel_id, job.address.message_id), posted.reason, posted)
        if not anew:
            raise CardGone("the message of these variations was deleted")
        content = MessageContent(
            self._finished(job, posted),
            announcement=f"<@{job.member_id}>, your video is ready.",
            file=path,
            file_name=posted.file_name,
            tells="ready",
        )
        return Posted(await self._post.alone(job, content), posted.reason, posted)

    async def _edited(self, job: Job, path: Path | None, file_name: str) -> bool:
        """Draw the set with this state of the job, and add its file; return False if the message is gone."""
        shared = self._shared(job)
        async with shared.lock:
            await self._read(shared, job.set_id)
            before = shared.jobs.get(place_of(job).number)
            shared.jobs[place_of(job).number] = job
            content = MessageContent(self._drawn(shared), file=path, file_name=file_name or "wanda.mp4")
            try:
                is_there = await self._post.share(job, content)
            except BaseException:
                if before is not None:
                    shared.jobs[place_of(job).number] = before
                raise
        if shared.has_ended():
            # Not while the lock is held: an edit of the pacer's may be waiting for it.
            await self._pacer.end(_face(shared))
            self._sets.pop(job.set_id, None)
            self._offer_once(job, shared, is_there=is_there)
        return is_there

    def _offer(self, delivered: Posted) -> None:
        """Do nothing: reactions are offered once, when the set has ended."""

    def _offer_once(self, job: Job, shared: _Shared, *, is_there: bool) -> None:
        if is_there and any(words.is_shown(one) for one in shared.in_order()):
            super()._offer(Posted(MessageRef(job.address.channel_id, job.address.message_id)))

    async def _read(self, shared: _Shared, set_id: str) -> None:
        """Learn the jobs of the set that are stored.

        Raises:
            DiscordBusy: the database did not answer, and not all of them are known.
        """
        try:
            for stored in await self._store.read(jobs_of_set(set_id)):
                shared.learn(stored)
            shared.is_read = True
        except StorageError as error:
            if not shared.is_read:
                raise DiscordBusy("The other variations could not be read; Wanda tries again by herself.") from error

    async def _progress(self, job: Job, card: JobCard) -> EditOutcome:
        """Edit the message with what is known now: `card` may have been drawn before a video was added."""
        del card
        shared = self._sets.get(job.id.removeprefix(_FACE))
        if shared is None:
            return "skipped"
        async with shared.lock:
            if shared.has_ended():
                return "skipped"
            await self._read(shared, job.set_id)
            return await self._post.progress(job, self._drawn(shared))

    def _draw(self, frame: Frame) -> JobCard:
        shared = self._sets.get(frame.job.set_id)
        return self.card(frame.job, frame.live) if shared is None else self._drawn(shared)

    def _drawn(self, shared: _Shared) -> JobCard:
        jobs = shared.in_order()
        told = self._describe(jobs[0])
        return set_card(jobs, shared.lives, now=self._now(), mode_title=told.mode_title, settings=told.settings)

    def _shared(self, job: Job) -> _Shared:
        return self._sets.setdefault(job.set_id, _Shared())


_FACE = "set "


def _face(shared: _Shared) -> Job:
    """Return what stands for the whole set where its message is paced: a job whose id is no job's."""
    jobs = shared.in_order()
    newest = max(job.updated_at for job in jobs)
    shown = next((job for job in jobs if is_on_message(job)), jobs[0])
    return replace(shown, id=f"{_FACE}{shown.set_id}", updated_at=newest)


class CardsOfOrders:
    """Implements `bot.runner.cards_port.Cards`: jobs of a set share a message, and each other job has its own."""

    def __init__(self, single: JobCards, of_sets: SetCards) -> None:
        self._single = single
        self._of_sets = of_sets

    def _of(self, job: Job) -> JobCards:
        return self._of_sets if job.variation is not None and is_on_message(job) else self._single

    def show(self, job: Job, live: Live) -> None:
        """Show this state on the job's card soon."""
        self._of(job).show(job, live)

    async def ask(self, job: Job, live: Live) -> MessageRef:
        """Make the job's card ask for approval; raises as `Cards.ask`."""
        return await self._of(job).ask(job, live)

    async def finish(self, job: Job, live: Live) -> MessageRef | None:
        """Make the job's card say how it ended; raises as `Cards.finish`."""
        return await self._of(job).finish(job, live)

    async def link_children(self, job: Job, children: Sequence[Job]) -> None:
        """Draw the job's card again, with links to what was made of it; raises as `JobCards.link_children`."""
        await self._of(job).link_children(job, children)

    async def prepare(self, job: Job) -> LinkReason | None:
        """Have the job's video on disk; returns why not."""
        return await self._of(job).prepare(job)

    async def deliver(self, job: Job) -> Posted:
        """Put the job's video on its card; raises as `Cards.deliver`."""
        return await self._of(job).deliver(job)

    async def replace_link(self, job: Job) -> Posted:
        """Put the video in place of its link; raises as `Cards.replace_link`."""
        return await self._of(job).replace_link(job)

    async def mail(self, job: Job, *, video_only: bool = False) -> Posted:
        """Send the job's video by direct message; raises as `Cards.mail`."""
        return await self._of(job).mail(job, video_only=video_only)
