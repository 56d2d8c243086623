"""The stages of the end-to-end tests; after each test the books are checked and the stand-ins reset."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.stage import Process, Stage, run_python
from tests.support.forks import Forker
from tests.support.log_lines import lost_lines
from tests.support.metric_labels import scrape, wrong_labels
from tests.support.ports import free_port
from tests.support.text_commands import ask
from tests.support.video_steps import wrong_books

QUICK = {
    "WANDA_EDIT_INTERVAL_S": "0.2",
    "WANDA_CHANNEL_EDIT_INTERVAL_S": "0.1",
    "WANDA_DELIVERY_WAIT_S": "0.2",
    "WANDA_DISCORD_WAIT_S": "0.1",
    "WANDA_FAL_POLL_MIN_S": "0.1",
    "WANDA_FAL_POLL_MAX_S": "0.5",
    "WANDA_LINK_AFTER_S": "5",
    "WANDA_PAID_WAIT_S": "0.2",
    "WANDA_PAID_WAIT_MAX_S": "1",
    "WANDA_LATE_LOOK_S": "0.2",
    "WANDA_FAL_RESULT_PATIENCE_S": "3",
    "WANDA_DELETE_AFTER_S": "0.5",
    "WANDA_ACCOUNT_PAUSE_S": "0.3",
    "WANDA_ACCOUNT_PATIENCE_S": "1",
    "WANDA_ABSORBED_DAILY_USD": "1000",
    "WANDA_FRUITLESS_MAX": "1000",
    "WANDA_FIRST_ORDER_TIP": "false",
    "WANDA_MEMBER_DAILY_USD": "1000",
    "WANDA_SERVER_MONTHLY_USD": "10000",
    "WANDA_REHEARSAL_DAYS": "0",
}

LISTS_LATE = {"listed_after_s": 3600}  # so that a job whose submit's reply was lost stays lost for a while


@pytest.fixture(scope="session", autouse=True)
def _forked_processes() -> Iterator[None]:
    """Start the bots and the stand-ins by forks, which is quicker."""
    forker = Forker()
    Process.spawn = staticmethod(forker.spawn)
    yield
    Process.spawn = staticmethod(run_python)
    forker.stop()


@pytest.fixture(scope="module")
def bot_settings() -> dict[str, str]:
    """Settings of the shared bot beside the quick ones, for a module to replace."""
    return {}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(bot_settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The stand-ins and a connected bot, shared by a module's tests; jobs take a third of a second.

    After all of a module's traffic, no label of the bot's metrics has a name or a value that is not allowed, and every
    line of its log that names a job has the job's id.
    """
    port = bot_settings.get("WANDA_WEB_PORT") or str(await asyncio.to_thread(free_port))
    settings = {**QUICK, **bot_settings, "WANDA_WEB_PORT": port}
    async with Stage(tmp_path_factory.mktemp("data"), seconds_per_job=0.3, settings=settings) as ready:
        if "WANDA_FAL_SEARCH_S" not in bot_settings:
            await ready.fal.post("settings", LISTS_LATE)
        await ready.start_bot()
        yield ready
        if ready.bot is not None and ready.bot.returncode is None:
            assert wrong_labels(await scrape(port)) == []
            assert lost_lines(ready.bot.lines) == []


@pytest_asyncio.fixture
async def empty_stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """The stand-ins without a bot, for a test that starts it with its own settings, or more than once."""
    async with Stage(tmp_path / "data", seconds_per_job=0.3, settings=QUICK) as ready:
        await ready.fal.post("settings", LISTS_LATE)
        yield ready


@pytest_asyncio.fixture(loop_scope="module")
async def friend_is_asked(stage: Stage) -> AsyncIterator[None]:
    """While the test runs, friend confirms every video above $0.10."""
    await ask(stage, "friend", "quota ask", above="0.1")
    yield
    await ask(stage, "friend", "quota ask", above="default")


@pytest.fixture(autouse=True)
def _right_books(request: pytest.FixtureRequest) -> Iterator[None]:
    """Check after each test that the ledger's entries and sums agree."""
    yield
    stage = _stage_of(request.node)
    assert stage is None or wrong_books(stage) == []


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _reset_stand_ins(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Reset a shared stage's stand-ins to their own settings, without faults."""
    if "stage" not in request.fixturenames:
        yield
        return
    stage: Stage = request.getfixturevalue("stage")
    before = await stage.fal.get("settings")
    yield
    await asyncio.gather(stage.fal.post("settings", before), stage.fal.delete("faults"), stage.discord.delete("faults"))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder for the files that members attach."""
    return tmp_path / "files"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the last log lines of each bot with a failure."""
    report = yield
    stage = _stage_of(item)
    if report.failed and stage is not None:
        for bot in stage.bots:
            report.sections.append((f"the last lines of {bot.name}", "\n".join(list(bot.lines)[-40:])))
    return report


def _stage_of(item: pytest.Item) -> Stage | None:
    used: dict[str, object] = getattr(item, "funcargs", {})
    return next((value for value in used.values() if isinstance(value, Stage)), None)
