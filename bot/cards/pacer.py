"""How cards in progress are paced: edited when they would say something new, as often as Discord's limits allow.

What Discord limits (https://discord.com/developers/docs/topics/rate-limits):

* Buckets. Each route has a bucket of requests that refills after a window. Buckets are kept apart by the route's major
  parameter: the channel for a message that the bot's token edits, the webhook's id and token for one that the
  interaction's token edits. The headers of a reply say what is left; the sizes are documented nowhere and change.
* The global limit: 50 requests a second for everything with the bot's token. Interaction endpoints do not count.
* Invalid requests: an address that collects 10,000 replies of 401, 403 or 429 in 10 minutes is banned for a while.
* Old messages: edits of a message older than an hour have a small bucket of their own, and then error 30046.

What Wanda does about each:

* A card is edited with its interaction's token as long as that lives (15 minutes). Each such card has a bucket of its
  own, so these cards do not share a turn. `edit_interval_s` between two edits of one card stays within that bucket.
* After that, the cards of one channel share its bucket: `channel_edit_interval_s` lies between two progress edits, and
  they go one at a time. `bot.cards.channel_queue` does the same for everything else that is sent there; while it is
  busy, progress is left out, because a video that is ready comes first.
* All progress edits together make at most `edits_per_s_max` a second. That leaves the global limit room for videos and
  answers, and the event loop as well: a thousand cards, each every few seconds, would leave it no time. A card's first
  edit does not wait for this, because until then its member reads no more than "Wanda is thinking".
* The older a card, the rarer its edits: twice the interval after 5 minutes, five times after 15, none after an hour.
* A card of a job that is parked says nothing that changes with time, so it is edited once, and again at the job's end.
* After each failed edit the card rests longer, and after eight in a row it is left alone. A card that will
  never take an edit again is left alone at once, so that refused requests do not add up to a ban.

How: one task for each card. It waits for its turn, draws the newest state, and edits if that differs from what Discord
has; then it rests. Drawing at the turn, not before, means that every edit shows the newest state and is drawn once; a
card with nothing new gives its turn to the next. Only a card that waits for its channel is drawn once more after that.
"""

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self, TypeAlias

from bot.jobs.model import Job, Live
from bot.metrics import CARD_EDIT_WAIT_SECONDS, CARD_EDITS
from bot.requester import Requester
from bot.settings import CardSettings
from bot.texts.card import JobCard
from bot.turns import FairTurns

_LOG = logging.getLogger(__name__)
_SLOWER_AFTER_S, _SLOWER = 300.0, 2.0
_SLOWEST_AFTER_S, _SLOWEST = 900.0, 5.0
_FAILURES_MAX = 8
_ENDED_PER_JOB = 4  # ended cards that are remembered, as a multiple of the jobs in flight


@dataclass(frozen=True, slots=True)
class Frame:
    """What a card is drawn from."""

    job: Job
    live: Live


Draw: TypeAlias = Callable[[Frame], JobCard]
# "skipped": Discord does not have this card, and a later edit may give it to it; "gone": no edit ever will.
EditOutcome: TypeAlias = Literal["edited", "skipped", "gone"]
Edit: TypeAlias = Callable[[Job, JobCard], Awaitable[EditOutcome]]
Shared: TypeAlias = Callable[[Job], int | None]
Sleep: TypeAlias = Callable[[float], Awaitable[None]]


@dataclass(eq=False, slots=True)
class _Entry:
    """One card in progress. `lock` is held during an edit, so that `end` can wait for it.

    `shown` is the hash of what Discord has: a thousand cards take a megabyte and more.
    """

    frame: Frame
    shown: int | None = None
    failures: int = 0
    ended: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None


class _ChannelPace:
    """Spaces the edits of one channel's cards: one at a time, with a rest after each."""

    __slots__ = ("free_at", "lock")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.free_at = 0.0

    def is_busy(self, now: float) -> bool:
        """Return whether the next edit has to wait."""
        return self.lock.locked() or self.free_at > now


