"""Members' and servers' budgets under real jobs."""

import asyncio
from pathlib import Path

from sandbox.stage import Stage, text_of, videos_of
from tests.support.video_steps import held_and_spent, order, picture, refusal, wait_for_video


async def test_over_the_daily_budget(empty_stage: Stage, files: Path) -> None:
    """A job above the member's daily budget is refused with the numbers and the renewal; others can still order."""
    stage = empty_stage
    await stage.start_bot(WANDA_MEMBER_DAILY_USD="1.00")
    message = await wait_for_video(stage, await order(stage, files))
    assert "$0.80" not in text_of(message)  # what is left is nobody else's business
    answer = await stage.slash("maker", "wan27 image", {"prompt": "waves", "duration": 9}, image=picture(files))
    sentence = await refusal(stage, answer)
    for number in ("$0.90", "$0.80", "$1.00"):
        assert number in sentence
    await wait_for_video(stage, await order(stage, files, user="friend"))


async def test_the_servers_budget_binds_everyone(empty_stage: Stage, files: Path) -> None:
    """Twenty members order at once on a server's budget worth five videos: exactly five are made, each paid once."""
    stage = empty_stage
    await stage.start_bot(WANDA_SERVER_MONTHLY_USD="1.00")
    names = [f"member{number}" for number in range(20)]
    await stage.discord.post("world", {"members": [{"name": name, "roles": []} for name in names]})
    image = await asyncio.to_thread(picture, files)
    options = {"prompt": "waves", "duration": 2}
    answers = await asyncio.gather(*(stage.slash(name, "wan27 image", options, image=image) for name in names))
    assert all(answer["acknowledged"] for answer in answers)

    async def accepted(answer: dict[str, str], name: str) -> bool:
        deadline = asyncio.get_running_loop().time() + 40
        while asyncio.get_running_loop().time() < deadline:
            message = await stage.message(answer["message_id"], seen_by=name)
            if message is None:
                return False
            if videos_of(message):
                return True
            await asyncio.sleep(0.1)
        raise AssertionError("neither refused nor finished")

    outcomes = await asyncio.gather(*(accepted(a, n) for a, n in zip(answers, names, strict=True)))
    assert sum(outcomes) == 5
    budgets = await asyncio.to_thread(held_and_spent, stage)
    assert [value for scope, value in budgets.items() if scope.startswith("server:")] == [(0, 1_000_000)]
    assert len(await stage.fal.get("requests")) == 5
