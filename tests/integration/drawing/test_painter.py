"""Real pictures from real worker processes."""

import asyncio
import io
import os
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from bot.charts.model import BurnDown, Chart, SpendByDay, SpendByMode, TopMembers
from bot.drawing.painter import PNG_BYTES_MAX, WAITING_MEMBER_MAX, WORKER, Painter
from bot.requester import Requester
from bot.settings import ChartSettings
from bot.turns import Patience
from bot.workers.pool import Workers
from tests.support.job_samples import REQUESTER

TODAY = date(2026, 11, 20)
DAYS = tuple(TODAY - timedelta(29 - index) for index in range(30))
USD = 1_000_000
ACCENT = (0x56, 0xB4, 0xE9)
GROUND = (0x31, 0x33, 0x38)
WARNING = (0xF0, 0xA0, 0x30)
TIBETAN = "\u0f56\u0f7c\u0f51"
DEADLINE_S = 60.0  # far above what drawing takes, also on a machine that is busy with other things


pytestmark = pytest.mark.asyncio(loop_scope="module")


def settings() -> ChartSettings:
    """Return the default settings with a longer timeout, because a test machine may be slow."""
    return ChartSettings(timeout_s=DEADLINE_S)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def painter() -> AsyncIterator[Painter]:
    """One worker for all these tests, as in the bot."""
    async with Painter.of(settings()) as drawing:
        yield drawing


def own_days(*last: int, allowance: int | None = None) -> SpendByDay:
    """Return 30 days that end with these amounts."""
    amounts = (0,) * (30 - len(last)) + last
    return SpendByDay(title="Your last 30 days", days=DAYS, microusd=amounts, allowance_microusd=allowance)


def pool(*points: tuple[float, int], cap: int = 50 * USD, empty_at: float | None = None, ends: bool = True) -> BurnDown:
    """Return a pool of a month that began at 0."""
    return BurnDown(
        title="This server's pool",
        points=points,
        cap_microusd=cap,
        starts_at=0.0,
        ends_at=30 * 86_400.0 if ends else None,
        timezone="Europe/Berlin",
        empty_at=empty_at,
        sentence="Empty on the 23rd at this pace." if empty_at else "At this pace it lasts until it renews.",
    )


def members(*names: str) -> TopMembers:
    """Return members who spent the same."""
    return TopMembers(title="Who spent most", rows=tuple((name, USD) for name in names))


def modes(*names: str, amount: int = USD) -> SpendByMode:
    """Return 30 days on which each mode cost the same; the first is Wan 2.7's."""
    ids = ("wan27-image", *names[1:])
    known = tuple((mode_id, name, (amount,) * 30) for mode_id, name in zip(ids, names, strict=False))
    return SpendByMode(title="Spend by mode", days=DAYS, modes=known)


async def drawn(painter: Painter, chart: Chart) -> Image.Image:
    """Return the picture."""
    data = await painter.png(chart, REQUESTER)
    assert data is not None
    assert len(data) < PNG_BYTES_MAX // 4
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "PNG"
    return picture.convert("RGB")


def share(picture: Image.Image, colour: tuple[int, int, int]) -> float:
    """Return how much of the picture has exactly this colour."""
    found = {of: count for count, of in picture.getcolors(2**24) or []}
    return found.get(colour, 0) / (picture.width * picture.height)


def environment_of(pid: int) -> bytes:
    """Return a process's environment."""
    return Path(f"/proc/{pid}/environ").read_bytes()


