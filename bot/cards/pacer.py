"""Paced progress: each card is edited when what it says has changed, never more often than its age allows.

One task a card: it draws the newest state, edits when that differs from what Discord has, and rests. Edits with the
bot's token share a bucket per channel, so those of one channel take turns. All cards together make a bounded number of
edits a second: a thousand of them, each every few seconds, would leave the loop no time for anything else.
"""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeAlias

from bot.jobs.model import Job, Left, Live
from bot.settings import Settings
from bot.texts.card import Card

_LOG = logging.getLogger(__name__)
_SLOWER_AFTER_S, _SLOWER = 300.0, 2.0
_SLOWEST_AFTER_S, _SLOWEST = 900.0, 5.0
_FAILURES_MAX = 8
_ENDED_PER_JOB = 4  # how many ended cards are remembered, as a multiple of the jobs in flight


@dataclass(frozen=True, slots=True)
class Frame:
    """What a card is drawn from."""

    job: Job
    live: Live
    left: Left | None


Draw: TypeAlias = Callable[[Frame], Card]
Edit: TypeAlias = Callable[[Job, Card], Awaitable[bool]]
Shared: TypeAlias = Callable[[Job], int | None]
Sleep: TypeAlias = Callable[[float], Awaitable[None]]


@dataclass(eq=False, slots=True)
class _Entry:
    """One card in progress. The lock is held during an edit, so that whoever ends it can wait for that."""

    frame: Frame
    shown: Card | None = None
    failures: int = 0
    ended: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None


class _Lane:
    """The turns of one channel's cards: one edit at a time, `gap_s` apart."""

    __slots__ = ("free_at", "lock")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.free_at = 0.0

    def busy(self, now: float) -> bool:
        """Return whether somebody edits or waits in it, or the last edit is too fresh."""
        return self.lock.locked() or self.free_at > now


class _Pace:
    """Turns that are taken in order, `per_s` of them a second; who leaves the line before its turn costs nobody one."""

    __slots__ = ("_free_at", "_gap_s", "_line", "_now", "_sleep")

    def __init__(self, per_s: float, now: Callable[[], float], sleep: Sleep) -> None:
        self._gap_s = 1 / per_s
        self._now = now
        self._sleep = sleep
        self._line = asyncio.Lock()
        self._free_at = 0.0

    async def turn(self) -> None:
        """Wait for a turn, and take it."""
        async with self._line:
            # Never longer than one gap, should somebody put the clock back.
            await self._sleep(min(self._gap_s, max(0.0, self._free_at - self._now())))
            self._free_at = self._now() + self._gap_s


