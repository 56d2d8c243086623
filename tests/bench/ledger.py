"""How many jobs a second the ledger can hold and settle: `python -m tests.bench.ledger [jobs [roles]]`.

`DATABASE_URL` names the engine, as for the bot; empty is SQLite in a temporary folder. Every job is two durable
transactions on two budgets, made by 100 coroutines for 50 members of one server, who have so many roles.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from bot.ledger import transactions as ledger
from bot.ledger.audit import verify
from bot.ledger.model import Ask, Shipped, Who
from bot.settings import Settings
from bot.storage.opening import open_store
from bot.storage.transaction import Store

_NOW = 1_790_000_000.0
_CAP_MICROUSD = 10**15
_COROUTINES = 100
_MEMBERS = 50
_SHIPPED = Shipped(member_daily_microusd=_CAP_MICROUSD, server_monthly_microusd=_CAP_MICROUSD)
_ASK = Ask(mode="wan27-image", resolution="1080p")


async def _measure(store: Store, count: int, roles: int) -> float:
    jobs = iter(range(count))

    async def work() -> None:
        for job in jobs:
            who = Who(guild_id=1, channel_id=9, member_id=job % _MEMBERS, role_ids=tuple(range(roles)))
            hold = ledger.hold(
                job_id=f"job-{job}",
                amount_microusd=750_000,
                who=who,
                ask=_ASK,
                at=_NOW,
                shipped=_SHIPPED,
                reason="bench",
            )
            await store.write(hold)
            await store.write(ledger.settle(f"job-{job}", 750_000, at=_NOW, actor="bench", reason="bench"))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(_COROUTINES):
            group.create_task(work())
    return time.perf_counter() - began


async def _main(count: int, roles: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = await open_store(Settings(data_dir=Path(folder)))
        try:
            seconds = await _measure(store, count, roles)
            wrong = await store.read(verify())
        finally:
            await store.close()
    rate = count / seconds
    sys.stdout.write(f"{rate:,.0f} jobs/s, {2 * rate:,.0f} transactions/s; books wrong in {len(wrong)} places\n")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    asyncio.run(_main(given[0] if given else 10_000, given[1] if len(given) > 1 else 0))
