"""Drives films: after every end of a shot, and every `look_s`, it does what `bot.films.plan` says is next.

It keeps nothing that matters in memory: what a step (`bot.runner.film_steps`) has done stands in the film's row.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bot.errors import Refusal, StorageError
from bot.films.model import ENDED
from bot.films.plan import next_steps
from bot.films.transactions import film_with_jobs, open_films
from bot.jobs.model import Job
from bot.log import job_scope
from bot.runner.film_cards_port import FilmCards
from bot.runner.film_steps import FilmSteps, JoinedFiles, Shots
from bot.runner.shot_maker import ShotMaker
from bot.settings import FilmSettings
from bot.sharding import ShardsNow
from bot.storage.transaction import Store

log = logging.getLogger(__name__)
PAGE, BEGINNING = 200, (0.0, "")  # of a look at unfinished films
STEPS_MAX = 100  # of one film in a row; the next look goes on
WAIT_MIN_S, WAIT_MAX_S = 5.0, 600.0  # until a step is tried again that could not be taken


class FilmDriver:
    """Takes the films of this process's shards from step to step."""

    def __init__(
        self,
        *,
        store: Store,
        shots: Shots,
        maker: ShotMaker,
        cards: FilmCards,
        files: JoinedFiles,
        settings: FilmSettings,
        shards: ShardsNow,
        clock: Callable[[], float],
        on_noted: Callable[[], None] = lambda: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`on_noted` is called when there is something to tell a member of."""
        self._steps = FilmSteps(
            store=store,
            shots=shots,
            maker=maker,
            cards=cards,
            files=files,
            settings=settings,
            clock=clock,
            on_noted=on_noted,
        )
        self._store = store
        self._cards = cards
        self._settings = settings
        self._shards = shards
        self._clock = clock
        self._sleep = sleep
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._woken: set[str] = set()
        self._looked_to = BEGINNING  # when the last film of a page was ordered, and its id
        self._later: dict[str, tuple[float, float]] = {}  # until when a film waits, and how long it waits
        self._refused: deque[str] = deque(maxlen=settings.under_way_max)
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look at all unfinished films now and every `look_s`."""
        self._loop = asyncio.create_task(self._keep_looking(), name="films")

    async def stop(self) -> None:
        """End what is under way; the next start goes on with it."""
        tasks = [*self._tasks.values(), *([] if self._loop is None else [self._loop])]
        self._loop = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def heard(self, job: Job) -> None:
        """Go on with the film of a shot that ended, or was approved."""
        if job.part is not None:
            self.wake(job.part.film_id)

    def refuse(self, film_id: str) -> None:
        """Have the film, or its redo, stopped if it turns up: its member reads that it was not ordered."""
        self._refused.append(film_id)

    def ordered(self, film_id: str) -> None:
        """Go on with a film of which something was ordered, also if an earlier try of that was refused."""
        self._allow(film_id)
        self.wake(film_id)

    def _allow(self, film_id: str) -> None:
        with suppress(ValueError):
            self._refused.remove(film_id)

    def wake(self, film_id: str) -> None:
        """Go on with a film now, or once more after what is under way of it."""
        self._later.pop(film_id, None)
        if self._loop is None:
            return
        if film_id in self._tasks:
            self._woken.add(film_id)
            return
        task = asyncio.create_task(self._run(film_id), name=f"film {film_id}")
        self._tasks[film_id] = task
        task.add_done_callback(lambda _: self._forget(film_id))

    def _forget(self, film_id: str) -> None:
        self._tasks.pop(film_id, None)
        if film_id in self._woken:
            self._woken.discard(film_id)
            self.wake(film_id)

    async def _keep_looking(self) -> None:
        while True:
            await self.look()
            await self._sleep(self._settings.look_s)

    async def look(self) -> None:
        """Go on with unfinished films whose wait is over: all of them, or those after where the last look stopped.

        Never raises.
        """
        now = self._clock()
        self._later = {film_id: wait for film_id, wait in self._later.items() if now < wait[0] + WAIT_MAX_S}
        try:
            while len(self._tasks) < self._settings.under_way_max:
                page = await self._store.read(open_films(self._shards(), after=self._looked_to, limit=PAGE))
                for _, film_id in page:
                    self._wake_if_due(film_id, now)
                self._looked_to = page[-1] if len(page) == PAGE else BEGINNING
                if self._looked_to == BEGINNING:
                    return
        except StorageError as error:
            log.warning("films are looked at again later: %s", error)

    def _wake_if_due(self, film_id: str, now: float) -> None:
        until, wait_s = self._later.get(film_id, (0.0, 0.0))
        if film_id not in self._tasks and now >= until:
            self.wake(film_id)
            if wait_s:
                self._later[film_id] = (now, wait_s)

    async def _run(self, film_id: str) -> None:
        with job_scope(film_id):
            try:
                is_done = await self.drive(film_id)
            except (StorageError, Refusal) as error:
                log.warning("the film goes on later: %s", error)
                is_done = False
            except Exception:
                log.exception("a defect stopped the film; this is tried again later")
                is_done = False
        if is_done:
            self._later.pop(film_id, None)
        else:
            _, before_s = self._later.get(film_id, (0.0, 0.0))
            wait_s = min(WAIT_MAX_S, max(WAIT_MIN_S, before_s * 2))
            self._later[film_id] = (self._clock() + wait_s, wait_s)

    async def drive(self, film_id: str) -> bool:
        """Take all steps that can be taken now; returns False if one has to be tried again later.

        Raises:
            StorageError: the database did not answer.
        """
        if film_id in self._refused:
            await self._stop_refused(film_id)
        for _ in range(STEPS_MAX):
            found = await self._store.read(film_with_jobs(film_id))
            if found is None:
                return True
            film, jobs = found
            steps = next_steps(film, jobs, now=self._clock(), at_once=self._settings.shots_at_once)
            if not steps:
                self._cards.show_film(film, jobs)
                return True
            taken = [await self._steps.take(film, jobs, step) for step in steps]
            if not any(taken):
                return False
        return False

    async def _stop_refused(self, film_id: str) -> None:
        found = await self._store.read(film_with_jobs(film_id))
        if found is None or found[0].state in ENDED:
            return
        log.warning("the film, whose member was refused, is stopped")
        await self._steps.stop(found[0])
        self._allow(film_id)
