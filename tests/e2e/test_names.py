"""Members with odd names appear in an admin's report, and the pictures are drawn."""

import asyncio
import io
from pathlib import Path

from PIL import Image

from sandbox.stage import Stage
from tests.support.text_commands import admin, wait_for_answer
from tests.support.video_steps import order, wait_for_state

NAMES = ("\u200f" * 32, "\u202eliam\u202c", "x" * 400, "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 30)


async def test_a_report_with_odd_names(empty_stage: Stage, files: Path) -> None:
    """Direction marks, 400 letters and 30 emoji break no report: each picture is a PNG."""
    stage = empty_stage
    await stage.start_bot()
    await stage.discord.post("world", {"members": [{"name": name} for name in NAMES]})
    for card in await asyncio.gather(*(order(stage, files, user=name) for name in NAMES)):
        await wait_for_state(stage, card, "done")
    answer = await wait_for_answer(stage, "admin", await admin(stage, "report"), "top-members.png")
    for file in answer.files:
        picture = Image.open(io.BytesIO(await stage.discord.fetch(file["url"])))
        assert picture.format == "PNG"
        assert min(picture.size) > 100
