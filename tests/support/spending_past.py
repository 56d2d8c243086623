"""Writes jobs of earlier days into the bot's database before the bot starts."""

import random
from dataclasses import replace
from pathlib import Path

from bot.jobs.rows import body_of
from bot.ledger import holds
from bot.ledger.model import RuleQuery, Shipped, Who
from bot.storage.database import open_store
from bot.storage.transaction import One, Transaction
from tests.support.job_samples import ADDRESS, a_job
from tests.support.stores import settings_for

DAY_S = 86_400
GENEROUS = Shipped(member_daily_microusd=10**12, server_monthly_microusd=10**12)
PRICES = {"wan27-image": 750_000, "wan21-image": 400_000, "wan22-video": 405_000, "wan25-image": 500_000}


async def write_past(
    folder: Path, *, guild_id: int, channel_id: int, member_ids: list[int], now: float, jobs: int, days: int
) -> int:
    """Write `jobs` jobs over the last `days`, and return their cost in micro-dollars."""
    chance = random.Random(3)  # noqa: S311 - a made-up past keeps no secret
    store = await open_store(settings_for(folder))
    total = 0
    try:
        for number in range(jobs):
            mode = chance.choice(list(PRICES))
            at = now - days * DAY_S * (1 - number / jobs) + 1
            who = Who(guild_id=guild_id, channel_id=channel_id, member_id=chance.choice(member_ids))
            failed = number % 9 == 0
            total += 0 if failed else PRICES[mode]
            await store.write(_job(f"{number:032x}", mode, who, at, failed=failed))
    finally:
        await store.close()
    return total


def _job(job_id: str, mode: str, who: Who, at: float, *, failed: bool) -> Transaction[None]:
    price = PRICES[mode]
    yield from holds.hold(
        job_id=job_id,
        amount_microusd=price,
        who=who,
        query=RuleQuery(mode=mode),
        at=at,
        shipped=GENEROUS,
        reason=f"{mode}: 5 s",
    )
    job = replace(
        a_job(),
        id=job_id,
        guild_id=who.guild_id,
        member_id=who.member_id,
        mode=mode,
        quote_microusd=price,
        state="failed" if failed else "done",
        charged_microusd=0 if failed else price,
        created_at=at,
        address=replace(ADDRESS, channel_id=who.channel_id, message_id=0),
        told=True,
    )
    yield One(
        "INSERT INTO jobs (id, guild_id, channel_id, message_id, member_id, mode, state, told, similar_to, created_at, "
        "version, body) VALUES ($1, $2, $3, 0, $4, $5, $6, 1, '', $7, 1, $8)",
        (job_id, who.guild_id, who.channel_id, who.member_id, mode, job.state, at, body_of(job)),
    )
    if failed:
        yield from holds.release(job_id, at=at + 60, actor="wanda", reason="fal made no video")
    else:
        yield from holds.settle(job_id, price, at=at + 60, actor="wanda", reason="fal made the video")
