"""`python -m tests.soak [kills] [growth] [--seed N]`: what takes minutes and needs a random hour; `make soak` runs it.

Prints what it does and what is left wrong, and exits with 1 if anything is.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from tests.soak import growth, kills

RUNS = {"kills": kills.run, "growth": growth.run}


def main() -> int:
    """Run what was asked for, or everything; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="part", help=f"{', '.join(RUNS)}; none means all")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000), help="shows a random run again")
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.only) - set(RUNS)):
        parser.error(f"there is no {unknown[0]}; there are {', '.join(RUNS)}")
    return asyncio.run(_run(chosen.only or list(RUNS), chosen.seed))


async def _run(names: list[str], seed: int) -> int:
    status = 0
    for name in names:
        print(f"{name}, seed {seed}", flush=True)
        with tempfile.TemporaryDirectory(prefix=f"wanda-soak-{name}-") as folder:
            wrong = await RUNS[name](Path(folder), seed=seed)
        print("\n".join(wrong) or f"{name}: nothing is wrong", flush=True)
        status |= bool(wrong)
    return status


if __name__ == "__main__":
    sys.exit(main())
