"""What the processes cost while they work."""

import time
from collections import Counter
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
    fal_requests: dict[str, int]


async def mark(fleet: Fleet) -> Mark:
    """Read all counts."""
    limits = await fleet.stands.discord.get("limits")
    return Mark(
        at=time.monotonic(),
        jobs=await audit.ended(fleet),
        cpu_s=fleet.cpu_s(),
        statements=fleet.statements_logged(),
        bot_token_requests=limits["with_bot_token"],
        fal_requests=(await fleet.stands.traffic())["requests"],
    )


def costs(began: Mark, ended: Mark) -> list[str]:
    """Return the lines on the time between two marks."""
    took_s, jobs = ended.at - began.at, ended.jobs - began.jobs
    if not jobs:
        return ["no job ended"]
    cpu_s = {name: ended.cpu_s[name] - began.cpu_s[name] for name in ended.cpu_s}
    bots_ms, postgres_ms = (cpu_s[name] / jobs * 1000 for name in ("bots", "PostgreSQL"))
    shares = ", ".join(f"{name} {used / took_s * 100:.0f} %" for name, used in cpu_s.items())
    return [
        f"{jobs} jobs ended in {took_s:.0f} s: {jobs / took_s:.1f} jobs/s",
        f"CPU per job: bots {bots_ms:.0f} ms, PostgreSQL {postgres_ms:.1f} ms",
        f"share of a core: {shares}",
        f"statements per job: {(ended.statements - began.statements) / LOGGED_SHARE / jobs:.0f}, all acts included",
        f"requests at fal per job: {_per_job(began.fal_requests, ended.fal_requests, jobs)}",
        f"requests with the bot's token per job: {_per_job(began.bot_token_requests, ended.bot_token_requests, jobs)}",
    ]


def _per_job(began: dict[str, int], ended: dict[str, int], jobs: int) -> str:
    """Return how often each kind came for each job, the most frequent first, and all together."""
    counts = Counter(ended) - Counter(began)
    kinds = ", ".join(f"{kind} {number / jobs:.2f}" for kind, number in counts.most_common())
    return f"{counts.total() / jobs:.2f} ({kinds})"


def answers(crowd: Crowd) -> str:
    """Return the line on first answers."""
    if not crowd.ack_ms:
        return f"no first answer; {dict(crowd.done)}"
    p50, p99 = percentile(crowd.ack_ms, 50), percentile(crowd.ack_ms, 99)
    return f"first answer: p50 {p50:.0f} ms, p99 {p99:.0f} ms of {len(crowd.ack_ms)}; {dict(crowd.done)}"
