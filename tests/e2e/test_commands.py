"""The command line, /healthz and /readyz, the log and the sync of commands, as an operator sees them."""

import asyncio
import base64
import json
import os
import re
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client import Metric

from sandbox.stage import KEPT_LINES, ROOT, Stage, eventually
from tests.e2e.conftest import QUICK
from tests.support.log_lines import read_lines
from tests.support.metric_labels import scrape, value_of, wrong_labels
from tests.support.ports import free_port
from tests.support.video_steps import ORDERED, order, real_file, rows, wait_for_ends, wait_for_text, wait_for_video

module = pytest.mark.asyncio(loop_scope="module")
CLOSED = "http://127.0.0.1:9"  # the discard service's port, on which nothing listens here
ALL_OF_FAL = ("FAL_QUEUE_URL", "FAL_QUEUE_BACKUP_URL", "FAL_REST_URL", "FAL_API_URL")


@dataclass(frozen=True, slots=True)
class Ran:
    """The exit status and output of one run of the program."""

    status: int
    out: str
    err: str

    @property
    def fixes(self) -> list[str]:
        """The lines of `check` that need an action."""
        return [line for line in self.out.splitlines() if line.startswith("FIX")]


async def wanda(folder: Path, *args: str, **env: str) -> Ran:
    """Run `python -m bot` with only `env` as its environment, in a folder without a .env, to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *args),
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **env},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(30):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return Ran(process.returncode or 0, out.decode(), err.decode())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A stage whose bot logs at DEBUG and has a web server."""
    port = await asyncio.to_thread(free_port)
    settings = {**QUICK, "WANDA_WEB_PORT": str(port), "WANDA_LOG_LEVEL": "DEBUG"}
    async with Stage(tmp_path_factory.mktemp("data"), seconds_per_job=0.3, settings=settings) as ready:
        ready.environment["WANDA_WEB_PORT"] = str(port)
        await ready.start_bot()
        yield ready


async def puts(stage: Stage) -> list[list[dict[str, Any]]]:
    """Return every list of commands that a bot has synced."""
    lines = await stage.discord.get("transcript")
    return [line["request"] for line in lines if line.get("method") == "PUT" and line["path"].endswith("/commands")]


@module
async def test_the_printed_commands_are_the_synced_ones(stage: Stage, tmp_path: Path) -> None:
    """`commands` prints exactly the commands that a start syncs."""
    ran = await wanda(tmp_path, "commands")
    assert ran.status == 0
    printed = json.loads(ran.out)
    (synced,) = await puts(stage)
    assert printed == synced
    known = {command["name"]: command for command in await stage.discord.get("commands")}
    assert list(known) == [command["name"] for command in printed]
    for command in printed:
        listed: list[dict[str, Any]] = known[command["name"]].get("options") or []  # a message menu has none
        assert [option["name"] for option in listed] == [option["name"] for option in command.get("options", [])]


@module
async def test_health(stage: Stage) -> None:
    """/readyz answers 200 while the database and the gateway work, and the image's health command succeeds."""
    port = stage.environment["WANDA_WEB_PORT"]
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/readyz") as reply:
        assert reply.status == 200
        assert (await reply.json())["checks"] == {"database": True, "data folder": True, "discord": True}
    assert await image_health(port) == 0
    assert await image_health(str(await asyncio.to_thread(free_port))) != 0


async def test_health_without_discord(empty_stage: Stage) -> None:
    """Without Discord's gateway she is alive and not ready: /readyz answers 503 and names it."""
    stage = empty_stage
    port = await asyncio.to_thread(free_port)
    await stage.start_bot(WANDA_WEB_PORT=str(port))
    assert stage._world is not None
    await stage._world.stop()

    async def look() -> list[str] | None:
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/readyz") as reply:
            return (await reply.json())["failed"] if reply.status == 503 else None

    assert await eventually(look, what="not ready") == ["discord"]
    assert await image_health(str(port)) == 0


