"""A page's server without a bot, and a client that is not a browser."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from sandbox.discord.server import DiscordSandbox
from sandbox.fal.server import FalSandbox
from sandbox.play.clock import ClockFile
from sandbox.play.server import PlayServer


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[PlayServer]:
    """A page that is being served."""
    clock = await asyncio.to_thread(ClockFile, tmp_path / "clock")
    async with DiscordSandbox(has_control=False) as discord, FalSandbox(has_control=False) as fal:
        server = PlayServer(discord.core, fal, clock, tmp_path)
        await server.start(0)
        yield server
        await server.close()
    clock.close()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that sends what it is told to."""
    async with aiohttp.ClientSession() as session:
        yield session
