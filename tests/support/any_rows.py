"""Rows of every table, with the values that engines treat differently; the schema's own checks choose among them."""

import itertools
import random
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from bot.storage.copying import TableRow
from bot.storage.migrate import SCHEMA_VERSIONS_SQL, migrations
from bot.storage.tables import Table, tables_of

SCHEMA = len(migrations("sqlite"))
_NUMBERS = (0, 1, 2, -1, 2**31 - 1, 2**53 + 1, 2**63 - 1, -(2**63), 10**12, 10**18)
_SMALL = (0, 1, 2**31 - 1, -(2**31))
_TIMES = (0.0, 0.1 + 0.2, 1_795_000_000.123456, -1.5e300, float("inf"), 5e-324)
_TEXTS = (
    "",
    "a",
    "{}",
    '{"a": [null, 1.5, "\\u0000"]}',
    "déjà vu 🎬 \u202e",
    "line\nbreak\ttab \\ 'quotes' \"",
    "x" * 9000,
)
_TRIES = 5000
_NULLS = 0.3


def any_rows(seed: int, *, of_each: int) -> dict[Table, list[TableRow]]:
    """Return rows of each table, of which at least one is NULL in every column that may be; they pass every CHECK."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _make_tables(connection)
        rows = {table: _rows_of(connection, table, chance, of_each) for table in tables_of(SCHEMA)}
    steps: list[TableRow] = [(version, version / 10) for version in range(1, SCHEMA + 1)]
    return {table: steps if table.name == "schema_version" else found for table, found in rows.items()}


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute(SCHEMA_VERSIONS_SQL)
    for statement in itertools.chain.from_iterable(step.statements for step in migrations("sqlite")):
        connection.execute(statement)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    for table in tables_of(SCHEMA):
        connection.execute(f'DELETE FROM "{table.name}"')  # noqa: S608 - a name of ours


def _rows_of(connection: sqlite3.Connection, table: Table, chance: random.Random, wanted: int) -> list[TableRow]:
    """Insert what the table takes of random rows, and return it."""
    (text,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table.name,)).fetchone()
    words = tuple(re.findall(r"'([^']*)'", text))
    columns = connection.execute(f'PRAGMA table_info("{table.name}")').fetchall()
    may_be_null = [not column[3] and not column[5] for column in columns]
    insert = f'INSERT INTO "{table.name}" VALUES ({", ".join("?" * len(table.columns))})'  # noqa: S608 - a name of ours
    rows: list[TableRow] = []
    without_null = {index for index, can in enumerate(may_be_null) if can}
    for _ in range(_TRIES):
        row = tuple(
            None if can and chance.random() < _NULLS else _value(kind, words, chance)
            for kind, can in zip(table.types, may_be_null, strict=True)
        )
        try:
            connection.execute(insert, row)
        except sqlite3.IntegrityError:
            continue
        rows.append(row)
        without_null -= {index for index, value in enumerate(row) if value is None}
        if len(rows) >= wanted and not without_null:
            break
    assert rows, f"no row for {table.name} was found: give this module values that its checks take"
    assert not without_null, f"{table.name} has columns that were never NULL"
    return rows


def _value(kind: str, words: Sequence[str], chance: random.Random) -> int | float | str:
    match kind:
        case "BIGINT":
            return chance.choice((*_NUMBERS, chance.randrange(2**40)))
        case "INTEGER":
            return chance.choice(_SMALL)
        case "DOUBLE PRECISION":
            return chance.choice((*_TIMES, chance.uniform(0, 2e9)))
        case "TEXT":
            return chance.choice((*_TEXTS, *words, *words, f"{chance.random()}"))
        case _:
            raise AssertionError(f"a copy knows no {kind}: add it to bot/storage/tables.py, and values of it here")
