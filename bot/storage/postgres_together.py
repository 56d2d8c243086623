"""Several statements as one, for PostgreSQL: each is a part of a WITH, and their rows come back as arrays.

All parts of one statement see the snapshot with which it began (https://www.postgresql.org/docs/current/queries-with.html).
A lock that is taken in it may have been waited for, and who had it may have changed what is read. Then that one has
counted up `taken` in between: the row that is locked is one further than the snapshot's plus one. Such answers are no
good, and the statements are run again, now under the lock.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from bot.storage.transaction import Lock, Many, One, Row

_PARAMETER = re.compile(r"\$(\d+)")
_ANSWERS = re.compile(r"^\s*SELECT\b|\bRETURNING\b", re.IGNORECASE)
_STATEMENTS_MAX = 1024  # size of the cache of combined statements; a process uses some dozens
# What the lock counted up to, and what the snapshot says that it was before.
_TAKEN = "(SELECT taken FROM lock_row), (SELECT l.taken FROM locks l JOIN lock_row USING (name))"


@lru_cache(maxsize=_STATEMENTS_MAX)
def combined(parts: Sequence[str]) -> str:
    """Return one statement for these, whose parameters are numbered on.

    Its one row has an array of rows for each part, or NULL where the part returns none.
    """
    return _combined(parts, 0)


@lru_cache(maxsize=_STATEMENTS_MAX)
def combined_under(lock: str, parts: Sequence[str]) -> str:
    """Return one statement for a lock and these; before theirs its row has two numbers for `is_late`."""
    return _combined(parts, _parameters(lock), f"lock_row AS ({lock}), ", f"{_TAKEN}, ")


def is_late(taken: int | None, before: int | None) -> bool:
    """Return whether the lock was somebody else's when the statement began; there may be no row to lock."""
    return taken is not None and taken != (before or 0) + 1


def _combined(parts: Sequence[str], before: int, named: str = "", answered: str = "") -> str:
    places: list[str] = []
    for sql in parts:
        places.append(_PARAMETER.sub(lambda found, before=before: f"${int(found[1]) + before}", sql))
        before += _parameters(sql)
    named += ", ".join(f"part{number} AS ({sql})" for number, sql in enumerate(places))
    answered += ", ".join(
        f"ARRAY(SELECT part{number} FROM part{number})" if answers(sql) else "NULL"  # noqa: S608 - only numbers are put in
        for number, sql in enumerate(places)
    )
    return f"WITH {named} SELECT {answered}"


def _parameters(sql: str) -> int:
    return max((int(number) for number in _PARAMETER.findall(sql)), default=0)


@lru_cache(maxsize=_STATEMENTS_MAX)
def answers(sql: str) -> bool:
    """Return whether the statement has rows to return."""
    return _ANSWERS.search(sql) is not None


def arguments(parts: Sequence[One | Many], lock: Lock | None = None) -> list[Any]:
    """Return the parameters of the combined statement."""
    values = [] if lock is None else [*lock.args]
    for part in parts:
        values.extend(part.args)
    return values


def answers_of(
    parts: Sequence[One | Many], names: Sequence[Sequence[str]], answered: Sequence[Any]
) -> tuple[Row | list[Row] | None, ...]:
    """Return what the yield of these parts is sent; `names` are the columns of each."""
    return tuple(_answer_of(*one) for one in zip(parts, names, answered, strict=True))


def _answer_of(part: One | Many, names: Sequence[str], rows: Sequence[Sequence[Any]] | None) -> Row | list[Row] | None:
    if isinstance(part, One):
        return dict(zip(names, rows[0], strict=True)) if rows else None
    return [dict(zip(names, row, strict=True)) for row in rows or ()]
