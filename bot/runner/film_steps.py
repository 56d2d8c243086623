"""The steps of a film, as `bot.films.plan` names them: each does its work, and stores what became of the film.

Each may be repeated after a crash, by this process or another one: a shot's job has an id that was fixed when the film
was ordered, a joined video is found where it was kept, and a message is edited again.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, TypeAlias

from bot.errors import (
    Busy,
    DeliveryError,
    DiscordBusy,
    EncodeFailed,
    FilesUnavailable,
    NoRoom,
    NotReserved,
    OptionRefused,
    Refusal,
    TooLarge,
)
from bot.films import acts, plan
from bot.films.acts import Act, Change, Jobs
from bot.films.model import Film, Joined
from bot.films.plan import looks_of
from bot.films.quoting import fades_s
from bot.films.transactions import change_film
from bot.jobs.machine import is_cancellable
from bot.jobs.model import Job, Live
from bot.jobs.notices import FilmNews, FilmNotice
from bot.jobs.queries import jobs_by_id
from bot.media.ffmpeg import OnFraction
from bot.media.joiner import JoinedFile
from bot.runner.film_cards_port import FilmCards
from bot.runner.film_files import FilmRequest
from bot.runner.job_counts import count_film
from bot.runner.shot_maker import ShotMaker
from bot.settings import FilmSettings
from bot.storage.transaction import Store
from bot.turns import FairTurns

log = logging.getLogger(__name__)
PATIENCE_S = 6 * 3600.0  # for parts that cannot be had, and for a Discord that does not answer
SMALLER = 0.7  # of a video that Discord did not take for its size
_Outcome: TypeAlias = tuple[Act, FilmNews | None]  # what is stored of a step, and who is told


class Shots(Protocol):
    """The part of `bot.runner.runner.Runner` that is used here."""

    async def accept_reserved(self, job: Job) -> Job:
        """Commit a job whose hold was reserved, and drive it; raises as `Runner`."""
        ...

    async def cancel(self, job_id: str, *, member_id: int) -> str:
        """Cancel a job if that is still possible, and this process is not ending; raises as `Runner`."""
        ...


class JoinedFiles(Protocol):
    """The part of `bot.runner.film_files.FilmFiles` that is used here."""

    async def joined(self, film: FilmRequest, *, on_fraction: OnFraction) -> JoinedFile:
        """Return the joined video, which is kept; raises as `FilmFiles`."""
        ...

    async def forget(self, name: str) -> None:
        """Remove a joined video that was replaced; raises as `FilmFiles`."""
        ...


class FilmSteps:
    """Takes one step of a film at a time."""

    def __init__(
        self,
        *,
        store: Store,
        shots: Shots,
        maker: ShotMaker,
        cards: FilmCards,
        files: JoinedFiles,
        settings: FilmSettings,
        clock: Callable[[], float],
        on_noted: Callable[[], None],
    ) -> None:
        """`on_noted` is called when there is something to tell a member of."""
        self._store = store
        self._shots = shots
        self._maker = maker
        self._cards = cards
        self._files = files
        self._settings = settings
        self._clock = clock
        self._on_noted = on_noted
        self._turns = FairTurns(settings.at_once)

    async def take(self, film: Film, jobs: Jobs, step: plan.Step) -> bool:
        """Take one step in the member's turn; returns False if it cannot be taken now.

        What waits for the encoder or for an upload keeps no turn meanwhile.

        Raises:
            StorageError: the database did not answer.
            Refusal: it cannot be taken now either.
        """
        if isinstance(step, plan.Join | plan.Post):
            return await self._take(film, jobs, step)
        async with self._turns.turn(film.requester):
            return await self._take(film, jobs, step)

    async def _take(self, film: Film, jobs: Jobs, step: plan.Step) -> bool:
        log.info("next: %s", step)
        match step:
            case plan.Begin():
                return await self._begin(film, jobs, step)
            case plan.Show():
                return await self._show(film, jobs)
            case plan.Abort(job_ids):
                return await self._abort(film, job_ids)
            case plan.Join(job_ids):
                return await self._join(film, jobs, job_ids)
            case plan.Post():
                return await self._post(film, jobs)
            case _:
                act = acts.act_of(step, now=self._clock(), life_s=self._settings.life_hours * 3600)
                return await self._change(film, act)

    async def _begin(self, film: Film, jobs: Jobs, step: plan.Begin) -> bool:
        job_id = film.take(step.number).job_id
        try:
            await self._shots.accept_reserved(await self._maker.job(film, jobs, step))
        except (Busy, NoRoom, FilesUnavailable) as error:
            log.info("shot %d begins later: %s", step.number, error)
            return False
        except (NotReserved, Refusal, EncodeFailed) as error:
            log.warning("shot %d cannot be begun: %s", step.number, error)
            await self._maker.forget(job_id)
            now, number = self._clock(), step.number
            return await self._change(film, lambda film, _: acts.missed(film, number=number, job_id=job_id, now=now))
        return True

    async def _abort(self, film: Film, job_ids: Sequence[str]) -> bool:
        """Cancel these jobs; what their rows do not say then is asked again, by this process or the next one."""
        for job_id in job_ids:
            await self._shots.cancel(job_id, member_id=film.who.member_id)
        jobs = await self._store.read(jobs_by_id(job_ids))
        if any(is_cancellable(job) and not job.cancel_requested for job in jobs.values()):
            return False
        return await self._change(film, lambda film, _: acts.aborted(film))

    async def _show(self, film: Film, jobs: Jobs) -> bool:
        address = film.address
        try:
            ref = await self._cards.finish_film(film, jobs)
        except DiscordBusy as error:
            if self._clock() < film.updated_at + PATIENCE_S:
                log.warning("the film's message is changed later: %s", error)
                return False
        else:
            address = address if ref is None else address.moved_to(ref.channel_id, ref.message_id, now=self._clock())
        updated_at = film.updated_at
        is_anew = address.message_id != film.address.message_id
        news = None if film.state != "paused" else _news("film_paused", film, _missing(film, jobs), is_anew)
        return await self._change(film, lambda film, _: acts.shown(film, address, updated_at=updated_at), news)

    async def _join(self, film: Film, jobs: Jobs, job_ids: Sequence[str]) -> bool:
        now = self._clock()
        if film.state != "joining":
            return await self._change(film, lambda film, _: acts.joining(film, now=now))
        return await self._end_step(film, "join", self._joined(film, jobs, job_ids))

    async def _joined(self, film: Film, jobs: Jobs, job_ids: Sequence[str]) -> _Outcome:
        def tell(fraction: float | None) -> None:
            self._cards.show_film(film, jobs, Live(fraction=fraction))

        tell(None)
        request = self._request(film, jobs, job_ids)
        video = _video(request, await self._files.joined(request, on_fraction=tell))
        return lambda film, _: acts.joined(film, video, now=self._clock()), None

    async def _post(self, film: Film, jobs: Jobs) -> bool:
        return await self._end_step(film, "post", self._posted(film, jobs))

    async def _posted(self, film: Film, jobs: Jobs) -> _Outcome:
        """Post the joined video, which is made again where it is not kept; a second time if it was too large."""
        job_ids = () if film.joined is None else film.joined.job_ids
        request = self._request(film, jobs, job_ids)
        made = await self._files.joined(request, on_fraction=_ignore)
        try:
            posted = await self._cards.deliver_film(film, jobs, made.path)
        except TooLarge:
            request = replace(request, bytes_max=int(made.size_bytes * SMALLER))
            made = await self._files.joined(request, on_fraction=_ignore)
            posted = await self._cards.deliver_film(film, jobs, made.path)
        for name in film.replaced:
            await self._files.forget(name)
        ref, video = posted.ref, _video(request, made)
        address = film.address.moved_to(ref.channel_id, ref.message_id, now=self._clock())
        return (
            lambda film, _: acts.posted(film, posted.video, video, address, now=self._clock()),
            _news("film_ready", film, request.jobs, ref.message_id != film.address.message_id),
        )

    async def _end_step(self, film: Film, why: str, work: Awaitable[_Outcome]) -> bool:
        """Store what the work gives; returns False if it has to be tried again later.

        After `PATIENCE_S`, or where it can never be done, the film ends without its video.
        """
        try:
            act, news = await work
        except (DiscordBusy, Busy, NoRoom, FilesUnavailable) as error:
            log.warning("the film's step %s is taken later: %s", why, error)
            if self._clock() < film.updated_at + PATIENCE_S:
                return False
            act, news = self._without_video(why), None
        except (DeliveryError, EncodeFailed, FileNotFoundError, Refusal) as error:
            log.warning("the film's step %s cannot be taken: %s", why, error)
            act, news = self._without_video(why), None
        return await self._change(film, act, news)

    def _without_video(self, why: str) -> Act:
        return lambda film, _: acts.without_video(film, why=why, now=self._clock())

    def _request(self, film: Film, jobs: Jobs, job_ids: Sequence[str]) -> FilmRequest:
        shots = {take.job_id: take.shot for take in film.takes}
        return FilmRequest(
            film_id=film.id,
            jobs=tuple(jobs[job_id] for job_id in job_ids),
            fades_s=fades_s(film, [shots[job_id] for job_id in job_ids]),
            soundtrack=film.soundtrack,
            bytes_max=self._cards.limit_bytes(film, jobs),
        )

    async def stop(self, film: Film) -> None:
        """Stop a film if it is not too late for that."""
        now = self._clock()
        with suppress(OptionRefused):
            await self._change(film, lambda film, jobs: acts.stopped(film, jobs, now=now))

    async def _change(self, read: Film, act: Act, news: FilmNews | None = None) -> bool:
        """Store what the act makes of the film, unless somebody changed it since it was read."""

        def unless_changed(film: Film, jobs: Jobs) -> Change:
            is_same = (film.state, film.takes, film.updated_at) == (read.state, read.takes, read.updated_at)
            return act(film, jobs) if is_same else Change(film=film)

        changing = change_film(read.id, read.who.guild_id, unless_changed, now=self._clock(), news=news)
        before, after = await self._store.write(changing, guild_id=read.who.guild_id)
        if after != before:
            log.info("the film is now %s", after.state)
            count_film(before, after)
            if news is not None:
                self._on_noted()
        return True


def _missing(film: Film, jobs: Jobs) -> Sequence[Job]:
    """Return the job of the first shot that is missing; all of the film's where that was never begun."""
    missing = (take.job_id for take, look in zip(film.takes, looks_of(film, jobs), strict=True) if look in plan.MISSING)
    return [jobs[job_id] for job_id in list(missing)[:1] if job_id in jobs] or list(jobs.values())


def _news(kind: FilmNotice, film: Film, jobs: Sequence[Job], is_announced: bool) -> FilmNews | None:
    """Return what is told about the newest of these jobs, of which each is told once; a film has some of its own."""
    own = [job for job in jobs if job.part is not None and job.part.film_id == film.id]
    newest = max(own, key=lambda job: job.created_at, default=None)
    return None if newest is None else FilmNews(kind=kind, job_id=newest.id, is_announced=is_announced)


def _video(request: FilmRequest, made: JoinedFile) -> Joined:
    return Joined(
        name=request.name,
        job_ids=tuple(job.id for job in request.jobs),
        seconds=made.seconds,
        size_bytes=made.size_bytes,
        width=made.width,
        height=made.height,
        has_sound=made.has_sound,
    )


def _ignore(_: float) -> None:
    """Do nothing with the progress: the film is hardly ever joined again while it is posted."""
