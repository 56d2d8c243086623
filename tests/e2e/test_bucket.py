"""Two machines with one bucket: each has a data folder of its own, which is lost with it."""

import signal
from pathlib import Path

from sandbox.stage import Stage, eventually
from tests.support.buckets import SECRET, Bucket, bucket, s3_server
from tests.support.job_samples import REQUESTER
from tests.support.rerun_steps import press
from tests.support.text_commands import ask
from tests.support.video_steps import database, order, rows, wait_for_state, wait_for_video

__all__ = ["bucket", "s3_server"]


async def _names(bucket: Bucket, folder: Path) -> list[str]:
    files = bucket.opened(folder)
    return sorted([one.name for kind in ("inputs", "results") async for page in files.pages(kind) for one in page])


async def test_a_machine_goes_on_with_the_other_ones_files(
    empty_stage: Stage, files: Path, tmp_path: Path, bucket: Bucket
) -> None:
    """A killed machine's job is carried on and its video rerun by another, and deleted data is nowhere any more."""
    stage = empty_stage

    async def start(machine: str) -> None:
        (tmp_path / machine).mkdir()
        data = {"WANDA_DATA_DIR": str(tmp_path / machine), "DATABASE_URL": f"sqlite:///{database(stage)}"}
        await stage.start_bot(**data, **bucket.environment)

    async def end(how: signal.Signals = signal.SIGTERM) -> None:
        assert stage.bot is not None
        assert not any(SECRET in line for line in stage.bot.lines)
        await stage.bot.stop(how=how)

    await start("one")
    await stage.fal.post("faults", {"at": "upload", "delay_s": 30, "times": 1})
    message_id = await order(stage, files)
    await wait_for_state(stage, message_id, "accepted")
    await end(signal.SIGKILL)
    await stage.fal.delete("faults")

    await start("two")
    await wait_for_video(stage, message_id)
    await wait_for_state(stage, message_id, "done")
    ((first,),) = rows(stage, "SELECT id FROM jobs")
    kept = [f"inputs/{first}/image.png", f"inputs/{first}/image.preview.jpg", f"results/{first}.mp4"]
    assert sorted(kept) == await _names(bucket, tmp_path / "look")
    await end()

    await start("three")
    again = await press(stage, "maker", message_id, "Rerun")
    await wait_for_video(stage, again["message_id"])
    await wait_for_state(stage, again["message_id"], "done")
    (second,) = {str(row[0]) for row in rows(stage, "SELECT id FROM jobs")} - {first}
    assert set(kept) < set(await _names(bucket, tmp_path / "look"))
    copy = await bucket.opened(tmp_path / "look").fetch(f"inputs/{second}/image.png", REQUESTER)
    assert copy.read_bytes() == (files / "lake-640x480.png").read_bytes()

    question = await ask(stage, "maker", "privacy delete")
    await stage.discord.post("click", {"user": "maker", "message": question.message_id, "label": "Delete my data"})

    async def gone() -> bool | None:
        return None if await _names(bucket, tmp_path / "look") else True

    await eventually(gone, what="an empty bucket")
    assert not list((tmp_path / "three" / "cache").rglob("*.*"))
