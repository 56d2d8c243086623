"""Members' own prices to be asked above, beside the rules of their server's admins, on both engines."""

import asyncio
from typing import Any

import pytest

from bot.errors import OptionRefused
from bot.jobs.erasure import forget_guild, forget_member
from bot.ledger import asks, rules
from bot.ledger.acts import acts_of
from bot.ledger.asks import AskBounds
from bot.ledger.model import Shipped, Who
from bot.storage.transaction import Many, One, Store, Transaction

AT = 1_790_000_000.0
GUILD = 7
SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)
SAID: dict[str, Any] = {"actor_id": 9, "reason": "", "at": AT}


async def _set(store: Store, member_id: int, *, guild_id: int = GUILD, at: float = AT, **bounds: int) -> str | None:
    """Set a member's price, and return why it was refused."""
    bound = AskBounds(kept_max=bounds.get("kept_max", 9999), daily_max=bounds.get("daily_max", 9999))
    try:
        await store.write(asks.set_ask(guild_id, member_id, 300_000, bounds=bound, at=at))
    except OptionRefused as refusal:
        return str(refusal)
    return None


async def _threshold(store: Store, member_id: int, guild_id: int = GUILD) -> int:
    who = Who(guild_id=guild_id, channel_id=8, member_id=member_id)
    return (await store.read(rules.terms_of(who, at=AT, shipped=SHIPPED))).confirm_above_microusd.value


def _fill(members: int) -> Transaction[None]:
    """Give so many members a price, in one statement each."""
    for member_id in range(1, members + 1):
        yield One("INSERT INTO asks VALUES ($1, $2, $3, $4)", (GUILD, member_id, 300_000, AT))


async def test_a_flood_of_asks_takes_nothing_from_the_admins(store: Store) -> None:
    """With a price of 5,000 members, pause, block and budget work, and the audit shows what admins did alone."""
    await store.write(_fill(5_000))
    await _set(store, 6_000)
    for subject, name, value in (
        ("server", "paused", "spam"),
        ("member:3", "blocked", "spam"),
        ("server", "policy", "charge"),
    ):
        await store.write(rules.set_rule(GUILD, subject, name, value, **SAID))
    assert [act.act for act in await store.read(acts_of(GUILD, limit=9))] == ["set policy", "set blocked", "set paused"]
    assert {rule.name for rule in await store.read(rules.rules_of(GUILD))} == {"paused", "blocked", "policy"}
    assert await _threshold(store, 6_000) == 300_000
    assert await _threshold(store, 6_001) == 1_000_000


async def test_old_acts_of_members_fill_no_page(store: Store) -> None:
    """Members' acts from before are on no page of the admins' acts."""

    def flood() -> Transaction[None]:
        for number in range(2, 40):
            yield One(
                "INSERT INTO acts (guild_id, id, at, actor_id, act, subject, before, after, reason) "
                "VALUES ($1, $2, $3, 5, $4, 'member:5', 'null', '1', '')",
                (GUILD, number, AT, "set ask_above" if number % 2 else "clear ask_above"),
            )

    await store.write(rules.set_rule(GUILD, "server", "paused", "spam", **SAID))
    await store.write(flood())
    assert [act.act for act in await store.read(acts_of(GUILD, limit=3))] == ["set paused"]
    assert [act.id for act in await store.read(acts_of(GUILD, limit=3, before=30))] == [1]


async def test_asks_are_bounded_for_a_server_and_a_day(store: Store) -> None:
    """Too many members in a day, or in all, are refused with the number; whoever has a price may change it."""
    assert [await _set(store, member_id, daily_max=2) for member_id in (1, 2)] == [None, None]
    refused = await _set(store, 3, daily_max=2)
    assert refused is not None
    assert "2 members of this server set their price in the last 24 hours, and Wanda takes 2." in refused
    assert await _set(store, 2, daily_max=2) is None
    assert await _set(store, 3, daily_max=2, guild_id=8) is None
    assert await _set(store, 3, daily_max=2, at=AT + 86_401) is None
    refused = await _set(store, 4, kept_max=3)
    assert refused is not None
    assert "3 members of this server have a price of their own, and Wanda keeps 3." in refused
    await store.write(asks.clear_ask(GUILD, 1))
    assert await _set(store, 4, kept_max=3) is None
    assert await _threshold(store, 1) == 1_000_000


async def test_asks_at_once(store: Store) -> None:
    """Of twenty simultaneous asks as many are taken as the bound allows."""
    answers = await asyncio.gather(*(_set(store, member_id, kept_max=5) for member_id in range(20)))
    assert answers.count(None) == 5


async def test_asks_go_with_their_member_and_their_server(store: Store) -> None:
    """A price is deleted when its member or its server is forgotten."""
    for guild_id in (GUILD, 8):
        for member_id in (1, 2):
            assert await _set(store, member_id, guild_id=guild_id) is None
    await store.write(forget_member(1, at=AT))
    await store.write(forget_guild(8, at=AT))

    def left() -> Transaction[list[tuple[int, int]]]:
        return [(row["guild_id"], row["member_id"]) for row in (yield Many("SELECT guild_id, member_id FROM asks"))]

    assert await store.read(left()) == [(GUILD, 2)]


@pytest.mark.parametrize("other", ["member:1", "role:1", "channel:1"])
async def test_the_servers_own_rules_have_no_bound(store: Store, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With as many rules as Wanda keeps, the server's own and existing ones still change, and expired ones are free."""
    monkeypatch.setattr(rules, "RULES_MAX", 2)
    name, value = {"member:1": ("blocked", "x"), "role:1": ("ceiling", 5), "channel:1": ("access", "deny")}[other]
    await store.write(rules.set_rule(GUILD, "member:8", "raise", {"microusd": 5}, expires_at=AT + 5, **SAID))
    await store.write(rules.set_rule(GUILD, "member:9", "blocked", "spam", **SAID))
    with pytest.raises(OptionRefused, match="2 rules about roles, channels and members"):
        await store.write(rules.set_rule(GUILD, other, name, value, **SAID))
    await store.write(rules.set_rule(GUILD, "server", "paused", "spam", **SAID))
    await store.write(rules.set_rule(GUILD, "member:9", "blocked", "more spam", **SAID))
    later: dict[str, Any] = SAID | {"at": AT + 6}
    await store.write(rules.set_rule(GUILD, other, name, value, **later))
