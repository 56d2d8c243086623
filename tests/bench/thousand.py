"""One flight of 1,000 jobs in each round, which several yardsticks read.

Wanda gets all commands at one moment. The peer gets them over 15 s: at one moment it would hold a TLS context of a
megabyte for each. Even so it never gets all of them to fal. A flight takes most of a minute, so `ack` (of Wanda),
`notice` and `memory` read the same flights.
"""

import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from tests.bench.figures import Reading, Run
from tests.bench.flight import Flight, aloft
from tests.bench.stands import Name, first_answers

IN_FLIGHT = 1_000
MORE = 100  # commands once all are in flight
LAUNCH_OVER_S, REACHED_AFTER_S, ALL_WITHIN_S = 15.0, 22.0, 60.0
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
                    _flown[name].append(await _fly(flight, name))
        return _flown[name][turn]

    return read


async def _fly(flight: Flight, name: Name) -> Reading:
    """Return all readings of one flight; times are in milliseconds."""
    warm_bytes, idle_bytes = await flight.warm_up()
    answers = await _launch(flight, name)
    settled_bytes = await flight.resting_bytes()
    if name == "wanda":
        answers |= first_answers("more", (await flight.stands.burst(MORE))["ack_ms"])
    landing = await flight.land(LANDED, within_s=NOTICED_WITHIN_S)
    return answers | {
        "warm_mb": warm_bytes / 1e6,
        "idle_mb": idle_bytes / 1e6,
        "kb_per_job": (settled_bytes - idle_bytes) / 1000 / IN_FLIGHT,
        "p50": landing.late(50),
        "p99": landing.late(99),
        "unnoticed": landing.unnoticed,
        "asked": landing.asked_per_job,
        "lag": landing.lag_p99_ms,
        "fal_busy": landing.fal_busy * 100,
    }


async def _launch(flight: Flight, name: Name) -> dict[str, float]:
    """Send the commands; return how many jobs fal has after `REACHED_AFTER_S`, and Wanda's first answers."""
    if name != "wanda":
        within_s = REACHED_AFTER_S - LAUNCH_OVER_S
        return {"at_fal": await flight.launch(IN_FLIGHT, over_s=LAUNCH_OVER_S, within_s=within_s)}
    before, began = await flight.stands.submits(), time.monotonic()
    reading = first_answers("many", (await flight.stands.burst(IN_FLIGHT))["ack_ms"])
    at_fal = await flight.arrived(before + IN_FLIGHT, within_s=began + REACHED_AFTER_S - time.monotonic())
    in_flight = await flight.arrived(before + IN_FLIGHT, within_s=ALL_WITHIN_S)
    return reading | {"at_fal": at_fal - before, "in_flight": in_flight - before}
