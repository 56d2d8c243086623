"""Every integration test may ask for a database of each engine, a runner on it, and a server of files."""

from tests.support.file_server import files, http
from tests.support.runner_bench import bench
from tests.support.stores import postgres_server, store, store_settings

__all__ = ["bench", "files", "http", "postgres_server", "store", "store_settings"]
