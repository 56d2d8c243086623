"""The one message of a film: how far its shots are, their videos, and the joined film before them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bot.cards.poster import MessageContent
from bot.cards.shared_cards import Shared, SharedCards
from bot.errors import DeliveryError, DiscordBusy
from bot.films.model import ENDED, Film
from bot.films.transactions import film_with_jobs
from bot.jobs.model import FINISHED, Job, LinkReason, Live, PostedVideo
from bot.jobs.notices import NoticeKind
from bot.jobs.short_id import short_id
from bot.runner.cards_port import MessageRef, Posted
from bot.runner.film_cards_port import NOTHING_KNOWN
from bot.texts.card import FILE, JobCard
from bot.texts.film_card import film_card, is_spoiler
from bot.texts.notices import film_announcement
from bot.texts.result_link import SPOILER_MARK

_QUIET = ENDED | {"paused"}


@dataclass(slots=True)
class SharedFilm(Shared):
    """What is known of one film."""

    film: Film | None = None

    def learn_all(self, film: Film, jobs: Mapping[str, Job]) -> None:
        """Keep the film and its jobs, unless newer states of them are known."""
        if self.film is None or film.updated_at >= self.film.updated_at:
            self.film = film
        for job in jobs.values():
            self.learn(job)

    def has_ended(self) -> bool:
        """Return whether nothing of it changes before somebody decides something."""
        is_quiet = self.film is None or self.film.state in _QUIET
        return self.is_read and is_quiet and all(job.state in FINISHED for job in self.jobs.values())


class FilmCards(SharedCards[SharedFilm]):
    """The cards of films and of their shots; implements `bot.runner.film_cards_port.FilmCards` too."""

    def show_film(self, film: Film, jobs: Mapping[str, Job], live: Live = NOTHING_KNOWN) -> None:
        """Queue this state of the film for its message, and how far its joining is. Never raises, never waits."""
        shared = self._learned(film, jobs)
        shared.lives[film.id] = live
        if shared.jobs:
            self._pace(shared)

    def limit_bytes(self, film: Film, jobs: Mapping[str, Job]) -> int:
        """Return how large a file the film's message takes now."""
        return self._limit_bytes(_face(film, jobs))

    async def deliver_film(
        self,
        film: Film,
        jobs: Mapping[str, Job],
        path: Path | None,
        *,
        reason: LinkReason | None = None,
    ) -> Posted:
        """Put the joined film into its message, before its parts; without a `path` say why it is not there: `reason`.

        Files of former takes leave the message. Repeating it after a crash changes nothing that people see.

        Raises:
            TooLarge: Discord refused the file's size.
            DiscordBusy: try again later.
            DeliveryError: it could not be posted.
        """
        name = "" if path is None else film_name(film)
        size = None if path is None else (await asyncio.to_thread(path.stat)).st_size
        posted = PostedVideo(size, reason, file_name=name)
        ready = replace(film, state="done", posted=posted)
        ref = await self._redrawn(ready, jobs, path, name)
        if ref is None:
            ref = await self._anew(ready, jobs, path, name)
        return Posted(ref, reason, posted)

    async def finish_film(self, film: Film, jobs: Mapping[str, Job]) -> MessageRef | None:
        """Have the message say how the film stands: paused, or ended without a film. None if Discord refuses.

        Raises:
            DiscordBusy: try again later.
        """
        try:
            ref = await self._redrawn(film, jobs, None, "")
            return ref or await self._anew(film, jobs, None, "")
        except DiscordBusy:
            raise
        except DeliveryError:
            return None

    async def _redrawn(self, film: Film, jobs: Mapping[str, Job], path: Path | None, name: str) -> MessageRef | None:
        """Edit the film's message; None if it is gone."""
        shared = self._learned(film, jobs)
        async with shared.lock:
            await self._read(shared, film.id)
            before, shared.film = shared.film, film
            try:
                content = self._content(shared, self._drawn(shared), path, name)
                is_there = await self._post.share(self._face(shared), content)
            except BaseException:
                shared.film = before
                raise
        if shared.has_ended():
            await self._pacer.end(self._face(shared))
            self._all.pop(film.id, None)
        return MessageRef(film.address.channel_id, film.address.message_id) if is_there else None

    async def _anew(self, film: Film, jobs: Mapping[str, Job], path: Path | None, name: str) -> MessageRef:
        """Post a message of the film in place of its old one, which took the parts with it, instead of a notice."""
        alone = replace(film, address=replace(film.address, message_id=0))
        card = film_card(alone, jobs, {}, now=self._now())
        tells: NoticeKind | None = "ready" if path is not None else "failed" if film.state == "paused" else None
        announcement = film_announcement(film.who.member_id, tells)
        content = MessageContent(card, announcement=announcement, file=path, file_name=name or "wanda.mp4", tells=tells)
        return await self._post.alone(_face(film, jobs), content)

    def _learned(self, film: Film, jobs: Mapping[str, Job]) -> SharedFilm:
        shared = self._shared(film.id)
        shared.learn_all(film, jobs)
        return shared

    def _key(self, job: Job) -> str:
        return job.id if job.part is None else job.part.film_id

    def _nothing(self) -> SharedFilm:
        return SharedFilm()

    async def _learn_stored(self, shared: SharedFilm, key: str) -> None:
        found = await self._store.read(film_with_jobs(key))
        if found is not None:
            film, jobs = found
            shared.learn_all(film, jobs)

    def _content(self, shared: SharedFilm, card: JobCard, path: Path | None, file_name: str) -> MessageContent:
        """Return the content; files of former takes, which the card does not name, leave the message."""
        named = frozenset(item.source.removeprefix(FILE) for item in (*card.media, *card.parts))
        return replace(super()._content(shared, card, path, file_name), stay=named)

    def _drawn(self, shared: SharedFilm) -> JobCard:
        if shared.film is None:  # deleted, or of a later version
            job = next(iter(shared.jobs.values()))
            return self.card(job, shared.lives.get(job.id, Live()))
        return film_card(shared.film, shared.jobs, shared.lives, now=self._now())

    def _face(self, shared: SharedFilm) -> Job:
        if shared.film is None:
            return next(iter(shared.jobs.values()))
        return _face(shared.film, shared.jobs)

    def _key_of_face(self, face: Job) -> str:
        return face.id if face.part is None else face.part.film_id

    def _tells_alone(self, job: Job) -> NoticeKind | None:
        """A shot is part of a film, which has a notice of its own."""
        del job
        return None


def _face(film: Film, jobs: Mapping[str, Job]) -> Job:
    """Return what stands for the film where messages are edited: a job with its id and address."""
    some = next(iter(jobs.values()))
    newest = max(film.updated_at, *(job.updated_at for job in jobs.values()))
    return replace(some, id=film.id, address=film.address, updated_at=newest)


def film_name(film: Film) -> str:
    """Return the name of the film's file; another one for each time it was joined anew."""
    number = "" if film.revision == 1 else f"-{film.revision}"
    return f"{SPOILER_MARK if is_spoiler(film) else ''}wanda-film-{short_id(film.id)}{number}.mp4"
