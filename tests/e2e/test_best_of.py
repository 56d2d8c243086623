"""The best of several: cheap drafts in one message, a pick or a vote, and only the picked one made as ordered."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.stage import Stage, buttons_of, components_of, eventually, text_of, videos_of
from tests.support.rerun_steps import labels, latest_input, wait_for_inputs
from tests.support.text_commands import admin, read
from tests.support.video_steps import (
    ORDERED,
    costs,
    gallery,
    no_trace,
    order,
    picture,
    refusal,
    rows,
    wait_for_ends,
    wait_for_text,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
# 2 s of Wan 2.7 at $0.10 and $0.15 a second (https://fal.ai/models/fal-ai/wan/v2.7/image-to-video), in micro-dollars.
DRAFT, FINAL = 200_000, 300_000


@pytest.fixture(scope="module")
def bot_settings() -> dict[str, str]:
    """A bot that looks often, and draws the votes soon."""
    return {"WANDA_PICK_LOOK_S": "0.3", "WANDA_VOTE_EDIT_S": "0.1"}


async def drafts(stage: Stage, files: Path, number: int, **options: Any) -> str:
    """Order so many drafts, and return their message once one can be picked."""
    card = await order(stage, files, variations=10 + number, resolution="1080p", **options)
    await gallery(stage, card, number)
    await wait_for_text(stage, card, "set aside until")
    return card


async def said(stage: Stage, user: str, card: str, label: str) -> str:
    """Press the button whose label begins so, and return the private answer; votes change a label at any time."""
    buttons = buttons_of(await stage.message(card) or {})
    pressed = next(one["custom_id"] for one in buttons if one["label"].startswith(label))
    answer = await stage.discord.post("click", {"user": user, "message": card, "custom_id": pressed})
    return (await read(stage, user, answer["message_id"])).text


async def final_of(stage: Stage, card: str) -> dict[str, Any]:
    """Return the final, a reply to the drafts, once it has its video."""

    async def look() -> dict[str, Any] | None:
        replies = [one for one in await stage.messages() if one["reference"] == card]
        return next((one for one in replies if videos_of(one)), None)

    found = await eventually(look, what="final of the picked draft")
    await wait_for_ends(stage)
    return found


async def test_the_makers_pick(stage: Stage, files: Path) -> None:
    """Drafts at 720p come in one message, their maker picks one, and that is made once, in 1080p with its seed."""
    async with costs(stage, members=(0, 2 * DRAFT + FINAL), server=(0, 2 * DRAFT + FINAL)):
        card = await drafts(stage, files, 2, seed=7)
        message = await stage.message(card) or {}
        assert "$0.40 for 2 drafts + $0.30 for the final" in text_of(message)
        assert labels(message) == ["Pick 1 · $0.30", "Pick 2 · $0.30", "None of these"]
        assert {one["resolution"] for one in (await wait_for_inputs(stage, 2))[-2:]} == {"720p"}
        assert "so only they can pick" in await said(stage, "friend", card, "Pick 1")
        assert "Draft 2 it is" in await said(stage, "maker", card, "Pick 2")
        final = await final_of(stage, card)
    sent = await latest_input(stage)
    assert (sent["seed"], sent["resolution"], sent["duration"]) == (8, "1080p", 2)
    assert "which was picked" in text_of(final)
    message = await wait_for_text(stage, card, "Draft 2 is picked.** [The final in 1080p]")
    assert labels(message) == ["Final 1 · $0.30", "Final 2 · $0.30"]


async def choose(stage: Stage, user: str, card: str, value: str) -> str:
    """Choose from the select below the drafts, and return the private answer."""
    (select,) = [part for part in components_of(await stage.message(card) or {}) if part["type"] == 3]
    body = {"user": user, "message": card, "custom_id": select["custom_id"], "values": [value]}
    return (await read(stage, user, (await stage.discord.post("click", body))["message_id"])).text


async def test_a_vote_of_the_channel(stage: Stage, files: Path) -> None:
    """Members vote, once each, and may change it, but not while blocked or in a time-out; the winner is made."""
    async with costs(stage, members=(0, 2 * DRAFT + FINAL), server=(0, 2 * DRAFT + FINAL)):
        card = await drafts(stage, files, 2)
        assert "only they can pick" in await choose(stage, "friend", card, "600")
        assert "decides a tie" in await choose(stage, "maker", card, "600")
        await wait_for_text(stage, card, "Vote for the best draft")
        await admin(stage, "member block", member="friend", reason="spam")
        assert "blocked you, so you can't vote" in await said(stage, "friend", card, "Draft 2")
        await admin(stage, "member unblock", member="friend")
        await stage.discord.post("world", {"members": [{"name": "friend", "timed_out_s": 600}]})
        assert "in a time-out" in await said(stage, "friend", card, "Draft 2")
        await stage.discord.post("world", {"members": [{"name": "friend", "timed_out_s": 0}]})
        assert rows(stage, "SELECT number FROM votes") == []
        assert await said(stage, "friend", card, "Draft 2") == "You vote for draft 2. Press another one to change that."
        assert await said(stage, "friend", card, "Draft 2") == "You already vote for draft 2."
        assert "draft 2" in await said(stage, "maker", card, "Draft 2")
        await said(stage, "maker", card, "Draft 1")
        await wait_for_text(stage, card, "2 votes so far")
        assert rows(stage, "SELECT number FROM votes ORDER BY number") == [(1,), (2,)]
        assert "only they can end the vote" in await said(stage, "friend", card, "End vote")
        assert "Draft 1 it is" in await said(stage, "maker", card, "End vote")
        await final_of(stage, card)
        await wait_for_text(stage, card, "Draft 1 won** with 1 of 2 votes.")
    assert rows(stage, "SELECT number FROM votes") == []


async def test_none_of_them(stage: Stage, files: Path) -> None:
    """Whoever wants none pays for the drafts only."""
    async with costs(stage, members=(0, 2 * DRAFT), server=(0, 2 * DRAFT)):
        card = await drafts(stage, files, 2)
        assert "you weren't charged" in await said(stage, "maker", card, "None of these")
        await wait_for_text(stage, card, "None of the drafts was picked")
    assert rows(stage, "SELECT count(*) FROM reservations") == [(0,)]


async def test_drafts_that_save_nothing(stage: Stage, files: Path) -> None:
    """Drafts at the price of the video itself are refused, with what to do instead."""
    async with no_trace(stage):
        asked = {**ORDERED, "variations": 13}
        answer = await stage.slash("maker", "wan27 image", asked, image=picture(files))
        assert "Drafts are made at 720p, so choose a higher resolution" in await refusal(stage, answer)


async def test_approval_of_drafts(stage: Stage, files: Path) -> None:
    """The sum with the final is what an approval is about; declined, nothing stays held."""
    await admin(stage, "approval", above="0.60")
    try:
        async with costs(stage):
            card = await order(stage, files, variations=12, resolution="1080p")
            await wait_for_text(stage, card, "Waiting for approval")
            await said(stage, "admin", card, "Decline")
            await wait_for_text(stage, card, "There's no draft to pick")
    finally:
        await admin(stage, "approval", above="off")
