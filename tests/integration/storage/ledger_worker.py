"""A process that holds and settles for ever, says each on a line once it is committed, and is killed by its test."""

import asyncio
import sys
from itertools import count

from bot.ledger import transactions as ledger
from bot.ledger.rules import budgets_for
from bot.settings import Settings
from bot.storage.opening import open_store
from bot.storage.transaction import Store


async def _work(store: Store, member: int) -> None:
    cap = 10**12
    budgets = budgets_for(
        guild_id=1, member_id=member, now=1.79e9, member_daily_microusd=cap, server_monthly_microusd=cap
    )
    for number in count():
        job = f"{member}-{number}"
        await store.write(ledger.hold(job, 10, budgets, at=1.79e9, member_id=member, reason="test"))
        _say("held", job)
        await store.write(ledger.settle(job, 7, at=1.79e9, actor="test", reason="test"))
        _say("settled", job)


def _say(kind: str, job: str) -> None:
    sys.stdout.write(f"{kind} {job}\n")
    sys.stdout.flush()


async def _main() -> None:
    store = await open_store(Settings())
    async with asyncio.TaskGroup() as group:
        for member in range(20):
            group.create_task(_work(store, member))


asyncio.run(_main())