class Pacer:
    """Edits cards in progress while it is entered; leaving it ends every card's pacing at once.

    `edit` changes a card and returns whether later edits have a chance; `shared` names the channel whose turns an edit
    must take, or None. `now` is in Unix seconds.
    """

    def __init__(
        self, settings: Settings, draw: Draw, edit: Edit, shared: Shared, *, now: Callable[[], float], sleep: Sleep
    ) -> None:
        self._settings = settings
        self._draw = draw
        self._edit = edit
        self._shared = shared
        self._now = now
        self._sleep = sleep
        self._group = asyncio.TaskGroup()
        self._open = False
        self._entries: dict[str, _Entry] = {}
        self._ended: OrderedDict[str, float] = OrderedDict()
        self._lanes: dict[int, _Lane] = {}
        self._pace = _Pace(settings.edits_per_s_max, now, sleep)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        for entry in self._entries.values():
            entry.ended = True
            if entry.task is not None:
                entry.task.cancel()
        # A task group packs whatever else leaves its block into a group of errors, which nobody above expects; it has
        # to know of a cancellation alone.
        cancelled = error if isinstance(error, asyncio.CancelledError) else None
        await self._group.__aexit__(type(cancelled) if cancelled else None, cancelled, trace)

    def __len__(self) -> int:
        """Return how many cards are in progress."""
        return len(self._entries)

    def show(self, job: Job, live: Live, left: Left | None) -> None:
        """Have the card say this soon. Never waits, never raises; an older state than the shown one is ignored."""
        if not self._open or job.updated_at <= self._ended.get(job.id, float("-inf")):
            return
        entry = self._entries.get(job.id)
        if entry is not None:
            if job.updated_at >= entry.frame.job.updated_at:
                entry.frame = Frame(job, live, left if left is not None else entry.frame.left)
            return
        if self._gap_s(job) is None or len(self._entries) >= self._settings.jobs_in_flight_max:
            return
        entry = self._entries[job.id] = _Entry(Frame(job, live, left))
        entry.task = self._group.create_task(self._follow(entry), name=f"card {job.id}")

    async def end(self, job: Job) -> None:
        """Stop the card's pacing; afterwards no edit is on its way, and none of this state or an older follows."""
        self._show_none_until(job.id, job.updated_at)
        entry = self._entries.pop(job.id, None)
        if entry is None:
            return
        entry.ended = True
        # An edit on its way is waited for, not cancelled: Discord could still carry it out after the last one.
        async with entry.lock:
            if entry.task is not None:
                entry.task.cancel()

    def resume(self, job: Job) -> None:
        """Allow progress again, because what was to end the card did not reach it."""
        self._ended.pop(job.id, None)

    def _show_none_until(self, job_id: str, updated_at: float) -> None:
        """Have `show` ignore the states of this job up to this time."""
        self._ended[job_id] = max(updated_at, self._ended.get(job_id, updated_at))
        self._ended.move_to_end(job_id)
        while len(self._ended) > _ENDED_PER_JOB * self._settings.jobs_in_flight_max:
            self._ended.popitem(last=False)

    def _gap_s(self, job: Job) -> float | None:
        """Return the rest between two edits at the card's age, or None when it is too old for progress."""
        age_s = self._now() - job.address.posted_at
        if age_s >= self._settings.edit_age_max_s:
            return None
        slower = _SLOWEST if age_s >= _SLOWEST_AFTER_S else _SLOWER if age_s >= _SLOWER_AFTER_S else 1.0
        return self._settings.edit_interval_s * slower

    async def _follow(self, entry: _Entry) -> None:
        """Edit the card whenever it would say something new, until it is ended, too old, or beyond reach."""
        job_id = entry.frame.job.id
        try:
            while not entry.ended and (gap_s := self._gap_s(entry.frame.job)) is not None:
                if not await self._turn(entry):
                    return
                await self._sleep(gap_s * (1 + entry.failures))
        finally:
            if self._entries.get(job_id) is entry:
                del self._entries[job_id]

    async def _turn(self, entry: _Entry) -> bool:
        """Edit once, if there is something to say; return whether to go on."""
        try:
            going_on = await self._in_turn(entry)
        except Exception:  # noqa: BLE001 - progress is a courtesy: whatever goes wrong must not end the job
            entry.failures += 1
            _LOG.warning("an edit of the card of job %s failed", entry.frame.job.id, exc_info=True)
            return entry.failures < _FAILURES_MAX
        entry.failures = 0
        return going_on

    async def _in_turn(self, entry: _Entry) -> bool:
        """Wait for a turn, where the bot's token is used for the channel's too, and edit.

        The first edit waits for none among all cards: until then its member reads no more than that Wanda is thinking.
        """
        if self._fresh(entry) is None:
            return True
        if entry.shown is not None or entry.failures:
            await self._pace.turn()
        channel_id = self._shared(entry.frame.job)
        if channel_id is None:
            return await self._edit_newest(entry)
        lane = self._lane(channel_id)
        async with lane.lock:
            await self._sleep(max(0.0, lane.free_at - self._now()))
            try:
                return await self._edit_newest(entry)
            finally:
                lane.free_at = self._now() + self._settings.channel_edit_interval_s

    def _lane(self, channel_id: int) -> _Lane:
        """Return the channel's lane; lanes that nobody waits in are forgotten when there are more than cards."""
        if channel_id not in self._lanes:
            if len(self._lanes) > len(self._entries):
                now = self._now()
                self._lanes = {key: lane for key, lane in self._lanes.items() if lane.busy(now)}
            self._lanes[channel_id] = _Lane()
        return self._lanes[channel_id]

    def _fresh(self, entry: _Entry) -> Card | None:
        card = self._draw(entry.frame)
        return None if card == entry.shown else card

    async def _edit_newest(self, entry: _Entry) -> bool:
        async with entry.lock:
            card = None if entry.ended else self._fresh(entry)
            if card is None:
                return True
            going_on = await self._edit(entry.frame.job, card)
            entry.shown = card
            if not going_on:
                # Without this the next state would open the card again, and each would be refused by Discord: an
                # address that sends thousands of refused requests is banned.
                self._show_none_until(entry.frame.job.id, math.inf)
            return going_on
