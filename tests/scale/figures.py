"""What the processes cost while they work."""

import time
from dataclasses import dataclass

from tests.bench.figures import percentile
from tests.scale import audit
from tests.scale.crowd import Crowd
from tests.scale.fleet import LOGGED_SHARE, Fleet


@dataclass(frozen=True, slots=True)
class Mark:
    """Counts at a moment."""

    at: float
    jobs: int
    cpu_s: dict[str, float]
    statements: int
    bot_token_requests: dict[str, int]
    fal_requests: int


async def mark(fleet: Fleet) -> Mark:
    """Read all counts."""
    limits = await fleet.stands.discord.get("limits")
    return Mark(
        at=time.monotonic(),
        jobs=await audit.ended(fleet),
        cpu_s=fleet.cpu_s(),
        statements=fleet.statements_logged(),
        bot_token_requests=limits["with_bot_token"],
        fal_requests=sum((await fleet.stands.traffic())["requests"].values()),
    )


def costs(began: Mark, ended: Mark) -> list[str]:
    """Return the lines on the time between two marks."""
    took_s, jobs = ended.at - began.at, ended.jobs - began.jobs
    if not jobs:
        return ["no job ended"]
    cpu_s = {name: ended.cpu_s[name] - began.cpu_s[name] for name in ended.cpu_s}
    bots_ms, postgres_ms = (cpu_s[name] / jobs * 1000 for name in ("bots", "PostgreSQL"))
    by_route = {
        route: n - began.bot_token_requests.get(route, 0)
        for route, n in ended.bot_token_requests.items()
        if n > began.bot_token_requests.get(route, 0)
    }
    shares = ", ".join(f"{name} {used / took_s * 100:.0f} %" for name, used in cpu_s.items())
    return [
        f"{jobs} jobs ended in {took_s:.0f} s: {jobs / took_s:.1f} jobs/s",
        f"CPU per job: bots {bots_ms:.0f} ms, PostgreSQL {postgres_ms:.1f} ms",
        f"share of a core: {shares}",
        f"statements per job: {(ended.statements - began.statements) / LOGGED_SHARE / jobs:.0f}, all acts included",
        f"requests per job: {(ended.fal_requests - began.fal_requests) / jobs:.2f} at fal",
        f"with the bot's token at Discord: {sum(by_route.values()) / jobs:.2f} {by_route}",
    ]


def answers(crowd: Crowd) -> str:
    """Return the line on first answers."""
    if not crowd.ack_ms:
        return f"no first answer; {dict(crowd.done)}"
    p50, p99 = percentile(crowd.ack_ms, 50), percentile(crowd.ack_ms, 99)
    return f"first answer: p50 {p50:.0f} ms, p99 {p99:.0f} ms of {len(crowd.ack_ms)}; {dict(crowd.done)}"
