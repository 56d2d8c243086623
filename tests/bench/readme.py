"""`python -m tests.bench.readme [bench.json]`: puts a benchmark's table into the README, with its machine and date."""

import json
import sys
from pathlib import Path
from typing import Any

from sandbox.readme import README
from tests.bench.figures import markdown

BEGIN, END = "<!-- bench: begin (python -m tests.bench.readme) -->", "<!-- bench: end -->"


def with_bench(text: str, bench: dict[str, Any]) -> str:
    """Return the README's text with this benchmark's table.

    Raises:
        ValueError: a marker is missing.
    """
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError("the README has no markers for the benchmark's table")
    about = f"{bench['machine']}; {bench['date']}; {bench['rounds']} rounds in {bench['seconds'] // 60} minutes."
    table = markdown([figure["row"] for figure in bench["figures"]])
    return f"{before}{BEGIN}\n{about}\n\n{table}\n{END}{after}"


if __name__ == "__main__":
    given = Path(sys.argv[1] if len(sys.argv) > 1 else "bench.json")
    README.write_text(with_bench(README.read_text(encoding="utf-8"), json.loads(given.read_text())), encoding="utf-8")
