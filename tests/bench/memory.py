"""*memory*: the memory per job in flight.

The idle memory is read after a few deliveries, so that what is loaded on first use does not count for a job. All
processes are included, and pages that several share count once; both are read when no worker is left, which ends by
itself and is no job's.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bench import thousand
from tests.bench.figures import Case, Goal, Spec


@asynccontextmanager
async def cases(_folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Yield the case with 1,000 jobs in flight."""
    yield [_in_flight()]


def _in_flight() -> Case:
    return Case(
        specs=(
            Spec(
                key="kb_per_job",
                label=f"{thousand.IN_FLIGHT:,} in flight",
                unit="KB a job",
                goals=(Goal(bound="at most", value=100),),
            ),
            Spec(key="warm_mb", label="idle, just after a warm-up", unit="MB"),
            Spec(
                key="idle_mb",
                label="idle, and the worker that reads files has ended",
                unit="MB",
                goals=(Goal(bound="at most", value=90),),
                note="five minutes later; here after three seconds",
            ),
        ),
        contestants={"peer": thousand.run("memory", "peer"), "Wanda": thousand.run("memory", "wanda")},
        is_long=True,
    )