async def until(condition: Callable[[], bool]) -> None:
    """Return once the condition holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - processes come and go without an event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("chart", "height", "accent"),
    [
        (own_days(3 * USD, 0, 4 * USD, allowance=5 * USD), 560, 0.005),
        (own_days(0), 560, 0.0),
        (own_days(1), 560, 0.005),
        (own_days(10**18), 560, 0.005),
        (SpendByDay(title="", days=(TODAY,), microusd=(750_000,), allowance_microusd=0), 560, 0.01),
        (modes("Wan 2.7 image", "Wan 2.7 reference", "Wan 2.5 image", "Wan 2.2 video", "Wan 2.1 image"), 652, 0.04),
        (modes(), 560, 0.0),
        (modes("Wan 2.2 video", amount=0), 560, 0.0),
        (modes("one", amount=10**15), 606, 0.1),
        (modes(*(f"mode {index}" for index in range(12))), 652, 0.02),
        (pool((0.0, 50 * USD), (86_400.0, 20 * USD), empty_at=5 * 86_400.0), 560, 0.001),
        (pool((0.0, 50 * USD)), 560, 0.0001),
        (pool((86_400.0, 0), cap=0), 560, 0.0001),
        (pool((86_400.0, -5 * USD)), 560, 0.0001),
        (pool((0.0, 40 * USD), (9e6, 20 * USD), ends=False, empty_at=8e7), 560, 0.001),
        (pool(*((index * 100.0, 50 * USD - index) for index in range(500)), cap=10**18), 560, 0.0001),
        (members("Ada"), 234, 0.05),
        (members(*(f"member {index}" for index in range(10))), 756, 0.02),
        (members(), 234, 0.0),
    ],
)
async def test_every_shape(chart: Chart, height: int, accent: float, painter: Painter) -> None:
    """Empty, single, many, tiny and huge data: each chart has the documented size and Discord's dark background."""
    picture = await drawn(painter, chart)
    assert picture.size == (1000, height)
    assert share(picture, GROUND) > 0.4
    assert share(picture, ACCENT) >= accent
    assert len(picture.getcolors(2**24) or []) > 50  # letters and their soft edges


async def test_warning_colour(painter: Painter) -> None:
    """A pool that will be empty before it renews is drawn in the warning colour; one that lasts is not."""
    lasting = await drawn(painter, pool((0.0, 50 * USD), (86_400.0, 49 * USD)))
    short = await drawn(painter, pool((0.0, 50 * USD), (86_400.0, 20 * USD), empty_at=5 * 86_400.0))
    assert share(lasting, WARNING) == 0.0
    assert share(short, WARNING) > 0.001


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("line\nbreak\x00\x1b[31m", "line break [31m"),
        ("\u202eevil\u202c", "evil"),
        ("\ue000 fox", "fox"),
        ("\U0001d571\U0001d594\U0001d59d", "Fox"),
        (TIBETAN, "\ua9a0\ua9a1"),  # no font has their letters: both are left to the list beside the picture
        ("x" * 400, "x" * 500),
        ("a" + "\u0301" * 50, "a" + "\u0301" * 3),
    ],
)
async def test_hostile_names(hostile: str, harmless: str, painter: Painter) -> None:
    """Markup and control characters in a name do not change the picture."""
    assert await painter.png(members(hostile), REQUESTER) == await painter.png(members(harmless), REQUESTER)


@pytest.mark.parametrize("name", ["\u200f" * 32, "\u3164", "\u200d"])
async def test_names_with_nothing_to_draw(name: str, painter: Painter) -> None:
    """A name without anything to draw is left to the list, as one in a rare alphabet is."""
    assert await painter.png(members(name), REQUESTER) == await painter.png(members(TIBETAN), REQUESTER)


@pytest.mark.parametrize("name", ["$x^2$", r"$\notacommand{$", r"\frac{1}{0}", "$", "%s {0} {name}", "_^_"])
async def test_formulas(name: str, painter: Painter) -> None:
    """Dollar signs and backslashes in members' texts are drawn as they are, not as math markup."""
    assert await drawn(painter, members(name)) != await drawn(painter, members("x"))
    await drawn(painter, modes(name))
    await drawn(painter, SpendByDay(title=name, days=(TODAY,), microusd=(0,)))


async def test_every_script(painter: Painter) -> None:
    """Names in the scripts that people write, and emoji, are drawn with their own letters."""
    names = (
        "محمد علي",
        "בנימין",
        "日本太郎",
        "王小明",
        "김민준",
        "สมชาย",
        "अमित",
        "বাংলা",
        "தமிழ்",
        "ខ្មែរ",
        "🦊",
        "👨\u200d👩\u200d👧",
        "🇩🇪",
    )
    pictures = [await drawn(painter, members(name)) for name in (TIBETAN, *names)]
    assert len({picture.tobytes() for picture in pictures}) == 1 + len(names)


