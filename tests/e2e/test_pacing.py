"""Progress edits of a card are paced, made only on change, and within Discord's rate limits."""

from itertools import pairwise
from pathlib import Path
from typing import Any

from sandbox.stage import Stage, buttons_of, text_of
from tests.support.video_steps import order, wait_for_reply, wait_for_state

JOB_S = 3
REPLIED = "The reply to this message says how it went."


async def edits(stage: Stage) -> list[dict[str, Any]]:
    """Return all edits that the bot requested since the transcript was cleared, including refused ones."""
    return [line for line in await stage.discord.get("transcript") if line.get("method") == "PATCH"]


async def test_edits_are_paced_and_all_differ(empty_stage: Stage, files: Path) -> None:
    """A job of three seconds edits its card at most once per interval, each time with a new text."""
    stage = empty_stage
    await stage.start_bot()
    await stage.fal.post("settings", {"seconds_per_job": JOB_S})
    await stage.discord.delete("transcript")
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "done")
    made = await edits(stage)
    assert 4 <= len(made) <= 2 + JOB_S / 0.2
    assert {line["status"] for line in made} == {200}
    assert all(before["request"] != after["request"] for before, after in pairwise(made))
    assert (await stage.discord.get("limits"))["rate_limited"] == 0


async def test_after_an_hour_by_wandas_clock(empty_stage: Stage, files: Path) -> None:
    """A card that is too old to edit gets one reply with the video, and points to it."""
    stage = empty_stage
    await stage.start_bot(WANDA_TOKEN_MARGIN_S="900", WANDA_EDIT_AGE_MAX_S="0.5")
    await stage.fal.post("settings", {"seconds_per_job": 1.5})
    message_id = await order(stage, files)
    reply = await wait_for_reply(stage, message_id)
    card = await stage.message(message_id)
    assert card is not None
    assert REPLIED in text_of(card)
    assert buttons_of(card) == card["attachments"] == []
    assert buttons_of(reply)
    assert all(line["path"].startswith("/channels/") for line in await edits(stage))
