"""What end-to-end tests do with the troubles of fal that the operator is told."""

import asyncio
from collections.abc import Collection

from sandbox.stage import Stage, eventually
from tests.support.video_steps import rows

# Looks so often that a test can wait for them, and messages as they come.
WATCHFUL = {
    "WANDA_FAL_LIST_EVERY_S": "0.3",
    "WANDA_FAL_ACCOUNT_EVERY_S": "0.3",
    "WANDA_ALARMS_EVERY_S": "0.1",
    "WANDA_NEWS_PAUSE_S": "0.1",
    "WANDA_NEWS_CALM_S": "0.2",
}


async def wait_for_alarms(stage: Stage, *wanted: str) -> None:
    """Wait until exactly these alarms are on: "account", "schema wan27-image"."""

    async def look() -> bool | None:
        return True if await alarms_on(stage) == set(wanted) else None

    await eventually(look, what=f"the alarms {wanted}")


async def alarms_on(stage: Stage) -> Collection[str]:
    """Return the alarms that are on."""
    found = await asyncio.to_thread(rows, stage, "SELECT kind, mode FROM alarms WHERE ended_at IS NULL")
    return {f"{kind} {mode}".strip() for kind, mode in found}