async def test_loop_is_free(painter: Painter) -> None:
    """While a picture is drawn, the bot's thread uses less than 50 ms of CPU, and its loop is not blocked."""
    await drawn(painter, own_days(USD))
    turns, worked_s = 0, time.thread_time()
    drawing = asyncio.create_task(painter.png(modes("a", "b", "c"), REQUESTER))
    while not drawing.done():
        await asyncio.sleep(0.002)
        turns += 1
    worked_s = time.thread_time() - worked_s
    assert await drawing is not None
    assert worked_s < 0.05
    assert turns >= 5


async def test_stuck_worker() -> None:
    """A worker that does not answer in time is killed without a picture, and the next picture comes from a new one."""
    async with Painter(Workers(WORKER, at_once=1, memory_mib=512, timeout_s=3.0), timeout_s=DEADLINE_S) as painter:
        await painter.png(own_days(USD), REQUESTER)
        process = painter._workers._idle[0].process
        os.kill(process.pid, signal.SIGSTOP)
        assert await painter.png(own_days(USD), REQUESTER) is None
        await until(lambda: process.returncode is not None)
        assert process.returncode == -signal.SIGKILL


async def test_after_a_crash(painter: Painter) -> None:
    """A worker that died is replaced."""
    await drawn(painter, own_days(USD))
    process = painter._workers._idle[0].process
    os.kill(process.pid, signal.SIGKILL)
    await until(lambda: process.returncode is not None)
    await drawn(painter, own_days(USD))


async def test_limits(painter: Painter) -> None:
    """A worker is limited to the memory of the setting, and cannot write files."""
    await drawn(painter, own_days(USD))
    held = (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)
    pid = painter._workers._idle[0].process.pid
    assert [resource.prlimit(pid, which)[0] for which in held] == [512 * 1024 * 1024, 0, 0]


async def test_no_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If no worker can be started, there is no chart and no error."""
    async with Painter.of(settings()) as painter:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
        assert await painter.png(own_days(USD), REQUESTER) is None


async def test_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's environment holds neither key."""
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    async with Painter.of(settings()) as painter:
        await drawn(painter, own_days(USD))
        assert b"very-secret" not in environment_of(painter._workers._idle[0].process.pid)


class Lying(Workers):
    """A pool whose worker gives this answer."""

    def __init__(self, answer: Any) -> None:
        super().__init__(WORKER, at_once=1, memory_mib=512, timeout_s=1.0)
        self.answer = answer

    async def ask(self, request: Mapping[str, Any], requester: Requester, patience: Patience | None = None) -> Any:
        """Answer it."""
        return self.answer


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"png": 5}, {"png": "###"}, {"png": "aGVsbG8="}, {"png": "", "x": 1}, {"error": "Oh."}]
)
async def test_doubts_its_workers(answer: Any) -> None:
    """An answer that is no PNG is not sent to Discord."""
    async with Painter(Lying(answer), timeout_s=1.0) as painter:
        assert await painter.png(own_days(USD), REQUESTER) is None


async def test_bounded_line() -> None:
    """A chart behind too many of the same member is skipped at once."""
    workers = Workers(WORKER, at_once=1, memory_mib=512, timeout_s=1.0)
    async with Painter(workers, timeout_s=0.1) as painter, workers._turns.turn(Requester(guild_id=2, member_id=1)):
        waiting = [asyncio.create_task(painter.png(own_days(USD), REQUESTER)) for _ in range(WAITING_MEMBER_MAX)]
        await asyncio.sleep(0)
        assert await painter.png(own_days(USD), REQUESTER) is None
        assert not any(task.done() for task in waiting)
        assert await asyncio.gather(*waiting) == [None] * WAITING_MEMBER_MAX
