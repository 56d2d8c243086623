"""Chip-ins for films: what is made ready outside the database before one is begun to be collected for, or begins."""

import logging
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from bot.catalogue.price import PriceTable
from bot.errors import Busy, EncodeFailed, FilesUnavailable, NoRoom, OptionRefused, Refusal
from bot.films.acts import MOVED_ON
from bot.films.chipping_in import begin_film, can_begin, film_in, start_film
from bot.films.model import Draft, Film
from bot.films.ordering import check_made, first_take
from bot.films.plan import beginning_of
from bot.jobs import queries
from bot.jobs.chip_in_model import Added, ChipIn, Obstacle, Rules
from bot.jobs.chip_ins import note_obstacle
from bot.jobs.model import Address, Job
from bot.jobs.queries import jobs_by_id
from bot.ledger.model import Who
from bot.runner.film_driver import FilmDriver
from bot.runner.film_orders import FilmOrders
from bot.runner.runner import Runner
from bot.runner.shot_maker import ShotMaker
from bot.settings import FilmSettings
from bot.storage.transaction import Store, Transaction

log = logging.getLogger(__name__)
WAIT_MIN_S, WAIT_MAX_S = 30.0, 600.0  # until the files of a film that could not begin are made ready again
Starting: TypeAlias = Callable[[str, Rules], Transaction[Added]]  # with the id of the maker's share


class FilmChipIns:
    """The films of `bot.runner.chip_ins.ChipIns`."""

    def __init__(
        self,
        *,
        store: Store,
        runner: Runner,
        orders: FilmOrders,
        driver: FilmDriver,
        maker: ShotMaker,
        prices: PriceTable,
        settings: FilmSettings,
        clock: Callable[[], float],
    ) -> None:
        """`clock` is in Unix seconds."""
        self._store = store
        self._runner = runner
        self._orders = orders
        self._driver = driver
        self._maker = maker
        self._prices = prices
        self._settings = settings
        self._clock = clock
        self._later: dict[str, tuple[float, float]] = {}  # until when a film's files are left alone, and how long

    async def starting(self, draft: Draft, who: Who, address: Address, own_microusd: int) -> Starting:
        """Return what begins to collect for the draft's film, as it is and at the prices of now.

        Raises:
            Refusal: the film cannot be made.
            StorageError: the database did not answer.
        """
        film, _ = await self._orders.film_of(draft, who, address)
        if not film.takes or all(take.shot.made is not None for take in film.takes):
            raise OptionRefused(MOVED_ON)
        room = self._settings.open_of_member_max
        return lambda share_id, rules: start_film(
            film, draft, own_microusd, share_id, rules, prices=self._prices, of_member_max=room
        )

    async def begin(self, chip_in: ChipIn, rules: Callable[[int], Rules]) -> Job | None:
        """Begin a film that is paid for, if it can now; returns the job of its first shot, or None.

        Raises:
            Refusal: it cannot begin; what was added is given back when its time is over.
            StorageError: the database or the files did not answer; it may be called again.
        """
        async with self._orders.one_press(chip_in.id):
            return await self._begin(chip_in, rules)

    async def _begin(self, chip_in: ChipIn, rules: Callable[[int], Rules]) -> Job | None:
        film = film_in(chip_in)
        if film is None or self._is_to_wait(chip_in.id):
            return None
        room = self._settings.open_of_member_max
        # Before any file: a rule or a full server can keep it from beginning for as long as it is collected for.
        may_begin = partial(can_begin, chip_in.id, prices=self._prices, of_member_max=room)
        if not await self._runner.accept_by(
            lambda running: may_begin(rules(running)), lambda _: None, chip_in.guild_id
        ):
            return None
        life_s = self._settings.life_hours * 3600.0
        begun = None
        try:
            job = await self._first_job(film)
            beginning = partial(begin_film, chip_in.id, job, life_s=life_s, of_member_max=room)
            begun = await self._runner.accept_by(
                lambda running: beginning(rules(running)), lambda stored: stored, chip_in.guild_id, keep=job
            )
        except (Busy, EncodeFailed, FilesUnavailable, NoRoom) as error:
            await self._note_wait(chip_in, "files")
            log.warning("film %s, which is paid for, begins later: %s", chip_in.id, error)
        except Refusal:
            await self._note_wait(chip_in, "gone")
            await self._forget_unless_begun(first_take(film)[1].job_id)
            raise
        if begun is None:
            await self._forget_unless_begun(first_take(film)[1].job_id)
        else:
            self._driver.ordered(film.id)
        return begun

    async def _first_job(self, film: Film) -> Job:
        """Return the job that the film begins with, whose files are kept; raises as `ShotMaker.job`."""
        jobs = await self._store.read(jobs_by_id([take.job_id for take in film.takes]))
        check_made([take.shot for take in film.takes], jobs, film.who)
        step = beginning_of(film, jobs, first_take(film)[0])
        if step is None:
            raise OptionRefused(MOVED_ON)
        return await self._maker.job(film, jobs, step)

    async def _forget_unless_begun(self, job_id: str) -> None:
        """Remove a job's files, unless another process, or a try whose answer was lost, has begun it with them."""
        if await self._store.read(queries.get(job_id)) is None:
            await self._maker.forget(job_id)

    def _is_to_wait(self, chip_in_id: str) -> bool:
        return self._clock() < self._later.get(chip_in_id, (0.0, 0.0))[0]

    async def _note_wait(self, chip_in: ChipIn, why: Obstacle) -> None:
        """Have the film's files left alone for a while, which doubles with each try, and its card say why."""
        now, chip_in_id = self._clock(), chip_in.id
        self._later = {one: wait for one, wait in self._later.items() if now < wait[0] + WAIT_MAX_S}
        _, before_s = self._later.get(chip_in_id, (0.0, 0.0))
        wait_s = min(WAIT_MAX_S, max(WAIT_MIN_S, before_s * 2))
        self._later[chip_in_id] = (now + wait_s, wait_s)
        await self._store.write(note_obstacle(chip_in_id, why, now=now), guild_id=chip_in.guild_id)
