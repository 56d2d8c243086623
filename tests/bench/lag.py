"""Measures an event loop's lag: how late it wakes a task that sleeps for 10 ms."""

import asyncio
import time
from collections import deque

from tests.bench.figures import percentile

LOOK_S = 0.01
SAMPLES_MAX = 100_000


class Lag:
    """The loop's lag while `watch` runs in it."""

    def __init__(self) -> None:
        self._seen_ms: deque[float] = deque(maxlen=SAMPLES_MAX)

    async def watch(self) -> None:
        """Record the lag of each wake-up until cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(LOOK_S)
            self._seen_ms.append((time.perf_counter() - began - LOOK_S) * 1000)

    def reset(self) -> None:
        """Begin a new window."""
        self._seen_ms.clear()

    def read(self) -> dict[str, float]:
        """Return lag_p50_ms, lag_p99_ms and lag_max_ms of the window; 0 before the first reading."""
        seen = list(self._seen_ms) or [0.0]
        return {"lag_p50_ms": percentile(seen, 50), "lag_p99_ms": percentile(seen, 99), "lag_max_ms": max(seen)}
