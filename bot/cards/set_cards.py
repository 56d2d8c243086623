"""The one message of several variations: their progress, then the gallery of their videos."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from typing import Any

from bot.cards.film_cards import FilmCards
from bot.cards.job_cards import JobCards
from bot.cards.shared_cards import Shared, SharedCards
from bot.catalogue.price import PriceTable
from bot.errors import Refusal
from bot.jobs.model import Job, LinkReason, Live
from bot.jobs.pick_rows import counted_votes, get_pick
from bot.jobs.queries import get, jobs_of_set
from bot.jobs.rerun import at_highest_resolution
from bot.runner.cards_port import MessageRef, Posted
from bot.storage.transaction import Store, Transaction
from bot.texts.card import JobCard
from bot.texts.draft_pick import Picking, final_of
from bot.texts.set_card import is_on_message, is_shown, place_of, set_card

_FACE = "set "


@dataclass(slots=True)
class SharedSet(Shared):
    """What is known of a set; drafts have a `picking`."""

    picking: Picking | None = None


class SetCards(SharedCards[SharedSet]):
    """The cards of jobs that are one of a set, as long as they have their message in common."""

    def __init__(self, prices: PriceTable, store: Store, *args: Any, **options: Any) -> None:
        """The arguments after `prices` are those of `SharedCards`."""
        super().__init__(store, *args, **options)
        self._prices = prices

    async def redraw(self, job: Job) -> None:
        """Draw the message of this job's set once, as everything stands now; its files stay.

        Raises:
            DiscordRefused: Discord did not take it.
            DiscordBusy: the database did not answer.
        """
        key = self._key(job)
        shared = self._shared(key)
        try:
            async with shared.lock:
                await self._read(shared, key)
                await self._post.redraw(job, self._drawn(shared))
        finally:
            if not shared.is_read or shared.has_ended():
                self._all.pop(key, None)

    def _key(self, job: Job) -> str:
        return job.set_id

    def _nothing(self) -> SharedSet:
        return SharedSet()

    async def _learn_stored(self, shared: SharedSet, key: str) -> None:
        jobs, shared.picking = await self._store.read(_stored_set(key))
        for stored in jobs:
            shared.learn(stored)

    def _drawn(self, shared: SharedSet) -> JobCard:
        jobs = _in_order(shared)
        told = self._describe(jobs[0])
        lives = {place_of(job).number: shared.lives.get(job.id, Live()) for job in jobs}
        return set_card(
            jobs,
            lives,
            now=self._now(),
            mode_title=told.mode_title,
            settings=told.settings,
            picking=shared.picking,
            finals_microusd={place_of(job).number: cost for job in jobs if (cost := self._final_microusd(job))},
        )

    def _final_microusd(self, job: Job) -> int | None:
        """Return what the job's video costs at the highest resolution, None where that is not known."""
        if job.state == "done":
            with suppress(Refusal):
                return at_highest_resolution(job).quote(self._prices).microusd
        return None

    def _face(self, shared: SharedSet) -> Job:
        jobs = _in_order(shared)
        newest = max(job.updated_at for job in jobs)
        shown = next((job for job in jobs if is_on_message(job)), jobs[0])
        return replace(shown, id=f"{_FACE}{shown.set_id}", updated_at=newest)

    def _key_of_face(self, face: Job) -> str:
        return face.id.removeprefix(_FACE)

    def _ended(self, job: Job, shared: SharedSet, *, is_there: bool) -> None:
        if is_there and any(map(is_shown, shared.jobs.values())):
            self._offer_on(job)


def _stored_set(set_id: str) -> Transaction[tuple[tuple[Job, ...], Picking | None]]:
    """Return the jobs of a set; of drafts, the pick among them too, with its votes and its final."""
    jobs = yield from jobs_of_set(set_id)
    pick = (yield from get_pick(set_id)) if jobs and final_of(jobs) is not None else None
    if pick is None:
        return jobs, None
    votes = (yield from counted_votes(set_id)) if pick.state == "voting" else {}
    final = (yield from get(pick.final_id)) if pick.state == "made" else None
    return jobs, Picking(pick, votes, final)


def _in_order(shared: Shared) -> list[Job]:
    return sorted(shared.jobs.values(), key=lambda job: place_of(job).number)


class CardsOfOrders:
    """Implements `bot.runner.cards_port.Cards`: jobs of a set or a film share a message; each other job has its own."""

    def __init__(self, single: JobCards, of_sets: SetCards, of_films: FilmCards) -> None:
        self._single = single
        self._of_sets = of_sets
        self.of_films = of_films

    def _of(self, job: Job) -> JobCards:
        if job.part is not None and job.address.message_id == job.part.message_id:
            return self.of_films
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

    async def redraw_set(self, job: Job) -> None:
        """Draw the message of this job's set again; raises as `SetCards.redraw`."""
        await self._of_sets.redraw(job)

    async def link_children(self, job: Job, children: Sequence[Job]) -> None:
        """Draw the job's card again, with links to what was made of it; raises as `JobCards.link_children`."""
        await self._of(job).link_children(job, children)

    async def fetch(self, job: Job) -> LinkReason | None:
        """Download the job's video; returns why there is none."""
        return await self._of(job).fetch(job)

    async def prepare(self, job: Job) -> LinkReason | None:
        """Have the job's video on disk; returns why not."""
        return await self._of(job).prepare(job)

    async def deliver(self, job: Job) -> Posted:
        """Put the job's video on its card; raises as `Cards.deliver`."""
        return await self._of(job).deliver(job)

    async def deliver_arriving(self, job: Job, turn: AbstractAsyncContextManager[None]) -> Posted | None:
        """Put the job's video on its card while it arrives; None if that cannot be."""
        return await self._of(job).deliver_arriving(job, turn)

    async def replace_link(self, job: Job) -> Posted:
        """Put the video in place of its link; raises as `Cards.replace_link`."""
        return await self._of(job).replace_link(job)

    async def mail(self, job: Job, *, video_only: bool = False) -> Posted:
        """Send the job's video by direct message; raises as `Cards.mail`."""
        return await self._of(job).mail(job, video_only=video_only)
