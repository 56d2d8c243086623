"""`@frozen()`: data that the type checker keeps from being changed, which costs nothing where the data is made.

A dataclass that is frozen at run time sets each field through `object.__setattr__`, two to three times as long. That
counts only for what every hold and every settlement makes a dozen of; all else says `@dataclass(frozen=True)`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(*, kw_only: bool = False) -> Callable[[type[T]], type[T]]:
    """Make a dataclass with slots that equals, and hashes, by its values."""
    return dataclass(slots=True, unsafe_hash=True, kw_only=kw_only)
