"""The ledger in memory for the tests of this folder."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from bot.ledger.audit import verify
from tests.support.stores import MemoryStore


@pytest.fixture
def books() -> Iterator[MemoryStore]:
    """A ledger in memory, whose books are right after every test."""
    store = MemoryStore()
    with closing(store.connection):
        yield store
        assert store.run(verify()) == []
