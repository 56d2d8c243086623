import asyncio

import pytest

from bot.errors import OwnershipLost, StorageError
from bot.session_starts import SessionStarts, StartLimits


class _Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


class _Notes:
    """What all processes noted; `says` are the waits, or errors, that the database answers first."""

    def __init__(self, *says: float | StorageError) -> None:
        self.says = list(says)
        self.asked: list[tuple[int, float]] = []

    async def start_session(self, bucket: int, every_s: float) -> float:
        self.asked.append((bucket, every_s))
        answer = self.says.pop(0) if self.says else 0.0
        if isinstance(answer, StorageError):
            raise answer
        return answer


async def test_shards_of_one_bucket_identify_one_after_another() -> None:
    """One IDENTIFY in five seconds; https://discord.com/developers/docs/events/gateway#rate-limiting."""
    time, at = _Time(), list[float]()
    starts = SessionStarts(5.0, clock=time, sleep=time.sleep)
    for shard in range(3):
        await starts.turn(shard)
        at.append(time.now)
    assert at == [100.0, 105.0, 110.0]


async def test_buckets_do_not_wait_for_each_other() -> None:
    """With a max_concurrency of 2, shards 0 and 1 identify at once, and 2 waits for 0."""
    time = _Time()
    starts = SessionStarts(5.0, clock=time, sleep=time.sleep)
    starts.max_concurrency = 2
    await starts.turn(0)
    await starts.turn(1)
    assert time.now == 100.0
    await starts.turn(2)
    assert time.now == 105.0


async def test_what_any_process_started_is_waited_for() -> None:
    """For as long as the database says, which is asked again after each wait, and while it does not answer."""
    time, notes = _Time(), _Notes(3.5, StorageError("down"), 0.5)
    starts = SessionStarts(5.0, notes, clock=time, sleep=time.sleep)
    await starts.turn(3)
    assert notes.asked == [(0, 5.0)] * 4
    assert time.now == 100.0 + 3.5 + 1.0 + 0.5


async def test_who_lost_the_shards_never_identifies() -> None:
    """Else two processes would end each other's sessions in turn."""
    starts = SessionStarts(0.0, _Notes(OwnershipLost("gone")))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await starts.turn(0)


@pytest.mark.parametrize(("remaining", "wanted", "enough"), [(16, 16, True), (15, 16, False), (0, 1, False)])
def test_sessions_are_started_only_where_enough_are_left(remaining: int, wanted: int, *, enough: bool) -> None:
    """Discord resets the token of a bot that starts more."""
    limits = StartLimits(recommended=1, remaining=remaining, total=1000, reset_after_s=60.0, max_concurrency=1)
    assert limits.suffice_for(wanted) is enough


def test_more_shards_than_the_daily_limit_may_start() -> None:
    """A process with more shards than all session starts of a day takes what there is."""
    limits = StartLimits(recommended=9, remaining=5, total=5, reset_after_s=60.0, max_concurrency=1)
    assert limits.suffice_for(9)
