"""What a member can do after a refusal, with a press and without typing again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.stage import Stage, eventually, file_body, text_of
from tests.e2e.conftest import QUICK
from tests.support import text_commands
from tests.support.film_steps import add_shot, click, open_panel, panel
from tests.support.rerun_steps import differ, labels, latest_input, press, wait_for_message
from tests.support.video_steps import picture, wait_for_state, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {**QUICK, "WANDA_MEMBER_DAILY_USD": "1", "WANDA_FORMS_EACH_MAX": "2"}
PROMPT = "the lake begins to shimmer"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A bot that gives each member $1.00 a day; maker and friend confirm nothing."""
    async with Stage(tmp_path_factory.mktemp("data"), seconds_per_job=0.3, settings=SETTINGS) as ready:
        await ready.start_bot()
        for user in ("maker", "friend", "admin"):
            await text_commands.ask(ready, user, "quota ask", above="5")
        yield ready


def no_picture(folder: Path, name: str) -> Path:
    """Write a text file that calls itself a picture, and return its path."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("no picture at all")
    return path


async def refused(stage: Stage, user: str, file: Path, words: str, **options: Any) -> dict[str, Any]:
    """Type a command that is refused in these words, and return the refusal."""
    typed = {"prompt": PROMPT, "resolution": "720p", "duration": 5, **options}
    await stage.slash(user, "wan27 image", typed, image=file)
    return await wait_for_message(stage, words, seen_by=user)


async def wait_for_label(stage: Stage, message_id: str, label: str) -> None:
    """Return once the message has a button with this label."""

    async def look() -> bool | None:
        message = await stage.message(message_id)
        return True if message and label in labels(message) else None

    await eventually(look, what=f"{label} button")


async def card_after(stage: Stage, answer: dict[str, Any]) -> dict[str, Any]:
    """Return the video that a press or a form ended in."""
    return await wait_for_video(stage, answer["message_id"])


async def test_fix_it(stage: Stage, files: Path) -> None:
    """A refused file can be replaced in a form that has all that was typed, and nobody else can open it."""
    refusal = await refused(stage, "maker", no_picture(files, "lake.png"), "lake.png", duration=3)
    assert labels(refusal) == ["Fix it"]
    form = await press(stage, "maker", refusal["id"], "Fix it")
    fields = {field["custom_id"]: field for field in form["modal"]["fields"]}
    assert fields["prompt"]["value"] == PROMPT
    assert fields["duration"]["value"] == "3"
    body = {"user": "maker", "modal": form["modal"]["id"], "fields": {"prompt": f"{PROMPT} at dawn"}}
    answer = await stage.discord.post("submit", {**body, "files": {"image": file_body(picture(files))}})
    await card_after(stage, answer)
    asked = await latest_input(stage)
    assert (asked["prompt"], asked["duration"], asked["resolution"]) == (f"{PROMPT} at dawn", 3, "720p")


async def test_the_nearest_affordable(stage: Stage, files: Path) -> None:
    """A too dear video names the nearest affordable one, and one press makes it, once."""
    refusal = await refused(stage, "friend", picture(files), "costs $2.25", duration=15, resolution="1080p")
    assert labels(refusal)[0] == "Make 720p, 10 s: $1.00"
    assert "shorter video" not in text_of(refusal)
    answer = await press(stage, "friend", refusal["id"], "Make 720p, 10 s")
    await card_after(stage, answer)
    asked = await latest_input(stage)
    assert (asked["prompt"], asked["duration"], asked["resolution"]) == (PROMPT, 10, "720p")
    again = await press(stage, "friend", refusal["id"], "Make 720p, 10 s")
    assert "no longer has what you typed" in again["content"]


async def test_ask_an_admin(stage: Stage, files: Path) -> None:
    """A request is posted once, only an admin answers it, a second press gives nothing, and the member is told."""
    refusal = await refused(stage, "maker", picture(files), "costs $2.25", duration=15, resolution="1080p")
    await press(stage, "maker", refusal["id"], "Ask an admin")
    request = await wait_for_message(stage, "more for a video of $2.25", seen_by="admin")
    refusal = await wait_for_message(stage, "The admins can see your request")
    (grant,) = [label for label in labels(request) if label.startswith("Grant")]
    assert "Only people who manage" in (await press(stage, "friend", request["id"], "Grant"))["content"]
    twice = [stage.discord.post("click", {"user": "admin", "message": request["id"], "label": grant}) for _ in range(2)]
    await asyncio.gather(*twice, return_exceptions=True)  # the second may find the buttons gone
    request = await wait_for_message(stage, " gave ", seen_by="admin")
    await wait_for_message(stage, "you got")
    assert "You can spend **$2.25** now" in (await text_commands.ask(stage, "maker", "quota show")).text
    answer = await press(stage, "maker", refusal["id"], "Try again")
    await card_after(stage, answer)
    assert (await latest_input(stage))["duration"] == 15


async def test_a_cancelled_video_is_tried_again(stage: Stage, files: Path) -> None:
    """The card of a video that was not made has Try again and Edit, with all that was asked and its file."""
    await stage.fal.post("settings", {"seconds_per_job": 60})
    typed = {"prompt": PROMPT, "resolution": "720p", "duration": 2, "seed": 7}
    card = (await stage.slash("admin", "wan27 image", typed, image=picture(files)))["message_id"]
    await wait_for_state(stage, card, "running")
    before = await latest_input(stage)
    await press(stage, "admin", card, "Cancel")
    await wait_for_state(stage, card, "cancelled", "failed")
    await wait_for_label(stage, card, "Try again")
    await stage.fal.post("settings", {"seconds_per_job": 0.3})
    form = await press(stage, "friend", card, "Edit")
    assert {"duration", "seed"} <= {field["custom_id"] for field in form["modal"]["fields"]}
    await card_after(stage, await press(stage, "admin", card, "Try again"))
    assert differ(before, await latest_input(stage)) == set()


async def test_a_form_that_was_forgotten(stage: Stage, files: Path) -> None:
    """A form that newer ones closed is answered with what was typed into it."""
    refusal = await refused(stage, "admin", no_picture(files, "sea.png"), "sea.png")
    forms = [await press(stage, "admin", refusal["id"], "Fix it") for _ in range(3)]
    body = {"user": "admin", "modal": forms[0]["modal"]["id"], "fields": {"prompt": "a sea of glass"}}
    answer = await stage.discord.post("submit", {**body, "files": {"image": file_body(picture(files))}})
    assert answer["ephemeral"]
    assert "a sea of glass" in answer["content"]


async def test_ask_an_admin_for_a_film(stage: Stage) -> None:
    """The panel of a film that is too dear says what is left, and one press asks for the rest; the film stays."""
    shown = await open_panel(stage, "friend")
    await add_shot(stage, shown, "a long dawn", user="friend", seconds="15")
    await add_shot(stage, shown, "a longer dusk", user="friend", seconds="15")
    await panel(stage, shown, "or ask an admin", user="friend")
    await click(stage, shown, "Make the film · $3.00", user="friend")
    await panel(stage, shown, "cost $3.00", user="friend")
    await click(stage, shown, "Ask an admin", user="friend")
    await panel(stage, shown, "then press Make the film", user="friend")
    await wait_for_message(stage, "$3.00", seen_by="admin")
