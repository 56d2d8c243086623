"""A server's timezone, and the windows that go on when it changes, so that a change gives nobody an allowance twice."""

import json
from typing import Any
from zoneinfo import ZoneInfo

from bot.ledger import scopes, tables
from bot.ledger.model import WINDOW_KINDS, Window, WindowKind
from bot.ledger.windows import running_window, zone
from bot.storage.transaction import Many, One, Row, Transaction

RULE = "timezone"
_UTC = ZoneInfo("UTC")
_NAME = "SELECT value FROM rules WHERE guild_id = $1 AND subject = 'server' AND name = $2"
_KEPT = "SELECT kind, starts_at, ends_at FROM kept_windows WHERE guild_id = $1"
_KEEP = """
INSERT INTO kept_windows (guild_id, kind, starts_at, ends_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (guild_id, kind) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at"""


def keep_windows(guild_id: int, *, at: float) -> Transaction[None]:
    """Note the windows that are running, before the server's timezone changes. A server without draws needs none.

    One that was kept before, and is still running, stays as it began: a timezone that is changed back changes nothing.
    """
    if (yield One("SELECT job_id FROM draws WHERE scope = $1 LIMIT 1", (scopes.server(guild_id),))) is None:
        return
    tz = yield from _zone_of(guild_id)
    kept = yield from _kept(guild_id)
    for kind in WINDOW_KINDS:
        running = running_window(kind, tz, at, kept.get(kind))
        if kind != "ever" and (kind not in kept or running.starts_at != kept[kind].starts_at):
            yield One(_KEEP, (guild_id, kind, running.starts_at, running.ends_at))


def leave(guild_id: int, *, at: float) -> Transaction[None]:
    """Note the running windows before the server's rules are deleted, if a timezone is among them."""
    yield from tables.lock(guild_id)
    if (yield One(_NAME, (guild_id, RULE))) is not None:
        yield from keep_windows(guild_id, at=at)


def windows_of(guild_id: int, *, at: float) -> Transaction[dict[str, Window]]:
    """Return the server's running window of each kind."""
    tz = yield from _zone_of(guild_id)
    kept = yield from _kept(guild_id)
    return {kind: running_window(kind, tz, at, kept.get(kind)) for kind in WINDOW_KINDS}


def _zone_of(guild_id: int) -> Transaction[ZoneInfo]:
    row = yield One(_NAME, (guild_id, RULE))
    name: Any = None if row is None else json.loads(row["value"])
    return (zone(name) if isinstance(name, str) else None) or _UTC


def _kept(guild_id: int) -> Transaction[dict[WindowKind, Window]]:
    rows: list[Row] = yield Many(_KEPT, (guild_id,))
    return {row["kind"]: Window(row["kind"], row["starts_at"], row["ends_at"]) for row in rows}
