"""Fixtures of all integration tests: a database of each engine, a runner on it, and a file server."""

from tests.support.buckets import bucket, s3_server
from tests.support.disks import small_disk
from tests.support.file_server import files, http
from tests.support.old_schema import engine
from tests.support.runner_rig import rig
from tests.support.stores import postgres_server, store, store_settings

__all__ = [
    "bucket",
    "engine",
    "files",
    "http",
    "postgres_server",
    "rig",
    "s3_server",
    "small_disk",
    "store",
    "store_settings",
]
