"""Cuts what has no bound into pieces that a statement, a request or a message takes."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield pieces of at most `size` items, in their order."""
    return (items[first : first + size] for first in range(0, len(items), size))
