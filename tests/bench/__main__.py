"""`python -m tests.bench [ONLY …]`: measures Wanda, the peer and the limits; prints a table and writes bench.json.

The arguments are names of yardsticks; none means all. `make bench` runs this; it is no test, and CI does not run it.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from tests.bench.figures import Case, Figure, alternate, table
from tests.support.machine import machine

ROUNDS = 2
YARDSTICKS = (
    "ceiling",
    "ack",
    "notice",
    "memory",
    "servers",
    "deliver",
    "jobs",
    "money",
    "calm",
    "webhook",
    "start",
    "takeover",
    "fit",
    "join",
)


class Yardstick(Protocol):
    """The interface of this folder's yardstick modules."""

    def cases(self, folder: Path) -> AbstractAsyncContextManager[Sequence[Case]]:
        """Yield the cases, set up until the context exits; `folder` is empty, on disk, and deleted afterwards."""
        ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; return the exit status: 0 if every figure was measured, even below its goal."""
    chosen = asked(arguments)
    began = time.monotonic()
    figures = asyncio.run(_measure(chosen.only, chosen.rounds))
    about = {
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "rounds": chosen.rounds,
        "seconds": round(time.monotonic() - began),
    }
    chosen.output.write_text(
        json.dumps(about | {"figures": [figure.as_json() for figure in figures]}, indent=1, ensure_ascii=False) + "\n"
    )
    print(f"{about['machine']}; {about['date']}; {chosen.rounds} rounds in {about['seconds']} s\n")
    print(table(figures))
    return 0


def asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed `only`, `rounds` and `output`; an unknown yardstick exits with status 2."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="yardstick", help=f"{', '.join(YARDSTICKS)}; none means all")
    parser.add_argument(
        "--rounds",
        type=int,
        default=ROUNDS,
        help="how often the contestants take turns; half as often where a run is long",
    )
    parser.add_argument("--output", type=Path, default=Path("bench.json"), help="where every reading is written")
    chosen = parser.parse_args(arguments)
    # Not argparse's `choices`: with it Python 3.11 refuses an empty list.
    if unknown := sorted(set(chosen.only) - set(YARDSTICKS)):
        parser.error(f"there is no {unknown[0]}; there are {', '.join(YARDSTICKS)}")
    chosen.only = chosen.only or list(YARDSTICKS)
    return chosen


async def _measure(names: Sequence[str], rounds: int) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        yardstick = cast("Yardstick", import_module(f"tests.bench.{name}"))
        with tempfile.TemporaryDirectory(prefix=f"wanda-bench-{name}-") as folder:
            async with yardstick.cases(Path(folder)) as cases:
                for case in cases:
                    figures += await alternate(name, case, rounds, _say)
    return figures


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
