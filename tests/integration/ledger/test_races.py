"""Concurrent calls on each engine: what may happen once happens once."""

import asyncio
from dataclasses import replace
from typing import Any, Literal

import pytest

from bot.errors import Refusal
from bot.ledger import holds, rules
from bot.ledger.audit import verify
from bot.ledger.grants import add_grant, grants_of
from bot.ledger.model import Grant, Held, RuleQuery, Shipped, Who
from bot.storage.transaction import Store

AT = 1_790_000_000.0
PRICE = 200_000
SHIPPED = Shipped(member_daily_microusd=PRICE, server_monthly_microusd=10**9)
QUERY = RuleQuery(mode="wan27-image", resolution="720p")


def _who(member_id: int = 2, guild_id: int = 1) -> Who:
    return Who(guild_id=guild_id, channel_id=9, member_id=member_id)


async def _holds(
    store: Store, count: int, *, shipped: Shipped = SHIPPED, members: int = 1, guilds: int = 1
) -> list[Held]:
    """Try so many holds at once, and return those that were taken."""

    async def one(number: int) -> Held | None:
        who = _who(2 + number % members, 1 + number % guilds)
        hold = holds.hold(
            job_id=f"job-{number}", amount_microusd=PRICE, who=who, query=QUERY, at=AT, shipped=shipped, reason="test"
        )
        try:
            return await store.write(hold)
        except Refusal:
            return None

    taken = await asyncio.gather(*(one(number) for number in range(count)))
    assert await store.read(verify()) == []
    return [held for held in taken if held is not None]


async def _rule(store: Store, subject: str, name: str, value: Any) -> None:
    await store.write(rules.set_rule(1, subject, name, value, actor_id=9, reason="test", at=AT))


async def test_at_once(store: Store) -> None:
    """Of forty simultaneous holds as many are accepted as the member may have at once."""
    await _rule(store, "member:2", "allowance:day", 10**9)
    await _rule(store, "server", "at_once", 3)
    assert len(await _holds(store, 40)) == 3


async def test_one_grant(store: Store) -> None:
    """An allowance for one job and grants for 2.5 carry three of any number of simultaneous holds, split exactly."""
    for number, amount in enumerate((PRICE * 2, PRICE // 2)):
        grant = Grant(
            id=f"g{number}",
            guild_id=1,
            member_id=2,
            amount_microusd=amount,
            expires_at=AT + 60 * (number + 1),
            reason="test",
            actor_id=9,
            at=AT,
        )
        assert await store.write(add_grant(grant))
    taken = await _holds(store, 40)
    assert len(taken) == 3
    grants = await store.read(grants_of(1, 2))
    assert [one.left_microusd for one in grants] == [0, PRICE // 2]


@pytest.mark.parametrize("cap", ["server_cap_microusd", "total_cap_microusd"])
async def test_the_operators_caps(store: Store, cap: Literal["server_cap_microusd", "total_cap_microusd"]) -> None:
    """An operator's cap worth five jobs applies to all members, and the cap over all to all servers."""
    shipped = replace(Shipped(member_daily_microusd=10**9, server_monthly_microusd=10**9), **{cap: 5 * PRICE})
    taken = await _holds(store, 40, shipped=shipped, members=8, guilds=2)
    assert len(taken) == (10 if cap == "server_cap_microusd" else 5)


async def test_pause_in_the_middle(store: Store) -> None:
    """After a pause is committed no hold is accepted, including those in progress."""
    shipped = Shipped(member_daily_microusd=10**9, server_monthly_microusd=10**9)
    before, _ = await asyncio.gather(_holds(store, 40, shipped=shipped), _rule(store, "server", "paused", "stop"))
    view = await store.read(holds.standing(_who(), at=AT, shipped=shipped))
    assert view.open_jobs == len(before)
    with pytest.raises(Refusal):
        await store.write(
            holds.hold(
                job_id="late", amount_microusd=PRICE, who=_who(), query=QUERY, at=AT, shipped=shipped, reason="test"
            )
        )


async def test_endings_against_each_other(store: Store) -> None:
    """Of simultaneous settle, absorb and release of one job the first counts, for every budget."""
    await _holds(store, 1)
    said: dict[str, Any] = {"at": AT, "actor": "wanda", "reason": "test"}
    endings = await asyncio.gather(
        *(store.write(holds.settle("job-0", PRICE, **said)) for _ in range(5)),
        *(store.write(holds.settle("job-0", PRICE, payers="server", **said)) for _ in range(5)),
        *(store.write(holds.release("job-0", **said)) for _ in range(5)),
    )
    assert sum(not ending.repeated for ending in endings) == 1
    assert await store.read(verify()) == []