async def image_health(port: str) -> int:
    """Run the Dockerfile's health command with this Python, and return its exit status."""
    text = await asyncio.to_thread((ROOT / "Dockerfile").read_text)
    command = re.search(r"HEALTHCHECK[^\[]*(\[.*\])", text)
    assert command
    _, *args = json.loads(command[1])
    env = {"PATH": os.environ["PATH"], "WANDA_WEB_PORT": port}
    process = await asyncio.create_subprocess_exec(sys.executable, *args, env=env, stderr=asyncio.subprocess.DEVNULL)
    return await process.wait()


@module
async def test_two_bots_on_one_folder(stage: Stage, tmp_path: Path) -> None:
    """A second bot on the same data folder is refused with a sentence; the first one keeps running."""
    assert stage.bot is not None
    env = {**stage.environment, "WANDA_DATA_DIR": str(stage.folder), "WANDA_WEB_PORT": "0"}
    ran = await wanda(tmp_path, "run", **env)
    assert ran.status == 1
    assert f"Another Wanda (process {stage.bot.pid}) already works with the data" in ran.err
    assert "Traceback" not in ran.err
    assert stage.bot.returncode is None


@module
async def test_check_when_all_is_well(stage: Stage, tmp_path: Path) -> None:
    """`check` prints a line for each check and the invite link, and exits 0, also while a bot runs."""
    ran = await wanda(tmp_path, "check", **{**stage.environment, "WANDA_DATA_DIR": str(stage.folder)})
    assert (ran.status, ran.fixes, ran.err) == (0, [], "")
    for word in ("Discord", "invite", "https://", "fal", "wan21-image", "data folder", "database", "ffmpeg"):
        assert word in ran.out
    for layer in ("privileges", "files", "system calls", "namespaces", "memory"):
        assert f"ok   {layer}" in ran.out


WRONG: dict[str, tuple[dict[str, str], list[str]]] = {
    "no token and no key": ({"DISCORD_TOKEN": "", "FAL_KEY": ""}, ["DISCORD_TOKEN is not set", "FAL_KEY is not set"]),
    "a wrong token and key": (
        {"DISCORD_TOKEN": "mistyped-token-of-mine", "FAL_KEY": "mistyped-id:mistyped-secret"},
        ["does not accept DISCORD_TOKEN", "does not accept FAL_KEY"],
    ),
    "nothing answers": (
        {**dict.fromkeys(ALL_OF_FAL, CLOSED), "DISCORD_API_URL": f"{CLOSED}/api/v10"},
        ["Discord could not be reached", "fal's price list could not be reached"],
    ),
    "no folder for the data": ({"WANDA_DATA_DIR": "/dev/null/data"}, ["cannot be made"]),
}


@module
@pytest.mark.parametrize("name", WRONG)
async def test_check_when_something_is_wrong(stage: Stage, tmp_path: Path, name: str) -> None:
    """`check` exits 1 with one line for each problem and its remedy, without secrets."""
    wrong, sentences = WRONG[name]
    env = {**stage.environment, "WANDA_DATA_DIR": str(tmp_path), **wrong}
    ran = await wanda(tmp_path, "check", **env)
    assert (ran.status, ran.err) == (1, "")
    assert len(ran.fixes) == len(sentences)
    for line, sentence in zip(ran.fixes, sentences, strict=True):
        assert sentence in line
    assert not any(secret in ran.out for secret in secrets_of(env))


