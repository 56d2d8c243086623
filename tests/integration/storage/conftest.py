"""Every test here may ask for a database of either engine."""

from tests.stores import postgres_server, store, store_settings

__all__ = ["postgres_server", "store", "store_settings"]
