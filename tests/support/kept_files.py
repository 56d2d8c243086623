"""Kept files, and what removes them, for tests."""

from bot.files.files import Files
from bot.runner.orphans import Orphans
from bot.runner.retention import Retention
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Store

DAY_S = 86400.0


def a_retention(
    store: Store, files: Files, *, at: float, shards: Shards = EVERY_SHARD, young_s: float = DAY_S
) -> Retention:
    """Return one that keeps files for 30 days, at this moment."""
    orphans = Orphans(store=store, files=files, shards=lambda: shards, young_s=young_s, every_s=DAY_S, clock=lambda: at)
    return Retention(store=store, files=files, orphans=orphans, keep_s=30 * DAY_S, clock=lambda: at)
