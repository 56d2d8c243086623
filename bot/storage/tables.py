"""The tables of a schema, as its steps make them, so that a copy covers every table and column, also a later one.

They are read off a database in memory, which the steps for SQLite fill; PostgreSQL has the same tables and columns.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from graphlib import TopologicalSorter

from bot.storage.migrate import SCHEMA_VERSIONS_SQL, migrations

# The types that a copy knows, and what a value of each is in Python; NULL is None.
TYPES: Mapping[str, type] = {"BIGINT": int, "INTEGER": int, "DOUBLE PRECISION": float, "TEXT": str}


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns in order, and their types as the steps write them."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def column_list(self) -> str:
        """Return the columns for SQL, quoted."""
        return ", ".join(f'"{column}"' for column in self.columns)


@lru_cache(maxsize=8)
def tables_of(schema: int) -> tuple[Table, ...]:
    """Return the tables of this schema version; a table stands after those that its foreign keys name."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(SCHEMA_VERSIONS_SQL)
        for step in migrations("sqlite")[:schema]:
            for statement in step.statements:
                connection.execute(statement)
        named: list[tuple[str]] = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ).fetchall()
        tables = {name: _table(connection, name) for (name,) in named}
        keys = {name: [row[2] for row in connection.execute(f'PRAGMA foreign_key_list("{name}")')] for name in tables}
    return tuple(tables[name] for name in TopologicalSorter(keys).static_order())


def _table(connection: sqlite3.Connection, name: str) -> Table:
    columns: list[tuple[int, str, str]] = connection.execute(f'PRAGMA table_info("{name}")').fetchall()
    return Table(name, tuple(column[1] for column in columns), tuple(column[2] for column in columns))
