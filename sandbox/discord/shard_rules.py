"""What Discord asks of a bot's shards (https://discord.com/developers/docs/events/gateway#sharding)."""

from collections.abc import Iterable
from dataclasses import dataclass

SHARD_SHIFT = 22
SERVERS_PER_SHARD_MAX = 2500
SERVERS_PER_SHARD = 1000  # what /gateway/bot reckons with
Shard = tuple[int, int]  # a shard's id, and how many shards there are


def has_server(shard: Shard, guild_id: int | None) -> bool:
    """Return whether the server belongs to this shard; DMs (None) belong to shard 0."""
    number, count = shard
    return number == (0 if guild_id is None else (guild_id >> SHARD_SHIFT) % count)


@dataclass(slots=True)
class ShardRules:
    """The most servers of one shard, and how many shards `/gateway/bot` recommends; None computes it.

    Discord documents that sessions of the same shard may live side by side, and both get every event. The stand-in
    closes the older one unless told otherwise, so that a process which holds a shard wrongly shows itself.
    """

    servers_max: int = SERVERS_PER_SHARD_MAX
    recommended: int | None = None
    closes_older_session: bool = True

    def shards_for(self, servers: int) -> int:
        """Return the recommended number of shards of a bot in so many servers."""
        return self.recommended or max(1, -(-servers // SERVERS_PER_SHARD))

    def are_too_many(self, shard: Shard, guild_ids: Iterable[int]) -> bool:
        """Return whether the shard would hold more servers than one may."""
        return sum(has_server(shard, guild_id) for guild_id in guild_ids) > self.servers_max
