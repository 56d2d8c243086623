"""A new FAL_KEY, as docs/operate.md says to put one in."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from bot.errors import Closed
from bot.ledger.audit import verify
from bot.net.transport import make_http
from bot.runner.runner import Runner
from tests.integration.runner.test_adversarial import held
from tests.support.runner_rig import RunnerRig, make_runner

NEW_KEY = "new-key-id:new-key-secret"


@asynccontextmanager
async def restarted_with(rig: RunnerRig, key: str) -> AsyncGenerator[Runner]:
    """Start a runner with another key on the same database."""
    fal = rig.settings.fal.model_copy(update={"key": SecretStr(key)})
    settings = rig.settings.model_copy(update={"fal": fal})
    async with make_http(fal) as http:
        runner = make_runner(settings, rig.store, http, rig.cards, member_microusd=5_000_000)
        await runner.start()
        yield runner
        await runner.stop()


async def _running(rig: RunnerRig) -> None:
    rig.fal.settings.seconds_per_job = 60.0
    await rig.runner.accept(await rig.order())
    await rig.until(lambda job: job.state == "running")


async def test_a_new_key_of_the_same_account(rig: RunnerRig) -> None:
    """The new key is put in, then the old one deleted: what fal is rendering is fetched with the new one, paid once."""
    rig.fal.settings.seconds_per_job = 1.0
    await rig.runner.accept(await rig.order())
    await rig.until(lambda job: job.handle is not None)
    await rig.runner.stop()
    rig.fal.keys.add(NEW_KEY)
    async with restarted_with(rig, NEW_KEY):
        rig.fal.keys.remove(*(rig.fal.keys - {NEW_KEY}))
        job = await rig.until(lambda job: job.told)
    assert (job.state, await held(rig, job)) == ("done", {(0, 200_000)})
    assert len(await rig.requests()) == 1
    assert await rig.store.read(verify()) == []


async def test_a_key_that_is_deleted_first(rig: RunnerRig) -> None:
    """What fal is rendering becomes uncertain, held by the server alone; new orders are refused, nothing is held."""
    await _running(rig)
    await rig.runner.stop()
    rig.fal.keys.clear()
    async with restarted_with(rig, NEW_KEY) as runner:
        job = await rig.until(lambda job: job.told)
        assert (job.state, await held(rig, job)) == ("uncertain", {(200_000, 0), (0, 0)})
        with pytest.raises(Closed, match="fal isn't taking orders from Wanda"):
            await runner.accept(await rig.order("b" * 32))
    assert await rig.store.read(verify()) == []
