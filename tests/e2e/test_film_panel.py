"""The private panel of a film: it is written over a restart, ordered, made, and one shot of it is made again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, buttons_of, components_of, text_of
from tests.support.film_steps import add_shot, choose, click, finished, new_message, open_panel, panel, submit
from tests.support.rerun_steps import id_of, restart
from tests.support.text_commands import read
from tests.support.video_steps import costs, picture, real_file, rows, voice, wait_for_ends, wait_for_text

pytestmark = pytest.mark.asyncio(loop_scope="module")
FLAGGED = {"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation", "url": "https://docs"}
SELECT = 3
EACH = 200_000  # micro-dollars: 2 s of Wan 2.7 at 720p, $0.10 a second (https://fal.ai/models/fal-ai/wan/v2.7)


@pytest.fixture(scope="module")
def bot_settings() -> dict[str, str]:
    """Films are looked at often."""
    return {"WANDA_FILM_LOOK_S": "0.2"}


def ids_of(message: dict[str, Any]) -> list[str]:
    """Return the ids of the message's buttons."""
    return [one["custom_id"] for one in buttons_of(message)]


async def press_of(stage: Stage, user: str, message_id: str, custom_id: str) -> dict[str, Any]:
    """Press a button of a message that the person need not see."""
    body = {"user": user, "message": message_id, "custom_id": custom_id, "unchecked": True}
    return await stage.discord.post("click", body)


async def test_written_over_a_restart_and_made(stage: Stage, files: Path) -> None:
    """Shots, pictures and a sound are kept; after a restart the panel goes on, and the film is made."""
    drawn = picture(files)
    shown = await open_panel(stage)
    await panel(stage, shown, "A film is made of")
    await add_shot(stage, shown, "waves at dusk", files={"image": drawn})
    await add_shot(stage, shown, "a boat arrives")
    await restart(stage)
    await add_shot(stage, shown, "night falls", joining="continue", files={"end_image": drawn})
    said = text_of(await panel(stage, shown, "3 shots · 6 s · $0.60"))
    assert "starts from your picture" in said
    assert "goes on from shot 2 · ends on your picture" in said
    opened = await click(stage, shown, "Look and sound")
    await submit(stage, opened, files={"soundtrack": voice(files)}, crossfade="0.5")
    await panel(stage, shown, "🎵 voice")
    async with costs(stage, members=(0, 3 * EACH), server=(0, 3 * EACH)):
        await click(stage, shown, "Make the film")
        await panel(stage, shown, "on its way")
        card = await new_message(stage, "waves at dusk")
        done = await finished(stage, card["id"])
        await wait_for_ends(stage)
    assert "night falls" in text_of(done)


async def test_a_picture_that_cannot_be_used(stage: Stage, files: Path) -> None:
    """Costs the member nothing of what they typed: the shot is there without it, and the panel says why."""
    broken = real_file(files, "broken.png", b"\x89PNG\r\n\x1a\n")
    shown = await open_panel(stage)
    await add_shot(stage, shown, "typed with care", files={"image": broken})
    said = text_of(await panel(stage, shown, "The rest of the form is kept."))
    assert "broken.png" in said
    assert "new scene" in said
    await click(stage, shown, "Change")
    await panel(stage, shown, "Shot 1 of 1")
    opened = await click(stage, shown, "Edit")
    await submit(stage, opened, prompt="typed again", files={"image": broken})
    assert "broken.png" in text_of(await panel(stage, shown, "typed again"))
    await click(stage, shown, "Remove")
    await panel(stage, shown, "Removed.")


async def test_who_may_press(stage: Stage) -> None:
    """Somebody else's press changes nothing, whatever it is; neither does a press on what is gone."""
    shown = await open_panel(stage)
    await add_shot(stage, shown, "mine alone")
    await add_shot(stage, shown, "mine too")
    for custom_id in ids_of(await stage.message(shown) or {}):
        if custom_id.split(":")[2] not in {"new", "look", "add"}:
            await press_of(stage, "friend", shown, custom_id)
            await panel(stage, shown, "belongs to somebody else")
            other = await open_panel(stage)
            shown = other
    assert "2 shots" in text_of(await panel(stage, shown, "mine too"))
    old, second = shown, await open_panel(stage)
    await click(stage, second, "Change", nth=1)
    await panel(stage, second, "Shot 2 of 2")
    await click(stage, second, "Remove")
    await panel(stage, second, "1 shot · 2 s")
    await click(stage, old, "Change", nth=1)
    await panel(stage, old, "That shot isn't there any more")
    await click(stage, second, "Delete")
    await panel(stage, second, "Delete this film?")
    await click(stage, second, "Delete it")
    await panel(stage, second, "The draft is deleted")
    await click(stage, old, "Change")
    await panel(stage, old, "This draft isn't there any more")


