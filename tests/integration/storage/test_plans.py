"""How SQLite finds the rows of what runs at the start, in loops, and for a server that was left."""

import re
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from bot.films import transactions as films
from bot.jobs import bills, erasure, figures, leaving, lifetime, lost, notices, pick_rows, queries
from bot.ledger import pseudonyms, reservations
from bot.sharding import Shards
from bot.storage import database
from bot.storage.transaction import PLAIN, Locked, Many, One, Statement, Together, Transaction, UnderLock
from tests.support.stores import MemoryStore

SHARDS = Shards(4, frozenset({1, 2}))
# These have rows for every job that ever was.
GROW = {"jobs", "draws", "entries", "films", "borrowings", "bills", "fal_requests", "corrections", "fruitless"}
# Indexes of some rows that are as many after a year; all others lose a row when it is over.
GROW_AS_WELL = {
    *("draws_of_member", "draws_of_servers", "entries_by_decliner"),
    *("jobs_alike", "jobs_by_approver", "jobs_by_parent", "jobs_of_set"),
}
_TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO) (\w+)(?: (?:AS )?(?!ON\b|SET\b|WHERE\b|USING\b)(\w+))?")
_SCAN = re.compile(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?$")
RUNS: dict[str, Callable[[], Transaction[Any]]] = {
    "the question whether there are files": database._keeps_files,  # pyright: ignore[reportPrivateUsage]
    "unfinished jobs": lambda: queries.unfinished_jobs(SHARDS),
    "jobs that fal called for": lambda: queries.fetching_jobs(SHARDS),
    "recent videos": lambda: queries.posted_since(1.0, SHARDS, limit=9),
    "late videos": lambda: queries.late_jobs(1.0, SHARDS, limit=9),
    "old files": lambda: queries.expired_job_ids(1.0, SHARDS, limit=9),
    "old files of films": lambda: films.old_films(1.0, SHARDS),
    "jobs past their life": lambda: lifetime.overdue_jobs(
        SHARDS, now=1.0, deadline_s=1.0, paid_patience_s=1.0, overdue_s=1.0
    ),
    "jobs of servers that were left": lambda: lifetime.jobs_of_guilds_left(SHARDS),
    "reservations": lambda: reservations.reservations_over(SHARDS, now=1.0),
    "pings": lambda: notices.due_notices(1.0, SHARDS, limit=9),
    "picks": lambda: pick_rows.due_picks(1.0, SHARDS),
    "lost jobs": lambda: lost.lost_jobs(SHARDS, since=1.0),
    "figures": lambda: figures.figures(SHARDS),
    "open bills": lambda: bills.open_bills(SHARDS),
    "strangers on the bill": bills.strangers,
    "silent requests": lambda: bills.silent_requests(SHARDS, since=1.0, until=2.0),
    "old bills": lambda: bills.forget_bills(before=1.0),
    "servers that were left": lambda: leaving.note_guilds((), SHARDS, at=1.0),
    "copies of deleted files": lambda: erasure.jobs_with_deleted_sources(SHARDS, among=9),
    "names in a server": lambda: erasure.names_in(1, limit=9),
    "a name in a server": lambda: pseudonyms.unname(1, 2),
    "a left server": lambda: erasure.forget_guild(1, at=1.0),
}


@pytest.mark.parametrize("name", RUNS)
def test_no_table_that_grows_with_every_job_is_read_whole(name: str) -> None:
    """After a year such a loop would keep every other transaction waiting, and on PostgreSQL fail for its timeout."""
    store = MemoryStore()
    with closing(store.connection):
        asked: list[One | Many] = []
        store.run(_noted(RUNS[name](), asked))
        assert asked
        some = store.connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%) WHERE %'")
        short = {row[0] for row in some} - GROW_AS_WELL
        whole = [line for statement in asked for line in _whole(store, statement, short)]
    assert whole == []


def _noted(transaction: Transaction[Any], asked: list[One | Many]) -> Transaction[Any]:
    """Run it, and note each of its statements."""
    try:
        statement = next(transaction)
        while True:
            asked += _plain(statement)
            statement = transaction.send((yield statement))
    except StopIteration as end:
        return end.value


def _plain(statement: Statement) -> list[One | Many]:
    if isinstance(statement, Together | UnderLock):
        return [*statement.parts]
    if isinstance(statement, Locked):
        return [One(*statement)]
    return [statement] if isinstance(statement, PLAIN) else []


def _whole(store: MemoryStore, statement: One | Many, short: set[str]) -> list[str]:
    """Return the parts of the plan that read a growing table, or a whole index of all of its rows."""
    named = {alias or table: table for table, alias in _TABLE.findall(statement.sql)}
    sql = re.sub(r"\$(\d+)", r"?\1", statement.sql)
    found: list[str] = []
    for *_, detail in store.connection.execute(f"EXPLAIN QUERY PLAN {sql}", statement.args):
        scan = _SCAN.match(detail)
        if scan and named.get(scan[1], scan[1]) in GROW and scan[2] not in short:
            found.append(f"{detail} of {statement.sql.strip()}")
    return found