@module
@pytest.mark.parametrize(
    ("wrong", "status", "sentence"),
    [
        ({"DISCORD_TOKEN": ""}, 2, "DISCORD_TOKEN is not set"),
        ({"DISCORD_TOKEN": "mistyped-token-of-mine"}, 2, "Discord does not accept DISCORD_TOKEN"),
        ({"DISCORD_API_URL": f"{CLOSED}/api/v10", "WANDA_START_PATIENCE_S": "1"}, 1, "Discord could not be reached"),
    ],
    ids=["missing", "wrong", "unreachable"],
)
async def test_a_run_that_cannot_start(
    stage: Stage, tmp_path: Path, wrong: dict[str, str], status: int, sentence: str
) -> None:
    """`run` exits with 2 for a mistake in the settings and with 1 for others, and its last line says what to do."""
    env = {**stage.environment, "WANDA_DATA_DIR": str(tmp_path), "WANDA_WEB_PORT": "0", **wrong}
    ran = await wanda(tmp_path, "run", **env)
    assert ran.status == status
    assert sentence in ran.err.splitlines()[-1]
    assert "Traceback" not in ran.err
    assert not any(secret in ran.err for secret in secrets_of(env))


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("wan27-image resolution=1080p duration=15", 0, "$2.25 = 15 s × $0.15\n"),
        ("wan27-reference duration=3 video_seconds=8", 0, "$1.10 = (8 s in + 3 s out) × $0.10\n"),
        ("wan27-image resolution=8k", 2, "The resolution is 8k, and Wan 2.7 image takes 720p or 1080p."),
        ("wan27-image colour=red", 2, "colour"),
        ("wan99-image duration=5", 2, "There's no mode “wan99-image”"),
    ],
)
async def test_price(tmp_path: Path, line: str, status: int, said: str) -> None:
    """`price` prints the price and its formula; a wrong argument gives one line and status 2."""
    ran = await wanda(tmp_path, "price", *line.split())
    assert ran.status == status
    answer = ran.err if status else ran.out
    assert said in answer
    assert len(answer.splitlines()) == 1
    assert (ran.out if status else ran.err) == ""


async def test_price_as_json(tmp_path: Path) -> None:
    """`price --json` prints the exact amount for programs."""
    ran = await wanda(tmp_path, "price", "wan27-image", "resolution=1080p", "duration=15", "--json")
    assert json.loads(ran.out) == {
        "mode": "wan27-image",
        "microusd": 2_250_000,
        "usd": 2.25,
        "formula": "15 s × $0.15",
    }


@module
async def test_the_log_holds_no_secret(stage: Stage, tmp_path: Path) -> None:
    """In a whole run at DEBUG, no line of the log contains a token or a key, including Discord's."""
    assert stage.bot is not None
    await wait_for_video(stage, await order(stage, tmp_path))
    await stage.fal.post("faults", {"at": "result", "error_type": "content_policy_violation", "times": 1})
    await wait_for_text(stage, await order(stage, tmp_path), "weren't charged")
    await stage.discord.post("faults", {"method": "PATCH", "path": "/webhooks/*", "drop": True, "times": 2})
    await wait_for_video(stage, await order(stage, tmp_path))
    await wait_for_video(stage, await order(stage, tmp_path, prompt="x", duration=15))
    events = [line["data"] for line in await stage.discord.get("transcript") if "event" in line]
    tokens = {str(data["token"]) for data in events if "token" in data}
    assert len(tokens) == 4
    lines = list(stage.bot.lines)
    assert len(lines) < KEPT_LINES
    assert any('"DEBUG"' in line for line in lines)
    secrets = secrets_of(stage.environment) | tokens
    assert [line[:80] for line in lines if any(secret in line for secret in secrets)] == []


