"""A process that runs many members' jobs, prints each committed step on a line, and is killed by its test.

Each member holds with a grant beside the allowance, settles, absorbs, exposes or releases, and the server's own pool is
worth `POOL_JOBS` jobs: what is settled stays spent, so in the end the pool is empty, and every further job is refused.

With WORKER=rush, 200 members fire one job each at a pool worth 50, all at the same moment.
"""

import asyncio
import os
import sys
from itertools import count

from bot.configuration import read_group
from bot.errors import QuotaExceeded
from bot.ledger import holds
from bot.ledger.grants import add_grant
from bot.ledger.model import Grant, Held, RuleQuery, Shipped, Who
from bot.settings import StorageSettings
from bot.storage.database import open_store
from bot.storage.transaction import Store, Transaction

GUILD = 1
NOW = 1.79e9
PRICE = 10
POOL_JOBS = 400
SHIPPED = Shipped(
    member_daily_microusd=45,
    server_monthly_microusd=POOL_JOBS * PRICE,
    server_cap_microusd=10**9,
    total_cap_microusd=10**9,
)


RUSH = Shipped(member_daily_microusd=10**6, server_monthly_microusd=50 * PRICE)


def rush_hold(member: int) -> Transaction[Held]:
    """Return one member's hold of the rush."""
    who = Who(guild_id=GUILD, channel_id=9, member_id=member)
    return holds.hold(
        job_id=f"rush-{member}",
        amount_microusd=PRICE,
        who=who,
        query=RuleQuery(mode="m"),
        at=NOW,
        shipped=RUSH,
        reason="test",
    )


async def _rush(store: Store, member: int) -> None:
    try:
        await store.write(rush_hold(member))
    except QuotaExceeded:
        _say("refused", f"rush-{member}")
    else:
        _say("held", f"rush-{member}")


async def _work(store: Store, member: int) -> None:
    who = Who(guild_id=GUILD, channel_id=9, member_id=member, role_ids=(1, 2))
    grant = Grant(
        id=f"grant-{member}",
        guild_id=GUILD,
        member_id=member,
        amount_microusd=10**6,
        expires_at=None,
        reason="test",
        actor_id=9,
        at=NOW,
    )
    await store.write(add_grant(grant))
    for number in count():
        job = f"{member}-{number}"
        hold = holds.hold(
            job_id=job,
            amount_microusd=PRICE,
            who=who,
            query=RuleQuery(mode="m"),
            at=NOW,
            shipped=SHIPPED,
            reason="test",
        )
        try:
            await store.write(hold)
        except QuotaExceeded:
            _say("refused", job)
            await asyncio.sleep(0.01)
            continue
        _say("held", job)
        match number % 4:
            case 0:
                await store.write(holds.release(job, at=NOW, actor="test", reason="test"))
                _say("released", job)
            case 1:
                await store.write(holds.expose(job, at=NOW, actor="test", reason="test"))
                _say("exposed", job)
            case 2:
                await store.write(holds.settle(job, 7, at=NOW, actor="test", reason="test", payers="server"))
                _say("settled", job)
            case _:
                await store.write(holds.settle(job, 7, at=NOW, actor="test", reason="test"))
                _say("settled", job)


def _say(kind: str, job: str) -> None:
    sys.stdout.write(f"{kind} {job}\n")
    sys.stdout.flush()


async def _main() -> None:
    store = await open_store(read_group(StorageSettings))
    async with asyncio.TaskGroup() as group:
        rush = os.environ.get("WORKER") == "rush"
        for member in range(200 if rush else 20):
            group.create_task(_rush(store, member) if rush else _work(store, member))
    await asyncio.sleep(3600)  # until it is killed


if __name__ == "__main__":
    asyncio.run(_main())
