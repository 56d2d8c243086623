"""Accepts jobs: their files are kept first, then their holds and rows are committed, and then they are driven."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from bot.errors import Busy, FilesUnavailable, NotReserved, Refusal, StorageError, WandaError
from bot.jobs import acceptance, pick_rows, queries
from bot.jobs.best_of import ordered
from bot.jobs.model import Job, Order
from bot.jobs.picks import Pick
from bot.jobs.places import Places
from bot.ledger.model import Shipped
from bot.ledger.reservations import Wish
from bot.runner.files_port import FilesOfJobs
from bot.runner.job_counts import count_accepted
from bot.runner.job_tasks import JobTasks
from bot.storage.transaction import Store, Transaction

T = TypeVar("T")


class Acceptance:
    """Accepts all jobs of an order or none of them. `warned` is set when a budget passes a warning."""

    def __init__(
        self,
        *,
        store: Store,
        tasks: JobTasks,
        files: FilesOfJobs,
        shipped: Shipped,
        places: Places,
        check_open: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        """`check_open` raises `Closed` for a mode that is off."""
        self._store = store
        self._tasks = tasks
        self._files = files
        self._shipped = shipped
        self._places = places
        self._check_open = check_open
        self._clock = clock
        self._refused: deque[str] = deque(maxlen=places.running_max)
        self.warned = asyncio.Event()

    @property
    def refused(self) -> Collection[str]:
        """The last jobs whose members read that they were refused, although they may be stored."""
        return self._refused

    async def accept(self, order: Order) -> Job:
        """Hold the quote and commit the order's job, or all jobs of its set, then drive them; returns the first.

        Raises:
            Refusal: nothing was held, nothing was stored.
            StorageError: the database or the files did not answer; nothing was held.
        """
        parts = ordered(order, now=self._clock())
        beside = None if parts.pick is None else partial(_add_pick, parts.pick)
        return await self.accept_all(parts.jobs, reserve=parts.reserve, beside=beside)

    async def accept_all(
        self, jobs: Sequence[Job], *, reserve: Sequence[Wish] = (), beside: acceptance.Beside | None = None
    ) -> Job:
        """Hold the quotes of these jobs of one order, and of what is reserved for it, commit the jobs and drive them.

        `beside` is stored with them, as `transactions.accept_all` does. Returns the first; raises as `accept`.
        """
        self._refuse_when_closing()
        self.refuse_when_off({*(job.mode for job in jobs), *(wish.query.mode for wish in reserve)})
        await self._keep(jobs)
        try:
            with self._tasks.beginning(len(jobs)) as running:
                accepting = acceptance.accept_all(
                    jobs, self._shipped, self._places, running=running, reserve=reserve, beside=beside
                )
                accepted = await self._store.write(accepting, guild_id=jobs[0].guild_id)
        except StorageError:
            if not await self._are_kept(jobs):
                await self._forget_files_of(jobs[1:])
                raise
            return self._begin(jobs)
        except Refusal:
            await self._forget_files_of(jobs[1:])
            raise
        if any(one.held.warnings for one in accepted):
            self.warned.set()
        return self._begin([one.job for one in accepted])

    async def accept_reserved(self, job: Job) -> Job:
        """Commit a job whose hold was reserved, and drive it; returns it as it is stored.

        Raises:
            Busy: there is no place for it now; it stays reserved.
            NotReserved: nothing is reserved for it, and no such job was accepted.
            StorageError: the database or the files did not answer; it may be called again.
        """

        def accept(running: int) -> Transaction[Job]:
            return acceptance.accept_reserved(job, self._shipped, self._places, now=self._clock(), running=running)

        try:
            return await self.accept_by(accept, lambda stored: stored, job.guild_id, keep=job)
        except (StorageError, NotReserved):
            known = await self._store.read(queries.get(job.id))
            if known is None:
                raise
            self._tasks.drive(known)  # an earlier try was committed although its answer was lost
            return known

    async def accept_by(
        self,
        accept: Callable[[int], Transaction[T]],
        job_in: Callable[[T], Job | None],
        guild_id: int,
        *,
        keep: Job | None = None,
    ) -> T:
        """Run a transaction that may accept one job, and drive that; `accept` gets how many other jobs run.

        The files of `keep` are kept first.

        Raises:
            Busy: Wanda is stopping; and what the transaction raises.
            StorageError: the database or the files did not answer; what it did may be stored.
        """
        self._refuse_when_closing()
        if keep is not None:
            await self._keep((keep,))
        with self._tasks.beginning(1) as running:
            answer = await self._store.write(accept(running), guild_id=guild_id)
        job = job_in(answer)
        if job is not None:
            self._begin((job,))
        return answer

    def refuse(self, job_id: str) -> None:
        """Have the job cancelled if it turns up: its member reads that it was not accepted."""
        self._refused.append(job_id)

    def refuse_when_off(self, modes: Collection[str]) -> None:
        """Raise `Closed` if one of the modes is off."""
        for mode in sorted(modes):
            self._check_open(mode)

    def _refuse_when_closing(self) -> None:
        if self._tasks.is_closing:
            raise Busy("Wanda is restarting. You weren't charged; try again in a minute.")

    async def _keep(self, jobs: Sequence[Job]) -> None:
        """Keep the files first: if the process ends here they are orphans, and no job is ever without its files."""
        try:
            await self._files.keep(jobs)
        except WandaError:
            await self._forget_files_of(jobs[1:])
            raise

    def _begin(self, jobs: Sequence[Job]) -> Job:
        count_accepted(jobs)
        for job in jobs:
            with suppress(ValueError):  # an earlier try of the same job may have been refused
                self._refused.remove(job.id)
            self._tasks.drive(job)
        return jobs[0]

    async def _forget_files_of(self, jobs: Sequence[Job]) -> None:
        """Delete the files of jobs that were not accepted; those of the first are its order's."""
        for job in jobs:
            with suppress(FilesUnavailable):  # what stays is an orphan
                await self._files.forget(job.id)

    async def _are_kept(self, jobs: Sequence[Job]) -> bool:
        """Return whether the jobs of one order were committed although the answer to their COMMIT was lost.

        If the database does not answer this either, the member reads that all of them were refused, so each is
        cancelled if it turns up later.
        """
        try:
            return await self._store.read(queries.get(jobs[0].id)) is not None
        except StorageError:
            for job in jobs:
                self.refuse(job.id)
            return False


def _add_pick(pick: Pick, _: tuple[acceptance.Accepted, ...]) -> Transaction[None]:
    return pick_rows.add(pick)
