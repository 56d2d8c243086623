"""`python -m bot ledger` and `backup`, run beside the bot."""

import gzip
from pathlib import Path

from bot.jobs.short_id import short_id
from sandbox.stage import Process, Stage
from tests.support.video_steps import order, wait_for_state, wait_for_video


async def ledger(stage: Stage, *arguments: str) -> tuple[int, str]:
    """Run `ledger`; returns its exit status and what it said."""
    return await command(stage, stage.folder, "ledger", *arguments)


async def command(stage: Stage, folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a command with this data folder; returns its exit status and what it said."""
    env = {**stage.environment, "WANDA_DATA_DIR": str(folder)}
    process = await Process.start(arguments[0], "-m", "bot", *arguments, env=env)
    status = await process.ended()
    return status, "\n".join(process.lines)


async def test_the_books_and_an_uncertain_job(empty_stage: Stage, files: Path) -> None:
    """The command verifies the books, sums each server, and closes an uncertain job once, at what fal charged."""
    stage = empty_stage
    await stage.start_bot()
    await wait_for_video(stage, await order(stage, files))
    await stage.fal.post("faults", {"at": "submit", "lose_reply": True, "times": 1})
    await wait_for_state(stage, await order(stage, files), "uncertain")
    status, said = await ledger(stage)
    assert status == 0
    assert "The books are right" in said
    together = next(line.split() for line in said.splitlines() if line.startswith("together"))
    assert together[1:] == ["2", "$0.20", "$0.20", "$0.20"]
    (job,) = [path.name for path in (stage.folder / "inputs").iterdir() if path.name not in done_jobs(stage)]
    assert f"uncertain  {job}  $0.20" in said
    status, said = await ledger(stage, "--close", short_id(job), "--at", "$0.15")
    assert "closed at $0.15" in said
    assert "$0.35" in said
    status, said = await ledger(stage, "--close", job, "--at", "0.15")
    assert "Nothing was changed" in said
    assert "above what was held" not in said
    status, said = await ledger(stage, "--close", job, "--at", "-1")
    assert status == 2
    await _back_up_and_restore(stage, files.parent)


async def _back_up_and_restore(stage: Stage, folder: Path) -> None:
    """Beside the running bot, whose data folder a restore does not touch; the books are the same afterwards."""
    place, drill = str(folder / "backup"), folder / "drill"
    status, said = await command(stage, stage.folder, "backup", place)
    assert (status, f"Wrote {place}: " in said) == (0, True)
    secrets = [stage.environment[name] for name in ("DISCORD_TOKEN", "FAL_KEY")]
    for path in filter(Path.is_file, (folder / "backup").rglob("*")):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert not any(secret.encode() in content for secret in secrets)
    status, said = await command(stage, stage.folder, "restore", place)
    assert (status, "Another Wanda" in said) == (1, True)
    status, said = await command(stage, drill, "restore", place)
    assert status == 0, said
    assert await command(stage, drill, "ledger") == await ledger(stage)


async def test_what_was_billed_above_a_hold_is_the_operators(empty_stage: Stage, files: Path) -> None:
    """No operator's --close and no bill of fal's takes more than the hold; what is above it is listed.

    Whatever else fal writes in its header means that it said nothing, and the job is settled at the quote.
    """
    stage = empty_stage
    await stage.start_bot()
    await stage.fal.post("faults", {"at": "submit", "lose_reply": True, "times": 1})
    await wait_for_state(stage, await order(stage, files), "uncertain")
    (lost,) = [path.name for path in (stage.folder / "inputs").iterdir()]
    status, said = await ledger(stage, "--close", lost, "--at", "$3")
    assert "closed at $0.20" in said
    assert "$2.80 is recorded as a difference" in said
    await stage.fal.post("faults", {"at": "result", "billable_units": "999999", "times": 1})
    await wait_for_video(stage, await order(stage, files))
    for units in ("1e13", "1_000", "NaN", "-5", "9" * 400):
        await stage.fal.post("faults", {"at": "result", "billable_units": units, "times": 1})
        await wait_for_video(stage, await order(stage, files))
    status, said = await ledger(stage)
    assert status == 0
    assert "2 jobs billed above what was held" in said
    assert "billed $3.00 by the operator" in said
    assert "for 999999 units" in said
    together = next(line.split() for line in said.splitlines() if line.startswith("together"))
    assert together[1:] == ["7", "$1.40", "$0.00", "$0.00"]


def done_jobs(stage: Stage) -> set[str]:
    """Return the jobs whose video was fetched."""
    return {path.stem for path in (stage.folder / "results").glob("*.mp4")}
