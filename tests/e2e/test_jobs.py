"""/jobs: a member lists, filters, pages, shows and cancels their videos, and replays them from a recipe."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.jobs.short_id import short_id
from sandbox.stage import Stage, eventually, text_of
from tests.support.rerun_steps import press
from tests.support.text_commands import Answer, ask, click, read, wait_for_answer
from tests.support.video_steps import PRICED, order, picture, real_file, refusal, wait_for_state, wait_for_video

module = pytest.mark.asyncio(loop_scope="module")


async def one_video(stage: Stage, files: Path, *, user: str = "maker", **options: Any) -> str:
    """Order a video, wait until its job is done, and return the card's message id."""
    message_id = await order(stage, files, user=user, **options)
    await wait_for_video(stage, message_id)
    await wait_for_state(stage, message_id, "done")
    return message_id


async def job_ids(stage: Stage, user: str, command: str = "jobs show", typed: str = "") -> list[dict[str, str]]:
    """Return the choices that this member is offered for the option `job`."""
    body = {"user": user, "channel": "general", "command": command, "options": {"job": typed}, "focused": "job"}
    answer = await stage.discord.post("autocomplete", body)
    assert answer["acknowledged"], answer
    return answer["choices"]


async def recipe_of(stage: Stage, job_id: str) -> tuple[Answer, bytes]:
    """Return the answer to /jobs recipe, and the attached file's content."""
    answer = await ask(stage, "maker", "jobs recipe", job=job_id)
    return answer, await stage.discord.fetch(answer.files[0]["url"])


@module
async def test_list_with_link_state_and_cost(stage: Stage, files: Path) -> None:
    """The list is private and shows each video's linked prompt, state and cost."""
    card = await one_video(stage, files, prompt="a swan lands")
    answer = await ask(stage, "maker", "jobs list")
    assert answer.private
    first = answer.raw["embeds"][0]["description"].splitlines()
    assert first[0].startswith("**[a swan lands](https://discord.com/channels/")
    assert f"/{card})** · <t:" in first[0]
    assert first[1] == "-# ✅ done · $0.20 · Wan 2.7 image"
    others = await ask(stage, "friend", "jobs list")
    assert "a swan lands" not in others.text


@module
async def test_list_filtered(stage: Stage, files: Path) -> None:
    """Mode and state filter the list, and an empty one says so."""
    await one_video(stage, files, prompt="only done here")
    assert "only done here" in (await ask(stage, "maker", "jobs list", mode="wan27-image", state="done")).text
    for name, value in (("mode", "wan22-video"), ("state", "failed")):
        options: dict[str, Any] = {name: value}
        answer = await ask(stage, "maker", "jobs list", **options)
        assert "You have no videos like that here." in answer.text
    modes = answer.raw["components"][1]["components"][0]["custom_id"]
    body = {"user": "maker", "message": answer.message_id, "custom_id": modes, "values": ["wan27-image"]}
    assert modes == "wanda:list:mode:failed:any"
    await stage.discord.post("click", body)

    async def states() -> str | None:
        shown = await stage.message(answer.message_id, seen_by="maker")
        custom_id = "" if shown is None else shown["components"][0]["components"][0]["custom_id"]
        return custom_id if custom_id == "wanda:list:state:failed:wan27-image" else None

    chosen = await eventually(states, what="list of the chosen mode")
    await stage.discord.post("click", {**body, "custom_id": chosen, "values": ["done"]})
    await wait_for_answer(stage, "maker", answer, "only done here")


@module
async def test_queue(stage: Stage, files: Path) -> None:
    """Everybody sees privately what is being made, their own first, and can cancel that."""
    await stage.fal.post("settings", {"seconds_per_job": 30})
    card = await order(stage, files, prompt="a long wait")
    await wait_for_state(stage, card, "running")
    mine = await ask(stage, "maker", "queue")
    assert mine.private
    assert "1 video being made\n**Yours**\n1. [a long wait](" in mine.text
    theirs = await ask(stage, "friend", "queue")
    assert "- [a long wait](" in theirs.text
    assert ") by @maker · 🎬 " in theirs.text
    assert not theirs.raw["components"]
    await stage.discord.post("click", {"user": "maker", "message": mine.message_id, "label": "Cancel"})
    await wait_for_state(stage, card, "cancelled")
    assert "Nothing is being made here right now." in (await ask(stage, "maker", "queue")).text


@pytest.mark.asyncio
async def test_pages_after_a_restart(empty_stage: Stage, files: Path) -> None:
    """A page has eight videos, and its buttons work after a restart too."""
    stage = empty_stage
    await stage.start_bot()
    await one_video(stage, files, prompt="video number 0")
    async with asyncio.TaskGroup() as group:
        for number in range(1, 8):
            group.create_task(one_video(stage, files, prompt=f"video number {number}"))
    await one_video(stage, files, prompt="video number 8")
    answer = await ask(stage, "maker", "jobs list", mode="wan27-image")
    assert "video number 8" in answer.text
    assert "video number 0" not in answer.text
    assert stage.bot is not None
    await stage.bot.stop()
    await stage.start_bot()
    older = await click(stage, "maker", answer, "Older")
    assert "video number 0" in older.text
    assert "video number 8" not in older.text
    newest = await click(stage, "maker", older, "Newest")
    assert "video number 8" in newest.text


