"""/privacy: a member sees, exports and deletes their data."""

import io
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

from bot.jobs.short_id import short_id
from sandbox.stage import Stage, eventually, text_of
from tests.support.rerun_steps import id_of, latest_input, press, react, restart, submit_form, wait_for_videos
from tests.support.text_commands import Answer, ask, read
from tests.support.video_steps import database, held_and_spent, order, wait_for_state, wait_for_video


async def one_video(stage: Stage, files: Path, *, user: str = "maker", **options: Any) -> str:
    """Have a video made and return its card."""
    message_id = await order(stage, files, user=user, **options)
    await wait_for_video(stage, message_id)
    await wait_for_state(stage, message_id, "done")
    return message_id


async def pressed(stage: Stage, answer: Answer, label: str, words: str, *, user: str = "maker") -> None:
    """Press a button of a private answer, and wait until the answer contains these words."""
    await stage.discord.post("click", {"user": user, "message": answer.message_id, "label": label})

    async def look() -> bool | None:
        return True if words in (await read(stage, user, answer.message_id)).text else None

    await eventually(look, what=f"“{words}”")


def job_ids(stage: Stage) -> list[str]:
    """Return the ids of all jobs."""
    with closing(sqlite3.connect(f"file:{database(stage)}?mode=ro", uri=True, timeout=5)) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM jobs ORDER BY created_at")]


