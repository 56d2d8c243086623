"""A film of five shots from the panel to the post: one fails and is tried again, and the bot is killed on the way."""

import asyncio
import json
import signal
from pathlib import Path

from sandbox.stage import Stage, eventually
from tests.support.film_steps import add_shot, choose, click, new_message, open_panel, panel
from tests.support.text_commands import read
from tests.support.video_steps import held_and_spent, picture, rows, wait_for_ends, wait_for_text, wrong_books

EACH = 200_000  # micro-dollars: 2 s of Wan 2.7 at 720p, $0.10 a second (https://fal.ai/models/fal-ai/wan/v2.7)
SETTINGS = {"WANDA_FILM_LOOK_S": "0.5"}
IMAGE = "fal-ai/wan/v2.7/image-to-video"


async def film_is(stage: Stage, state: str) -> str:
    """Return the body of the only film once it is in this state."""

    async def look() -> str | None:
        found = await asyncio.to_thread(rows, stage, "SELECT body FROM films")
        return found[0][0] if found and f'"state":"{state}"' in found[0][0] else None

    return await eventually(look, what=f"film that is {state}", within_s=60)


async def kill_and_start(stage: Stage, running: int) -> None:
    """Kill the bot once so many shots are made at once, between two submits, and start it again."""

    async def made_at_once() -> bool | None:
        states = [state for (state,) in await asyncio.to_thread(rows, stage, "SELECT state FROM jobs WHERE told = 0")]
        return True if len(states) == running and {"queued", "running"}.issuperset(states) else None

    await eventually(made_at_once, what=f"{running} shots being made", within_s=60)
    assert stage.bot is not None
    await stage.bot.stop(how=signal.SIGKILL)
    await stage.start_bot(**SETTINGS)


async def test_five_shots_with_a_failure_and_kills(empty_stage: Stage, files: Path) -> None:
    """Each shot is paid once and nothing is lost; a redo of one shot makes one more video and joins again."""
    stage = empty_stage
    await stage.start_bot(**SETTINGS)
    await stage.fal.post("settings", {"seconds_per_job": 2})
    await stage.fal.post("faults", {"at": "result", "error_type": "content_policy_violation", "endpoint": IMAGE})
    shown = await open_panel(stage)
    await add_shot(stage, shown, "waves at dusk")
    await add_shot(stage, shown, "a boat arrives", joining="cut")
    await add_shot(stage, shown, "it lands", joining="continue")
    await add_shot(stage, shown, "night falls", joining="morph", files={"end_image": picture(files)})
    await add_shot(stage, shown, "a lamp is lit", joining="cut")
    await panel(stage, shown, "5 shots · 10 s · $1.00")
    await click(stage, shown, "Make the film")
    card = (await new_message(stage, "A film in 5 shots"))["id"]
    await kill_and_start(stage, 3)
    await wait_for_text(stage, card, "Paused at shot 3", within_s=60)
    assert of_member(stage) == (EACH, 3 * EACH)
    await click(stage, card, "Try again")
    await kill_and_start(stage, 1)
    await film_is(stage, "done")
    await wait_for_ends(stage)
    await six_videos(stage, card)
    assert len(await stage.fal.get("submits")) == 6
    assert of_member(stage) == (0, 5 * EACH)
    await redo_the_last(stage, card)
    assert wrong_books(stage) == []


def of_member(stage: Stage) -> tuple[int, int]:
    """Return what is held and spent of the member's allowance."""
    return next(sums for scope, sums in held_and_spent(stage).items() if scope.startswith("member"))


async def six_videos(stage: Stage, card: str) -> list[str]:
    """Return the names of the film and its five shots once all are on the one message."""

    async def look() -> list[str] | None:
        message = await stage.message(card)
        names = [one["filename"] for one in message["attachments"]] if message else []
        return names if len(names) == 6 else None

    return await eventually(look, what="film with its five shots", within_s=60)


async def redo_the_last(stage: Stage, card: str) -> None:
    """Make the last shot anew, which nothing follows: one more video is paid, and the film is joined again."""
    before = await six_videos(stage, card)
    shot = json.loads(await film_is(stage, "done"))["takes"][4]["shot"]["id"]
    asked = await read(stage, "maker", (await choose(stage, card, shot, of="wanda:shots:"))["message_id"])
    await click(stage, asked.message_id, "New seed · $0.20")

    async def joined_again() -> bool | None:
        film = json.loads(await film_is(stage, "done"))
        return True if film["revision"] == 2 else None

    await eventually(joined_again, what="film that was joined again", within_s=60)
    await wait_for_ends(stage)
    assert of_member(stage) == (0, 6 * EACH)
    assert len(await stage.fal.get("submits")) == 7
    after = await six_videos(stage, card)
    assert len(set(before) & set(after)) == 4
