"""A rerun has its own files, independent of the parent's."""

import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import FilesGone
from bot.files.folder import FolderFiles
from bot.jobs.model import Input, Request, mode_of
from bot.requester import Requester
from bot.runner.job_files import OrderFiles, copy_result, inputs_gone
from bot.runner.order_space import OrderSpace
from tests.support.job_samples import JOB_ID, PICTURE, PLACES, a_job
from tests.support.stores import MemoryStore

NEW = "b" * 32
END = replace(PICTURE, option="end_image", path=f"inputs/{JOB_ID}/end_image.png", file_name="end.png")


def _keep(data_dir: Path, *inputs: Input) -> None:
    for item in inputs:
        path = data_dir / item.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.option.encode())


async def _copies(data_dir: Path, *inputs: Input) -> tuple[Input, ...]:
    """Return the files as the new job has them."""
    request = Request(mode=mode_of(a_job()), inputs=inputs)
    space = OrderSpace(MemoryStore(), FolderFiles(data_dir), PLACES.files)
    return (await OrderFiles(space, NEW, Requester(1, 2)).copy_inputs(request)).inputs


async def test_copies_outlive_the_parents_files(tmp_path: Path) -> None:
    """The new job's files are in its own folder, without fal's old URLs, and stay when the parent's are deleted."""
    _keep(tmp_path, PICTURE, END)
    copied = await _copies(tmp_path, replace(PICTURE, url="https://old"), END)
    assert copied == (
        replace(PICTURE, path=f"inputs/{NEW}/image.png"),
        replace(END, path=f"inputs/{NEW}/end_image.png"),
    )
    await FolderFiles(tmp_path).remove_jobs([JOB_ID])
    assert [(tmp_path / item.path).read_bytes() for item in copied] == [b"image", b"end_image"]
    assert not (tmp_path / PICTURE.path).exists()


async def test_a_disk_without_second_names_is_copied_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where hard links are not supported, the file is copied."""

    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    _keep(tmp_path, PICTURE)
    (copied,) = await _copies(tmp_path, PICTURE)
    assert (tmp_path / copied.path).read_bytes() == b"image"


async def test_a_file_that_is_gone_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    """If a parent's file was deleted, the refusal names it, and no folder is left for the new job."""
    _keep(tmp_path, PICTURE)
    job = a_job(inputs=(PICTURE, END))
    with pytest.raises(FilesGone, match=r"no longer has the end_image “end.png” of this video.*attach it"):
        await _copies(tmp_path, *job.inputs)
    assert not (tmp_path / "inputs" / NEW).exists()
    assert await inputs_gone(job, FolderFiles(tmp_path)) == (END,)
    assert await inputs_gone(a_job(), FolderFiles(tmp_path)) == ()


async def test_the_video_of_a_job_can_become_an_input(tmp_path: Path) -> None:
    """A result can be copied as an input; a deleted one is refused with a sentence."""
    job, path = a_job(), tmp_path / "inputs" / NEW / "video.mp4"
    with pytest.raises(FilesGone, match="no longer has this video"):
        await copy_result(job, FolderFiles(tmp_path), path)
    result = tmp_path / "results" / f"{job.id}.mp4"
    result.parent.mkdir()
    result.write_bytes(b"video")
    await copy_result(job, FolderFiles(tmp_path), path)
    assert path.read_bytes() == b"video"
