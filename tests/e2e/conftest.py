"""A stage for every test that asks for one: both stand-ins and the real bot, as processes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.stage import Stage

QUICK = {
    "WANDA_EDIT_INTERVAL_S": "0.2",
    "WANDA_DELIVERY_WAIT_S": "0.2",
    "WANDA_FAL_POLL_MIN_S": "0.1",
    "WANDA_FAL_POLL_MAX_S": "0.5",
    "WANDA_FAL_WAIT_S": "0.1",
    "WANDA_ACCOUNT_PAUSE_S": "0.3",
    "WANDA_ACCOUNT_PATIENCE_S": "1",
    "WANDA_MEMBER_DAILY_USD": "1000",
    "WANDA_SERVER_MONTHLY_USD": "10000",
}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The stand-ins, and a bot that is connected; jobs take half a second."""
    async with Stage(tmp_path / "data", seconds_per_job=0.5, settings=QUICK) as ready:
        await ready.start_bot()
        yield ready


@pytest.fixture
async def empty_stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The stand-ins, without a bot: the test starts it with its own settings."""
    async with Stage(tmp_path / "data", seconds_per_job=0.5, settings=QUICK) as ready:
        yield ready
