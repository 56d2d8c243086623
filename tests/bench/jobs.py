"""*jobs*: the jobs per second that one process finishes while 99 % of the commands are answered within 500 ms.

Commands arrive evenly, in steps of growing rates; a job is finished when its video is posted. The rate of a step is
counted from the end of its first jobs until its last command. The ramp ends with the first step whose answers were too
late, or the second in a row that finished clearly fewer jobs than arrived. The figure is the highest rate of a step
whose answers were in time; a step counts for at most its own rate of commands, because it may also finish a backlog.

Each job takes `JOB_S` at the stand-in, whose film of 2 s is rendered once and copied for each job. The stand-ins' share
of a core in the best step is a row of the table: at 100 % a stand-in, not the bot, is measured.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Case, Goal, Reading, Run, Spec, percentile
from tests.bench.stands import Name, Stands, Subject, new_folder, until, waited

_JOB_S = 0.5
_STEP_S = 5.0
_FILLED_AFTER_S = 2.0  # a job takes about one second, from its command to its video
_ACK_P99_MS_MAX = 500.0
_KEPT_UP = 0.9  # the fraction of its jobs that a step must finish
_BEHIND_MAX = 2  # one step may fall behind because of other load on the machine
_DRAINED_WITHIN_S = 20.0
_WARM = 10
_RAMPS: Mapping[Name, Sequence[int]] = {
    # Each ramp begins at a rate that its contestant is known to reach.
    "wanda": (40, 46, 51, 56, 62, 70, 80),
    "peer": (14, 20, 26, 32, 40),
}


@dataclass(frozen=True, slots=True)
class _Step:
    """The result of one step."""

    offered: float
    finished: float
    ack_p99_ms: float
    busy_bot: float
    busy_stand_in: float

    @property
    def answered_in_time(self) -> bool:
        return self.ack_p99_ms <= _ACK_P99_MS_MAX

    @property
    def kept_up(self) -> bool:
        return self.finished >= _KEPT_UP * self.offered


@asynccontextmanager
async def cases(folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Yield the one case; the stand-ins run until the context exits."""
    goals = (Goal(bound="at least", value=50), Goal(bound="at least", value=10, times="peer"))
    async with Stands(folder, seconds_per_job=_JOB_S) as stands:
        yield (
            Case(
                specs=(
                    Spec(key="finished", label="finished by one process", unit="jobs/s", goals=goals),
                    Spec(key="ack_p99", label="p99 of the first answer then", unit="ms"),
                    Spec(
                        key="cpu_ms",
                        label="processor time of a job",
                        unit="ms",
                        note="the bot, its workers and their children",
                    ),
                    Spec(key="busy", label="busiest stand-in then", unit="% of a core", note="100 is its ceiling"),
                ),
                contestants={"peer": _ramp(stands, folder, "peer"), "Wanda": _ramp(stands, folder, "wanda")},
                slow=frozenset({"peer"}),
            ),
        )


def _ramp(stands: Stands, folder: Path, name: Name) -> Run:
    async def run() -> Reading:
        best: _Step | None = None
        behind = 0
        async with stands.subject(name, new_folder(folder)) as subject:
            await stands.burst(_WARM, over_s=_WARM / _RAMPS[name][0])
            for rate in _RAMPS[name]:
                step, cards = await _step(stands, subject, rate)
                if step.answered_in_time and step.finished > (0 if best is None else best.finished):
                    best = step
                behind = 0 if step.kept_up else behind + 1
                if not step.answered_in_time or behind == _BEHIND_MAX or not await _drained(stands, cards):
                    break
        return {} if best is None else _reading(best)

    return run


def _reading(step: _Step) -> Reading:
    return {
        "finished": step.finished,
        "ack_p99": step.ack_p99_ms,
        "cpu_ms": step.busy_bot / step.finished * 1000,
        "busy": step.busy_stand_in * 100,
    }


async def _step(stands: Stands, subject: Subject, rate: int) -> tuple[_Step, list[str]]:
    """Send commands at this rate; return the result, counted once the first are done, and the ids of their cards."""
    firing = asyncio.create_task(stands.burst(round(rate * _STEP_S), over_s=_STEP_S))
    await asyncio.sleep(_FILLED_AFTER_S)
    began, stood, bot = time.time(), stands.cpu_s(), subject.cpu_s()
    await asyncio.sleep(_STEP_S - _FILLED_AFTER_S)
    ended, busy, busy_bot = time.time(), stands.cpu_s(), subject.cpu_s() - bot
    fired = await firing
    took_s = ended - began
    finished = sum(1 for at in (await stands.videos()).values() if began < at <= ended)
    step = _Step(
        offered=rate,
        finished=min(finished / took_s, rate),
        ack_p99_ms=percentile(waited(fired["ack_ms"]), 99),
        busy_bot=busy_bot / took_s,
        busy_stand_in=max((busy[name] - stood[name]) / took_s for name in busy),
    )
    return step, [one for one in fired["message_id"] if one is not None]


async def _drained(stands: Stands, cards: Collection[str]) -> bool:
    """Wait for a bounded time until every card has its video; return whether all have."""

    async def none_is_missing() -> bool:
        return set(cards) <= set(await stands.videos())

    try:
        await until(none_is_missing, what="video on every card", within_s=_DRAINED_WITHIN_S)
    except TimeoutError:
        return False
    return True
