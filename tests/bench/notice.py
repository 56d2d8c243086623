"""*notice*: how soon a completion at fal is noticed, with how many requests, and the loop's lag meanwhile.

Of a subject's jobs in flight some end ("land"), oldest first, 40 per second; the others stay in flight. Wanda has
noticed a completion when it is stored, the peer when its client reports it. The requests are those of the landed jobs
at fal's queue from submit to result, without uploads. A poller needs more requests the longer a job takes, so the label
gives the duration; Wanda needs the same number for a job of an hour.

The 5,000 are ordered without pictures, to be there in half of the time; a job at fal is noticed in the same way.

At 1,000 the peer is overloaded: its polls and submits wait for each other. Requests that fal does not have 22 s after
the first command are left out, and completions not noticed 4 s after the last landing count as that late.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.bench import thousand
from tests.bench.figures import Case, Goal, Reading, Run, Spec
from tests.bench.flight import Flight, Landing, aloft
from tests.bench.stands import Name, new_folder

FEW, FEW_TAKE_S = 10, 17.0
SOME, SOME_LANDED = 200, 100
MANY, MANY_LANDED = 5_000, 200
LAUNCH_WITHIN_S = 60.0
NOTICED_WITHIN_S = 10.0

_SOON = Goal(bound="at most", value=5)
_SELDOM = Goal(bound="at most", value=3)
_IN_TIME = Goal(bound="at most", value=50)


@asynccontextmanager
async def cases(folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Yield the cases; the jobs of the largest stay in flight between the runs."""
    async with AsyncExitStack() as stack:
        fleet = _Fleet(folder, stack)
        yield [
            Case(
                specs=(
                    *_late("few", f"{FEW} in flight"),
                    Spec(
                        key="few_asked",
                        label=f"{FEW} in flight, jobs of {FEW_TAKE_S:g} s",
                        unit="requests a job",
                        goals=(_SELDOM, Goal(bound="at most", value=1 / 50, times="peer")),
                    ),
                    *_late("some", f"{SOME} in flight"),
                ),
                contestants={"peer": _few_and_some(folder, "peer"), "Wanda": _few_and_some(folder, "wanda")},
                is_long=True,
            ),
            Case(
                specs=_of_a_thousand(),
                contestants={"peer": thousand.run("notice", "peer"), "Wanda": thousand.run("notice", "wanda")},
                is_long=True,
            ),
            Case(specs=_of_many(), contestants={"Wanda": fleet.run}, is_long=True),
        ]


def _few_and_some(folder: Path, name: Name) -> Run:
    async def run() -> Reading:
        async with aloft(new_folder(folder), name) as flight:
            await flight.launch(FEW, within_s=LAUNCH_WITHIN_S)
            await asyncio.sleep(FEW_TAKE_S)
            few = await flight.land(FEW, within_s=NOTICED_WITHIN_S)
            await flight.launch(SOME, within_s=LAUNCH_WITHIN_S)
            some = await flight.land(SOME_LANDED, within_s=NOTICED_WITHIN_S)
            return {**_reading("few", few), "few_asked": few.asked_per_job, **_reading("some", some)}

    return run


class _Fleet:
    """Wanda with many jobs in flight: launched in the first run, and refilled in each later one."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._flight: Flight | None = None

    async def run(self) -> Reading:
        if self._flight is None:
            folder = new_folder(self._folder)
            self._flight = await self._stack.enter_async_context(aloft(folder, "wanda"))
            missing = MANY
        else:
            missing = MANY_LANDED
        await self._flight.launch_many(missing, within_s=LAUNCH_WITHIN_S, with_picture=False)
        await self._flight.settled_bytes()
        landing = await self._flight.land(MANY_LANDED, within_s=NOTICED_WITHIN_S)
        return _reading("many", landing) | {
            "lag": landing.lag_p99_ms,
            "asked": landing.asked_per_job,
            "fal_busy": landing.fal_busy * 100,
        }


def _reading(prefix: str, landing: Landing) -> dict[str, float]:
    return {f"{prefix}_p50": landing.late(50), f"{prefix}_p99": landing.late(99)}


def _late(prefix: str, label: str, goals: tuple[Goal, ...] = ()) -> tuple[Spec, Spec]:
    return (
        Spec(key=f"{prefix}_p50", label=f"{label}, p50", unit="ms", goals=goals),
        Spec(key=f"{prefix}_p99", label=f"{label}, p99", unit="ms"),
    )


def _of_a_thousand() -> tuple[Spec, ...]:
    label = f"{thousand.IN_FLIGHT:,} in flight"
    return (
        Spec(key="at_fal", label=f"{thousand.IN_FLIGHT:,} commands, at fal after 22 s", unit="jobs"),
        Spec(key="p50", label=f"{label}, p50", unit="ms", goals=(_SOON,)),
        Spec(key="p99", label=f"{label}, p99", unit="ms"),
        Spec(key="unnoticed", label=f"{label}, not noticed in time", unit=f"of {thousand.LANDED}"),
        Spec(
            key="asked",
            label=label,
            unit="requests a job",
            goals=(_SELDOM,),
            note="the peer is overtaxed: it asks less often than it wants to, and has not yet asked for every result",
        ),
        Spec(key="lag", label=f"{label}, loop lag p99", unit="ms", goals=(_IN_TIME,)),
        Spec(key="fal_busy", label=f"{label}, how busy sandbox/fal was", unit="%"),
    )


def _of_many() -> tuple[Spec, ...]:
    label = f"{MANY:,} in flight"
    return (
        *_late("many", label),
        Spec(key="asked", label=label, unit="requests a job", goals=(_SELDOM,)),
        Spec(key="lag", label=f"{label}, loop lag p99", unit="ms"),
        Spec(key="fal_busy", label=f"{label}, how busy sandbox/fal was", unit="%"),
    )
