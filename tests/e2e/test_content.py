"""Content rules hold at every door: whatever a member uses to order, the rules see the final request."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sandbox.stage import Stage, eventually, file_body, text_of
from tests.support.rerun_steps import one_video, press, react, submit_form, wait_for_message
from tests.support.text_commands import admin, read
from tests.support.video_steps import (
    no_trace,
    order,
    picture,
    real_file,
    refusal,
    wait_for_state,
    wait_for_text,
    wait_for_video,
)

Door = Callable[[Stage, str, Path], Awaitable[str]]


async def _command(stage: Stage, card: str, files: Path) -> str:
    asked = {"prompt": "the l\u00e0k\u0435 burns", "resolution": "720p", "duration": 2}
    return await refusal(stage, await stage.slash("maker", "wan27 image", asked, image=picture(files)))


async def _rerun(stage: Stage, card: str, files: Path) -> str:
    return await refusal(stage, await press(stage, "maker", card, "Rerun"))


async def _edit(stage: Stage, card: str, files: Path) -> str:
    form = await press(stage, "maker", card, "Edit")
    kept = {field["custom_id"]: field["value"] for field in form["modal"]["fields"] if field["value"]}
    return await refusal(stage, await submit_form(stage, "maker", form, **kept, resolution="720p"))


async def _continue(stage: Stage, card: str, files: Path) -> str:
    form = await press(stage, "maker", card, "Continue")
    answer = await submit_form(stage, "maker", form, prompt="over the lake", duration="5", resolution="720p")
    return await refusal(stage, answer)


async def _recipe(stage: Stage, card: str, files: Path) -> str:
    options = '{"prompt": "a lake", "duration": 2, "resolution": "720p", "enable_safety_checker": false}'
    recipe = real_file(files, "recipe.json", f'{{"recipe": 1, "mode": "wan27-image", "options": {options}}}'.encode())
    return await refusal(stage, await stage.slash("maker", "jobs replay", {}, recipe=recipe, image=picture(files)))


async def _menu(stage: Stage, card: str, files: Path) -> str:
    said: dict[str, Any] = {"user": "friend", "channel": "general", "content": "look"}
    message = await stage.discord.post("say", {**said, "files": [file_body(picture(files))]})
    body = {"user": "maker", "message": message["id"], "command": "Animate picture"}
    form = await stage.discord.post("menu", body)
    return await refusal(stage, await submit_form(stage, "maker", form, prompt="Lake!", duration="2"))


async def _reaction(stage: Stage, card: str, files: Path) -> str:
    await react(stage, "maker", card, "\U0001f501")
    return text_of(await wait_for_message(stage, "isn't allowed", channel="@maker"))


DOORS: tuple[Door, ...] = (_command, _rerun, _edit, _continue, _recipe, _menu, _reaction)


async def test_a_refused_word_is_refused_at_every_door(empty_stage: Stage, files: Path) -> None:
    """Command, rerun, edit, continuation, recipe, menu and reaction are refused, privately, for nothing."""
    stage = empty_stage
    await stage.start_bot()
    card = await one_video(stage, files)
    await admin(stage, "content words", add="gore, Lake")
    for door in DOORS:
        async with no_trace(stage):
            said = await door(stage, card, files)
            assert "“lake” isn't allowed in prompts here" in said, door.__name__
            assert "/wanda-admin content words" in said


async def test_what_videos_may_be_here(empty_stage: Stage, files: Path) -> None:
    """Age-restricted channels only, spoilers always, the safety check on, and the log of prompts, as admins chose."""
    stage = empty_stage
    await stage.start_bot(WANDA_PING_LOOK_S="0.1")
    await stage.discord.post("world", {"channels": [{"name": "prompts"}]})
    await admin(stage, "content set", channels="restricted")
    asked = {"prompt": "a lake", "resolution": "720p", "duration": 2}
    answer = await stage.slash("maker", "wan27 image", asked, image=picture(files))
    assert "age-restricted channels only" in await refusal(stage, answer)
    await stage.discord.post("change", {"channels": [{"name": "general", "nsfw": True}]})
    await admin(stage, "content set", spoilers="always")
    await admin(stage, "content prompt-log", channel="prompts")
    card = await order(stage, files, prompt="@everyone, a *lake*", enable_safety_checker=False)
    video = await wait_for_video(stage, card)
    assert video["attachments"][0]["filename"].startswith("SPOILER_")
    await wait_for_text(stage, card, "safety check stays on")
    await wait_for_state(stage, card, "done")
    (request,) = await stage.fal.get("requests")
    assert request["input"]["enable_safety_checker"] is True

    async def logged() -> dict[str, Any] | None:
        return next(iter(await stage.messages(channel="prompts", seen_by="admin")), None)

    line = await eventually(logged, what="prompt in the log")
    assert line["pinged"] == []
    assert f"/{card}\n" in line["content"]
    assert "a \\*lake\\*" in line["content"]
    shown = await read(stage, "admin", (await admin(stage, "budget show")).message_id)
    assert "Videos: in age-restricted channels only" in shown.text