@module
async def test_metrics(stage: Stage, tmp_path: Path) -> None:
    """/metrics counts what members did, what it cost and what was refused, without a word of theirs in a label."""
    port = stage.environment["WANDA_WEB_PORT"]
    await wait_for_ends(stage)
    before = await scrape(port)
    await wait_for_video(stage, await order(stage, tmp_path))
    await stage.fal.post("faults", {"at": "result", "error_type": "content_policy_violation", "times": 1})
    await wait_for_text(stage, await order(stage, tmp_path), "weren't charged")
    no_picture = real_file(tmp_path, "lake.png", b"a lake, in words")
    await stage.slash("maker", "wan27 image", ORDERED, image=no_picture)

    async def counted() -> list[Metric] | None:
        now = await scrape(port)
        told = ("wanda_refusals_total", "wanda_jobs_ended_total")
        return now if [value_of(now, name) - value_of(before, name) for name in told] == [1, 2] else None

    def gained(name: str, **labels: str) -> float:
        return round(value_of(after, name, **labels) - value_of(before, name, **labels), 6)

    after = await eventually(counted, what="the refusal and both ends in the metrics")
    assert wrong_labels(after) == []
    assert gained("wanda_jobs_accepted_total", mode="wan27-image") == 2
    assert gained("wanda_jobs_ended_total", state="done") == 1
    assert gained("wanda_jobs_ended_total", state="failed") == 1
    assert gained("wanda_jobs_not_made_total", why="content_policy_violation") == 1
    assert gained("wanda_spent_dollars_total", payer="member") == 0.2
    assert gained("wanda_refusals_total", kind="MediaRefused") == 1
    assert gained("wanda_first_answer_seconds_count", kind="application_command") == 3
    assert gained("wanda_job_step_seconds_count", step="whole") == 1
    assert gained("wanda_notice_seconds_count") == 2
    assert gained("wanda_requests_total", service="fal", kind="submit", outcome="ok") == 2
    assert gained("wanda_requests_total", service="discord", kind="answer", outcome="ok") == 3
    assert value_of(after, "wanda_ready") == 1
    assert value_of(after, "wanda_disk_free_bytes") > 0


@module
async def test_one_job_in_the_log(stage: Stage, tmp_path: Path) -> None:
    """A job's id finds its whole life: each state, the requests to fal and Discord, and its card's edits."""
    assert stage.bot is not None
    message_id = await order(stage, tmp_path)
    await wait_for_video(stage, message_id)
    ((job_id,),) = rows(stage, f"SELECT id FROM jobs WHERE message_id = {int(message_id)}")  # noqa: S608 - a number

    async def posted() -> list[dict[str, Any]] | None:
        assert stage.bot is not None
        own = [line for line in read_lines(stage.bot.lines) if line.get("job_id") == job_id]
        return own if any("now done" in line["message"] for line in own) else None

    lines = await eventually(posted, what="the job's last line")
    states = [line["message"].rpartition(" ")[2] for line in lines if ": now " in line["message"]]
    assert states == ["accepted", "submitting", "queued", "running", "fetching", "delivering", "done"]
    assert any(line["message"].startswith("fal has it as request") for line in lines)
    assert {"bot.runner.event_writer", "bot.runner.fal_steps", "discord.webhook.async_"} <= {
        line["logger"] for line in lines
    }


def secrets_of(env: dict[str, str]) -> set[str]:
    """Return what must never be logged: both keys, and the secret half of fal's key."""
    return {part for part in (env["DISCORD_TOKEN"], env["FAL_KEY"], env["FAL_KEY"].rpartition(":")[2]) if part}


def _synced_by_an_older_version(stage: Stage) -> None:
    with closing(sqlite3.connect(stage.folder / "wanda.db")) as database, database:
        database.execute("UPDATE program SET value = 'other' WHERE name = 'commands'")


async def test_commands_are_synced_when_they_changed(empty_stage: Stage) -> None:
    """A second start does not sync; a start after Discord lost the commands, or with a new version, does."""
    stage = empty_stage
    for wanted in (1, 1):
        await restart(stage)
        assert len(await puts(stage)) == wanted
    await forget_commands(stage)
    await restart(stage)
    synced = await puts(stage)
    assert len(synced) == 3
    assert synced[0] == synced[2]
    await asyncio.to_thread(_synced_by_an_older_version, stage)
    await restart(stage)
    assert len(await puts(stage)) == 4


async def restart(stage: Stage) -> None:
    """Stop the bot, if it runs, and start it."""
    if stage.bot is not None:
        await stage.bot.stop()
    await stage.start_bot()


async def forget_commands(stage: Stage) -> None:
    """Take every command from the stand-in; this is a PUT as well."""
    owner = stage.environment["DISCORD_TOKEN"].split(".")[0]
    application = base64.urlsafe_b64decode(owner + "==").decode()
    url = f"{stage.environment['DISCORD_API_URL']}/applications/{application}/commands"
    headers = {"Authorization": f"Bot {stage.environment['DISCORD_TOKEN']}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.put(url, json=[]) as reply:
        assert await reply.json() == []
