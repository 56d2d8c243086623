import sqlite3
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiosqlite


def test_the_pinned_version_is_the_one_that_was_read() -> None:
    """aiosqlite is the pinned version: bot/storage/sqlite.py uses one of its private methods."""
    assert version("aiosqlite") == "0.22.1"


async def test_execute_runs_a_function_in_the_connections_thread(tmp_path: Path) -> None:
    """`Connection._execute(function, *args)` runs it in the thread that made the connection, and awaits its result."""
    threads: list[int] = []

    def connect() -> sqlite3.Connection:
        threads.append(threading.get_ident())
        return sqlite3.connect(tmp_path / "one.db")

    def look(word: str) -> str:
        threads.append(threading.get_ident())
        return word

    async with aiosqlite.Connection(connect, iter_chunk_size=1) as connection:
        proxy: Any = connection
        assert await proxy._execute(look, "seen") == "seen"
    assert threads[0] == threads[1] != threading.get_ident()
