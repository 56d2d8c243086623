"""How a run begins, and how it ends when it cannot work."""

import json
import shutil
import sqlite3
import time
from pathlib import Path

from sandbox.discord.server import DiscordSandbox
from sandbox.fal.server import FalSandbox
from sandbox.stage import Process, Stage
from tests.support.video_steps import order, real_file, refusal, wait_for_video


async def test_a_bot_that_cannot_write_says_so_and_ends(empty_stage: Stage, files: Path) -> None:
    """While another program locks the database, /healthz says what is wrong; then Wanda ends, to be started again.

    The next run finds the database. What she keeps is for her own user alone.
    """
    stage = empty_stage
    quick = {"WANDA_STORAGE_TIMEOUT_S": "0.2", "WANDA_HEALTH_INTERVAL_S": "0.2", "WANDA_UNHEALTHY_MAX_S": "2"}
    bot = await stage.start_bot(**quick)
    assert await bot.until(lambda line: f"the database is SQLite {stage.folder}/wanda.db, new" in line)
    await wait_for_video(stage, await order(stage, files))
    modes = {path.stat().st_mode & 0o077 for path in stage.folder.rglob("*")}
    assert modes == {0}

    lock = sqlite3.connect(stage.folder / "wanda.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        assert await bot.ended(within_s=30) == 1
    finally:
        lock.close()
    (begun,) = [json.loads(line) for line in bot.lines if "trouble with database begins" in line]
    assert begun["level"] == "ERROR"
    assert "database is locked" in begun["message"]
    assert "ends herself, so that she is started again" in bot.lines[-1]
    assert not any("Traceback" in line for line in bot.lines)

    again = await stage.start_bot()
    assert await again.until(lambda line: "wanda.db, found, schema" in line)
    await wait_for_video(stage, await order(stage, files))


async def test_the_operator_reads_why_and_where(empty_stage: Stage, files: Path) -> None:
    """A refused command, a failed and an uncertain job are a line each, at a level by who can do something about it."""
    stage = empty_stage
    bot = await stage.start_bot()
    no_picture = real_file(files, "notes.png", b"words")
    await refusal(stage, await stage.slash("maker", "wan25 image", {"prompt": "it moves"}, image=no_picture))
    line = json.loads(await bot.until(lambda line: "refused: " in line))
    assert line["level"] == "INFO"
    assert "[/wan25 image, server " in line["message"]

    faults = {
        ("failed", "WARNING"): {"at": "result", "error_type": "content_policy_violation", "times": 1},
        ("uncertain", "ERROR"): {"at": "submit", "lose_reply": True, "times": 1},
    }
    for (state, level), fault in faults.items():
        await stage.fal.post("faults", fault)
        place = f"message {await order(stage, files)}, member"
        line = json.loads(await bot.until(lambda line, place=place: place in line))
        assert line["level"] == level
        assert line["message"].startswith(f"{state}: ")
        assert "[wan27-image, $0.20, " in line["message"]


async def test_a_data_folder_that_is_not_mounted(tmp_path: Path) -> None:
    """A new database, although Discord has long had the bot's commands, is refused until the operator begins anew."""
    folder = tmp_path / "data"
    async with (
        DiscordSandbox(identify_interval_s=0, is_strict=True, wall=lambda: time.time() - 2 * 3600) as discord,
        FalSandbox() as fal,
    ):
        ours = {"WANDA_DATA_DIR": str(folder), "WANDA_WEB_PORT": "0", "WANDA_DISCORD_READY_TIMEOUT_S": "0.1"}
        env = {**discord.environment(), **fal.environment(), **ours}

        async def begins(*arguments: str) -> None:
            bot = await Process.start("the bot", "-m", "bot", "run", *arguments, env=env)
            await bot.until(lambda line: "Wanda is ready" in line)
            assert await bot.stop() == 0

        await begins()
        shutil.rmtree(folder)
        for _ in range(2):  # the second time, the new and empty database is there
            bot = await Process.start("the bot", "-m", "bot", "run", env=env)
            assert await bot.ended() == 1
            assert "The database is new, but Discord has had this bot's commands since" in bot.lines[-1]
            assert not any("Traceback" in line for line in bot.lines)
        await begins("--begin-anew")
        await begins()


async def test_a_discord_that_is_not_up_is_waited_for(tmp_path: Path) -> None:
    """After a power cut the network comes last: one line says what is waited for, the last one why in vain."""
    settings = {
        "DISCORD_TOKEN": "abc",
        "FAL_KEY": "id:secret",
        "DISCORD_API_URL": "http://127.0.0.1:9/api/v10",
        "WANDA_DATA_DIR": str(tmp_path),
        "WANDA_WEB_PORT": "0",
        "WANDA_START_PATIENCE_S": "1.5",
    }
    bot = await Process.start("the bot", "-m", "bot", "run", env=settings)
    assert await bot.ended() == 1
    (waits,) = [json.loads(line) for line in bot.lines if "waiting for it for up to 2 s" in line]
    assert waits["level"] == "WARNING"
    assert bot.lines[-1].startswith("Discord could not be reached to log in (Cannot connect to host 127.0.0.1:9")
