"""`python -m bot ledger`, run beside the bot."""

from pathlib import Path

from bot.jobs.short_id import short_id
from sandbox.stage import Process, Stage
from tests.support.video_steps import order, wait_for_state, wait_for_video


async def ledger(stage: Stage, *arguments: str) -> tuple[int, str]:
    """Run the command; returns its exit status and what it said."""
    env = {**stage.environment, "WANDA_DATA_DIR": str(stage.folder)}
    process = await Process.start("ledger", "-m", "bot", "ledger", *arguments, env=env)
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
