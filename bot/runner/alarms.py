"""What is wrong with fal, as this process knows it: from the database, where all processes note what they find."""

import asyncio
import logging
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager

from bot import metrics
from bot.catalogue.registry import MODE_TITLES, MODES
from bot.errors import Closed, StorageError
from bot.jobs.alarms import KINDS, Alarm, AlarmKind, alarms_on, begin, closed_sentence, end
from bot.storage.transaction import Store

log = logging.getLogger(__name__)


class Alarms:
    """The alarms that are on, and the modes that are off for them.

    `changed` is set when one began or ended here or elsewhere; `account_opened` while fal's account takes orders.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._on: dict[tuple[AlarmKind, str], Alarm] = {}
        self._begun, self._ended = 0, 0  # how many changes began to be stored here, and how many are no longer
        self.changed = asyncio.Event()
        self.account_opened = asyncio.Event()
        self.account_opened.set()

    @property
    def on(self) -> tuple[Alarm, ...]:
        """The alarms that are on, the oldest first."""
        return tuple(sorted(self._on.values(), key=lambda one: one.since))

    def is_on(self, kind: AlarmKind, mode: str = "") -> bool:
        """Return whether this alarm is on."""
        return (kind, mode) in self._on

    @property
    def is_account_closed(self) -> bool:
        """Whether fal takes nothing of what Wanda asks for."""
        account = self._on.get(("account", ""))
        return account is not None and account.closes

    def why_off(self, mode_id: str) -> AlarmKind | None:
        """Return what the mode is off for, or None."""
        if self.is_account_closed:
            return "account"
        return next((one.kind for one in self.on if one.closes and one.mode == mode_id), None)

    def off(self) -> Mapping[str, AlarmKind]:
        """Return what each mode that is off is off for."""
        found: dict[str, AlarmKind] = {}
        for mode in MODES:
            if (why := self.why_off(mode.id)) is not None:
                found[mode.id] = why
        return found

    def check(self, *mode_ids: str) -> None:
        """Check that videos of these modes can be ordered now.

        Raises:
            Closed: one cannot, and nothing was held for it.
        """
        for mode_id in mode_ids:
            why = self.why_off(mode_id)
            if why is not None:
                raise Closed(closed_sentence(MODE_TITLES[mode_id], why))

    async def begin(self, kind: AlarmKind, mode: str = "", *, what: str, text: str, closes: bool) -> None:
        """Note that this is wrong. It counts here at once, and everywhere once the database has it."""
        known = self._on.get((kind, mode))
        if known is not None and (known.what, known.closes) == (what, closes):
            return
        since = self._clock() if known is None else known.since
        alarm = Alarm(kind=kind, mode=mode, what=what, text=text, closes=closes, since=since)
        self._know([*(one for one in self.on if one is not known), alarm])
        try:
            with self._storing():
                await self._store.write(begin(alarm), guild_id=None)
        except StorageError:
            log.warning("an alarm could not be stored, and is known to this process alone: %s", text, exc_info=True)

    async def end(self, kind: AlarmKind, mode: str = "") -> None:
        """Note that it is over; nothing happens if it is not on.

        Raises:
            StorageError: the database did not answer, so it stays on.
        """
        if self.is_on(kind, mode):
            with self._storing():
                await self._store.write(end(kind, mode, at=self._clock()), guild_id=None)
                self._know(one for one in self.on if (one.kind, one.mode) != (kind, mode))

    async def refresh(self) -> None:
        """Read what is wrong from the database.

        What is read while a change is being stored here may be older than that, and is left to the next look.

        Raises:
            StorageError: it did not answer, and what was known stays.
        """
        begun, is_storing = self._begun, self._begun > self._ended
        found = await self._store.read(alarms_on())
        if not is_storing and self._begun == begun:
            self._know(found)

    @contextmanager
    def _storing(self) -> Generator[None]:
        self._begun += 1
        try:
            yield
        finally:
            self._ended += 1

    def _know(self, alarms: Iterable[Alarm]) -> None:
        on: dict[tuple[AlarmKind, str], Alarm] = {(one.kind, one.mode): one for one in alarms}
        if on.keys() != self._on.keys() or any(one.what != self._on[key].what for key, one in on.items()):
            self.changed.set()
        self._on = on
        if self.is_account_closed:
            self.account_opened.clear()
        else:
            self.account_opened.set()
        for kind in KINDS:
            metrics.ALARMS.labels(kind).set(sum(one.kind == kind for one in on.values()))
        metrics.MODES_OFF.set(len(self.off()))
