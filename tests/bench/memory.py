"""What a job in flight costs of the machine's memory.

Idle is after a few jobs were made and delivered, so that what is loaded on first use is no job's. Pages that several
processes share count once, and the workers' processes count too.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bench import thousand
from tests.bench.figures import Case, Goal, Spec


@asynccontextmanager
async def cases(_folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Return the case of a thousand in flight."""
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
            Spec(key="idle_mb", label="idle, after a warm-up", unit="MB"),
        ),
        contestants={"peer": thousand.run("memory", "peer"), "Wanda": thousand.run("memory", "wanda")},
    )
