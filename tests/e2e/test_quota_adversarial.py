"""Budgets and approvals under abuse: kills, races, lost roles, pauses and a database that does not answer."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.stage import Stage, eventually, text_of
from tests.e2e.conftest import QUICK
from tests.e2e.test_approval import approval_is_needed, waiting
from tests.e2e.test_approval import press as decide
from tests.e2e.test_confirmation import allowance, ask, press, reads
from tests.support import text_commands
from tests.support.rerun_steps import restart
from tests.support.stores import PostgresServer, postgres_server
from tests.support.video_steps import (
    ORDERED,
    amounts,
    kept_files,
    no_trace,
    picture,
    wait_for_state,
    wait_for_text,
    wait_for_video,
)

__all__ = ["allowance", "approval_is_needed", "postgres_server"]
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _no_files(stage: Stage) -> None:
    async def look() -> bool | None:
        return None if await asyncio.to_thread(kept_files, stage) else True

    await eventually(look, what="empty folder of inputs")


async def test_kill_while_a_job_waits_for_approval(stage: Stage, files: Path) -> None:
    """After kill -9 the hold remains, the approval buttons work, and one approval makes one video."""
    message_id = await waiting(stage, files)
    assert stage.bot is not None
    await stage.bot.stop(how=signal.SIGKILL)
    await stage.start_bot()
    assert await asyncio.to_thread(amounts, stage, message_id) == ({(200_000, None)}, 0)
    submits = len(await stage.fal.get("submits"))
    assert "Approved" in await decide(stage, message_id, "Approve", user="boss")
    await wait_for_video(stage, message_id)
    assert len(await stage.fal.get("submits")) == submits + 1


async def test_many_answers_at_once(stage: Stage, files: Path) -> None:
    """Of Approve and Decline pressed at the same moment exactly one takes effect, and the job ends once."""
    message_id = await waiting(stage, files)
    submits = len(await stage.fal.get("submits"))
    await asyncio.gather(
        decide(stage, message_id, "Approve", user="boss"), decide(stage, message_id, "Decline", user="admin")
    )
    await wait_for_state(stage, message_id, "done", "cancelled")
    assert len(await stage.fal.get("submits")) <= submits + 1


async def test_an_approver_without_the_role(stage: Stage, files: Path) -> None:
    """A member who lost the approvers' role, or the job's owner without it, cannot approve."""
    message_id = await waiting(stage, files)
    assert "can decide on this video" in await decide(stage, message_id, "Approve", user="maker")
    await stage.discord.post("gone", {"roles": ["producers"]})
    assert "can decide on this video" in await decide(stage, message_id, "Approve", user="boss")
    await wait_for_state(stage, message_id, "waiting")


async def test_a_pause_stops_an_approval(stage: Stage, files: Path) -> None:
    """While the server is paused a waiting job cannot be approved."""
    message_id = await waiting(stage, files)
    await text_commands.admin(stage, "pause", reason="holidays")
    assert "paused" in await decide(stage, message_id, "Approve", user="boss")
    await wait_for_state(stage, message_id, "waiting")
    await text_commands.admin(stage, "resume")
    assert "Approved" in await decide(stage, message_id, "Approve", user="boss")
    await wait_for_text(stage, message_id, "$0.20")


async def test_a_role_that_is_gone_at_make_it(stage: Stage, files: Path) -> None:
    """A member who loses the role that allowed the price before Make it is refused; files go with the question."""
    await stage.discord.post("world", {"roles": [{"name": "rich"}], "members": [{"name": "maker", "roles": ["rich"]}]})
    await restart(stage, WANDA_DRAFT_LIFE_S="8")
    await text_commands.admin(stage, "budget set", whose="allowance", window="day", amount="0.10")
    await text_commands.admin(stage, "role set", role="rich", window="day", allowance="5")
    async with no_trace(stage):
        question = await ask(stage, files)
        await stage.discord.post("gone", {"roles": ["rich"]})
        await press(stage, question, "Make it")
        await reads(stage, question["id"], "more than your whole $0.10 for today")


async def test_pause_between_question_and_make_it(stage: Stage, files: Path) -> None:
    """Make it during a pause is refused, its card is removed, and the files go with the question."""
    await restart(stage, WANDA_DRAFT_LIFE_S="8")
    async with no_trace(stage):
        question = await ask(stage, files)
        await text_commands.admin(stage, "pause", reason="holidays")
        await press(stage, question, "Make it")
        await reads(stage, question["id"], "paused Wanda")
        assert [m for m in await stage.messages(seen_by="friend") if "getting a video" in text_of(m)] == []
    await text_commands.admin(stage, "resume")


async def test_nobody_answers_a_question(stage: Stage, files: Path) -> None:
    """The files of an expired question are deleted, and Make it then makes nothing."""
    await restart(stage, WANDA_DRAFT_LIFE_S="3")
    async with no_trace(stage):
        before = await asyncio.to_thread(kept_files, stage)
        question = await ask(stage, files)
        assert await asyncio.to_thread(kept_files, stage) > before
    await press(stage, question, "Make it")
    await reads(stage, question["id"], "Run the command again")


async def test_a_restart_drops_the_files_of_questions(stage: Stage, files: Path) -> None:
    """A stop of the bot deletes the files of open questions."""
    before = await asyncio.to_thread(kept_files, stage)
    await ask(stage, files)
    assert await asyncio.to_thread(kept_files, stage) > before
    await restart(stage)
    assert await asyncio.to_thread(kept_files, stage) == before


@pytest_asyncio.fixture(loop_scope="module")
async def postgres_stage(tmp_path: Path, postgres_server: PostgresServer) -> AsyncIterator[Stage]:
    """Return a stage whose bot uses PostgreSQL."""
    settings = {**QUICK, "DATABASE_URL": await postgres_server.new_database()}
    async with Stage(tmp_path / "data", seconds_per_job=0.3, settings=settings) as stage:
        yield stage


@contextmanager
def _silent(server: PostgresServer) -> Generator[None]:
    """Stop PostgreSQL's processes with SIGSTOP until the block ends."""
    assert server._process is not None  # pyright: ignore[reportPrivateUsage]
    parent = server._process.pid  # pyright: ignore[reportPrivateUsage]
    os.kill(parent, signal.SIGSTOP)  # first, and waited for: until it stands it may start a child for a new connection
    stopped = [parent]
    try:
        _wait_until_stopped(parent)
        for child in Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split():
            os.kill(int(child), signal.SIGSTOP)
            stopped.append(int(child))
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


def _wait_until_stopped(pid: int, *, within_s: float = 5.0) -> None:
    give_up_at = time.monotonic() + within_s
    while Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < give_up_at, "PostgreSQL did not stop"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds PostgreSQL's processes in /proc")
async def test_a_silent_database(postgres_stage: Stage, postgres_server: PostgresServer, files: Path) -> None:
    """While PostgreSQL does not answer, a command is acknowledged in time and then refused, and no file is left."""
    stage = postgres_stage
    await stage.start_bot(WANDA_STORAGE_TIMEOUT_S="4")
    image = picture(files)
    with _silent(postgres_server):
        answer = await stage.slash("maker", "wan27 image", ORDERED, image=image)
        assert answer["acknowledged"], answer
        assert answer["ack_ms"] < 3000

        async def look() -> bool | None:
            seen = await stage.messages()
            return True if any("nothing was charged" in text_of(m) for m in seen if m["ephemeral_for"]) else None

        await eventually(look, what="private refusal", within_s=40)
    assert await stage.fal.get("requests") == []
    await _no_files(stage)
