"""Other libraries, unmodified but for their base URL, meet the stand-ins as they meet Discord and fal.

`make test-clients` installs them in environments of their own, because py-cord and a part of nextcord are named
`discord` too; a library that is not installed is skipped.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.discord import DiscordSandbox
from sandbox.fal.server import FalSandbox
from tests.support.discord_client import PNG, DiscordControl, file_of

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "clients"
INSTALLED = ROOT / ".clients"
FORKS = ("disnake", "nextcord", "pycord")
CLIENTS = ("discordjs", "hikari", "interactions", *FORKS)
WITHIN_S = 40.0


def environment(client: str) -> Path:
    """Return the folder that `make test-clients` installs the client in."""
    return INSTALLED / {"discordjs": "node", "pycord": "pycord"}.get(client, "python")


def command(client: str) -> tuple[str | Path, ...]:
    """Return the program, script and arguments of a client's bot."""
    if client == "discordjs":
        return "node", SCRIPTS / "discordjs_bot.mjs"
    python = environment(client) / "bin" / "python"
    return (python, SCRIPTS / "fork_bot.py", client) if client in FORKS else (python, SCRIPTS / f"{client}_bot.py")


class ForeignBot:
    """A client's bot as a process, with what it said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: deque[str] = deque(maxlen=200)

    async def said(self, line: str) -> None:
        """Wait until the bot prints the line.

        Raises:
            AssertionError: it ended or said something else.
        """
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(WITHIN_S):
                while raw := await self._process.stdout.readline():
                    self.lines.append(raw.decode(errors="replace").rstrip())
                    if self.lines[-1] == line:
                        return
        except TimeoutError:
            pass
        raise AssertionError(f"no {line!r}, but:\n" + "\n".join(self.lines))


@asynccontextmanager
async def running(client: str, sandbox: DiscordSandbox) -> AsyncGenerator[ForeignBot]:
    """The client's bot, stopped at the end."""
    process = await asyncio.create_subprocess_exec(
        *command(client),
        cwd=environment(client),
        env={"PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore", **sandbox.environment()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield ForeignBot(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def echo(control: DiscordControl) -> dict[str, Any]:
    """Run the bot's command with a file, and return its finished answer."""
    told = await control.order("slash", user="maker", command="echo", files={"file": file_of(PNG, "kite.png")})
    return await control.message(told["message_id"], lambda message: message["attachments"])


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_foreign_client_works_unmodified(client: str) -> None:
    """It logs in, registers, defers, edits, attaches, is clicked, reacts, joins and resumes, and is never refused."""
    if not (environment(client) / "installed").exists():
        pytest.skip(f"{client} is not installed: make test-clients")
    async with (
        DiscordSandbox(seed=1) as sandbox,
        aiohttp.ClientSession() as session,
        running(client, sandbox) as bot,
    ):
        control = DiscordControl(sandbox, session)
        await bot.said("ready")
        answer = await echo(control)
        assert (answer["content"], answer["loading"]) == ("Got kite.png", False)
        assert [file["filename"] for file in answer["attachments"]] == ["made.txt"]
        await control.order("click", user="maker", message=answer["id"], label="Go")
        await control.message(answer["id"], lambda message: message["content"] == "Pressed")
        await control.order("react", user="maker", message=answer["id"], emoji="🔁")
        await control.message(answer["id"], lambda message: len(message["reactions"]) == 2)
        await control.order("world", servers=[{"name": "Club"}])
        await bot.said("joined Club")
        await control.order("gateway", action="reconnect")
        await bot.said("resumed")
        assert (await echo(control))["content"] == "Got kite.png"
        refused = [entry for entry in await control.transcript() if entry.get("status", 200) >= 400]
        assert refused == []


async def test_fals_javascript_client_uploads_in_parts() -> None:
    """fal's own client for JavaScript uploads more than 90 MiB in parts, and follows a request to its video."""
    folder = INSTALLED / "node"
    if not (folder / "installed").exists():
        pytest.skip("fal's JavaScript client is not installed: make test-clients")
    async with FalSandbox(seconds_per_job=0.05, is_strict=True) as sandbox, aiohttp.ClientSession() as session:
        process = await asyncio.create_subprocess_exec(
            "node",
            SCRIPTS / "fal_uploads.mjs",
            cwd=folder,
            env={"PATH": os.environ["PATH"], **sandbox.environment()},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told = (await process.communicate())[0].decode().split()
        assert process.returncode == 0, told
        sizes: list[int] = []
        for url in told:
            async with session.get(url) as response:
                sizes.append(len(await response.read()))
        assert (sizes[0], sizes[1] > 0) == (91 * 1024 * 1024, True)
