"""The queue: requests wait for a free runner, with positions, priorities and start deadlines."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from sandbox.fal.errors import Failed, FalReply, model_error, platform_error

__all__ = ["CANCELLED", "FalJob", "FalQueue", "State"]

State: TypeAlias = Literal["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
CANCELLED = platform_error("client_cancelled")
LOGS_MAX = 500  # lines of one request


@dataclass(eq=False, kw_only=True)
class FalJob:
    """One request. Times are Unix seconds. `reply` is the answer to its result GET, once COMPLETED.

    `webhook` is called with the same answer, `webhook_attempts` times so far.

    `request_counts` counts the HTTP requests about it by kind, including the submit.
    """

    id: str
    endpoint: str
    input: Any
    headers: Mapping[str, str]
    submitted_at: float
    low_priority: bool = False
    start_within_s: float | None = None
    webhook: str | None = None
    webhook_attempts: int = 0
    state: State = "IN_QUEUE"
    started_at: float | None = None
    completed_at: float | None = None
    logs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    reply: FalReply | None = None
    cancel_requested: bool = False
    finish_now: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    reply_lost: bool = False
    result_reads: int = 0
    request_counts: Counter[str] = field(default_factory=Counter[str])
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def failed(self) -> bool:
        """Whether it failed."""
        return self.reply is not None and self.reply.status >= 400  # noqa: PLR2004 - HTTP

    @property
    def billed_units(self) -> float | None:
        """The units that were billed; None until it has ended."""
        if self.reply is None:
            return None
        return self.reply.billed_units or 0

    def log(self, message: str) -> None:
        """Add a line to the log and wake the followers."""
        if len(self.logs) < LOGS_MAX:
            stamp = datetime.now(UTC).isoformat()
            line: dict[str, Any] = {
                "timestamp": stamp,
                "message": message,
                "level": "STDOUT",
                "source": "USER",
                "labels": {},
            }
            self.logs.append(line)
        self.notify()

    def request_cancel(self) -> None:
        """Ask the runner to end it without a video."""
        self.cancel_requested = True
        self.wake.set()

    def finish(self) -> None:
        """Skip the rest of its rendering time."""
        self.finish_now = True
        self.wake.set()

    def notify(self) -> None:
        """Wake the followers."""
        woken, self._changed = self._changed, asyncio.Event()
        woken.set()

    async def wait_for_change(self, timeout_s: float) -> None:
        """Wait for the next change, at most `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return


class FalQueue:
    """All requests. `work` renders one video and returns the answer to its result GET, or raises `Failed`.

    `ended` is called with each request that is COMPLETED.
    """

    def __init__(
        self,
        work: Callable[[FalJob], Awaitable[FalReply]],
        *,
        concurrency: int,
        clock: Callable[[], float] = time.time,
        ended: Callable[[FalJob], None] = lambda _: None,
    ) -> None:
        self._ended = ended
        self.jobs: dict[str, FalJob] = {}
        self._work = work
        self._concurrency = concurrency
        self._clock = clock
        self._waiting: list[FalJob] = []
        self._running: dict[FalJob, asyncio.Task[None]] = {}
        self._timers: dict[FalJob, asyncio.TimerHandle] = {}
        self._positions: dict[FalJob, int] | None = None

    @property
    def waiting(self) -> int:
        """The number of requests that wait for a runner."""
        return len(self._waiting)

    @property
    def concurrency(self) -> int:
        """The number of requests that run at once."""
        return self._concurrency

    @concurrency.setter
    def concurrency(self, runners: int) -> None:
        self._concurrency = runners
        self._start_next()

    def position(self, job: FalJob) -> int:
        """Return how many requests are ahead of this one."""
        if self._positions is None:
            self._positions = {one: n for n, one in enumerate(self._waiting)}
        return self._positions.get(job, 0)

    def add(self, job: FalJob) -> int:
        """Add a request; it starts at once if a runner is free. Returns the number of requests ahead of it."""
        self.jobs[job.id] = job
        behind = len(self._waiting)
        if not job.low_priority:
            # Requests of normal priority go before those of low priority.
            while behind > 0 and self._waiting[behind - 1].low_priority:
                behind -= 1
        self._waiting.insert(behind, job)
        self._positions = None
        if job.start_within_s is not None:
            self._timers[job] = asyncio.get_running_loop().call_later(job.start_within_s, self._time_out, job)
        self._start_next()
        return behind

    def cancel(self, job: FalJob) -> tuple[int, str]:
        """Cancel a request if possible. Returns the HTTP status and the status word of fal's answer."""
        match job.state:
            case "IN_QUEUE" if job in self._waiting:
                self._dequeue(job)
                self._complete(job, CANCELLED)
                return 200, "OK"
            case "IN_QUEUE" | "IN_PROGRESS":
                job.request_cancel()
                return 202, "CANCELLATION_REQUESTED"
            case "COMPLETED":
                return 400, "ALREADY_COMPLETED"

    def finish(self, count: int) -> list[str]:
        """Finish that many running requests at once, oldest first; returns their ids."""
        chosen = [job for job in self._running if not job.finish_now][:count]
        for job in chosen:
            job.finish()
        return [job.id for job in chosen]

    async def close(self) -> None:
        """Cancel the running requests and drop the waiting ones."""
        for timer in self._timers.values():
            timer.cancel()
        self._waiting.clear()
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start_next(self) -> None:
        """Start waiting requests while runners are free."""
        while self._waiting and len(self._running) < self._concurrency:
            job = self._waiting[0]
            self._dequeue(job)
            self._running[job] = asyncio.create_task(self._run(job))

    def _dequeue(self, job: FalJob) -> None:
        """Remove a request and its timer from the queue."""
        self._waiting.remove(job)
        self._positions = None
        timer = self._timers.pop(job, None)
        if timer is not None:
            timer.cancel()

    def _time_out(self, job: FalJob) -> None:
        """End a request that was not started within the caller's deadline."""
        self._dequeue(job)
        late = platform_error("request_timeout")
        headers = {**late.headers, "X-Fal-Request-Timeout-Type": "user"}
        self._complete(job, FalReply(late.status, late.body, headers))

    async def _run(self, job: FalJob) -> None:
        """Run one request."""
        job.state, job.started_at = "IN_PROGRESS", self._clock()
        job.notify()
        try:
            reply = await self._work(job)
        except Failed as failure:
            reply = failure.reply
        except Exception as error:  # noqa: BLE001 - a bug in the stand-in must be seen, and must not leave the client waiting
            reply = model_error("internal_server_error", message=f"sandbox/fal failed: {error!r}")
            print(f"sandbox/fal: request {job.id} failed: {error!r}", flush=True)
        finally:
            self._running.pop(job, None)
            self._start_next()
        self._complete(job, reply)

    def _complete(self, job: FalJob, reply: FalReply) -> None:
        """Store the result of a request."""
        job.reply, job.state, job.completed_at = reply, "COMPLETED", self._clock()
        job.notify()
        self._ended(job)
