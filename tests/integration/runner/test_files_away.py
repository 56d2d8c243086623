"""The bucket is down: orders are refused, accepted jobs wait, and what is deleted is removed later."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import FilesGone, FilesUnavailable
from bot.requester import Requester
from bot.runner.runner import Runner
from bot.storage.transaction import Many, One, Transaction
from tests.support.kept_files import LostFiles
from tests.support.runner_rig import RunnerRig, make_runner, wait_for

FIRST = "a" * 32


def _ids() -> Transaction[list[str]]:
    rows = yield Many("SELECT id FROM jobs")
    return [row["id"] for row in rows]


def _held() -> Transaction[int]:
    row = yield One("SELECT count(*) AS n FROM draws")
    return row["n"]


def _runner(rig: RunnerRig) -> tuple[Runner, LostFiles]:
    """Return a runner whose files can be away."""
    files = LostFiles(rig.settings.storage.data_dir)

    async def forget(job_id: str) -> None:
        await files.remove_jobs([job_id])

    runner = make_runner(
        rig.settings, rig.store, rig.http, rig.cards, member_microusd=5_000_000, files=files, forget_files=forget
    )
    rig.others.append(runner)
    return runner, files


async def test_an_order_whose_files_cannot_be_kept_is_refused(rig: RunnerRig) -> None:
    """Nothing is held and no job is stored, because the files are kept before; the same order succeeds later."""
    runner, files = _runner(rig)
    order = await rig.order()
    files.away = {"keep"}
    with pytest.raises(FilesUnavailable):
        await runner.accept(order)
    assert (await rig.store.read(_ids()), await rig.store.read(_held())) == ([], 0)
    files.away = set()
    await runner.accept(order)
    assert (await rig.until(lambda job: job.told)).state == "done"


async def test_a_set_whose_files_are_gone_leaves_nothing(rig: RunnerRig) -> None:
    """A set that lacks an input is refused with its name, without a hold, and no copy is left for its other jobs."""
    runner, files = _runner(rig)
    order = await rig.order()
    (files.root / order.request.inputs[0].path).unlink()
    with pytest.raises(FilesGone, match=r"no longer has the image “lake\.png” of this video\. You weren't charged"):
        await runner.accept(replace(order, request=replace(order.request, videos=3)))
    assert (await rig.store.read(_ids()), await rig.store.read(_held())) == ([], 0)
    assert _folders(files.root) <= {FIRST}


def _folders(root: Path) -> set[str]:
    return {path.name for path in (root / "inputs").iterdir()}


async def test_a_set_has_a_copy_for_each_job(rig: RunnerRig) -> None:
    """The inputs of every job of a set are kept before the set is accepted."""
    runner, files = _runner(rig)
    order = await rig.order()
    await runner.accept(replace(order, request=replace(order.request, videos=3)))
    ids = set(await rig.store.read(_ids()))
    assert len(ids) == 3
    assert _folders(files.root) == ids


async def test_an_accepted_job_waits_for_its_files(rig: RunnerRig) -> None:
    """A job whose files cannot be had is not sent to fal and not given up: it goes on when they are there again."""
    runner, files = _runner(rig)
    files.away = {"fetch"}
    await runner.accept(await rig.order())

    async def tried() -> bool | None:
        return True if files.refused else None

    await wait_for(tried)
    assert ((await rig.job()).state, await rig.requests()) == ("accepted", [])
    files.away = set()

    async def carried_on() -> bool | None:
        await runner.sweep()
        return True if (await rig.job()).told else None

    await wait_for(carried_on)
    assert (await rig.job()).state == "done"


async def test_an_input_that_cannot_be_read_now_is_waited_for(rig: RunnerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of this machine's own, as too many open files, is not taken for fal's refusal: the job goes on later."""
    runner, files = _runner(rig)
    order = await rig.order()
    files.away = {"fetch"}
    await runner.accept(order)
    path = files.root / (await rig.job()).inputs[0].path
    aside, tries, fetch = path.with_suffix(".aside"), list[str](), files.fetch

    async def noted(name: str, requester: Requester) -> Path:
        tries.append(name)
        return await fetch(name, requester)

    monkeypatch.setattr(files, "fetch", noted)
    path.rename(aside)
    path.mkdir()  # opening a folder fails also for root, whom no permission keeps out
    files.away = set()

    async def tried_twice() -> bool | None:
        await runner.sweep()
        return True if len(tries) > 1 else None

    await wait_for(tried_twice)
    assert ((await rig.job()).state, await rig.requests()) == ("accepted", [])
    path.rmdir()
    aside.rename(path)

    async def carried_on() -> bool | None:
        await runner.sweep()
        return True if (await rig.job()).told else None

    await wait_for(carried_on)
    assert (await rig.job()).state == "done"
