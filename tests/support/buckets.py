"""Buckets on a real S3-compatible server (moto's), which runs in an environment of its own."""

import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.files.bucket import BucketFiles
from bot.files.opening import open_files
from bot.settings import FilesSettings, StorageSettings

__all__ = ["Bucket", "S3Server", "bucket", "s3_server"]
ROOT = Path(__file__).parents[2]
SECRET = "AhEmWiM1fv+A9VbNRTzOGG/eT+8NDMyOK6GmLWY7"
_numbers = count(1)


class S3Server:
    """A server's process and address."""

    def __init__(self) -> None:
        """Start it.

        Raises:
            AssertionError: it is not installed.
        """
        python = ROOT / ".servers" / "moto" / "bin" / "python"
        assert python.exists(), "the S3-compatible server is not installed: `make test` does that"
        self._process = subprocess.Popen(
            [python, ROOT / "tests" / "servers" / "s3_server.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def new_bucket(self) -> str:
        """Make a bucket and return its name."""
        name = f"wanda-{next(_numbers)}"
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/{name}", method="PUT"), timeout=20):  # noqa: S310 - our own server
            return name

    def stop(self) -> None:
        """End it."""
        self._process.communicate(timeout=20)  # closes its input


@dataclass(frozen=True)
class Bucket:
    """A bucket's settings, as values and as the environment of a bot."""

    settings: FilesSettings

    def opened(self, data_dir: Path, **changes: object) -> BucketFiles:
        """Return it as the process with this data folder has it."""
        settings = self.settings.model_copy(update=changes)
        files = open_files(StorageSettings(data_dir=data_dir), settings)
        assert isinstance(files, BucketFiles)
        return files

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that name it."""
        return {
            "WANDA_FILES_URL": self.settings.url,
            "AWS_ENDPOINT_URL": str(self.settings.endpoint_url),
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A server for all tests of this worker, started for the first test that needs it."""
    server = S3Server()
    yield server
    server.stop()


@pytest.fixture
def bucket(s3_server: S3Server) -> Bucket:
    """A new bucket, of which a part is ours."""
    return Bucket(
        FilesSettings(
            url=f"s3://{s3_server.new_bucket()}/videos/of-wanda",
            endpoint_url=s3_server.url,
            access_key_id=SecretStr("AKIAIOSFODNN7EXAMPLE"),
            secret_access_key=SecretStr(SECRET),
        )
    )
