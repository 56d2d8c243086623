"""Presets: saved from a video and in a form, used in a command, shared, kept for the server, deleted."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage
from tests.support.rerun_steps import latest_input, one_video, submit_form
from tests.support.text_commands import ask, read
from tests.support.video_steps import order, picture, refusal, rows, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def offered(stage: Stage, user: str, typed: str = "") -> list[str]:
    """Return what the picker offers for `preset`."""
    body = {
        "user": user,
        "channel": "general",
        "command": "wan27 image",
        "options": {"preset": typed},
        "focused": "preset",
    }
    answer: dict[str, Any] = await stage.discord.post("autocomplete", body)
    return [choice["name"] for choice in answer["choices"]]


async def test_from_a_video_to_the_next_one(stage: Stage, files: Path) -> None:
    """A video's settings fill in what the next command leaves out; what is typed wins, and others see none of it."""
    await one_video(stage, files)
    ((job_id,),) = rows(stage, "SELECT id FROM jobs")
    said = await ask(stage, "maker", "preset save", name="Lake", video=job_id)
    assert said.private
    assert "Saved **Lake**" in said.text
    assert (await offered(stage, "maker"), await offered(stage, "friend")) == (["Lake · yours · 720p, 2 s"], [])
    card = await order(stage, files, preset="lake", resolution="1080p", prompt="another lake")
    await wait_for_video(stage, card)
    sent = await latest_input(stage)
    assert (sent["prompt"], sent["resolution"], sent["duration"]) == ("another lake", "1080p", 2)
    answer = await stage.slash("friend", "wan27 image", {"prompt": "x", "preset": "Lake"}, image=picture(files))
    assert "no preset" in await refusal(stage, answer, user="friend")


async def test_a_style_for_everybody(stage: Stage, files: Path) -> None:
    """An admin types a style for the server, and a member's prompt goes into it; members cannot change it."""
    answer = await stage.discord.post(
        "slash",
        {
            "user": "admin",
            "channel": "general",
            "command": "preset save",
            "options": {"name": "Noir", "for_server": True},
        },
    )
    sent = await submit_form(
        stage, "admin", answer, mode="wan27-image", prompt="film noir, {prompt}", settings="duration=2, resolution=720p"
    )
    assert "Saved **Noir** for the whole server" in (await read(stage, "admin", sent["message_id"])).text
    assert await offered(stage, "friend", "noi") == ["Noir · for the whole server · 720p, 2 s"]
    card = await order(stage, files, preset="Noir", prompt="a cat")
    await wait_for_video(stage, card)
    assert (await latest_input(stage))["prompt"] == "film noir, a cat"
    listed = await ask(stage, "friend", "preset list")
    assert "**Noir**" in listed.text
    assert "Only people who manage this server" in (await ask(stage, "friend", "preset delete", preset="Noir")).text
    assert (
        "Only people who manage this server"
        in (await ask(stage, "maker", "preset save", name="x", for_server=True)).text
    )
    assert "Deleted **Noir**" in (await ask(stage, "admin", "preset delete", preset="Noir")).text


async def test_sharing(stage: Stage, files: Path) -> None:
    """A shared preset is everybody's to use, and its owner's to take back."""
    del files
    answer = await stage.discord.post(
        "slash", {"user": "maker", "channel": "general", "command": "preset save", "options": {"name": "Mine"}}
    )
    sent = await submit_form(stage, "maker", answer, mode="wan27-image", settings="duration=3")
    assert "Saved **Mine**" in (await read(stage, "maker", sent["message_id"])).text
    assert "Everybody" in (await ask(stage, "maker", "preset share", preset="Mine")).text
    assert await offered(stage, "friend") == ["Mine · shared · 3 s"]
    assert "somebody else's" in (await ask(stage, "friend", "preset share", preset="Mine")).text
    await ask(stage, "maker", "preset share", preset="Mine", with_everybody=False)
    assert await offered(stage, "friend") == []
