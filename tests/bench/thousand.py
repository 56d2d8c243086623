"""One flight of 1,000 jobs in each round, which several yardsticks read.

The commands are sent over 15 s: at 1,000 at one moment the peer would hold a TLS context of a megabyte for each. Even
so it never gets all of them to fal. A flight takes most of a minute, so `notice` and `memory` read the same flights.
"""

import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from tests.bench.figures import Reading, Run
from tests.bench.flight import Flight, aloft
from tests.bench.stands import Name

IN_FLIGHT = 1_000
LAUNCH_OVER_S, LAUNCH_WITHIN_S = 15.0, 7.0
LANDED = 200
NOTICED_WITHIN_S = 4.0

_flown: defaultdict[Name, list[Reading]] = defaultdict(list)
_read: Counter[tuple[str, Name]] = Counter()


def run(yardstick: str, name: Name) -> Run:
    """Return a function that gives this yardstick the contestant's next reading, with a new flight only if needed."""

    async def read() -> Reading:
        turn = _read[yardstick, name]
        _read[yardstick, name] += 1
        if turn == len(_flown[name]):
            with tempfile.TemporaryDirectory(prefix="wanda-bench-flight-") as folder:
                async with aloft(Path(folder), name) as flight:
                    _flown[name].append(await _fly(flight))
        return _flown[name][turn]

    return read


async def _fly(flight: Flight) -> Reading:
    """Return all readings of one flight; times are in milliseconds."""
    idle_bytes = await flight.warm_up()
    at_fal = await flight.launch(IN_FLIGHT, over_s=LAUNCH_OVER_S, within_s=LAUNCH_WITHIN_S)
    settled_bytes = await flight.settled_bytes()
    landing = await flight.land(LANDED, within_s=NOTICED_WITHIN_S)
    return {
        "idle_mb": idle_bytes / 1e6,
        "kb_per_job": (settled_bytes - idle_bytes) / 1000 / IN_FLIGHT,
        "at_fal": at_fal,
        "p50": landing.late(50),
        "p99": landing.late(99),
        "unnoticed": landing.unnoticed,
        "asked": landing.asked_per_job,
        "lag": landing.lag_p99_ms,
        "fal_busy": landing.fal_busy * 100,
    }
