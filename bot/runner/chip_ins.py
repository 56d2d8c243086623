"""Carries out what members do with chip-ins, and ends or begins those whose time has come."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from bot.errors import Refusal, StorageError, StorageUnreachable
from bot.films.model import Draft, film_body
from bot.films.ordering import first_take
from bot.films.transactions import film_named
from bot.ids import new_id
from bot.jobs import chip_in_endings, chip_in_rows, chip_ins, queries
from bot.jobs.chip_in_model import FIRST, Added, ChipIn, ChipInBounds, Due, Rules
from bot.jobs.model import Address, Job, Order, job_from
from bot.ledger import shares
from bot.ledger.model import Share, Who
from bot.runner.film_chip_ins import FilmChipIns
from bot.runner.runner import Runner
from bot.settings import ChipInSettings
from bot.sharding import Shards
from bot.storage.transaction import Store, Transaction

log = logging.getLogger(__name__)


class _Refused(NamedTuple):
    """A share that may be stored although its member read that it is not."""

    chip_in_id: str
    share_id: str
    guild_id: int
    is_first: bool


class ChipIns:
    """Chip-ins of this process's shards. `changed` is set when a card is to be drawn again.

    `clock` is in Unix seconds.
    """

    def __init__(
        self,
        runner: Runner,
        store: Store,
        settings: ChipInSettings,
        clock: Callable[[], float],
        *,
        films: FilmChipIns,
    ) -> None:
        self._runner = runner
        self._films = films
        self._store = store
        self._bounds = bounds_of(settings)
        self._clock = clock
        self._refused: deque[_Refused] = deque(maxlen=runner.places.running_max)
        self.changed = asyncio.Event()

    async def start(self, order: Order, own_microusd: int) -> Added:
        """Begin to collect for an order, whose address is the chip-in's card, with its maker's own share.

        Raises:
            Refusal: as `bot.jobs.chip_ins.start`; nothing was held, nothing was stored.
            StorageError: the database or the files did not answer; nothing was held.
        """
        job = job_from(order, now=self._clock())
        first = _Refused(job.id, job.id, job.guild_id, is_first=True)
        return await self._add(partial(chip_ins.start, job, own_microusd), first, keep=job)

    async def start_film(self, draft: Draft, who: Who, address: Address, own_microusd: int) -> Added:
        """Begin to collect for a draft's film on this card, with its maker's own share.

        Raises:
            Refusal: as `bot.films.chipping_in.start_film`; nothing was held.
            StorageError: the database did not answer; nothing was held.
        """
        starting = await self._films.starting(draft, who, address, own_microusd)
        first = _Refused(draft.id, new_id(at=self._clock()), draft.guild_id, is_first=True)
        return await self._add(partial(starting, first.share_id), first)

    async def add(self, chip_in_id: str, who: Who, amount_microusd: int) -> Added:
        """Add a member's share; with the last one the video begins.

        Raises:
            Refusal: as `bot.jobs.chip_ins.add`; nothing was held.
            StorageError: the database did not answer; nothing was held.
        """
        share = _Refused(chip_in_id, new_id(at=self._clock()), who.guild_id, is_first=False)
        return await self._add(partial(chip_ins.add, chip_in_id, share.share_id, who, amount_microusd), share)

    async def take_back(self, chip_in_id: str, *, guild_id: int, member_id: int) -> int:
        """Give a member back what they added, and return it; raises as `bot.jobs.chip_in_endings.take_back`."""
        back = chip_in_endings.take_back(chip_in_id, member_id, now=self._clock())
        given = await self._store.write(back, guild_id=guild_id)
        self.changed.set()
        return given

    async def cancel(self, chip_in_id: str, *, guild_id: int, member_id: int) -> ChipIn:
        """Give everything back to everybody; raises as `bot.jobs.chip_in_endings.cancel`."""
        cancelling = chip_in_endings.cancel(chip_in_id, member_id, now=self._clock())
        ended = await self._store.write(cancelling, guild_id=guild_id)
        self.changed.set()
        return ended

    async def end_without_card(self, chip_in: ChipIn) -> None:
        """Give everything back to everybody, because the card is gone with which they could have it back."""
        ending = chip_in_endings.end_without_card(chip_in.id, chip_in.address.message_id, now=self._clock())
        if await self._store.write(ending, guild_id=chip_in.guild_id):
            log.info("the card of chip-in %s is gone, and everybody has their money back", chip_in.id)
            self.changed.set()

    async def look(self, shards: Shards) -> None:
        """End the chip-ins whose time is over or whose server was left, and begin full ones for which there is a place.

        Before that, shares whose members read that nothing was held are given back, if they turn up after all. One that
        cannot be looked after keeps no other one waiting.

        Raises:
            StorageError: the database did not answer; the next look goes on.
        """
        await self._undo_refused(shards)
        after = FIRST
        while page := await self._store.read(chip_in_rows.due_chip_ins(shards, now=self._clock(), after=after)):
            for one in page:
                await self._look_at(one)
            after = page[-1]

    async def _undo_refused(self, shards: Shards) -> None:
        for one in tuple(self._refused):
            if not shards.owns(one.guild_id):
                continue
            known = await self._store.read(chip_in_rows.chip_in_of(one.chip_in_id))
            if known is None or all(share.id != one.share_id for share in known.shares) or one not in self._refused:
                continue
            undoing = chip_in_endings.undo(one.chip_in_id, one.share_id, is_first=one.is_first, now=self._clock())
            if await self._store.write(undoing, guild_id=one.guild_id):
                log.warning("a share of chip-in %s, whose member was refused, is given back", one.chip_in_id)
                self._allow(one)

    def _allow(self, share: _Refused) -> None:
        with suppress(ValueError):
            self._refused.remove(share)

    async def _look_at(self, due: Due) -> None:
        try:
            ending = chip_in_endings.end_late(due.id, now=self._clock())
            if await self._store.write(ending, guild_id=due.guild_id):
                log.info("chip-in %s is over, and everybody has their money back", due.id)
            else:
                await self._begin(due.id, due.guild_id)
        except StorageUnreachable:
            raise
        except (Refusal, StorageError) as error:
            log.warning("chip-in %s cannot begin or end now, and others go on: %s", due.id, error)
        except Exception:
            log.exception("a defect keeps chip-in %s from beginning or ending, and others go on", due.id)

    async def _begin(self, chip_in_id: str, guild_id: int) -> None:
        chip_in = await self._store.read(chip_in_rows.chip_in_of(chip_in_id))
        if chip_in is not None and chip_in.film is not None:
            await self._films.begin(chip_in, self._rules)
            return
        begin = partial(chip_ins.begin_full, chip_in_id)
        await self._runner.accept_by(lambda running: begin(self._rules(running)), lambda job: job, guild_id)

    async def _add(
        self,
        adding: Callable[[Rules], Transaction[Added]],
        share: _Refused,
        *,
        keep: Job | None = None,
    ) -> Added:
        try:
            added = await self._runner.accept_by(
                lambda running: adding(self._rules(running)), lambda one: one.job, share.guild_id, keep=keep
            )
        except StorageError:
            found = await self._found(share)
            if found is None:
                raise
            added = found  # it was committed although the answer to that was lost
            self._runner.heard(share.chip_in_id)
        self._allow(share)  # an earlier try of the same order may have been refused
        if added.has_warnings:
            self._runner.warned.set()
        self.changed.set()
        return added

    async def _found(self, share: _Refused) -> Added | None:
        """Return the share if it was added although the answer to that was lost.

        Else, or if the database does not answer this either, its member reads that nothing was held, so it is given
        back if it turns up later.
        """
        found = None
        with suppress(StorageError):
            found = await self._store.read(_found(share.chip_in_id, share.share_id))
        if found is None:
            self._refused.append(share)
            if share.is_first:
                self._runner.refuse(share.chip_in_id)  # a share of the whole price has begun the job
        return found

    def _rules(self, running: int) -> Rules:
        return Rules(
            bounds=self._bounds,
            shipped=self._runner.shipped,
            places=self._runner.places,
            now=self._clock(),
            running=running,
            check_open=self._runner.check_open,
        )


def _found(chip_in_id: str, share_id: str) -> Transaction[Added | None]:
    """Return a share that was added, to a chip-in or to the job or film that it has become; None if it was not."""
    chip_in = yield from chip_in_rows.chip_in_of(chip_in_id)
    job = yield from queries.get(chip_in_id)
    if chip_in is None and job is not None:
        chip_in = ChipIn(
            id=job.id, guild_id=job.guild_id, address=job.address, expires_at=0.0, job=job, shares=job.shares
        )
    elif chip_in is None and (begun := (yield from _begun_film(chip_in_id))) is not None:
        chip_in, job = begun, begun.job
    share = None if chip_in is None else next((one for one in chip_in.shares if one.id == share_id), None)
    if chip_in is None or share is None:
        return None
    return Added(chip_in=chip_in, share_microusd=share.amount_microusd, job=job, has_warnings=False)


def _begun_film(film_id: str) -> Transaction[ChipIn | None]:
    """Return a film that several pay for as what it was until it began, all paid; None if there is none."""
    film = yield from film_named(film_id)
    held = yield from shares.shares_of(film_id)
    job = None if film is None else (yield from queries.get(first_take(film)[1].job_id))
    if film is None or job is None or not held:
        return None
    return ChipIn(
        id=film.id,
        guild_id=job.guild_id,
        address=film.address,
        expires_at=0.0,
        job=job,
        shares=tuple(Share(one.id, one.member_id, one.amount_microusd) for one in held),
        film=film_body(film),
        film_microusd=sum(one.amount_microusd for one in held),
    )


def bounds_of(settings: ChipInSettings) -> ChipInBounds:
    """Return the bounds from the settings."""
    return ChipInBounds(
        of_member_max=settings.each_max,
        in_server_max=settings.in_server_max,
        life_s=settings.life_s,
        shares_max=settings.shares_max,
        shares_of_member_max=settings.shares_each_max,
        least_microusd=settings.least_microusd,
    )
