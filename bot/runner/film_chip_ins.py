"""Chip-ins for films: what is made ready outside the database before one is begun to be collected for, or begins."""

import logging
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from bot.catalogue.price import PriceTable
from bot.errors import Busy, EncodeFailed, FilesUnavailable, NoRoom, OptionRefused, Refusal
from bot.films.acts import MOVED_ON
from bot.films.chipping_in import begin_film, film_in, first_of, start_film
from bot.films.model import Draft
from bot.films.plan import beginning_of
from bot.jobs.chip_ins import Added, ChipIn, Rules
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
    ) -> None:
        self._store = store
        self._runner = runner
        self._orders = orders
        self._driver = driver
        self._maker = maker
        self._prices = prices
        self._settings = settings

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
        if film is None:
            return None
        jobs = await self._store.read(jobs_by_id([take.job_id for take in film.takes]))
        first_id = first_of(film)
        number = next(number for number, take in enumerate(film.takes, 1) if take.job_id == first_id)
        step = beginning_of(film, jobs, number)
        if step is None:
            raise OptionRefused(MOVED_ON)
        try:
            job = await self._maker.job(film, jobs, step)
        except (Busy, EncodeFailed, FilesUnavailable, NoRoom) as error:
            log.warning("film %s, which is paid for, begins later: %s", chip_in.id, error)
            await self._maker.forget(first_id)
            return None
        begin = partial(
            begin_film,
            chip_in.id,
            job,
            life_s=self._settings.life_hours * 3600.0,
            of_member_max=self._settings.open_of_member_max,
        )
        try:  # after an error of the database it may have begun
            begun = await self._runner.accept_by(
                lambda running: begin(rules=rules(running)), _itself, chip_in.guild_id, keep=job
            )
        except Refusal:
            await self._maker.forget(first_id)
            raise
        if begun is None:
            await self._maker.forget(first_id)
        else:
            self._driver.wake(film.id)
        return begun


def _itself(job: Job | None) -> Job | None:
    return job
