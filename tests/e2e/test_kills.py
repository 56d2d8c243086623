"""Kills at random moments under mixed traffic leave nothing unfinished; `make soak` does it sixty times."""

from pathlib import Path

from tests.soak import kills


async def test_random_kills(tmp_path: Path) -> None:
    """After three kills nothing is left: no open hold, no unfinished job or card, no files without a job."""
    assert await kills.run(tmp_path, seed=3, kills=3) == []
