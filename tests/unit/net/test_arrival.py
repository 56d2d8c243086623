"""A download is read while it grows, but only what was judged, and only as far as it came."""

import asyncio
from pathlib import Path

import pytest

from bot.net import arrival as arrival_module
from bot.net.arrival import Arrival

KIB = 1024
SIZE = 2048 * KIB
WITHIN_S = 10.0


class Judge:
    """Says "plays" once the file has so many bytes; remembers at which sizes it was asked."""

    def __init__(self, path: Path, plays_from: int = 256 * KIB) -> None:
        self.path = path
        self.plays_from = plays_from
        self.asked: list[int] = []

    def __call__(self, part: Path, size_bytes: int) -> str | None:
        """Return the verdict."""
        assert (part, size_bytes) == (self.path, SIZE)
        self.asked.append(part.stat().st_size)
        return "plays" if self.asked[-1] >= self.plays_from else None


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """The file of a download."""
    return tmp_path / "video.part"


def grow(arrival: Arrival[str], part: Path, *sizes: int) -> None:
    """Have the file grow, as a download's thread does."""
    for size in sizes:
        part.write_bytes(bytes(range(256)) * (size // 256))
        arrival.grow(part, size)


async def test_it_is_judged_until_it_can_be_told(part: Path) -> None:
    """The judge is asked at 256 KiB, then at twice as much, and no more once it has said something."""
    judge = Judge(part, plays_from=512 * KIB)
    arrival = Arrival(judge)
    judged = asyncio.create_task(arrival.judged())
    arrival.begin(part, SIZE)
    grow(arrival, part, 100 * KIB, 256 * KIB, 400 * KIB)
    await asyncio.sleep(0)
    assert not judged.done()
    grow(arrival, part, 512 * KIB, 1024 * KIB, SIZE)
    async with asyncio.timeout(WITHIN_S):
        assert await judged == "plays"
    assert judge.asked == [256 * KIB, 512 * KIB]
    arrival.end()


async def test_what_is_whole_or_of_unknown_size_is_not_judged(part: Path) -> None:
    """A file that came at once is read as a whole one, and so is one that may still become too large."""
    for size, here in ((None, (256 * KIB, 512 * KIB)), (200 * KIB, (200 * KIB,)), (256 * KIB, (256 * KIB,))):
        judge = Judge(part)
        arrival = Arrival(judge)
        arrival.begin(part, size)
        grow(arrival, part, *here)
        arrival.end()
        assert (await arrival.judged(), judge.asked, arrival.open()) == (None, [], None)


async def test_it_is_read_as_far_as_it_came(part: Path) -> None:
    """A reader waits for what is not there yet, and reads on when the download is over."""
    arrival = Arrival(Judge(part))
    arrival.begin(part, SIZE)
    grow(arrival, part, 256 * KIB)
    assert await arrival.judged() == "plays"
    await arrival.reach(256 * KIB)
    waiting = asyncio.create_task(arrival.reach(SIZE))
    file = arrival.open()
    assert file is not None
    grow(arrival, part, 512 * KIB)
    await asyncio.sleep(0)
    assert not waiting.done()
    grow(arrival, part, SIZE)
    arrival.end()
    async with asyncio.timeout(WITHIN_S):
        await waiting
        await arrival.over()
    with file:
        assert len(file.read()) == SIZE
    assert (arrival.is_broken, arrival.open()) == (False, None)


@pytest.mark.parametrize("how", ["the connection breaks", "nobody waits for the download"])
async def test_what_breaks_off_is_not_read_on(part: Path, how: str) -> None:
    """The reader gets an error, also if the download begins anew: the new file may be another one."""
    arrival = Arrival(Judge(part))
    arrival.begin(part, SIZE)
    grow(arrival, part, 256 * KIB)
    waiting = asyncio.create_task(arrival.reach(SIZE))
    await asyncio.sleep(0)
    if how == "the connection breaks":
        arrival.break_off(part)
        arrival.begin(part.with_suffix(".anew"), SIZE)
        arrival.grow(part.with_suffix(".anew"), SIZE)
    else:
        arrival.end()
    with pytest.raises(OSError, match="broke off"):
        async with asyncio.timeout(WITHIN_S):
            await waiting
    assert arrival.is_broken
    with pytest.raises(OSError, match="broke off"):
        arrival.open()
    arrival.end()


async def test_what_nobody_reads_may_begin_anew(part: Path) -> None:
    """A download that broke before it was judged is judged anew; the thread of the old one is not heard any more."""
    arrival = Arrival(Judge(part))
    old = part.with_suffix(".old")
    arrival.begin(old, SIZE)
    arrival.grow(old, 100 * KIB)
    arrival.break_off(old)
    arrival.begin(part, SIZE)
    arrival.grow(old, 256 * KIB)
    assert arrival.verdict is None
    grow(arrival, part, 256 * KIB)
    assert (await arrival.judged(), arrival.is_broken) == ("plays", False)
    arrival.end()


async def test_what_is_judged_after_the_end_is_not_read(part: Path) -> None:
    """The thread of a download that was given up may still be judging; the file that it opens then is closed."""
    arrival: Arrival[str]

    def judge(_part: Path, _size_bytes: int) -> str:
        arrival.end()
        return "plays"

    arrival = Arrival(judge)
    arrival.begin(part, SIZE)
    grow(arrival, part, 256 * KIB)
    assert (await arrival.judged(), arrival.open()) == (None, None)


async def test_a_slow_download_lets_its_reader_go(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads may hold a place that others need, so the next bytes are waited for only so long."""
    monkeypatch.setattr(arrival_module, "PIECE_WITHIN_S", 0.01)
    arrival = Arrival(Judge(part))
    arrival.begin(part, SIZE)
    grow(arrival, part, 256 * KIB)
    with pytest.raises(TimeoutError):
        await arrival.reach(SIZE)
    assert not arrival.is_broken
    arrival.end()


async def test_a_file_that_cannot_be_judged_is_downloaded_all_the_same(part: Path) -> None:
    """The judge may fail to open it, as when too many files are open; then it is read once it is whole."""

    def unable(part: Path, size_bytes: int) -> str | None:
        raise OSError(24, "Too many open files")

    arrival = Arrival(unable)
    arrival.begin(part, SIZE)
    grow(arrival, part, 256 * KIB, SIZE)
    arrival.end()
    assert await arrival.judged() is None