async def test_another_price_than_the_button_says(stage: Stage) -> None:
    """Is asked about: here the film has grown in another window since this panel was shown."""
    old = await open_panel(stage)
    await add_shot(stage, old, "a grey heron")
    await add_shot(stage, old, "it wades")
    await panel(stage, old, "2 shots · 4 s · $0.40")
    new = await open_panel(stage)
    await add_shot(stage, new, "it flies")
    async with costs(stage, members=(0, 0), server=(0, 0)):
        await click(stage, old, "Make the film · $0.40")
        asked = await panel(stage, old, "The price has changed: it was $0.40, and it's $0.60 now.")
        assert any(one["label"] == "Make it · $0.60" for one in buttons_of(asked))
    await click(stage, old, "Back")
    await panel(stage, old, "Your film")
    await click(stage, old, "Delete")
    await panel(stage, old, "Delete this film?")
    await click(stage, old, "Delete it")
    await panel(stage, old, "The draft is deleted")


async def test_pressed_many_times_at_once(stage: Stage, files: Path) -> None:
    """A film is made once however often it is pressed, and a member has three drafts at most."""
    await stage.discord.post("burst", {"user": "friend", "channel": "general", "command": "film", "count": 30})
    friend = (int(await id_of(stage, "friend")),)
    shown = await open_panel(stage, "friend")
    assert 1 <= rows(stage, "SELECT member_id FROM film_drafts").count(friend) <= 3
    await add_shot(stage, shown, "a red kite", user="friend", files={"image": picture(files)})
    await add_shot(stage, shown, "a blue kite", user="friend")
    async with costs(stage, members=(0, 2 * EACH), server=(0, 2 * EACH)):
        await asyncio.gather(*(click(stage, shown, "Make the film", user="friend") for _ in range(10)))
        card = await new_message(stage, "a red kite")
        await finished(stage, card["id"])
        await wait_for_ends(stage)
    assert rows(stage, "SELECT member_id FROM films").count(friend) == 1
    await panel(stage, shown, "on its way", user="friend")
    cards = [one for one in await stage.messages() if "red kite" in text_of(one) and not one["ephemeral_for"]]
    assert len(cards) == 1


async def test_paused_redone_and_whose_it_is(stage: Stage, files: Path) -> None:
    """A shot that fails pauses the film; only its maker goes on with it; a shot of the finished film is made again."""
    shown = await open_panel(stage)
    await add_shot(stage, shown, "first light", files={"image": picture(files)})
    await add_shot(stage, shown, "second", joining="continue")
    await stage.fal.post("faults", {"at": "result", "status": 422, "body": {"detail": [FLAGGED]}, "times": 1})
    await click(stage, shown, "Make the film")
    card = (await new_message(stage, "first light"))["id"]
    paused = await wait_for_text(stage, card, "Paused at shot 1")
    assert "fal's safety check turned down the prompt" in text_of(paused)
    for label in ("Try again", "Edit", "Skip", "Stop"):
        answer = await click(stage, card, label, user="friend")
        assert "Type `/film` to make your own." in (await read(stage, "friend", answer["message_id"])).text
    opened = await click(stage, card, "Edit")
    await submit(stage, opened, prompt="first, calmer")
    done = await finished(stage, card)
    answer = await choose(stage, card, shot_of(done), user="friend")
    assert "Type `/film` to make your own." in (await read(stage, "friend", answer["message_id"])).text
    asked = await read(stage, "maker", (await choose(stage, card, shot_of(done)))["message_id"])
    assert "Shot 2 follows from its last frame" in asked.text
    before = len(await stage.fal.get("requests"))
    await click(stage, asked.message_id, "New seed · $0.20")
    await wait_for_text(stage, card, "▶️ **1**")
    await finished(stage, card)
    await wait_for_ends(stage)
    assert len(await stage.fal.get("requests")) == before + 1
    given = await read(stage, "maker", (await click(stage, card, "Recipe"))["message_id"])
    recipe = real_file(files, "film.json", await stage.discord.fetch(given.files[0]["url"]))
    again = (await stage.slash("maker", "film", recipe=recipe))["message_id"]
    said = text_of(await panel(stage, again, "A recipe holds no files, so add the pictures of shot 1 again."))
    assert "first, calmer" in said
    longer = (await click(stage, card, "Continue"))["message_id"]
    assert "2 s · goes on from shot 1 · made already" in text_of(await panel(stage, longer, "cost nothing more"))
    asked = await read(stage, "maker", (await click(stage, card, "Delete"))["message_id"])
    await click(stage, asked.message_id, "Delete it")
    await panel(stage, asked.message_id, "Deleted.")
    assert await stage.message(card) is None


def shot_of(message: dict[str, Any]) -> str:
    """Return the id of the first shot in the list of a finished film."""
    lists = [one for one in components_of(message) if one["type"] == SELECT]
    return lists[0]["options"][0]["value"]
