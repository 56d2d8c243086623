"""`python -m tests.bench.readme [bench.json]` writes a run to docs/benchmarks.md and its main rows to the README."""

import json
import sys
from pathlib import Path
from typing import Any

from sandbox.readme import README
from tests.bench.figures import markdown

BEGIN, END = "<!-- bench: begin (python -m tests.bench.readme) -->", "<!-- bench: end -->"
PAGE = README.parent / "docs/benchmarks.md"
# The beginnings of the README's rows; the page has all rows.
MAIN_ROWS = (
    "ack: 1,000 at once, p50",
    "notice: 1,000 in flight, p50",
    "memory: 1,000 in flight, KB a job",
    "deliver: peak memory above idle",
    "jobs: finished by one process",
    "money: SQLite, 100 coroutines, durable",
)


def with_bench(text: str, bench: dict[str, Any], *, rows: tuple[str, ...] = ("",)) -> str:
    """Return the text with this benchmark's table between the markers; only rows that start with one of `rows`.

    Raises:
        ValueError: a marker is missing.
    """
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError("the text has no markers for the benchmark's table")
    about = f"{bench['machine']}; {bench['date']}; {bench['rounds']} rounds in {bench['seconds'] // 60} minutes."
    table = markdown([figure["row"] for figure in bench["figures"] if figure["row"][0].startswith(rows)])
    return f"{before}{BEGIN}\n{about}\n\n{table}\n{END}{after}"


def main(path: Path) -> None:
    """Write the benchmark of the file `path` into the page and the README."""
    bench = json.loads(path.read_text())
    for page, rows in ((PAGE, ("",)), (README, MAIN_ROWS)):
        page.write_text(with_bench(page.read_text(encoding="utf-8"), bench, rows=rows), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "bench.json"))
