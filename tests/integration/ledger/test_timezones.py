"""However often a server's timezone changes, a member gets one allowance a day, on both engines."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import QuotaExceeded
from bot.jobs import erasure
from bot.ledger import holds
from bot.ledger.audit import verify
from bot.ledger.model import RuleQuery, Shipped, Who
from bot.ledger.pseudonyms import unname
from bot.ledger.rules import clear_rule, set_rule
from bot.storage.transaction import Store
from tests.support.job_samples import NOW

ALLOWANCE = 1_000_000
SHIPPED = Shipped(member_daily_microusd=ALLOWANCE, server_monthly_microusd=1_000 * ALLOWANCE)
FIXED = [f"Etc/GMT{shift:+d}" for shift in range(-14, 13)]
MOVING = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "UTC"]
DAY_S, SHORTEST_DAY_S = 86_400.0, 82_800.0  # the latter when clocks go forward
STEPS = st.lists(
    st.tuples(
        st.floats(1.0, 30 * 3600.0),
        st.sampled_from(["zone", "zone", "zone", "clear", "erase", "leave"]),
        st.integers(0, 99),
    ),
    min_size=2,
    max_size=25,
)
_guilds = count(1000)


async def _spends(store: Store, guild_id: int, zones: list[str], steps: list[tuple[float, str, int]]) -> list[float]:
    """Go through the steps with a member who always takes what they can get; returns when they got an allowance."""
    who = Who(guild_id=guild_id, channel_id=1, member_id=guild_id + 7)
    now, got = NOW, list[float]()
    for number, (wait_s, what, choice) in enumerate(steps):
        now += wait_s
        match what:
            case "zone":
                name = zones[choice % len(zones)]
                await store.write(set_rule(guild_id, "server", "timezone", name, actor_id=9, reason="", at=now))
            case "clear":
                await store.write(clear_rule(guild_id, "server", "timezone", actor_id=9, reason="", at=now))
            case "erase":
                await store.write(erasure.forget_member(who.member_id, at=NOW))
            case _:
                for member_id in await store.read(erasure.names_in(guild_id, limit=9)):
                    await store.write(unname(guild_id, member_id))
                await store.write(erasure.forget_guild(guild_id, at=now))
        job_id = f"{guild_id}-{number}"
        try:
            await store.write(
                holds.hold(
                    job_id=job_id,
                    amount_microusd=ALLOWANCE,
                    who=who,
                    query=RuleQuery(mode="m"),
                    shipped=SHIPPED,
                    at=now,
                    reason="test",
                )
            )
        except QuotaExceeded:
            continue
        await store.write(holds.settle(job_id, ALLOWANCE, actor="test", at=now, reason="test"))
        got.append(now)
    return got


def _assert_one_a_day(got: list[float], day_s: float) -> None:
    """Of any of them in a row, all but the first and the last day are whole: they can be spent late and early."""
    for first in range(len(got)):
        for last in range(first + 2, len(got)):
            assert got[last] - got[first] > (last - first - 1) * day_s


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_no_history_of_changes_gives_an_extra_day(store: Store, steps: list[tuple[float, str, int]]) -> None:
    """Timezones without summer time, deletions, removals and invitations: never more than one allowance in 24 hours."""
    _assert_one_a_day(await _spends(store, next(_guilds), FIXED, steps), DAY_S)
    assert await store.read(verify()) == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_summer_time_gives_no_more_than_its_own_hour(store: Store, steps: list[tuple[float, str, int]]) -> None:
    """With any timezones a day is never shorter than the shortest day that a calendar has."""
    _assert_one_a_day(await _spends(store, next(_guilds), MOVING, steps), SHORTEST_DAY_S)


async def test_a_timezone_whose_midnight_has_just_passed_gives_no_fresh_day(store: Store) -> None:
    """The attack: spend all, choose a timezone where a new day has begun, spend all again, every hour."""
    hourly = [(3600.0, "zone", choice) for choice in range(27)]
    got = await _spends(store, next(_guilds), FIXED, hourly)
    assert len(got) <= 2


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Etc/GMT-14", "Europe/Berlin"])
async def test_a_timezone_that_is_changed_back_changes_nothing(store: Store, zone: str) -> None:
    """A mistake that is mended on the same day costs nobody a part of the next one."""
    guild_id = next(_guilds)
    got = await _spends(store, guild_id, ["UTC", zone], [(1.0, "zone", 0), (60.0, "zone", 1), (60.0, "zone", 0)])
    assert len(got) == 1
    who = Who(guild_id=guild_id, channel_id=1, member_id=1)
    (own,) = [
        one.limit.window
        for one in (await store.read(holds.standing(who, at=NOW + 200, shipped=SHIPPED))).standings
        if one.limit.whose == "member"
    ]
    assert own.ends_at - own.starts_at == DAY_S
    assert own.ends_at % DAY_S == 0
