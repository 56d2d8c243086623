"""What the garbage collector need not look at."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from bot import garbage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the collector as it was."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


class _Server:
    """An object in a cycle, as those of discord.py are."""

    def __init__(self) -> None:
        self.itself = self


async def test_what_is_there_at_ready_is_left_out_and_what_is_over_is_freed() -> None:
    """After READY nothing that stays is looked at; a server that is gone at the next READY is no leak."""
    garbage.collect_rarely()
    assert gc.get_threshold() == garbage.THRESHOLDS
    server = _Server()
    there = weakref.ref(server)
    await garbage.freeze_when_ready()
    assert gc.get_freeze_count() > 1000
    del server
    gc.collect()
    assert there() is not None  # it is not looked at
    await garbage.freeze_when_ready()
    assert there() is None
