"""What a server pays for members' failed videos has a bound, and repeated attempts slow down, on the real bot."""

import asyncio
import re
from pathlib import Path

import pytest

from sandbox.stage import Stage, text_of
from tests.support.text_commands import admin, ask, read
from tests.support.video_steps import (
    held_and_spent,
    picture,
    wait_for_button,
    wait_for_ends,
    wait_for_state,
    wait_for_text,
)

DEAR = {"prompt": "a long walk", "resolution": "1080p", "duration": 15}  # $2.25
BOUND = 1_000_000
SETTINGS = {"WANDA_MEMBER_DAILY_USD": "5", "WANDA_SERVER_MONTHLY_USD": "50", "WANDA_ABSORBED_DAILY_USD": "1"}
REFUSED = {
    "detail": [{"loc": ["body", "prompt"], "msg": "flagged", "type": "content_policy_violation", "url": "https://docs"}]
}


async def attempt(stage: Stage, files: Path, *, cancels: bool) -> tuple[str | None, str]:
    """Order a dear video that ends without one; returns its card, or None and the refusal."""
    answer = await stage.slash("maker", "wan27 image", DEAR, image=await asyncio.to_thread(picture, files))
    if answer["ephemeral"]:
        return None, (await read(stage, "maker", answer["message_id"])).text
    card = answer["message_id"]
    if cancels:
        await wait_for_state(stage, card, "running")
        await press_cancel(stage, card)
    await wait_for_state(stage, card, "failed", "cancelled", within_s=60)  # 15 s in 1080p take a while to render
    await wait_for_ends(stage)
    message = await stage.message(card)
    assert message is not None
    return card, text_of(message)


async def press_cancel(stage: Stage, card: str) -> None:
    """Press the card's Cancel button once it has one."""
    await wait_for_button(stage, card)
    await stage.discord.post("click", {"user": "maker", "message": card, "label": "Cancel"})


async def spent(stage: Stage) -> dict[str, tuple[int, int]]:
    """Return what is held and spent of the server's pool and of the member's allowance."""
    return {scope.split(":")[0]: sums for scope, sums in (await asyncio.to_thread(held_and_spent, stage)).items()}


@pytest.mark.parametrize("cancels", [True, False], ids=["cancelled", "refused by fal"])
async def test_nobody_drains_the_pool(empty_stage: Stage, files: Path, cancels: bool) -> None:
    """Dear videos that are cancelled once they run, or that fal refuses, cost a server the bound and no more."""
    stage = empty_stage
    await stage.start_bot(**SETTINGS)
    await ask(stage, "maker", "quota ask", above="100")
    if cancels:
        await stage.fal.post("settings", {"seconds_per_job": 60})
    else:
        await stage.fal.post("faults", {"at": "result", "status": 422, "body": REFUSED, "times": 100})
    cards: list[str] = []
    said = ""
    for _ in range(22):
        card, said = await attempt(stage, files, cancels=cancels)
        if card is None:
            break
        cards.append(said)
    assert "$2.25, but only $1.50 of your $5.00 for today is left" in said
    assert len(cards) == 2
    assert "You were charged $1.25, and this server paid $1.00" in cards[0]
    assert "You were charged $2.25" in cards[1]
    assert await spent(stage) == {"member": (0, 3_500_000), "server": (0, BOUND + 3_500_000)}
    quota = await ask(stage, "maker", "quota show")
    assert "This server paid $1.00 for your failed videos in 24 hours. Above $1.00" in quota.text
    assert "· $1.25 charged ·" in (await ask(stage, "maker", "jobs list")).text
    report = await admin(stage, "report")
    assert "Of that, failed videos the server paid for: @maker\u200e: **$1.00** for 1 video" in report.text


async def test_repeated_attempts_wait(empty_stage: Stage, files: Path) -> None:
    """After three cancelled videos that fal had begun, the member's next order is refused privately for a while."""
    stage = empty_stage
    await stage.start_bot(WANDA_FRUITLESS_MAX="3", WANDA_FRUITLESS_WAIT_S="600")
    await ask(stage, "maker", "quota ask", above="100")
    await stage.fal.post("settings", {"seconds_per_job": 60})
    for _ in range(3):
        card, _ = await attempt(stage, files, cancels=True)
        assert card is not None
    card, said = await attempt(stage, files, cancels=True)
    assert card is None
    assert re.fullmatch(
        r"3 videos of yours were cancelled or refused within an hour, and that can cost this server money\. "
        r"Your next one can start …\.",
        said,
    )
    quota = await ask(stage, "maker", "quota show")
    assert "**Your next video can start …**: 3 videos of yours didn't work out" in quota.text
    answer = await stage.slash("friend", "wan27 image", DEAR, image=await asyncio.to_thread(picture, files))
    await wait_for_state(stage, answer["message_id"], "running")


async def test_an_admin_sets_the_bound(empty_stage: Stage, files: Path) -> None:
    """With the bound at zero the member pays for every attempt that fal may have billed, and the card says so."""
    stage = empty_stage
    await stage.start_bot(**SETTINGS)
    await ask(stage, "maker", "quota ask", above="100")
    said = await admin(stage, "policy", unclear="absorb", at_most="0")
    assert "You set the most the server pays for one member's failed videos in 24 hours: not set → **$0.00**." in (
        said.text
    )
    await stage.fal.post("faults", {"at": "result", "status": 422, "body": REFUSED, "times": 1})
    card, _ = await attempt(stage, files, cancels=False)
    assert card is not None
    await wait_for_text(stage, card, "You were charged $2.25")
    shown = await admin(stage, "budget show")
    assert "At most per member in 24 h: $0.00" in shown.text
