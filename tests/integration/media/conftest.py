"""Real workers that read files."""

from collections.abc import AsyncIterator

import pytest

from bot.media.probe import Prober
from bot.settings import MediaSettings


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    """Workers that read files."""
    async with Prober.of(MediaSettings()) as made:
        yield made
