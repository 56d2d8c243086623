"""A fal that does as the test says."""

from collections.abc import AsyncIterator

import pytest

from tests.support.scripted_fal import ScriptedFal, scripted_fal


@pytest.fixture
async def fal() -> AsyncIterator[ScriptedFal]:
    """A scripted server in fal's place."""
    async with scripted_fal() as server:
        yield server
