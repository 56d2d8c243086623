"""Drawing a report's charts does not delay other commands."""

import time
from pathlib import Path

from sandbox.stage import Stage
from tests.support.spending_past import write_past
from tests.support.text_commands import admin, wait_for_answer
from tests.support.video_steps import PRICED, picture

SOON_MS = 500
MEANWHILE = ("quota show", "jobs list", "quota ask", "queue", "wan27 image")
OPTIONS = {"quota ask": {"above": "2"}, "wan27 image": {"prompt": "meanwhile", **PRICED}}


async def test_commands_are_acknowledged_while_a_report_is_drawn(empty_stage: Stage, files: Path) -> None:
    """While a report of many jobs is drawn, five commands in a row are each acknowledged within half a second."""
    stage = empty_stage
    server = (await stage.discord.get("state"))["servers"][0]
    makers = [int(row["id"]) for row in server["members"] if row["name"] in {"maker", "friend"}]
    place = {"guild_id": int(server["id"]), "channel_id": int(server["channels"][0]["id"])}
    await write_past(stage.folder, **place, member_ids=makers, now=time.time(), jobs=60, days=25)
    await stage.start_bot()
    report = await admin(stage, "report")
    assert not report.files, "the report was drawn before anything could be asked meanwhile"
    waits: list[tuple[str, float]] = []
    for command in MEANWHILE:
        options = OPTIONS.get(command, {})
        given = {"image": picture(files)} if command == "wan27 image" else {}
        answer = await stage.slash("maker", command, options, **given)
        assert answer["acknowledged"], command
        waits.append((command, answer["ack_ms"]))
    assert [wait for wait in waits if wait[1] > SOON_MS] == [], waits
    assert (await wait_for_answer(stage, "admin", report, "top-members.png")).files
