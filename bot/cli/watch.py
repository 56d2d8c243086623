"""`python -m bot watch`: the newest jobs and the books as one line of JSON, again after each change; it only reads."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from bot.jobs.short_id import short_id
from bot.ledger.audit import totals, verify
from bot.settings import StorageSettings
from bot.storage.database import look_into
from bot.storage.transaction import Many, Row, Transaction

JOBS_SHOWN = 40
ENTRIES_SHOWN = 200
BUDGETS_SHOWN = 60

_JOBS = """
SELECT j.id, j.guild_id, j.member_id, j.mode, j.state, j.told, j.created_at, j.version, j.parent_id,
d.amount_microusd AS price, d.state AS hold, d.settled_microusd AS settled
FROM jobs j LEFT JOIN draws d ON d.job_id = j.id AND d.position = 0 ORDER BY j.created_at DESC, j.id DESC LIMIT $1"""
_ENTRIES = """
SELECT job_id, scope, kind, held, spent, at, actor, reason FROM (
SELECT id, job_id, scope, kind, held_delta_microusd AS held, spent_delta_microusd AS spent, at, actor, reason
FROM entries UNION ALL
SELECT job_id || scope, job_id, scope, 'correct', 0, spent_delta_microusd, at, 'fal', reason FROM corrections) AS moved
ORDER BY at DESC, id DESC LIMIT $1"""
_BUDGETS = """
SELECT scope, starts_at, ends_at, held_microusd AS held, spent_microusd AS spent
FROM budgets ORDER BY ends_at DESC, scope LIMIT $1"""


async def watch(settings: StorageSettings, *, every_s: float) -> AsyncGenerator[str]:
    """Yield the state as a line of JSON, and again whenever it changed; amounts are micro-dollars, times Unix seconds.

    Ids are text, because JavaScript reads no number of that size. `wrong` are the sentences of `verify`. It goes on
    beside a running bot, and over its end and new start.

    Raises:
        StorageError: the database cannot be opened or read.
    """
    store = await look_into(settings)
    seen: dict[str, Any] = {}
    try:
        while True:
            found = await store.read(_newest())
            if found != seen:
                seen = found
                yield json.dumps(seen | await store.read(_books()))
            await asyncio.sleep(every_s)
    finally:
        await store.close()


def _newest() -> Transaction[dict[str, Any]]:
    jobs: list[Row] = yield Many(_JOBS, (JOBS_SHOWN,))
    entries: list[Row] = yield Many(_ENTRIES, (ENTRIES_SHOWN,))
    return {
        "jobs": [{**_with_text_ids(row), "short": short_id(row["id"])} for row in jobs],
        "entries": [dict(row) for row in entries],
    }


def _with_text_ids(row: Row) -> dict[str, Any]:
    return {**row, "guild_id": str(row["guild_id"]), "member_id": str(row["member_id"])}


def _books() -> Transaction[dict[str, Any]]:
    budgets: list[Row] = yield Many(_BUDGETS, (BUDGETS_SHOWN,))
    servers = yield from totals()
    return {
        "budgets": [dict(row) for row in budgets],
        "servers": [
            {
                "guild_id": str(one.guild_id),
                "jobs": one.jobs,
                "held": one.held_microusd,
                "exposed": one.exposed_microusd,
                "spent": one.spent_microusd,
            }
            for one in servers
        ],
        "wrong": (yield from verify()),
    }
