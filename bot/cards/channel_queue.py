"""Sends the bot-token requests of one channel one at a time, so that none of them meets a 429.

Discord keeps a bucket for each combination of channel and kind of request, and each reply says how many more the bucket
allows and when it refills (https://discord.com/developers/docs/topics/rate-limits). discord.py sends as many at
once as the last reply allowed. When the window ends while they are under way, some of them count in the next one, and
Discord answers 429. One is harmless; an address that collects 10,000 invalid requests in 10 minutes is banned.

So each request waits for the reply to the one before it, and knows that reply's numbers. This costs one round trip of
latency only where several requests for one channel meet. Requests with an interaction's token have a bucket of their
own and do not queue here. How often a card in progress is edited at all is the business of `bot.cards.pacer`.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Bucket: TypeAlias = Literal["send", "edit", "delete"]


@dataclass(slots=True)
class _Queue:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0  # the one that has the turn included


class ChannelQueue:
    """The queues of all channels; empty ones are dropped."""

    def __init__(self) -> None:
        self._queues: dict[tuple[int, Bucket], _Queue] = {}

    @asynccontextmanager
    async def turn(self, channel_id: int, bucket: Bucket) -> AsyncGenerator[None]:
        """Wait for the requests before this one; the block's request is the only one in its bucket."""
        key = (channel_id, bucket)
        queue = self._queues.setdefault(key, _Queue())
        queue.length += 1
        try:
            async with queue.lock:
                yield
        finally:
            queue.length -= 1
            if not queue.length:
                del self._queues[key]

    def is_free(self, channel_id: int, bucket: Bucket) -> bool:
        """Return whether no request is under way or waits."""
        return (channel_id, bucket) not in self._queues
