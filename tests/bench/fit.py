"""*fit*: encodes a result of 25 MB down to an upload limit of 10 MiB; the limit is ffmpeg alone.

Wanda runs the code of a delivery (`FittedResult` with a real `Shrinker`, `Prober` and `Ffmpeg`) in this process, while
a task measures the loop's lag. The limit runs ffmpeg with the arguments of the two passes that Wanda has just used, at
the same lowest priority, but without probes, resource limits or progress. Both read the same clip of 10 s at 1080p with
sound. The peer has no such feature. Other load on the machine slows both down, because they run at the lowest priority;
the CPU time in the table shows whether they did the same work.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.cards.fitted_result import FittedResult
from bot.cards.result_file import Fetched
from bot.jobs.model import Job, Live
from bot.media.probe import Prober
from bot.media.shrinker import Shrinker
from bot.settings import MediaSettings
from bot.tasks import end
from bot.units import MIB
from tests.bench.figures import Case, Goal, Reading, Run, Spec, Who
from tests.bench.lag import Lag
from tests.bench.overheard import Overheard, cpu_time_s, run
from tests.support.job_samples import a_job

LIMIT_BYTES = 10 * MIB
SIZE_MB, SIZE_OFF_MB = 25, 1
SECONDS = 10
# A moving test picture with noise, which compresses badly, at the bitrate that gives 25 MB.
CLIP = (
    *("-f", "lavfi", "-i", f"testsrc2=size=1920x1080:rate=24:duration={SECONDS}"),
    *("-f", "lavfi", "-i", f"sine=frequency=220:duration={SECONDS}", "-vf", "noise=alls=12:allf=t"),
    *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
    *("-b:v", "19800k", "-maxrate", "21000k", "-bufsize", "21000k", "-c:a", "aac", "-b:a", "128k"),
)
SPECS = (
    Spec(
        key="seconds",
        label=f"{SIZE_MB} MB made to fit 10 MiB",
        unit="s",
        goals=(Goal(bound="at most", value=1.1, times="limit"),),
        note=f"{SECONDS} s at 1080p; limit: both passes of ffmpeg alone; no peer",
    ),
    Spec(key="cpu_s", label="processor time of this and of ffmpeg", unit="s", note="does not show others' load"),
    Spec(key="lag_p99_ms", label="loop lag p99 meanwhile", unit="ms"),
)


@asynccontextmanager
async def cases(folder: Path) -> AsyncGenerator[Sequence[Case]]:
    """Make the clip, and yield the one case.

    Raises:
        RuntimeError: there is no ffmpeg, or a clip has the wrong size.
    """
    settings = MediaSettings()
    ffmpeg = Overheard(settings)
    program = (await ffmpeg.program()).path
    clip = await _clip(program, folder)
    async with Prober.of(settings) as prober:
        making = FittedResult(Shrinker(ffmpeg, prober, settings), _unseen)
        contestants: dict[Who, Run] = {
            "Wanda": lambda: _wanda(making, ffmpeg, clip),
            "limit": ffmpeg.repeat,
        }
        yield [Case(specs=SPECS, contestants=contestants)]


async def _clip(program: str, folder: Path) -> Fetched:
    """Encode the result that is too large, with ffmpeg's fastest settings."""
    path = folder / "result.mp4"
    await run(program, "-nostdin", "-v", "error", *CLIP, str(path))
    size_bytes = (await asyncio.to_thread(path.stat)).st_size
    if abs(size_bytes / 1e6 - SIZE_MB) > SIZE_OFF_MB:
        raise RuntimeError(f"the clip has {size_bytes} bytes instead of {SIZE_MB} MB")
    return Fetched(path, size_bytes)


async def _wanda(making: FittedResult, ffmpeg: Overheard, clip: Fetched) -> Reading:
    """Have Wanda make the copy while the loop's lag is measured, then delete the copy."""
    ffmpeg.forget()
    lag = Lag()
    watching = asyncio.create_task(lag.watch())
    cpu_s, began = cpu_time_s(), time.perf_counter()
    made = await making.fitted(a_job(), clip, LIMIT_BYTES)
    took = {"seconds": time.perf_counter() - began, "cpu_s": cpu_time_s() - cpu_s}
    await end(watching)
    if made is None or made.size_bytes > LIMIT_BYTES:
        raise RuntimeError("Wanda made no copy that fits")
    await making.forget(made)
    return took | {"lag_p99_ms": lag.read()["lag_p99_ms"]}


def _unseen(_job: Job, _live: Live) -> None:
    """Ignore the card's progress."""
