"""What a member hid as a spoiler stays hidden, wherever the real bot shows it."""

from pathlib import Path

import pytest

from sandbox.stage import Stage, file_body, videos_of
from tests.support.rerun_steps import press, react, submit_form, wait_for_message
from tests.support.video_steps import PRICED, picture, wait_for_reply, wait_for_state, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")
MARK = "SPOILER_wanda-"


async def test_a_spoiler_stays_one(stage: Stage, files: Path) -> None:
    """A video of a picture that was given as a spoiler is one: on its card, rerun, continued and by direct message."""
    hidden = {**file_body(picture(files)), "spoiler": True}
    asked = {"prompt": "who did it", **PRICED}
    body = {"user": "maker", "channel": "general", "command": "wan27 image", "options": asked}
    card = (await stage.discord.post("slash", {**body, "files": {"image": hidden}}))["message_id"]
    made = await wait_for_video(stage, card)
    await wait_for_state(stage, card, "done")
    await react(stage, "maker", card, "✉️")
    mail = await wait_for_message(stage, card, channel="@maker", seen_by="maker")
    await react(stage, "maker", card, "🔁")
    again = await wait_for_reply(stage, card)
    form = await press(stage, "maker", card, "Continue")
    continued = await wait_for_video(stage, (await submit_form(stage, "maker", form, duration="5"))["message_id"])
    for message in (made, mail, again, continued):
        assert videos_of(message)[0]["filename"].startswith(MARK)
