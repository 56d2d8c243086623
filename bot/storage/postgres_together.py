"""Several statements as one, for PostgreSQL: each is a part of a WITH, and their rows come back as arrays."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from bot.storage.transaction import Many, One, Row

_PARAMETER = re.compile(r"\$(\d+)")
_ANSWERS = re.compile(r"^\s*SELECT\b|\bRETURNING\b", re.IGNORECASE)
_STATEMENTS_MAX = 1024  # size of the cache of combined statements; a process uses some dozens


@lru_cache(maxsize=_STATEMENTS_MAX)
def combined(parts: Sequence[tuple[str, int]]) -> str:
    """Return one statement for these, each with its number of parameters, which are numbered on.

    Its one row has an array of rows for each part, or NULL where the part returns none.
    """
    places: list[str] = []
    before = 0
    for sql, count in parts:
        places.append(_PARAMETER.sub(lambda found, before=before: f"${int(found[1]) + before}", sql))
        before += count
    named = ", ".join(f"part{number} AS ({sql})" for number, sql in enumerate(places))
    rows = ", ".join(
        f"ARRAY(SELECT part{number} FROM part{number})" if answers(sql) else "NULL"  # noqa: S608 - only numbers are put in
        for number, sql in enumerate(places)
    )
    return f"WITH {named} SELECT {rows}"


@lru_cache(maxsize=_STATEMENTS_MAX)
def answers(sql: str) -> bool:
    """Return whether the statement has rows to return."""
    return _ANSWERS.search(sql) is not None


def answer_of(part: One | Many, names: Sequence[str], rows: Sequence[Sequence[Any]] | None) -> Row | list[Row] | None:
    """Return what the part's yield is sent."""
    found: list[Row] = [dict(zip(names, row, strict=True)) for row in rows or ()]
    if isinstance(part, One):
        return found[0] if found else None
    return found