@module
async def test_show(stage: Stage, files: Path) -> None:
    """A video is shown in full to its own member only, by its id, its short id or a choice."""
    card = await one_video(stage, files, prompt="a long look", negative_prompt="rain", seed=5)
    await wait_for_video(stage, card)
    await wait_for_state(stage, card, "done")
    more = await stage.message((await press(stage, "maker", card, "More…"))["message_id"])
    (chosen,) = await job_ids(stage, "maker", typed="a long look")
    assert short_id(chosen["value"]) in text_of(more or {})
    answer = await ask(stage, "maker", "jobs show", job=chosen["value"])
    for words in ("a long look", "rain", "State: ✅ done", "Seed: `5`", "image: lake", "Kept until", "$0.20"):
        assert words in answer.text, words
    assert (await ask(stage, "maker", "jobs show", job=f"job {short_id(chosen['value'])}")).text == answer.text
    for wrong in (chosen["value"][::-1], "%", "abc"):
        assert "You have no such video" in (await ask(stage, "maker", "jobs show", job=wrong)).text
    assert "You have no such video" in (await ask(stage, "friend", "jobs show", job=chosen["value"])).text
    assert chosen["value"] not in [one["value"] for one in await job_ids(stage, "friend")]


@module
async def test_cancel(stage: Stage, files: Path) -> None:
    """A member cancels their own running video; an ended one cannot be cancelled."""
    await stage.fal.post("settings", {"seconds_per_job": 30})
    card = await order(stage, files, prompt="never mind")
    await wait_for_state(stage, card, "running")
    (offered,) = await job_ids(stage, "maker", "jobs cancel", typed="never mind")
    assert "You have no such video" in (await ask(stage, "friend", "jobs cancel", job=offered["value"])).text
    answer = await ask(stage, "maker", "jobs cancel", job=offered["value"])
    assert "Wanda asked fal to stop" in answer.text
    await wait_for_state(stage, card, "cancelled")
    again = await ask(stage, "maker", "jobs cancel", job=offered["value"])
    assert "already over" in again.text


@module
async def test_a_recipe_is_replayed_by_somebody_else(stage: Stage, files: Path) -> None:
    """A recipe with its picture sends fal the same request, whichever member replays it."""
    await one_video(stage, files, prompt="replay me", seed=99, enable_prompt_expansion=False)
    (chosen,) = await job_ids(stage, "maker", typed="replay me")
    answer, content = await recipe_of(stage, chosen["value"])
    assert answer.private
    assert answer.files[0]["filename"] == f"recipe-{short_id(chosen['value'])}.json"
    recipe = json.loads(content)
    assert (recipe["mode"], recipe["seed"]) == ("wan27-image", 99)
    kept = real_file(files, "recipe.json", content)
    replayed = await stage.slash("friend", "jobs replay", {}, recipe=kept, image=picture(files))
    assert "replay me" in text_of(await wait_for_video(stage, replayed["message_id"]))
    asked = [one["input"] for one in await stage.fal.get("requests") if one["input"].get("prompt") == "replay me"]
    assert len(asked) == 2
    first, second = ({name: value for name, value in one.items() if name != "image_url"} for one in asked)
    assert first == second


@module
async def test_a_recipe_without_its_files(stage: Stage, files: Path) -> None:
    """A recipe without its files is refused privately with their names, and a file that is no recipe is refused too."""
    await one_video(stage, files, prompt="where is my picture")
    (chosen,) = await job_ids(stage, "maker", typed="where is my picture")
    _, content = await recipe_of(stage, chosen["value"])
    kept = real_file(files, "recipe.json", content)
    answer = await stage.slash("maker", "jobs replay", {}, recipe=kept)
    assert "attach image (it was a image)" in (await refusal(stage, answer)).replace("an image", "a image")
    for name, wrong in (("a.json", b"{}"), ("b.json", b"\xff\x00"), ("c.json", b"[" * 5000)):
        answer = await stage.slash("maker", "jobs replay", {}, recipe=real_file(files, name, wrong))
        assert "recipe" in await refusal(stage, answer)
    answer = await stage.slash("maker", "jobs replay", {}, recipe=real_file(files, "d.json", b" " * 70_000))
    assert "a recipe is 64 KB at most" in await refusal(stage, answer)


@module
async def test_a_costly_recipe_asks_first(stage: Stage, files: Path) -> None:
    """A replay above the member's threshold is made only after they confirm, as with a command."""
    await ask(stage, "friend", "quota ask", above="0")
    try:
        options = {"prompt": "dear me", **PRICED}
        recipe: dict[str, Any] = {"recipe": 1, "mode": "wan27-image", "options": options, "inputs": []}
        kept = real_file(files, "dear.json", json.dumps(recipe).encode())
        answer = await stage.slash("friend", "jobs replay", {}, recipe=kept, image=picture(files))

        async def question() -> dict[str, Any] | None:
            seen = await stage.messages(seen_by="friend")
            return next((m for m in seen if m["ephemeral_for"] == "friend" and "dear me" in text_of(m)), None)

        asked = await eventually(question, what="question")
        assert await stage.message(answer["message_id"], seen_by="maker") is None
        await stage.discord.post("click", {"user": "friend", "message": asked["id"], "label": "Make it"})

        async def made() -> dict[str, Any] | None:
            seen = await stage.messages()
            return next((m for m in seen if m["attachments"] and "dear me" in text_of(m)), None)

        await eventually(made, what="video")
    finally:
        await ask(stage, "friend", "quota ask", above="default")


@module
async def test_a_forged_page(stage: Stage, files: Path) -> None:
    """A list with an unknown filter is refused with a sentence."""
    await one_video(stage, files)
    answer = await ask(stage, "maker", "jobs list", unchecked=True, state="everything")
    assert "“everything” is none of the choices for state" in (await read(stage, "maker", answer.message_id)).text
