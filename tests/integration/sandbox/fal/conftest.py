"""One fast stand-in for each test."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.fal.server import FalSandbox
from tests.support.fal_requests import FalRequests


@pytest.fixture
async def fal() -> AsyncIterator[FalRequests]:
    """A stand-in whose jobs take almost no time, and a client of it."""
    async with (
        FalSandbox(seconds_per_job=0.05, seed=1, is_strict=True) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url, timeout=30) as http,
    ):
        yield FalRequests(sandbox, http)
