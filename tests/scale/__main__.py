"""`python -m tests.scale [memory] [traffic] [kills]`: several processes of the bot in thousands of servers.

`make scale` runs it, in at most ten minutes. It prints what it measures and what is left wrong, and exits with 1 if
anything is. Ctrl-C stops everything that it started.
"""

import argparse
import asyncio
import os
import secrets
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from sandbox.stage import StageError
from tests.bench.figures import percentile
from tests.scale import audit, figures, takeover
from tests.scale.crowd import Crowd
from tests.scale.fleet import READY_WITHIN_S, Fleet
from tests.support.machine import machine
from tests.support.process_costs import proportional_bytes, resident_bytes

PARTS = ("memory", "traffic", "kills")
MOST_S = 580.0  # and the stop of everything, ten minutes
ENDING_S = 150.0  # kept for the ends of all jobs and the audit
STEADY_S = 60.0
FLAT_OUT_S = 25.0
IN_FLIGHT = 60
KILLS = 30
SETTLED_S = 3.0


def main() -> int:
    """Run what was asked for, or everything; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; none means all")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000), help="shows a random run again")
    parser.add_argument("--servers", type=int, default=3000, help="how many servers the bot is in")
    parser.add_argument("--processes", type=int, default=3, help="how many processes work")
    parser.add_argument("--standbys", type=int, default=1, help="how many processes stand by")
    parser.add_argument("--shards-each", type=int, default=1, help="how many shards a process takes")
    parser.add_argument("--per-s", type=float, default=8.0, help="acts of members per second; 7 of 10 are orders")
    parser.add_argument("--kills", type=int, default=KILLS, help="how often a process is killed")
    parser.add_argument("--identify-every-s", type=float, default=5.0, help="Discord's time between session starts")
    parser.add_argument("--webhooks", action="store_true", help="let fal call when a video is made; follow none")
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.only) - set(PARTS)):
        parser.error(f"there is no {unknown[0]}; there are {', '.join(PARTS)}")
    try:
        return asyncio.run(_within_the_time(chosen))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("stopped, and so is everything that was started")
    except TimeoutError:
        print(f"not done after {MOST_S:g} s")
    except StageError as error:
        print(error)
    return 1


async def _within_the_time(chosen: argparse.Namespace) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    print(f"{machine()}; {datetime.now(UTC).date().isoformat()}; load {os.getloadavg()[0]:.1f}")
    print(
        f"seed {chosen.seed}: {chosen.servers} servers, {chosen.processes} processes of {chosen.shards_each} shards "
        f"and {chosen.standbys} standing by, a session start every {chosen.identify_every_s:g} s",
        flush=True,
    )
    async with asyncio.timeout(MOST_S):
        with tempfile.TemporaryDirectory(prefix="wanda-scale-") as folder:
            wrong = await _run(chosen, Path(folder))
    print("\n".join(wrong) or "nothing is wrong", f"load {os.getloadavg()[0]:.1f}", sep="\n")
    return 1 if wrong else 0


async def _run(chosen: argparse.Namespace, folder: Path) -> list[str]:
    parts: list[str] = chosen.only or list(PARTS)
    until = asyncio.get_running_loop().time() + MOST_S - ENDING_S
    fleet = Fleet(
        folder,
        shards=chosen.processes * chosen.shards_each,
        shards_each=chosen.shards_each,
        identify_every_s=chosen.identify_every_s,
        has_webhooks=chosen.webhooks,
    )
    async with fleet:
        if "memory" in parts:
            await _memory(fleet, chosen.servers)
        else:
            await fleet.add_servers(chosen.servers)
        await fleet.limit_gateway(identify_interval_s=chosen.identify_every_s, shards=fleet.shards)
        if "traffic" in parts or "kills" in parts:
            return await _together(fleet, chosen, parts, until)
    return []


async def _memory(fleet: Fleet, servers: int) -> None:
    """Print what an idle server costs: one process with hardly any server, and then with all of them."""
    await fleet.limit_gateway(identify_interval_s=0, shards=None)
    alone = await _idle_bytes(fleet)
    await fleet.add_servers(servers)
    among = await _idle_bytes(fleet)
    print(
        f"idle: {alone / 1e6:.1f} MB in 1 server, {among / 1e6:.1f} MB in {servers + 1}: "
        f"{(among - alone) / servers / 1000:.2f} KB a server",
        flush=True,
    )


async def _idle_bytes(fleet: Fleet) -> int:
    """Start one process for all servers, and return its resident bytes when nothing happens any more; stops it."""
    replica = await fleet.start(0, WANDA_SHARDS="all", WANDA_SHARDS_MAX="0", WANDA_IDENTIFY_EVERY_S="0")
    await replica.process.until(lambda line: "Wanda is ready" in line, within_s=READY_WITHIN_S)
    await asyncio.sleep(SETTLED_S)
    resident = resident_bytes(replica.process.pid)
    await replica.process.stop()
    return resident


async def _together(fleet: Fleet, chosen: argparse.Namespace, parts: list[str], until: float) -> list[str]:
    began = time.monotonic()
    for number in range(chosen.processes + chosen.standbys):
        replica = await fleet.start(number)
        if number == 0:  # the first makes the tables
            await replica.process.until(lambda line: "Wanda is ready" in line, within_s=READY_WITHIN_S)
    await takeover.all_answer(fleet)
    print(f"all shards answer {time.monotonic() - began:.1f} s after the start", flush=True)
    crowd = Crowd(fleet, seed=chosen.seed)
    if "traffic" in parts:
        await _traffic(fleet, crowd, chosen.per_s)
    takeovers: list[takeover.Takeover] = []
    if "kills" in parts:
        takeovers = await takeover.kill_often(fleet, crowd, kills=chosen.kills, seed=chosen.seed, until=until)
        _print_gaps(takeovers, chosen.identify_every_s)
    wrong = await audit.wrong_ends(fleet, crowd.used)
    await _print_ends(fleet)
    if "kills" in parts and len(takeovers) < chosen.kills:
        wrong.append(f"there was time for {len(takeovers)} of {chosen.kills} kills only")
    return wrong


async def _traffic(fleet: Fleet, crowd: Crowd, per_s: float) -> None:
    await crowd.act_steadily(per_s, 5.0)  # what is loaded on first use does not count
    crowd.forget()
    began = await figures.mark(fleet)
    await crowd.act_steadily(per_s, STEADY_S)
    await audit.all_ended(fleet)
    print(f"{per_s:g} acts/s for {STEADY_S:g} s", *figures.costs(began, await figures.mark(fleet)), sep="\n  ")
    print(" ", figures.answers(crowd), flush=True)
    for replica in fleet.replicas:
        pid = replica.process.pid
        print(
            f"  {replica.name}: {resident_bytes(pid) / 1e6:.0f} MB resident, {proportional_bytes(pid) / 1e6:.0f} MB own"
        )
    crowd.forget()
    began = await figures.mark(fleet)
    await _flat_out(fleet, crowd)
    print(f"{IN_FLIGHT} jobs in flight all the time", *figures.costs(began, await figures.mark(fleet)), sep="\n  ")
    print(" ", figures.answers(crowd), flush=True)


async def _flat_out(fleet: Fleet, crowd: Crowd) -> None:
    """Order whenever a job has ended, so that as many are in flight all the time."""
    loop, ordering = asyncio.get_running_loop(), set[asyncio.Task[str | None]]()
    before, ordered = await audit.ended(fleet), 0
    ends_at = loop.time() + FLAT_OUT_S
    while loop.time() < ends_at:
        for _ in range(IN_FLIGHT - ordered + await audit.ended(fleet) - before):
            task = asyncio.create_task(crowd.order())
            ordering.add(task)
            task.add_done_callback(ordering.discard)
            ordered += 1
        await asyncio.sleep(0.05)
    await asyncio.gather(*ordering)


def _print_gaps(takeovers: list[takeover.Takeover], identify_every_s: float) -> None:
    """Print the gaps: all, and apart for the kills that came so soon that Discord made the new session wait."""
    _print_gap("all", takeovers)
    for what, is_calm in (("after a calm", True), ("soon after another", False)):
        for how in (signal.SIGKILL, signal.SIGTERM):
            these = [one for one in takeovers if one.how is how and (one.calm_s >= identify_every_s) is is_calm]
            _print_gap(f"{how.name} {what}", these)


def _print_gap(what: str, takeovers: list[takeover.Takeover]) -> None:
    if gaps := [gap for one in takeovers for gap in one.gaps_s.values()]:
        p50, p99 = percentile(gaps, 50), percentile(gaps, 99)
        print(f"gap, {what}: p50 {p50:.1f} s, p99 {p99:.1f} s, worst {max(gaps):.1f} s of {len(gaps)}")


async def _print_ends(fleet: Fleet) -> None:
    rows = await fleet.query("SELECT state, count(*) FROM jobs GROUP BY 1 ORDER BY 2 DESC")
    print("jobs:", ", ".join(f"{number} {state}" for state, number in rows))
    failed = await fleet.query(
        "SELECT body::json -> 'failure' ->> 'kind', count(*) FROM jobs WHERE state = 'failed' GROUP BY 1"
    )
    await fleet.query("VACUUM FULL")  # what updates left behind is no part of a job
    ((used_bytes,),) = await fleet.query(
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' "
        "AND relnamespace = current_schema()::regnamespace"
    )
    print(f"database: {float(used_bytes) / 1000 / max(1, sum(number for _, number in rows)):.1f} KB a job")
    print("failed:", ", ".join(f"{number} {kind}" for kind, number in failed) or "none")


if __name__ == "__main__":
    sys.exit(main())
