"""Cards of jobs that have one message in common: it shows how far each is, and the videos as they are made.

Each job is driven by itself and says here what became of it; every edit draws all of them. Edits of one message go one
after the other. What is drawn comes from the database and, where that is newer, from what the jobs said since. A video
is added to the files that the message has: these are kept by their ids, and one of the same name is not sent again, so
a delivery may be repeated after a crash. The limit of an upload is that of each file.
https://discord.com/developers/docs/reference#uploading-files

Where the message is gone or too old, a video is posted by itself, as that of a single job.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from bot.cards.job_cards import JobCards, named
from bot.cards.pacer import EditOutcome, Frame
from bot.cards.poster import MessageContent
from bot.cards.result_file import Fetched
from bot.errors import CardGone, DeliveryError, DiscordBusy, StorageError
from bot.jobs.model import FINISHED, Job, Live, PostedVideo
from bot.jobs.notices import NoticeKind, end_kind
from bot.runner.cards_port import MessageRef, Posted
from bot.storage.transaction import Store
from bot.texts.card import JobCard
from bot.texts.ending import approval_announcement, end_announcement

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Shared:
    """What is known of the jobs of one message, by id; `lock` is held while it is edited."""

    jobs: dict[str, Job] = field(default_factory=dict[str, Job])
    lives: dict[str, Live] = field(default_factory=dict[str, Live])
    is_read: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def learn(self, job: Job) -> None:
        """Keep the job, unless a newer state of it is known: its message may show an end that is not stored yet."""
        known = self.jobs.get(job.id)
        if known is None or (job.updated_at, known.state not in FINISHED) > (known.updated_at, False):
            self.jobs[job.id] = job

    def has_ended(self) -> bool:
        """Return whether nothing of it changes any more."""
        return self.is_read and all(job.state in FINISHED for job in self.jobs.values())


SharedT = TypeVar("SharedT", bound=Shared)


class SharedCards(JobCards, Generic[SharedT]):
    """A subclass says which jobs share a message, reads and draws them."""

    def __init__(self, store: Store, *args: Any, beside: JobCards | None = None, **options: Any) -> None:
        """The arguments are those of `JobCards`, whose pace `beside` has in common with this one."""
        super().__init__(*args, **options)
        if beside is not None:
            self.keep_pace_with(beside)
        self._store = store
        self._all: dict[str, SharedT] = {}  # by what the jobs have in common

    def _key(self, job: Job) -> str:
        """Return the id of what the job shares its message with."""
        raise NotImplementedError

    def _nothing(self) -> SharedT:
        """Return what is known at first."""
        raise NotImplementedError

    async def _learn_stored(self, shared: SharedT, key: str) -> None:
        """Learn what is stored; raises StorageError."""
        raise NotImplementedError

    def _drawn(self, shared: SharedT) -> JobCard:
        """Return the card of all of them."""
        raise NotImplementedError

    def _face(self, shared: SharedT) -> Job:
        """Return what stands for all of them where their message is paced: a job whose id is no job's."""
        raise NotImplementedError

    def _key_of_face(self, face: Job) -> str:
        """Return the key of what a face stands for."""
        raise NotImplementedError

    def show(self, job: Job, live: Live) -> None:
        """Queue this state for the message. Never raises, never waits."""
        if job.state in FINISHED and job.told:
            return
        shared = self._shared(self._key(job))
        shared.learn(job)
        shared.lives[job.id] = live
        self._pace(shared)

    def _pace(self, shared: SharedT) -> None:
        self._pacer.show(self._face(shared), Live())

    async def ask(self, job: Job, live: Live) -> MessageRef:
        """Have the message ask for approval, or post one for this job if it is gone."""
        if await self._edited(job, None, ""):
            return MessageRef(job.address.channel_id, job.address.message_id)
        content = MessageContent(self.card(job, live), announcement=approval_announcement(job))
        return await self._post.alone(job, content)

    async def finish(self, job: Job, live: Live) -> MessageRef | None:
        """Have the message say how this job ended; its own message does if that one is gone."""
        try:
            if await self._edited(job, None, ""):
                return MessageRef(job.address.channel_id, job.address.message_id)
            return await self._post.alone(job, self._end(job, live))
        except DiscordBusy:
            raise
        except DeliveryError as error:
            _LOG.warning("the shared message of job %s could not say how it ended: %s", job.id, error)
            return None

    def _end(self, job: Job, live: Live) -> MessageContent:
        return MessageContent(self.card(job, live), announcement=end_announcement(job), tells=end_kind(job))

    async def deliver_arriving(self, job: Job, turn: AbstractAsyncContextManager[None]) -> Posted | None:
        """Return None: a slow download would keep the others' edits of the message waiting."""
        del job, turn

    async def link_children(self, job: Job, children: Sequence[Job]) -> None:
        """Do nothing: the line of one of several jobs has no room for what was made of it."""

    async def _last(self, job: Job, posted: PostedVideo, video: Fetched | None, *, anew: bool = True) -> Posted:
        posted, path = named(job, posted, video), video and video.path
        ready = replace(job, state="done", posted=posted, late_at=None)
        if await self._edited(ready, path, posted.file_name):
            return Posted(MessageRef(job.address.channel_id, job.address.message_id), posted.reason, posted)
        if not anew:
            raise CardGone("the shared message was deleted")
        content = MessageContent(
            self._finished(job, posted),
            announcement=f"<@{job.member_id}>, your video is ready.",
            file=path,
            file_name=posted.file_name,
            tells=self._tells_alone(job),
        )
        return Posted(await self._post.alone(job, content), posted.reason, posted)

    def _tells_alone(self, job: Job) -> NoticeKind | None:
        """Return what a message of the job's own pings its member for."""
        del job
        return "ready"

    async def _edited(self, job: Job, path: Path | None, file_name: str) -> bool:
        """Draw all with this state of the job, and add its file; return False if the message is gone."""
        key = self._key(job)
        shared = self._shared(key)
        async with shared.lock:
            await self._read(shared, key)
            before = shared.jobs.get(job.id)
            shared.jobs[job.id] = job
            content = self._content(shared, self._drawn(shared), path, file_name)
            try:
                is_there = await self._post.share(job, content)
            except BaseException:
                if before is not None:
                    shared.jobs[job.id] = before
                raise
        if shared.has_ended():
            # Not while the lock is held: an edit of the pacer's may be waiting for it.
            await self._pacer.end(self._face(shared))
            self._all.pop(key, None)
            self._ended(job, shared, is_there=is_there)
        return is_there

    def _content(self, shared: SharedT, card: JobCard, path: Path | None, file_name: str) -> MessageContent:
        """Return what an edit of the message sends."""
        del shared
        return MessageContent(card, file=path, file_name=file_name or "wanda.mp4")

    def _ended(self, job: Job, shared: SharedT, *, is_there: bool) -> None:
        """Do what is due once nothing of it changes any more."""

    def _offer(self, delivered: Posted) -> None:
        """Do nothing: each video is only one of several."""

    def _offer_on(self, job: Job) -> None:
        """Offer reactions below the shared message."""
        super()._offer(Posted(MessageRef(job.address.channel_id, job.address.message_id)))

    async def _read(self, shared: SharedT, key: str) -> None:
        """Learn what is stored.

        Raises:
            DiscordBusy: the database did not answer, and not all of it is known.
        """
        try:
            await self._learn_stored(shared, key)
            shared.is_read = True
        except StorageError as error:
            if not shared.is_read:
                raise DiscordBusy("The other videos could not be read; Wanda tries again by herself.") from error

    async def _progress(self, job: Job, card: JobCard) -> EditOutcome:
        """Edit the message with what is known now: `card` may have been drawn before a video was added."""
        del card
        key = self._key_of_face(job)
        shared = self._all.get(key)
        if shared is None:
            return "skipped"
        async with shared.lock:
            if shared.has_ended():
                return "skipped"
            await self._read(shared, key)
            return await self._post.progress(job, self._drawn(shared))

    def _draw(self, frame: Frame) -> JobCard:
        shared = self._all.get(self._key_of_face(frame.job))
        return self.card(frame.job, frame.live) if shared is None else self._drawn(shared)

    def _shared(self, key: str) -> SharedT:
        return self._all.setdefault(key, self._nothing())
