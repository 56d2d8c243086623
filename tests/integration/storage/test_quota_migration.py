"""The migration from the ledger without rules keeps its records, on both engines."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from bot.ledger import history, holds, rules
from bot.ledger.audit import totals, verify
from bot.ledger.model import Shipped, Totals, View, Who
from bot.settings import StorageSettings
from bot.storage.migrate import Engine, migrate, migrations
from bot.storage.transaction import Many, One, Store, Transaction
from tests.support.old_schema import open_at_step

NOON = 1_795_176_000.0  # 2026-11-20T12:00 UTC, a Friday
SHIPPED = Shipped(member_daily_microusd=5_000, server_monthly_microusd=50_000, server_cap_microusd=90_000)
WHO = Who(guild_id=700, channel_id=20, member_id=42)
_HOLD = """
INSERT INTO holds (job_id, position, scope, period, owner, amount_microusd, state, settled_microusd, held_at, ended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
_ENTRY = """
INSERT INTO entries (id, job_id, scope, period, kind, held_delta_microusd, spent_delta_microusd, at, actor, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'wanda', 'test')"""
_JOB = """
INSERT INTO jobs (id, guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, created_at, version,
body) VALUES ($1, $2, $3, 1, $4, 'wan27-image', 'done', 1, 's', $5, 1, '{}')"""


def _old_job(
    job: str, guild: int, member: int, *, at: float, amount: int, ends: dict[str, tuple[str, int | None]]
) -> Transaction[None]:
    """Write the old schema's rows of one job; `ends` is each part's state and settled amount."""
    yield One(_JOB, (job, guild, 20, member, at))
    parts = (("member", f"member:{guild}:{member}", "day:2026-11-20"), ("server", f"server:{guild}", "month:2026-11"))
    for position, (owner, scope, period) in enumerate(parts):
        state, settled = ends[owner]
        ended_at = at + 60 if state in {"settled", "released"} else None
        yield One(_HOLD, (job, position, scope, period, owner, amount, state, settled, at, ended_at))
        yield One(_ENTRY, (f"{job}:hold:{scope}:{period}", job, scope, period, "hold", amount, 0, at))
        if ended_at is not None:
            kind = "settle" if state == "settled" else "release"
            entry = (f"{job}:{kind}:{scope}:{period}", job, scope, period, kind, -amount, settled or 0, ended_at)
            yield One(_ENTRY, entry)
        if state == "exposed":
            yield One(_ENTRY, (f"{job}:expose:{scope}:{period}", job, scope, period, "expose", 0, 0, at + 60))


@pytest.fixture
async def old(store_settings: StorageSettings, engine: Engine, tmp_path: Path) -> AsyncGenerator[Store, None]:
    """A database of the previous version, with four jobs of two servers."""
    store = await open_at_step(2, store_settings, tmp_path)
    settled: Any = ("settled", 900)
    held: Any = ("held", None)
    await store.write(_old_job("paid", 700, 42, at=NOON, amount=1_000, ends={"member": settled, "server": settled}))
    await store.write(_old_job("open", 700, 42, at=NOON + 1, amount=300, ends={"member": held, "server": held}))
    lost: Any = {"member": ("released", None), "server": ("exposed", None)}
    await store.write(_old_job("lost", 700, 43, at=NOON + 2, amount=500, ends=lost))
    freed: Any = ("released", None)
    await store.write(
        _old_job("free", 12345678901234567, 42, at=NOON - 86_400, amount=70, ends={"member": freed, "server": freed})
    )
    await migrate(store, engine, at=2.0)
    try:
        yield store
    finally:
        await store.close()


async def test_what_was_held_and_spent_counts_in_every_budget(old: Store) -> None:
    """The budgets of members, servers, channels and the operator include the old amounts, and the books are right."""
    await old.write(rules.set_rule(700, "channel:20", "budget:ever", 9_000, actor_id=1, reason="", at=NOON))
    view: View = await old.read(holds.standing(WHO, at=NOON + 60, shipped=SHIPPED))
    assert {one.limit.scope: (one.held_microusd, one.spent_microusd) for one in view.standings} == {
        "cap:700": (800, 900),
        "channel:700:20": (800, 900),
        "member:700:42": (300, 900),
        "server:700": (800, 900),
    }
    assert await old.read(verify()) == []
    assert await old.read(totals()) == (
        Totals(guild_id=700, jobs=3, held_microusd=800, exposed_microusd=500, spent_microusd=900),
        Totals(guild_id=12345678901234567, jobs=1, held_microusd=0, exposed_microusd=0, spent_microusd=0),
    )


async def test_jobs_of_before_go_on(old: Store) -> None:
    """Old held or exposed jobs can end once, and count in the window in which they were accepted."""
    said: Any = {"at": NOON + 100, "actor": "test", "reason": "test"}
    assert (await old.write(holds.settle("open", 300, **said))).member_microusd == 300
    assert (await old.write(holds.settle("lost", 500, **said))).server_microusd == 500
    assert (await old.write(holds.settle("paid", 1, **said))).server_microusd == 900
    assert (await old.write(holds.release("free", **said))).how == "released"
    view: View = await old.read(holds.standing(WHO, at=NOON + 100, shipped=SHIPPED))
    assert {(one.held_microusd, one.spent_microusd) for one in view.standings} == {(0, 1_700), (0, 1_200)}
    assert await old.read(verify()) == []


async def test_the_history_of_before_can_be_read(old: Store) -> None:
    """Old jobs and entries are in the history and the exports, and stay append-only."""
    spent = await old.read(history.spent_page(700, limit=10))
    mine = [one for one in spent if one.member_id == 42]
    assert [(one.job_id, one.state, one.member_microusd, one.mode) for one in mine] == [
        ("paid", "settled", 900, "wan27-image"),
        ("open", "held", 0, "wan27-image"),
    ]
    entries = await old.read(history.entries_page(700, limit=100))
    kinds = [(one.job_id, one.kind) for one in entries if one.scope == "server:700"]
    assert sorted(kinds) == [
        ("lost", "expose"),
        ("lost", "hold"),
        ("open", "hold"),
        ("paid", "hold"),
        ("paid", "settle"),
    ]
    assert len({one.id for one in entries}) == len(entries)

    def tamper() -> Transaction[None]:
        yield Many("DELETE FROM entries")

    with pytest.raises(Exception, match="append-only"):
        await old.write(tamper())


async def test_the_schema_of_a_new_database_is_that_of_an_old_one(old: Store, engine: Engine) -> None:
    """Every step has been applied."""

    def versions() -> Transaction[list[int]]:
        rows = yield Many("SELECT version FROM schema_version ORDER BY version")
        return [row["version"] for row in rows]

    assert await old.read(versions()) == [step.version for step in migrations(engine)]
