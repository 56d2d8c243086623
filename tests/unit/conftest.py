from collections.abc import Callable
from typing import Any

import pytest

from bot.jobs.model import Address, Job

NOW = 1_800_000_000.0
MakeJob = Callable[..., Job]


@pytest.fixture
def make_job() -> MakeJob:
    """Build a job that has just been accepted; keyword arguments change it."""

    def make(**changes: Any) -> Job:
        address = Address(
            channel_id=20,
            message_id=30,
            application_id=40,
            token="t",
            token_expires_at=NOW + 900,
            size_limit_bytes=10 * 1024 * 1024,
            posted_at=NOW,
        )
        facts: dict[str, Any] = {
            "id": "0123456789abcdef0123456789abcdef",
            "guild_id": 10,
            "member_id": 50,
            "mode": "wan27-image",
            "options": {"prompt": "a red fox in the snow"},
            "inputs": (),
            "quote_microusd": 750_000,
            "formula": "5 s \u00d7 $0.15",
            "prices_version": "1",
            "similar": "wan27-image 1080p 5",
            "state": "accepted",
            "created_at": NOW,
            "updated_at": NOW,
            "address": address,
        }
        return Job(**(facts | changes))

    return make
