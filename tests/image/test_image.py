"""The image is built from the Dockerfile, and the bot in it makes a video. Where it cannot be, the tests say why.

`make test-image` runs this; it is no part of `make test`.
"""

import asyncio
import re
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.stage import Stage, eventually
from tests.e2e.conftest import QUICK
from tests.image.engine import ROOT, Engine, NoEngineError, base_arguments, config_of, find_engine, size_bytes
from tests.support.metric_labels import scrape, value_of
from tests.support.ports import free_port
from tests.support.video_steps import order, wait_for_video

DOCKERFILE = (ROOT / "Dockerfile").read_text()
SIZE_MB_MAX = 850  # with a base of Debian's packages, compilers' tools included; python:3.13-slim is 200 MB smaller


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine that has built the image."""
    try:
        found = find_engine()
        arguments, base = base_arguments(found)
    except NoEngineError as why:
        pytest.skip(f"the image is not built: {why}")
    begun_at = time.monotonic()
    found.build(arguments)
    size_mb = size_bytes(found) / 1e6
    print(f"built by {found.program()} on {base}, in {time.monotonic() - begun_at:.0f} s: {size_mb:.0f} MB")
    try:
        yield found
    finally:
        found.remove()


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The stand-ins without a bot."""
    async with Stage(tmp_path / "data", seconds_per_job=0.3, settings=QUICK) as ready:
        yield ready


def test_what_the_image_is(engine: Engine) -> None:
    """It runs the bot as a user without rights, has a health check, and is not larger than it has to be."""
    config = config_of(engine)
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["python", "-m", "bot"]
    assert config["Cmd"] == ["run"]
    assert config["Healthcheck"]["Test"][-1] == "bot.web.healthcheck"
    assert config["StopSignal"] == "SIGTERM"
    assert size_bytes(engine) < SIZE_MB_MAX * 1e6


def test_the_command_line(engine: Engine) -> None:
    """Every library is there, the worker finds its decoders, and `check` says what is missing."""
    assert "run the bot" in engine.ask(["python", "-m", "bot", "--help"], {}).stdout
    checked = engine.ask(["python", "-m", "bot", "check"], {})
    fixes = re.findall(r"^FIX +(\w+)", checked.stdout, re.MULTILINE)
    assert fixes == ["Discord", "fal"], checked.stdout
    assert "ok   data folder     /data can be written" in checked.stdout
    priced = engine.ask(["python", "-m", "bot", "price", "wan27-image", "resolution=1080p", "duration=15"], {})
    assert priced.stdout == "$2.25 = 15 s × $0.15\n"


def test_nothing_runs(engine: Engine) -> None:
    """The health check of a container without a bot fails."""
    asked = engine.ask(["python", "-m", "bot.web.healthcheck"], {"WANDA_WEB_PORT": str(free_port())})
    assert asked.returncode == 1, asked.stdout


async def test_a_video(engine: Engine, stage: Stage, tmp_path: Path) -> None:
    """The bot in the container is ready, makes a video, writes nothing but its data, and ends on SIGTERM."""
    port = str(free_port())
    env = {**stage.environment, **QUICK, "WANDA_WEB_PORT": port, "WANDA_DISCORD_READY_TIMEOUT_S": "0.1"}
    bot = engine.start(["python", "-m", "bot", "run"], env)
    try:
        await eventually(lambda: _is_ready(port), what="a ready bot", within_s=60)
        asked = await asyncio.to_thread(engine.ask, ["python", "-m", "bot.web.healthcheck"], {"WANDA_WEB_PORT": port})
        assert (asked.returncode, asked.stdout) == (0, "ready\n")
        await wait_for_video(stage, await order(stage, tmp_path), within_s=60)
        assert value_of(await scrape(port), "wanda_jobs_accepted_total") == 1
        written = await asyncio.to_thread(engine.ask, ["sh", "-c", "find /tmp /app -newer /data -type f"], {})
        assert written.stdout == ""
        await asyncio.to_thread(engine.stop)
        output, _ = await asyncio.to_thread(bot.communicate, timeout=20)
        assert bot.returncode == 0, output[-2000:]
        assert '"Wanda is ready' in output
    finally:
        if bot.poll() is None:
            await asyncio.to_thread(engine.stop)
            try:
                bot.wait(20)
            except subprocess.TimeoutExpired:
                bot.kill()


async def _is_ready(port: str) -> bool | None:
    """Return True once it is."""
    try:
        return value_of(await scrape(port), "wanda_ready") == 1 or None
    except OSError:
        return None
