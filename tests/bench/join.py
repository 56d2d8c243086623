"""*join*: joins five shots at 1080p to a film that fits an upload limit of 10 MiB; the limit is ffmpeg alone.

Wanda runs a real `Joiner`, `Prober` and `Ffmpeg` in this process, while a task measures the loop's lag: with
cross-fades and a soundtrack in two passes, which is the longest way, and without them, where the pictures stay as they
are. The limit runs ffmpeg with the arguments that Wanda has just used, at the same lowest priority and beside the same
task, but without probes, resource limits or progress. The peer has no such feature. Where the pictures stay as they
are, ffmpeg has so little to do that most of the time goes into reading the shots before and the film after, which no
other yardstick asks for; so this has no goal. Other load on the machine slows both down; the CPU time shows whether
they did the same work.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.media.joiner import Joiner, JoinPlan
from bot.media.probe import Prober
from bot.requester import Requester
from bot.settings import MediaSettings
from bot.tasks import end
from bot.units import MIB
from tests.bench.figures import Case, Goal, Reading, Run, Spec, Who
from tests.bench.lag import Lag
from tests.bench.overheard import Overheard, cpu_time_s, run

SHOTS, SECONDS = 5, 4
FADED, PLAIN = (1.0,) * (SHOTS - 1), (0.0,) * (SHOTS - 1)
LIMIT_BYTES = {FADED: 10 * MIB, PLAIN: 100 * MIB}
REQUESTER = Requester(1, 2)
# A moving test picture with some noise, at about what Wan's videos have.
SHOT = (
    *("-f", "lavfi", "-i", f"testsrc2=size=1920x1080:rate=24:duration={SECONDS}"),
    *("-f", "lavfi", "-i", f"sine=frequency=220:duration={SECONDS}", "-vf", "noise=alls=6:allf=t"),
    *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
    *("-b:v", "10000k", "-maxrate", "12000k", "-bufsize", "12000k", "-c:a", "aac", "-b:a", "128k"),
)
TRACK = ("-f", "lavfi", "-i", "sine=frequency=330:duration=60", "-c:a", "libmp3lame")


def _specs(what: str, note: str, goals: tuple[Goal, ...]) -> tuple[Spec, ...]:
    return (
        Spec(key="seconds", label=f"{SHOTS} shots of {SECONDS} s, {what}", unit="s", goals=goals, note=note),
        Spec(key="cpu_s", label="processor time of this and of ffmpeg", unit="s", note="does not show others' load"),
        Spec(key="lag_p99_ms", label="loop lag p99 meanwhile", unit="ms"),
        Spec(
            key="lag_max_ms", label="loop lag at worst meanwhile", unit="ms", goals=(Goal(bound="at most", value=50),)
        ),
    )


@asynccontextmanager
async def cases(folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Make the shots and the soundtrack, and yield both cases.

    Raises:
        RuntimeError: there is no ffmpeg.
    """
    settings = MediaSettings()
    ffmpeg = Overheard(settings)
    program = (await ffmpeg.program()).path
    first, track = folder / "shot0.mp4", folder / "track.mp3"
    await run(program, "-nostdin", "-v", "error", *SHOT, str(first))
    await run(program, "-nostdin", "-v", "error", *TRACK, str(track))
    shots = [folder / f"shot{number}.mp4" for number in range(SHOTS)]
    for shot in shots[1:]:
        await asyncio.to_thread(shutil.copyfile, first, shot)
    film = folder / "film.mp4"
    async with Prober.of(settings) as prober:
        joiner = Joiner(ffmpeg, prober, settings)

        def contestants(plan: JoinPlan) -> dict[Who, Run]:
            return {
                "Wanda": lambda: _wanda(joiner, ffmpeg, shots, plan, film),
                "limit": lambda: _limit(ffmpeg),
            }

        yield [
            Case(
                specs=_specs(
                    "cross-fades, soundtrack, for 10 MiB",
                    "at 1080p; limit: both passes of ffmpeg alone; no peer",
                    (Goal(bound="at most", value=1.1, times="limit"),),
                ),
                contestants=contestants(JoinPlan(FADED, track)),
            ),
            Case(
                specs=_specs("as they are", "limit: ffmpeg alone, which looks at nothing before or after", ()),
                contestants=contestants(JoinPlan(PLAIN)),
            ),
        ]


async def _wanda(joiner: Joiner, ffmpeg: Overheard, shots: Sequence[Path], plan: JoinPlan, film: Path) -> Reading:
    """Have Wanda join the shots while the loop's lag is measured, then delete the film."""
    ffmpeg.forget()
    limit_bytes = LIMIT_BYTES[plan.fades_s]
    async with _watched() as lag:
        cpu_s, began = cpu_time_s(), time.perf_counter()
        made = await joiner.join(
            shots, plan, film, bytes_max=limit_bytes, requester=REQUESTER, on_fraction=lambda _: None
        )
        took = {"seconds": time.perf_counter() - began, "cpu_s": cpu_time_s() - cpu_s}
    if made.size_bytes > limit_bytes:
        raise RuntimeError("Wanda made no film that fits")
    await asyncio.to_thread(film.unlink)
    seen = lag.read()
    return took | {key: seen[key] for key in ("lag_p99_ms", "lag_max_ms")}


async def _limit(ffmpeg: Overheard) -> Reading:
    """Have ffmpeg do the same alone, while the loop is watched too: that takes 1 % of the processor."""
    async with _watched():
        return await ffmpeg.repeat()


@asynccontextmanager
async def _watched() -> AsyncGenerator[Lag]:
    lag = Lag()
    watching = asyncio.create_task(lag.watch())
    try:
        yield lag
    finally:
        await end(watching)
