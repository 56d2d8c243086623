"""Opening a database of the version before quotas keeps every amount."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.ledger import holds
from bot.ledger.audit import totals, verify
from bot.ledger.history import entries_page, spent_page
from bot.ledger.model import RuleQuery, Shipped, Who
from bot.settings import StorageSettings
from bot.storage.database import open_store
from bot.storage.transaction import One, Transaction
from tests.support.old_schema import open_at_step

GUILD, MEMBER, CHANNEL = 123456789012345678, 987654321098765432, 555
AT = 1_790_000_000.0  # 2026-09-21 13:33:20 UTC
DAY, MONTH = "day:2026-09-21", "month:2026-09"
QUOTE = 750_000
SHIPPED = Shipped(member_daily_microusd=10_000_000, server_monthly_microusd=50_000_000)
WHO = Who(guild_id=GUILD, channel_id=CHANNEL, member_id=MEMBER)
# By job: what became of the member's hold and of the server's, what was settled, and the entries after the hold.
PAST: Mapping[str, tuple[str, str, int | None, tuple[tuple[str, str, int], ...]]] = {
    "open": ("held", "held", None, ()),
    "made": ("settled", "settled", QUOTE, (("settle", "member", QUOTE), ("settle", "server", QUOTE))),
    "dear": ("settled", "settled", 900_000, (("settle", "member", 900_000), ("settle", "server", 900_000))),
    "failed": ("released", "released", None, (("release", "member", 0), ("release", "server", 0))),
    "lost": ("released", "exposed", None, (("release", "member", 0), ("expose", "server", 0))),
    "found": (
        "released",
        "settled",
        QUOTE,
        (("release", "member", 0), ("expose", "server", 0), ("settle", "server", QUOTE)),
    ),
}


def _one(sql: str, *values: Any) -> One:
    return One(f"{sql} VALUES ({', '.join(f'${n}' for n in range(1, len(values) + 1))})", values)


def _past() -> Transaction[None]:
    """Write the rows of the version before quotas."""
    scopes = {"member": f"member:{GUILD}:{MEMBER}", "server": f"server:{GUILD}"}
    periods = {"member": DAY, "server": MONTH}
    sums = {"member": [0, 0], "server": [0, 0]}
    for job_id, (member, server, settled, later) in PAST.items():
        for position, (owner, state) in enumerate((("member", member), ("server", server))):
            ended = AT + 60 if state in {"settled", "released"} else None
            yield _one(
                "INSERT INTO holds (job_id, position, scope, period, owner, amount_microusd, state, settled_microusd, "
                "held_at, ended_at)",
                *(job_id, position, scopes[owner], periods[owner], owner, QUOTE, state),
                *(settled if state == "settled" else None, AT, ended),
            )
            sums[owner][0] += QUOTE if state in {"held", "exposed"} else 0
            sums[owner][1] += (settled or 0) if state == "settled" else 0
        for kind, owner, spent in (("hold", "member", 0), ("hold", "server", 0), *later):
            held = {"hold": QUOTE, "expose": 0}.get(kind, -QUOTE)
            yield _one(
                "INSERT INTO entries (id, job_id, scope, period, kind, held_delta_microusd, spent_delta_microusd, at, "
                "actor, reason)",
                *(f"{job_id}:{kind}:{scopes[owner]}:{periods[owner]}", job_id, scopes[owner], periods[owner]),
                *(kind, held, spent, AT, "wanda", "why"),
            )
        yield _one(
            "INSERT INTO jobs (id, guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, "
            "created_at, version, body)",
            *(job_id, GUILD, CHANNEL, 1, MEMBER, "wan27-image", "done", 1, "", AT, 1, "{}"),
        )
    for owner, (held, spent) in sums.items():
        yield _one(
            "INSERT INTO budgets (scope, period, cap_microusd, held_microusd, spent_microusd)",
            *(scopes[owner], periods[owner], 10_000_000, held, spent),
        )


async def _old_database(settings: StorageSettings, folder: Path) -> None:
    """Create a database of the version before quotas."""
    store = await open_at_step(2, settings, folder)
    try:
        await store.write(_past())
    finally:
        await store.close()


@pytest.mark.parametrize("later_s", [0.0, 3600.0])
async def test_every_cent_is_kept(store_settings: StorageSettings, tmp_path: Path, later_s: float) -> None:
    """Open, settled, released and exposed holds keep their windows; open ones can still end, once."""
    await _old_database(store_settings, tmp_path)
    store = await open_store(store_settings)
    try:
        assert await store.read(verify()) == []
        view = await store.read(holds.standing(WHO, at=AT + later_s, shipped=SHIPPED))
        assert {one.limit.whose: (one.held_microusd, one.spent_microusd) for one in view.standings} == {
            "member": (QUOTE, QUOTE + 900_000),
            "server": (2 * QUOTE, 2 * QUOTE + 900_000),
        }
        assert view.open_jobs == 1
        (sums,) = await store.read(totals())
        assert (sums.jobs, sums.held_microusd, sums.exposed_microusd) == (6, 2 * QUOTE, QUOTE)
        assert len(await store.read(spent_page(GUILD, limit=10))) == len(PAST)
        assert len(await store.read(entries_page(GUILD, limit=100))) == 35  # three scopes instead of two

        await store.write(_new_job(AT + later_s))
        said: dict[str, Any] = {"at": AT + later_s, "actor": "wanda", "reason": "test"}
        await store.write(holds.settle("open", QUOTE, **said))
        closed = await store.write(holds.settle("lost", 100_000, **said))
        assert (closed.member_microusd, closed.server_microusd) == (0, 100_000)
        assert (await store.write(holds.settle("dear", 1, **said))).repeated
        assert await store.read(verify()) == []
        view = await store.read(holds.standing(WHO, at=AT + later_s, shipped=SHIPPED))
        assert {one.limit.whose: (one.held_microusd, one.spent_microusd) for one in view.standings} == {
            "member": (QUOTE, 2 * QUOTE + 900_000),
            "server": (QUOTE, 3 * QUOTE + 1_000_000),
        }
    finally:
        await store.close()


def _new_job(at: float) -> Transaction[None]:
    query = RuleQuery(mode="wan27-image", resolution="720p")
    yield from holds.hold(
        job_id="new", amount_microusd=QUOTE, who=WHO, query=query, at=at, shipped=SHIPPED, reason="wan27-image"
    )
