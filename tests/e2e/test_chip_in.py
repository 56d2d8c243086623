"""Members chip in for a video that is dearer than one member's allowance."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.stage import Stage, eventually, text_of
from tests.e2e.conftest import QUICK
from tests.support import text_commands
from tests.support.film_steps import add_shot, click, finished, open_panel, panel, submit
from tests.support.rerun_steps import id_of, labels, press, spent_by, submit_form, wait_for_message
from tests.support.video_steps import delete_message, picture, rows, wait_for_ends, wait_for_state, wait_for_video

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = {**QUICK, "WANDA_MEMBER_DAILY_USD": "2", "WANDA_CHIP_IN_LOOK_S": "0.5"}
SETTLED = "SELECT settled_microusd, member_id FROM draws WHERE position = 0"
DEAR = {"prompt": "the lake begins to shimmer", "resolution": "1080p", "duration": 15}  # $2.25


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """A bot that gives each member $2.00 a day; nobody is asked to confirm a price."""
    async with Stage(tmp_path_factory.mktemp("data"), seconds_per_job=0.3, settings=SETTINGS) as ready:
        await ready.start_bot()
        for user in ("maker", "friend", "admin"):
            await text_commands.ask(ready, user, "quota ask", above="5")
        yield ready


async def begin(stage: Stage, user: str, files: Path, amount: str) -> dict[str, Any]:
    """Order a video that is too dear, let others chip in for it with this amount to begin with; return its card."""
    await stage.slash(user, "wan27 image", DEAR, image=picture(files))
    refusal = await wait_for_message(stage, "costs $2.25", seen_by=user)
    form = await press(stage, user, refusal["id"], "Chip in…")
    answer = await submit_form(stage, user, form, amount=amount)
    return await card_says(stage, answer["message_id"], "missing")


async def card_says(stage: Stage, message_id: str, words: str) -> dict[str, Any]:
    """Return the card once it says this."""

    async def look() -> dict[str, Any] | None:
        message = await stage.message(message_id)
        return message if message and words in text_of(message) else None

    return await eventually(look, what=f"“{words}” on the card")


def settled_of(stage: Stage, member_id: str) -> int:
    """Return what a member's holds were settled for, by allowance and grants, in micro-dollars."""
    return sum(amount or 0 for amount, owner in rows(stage, SETTLED) if str(owner) == member_id)


async def add(stage: Stage, user: str, card: str, amount: str, words: str) -> None:
    """Add a typed amount, and wait for this answer."""
    form = await press(stage, user, card, "Add…")
    await submit_form(stage, user, form, amount=amount)
    await wait_for_message(stage, words, seen_by=user)


async def test_three_members_pay_for_one_video(stage: Stage, files: Path) -> None:
    """The card says what is missing, also after a crash; what was taken back is missing again; then it is made."""
    await stage.slash("maker", "wan27 image", DEAR, image=picture(files))
    refusal = await wait_for_message(stage, "costs $2.25", seen_by="maker")
    form = await press(stage, "maker", refusal["id"], "Chip in…")
    (field,) = form["modal"]["fields"]
    assert field["value"] == "2.00"
    card = (await submit_form(stage, "maker", form, amount="$1"))["message_id"]
    assert labels(await card_says(stage, card, "**$1.25** is missing"))[0] == "Add $1.25"
    await press(stage, "friend", card, "Cancel")
    await wait_for_message(stage, "Only <@", seen_by="friend")
    await add(stage, "friend", card, "0.25", "You added $0.25")
    assert stage.bot is not None
    await stage.bot.stop(how=signal.SIGKILL)
    await stage.start_bot()
    await card_says(stage, card, "**$1.00** is missing")
    await add(stage, "friend", card, "0.5", "You added $0.50")
    await press(stage, "friend", card, "Take mine back")
    await wait_for_message(stage, "You have your $0.75 back", seen_by="friend")
    await add(stage, "friend", card, "0.25", "$1.00 is missing")
    assert labels(await card_says(stage, card, "**$1.00** is missing"))[0] == "Add $1.00"
    await press(stage, "admin", card, "Add $1.00")
    await wait_for_message(stage, "The video begins", seen_by="admin")
    video = await wait_for_video(stage, card)
    await wait_for_state(stage, card, "done")
    assert "Paid by" in text_of(video)
    spent = [spent_by(stage, await id_of(stage, name)) for name in ("maker", "friend", "admin")]
    assert spent == [1_000_000, 250_000, 1_000_000]
    assert len(await stage.fal.get("requests")) == 1


