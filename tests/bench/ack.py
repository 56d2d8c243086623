"""*ack*: how long the first answer takes when commands are sent at the same moment, and how many miss Discord's 3 s.

Each run is a new process that has answered a few commands before the measurement. The limit is a discord.py handler
that only defers. A command that is not answered within 3 s counts as 3,000 ms.

For `1 at once` each command is sent when the previous one is answered. The jobs of `1` and `100 at once` are short, so
that few are in flight. The jobs of `1,000 at once` take an hour; once all are in flight, 100 more commands are sent.
Wanda's are those of `thousand.py`. The peer never gets 1,000 jobs in flight: it has `_PEER_WITHIN_S`, and the table
shows how many it reached.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.bench import thousand
from tests.bench.figures import Case, Goal, Reading, Run, Spec, Who
from tests.bench.stands import Name, Stands, first_answers, new_folder, until

_SHORT_S, _LONG_S = 0.5, 3600.0
_WARM = 5
_ALONE = 10  # commands one after the other; 20 in two rounds
_FEW = 100
_PEER_WITHIN_S = 4.0
_NAMES: Mapping[Who, Name] = {"limit": "bare", "peer": "peer", "Wanda": "wanda"}


@asynccontextmanager
async def cases(folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Yield the cases; the stand-ins run until the context exits."""
    async with Stands(folder, seconds_per_job=_SHORT_S) as stands:
        yield (
            Case(
                specs=(*_specs("alone", "1 at once"), *_specs("few", "100 at once")),
                contestants={who: _few(stands, folder, name) for who, name in _NAMES.items()},
            ),
            Case(
                specs=(
                    *_specs("many", "1,000 at once", Goal(bound="at most", value=1.5, times="limit")),
                    Spec(key="in_flight", label="jobs in flight after 1,000 at once", unit="jobs"),
                    *_specs("more", "100 at once while those are in flight"),
                ),
                contestants={
                    "limit": _many(stands, folder, "bare"),
                    "peer": _many(stands, folder, "peer"),
                    "Wanda": thousand.run("ack", "wanda"),
                },
                is_long=True,
            ),
        )


def _specs(key: str, label: str, *goals: Goal) -> tuple[Spec, ...]:
    within = (Goal(bound="at most", value=0),) if goals else ()
    return (
        Spec(key=f"{key}_p50", label=f"{label}, p50", unit="ms", goals=goals),
        Spec(key=f"{key}_p99", label=f"{label}, p99", unit="ms"),
        Spec(key=f"{key}_missed", label=f"{label}, missed", unit="commands", goals=within),
    )


def _few(stands: Stands, folder: Path, name: Name) -> Run:
    async def run() -> Reading:
        await stands.fal.post("settings", {"seconds_per_job": _SHORT_S})
        async with stands.subject(name, new_folder(folder)):
            await _one_by_one(stands, _WARM)
            alone = first_answers("alone", await _one_by_one(stands, _ALONE))
            return alone | first_answers("few", (await stands.burst(_FEW))["ack_ms"])

    return run


def _many(stands: Stands, folder: Path, name: Name) -> Run:
    async def run() -> Reading:
        await stands.fal.post("settings", {"seconds_per_job": _LONG_S})
        async with stands.subject(name, new_folder(folder)):
            await _one_by_one(stands, _WARM)
            before = await stands.submits()
            reading = first_answers("many", (await stands.burst(thousand.IN_FLIGHT))["ack_ms"])
            if name == "bare":
                return reading
            in_flight = await _in_flight(stands, before)
            return reading | {"in_flight": in_flight} | first_answers("more", (await stands.burst(_FEW))["ack_ms"])

    return run


async def _one_by_one(stands: Stands, count: int) -> list[float | None]:
    return [(await stands.burst(1))["ack_ms"][0] for _ in range(count)]


async def _in_flight(stands: Stands, before: int) -> int:
    """Wait at most `_PEER_WITHIN_S` until the jobs are in flight; return how many are."""

    async def all_submitted() -> bool:
        return await stands.submits() - before >= thousand.IN_FLIGHT

    with suppress(TimeoutError):
        await until(all_submitted, what="thousand jobs in flight", within_s=_PEER_WITHIN_S)
    return await stands.submits() - before
