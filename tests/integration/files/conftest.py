"""A place for files that several machines share, and workers that read files."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.files.opening import open_files
from bot.media.probe import Prober
from bot.settings import FilesSettings, MediaSettings, StorageSettings
from tests.support.buckets import Bucket
from tests.support.kept_files import Machine


@pytest.fixture(params=["folder", "bucket"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    """Machines with one place for files in common."""
    if request.param == "folder":
        shared = FilesSettings(url=(tmp_path / "shared files").as_uri())
        return lambda name: open_files(StorageSettings(data_dir=tmp_path / name), shared)
    bucket: Bucket = request.getfixturevalue("bucket")
    return lambda name: bucket.opened(tmp_path / name)


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    """Workers that read files."""
    async with Prober.of(MediaSettings()) as made:
        yield made