def rows_naming(stage: Stage, member_id: str) -> list[str]:
    """Return the tables in which a column contains the id."""
    found: list[str] = []
    with closing(sqlite3.connect(f"file:{database(stage)}?mode=ro", uri=True, timeout=5)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - the database's own names
            found += [table for row in rows if any(member_id in str(value) for value in row)]
    return found


async def archive(stage: Stage, answer: Answer) -> zipfile.ZipFile:
    """Return the zip of an answer."""
    (file,) = answer.files
    return zipfile.ZipFile(io.BytesIO(await stage.discord.fetch(file["url"])))


async def test_show_export_and_delete(empty_stage: Stage, files: Path) -> None:
    """A member sees and exports all of their own data only; after deletion only amounts are left."""
    stage = empty_stage
    await stage.start_bot()
    await one_video(stage, files, prompt="my own lake", seed=3)
    await one_video(stage, files, user="friend", prompt="not yours")
    mine, others = job_ids(stage)

    told = await ask(stage, "maker", "privacy show")
    assert told.private
    assert "1 video in 1 server" in told.text.replace("**", "")
    assert "For 30 days" in told.text

    by_message = await ask(stage, "maker", "privacy show", at="@maker")
    assert by_message.text == told.text

    answer = await ask(stage, "maker", "privacy export")
    assert answer.private
    with await archive(stage, answer) as packed:
        names = packed.namelist()
        (job,) = [json.loads(line) for line in packed.read("jobs.jsonl").splitlines()]
        money = packed.read("money.csv").decode()
        picture_name = next(name for name in names if name.startswith(f"files/{short_id(mine)}/image-"))
        assert packed.read(picture_name) == (files / "lake-640x480.png").read_bytes()
        assert packed.read(f"files/{short_id(mine)}/result.mp4")[4:8] == b"ftyp"
        everything = b"".join(packed.read(name) for name in names if not name.startswith("files/")).decode()
    assert (job["id"], job["options"]["prompt"]) == (mine, "my own lake")
    assert "token" not in job["address"]
    assert money.count(mine) == 4  # each of hold and settle names the job in its id too
    assert "not yours" not in everything
    assert others not in everything

    question = await ask(stage, "maker", "privacy delete")
    await pressed(stage, question, "Keep it", "Nothing was deleted.")
    assert mine in job_ids(stage)
    question = await ask(stage, "maker", "privacy delete")
    assert "1 video" in question.text
    spent = held_and_spent(stage)
    await restart(stage)
    await pressed(stage, question, "Delete my data", "Deleted: 1 video")
    assert job_ids(stage) == [others]
    assert not list((stage.folder / "inputs").glob(f"{mine}*"))
    assert not list((stage.folder / "results").glob(f"{mine}*"))
    assert rows_naming(stage, await id_of(stage, "maker")) == []
    assert sorted(held_and_spent(stage).values()) == sorted(spent.values())
    assert "Wanda has no videos of yours" in (await ask(stage, "maker", "privacy show")).text
    with await archive(stage, await ask(stage, "maker", "privacy export")) as packed:
        assert packed.read("jobs.jsonl") == b""


async def test_an_export_has_nothing_of_the_files_that_another_member_gave(empty_stage: Stage, files: Path) -> None:
    """The export of a member who reran another's video has the result, but neither the picture nor its URL."""
    stage = empty_stage
    await stage.start_bot()
    parent = await one_video(stage, files)
    await react(stage, "friend", parent, "🔁")
    await wait_for_videos(stage, 2)
    with await archive(stage, await ask(stage, "friend", "privacy export")) as packed:
        names = packed.namelist()
        (job,) = [json.loads(line) for line in packed.read("jobs.jsonl").splitlines()]
    assert any(name.endswith("/result.mp4") for name in names)
    assert not any("/image-" in name for name in names)
    assert [(item["url"], item["file_name"]) for item in job["inputs"]] == [(None, "")]
    with await archive(stage, await ask(stage, "maker", "privacy export")) as packed:
        assert any("/image-" in name for name in packed.namelist())


async def test_deleting_frees_no_allowance_and_leaves_no_copy(empty_stage: Stage, files: Path) -> None:
    """After a deletion the member has used what they had used, and others' reruns have lost the picture."""
    stage = empty_stage
    await stage.start_bot()
    parent = await one_video(stage, files)
    await react(stage, "friend", parent, "🔁")
    await wait_for_videos(stage, 2)
    mine, rerun = job_ids(stage)
    question = await ask(stage, "maker", "privacy delete")
    assert "copies in other people's reruns" in question.text
    await pressed(stage, question, "Delete my data", "Deleted: 1 video")
    assert job_ids(stage) == [rerun]
    assert not list((stage.folder / "inputs").glob(f"{mine}/*"))
    assert not list((stage.folder / "inputs").glob(f"{rerun}/*"))
    assert (stage.folder / "results" / f"{rerun}.mp4").exists()
    assert "You can spend **$999.80** now" in (await ask(stage, "maker", "quota show")).text  # of $1,000


async def test_delete_waits_for_a_running_video(empty_stage: Stage, files: Path) -> None:
    """While a job of the member is open nothing is deleted, and the answer says what to do."""
    stage = empty_stage
    await stage.start_bot()
    await stage.fal.post("settings", {"seconds_per_job": 30})
    card = await order(stage, files)
    await wait_for_state(stage, card, "running")
    question = await ask(stage, "maker", "privacy delete")
    await pressed(stage, question, "Delete my data", "nothing was deleted")
    assert len(job_ids(stage)) == 1


async def test_an_export_in_parts(empty_stage: Stage, files: Path) -> None:
    """An export above the size limit comes in parts; a part that does not exist is refused."""
    stage = empty_stage
    await stage.start_bot(WANDA_PRIVACY_MIB_MAX="1")
    for number in range(2):
        await one_video(stage, files, prompt=f"number {number}")
    for job_id in job_ids(stage):
        (stage.folder / "results" / f"{job_id}.mp4").write_bytes(b"\0" * 700_000)
    newest = job_ids(stage)[-1]
    (picture,) = (stage.folder / "inputs" / newest).glob("image.png")
    picture.write_bytes(b"\0" * 1_100_000)
    first = await ask(stage, "maker", "privacy export")
    assert "part 1 of 2" in first.text
    assert "/privacy export part:2" in first.text
    assert "Left out, because Discord" in first.text
    second = await ask(stage, "maker", "privacy export", part=2)
    names: list[str] = []
    for answer in (first, second):
        assert answer.files[0]["size"] <= 1024 * 1024
        with await archive(stage, answer) as packed:
            names += packed.namelist()
    assert len(names) == len(set(names))
    assert sum(name.endswith("result.mp4") for name in names) == 2
    assert sum("/image-" in name for name in names) == 1
    third = await ask(stage, "maker", "privacy export", part=3)
    assert "There are parts 1 to 2" in third.text
    assert "part 3" not in text_of(third.raw)


async def test_what_a_card_does_not_show_stays_with_its_member(empty_stage: Stage, files: Path) -> None:
    """Another member's recipe, form and rerun name no file and no negative prompt, and fal gets them all the same."""
    stage = empty_stage
    await stage.start_bot()
    parent = await one_video(stage, files, negative_prompt="my secret", seed=7)
    await react(stage, "friend", parent, "✉️")

    async def mailed() -> dict[str, Any] | None:
        seen = await stage.messages(channel="@friend", seen_by="friend")
        return next((m for m in seen if parent in m["content"]), None)

    message = await eventually(mailed, what="direct message")
    texts = [(await stage.discord.fetch(message["attachments"][-1]["url"])).decode()]
    form = await press(stage, "friend", parent, "Edit")
    texts.append(json.dumps(form))
    await submit_form(stage, "friend", form, prompt="the lake freezes")
    await wait_for_videos(stage, 2)
    assert (await latest_input(stage))["negative_prompt"] == "my secret"
    job_id = job_ids(stage)[-1]
    shown = await ask(stage, "friend", "jobs show", job=job_id)
    recipe = await ask(stage, "friend", "jobs recipe", job=job_id)
    texts += [shown.text, (await stage.discord.fetch(recipe.files[0]["url"])).decode()]
    for text in texts:
        assert "my secret" not in text
        assert "lake-640x480" not in text
