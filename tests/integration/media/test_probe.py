"""The pool of probe workers: deadlines, crashes, limits and shutdown."""

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.errors import Busy, MediaRefused
from bot.media.probe import Prober
from bot.settings import MediaSettings
from bot.workers.pool import WorkerEnded, Workers, WorkersUnavailable
from tests.support import media_samples
from tests.support.job_samples import REQUESTER

PIXELS_MAX = 64_000_000
DEADLINE_S = 30.0
READER = "bot.media.probe_worker"


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    """One worker at a time, with a deadline that no ordinary file comes near."""
    pool = Workers(READER, at_once=1, memory_mib=512, timeout_s=DEADLINE_S)
    yield pool
    await pool.close()


def request(path: Path) -> dict[str, object]:
    """Ask for this file."""
    return {"path": str(path), "pixels_max": PIXELS_MAX}


def saved(tmp_path: Path, data: bytes, name: str = "file") -> Path:
    """Write a file to ask for."""
    path = tmp_path / name
    path.write_bytes(data)
    return path


def never(tmp_path: Path) -> Path:
    """Return a file whose opening never ends: a pipe that nobody writes to."""
    path = tmp_path / "never"
    os.mkfifo(path)
    return path


def pid_of(pool: Workers) -> int:
    """Return the idle worker's process id."""
    return pool._idle[0].process.pid


async def until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - processes come and go without an event
            await asyncio.sleep(0.01)


def gone(pid: int) -> bool:
    """Tell whether no such process runs any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_reused(workers: Workers, tmp_path: Path) -> None:
    """One process reads one file after another."""
    path = saved(tmp_path, media_samples.png())
    await workers.ask(request(path), REQUESTER)
    first = pid_of(workers)
    for _ in range(5):
        assert (await workers.ask(request(path), REQUESTER))["format"] == "png"
    assert pid_of(workers) == first


async def test_knows_no_secret(workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's environment holds neither key, and none of the bot's big libraries is loaded in it."""
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    monkeypatch.setenv("FAL_KEY", "very-secret")
    await workers.ask(request(saved(tmp_path, media_samples.mp4())), REQUESTER)
    proc = Path(f"/proc/{pid_of(workers)}")
    assert b"very-secret" not in (proc / "environ").read_bytes()
    assert "pydantic" not in (proc / "maps").read_text()
    assert "aiohttp" not in (proc / "maps").read_text()


async def test_memory_limit(tmp_path: Path) -> None:
    """A picture that needs more memory than a worker has is refused, and the worker goes on with the next file."""
    pool = Workers(READER, at_once=1, memory_mib=256, timeout_s=DEADLINE_S)
    try:
        answer = await pool.ask(request(saved(tmp_path, media_samples.picture(7900, 8000))), REQUESTER)
        assert answer["reason"] == "costly"
        assert (await pool.ask(request(saved(tmp_path, media_samples.png())), REQUESTER))["format"] == "png"
    finally:
        await pool.close()


async def test_time_limit(tmp_path: Path) -> None:
    """A worker that does not answer in time is ended, and the next file gets another."""
    pool = Workers(READER, at_once=1, memory_mib=512, timeout_s=1.0)
    try:
        with pytest.raises(WorkerEnded, match="ended after 1 s"):
            await pool.ask(request(never(tmp_path)), REQUESTER)
        assert (await pool.ask(request(saved(tmp_path, media_samples.png())), REQUESTER))["format"] == "png"
    finally:
        await pool.close()


async def test_crash_while_reading(workers: Workers, tmp_path: Path) -> None:
    """A worker that dies with a file says so to whoever asked, and the next file gets another."""
    path = saved(tmp_path, media_samples.png())
    await workers.ask(request(path), REQUESTER)
    pid = pid_of(workers)
    asking = asyncio.create_task(workers.ask(request(never(tmp_path)), REQUESTER))
    await until(lambda: not workers._idle)
    os.kill(pid, signal.SIGSEGV)
    with pytest.raises(WorkerEnded):
        await asking
    assert (await workers.ask(request(path), REQUESTER))["format"] == "png"


async def test_crash_while_idle(workers: Workers, tmp_path: Path) -> None:
    """A worker that died between two files is replaced, and the next file is read."""
    path = saved(tmp_path, media_samples.png())
    await workers.ask(request(path), REQUESTER)
    worker = workers._idle[0].process
    os.kill(worker.pid, signal.SIGKILL)
    await until(lambda: worker.returncode is not None)
    assert (await workers.ask(request(path), REQUESTER))["format"] == "png"


async def test_cancelled(workers: Workers, tmp_path: Path) -> None:
    """When whoever asked is cancelled, the process that read for them is ended."""
    path = saved(tmp_path, media_samples.png())
    await workers.ask(request(path), REQUESTER)
    pid = pid_of(workers)
    asking = asyncio.create_task(workers.ask(request(never(tmp_path)), REQUESTER))
    await until(lambda: not workers._idle)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: gone(pid))
    assert (await workers.ask(request(path), REQUESTER))["format"] == "png"


