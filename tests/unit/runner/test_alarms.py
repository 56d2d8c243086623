"""What a process knows of fal's alarms while the database is asked and told at the same time."""

import asyncio
from typing import Any, cast

from bot.jobs.alarms import Alarm, AlarmKind
from bot.runner.alarms import Alarms
from bot.storage.transaction import Store

PRICE = Alarm(kind="price", mode="wan27-image", what="0.12", text="It moved.", closes=True, since=100.0)


class LateStore:
    """A store that answers a read with what it had when it was asked, once `answers` is set."""

    def __init__(self, *had: Alarm) -> None:
        self._had = had
        self.asked, self.answers = asyncio.Event(), asyncio.Event()
        self.told, self.stores = asyncio.Event(), asyncio.Event()
        self.stores.set()

    async def read(self, transaction: Any) -> tuple[Alarm, ...]:
        """Answer late."""
        transaction.close()
        self.asked.set()
        await self.answers.wait()
        return self._had

    async def write(self, transaction: Any, **_: object) -> bool:
        """Store once `stores` is set, as it is at first."""
        transaction.close()
        self.told.set()
        await self.stores.wait()
        return True


async def known_after(store: LateStore, change: Any, *, before: tuple[Alarm, ...] = ()) -> set[AlarmKind]:
    """Change the alarms while the database is being read, and return which are known when it has been."""
    alarms = Alarms(cast("Store", store), clock=lambda: 100.0)
    alarms._know(before)
    look = asyncio.create_task(alarms.refresh())
    await store.asked.wait()
    await change(alarms)
    store.answers.set()
    await look
    return {one.kind for one in alarms.on}


async def test_an_older_look_hides_no_new_alarm() -> None:
    """An alarm that begins during a look at the database is known after it; else orders would go on to be taken."""

    async def begin(alarms: Alarms) -> None:
        await alarms.begin("account", what="locked", text="It is locked.", closes=True)

    assert await known_after(LateStore(), begin) == {"account"}


async def test_an_older_look_brings_no_alarm_back() -> None:
    """Nor is one on again that ended meanwhile."""

    async def end(alarms: Alarms) -> None:
        await alarms.end("price", "wan27-image")

    assert await known_after(LateStore(PRICE), end, before=(PRICE,)) == set()


async def test_a_look_finds_what_others_noted() -> None:
    """What other processes noted is known after a look during which nothing was noted here."""

    async def nothing(_: Alarms) -> None:
        return None

    assert await known_after(LateStore(PRICE), nothing) == {"price"}


async def test_a_look_while_an_alarm_is_being_stored_does_not_hide_it() -> None:
    """A look that begins and ends while an alarm is on its way to the database may have read it or not."""
    store = LateStore()
    store.stores.clear()
    store.answers.set()
    alarms = Alarms(cast("Store", store), clock=lambda: 100.0)
    beginning = asyncio.create_task(alarms.begin("account", what="locked", text="It is locked.", closes=True))
    await store.told.wait()
    await alarms.refresh()
    assert alarms.is_account_closed
    store.stores.set()
    await beginning
    assert alarms.is_account_closed
