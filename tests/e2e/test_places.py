"""One server's or one member's jobs, files and prices take no place that others need."""

import asyncio
import re
import signal
from pathlib import Path
from typing import Any

from sandbox.stage import Stage, eventually, file_body, text_of
from tests.support.text_commands import admin, ask
from tests.support.video_steps import (
    PRICED,
    kept_files,
    order,
    picture,
    refusal,
    voice,
    wait_for_button,
    wait_for_state,
    wait_for_text,
    wait_for_video,
)


async def _in_cinema(stage: Stage, files: Path, user: str = "maker") -> dict[str, Any]:
    """Order a video in the other server and return the command's answer."""
    body = {"user": user, "channel": "big-screen", "command": "wan27 image", "options": {"prompt": "x", **PRICED}}
    return await stage.discord.post("slash", {**body, "files": {"image": file_body(picture(files))}})


async def _told(stage: Stage, message_id: str, user: str) -> str:
    async def look() -> str | None:
        message = await stage.message(message_id, seen_by=user)
        return text_of(message) if message and text_of(message) else None

    return await eventually(look, what="private answer")


async def _press(stage: Stage, message_id: str, label: str, *, user: str) -> str:
    answer = await stage.discord.post("click", {"user": user, "message": message_id, "label": label})
    return await _told(stage, answer["message_id"], user)


async def test_jobs_that_wait_stop_nobody_else(empty_stage: Stage, files: Path) -> None:
    """Waiting jobs are bounded in their server; one taken back may leave no file, an approved one waits for room."""
    stage = empty_stage
    await stage.start_bot(
        WANDA_JOBS_IN_FLIGHT_MAX="1",
        WANDA_SERVER_JOBS_WAITING_MAX="3",
        WANDA_MEMBER_JOBS_WAITING_MAX="2",
        WANDA_RETRY_MB_MAX="0",
    )
    await stage.discord.post(
        "world", {"servers": [{"name": "Cinema"}], "channels": [{"name": "big-screen", "server": "Cinema"}]}
    )
    await admin(stage, "approval", above="0.10")
    waiting = [await order(stage, files) for _ in range(2)] + [await order(stage, files, user="friend")]
    for message_id in waiting:
        await wait_for_state(stage, message_id, "waiting")
    fourth = await stage.slash("maker", "wan27 image", {"prompt": "x", **PRICED}, image=picture(files))
    assert "You have 2 videos waiting for approval, and 2 is the most." in await refusal(stage, fourth)
    fourth = await stage.slash("friend", "wan27 image", {"prompt": "x", **PRICED}, image=picture(files))
    assert "This server has 3 videos waiting" in await refusal(stage, fourth, user="friend")

    before = await asyncio.to_thread(kept_files, stage)
    await stage.discord.post("click", {"user": "friend", "message": waiting[2], "label": "Cancel"})

    async def gone() -> bool | None:
        left = await asyncio.to_thread(kept_files, stage)
        gone_jobs = {path.parent for path in before} - {path.parent for path in left}
        return True if left < before and len(gone_jobs) == 1 else None

    await eventually(gone, what="removal of the cancelled video's file")
    await stage.fal.post("settings", {"seconds_per_job": 60})
    theirs = await _in_cinema(stage, files)
    await wait_for_state(stage, theirs["message_id"], "running")
    told = await _press(stage, waiting[0], "Approve", user="admin")
    assert "Wanda has 1 video going, and 1 at once is the most." in told
    assert "This video keeps waiting" in told
    await wait_for_state(stage, waiting[0], "waiting")
    await stage.discord.post("click", {"user": "maker", "message": theirs["message_id"], "label": "Cancel"})
    await wait_for_state(stage, theirs["message_id"], "cancelled", "failed")
    await stage.fal.post("settings", {"seconds_per_job": 0.3})
    await wait_for_text(stage, waiting[0], "Waiting for approval")

    async def begun() -> bool | None:
        return True if "Approved" in await _press(stage, waiting[0], "Approve", user="admin") else None

    await eventually(begun, what="place for the approved video")
    await wait_for_video(stage, waiting[0])


async def test_files_that_wait_for_an_answer(empty_stage: Stage, files: Path) -> None:
    """Files of unanswered questions are bounded for a member; answering, or a restart after a kill, makes room."""
    stage = empty_stage
    bounded = {"WANDA_MEMBER_DAILY_USD": "5", "WANDA_MEMBER_WAITING_MB_MAX": "1"}
    await stage.start_bot(**bounded)
    costly: dict[str, Any] = {"prompt": "the lake", "duration": 8, "resolution": "1080p"}
    given = {"image": picture(files), "audio": voice(files, 6.0)}

    async def question() -> dict[str, Any]:
        answer = await stage.slash("maker", "wan27 image", costly, **given)
        await wait_for_button(stage, answer["message_id"])
        return answer

    first = await question()
    kept = await asyncio.to_thread(kept_files, stage)
    answer = await stage.slash("maker", "wan27 image", costly, **given)
    assert answer["ephemeral"]
    told = await eventually(lambda: _private(stage, "These files"), what="refusal")
    assert re.search(r"These files are 0\.\d MB, and 0\.\d MB of the 1 MB you can have waiting are taken\.", told)
    assert await asyncio.to_thread(kept_files, stage) == kept
    await stage.discord.post("click", {"user": "maker", "message": first["message_id"], "label": "Cancel"})

    async def gone() -> bool | None:
        return None if await asyncio.to_thread(kept_files, stage) else True

    await eventually(gone, what="removal of the files")
    await question()
    assert stage.bot is not None
    await stage.bot.stop(how=signal.SIGKILL)
    await stage.start_bot(**bounded)
    assert await gone()
    await question()


async def _private(stage: Stage, words: str) -> str | None:
    """Return the private message to maker that begins with these words."""
    told = [message["content"] for message in await stage.messages() if message["ephemeral_for"] == "maker"]
    return next((text for text in told if text.startswith(words)), None)


async def test_prices_of_members_are_not_rules_of_admins(empty_stage: Stage) -> None:
    """A flood of `/quota ask` is bounded for its server, and admins' commands and audit are as without it."""
    stage = empty_stage
    await stage.start_bot(WANDA_SERVER_ASKS_DAILY_MAX="2")
    for user in ("maker", "friend"):
        for above in ("1", "2"):
            assert "asks you before any video above" in (await ask(stage, user, "quota ask", above=above)).text
    refused = await ask(stage, "admin", "quota ask", above="3")
    assert refused.private
    assert "2 members of this server set their price in the last 24 hours, and Wanda takes 2." in refused.text
    assert "paused" in (await admin(stage, "pause", reason="too many")).text
    await admin(stage, "resume")
    await admin(stage, "budget set", whose="budget", window="day", amount="20")
    acts = (await admin(stage, "audit")).text
    assert "set this server's pool" in acts
    assert "asks first" not in acts
