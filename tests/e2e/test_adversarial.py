"""A start that hangs, and the isolation of a stage from the operator's settings."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from sandbox.stage import ROOT, Process, Stage


@asynccontextmanager
async def a_silent_server() -> AsyncGenerator[str]:
    """A server that accepts connections and never answers."""
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_sigterm_during_a_hanging_start(empty_stage: Stage) -> None:
    """A bot that Discord does not answer exits on SIGTERM within ten seconds, with status 0."""
    async with a_silent_server() as silent:
        env = {
            **empty_stage.environment,
            "WANDA_DATA_DIR": str(empty_stage.folder),
            "WANDA_WEB_PORT": "0",
            "DISCORD_API_URL": f"{silent}/api/v10",
        }
        bot = await Process.start("the bot", "-m", "bot", "run", env=env)
        try:
            await bot.until(lambda line: "the database is" in line)
            async with asyncio.timeout(10):
                assert await bot.stop() == 0
        finally:
            await bot.stop()


async def test_the_stage_reads_no_operators_settings() -> None:
    """A bot on the stage reads no .env of the project's folder, which may name an operator's own database."""
    say = "import bot.configuration as c; print(c.ENV_FILE.absolute())"
    process = await Process.start("the bot", "-c", say, env={})
    assert await process.ended() == 0
    (read,) = process.lines
    assert Path(read).name == ".env"
    assert Path(read) != ROOT / ".env"
    assert not await asyncio.to_thread(Path(read).exists)
