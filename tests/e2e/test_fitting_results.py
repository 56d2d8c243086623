"""A finished video above the upload limit is posted as a smaller copy with sound, and the original's link."""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import pytest
import pytest_asyncio

from sandbox.stage import Stage, eventually, file_body, text_of, videos_of
from tests.e2e.conftest import QUICK
from tests.e2e.test_delivery import exchanges, held
from tests.e2e.test_fitting import noisy_png
from tests.support.video_steps import wait_for_text, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")
MIB = 1024 * 1024
PATIENT = {**QUICK, "WANDA_DOWNLOAD_RETRIES": "20", "WANDA_DOWNLOAD_WAIT_S": "0.05"}
FULL = {"prompt": "rain on the lake", "resolution": "1080p", "duration": 15, "seed": 7}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Start a bot that retries a failed download many times."""
    async with Stage(tmp_path_factory.mktemp("data"), seconds_per_job=0.1, settings=PATIENT) as ready:
        await ready.start_bot()
        yield ready


def read(content: bytes) -> tuple[int, int, float, int]:
    """Return width, height, seconds, and the number of sound tracks."""
    with av.open(io.BytesIO(content), "r") as container:
        video = container.streams.video[0]
        return video.width, video.height, (container.duration or 0) / 1_000_000, len(container.streams.audio)


def original_of(message: dict[str, Any]) -> str:
    """Return the card's line about fal's original."""
    return next(line for line in text_of(message).splitlines() if line.startswith("-# Original"))


async def order_full_in(stage: Stage, channel: str, picture: Path) -> str:
    """Order a video of 15 s in 1080p in a channel; returns the card's message id."""
    body = {"user": "maker", "channel": channel, "command": "wan27 image", "options": FULL}
    answer = await stage.discord.post("slash", {**body, "files": {"image": file_body(picture)}})
    assert answer["acknowledged"], answer
    return answer["message_id"]


async def test_a_full_video_in_two_servers(stage: Stage, files: Path) -> None:
    """A 1080p video of 25 MiB is encoded for a limit of 10 MiB and posted unchanged for 50; commands work meanwhile."""
    await stage.fal.post("settings", {"result_mb": 25})
    cinema = {"servers": [{"name": "Cinema", "tier": 2}], "channels": [{"name": "big-screen", "server": "Cinema"}]}
    await stage.discord.post("world", cinema)
    picture = await asyncio.to_thread(noisy_png, files, 640, 360, 25)
    small = await order_full_in(stage, "general", picture)
    await order_full_in(stage, "big-screen", picture)

    await wait_for_text(stage, small, "Making it fit this server", within_s=60)
    clock = asyncio.get_running_loop().time
    for _ in range(5):
        began = clock()
        answer = await stage.slash("friend", "quota show")
        assert answer["acknowledged"]
        assert clock() - began < 3, "a command waited for an encode, which takes longer"
    await wait_for_text(stage, small, "%")

    message = await wait_for_video(stage, small, within_s=120)
    video = videos_of(message)[0]
    assert MIB < video["size"] <= 10 * MIB
    width, height, seconds, tracks = await asyncio.to_thread(read, await stage.discord.fetch(video["url"]))
    assert (width, height, tracks) == (1920, 1080, 1)
    assert seconds == pytest.approx(15, abs=0.1)
    said = original_of(message)
    assert re.search(r"1920 × 1080, 25 MB\]\(<http.*>\)\. fal keeps it until about <t:\d+:D>", said)
    link = said.split("(<")[1].split(">)")[0]
    assert len(await stage.fal.fetch(link)) == 25 * MIB

    async def look() -> dict[str, Any] | None:
        seen = await stage.messages(channel="big-screen")  # a slow machine makes a notice beside the card
        return next((card for card in seen if videos_of(card)), None)

    boosted = await eventually(look, what="video in the boosted server")
    assert boosted["attachments"][0]["size"] == 25 * MIB
    assert "Original" not in text_of(boosted)


async def test_refused_as_too_large(stage: Stage, files: Path) -> None:
    """When Discord refuses a size that it had allowed, a smaller copy is posted, with the original's link.

    A size that only the member's Nitro allows is refused once the interaction's token has expired.
    """
    await stage.discord.post("world", {"members": [{"name": "patron", "roles": [], "upload_limit_mib": 50}]})
    await stage.fal.post("settings", {"result_mb": 12})
    async with held(stage, files, user="patron") as message_id:
        await stage.discord.post("advance", {"seconds": 901})
    message = await wait_for_video(stage, message_id)
    assert videos_of(message)[0]["size"] <= 0.7 * 12 * MIB
    assert "Original" in text_of(message)
    answers = [line["status"] for line in await exchanges(stage, "PATCH", "/channels/")]
    assert answers.count(413) == 1
