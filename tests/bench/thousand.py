"""A thousand jobs in flight, flown once in each turn and read by every yardstick that is about them.

They are launched over 20 s, because of 1,000 at one moment the peer holds a TLS context of a megabyte each. Before fal
has as many of the peer's jobs as it can bring there, half a minute is over; so `ack`, `notice` and `memory`
read the same flights, each its own figures of them.
"""

import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from tests.bench.figures import Reading, Run, percentile
from tests.bench.flight import Flight, aloft
from tests.bench.stands import Name, answered, missed

IN_FLIGHT = 1_000
LAUNCH_OVER_S, LAUNCH_WITHIN_S = 20.0, 10.0
BESIDE = 100  # commands that are fired at once while the thousand are in flight
BESIDE_WITHIN_S = 4.0
LANDED = 200
NOTICED_WITHIN_S = 8.0

_flown: defaultdict[Name, list[Reading]] = defaultdict(list)
_read: Counter[tuple[str, Name]] = Counter()


def run(yardstick: str, name: Name) -> Run:
    """Return what gives this yardstick its next reading of that contestant, flying only what no other has flown."""

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
    """Return all that is read off one flight; times are in milliseconds."""
    idle_bytes = await flight.warm_up()
    launch = await flight.launch(IN_FLIGHT, over_s=LAUNCH_OVER_S, within_s=LAUNCH_WITHIN_S)
    settled_bytes = await flight.settled_bytes()
    ack_ms = (await flight.launch(BESIDE, within_s=BESIDE_WITHIN_S)).ack_ms
    await flight.settled_bytes()
    landing = await flight.land(LANDED, within_s=NOTICED_WITHIN_S)
    return {
        "idle_mb": idle_bytes / 1e6,
        "kb_per_job": (settled_bytes - idle_bytes) / 1000 / IN_FLIGHT,
        "at_fal": launch.at_fal,
        "ack_p50": percentile(answered(ack_ms), 50),
        "ack_p99": percentile(answered(ack_ms), 99),
        "ack_missed": missed(ack_ms),
        "p50": landing.late(50),
        "p99": landing.late(99),
        "unnoticed": landing.unnoticed,
        "asked": landing.asked_per_job,
        "lag": landing.lag_p99_ms,
        "fal_busy": landing.fal_busy * 100,
    }
