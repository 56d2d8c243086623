"""The one message of several variations: their progress, then the gallery of their videos."""

from collections.abc import Sequence
from dataclasses import replace

from bot.cards.film_cards import FilmCards
from bot.cards.job_cards import JobCards
from bot.cards.shared_cards import Shared, SharedCards
from bot.jobs.model import Job, LinkReason, Live
from bot.jobs.queries import jobs_of_set
from bot.runner.cards_port import MessageRef, Posted
from bot.texts.card import JobCard
from bot.texts.set_card import is_on_message, is_shown, place_of, set_card

_FACE = "set "


class SetCards(SharedCards[Shared]):
    """The cards of jobs that are one of a set, as long as they have their message in common."""

    def _key(self, job: Job) -> str:
        return job.set_id

    def _nothing(self) -> Shared:
        return Shared()

    async def _learn_stored(self, shared: Shared, key: str) -> None:
        for stored in await self._store.read(jobs_of_set(key)):
            shared.learn(stored)

    def _drawn(self, shared: Shared) -> JobCard:
        jobs = _in_order(shared)
        told = self._describe(jobs[0])
        lives = {place_of(job).number: shared.lives.get(job.id, Live()) for job in jobs}
        return set_card(jobs, lives, now=self._now(), mode_title=told.mode_title, settings=told.settings)

    def _face(self, shared: Shared) -> Job:
        jobs = _in_order(shared)
        newest = max(job.updated_at for job in jobs)
        shown = next((job for job in jobs if is_on_message(job)), jobs[0])
        return replace(shown, id=f"{_FACE}{shown.set_id}", updated_at=newest)

    def _key_of_face(self, face: Job) -> str:
        return face.id.removeprefix(_FACE)

    def _ended(self, job: Job, shared: Shared, *, is_there: bool) -> None:
        if is_there and any(map(is_shown, shared.jobs.values())):
            self._offer_on(job)


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
