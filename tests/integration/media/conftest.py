"""Real workers that read files, one pool for a module's tests: they start slowly."""

from collections.abc import AsyncIterator

import pytest_asyncio

from bot.media.probe import Prober
from bot.settings import MediaSettings


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prober() -> AsyncIterator[Prober]:
    """Workers that read files; a test that takes them runs in the module's loop."""
    async with Prober.of(MediaSettings()) as made:
        yield made
