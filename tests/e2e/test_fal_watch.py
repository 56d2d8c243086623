"""What is wrong with fal is told to the operator before members meet it, and members read a sentence instead."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.fal.server import ADMIN_KEY
from sandbox.stage import Stage, eventually, text_of
from tests.e2e.conftest import QUICK
from tests.support.alarm_steps import WATCHFUL, wait_for_alarms
from tests.support.text_commands import ask
from tests.support.video_steps import no_trace, order, picture, refusal, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")
ENDPOINT = "fal-ai/wan/v2.7/image-to-video"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A bot that looks at fal all the time, with an admin key and a channel for its operator."""
    settings = {**QUICK, **WATCHFUL, "FAL_ADMIN_KEY": ADMIN_KEY}
    async with Stage(tmp_path_factory.mktemp("data"), seconds_per_job=0.3, settings=settings) as ready:
        await ready.discord.post("world", {"channels": [{"name": "operators", "server": "Studio"}]})
        servers = (await ready.discord.get("state"))["servers"]
        channels = [channel for server in servers for channel in server["channels"] if channel["name"] == "operators"]
        ready.settings["WANDA_OPERATOR_CHANNEL_ID"] = channels[0]["id"]
        await ready.start_bot()
        yield ready


async def told(stage: Stage, words: str) -> None:
    """Wait until the operators' channel has a message with these words, and check that it has one only."""

    async def look() -> list[str] | None:
        return [one for one in await _lines(stage) if words in one] or None

    assert len(await eventually(look, what=words)) == 1, await _lines(stage)


async def _lines(stage: Stage) -> list[str]:
    seen = await stage.messages(channel="operators", seen_by="admin")
    return [line for one in seen for line in one["content"].split("\n")]


async def ordered(stage: Stage, files: Path) -> str:
    """Order a video, and return what the member reads instead of getting it; nothing is left of the order."""
    async with no_trace(stage):
        options = {"prompt": "the lake shimmers", "duration": 2}
        return await refusal(stage, await stage.slash("maker", "wan27 image", options, image=picture(files)))


async def test_a_schema_that_broke(stage: Stage, files: Path) -> None:
    """A mode whose schema no longer takes what Wanda sends is off until it does, with a sentence, also in /help."""
    await stage.fal.post("schemas", {"endpoint": ENDPOINT, "remove": ["seed"]})
    await wait_for_alarms(stage, "schema wan27-image")
    words = "Wan 2.7 image is off for now, because fal changed what it takes. You weren't charged; `/help` shows"
    assert words in await ordered(stage, files)
    assert "Make a picture move with Wan 2.7" not in (await ask(stage, "maker", "help")).text
    await told(
        stage, "⚠️ fal's schema of Wan 2.7 image has changed: `seed` is gone. The mode is off until it fits again;"
    )
    await stage.fal.delete("faults")
    await wait_for_alarms(stage)
    await wait_for_video(stage, await order(stage, files))
    await told(stage, "✅ fal's schema of Wan 2.7 image fits again, after")


async def test_a_locked_account(stage: Stage, files: Path) -> None:
    """A locked account is found before anybody orders, told once also over a restart, and over by itself."""
    await stage.fal.post("faults", {"locked": True})
    await wait_for_alarms(stage, "account")
    assert "fal isn't taking orders from Wanda right now, so nothing was started" in await ordered(stage, files)
    await told(stage, "⚠️ fal has locked the account (403)")
    assert stage.bot is not None
    await stage.bot.stop()
    await stage.start_bot()
    assert "fal isn't taking orders from Wanda right now" in await ordered(stage, files)
    await stage.fal.post("faults", {"locked": False})
    await wait_for_alarms(stage)
    await wait_for_video(stage, await order(stage, files))
    await told(stage, "✅ fal takes orders again, after")
    await told(stage, "⚠️ fal has locked the account (403)")


async def test_a_price_that_moved_and_a_low_balance(stage: Stage, files: Path) -> None:
    """A price that rose turns its mode off, one that fell does not; a low balance is told with how long it lasts."""
    await stage.fal.post("prices", {"endpoint": ENDPOINT, "unit_price": 0.12})
    await stage.fal.post("prices", {"endpoint": "fal-ai/wan-i2v", "unit_price": 0.1})
    await stage.fal.post("settings", {"balance_usd": 3.5})
    await wait_for_alarms(stage, "balance", "price wan27-image", "price wan21-image")
    assert "Wan 2.7 image is off for now, because its price at fal changed." in await ordered(stage, files)
    await told(stage, "⚠️ fal lists Wan 2.7 image at $0.12 a second now, and $0.10 a second before, so Wanda's price")
    await told(stage, "so Wanda's price may be too high. If the model's page on fal.ai says so too, set WANDA_BASE_PR")
    await told(stage, "⚠️ fal's balance is $3.50, below the $10.00 of your warning. At this week's pace it lasts")
    await stage.fal.delete("faults")
    await stage.fal.post("settings", {"balance_usd": 24.5})
    await wait_for_alarms(stage)
    await told(stage, "✅ fal's balance is above your warning again")
    message = await wait_for_video(stage, await order(stage, files))
    assert "$0.20" in text_of(message)
