"""*kills*: the bot is killed 60 times under mixed traffic, and then nothing may be left unfinished."""

import random
import signal
import time
from pathlib import Path

from sandbox.stage import Stage
from tests.support.mixed_traffic import Traffic, wrong_ends

KILLS = 60
LIFE_S = (0.2, 4.0)
BUDGETS = {"WANDA_MEMBER_DAILY_USD": "10000", "WANDA_SERVER_MONTHLY_USD": "100000"}
SETTINGS = {**BUDGETS, "WANDA_FRUITLESS_MAX": "1000", "WANDA_ABSORBED_DAILY_USD": "1000"}


async def run(folder: Path, *, seed: int, kills: int = KILLS) -> list[str]:
    """Kill, restart and look; returns what is left that should not be, with the seed that shows it again."""
    chance = random.Random(seed)  # noqa: S311 - moments of kills, not secrets
    async with Stage(folder / "data", seconds_per_job=0.5, settings=SETTINGS) as stage:
        bot = await stage.start_bot()
        traffic = Traffic(stage, folder, seed=seed)
        await traffic.set_up()
        for number in range(kills):
            await traffic.run(chance.uniform(*LIFE_S))
            await bot.stop(how=signal.SIGKILL)
            began = time.monotonic()
            bot = await stage.start_bot()
            print(f"kill {number + 1}: ready again after {time.monotonic() - began:.1f} s; {dict(traffic.done)}")
        wrong = await wrong_ends(stage)
        if wrong:
            print("\n".join(list(bot.lines)[-60:]))
        return wrong
