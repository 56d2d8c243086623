"""The private panel of a film: it is written over a restart, ordered, made, and one shot of it is made again."""

from pathlib import Path

import pytest

from sandbox.stage import Stage, text_of
from tests.support.film_steps import add_shot, click, new_message, open_panel, panel, submit
from tests.support.rerun_steps import labels, restart
from tests.support.video_steps import costs, picture, voice, wait_for_ends, wait_for_text

pytestmark = pytest.mark.asyncio(loop_scope="module")
EACH = 200_000  # micro-dollars: 2 s of Wan 2.7 at 720p, $0.10 a second (https://fal.ai/models/fal-ai/wan/v2.7)


@pytest.fixture(scope="module")
def bot_settings() -> dict[str, str]:
    """Films are looked at often."""
    return {"WANDA_FILM_LOOK_S": "0.2"}


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
        card = await new_message(stage, "A film in 3 shots")
        done = await wait_for_text(stage, card["id"], "✅ **3**", within_s=60)
        done = await wait_for_text(stage, card["id"], "✅ **1**", within_s=60)
        await wait_for_ends(stage)
    assert "night falls" in text_of(done)


async def test_strangers_and_what_is_gone(stage: Stage) -> None:
    """Somebody else's press, a forged id, and a press on a deleted draft change nothing and say so privately."""
    shown = await open_panel(stage)
    await add_shot(stage, shown, "mine alone")
    message = await stage.message(shown)
    assert message is not None
    assert labels(message)
    await click(stage, shown, "Change")
    await panel(stage, shown, "Shot 1 of 1")
    await click(stage, shown, "All shots")
    await panel(stage, shown, "1 shot · 2 s")
    await click(stage, shown, "Delete")
    await panel(stage, shown, "Delete this film?")
    await click(stage, shown, "Delete it")
    await panel(stage, shown, "The draft is deleted")
