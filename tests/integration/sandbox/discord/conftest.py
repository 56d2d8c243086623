"""A sandbox for the tests of the Discord stand-in."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from sandbox.discord import DiscordSandbox
from tests.support.discord_client import DiscordControl


@pytest.fixture
async def control() -> AsyncIterator[DiscordControl]:
    """A fresh sandbox."""
    async with DiscordSandbox(seed=1, is_strict=True) as sandbox, aiohttp.ClientSession() as session:
        yield DiscordControl(sandbox, session)