class _GlobalPace:
    """Spaces the edits of all cards, `per_s` a second; servers take turns, and so do their members.

    A waiter that is cancelled, or has nothing to edit when its turn comes, does not use up a slot.
    """

    __slots__ = ("_free_at", "_gap_s", "_now", "_sleep", "_turns")

    def __init__(self, per_s: float, now: Callable[[], float], sleep: Sleep) -> None:
        self._gap_s = 1 / per_s
        self._now = now
        self._sleep = sleep
        self._turns = FairTurns(1, name="edit")
        self._free_at = 0.0

    async def turn(self, requester: Requester, draw: Callable[[], JobCard | None]) -> JobCard | None:
        """Wait for a turn and return what is drawn then; None uses up no slot."""
        async with self._turns.turn(requester):
            # Never longer than one gap, should the clock be set back.
            await self._sleep(min(self._gap_s, max(0.0, self._free_at - self._now())))
            card = draw()
            if card is not None:
                self._free_at = self._now() + self._gap_s
            return card


class Pacer:
    """Edits cards in progress while it is entered; leaving it ends that for every card at once.

    `edit` edits a card, unless it skips that for now. `shared` returns the channel whose bucket that edit
    uses, or None if it has its own. `now` is in Unix seconds.
    """

    def __init__(
        self,
        settings: CardSettings,
        draw: Draw,
        edit: Edit,
        shared: Shared,
        *,
        cards_max: int,
        now: Callable[[], float],
        sleep: Sleep,
    ) -> None:
        self._settings = settings
        self._cards_max = cards_max
        self._draw = draw
        self._edit = edit
        self._shared = shared
        self._now = now
        self._sleep = sleep
        self._group = asyncio.TaskGroup()
        self._open = False
        self._entries: dict[str, _Entry] = {}
        self._standing: OrderedDict[str, int] = OrderedDict()  # cards without a task, and the hashes of what they show
        self._ended: OrderedDict[str, float] = OrderedDict()
        self._channels: dict[int, _ChannelPace] = {}
        self._pace = _GlobalPace(settings.edits_per_s_max, now, sleep)

    def keep_pace_with(self, other: "Pacer") -> None:
        """Count this one's edits together with the other's."""
        self._pace = other._pace  # noqa: SLF001 - of the same class

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
        # A task group would wrap any other error in an ExceptionGroup, which no caller expects.
        cancelled = error if isinstance(error, asyncio.CancelledError) else None
        await self._group.__aexit__(type(cancelled) if cancelled else None, cancelled, trace)

    def __len__(self) -> int:
        """Return how many cards are in progress."""
        return len(self._entries)

    def show(self, job: Job, live: Live) -> None:
        """Show this state on the card soon; an older one than the last is ignored. Never waits, never raises."""
        if not self._open or job.updated_at <= self._ended.get(job.id, float("-inf")):
            return
        entry = self._entries.get(job.id)
        if entry is not None:
            if job.updated_at >= entry.frame.job.updated_at:
                entry.frame = Frame(job, live)
            return
        if self._gap_s(job) is None or len(self._entries) >= self._cards_max:
            return
        entry = self._entries[job.id] = _Entry(Frame(job, live), self._standing.pop(job.id, None))
        entry.task = self._group.create_task(self._follow(entry), name=f"card {job.id}")

    async def end(self, job: Job) -> None:
        """Stop editing the card. Afterwards no edit is under way, and this state and older ones are ignored."""
        self._show_none_until(job.id, job.updated_at)
        self._standing.pop(job.id, None)
        entry = self._entries.pop(job.id, None)
        if entry is None:
            return
        entry.ended = True
        # An edit under way is not cancelled: Discord might still carry it out, after the last one.
        async with entry.lock:
            if entry.task is not None:
                entry.task.cancel()

    def resume(self, job: Job) -> None:
        """Allow progress again, because the edit that was to end the card failed."""
        self._ended.pop(job.id, None)

    def _show_none_until(self, job_id: str, updated_at: float) -> None:
        """Make `show` ignore states of this job up to `updated_at`."""
        self._ended[job_id] = max(updated_at, self._ended.get(job_id, updated_at))
        self._ended.move_to_end(job_id)
        while len(self._ended) > _ENDED_PER_JOB * self._cards_max:
            self._ended.popitem(last=False)

    def _gap_s(self, job: Job) -> float | None:
        """Return the interval between edits at the card's age, or None when it is too old for any."""
        age_s = self._now() - job.address.posted_at
        if age_s >= self._settings.edit_age_max_s:
            return None
        slower = _SLOWEST if age_s >= _SLOWEST_AFTER_S else _SLOWER if age_s >= _SLOWER_AFTER_S else 1.0
        return self._settings.edit_interval_s * slower

    async def _follow(self, entry: _Entry) -> None:
        """Edit the card until it is ended, too old, takes no more edits, or needs none until the job's next event."""
        job_id = entry.frame.job.id
        try:
            while not entry.ended and (gap_s := self._gap_s(entry.frame.job)) is not None:
                if not await self._try_edit(entry):
                    return
                await self._sleep(gap_s * (1 + entry.failures))
        finally:
            if self._entries.get(job_id) is entry:
                del self._entries[job_id]

    async def _try_edit(self, entry: _Entry) -> bool:
        """Edit once, if there is something to say; return whether to go on."""
        try:
            goes_on = await self._edit_in_turn(entry) and not self._stands(entry)
        except Exception:  # noqa: BLE001 - progress is optional: no error in it may end the job
            entry.failures += 1
            CARD_EDITS.labels("failed").inc()
            _LOG.warning("an edit of the card of job %s failed", entry.frame.job.id, exc_info=True)
            return entry.failures < _FAILURES_MAX
        entry.failures = 0
        return goes_on

    def _stands(self, entry: _Entry) -> bool:
        """Return whether the card is as it stays until the job's next event; then only its hash is kept."""
        frame, shown = entry.frame, entry.shown
        if entry.ended or shown is None or not frame.live.is_parked or frame.job.state not in {"queued", "running"}:
            return False
        if self._news(entry) is not None:
            return False
        self._standing[frame.job.id] = shown
        while len(self._standing) > self._cards_max:
            self._standing.popitem(last=False)
        return True

    async def _edit_in_turn(self, entry: _Entry) -> bool:
        since = self._now()
        is_first = entry.shown is None and not entry.failures
        requester = entry.frame.job.requester
        card = self._news(entry) if is_first else await self._pace.turn(requester, lambda: self._news(entry))
        if card is None:
            return True
        channel_id = self._shared(entry.frame.job)
        if channel_id is None:
            return await self._edit_card(entry, card, since)
        channel = self._channel(channel_id)
        has_waited = channel.is_busy(self._now())
        async with channel.lock:
            await self._sleep(max(0.0, channel.free_at - self._now()))
            try:
                return await self._edit_card(entry, self._news(entry) if has_waited else card, since)
            finally:
                channel.free_at = self._now() + self._settings.channel_edit_interval_s

    def _channel(self, channel_id: int) -> _ChannelPace:
        """Return the channel's pace; idle ones are dropped when there are more of them than cards."""
        if channel_id not in self._channels:
            if len(self._channels) > len(self._entries):
                now = self._now()
                self._channels = {key: pace for key, pace in self._channels.items() if pace.is_busy(now)}
            self._channels[channel_id] = _ChannelPace()
        return self._channels[channel_id]

    def _news(self, entry: _Entry) -> JobCard | None:
        """Draw the card; None when Discord has it already."""
        card = self._draw(entry.frame)
        return None if hash(card) == entry.shown else card

    async def _edit_card(self, entry: _Entry, card: JobCard | None, since: float) -> bool:
        """Edit the card unless there is nothing new; it waited for its turn since a time. Returns whether to go on."""
        async with entry.lock:
            if card is None or entry.ended:
                return True
            job = entry.frame.job
            CARD_EDIT_WAIT_SECONDS.observe(max(0.0, self._now() - since))
            outcome = await self._edit(job, card)
            CARD_EDITS.labels("put_off" if outcome == "skipped" else outcome).inc()
            if outcome == "edited":
                entry.shown = hash(card)
            if outcome == "gone":
                # Otherwise the next state would begin anew, and each of its edits would be one more refused request.
                self._show_none_until(job.id, math.inf)
            return outcome != "gone"
