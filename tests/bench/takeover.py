"""*takeover*: how long a server is without an answer when the process that serves it is killed, another standing by.

Two processes share a PostgreSQL database; one holds the only shard, the other waits for it. A member asks five times a
second. The time runs from the sending of the first question that nobody answers to that of the next one that somebody
does. After each kill a new process stands by. A kill comes when Discord would take a login at once, as nearly always;
`make scale`, whose parts these are, kills under load and sooner.
"""

import asyncio
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bench.figures import Case, Goal, Reading, Spec
from tests.bench.stands import new_folder
from tests.scale.fleet import IDENTIFY_SLACK, Fleet
from tests.scale.takeover import all_held, kill, stands_by

PROCESSES = 2
IDENTIFY_EVERY_S = 5.0  # as at Discord
HOW = {"killed": signal.SIGKILL, "stopped": signal.SIGTERM}


@asynccontextmanager
async def cases(folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Yield the case; the processes run until the context exits."""
    async with Fleet(new_folder(folder), shards=1, shards_each=1, identify_every_s=IDENTIFY_EVERY_S) as fleet:
        await fleet.add_servers(1)
        for number in range(PROCESSES):
            await fleet.start(number)

        async def run() -> Reading:
            return {key: await _gap_s(fleet, how) for key, how in HOW.items()}

        yield [Case(specs=tuple(map(_spec, HOW)), contestants={"Wanda": run})]


def _spec(key: str) -> Spec:
    label = f"a process is {key}, without an answer until the one that stands by has taken over"
    return Spec(key=key, label=label, unit="s", goals=(Goal(bound="at most", value=5),))


async def _gap_s(fleet: Fleet, how: signal.Signals) -> float:
    """End the process that holds the shard, and return how long its server went without an answer."""
    await all_held(fleet)
    await stands_by(fleet)
    await asyncio.sleep(IDENTIFY_EVERY_S * IDENTIFY_SLACK)
    held = await fleet.held()
    holder = next(one for one in fleet.replicas if held.get(one.name))
    return max((await kill(fleet, holder, held[holder.name], how)).values())
