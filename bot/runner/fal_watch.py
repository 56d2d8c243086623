"""Looks at fal before members meet its troubles: the account, its balance, the price list and every mode's schema.

Each process reads the alarms of the others; only the one with shard 0 looks. What cannot be read changes nothing.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

from bot import metrics
from bot.catalogue.list_price import ListPrice, Seen, counted_microusd, judge, seen_from
from bot.catalogue.mode import Mode
from bot.catalogue.phrases import shortened
from bot.catalogue.price import PriceTable
from bot.catalogue.registry import MODES
from bot.catalogue.schema import faults_of, schema_sentence
from bot.errors import FalAccountError, FalError, FalRefused, SettingsRefused, StorageError
from bot.fal.client import FalClient
from bot.jobs.spending_pace import lasts, spent_a_day
from bot.money import MICROUSD_PER_USD, dollars
from bot.runner.alarms import Alarms
from bot.runner.fal_account import FalAccount
from bot.settings import WatchSettings
from bot.sharding import ShardsNow
from bot.storage import program
from bot.storage.transaction import Store

log = logging.getLogger(__name__)
NOT_FOUND = 404
PRICE = "price:"  # in the table `program`, before a mode's id
OVER_AGAIN = 1.1  # a low balance is over when it is a tenth above the warning


def kept_on(settings: WatchSettings) -> frozenset[str]:
    """Return the ids of the modes that the operator keeps on.

    Raises:
        SettingsRefused: there is no such mode, and the setting would be ignored.
    """
    known = {mode.id for mode in MODES}
    if strange := settings.kept_on - known:
        name = shortened(min(strange))
        raise SettingsRefused(f"The setting WANDA_MODES_KEPT_ON is not usable: there is no mode {name}.")
    return settings.kept_on


class FalWatch:
    """The looks, each at the start and then in its interval; `clock` is in Unix seconds.

    `balance` returns the account's dollars; None where no admin key is set.
    """

    def __init__(
        self,
        fal: FalClient,
        alarms: Alarms,
        account: FalAccount,
        store: Store,
        *,
        balance: Callable[[], Awaitable[float]] | None,
        prices: PriceTable,
        settings: WatchSettings,
        shards: ShardsNow,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fal = fal
        self._alarms = alarms
        self._account = account
        self._store = store
        self._balance = balance
        self._prices = prices
        self._settings = settings
        self._kept_on = kept_on(settings)
        self._shards = shards
        self._clock = clock
        self._begun: set[str] = set()

    async def keep_watching(self) -> None:
        """Look until cancelled."""
        every_s, again_s = self._settings.list_every_s, self._settings.list_again_s
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_reading(), name="alarms")
            group.create_task(self._keep(self.look_at_account, self._settings.account_every_s, again_s), name="account")
            group.create_task(self._keep(self.look_at_prices, every_s, again_s), name="prices")
            group.create_task(self._keep(self.look_at_schemas, every_s, again_s), name="schemas")

    async def _keep_reading(self) -> NoReturn:
        while True:
            try:
                await self._alarms.refresh()
                self._account.probe_while_on()
            except StorageError:
                log.warning("the alarms could not be read; what was known still counts", exc_info=True)
            await asyncio.sleep(self._settings.alarms_every_s)

    async def _keep(self, look: Callable[[], Awaitable[bool]], every_s: float, again_s: float) -> NoReturn:
        """Look every `every_s`, and `again_s` after a look that did not find all as it should be."""
        while True:
            if not self._shards().owns(None):
                await asyncio.sleep(self._settings.alarms_every_s)
                continue
            try:
                is_fine = await look()
            except StorageError:
                log.warning("what was seen of fal could not be stored; it is looked at again", exc_info=True)
                is_fine = False
            except Exception:
                log.exception("a defect kept Wanda from looking at fal")
                is_fine = False
            await asyncio.sleep(every_s if is_fine else min(again_s, every_s))

    async def look_at_account(self) -> bool:
        """Ask whether fal takes orders, and how much money is left; return whether the balance is known.

        Raises:
            StorageError: the database did not answer.
        """
        await self._account.check()
        if self._balance is None:
            return True
        try:
            balance_microusd = round(await self._balance() * MICROUSD_PER_USD)
        except FalAccountError as error:
            log.warning("fal does not tell the balance to FAL_ADMIN_KEY (%d)", error.status)
            return False
        except FalError as error:
            log.warning("fal's balance could not be read: %s", error)
            return False
        metrics.FAL_BALANCE_DOLLARS.set(balance_microusd / MICROUSD_PER_USD)
        _note_look("balance")
        await self._judge_balance(balance_microusd)
        return True

    async def _judge_balance(self, balance_microusd: int) -> None:
        warn_microusd = self._settings.balance_warn_microusd
        is_low = self._alarms.is_on("balance")
        if balance_microusd >= (warn_microusd * OVER_AGAIN if is_low else warn_microusd):
            await self._alarms.end("balance")
            return
        text = f"fal's balance is {dollars(balance_microusd)}, below the {dollars(warn_microusd)} of your warning."
        if pace := lasts(balance_microusd, await self._store.read(spent_a_day(now=self._clock()))):
            text = f"{text} At this week's pace it lasts {pace}."
        what = "used up" if balance_microusd <= 0 else "low"
        await self._alarms.begin(
            "balance", what=what, text=f"{text} Top it up at fal.ai/dashboard/billing.", closes=False
        )

    async def look_at_prices(self) -> bool:
        """Hold fal's price list against Wanda's prices; return whether it was read and all is fine.

        Raises:
            StorageError: the database did not answer.
        """
        self._note_beginning("price")
        try:
            listed = await self._fal.unit_prices([mode.endpoint for mode in MODES])
        except FalError as error:
            await self._not_read("price list", error)
            return False
        _note_look("price")
        fine = True
        for mode in MODES:
            row = listed.get(mode.endpoint)
            price = None if row is None else ListPrice(row.amount, row.unit, row.currency)
            fine &= await self._judge_price(mode, price)
        return fine

    async def _judge_price(self, mode: type[Mode], price: ListPrice | None) -> bool:
        stored = await self._store.read(program.known(PRICE + mode.id))
        seen = None if stored is None else seen_from(json.loads(stored))
        found = judge(mode, price, seen, self._prices)
        if found.verdict != "fine":
            closes = found.verdict == "off" and mode.id not in self._kept_on
            await self._alarms.begin("price", mode.id, what=str(price), text=found.sentence, closes=closes)
            return False
        await self._alarms.end("price", mode.id)
        counted = counted_microusd(mode, self._prices)
        if price is not None and counted is not None and (now := Seen(price, counted)) != seen:
            await self._store.write(program.remember(PRICE + mode.id, json.dumps(now.as_values())), guild_id=None)
        return True

    async def look_at_schemas(self) -> bool:
        """Hold every mode's schema against what Wanda sends; return whether all were read and fit.

        Raises:
            StorageError: the database did not answer.
        """
        self._note_beginning("schema")
        fine = all([await self._look_at_schema(mode) for mode in MODES])
        if fine:
            _note_look("schema")
        return fine

    async def _look_at_schema(self, mode: type[Mode]) -> bool:
        try:
            faults = faults_of(mode, await self._fal.input_schema(mode.endpoint))
        except FalRefused as error:
            if error.status != NOT_FOUND:
                await self._not_read(f"schema of {mode.title}", error)
                return False
            text = (
                f"fal no longer shows a schema of {mode.title} ({mode.endpoint}). Look at the model's page on fal.ai."
            )
            await self._alarms.begin("schema", mode.id, what="gone", text=text, closes=False)
            return False
        except FalError as error:
            await self._not_read(f"schema of {mode.title}", error)
            return False
        if not faults:
            await self._alarms.end("schema", mode.id)
            return True
        closes = mode.id not in self._kept_on
        text = schema_sentence(mode, faults)
        await self._alarms.begin("schema", mode.id, what=text, text=text, closes=closes)
        return False

    def _note_beginning(self, what: str) -> None:
        """Count from the first look, so that what this process never reads is missed in time, too."""
        if what not in self._begun:
            self._begun.add(what)
            _note_look(what)

    async def _not_read(self, what: str, error: FalError) -> None:
        log.warning("fal's %s could not be read, so nothing changes: %s", what, error)
        if isinstance(error, FalAccountError):
            await self._account.check()


def _note_look(what: str) -> None:
    metrics.FAL_LOOKED_AT.labels(what).set(time.time())
