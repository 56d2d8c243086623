"""What the runner asks of the files of jobs."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.jobs.model import Job


async def _nothing(_: object) -> None:
    pass


@dataclass(frozen=True, slots=True)
class FilesOfJobs:
    """`keep` keeps the files of an order before its jobs are accepted, a copy for each.

    `discard` deletes the files that a job which ended without a posted video does not need; it may be called again.
    `forget` deletes all files of a job that was deleted itself.
    """

    keep: Callable[[Sequence[Job]], Awaitable[None]] = _nothing
    discard: Callable[[Job], Awaitable[None]] = _nothing
    forget: Callable[[str], Awaitable[None]] = _nothing
