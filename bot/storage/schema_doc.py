"""Writes docs/schema.sql: the SQLite tables after all migrations, each with a comment on what a row is.

`make readme` runs `python -m bot.storage.schema_doc`; a test compares the file with the migrations.
"""

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from bot.storage.migrate import SCHEMA_VERSIONS_SQL, migrations

SCHEMA_DOC = Path(__file__).resolve().parents[2] / "docs" / "schema.sql"
_HEADER = """\
-- The database's tables as SQLite has them after every step of bot/storage/schema. PostgreSQL has the same tables and
-- indexes; its triggers are functions in PL/pgSQL. Made by `make readme`; do not edit.
--
-- Amounts are integer micro-dollars, times are Unix seconds, flags are 0 or 1. Ids of people, servers, channels and
-- messages are Discord's; a negative member id is the pseudonym of somebody who had their data deleted.
"""
_ROWS: Mapping[str, str] = {
    "acknowledgements": "An order that Discord shows as under way and that is neither accepted nor refused yet.",
    "acts": "One administrative act, numbered within its server; `member_id` is whom it is about, if it is a member.",
    "alarms": "What is wrong with fal, by what it is about; `told`: 0 not yet, 1 that it began, 2 that it is over.",
    "money_requests": "A member's latest request for more money, which an admin answers with a press.",
    "asks": "A member's own price above which Wanda asks them first.",
    "bills": "What fal billed and refunded for a request at a moment; `is_open` until it was compared with the books.",
    "borrowings": "A rerun of another member's video: job `job_id` has copies of files of job `source_id`.",
    "budgets": "What the jobs counted from `starts_at` to before `ends_at` hold and have spent of one scope.",
    "corrections": "A change of what an ended job spent in one scope, because fal's bill says otherwise.",
    "differences": "What was billed for a job above what it held, which no budget pays; `units` are fal's.",
    "chip_ins": "An order that waits until several members pay for it together; `body` is all of it but its shares.",
    "session_starts": "When a shard of each of Discord's buckets identified last, by PostgreSQL's clock.",
    "claims": "Which process took which part of a PostgreSQL database last: `all`, or a shard such as `3/16`.",
    "draws": "What one job draws on one scope, with or without a budget there. Position 0 is the server's pool.",
    "entries": "One movement of money in one scope; the deltas of a scope and window sum up to its row in `budgets`.",
    "film_drafts": "A film that its member is still writing; `body` is all of it as JSON.",
    "films": "An ordered film; `body` is all of it as JSON, but for its shots' jobs.",
    "fal_requests": "Which job a request at fal was made for, and who pays for it if it was made in vain.",
    "fruitless": "A job that ended without a video: what the server paid of it, and whether its member waits for it.",
    "grants": "Money given to a member once, beside the allowance.",
    "jobs": "One job. `body` is all of it as JSON; the other columns are what jobs are found and counted by.",
    "kept_windows": "A day, week or month that was running when the server's timezone changed, as it was before.",
    "leaving": "A server whose data is deleted from `at` on, because Wanda was removed from it.",
    "locks": "A lock for one server's money and rules (`guild:<id>`), or for the operator's total cap (`all`).",
    "greetings": "A server that Wanda greeted, or is about to greet, when she joined it.",
    "notices": "A ping about a job: due at `due_at`, or over; `pinged` says that it was posted.",
    "picks": "Which of several drafts is made in full: `body` is it as JSON, `look_at` when it is looked at next.",
    "preferences": "What a member chose in a server with /settings; an empty text is what holds for everybody.",
    "presets": "A mode's options under a name, of one member or (owner 0) of the whole server; `options` is JSON.",
    "program": "What all processes know of the program: the synced commands' digest, that a bot ran, fal's prices.",
    "prompt_log": "An accepted prompt that is to be posted to its server's prompt log.",
    "pseudonym_key": "The random key with which members' pseudonyms are computed; it never changes.",
    "removals": "What is still to be removed: a deleted job's id, for all of its files, or the name of one file.",
    "renaming": "A member id and the pseudonym that replaces it. Rows exist only within the erasing transaction.",
    "reservations": "A hold for a job that does not exist yet; it is used by that job, or released after `expires_at`.",
    "rules": "One rule about a server, role, channel or member; `value` is JSON.",
    "shares": "One of the holds of a job that several members pay for; together they hold `quote_microusd`.",
    "schema_version": "One applied step of bot/storage/schema.",
    "votes": "A member's vote for a draft; deleted when the vote is counted.",
    "warnings": "A threshold, in percent, that a server's pool reached in a window, and whether it was posted.",
}
_NAME = re.compile(r'^CREATE TABLE "(\w+)"')  # RENAME TO quotes the name
_ADDED_LAST = re.compile(r"\n, (?P<columns>[^\n]+)\)$")
_ADDED_BEFORE_KEY = re.compile(r"(?<=NULL), (?=\w+ [A-Z][A-Z0-9 ]+,?$)", re.MULTILINE)
_CHECK_OF_COLUMN = re.compile(r"(?<=\w)\n(?=CHECK )")


def schema_doc() -> str:
    """Return the text of docs/schema.sql.

    Raises:
        KeyError: a table has no comment in `_ROWS`.
    """
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(SCHEMA_VERSIONS_SQL)
        for step in migrations("sqlite"):
            for statement in step.statements:
                connection.execute(statement)
        rows: list[tuple[str, str]] = connection.execute(
            "SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY tbl_name, type = 'table' DESC, name"
        ).fetchall()
    by_table: dict[str, list[str]] = {}
    for table, sql in rows:
        by_table.setdefault(table, []).append(f"{_tidy(sql)};\n")
    return _HEADER + "".join(f"\n-- {_ROWS[table]}\n{''.join(texts)}" for table, texts in by_table.items())


def _tidy(sql: str) -> str:
    """Return SQLite's text of a table with each column on its own line, including those that ALTER TABLE added."""
    sql = _CHECK_OF_COLUMN.sub("\n        ", _NAME.sub(r"CREATE TABLE \1", sql))
    sql = _ADDED_BEFORE_KEY.sub(",\n    ", sql)
    added = _ADDED_LAST.search(sql)
    if added is None:
        return sql
    columns = "".join(f",\n    {column}" for column in added["columns"].split(", "))
    return f"{sql[: added.start()]}{columns}\n)"


if __name__ == "__main__":
    SCHEMA_DOC.write_text(schema_doc(), encoding="utf-8")
