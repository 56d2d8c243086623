"""Chip-ins on each engine, where several members act at once."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import Refusal
from bot.jobs import chip_in_endings, chip_ins, queries
from bot.jobs.chip_in_model import Added, ChipInBounds, Rules
from bot.jobs.rule_query import who_of
from bot.ledger import holds
from bot.ledger.audit import totals, verify
from bot.ledger.model import Shipped
from bot.storage.transaction import Store, Transaction
from tests.support.job_samples import NOW, PLACES, a_job

PRICE, EACH = 1_000_000, 600_000
BOUNDS = ChipInBounds(
    of_member_max=5, in_server_max=9, life_s=3600.0, shares_max=50, shares_of_member_max=9, least_microusd=1
)
SHIPPED = Shipped(member_daily_microusd=EACH, server_monthly_microusd=10**9)
RULES = Rules(bounds=BOUNDS, shipped=SHIPPED, places=PLACES, now=NOW)
JOB = a_job(id="1" * 32, inputs=(), quote_microusd=PRICE, member_id=2)
MEMBERS = range(3, 13)


async def tried(store: Store, transaction: Transaction[Any]) -> Any:
    """Return what the transaction returns; None if it is refused."""
    try:
        return await store.write(transaction, guild_id=1)
    except Refusal:
        return None


def adding(member_id: int, amount: int) -> Transaction[Added]:
    """Return what adds a share of this member."""
    who = replace(who_of(JOB), member_id=member_id)
    return chip_ins.add(JOB.id, f"{member_id:032}", who, amount, RULES)


async def held_by(store: Store, member_id: int) -> int:
    """Return what the member's allowance holds."""
    who = replace(who_of(JOB), member_id=member_id)
    view = await store.read(holds.standing(who, at=NOW, shipped=SHIPPED))
    return next(one.held_microusd for one in view.standings if one.limit.side == "member")


async def test_ten_members_add_the_last_cent_at_once(store: Store) -> None:
    """One of them does, the job is made once, and the others hold nothing."""
    await store.write(chip_ins.start(JOB, EACH, RULES), guild_id=1)
    await store.write(adding(99, PRICE - EACH - 10_000), guild_id=1)
    added = await asyncio.gather(*(tried(store, adding(one, 10_000)) for one in MEMBERS))
    assert sum(one is not None for one in added) == 1
    held = [await held_by(store, one) for one in MEMBERS]
    assert sorted(held) == [*[0] * (len(held) - 1), 10_000]
    job = await store.read(queries.get(JOB.id))
    assert job is not None
    assert sum(one.amount_microusd for one in job.shares) == PRICE
    assert (await store.read(verify()), [one.jobs for one in await store.read(totals())]) == ([], [1])


@pytest.mark.parametrize("end", ["cancel", "late"])
async def test_the_end_and_the_last_share_meet(store: Store, end: str) -> None:
    """Either the job is made and everybody's part is held, or everything is given back; never both, nor half."""
    await store.write(chip_ins.start(JOB, EACH, RULES), guild_id=1)
    ending = {
        "cancel": lambda: chip_in_endings.cancel(JOB.id, 2, now=NOW),
        "late": lambda: chip_in_endings.end_late(JOB.id, now=NOW + 3600),
    }[end]
    acts = [*(tried(store, adding(one, 100_000)) for one in MEMBERS), tried(store, ending())]
    await asyncio.gather(*reversed(acts))
    job = await store.read(queries.get(JOB.id))
    held = [await held_by(store, one) for one in (2, *MEMBERS)]
    assert sum(held) == (0 if job is None else PRICE)
    assert await store.read(verify()) == []