async def test_closed(tmp_path: Path) -> None:
    """After closing no process is left, and none is started."""
    pool = Workers(READER, at_once=2, memory_mib=512, timeout_s=DEADLINE_S)
    path = saved(tmp_path, media_samples.png())
    await asyncio.gather(pool.ask(request(path), REQUESTER), pool.ask(request(path), REQUESTER))
    pids = [worker.process.pid for worker in pool._idle]
    await pool.close()
    assert pids
    assert all(gone(pid) for pid in pids)
    with pytest.raises(WorkersUnavailable):
        await pool.ask(request(path), REQUESTER)


async def test_closed_while_reading(tmp_path: Path) -> None:
    """Closing ends a worker that is busy, and whoever waits for it learns that it is not the file."""
    pool = Workers(READER, at_once=1, memory_mib=512, timeout_s=DEADLINE_S)
    asking = asyncio.create_task(pool.ask(request(never(tmp_path)), REQUESTER))
    await until(lambda: bool(pool._busy))
    await pool.close()
    with pytest.raises(WorkersUnavailable):
        await asking


async def test_bound(tmp_path: Path) -> None:
    """However much is asked at once, no more than the allowed number of processes exist."""
    pool = Workers(READER, at_once=2, memory_mib=512, timeout_s=DEADLINE_S)
    path = saved(tmp_path, media_samples.png())
    try:
        await asyncio.gather(*(pool.ask(request(path), REQUESTER) for _ in range(50)))
        assert len(pool._idle) <= 2
    finally:
        await pool.close()


async def test_bot_killed(tmp_path: Path) -> None:
    """When the bot is killed, its workers leave by themselves."""
    script = f"""
        import asyncio, os
        from bot.requester import Requester
        from bot.workers.pool import Workers
        async def main():
            pool = Workers("bot.media.probe_worker", at_once=1, memory_mib=512, timeout_s=5)
            question = {{"path": {str(saved(tmp_path, media_samples.png()))!r}, "pixels_max": 1000000}}
            await pool.ask(question, Requester(1, 2))
            print(pool._idle[0].process.pid, flush=True)
            os.kill(os.getpid(), 9)
        asyncio.run(main())
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(script), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    pid = int(output)
    await until(lambda: gone(pid))


async def test_prober_refuses_in_sentences(tmp_path: Path) -> None:
    """A refusal names the file as people may see it, says what it is, and what to do."""
    async with Prober.of(MediaSettings()) as prober:
        path = saved(tmp_path, b"PK\x03\x04" + bytes(50))
        with pytest.raises(MediaRefused) as refusal:
            await prober.facts(path, shown_name="**cat**.png", requester=REQUESTER)
        assert str(refusal.value) == ("“cat.png” is a ZIP archive. Try again with a picture, a clip or a sound.")
        with pytest.raises(MediaRefused, match=r"“cat\.mp4” starts as an MP4 file, but the rest is missing or damaged"):
            await prober.facts(saved(tmp_path, media_samples.mp4()[:-300]), shown_name="cat.mp4", requester=REQUESTER)
        with pytest.raises(FileNotFoundError):
            await prober.facts(tmp_path / "nowhere", shown_name="x", requester=REQUESTER)
        facts = await prober.facts(saved(tmp_path, media_samples.mp4(2.0, 96, 64)), shown_name="x", requester=REQUESTER)
        assert (facts.kind, facts.format, facts.seconds, facts.width, facts.height) == ("video", "mp4", 2.0, 96, 64)


async def test_prober_doubts_its_workers(tmp_path: Path) -> None:
    """An answer that is out of form, as a worker taken over by a file may give, is a refusal."""

    class Liar(Workers):
        async def ask(self, request: object, requester: object, patience: object = None) -> object:
            assert request
            assert (requester, patience) == (REQUESTER, None)
            return {"kind": "image", "format": "png", "codec": "@everyone", "size_bytes": -1}

    liar = Liar(READER, at_once=1, memory_mib=512, timeout_s=1)
    prober = Prober(liar, pixels_max=PIXELS_MAX)
    with pytest.raises(MediaRefused, match=r"too much memory or time to read\. Make it shorter or smaller"):
        await prober.facts(tmp_path, shown_name="x", requester=REQUESTER)


async def test_no_python_for_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When no worker can be started, the member is told that it is not the file, and may try later."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    async with Prober.of(MediaSettings()) as prober:
        with pytest.raises(Busy, match="Wanda can't read files right now"):
            await prober.facts(tmp_path, shown_name="x", requester=REQUESTER)


async def test_idle(tmp_path: Path) -> None:
    """A pool that keeps no idle workers ends one that nobody asks any more, and starts another when somebody does."""
    pool = Workers(READER, at_once=1, memory_mib=512, timeout_s=DEADLINE_S, idle_s=0.05)
    path = saved(tmp_path, media_samples.png())
    try:
        await pool.ask(request(path), REQUESTER)
        pid = pid_of(pool)
        await until(lambda: not pool._idle and gone(pid))
        assert (await pool.ask(request(path), REQUESTER))["format"] == "png"
    finally:
        await pool.close()


async def test_long_answer(tmp_path: Path) -> None:
    """An answer that is longer than the pool takes counts as none, and its worker is ended."""
    pool = Workers(READER, at_once=1, memory_mib=512, timeout_s=DEADLINE_S, answer_bytes_max=32)
    try:
        with pytest.raises(WorkerEnded, match="LimitOverrunError"):
            await pool.ask(request(saved(tmp_path, media_samples.png())), REQUESTER)
        assert not pool._idle
    finally:
        await pool.close()