async def test_a_press_above_a_member_s_own_limit_asks_first(stage: Stage, files: Path) -> None:
    """Nothing is added before they say so, privately; then it is, once."""
    await wait_for_ends(stage)
    card = (await begin(stage, "maker", files, "0.4"))["id"]
    await add(stage, "admin", card, "0.9", "You added $0.90")
    await text_commands.ask(stage, "friend", "quota ask", above="0.5")
    try:
        await card_says(stage, card, "**$0.95** is missing")
        await press(stage, "friend", card, "Add $0.95")
        asked = await wait_for_message(stage, "Add $0.95 to this video?", seen_by="friend")
        assert "Wanda asks before anything above $0.50." in text_of(asked)
        await card_says(stage, card, "**$0.95** is missing")
        await press(stage, "friend", asked["id"], "Add $0.95")
        await wait_for_message(stage, "The video begins", seen_by="friend")
        await wait_for_video(stage, card)
    finally:
        await text_commands.ask(stage, "friend", "quota ask", above="5")


async def test_the_maker_cancels(stage: Stage, files: Path) -> None:
    """Everybody gets theirs back, whoever added something is told in one message, and the buttons are gone."""
    await wait_for_ends(stage)
    names = ("maker", "friend", "admin")
    before = [spent_by(stage, await id_of(stage, name)) for name in names]
    card = (await begin(stage, "friend", files, "0.1"))["id"]
    await press(stage, "maker", card, "Add $2.15")
    await wait_for_message(stage, "Your part is $2.15, but only", seen_by="maker")
    await add(stage, "maker", card, "0.5", "You added $0.50")
    await press(stage, "friend", card, "Cancel")
    assert labels(await card_says(stage, card, "Cancelled by its maker")) == []
    told = await wait_for_message(stage, "This video was cancelled")
    assert f"<@{await id_of(stage, 'maker')}> This" in told["content"]
    assert [spent_by(stage, await id_of(stage, name)) for name in names] == before


async def test_a_deleted_card_gives_everybody_theirs_back(stage: Stage, files: Path) -> None:
    """Nobody could take theirs back any more, so the next look at the card ends it, and says so."""
    await wait_for_ends(stage)
    before = [spent_by(stage, await id_of(stage, name)) for name in ("maker", "friend")]
    card = await begin(stage, "friend", files, "0.1")
    form = await press(stage, "maker", card["id"], "Add…")
    await delete_message(stage, card["id"])
    await submit_form(stage, "maker", form, amount="0.5")
    await wait_for_message(stage, "was deleted, so you have your money back")
    assert [spent_by(stage, await id_of(stage, name)) for name in ("maker", "friend")] == before


async def test_a_film_is_paid_together(stage: Stage, files: Path) -> None:
    """The panel offers it for a film that is too dear; its card collects, and becomes the film's."""
    await wait_for_ends(stage)
    names = ("maker", "friend", "admin")
    before = {name: settled_of(stage, await id_of(stage, name)) for name in names}
    for name in ("friend", "admin"):
        member = await id_of(stage, name)
        await text_commands.admin(stage, "member grant", member=member, amount="3", reason="a film")
    shown = await open_panel(stage)
    await add_shot(stage, shown, "waves at dusk", files={"image": picture(files)}, seconds="15")
    await add_shot(stage, shown, "night falls", joining="continue", seconds="15")
    await panel(stage, shown, "let others chip in")
    form = await click(stage, shown, "Chip in…")
    await submit(stage, form, amount="0")
    await panel(stage, shown, "It's in the channel")
    card = (await wait_for_message(stage, "A film in 2 shots: $3.00, paid together"))["id"]
    await add(stage, "friend", card, "1.25", "You added $1.25")
    await card_says(stage, card, "**$1.75** is missing")
    await press(stage, "admin", card, "Add $1.75")
    await wait_for_message(stage, "It's all there now", seen_by="admin")
    film = await finished(stage, card)
    await wait_for_ends(stage)
    assert "Paid together by" in text_of(film)
    paid = [settled_of(stage, await id_of(stage, name)) - before[name] for name in names]
    assert paid == [0, 1_250_000, 1_750_000]
