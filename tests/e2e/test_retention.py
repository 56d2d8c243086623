"""Retention: old files and the data of servers that Wanda has left."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from sandbox.stage import Stage, eventually
from tests.support.video_steps import (
    database,
    held_and_spent,
    job_states,
    order,
    wait_for_state,
    wait_for_video,
)


async def _made(stage: Stage, message_id: str) -> dict[str, Any]:
    message = await wait_for_video(stage, message_id)
    await wait_for_state(stage, message_id, "done")
    return message


async def test_files_go_after_the_kept_days(empty_stage: Stage, files: Path) -> None:
    """A start deletes the files of jobs older than `keep_days`, and no others."""
    await empty_stage.start_bot()
    old = await _made(empty_stage, await order(empty_stage, files))
    young = await _made(empty_stage, await order(empty_stage, files))
    assert empty_stage.bot is not None
    await empty_stage.bot.stop()
    with closing(sqlite3.connect(database(empty_stage), timeout=5)) as connection, connection:
        connection.execute("UPDATE jobs SET created_at = created_at - 31 * 86400 WHERE message_id = ?", (old["id"],))
        ids = {str(row[1]): row[0] for row in connection.execute("SELECT id, message_id FROM jobs")}
    await empty_stage.start_bot()

    async def gone() -> bool | None:
        return None if (empty_stage.folder / "results" / f"{ids[old['id']]}.mp4").exists() else True

    await eventually(gone, what="old result removed")
    assert not (empty_stage.folder / "inputs" / ids[old["id"]]).exists()
    assert (empty_stage.folder / "results" / f"{ids[young['id']]}.mp4").exists()
    assert (empty_stage.folder / "inputs" / ids[young["id"]]).exists()


async def test_a_server_that_removes_wanda_is_forgotten(empty_stage: Stage, files: Path) -> None:
    """The server's jobs and files are deleted at once; its books keep the amounts and no member's id."""
    await empty_stage.start_bot()
    card = await _made(empty_stage, await order(empty_stage, files))
    before = held_and_spent(empty_stage)
    await empty_stage.discord.post("gone", {"server": "Studio", "bot": True})

    async def forgotten() -> bool | None:
        kept = [*(empty_stage.folder / "results").iterdir(), *(empty_stage.folder / "inputs").iterdir()]
        return None if kept or card["id"] in job_states(empty_stage) else True

    await eventually(forgotten, what="server forgotten")
    with closing(sqlite3.connect(database(empty_stage), timeout=5)) as connection:
        assert connection.execute("SELECT count(*) FROM draws WHERE member_id > 0").fetchone() == (0,)
    after = held_and_spent(empty_stage)
    assert {scope: sums for scope, sums in before.items() if not scope.startswith("member:")}.items() <= after.items()
