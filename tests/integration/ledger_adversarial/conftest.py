"""The ledger's adversaries, on a database of each engine and on a runner."""

from tests.integration.jobs.conftest import bench
from tests.stores import postgres_server, store, store_settings

__all__ = ["bench", "postgres_server", "store", "store_settings"]
