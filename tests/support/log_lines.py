"""The bot's log as JSON lines."""

import json
import re
from collections.abc import Iterable
from typing import Any

_NAMED = re.compile(r"\bjob [0-9a-f]{32}\b")


def read_lines(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Return the lines as they were logged; what is no JSON, as a traceback of the interpreter, is left out."""
    return [json.loads(line) for line in lines if line.startswith("{")]


def lost_lines(lines: Iterable[str]) -> list[str]:
    """Return the messages that name a job without being found by its id."""
    named = [line for line in read_lines(lines) if line["level"] != "DEBUG" and _NAMED.search(line["message"])]
    return [line["message"] for line in named if "job_id" not in line]
