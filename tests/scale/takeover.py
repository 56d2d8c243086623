"""Kills processes at random, and measures how long the servers of their shards go without an answer."""

import asyncio
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.stage import StageError, eventually
from tests.scale.crowd import Crowd, Probe, probe_of
from tests.scale.fleet import Fleet, Replica

PROBE_EVERY_S = 0.2
BACK_WITHIN_S = 90.0
BETWEEN_KILLS_S = (0.5, 7.0)  # Discord takes an IDENTIFY every 5 s
ACTS_PER_S, ACTS_FOR_S = 6.0, 2.0
WAITING = "standing by"


@dataclass(frozen=True, slots=True)
class Takeover:
    """One kill: how, which shards, and how long each of them answered nothing, in seconds.

    `calm_s` is the time since the end of the last takeover, whose IDENTIFY may make this one wait.
    """

    how: signal.Signals
    calm_s: float
    gaps_s: dict[int, float]


async def gap_s(probe: Probe, gone: asyncio.Event) -> float:
    """Return for how long `probe` is not answered, from now on until it is, `gone` being set when the bot has ended.

    The time runs from the sending of the first question that nobody answers to the sending of the first one after it
    that somebody does, and one that was sent before the end of the bot ends nothing.
    """
    asked: list[tuple[float, asyncio.Task[bool]]] = []
    began = time.monotonic()
    ended_at: float | None = None
    try:
        while time.monotonic() - began < BACK_WITHIN_S:
            asked.append((time.monotonic(), asyncio.create_task(probe())))
            await asyncio.sleep(PROBE_EVERY_S)
            if gone.is_set() and ended_at is None:
                ended_at = time.monotonic()
            answered = [at for at, task in asked if task.done() and task.result()]
            if ended_at is not None and (back := next((at for at in answered if at > ended_at), None)) is not None:
                lost = [at for at, _ in asked if at < back and at not in answered]
                return back - lost[0] if lost else 0.0
    finally:
        for _, task in asked:
            task.cancel()
    raise StageError(f"nobody answered in a server for {BACK_WITHIN_S:g} s after its process was killed")


async def kill(fleet: Fleet, replica: Replica, shards: Sequence[int], how: signal.Signals) -> dict[int, float]:
    """Kill the process, start another in its place, and return the gap of each of its shards, in seconds."""
    gone = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        probes = {
            shard: group.create_task(gap_s(probe_of(fleet, fleet.on_shards([shard])[0]), gone)) for shard in shards
        }
        await replica.process.stop(how=how)
        gone.set()
        await fleet.start(replica.number)
    return {shard: probe.result() for shard, probe in probes.items()}


async def kill_often(fleet: Fleet, crowd: Crowd, *, kills: int, seed: int, until: float) -> list[Takeover]:
    """Kill under traffic, one process after the other; stops before the time `until` of the event loop.

    Processes that hold shards are killed, and each time only once another one stands by.
    """
    chance = random.Random(seed)  # noqa: S311 - moments of kills, not secrets
    found: list[Takeover] = []
    back_at = time.monotonic()
    for number in range(kills):
        await all_held(fleet)
        await stands_by(fleet)
        await crowd.act_steadily(ACTS_PER_S, chance.uniform(*BETWEEN_KILLS_S))
        if asyncio.get_running_loop().time() > until:
            break
        held = await fleet.held()
        replica = chance.choice([one for one in fleet.replicas if held.get(one.name)])
        how = chance.choice((signal.SIGKILL, signal.SIGTERM))
        calm_s = time.monotonic() - back_at
        async with asyncio.TaskGroup() as group:
            group.create_task(crowd.act_steadily(ACTS_PER_S, ACTS_FOR_S))
            killing = group.create_task(kill(fleet, replica, held[replica.name], how))
        found.append(Takeover(how, calm_s, killing.result()))
        gaps = ", ".join(f"shard {shard} {gap:.1f} s" for shard, gap in found[-1].gaps_s.items())
        back_at = time.monotonic()
        print(
            f"kill {number + 1}: {how.name} of {replica.name} after {calm_s:.1f} s: {gaps}; {dict(crowd.done)}",
            flush=True,
        )
    return found


async def all_held(fleet: Fleet) -> None:
    """Return once every shard is held by some process."""

    async def look() -> bool | None:
        held = await fleet.held()
        return True if sum(map(len, held.values())) == fleet.shards else None

    await eventually(look, what="owner of every shard", within_s=BACK_WITHIN_S)


async def all_answer(fleet: Fleet) -> None:
    """Return once every shard is held and somebody answers in a server of it."""
    await all_held(fleet)
    for shard in range(fleet.shards):
        probe = probe_of(fleet, fleet.on_shards([shard])[0])

        async def look(probe: Probe = probe) -> bool | None:
            return await probe() or None

        await eventually(look, what=f"answer on shard {shard}", within_s=BACK_WITHIN_S)


async def stands_by(fleet: Fleet) -> None:
    """Return once every process that holds no shard waits for one."""

    async def look() -> bool | None:
        held = await fleet.held()
        idle = [one for one in fleet.replicas if not held.get(one.name)]
        return True if all(any(WAITING in line for line in one.process.lines) for one in idle) else None

    await eventually(look, what="process that stands by", within_s=BACK_WITHIN_S)
