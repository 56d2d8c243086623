"""Copies a parent job's files for a rerun, so that deleting either job's files does not affect the other."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bot.errors import FilesGone
from bot.jobs.model import Input, Job
from bot.media.fitter import Fitted
from bot.media.intake import inputs_folder


async def copy_inputs(inputs: Sequence[Input], data_dir: Path, job_id: str) -> tuple[Input, ...]:
    """Copy the files into job `job_id`'s folder and return them as its inputs; on an error the folder is deleted.

    Raises:
        FilesGone: Wanda's copy of a file was deleted; the sentence names it and asks for it again.
    """
    return await asyncio.to_thread(_copy_inputs, tuple(inputs), data_dir, job_id)


async def copy_result(job: Job, data_dir: Path, path: Path) -> None:
    """Copy the job's video to `path`; its folder is created.

    Raises:
        FilesGone: Wanda's copy of the video was deleted.
    """
    await asyncio.to_thread(_copy_result, result_path(job, data_dir), path)


async def inputs_gone(job: Job, data_dir: Path) -> tuple[Input, ...]:
    """Return the job's inputs that were deleted from disk."""
    return await asyncio.to_thread(_gone, job.inputs, data_dir)


def results_folder(data_dir: Path) -> Path:
    """Return the folder of the finished videos."""
    return data_dir / "results"


def result_path(job: Job, data_dir: Path) -> Path:
    """Return the path of the job's video, whether or not it exists."""
    return results_folder(data_dir) / f"{job.id}.mp4"


def result_files(job_id: str, data_dir: Path) -> list[Path]:
    """Return the job's video and its smaller copies on disk."""
    return sorted(results_folder(data_dir).glob(f"{job_id}.*"))


def input_of(fitted: Fitted, *, option: str, file_name: str, data_dir: Path) -> Input:
    """Return a fitted file as a job's input; `file_name` is the name that people see."""
    facts = fitted.facts
    return Input(
        option=option,
        path=str(fitted.path.relative_to(data_dir)),
        file_name=file_name,
        kind=facts.kind,
        format=facts.format,
        size_bytes=facts.size_bytes,
        width=facts.width,
        height=facts.height,
        seconds=facts.seconds,
        codec=facts.codec,
        changes=fitted.changes,
    )


def _copy_inputs(inputs: tuple[Input, ...], data_dir: Path, job_id: str) -> tuple[Input, ...]:
    folder = inputs_folder(data_dir, job_id)
    folder.mkdir(parents=True, exist_ok=True)
    copied: list[Input] = []
    try:
        for item in inputs:
            path = folder / Path(item.path).name
            _copy(data_dir / item.path, path)
            copied.append(replace(item, path=str(path.relative_to(data_dir)), url=None))
    except FileNotFoundError:
        shutil.rmtree(folder, ignore_errors=True)
        raise FilesGone(
            f"Wanda no longer keeps {_named(_gone(inputs, data_dir))} of this video. "
            "Nothing was charged; run the command again and attach it there."
        ) from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return tuple(copied)


def _copy_result(source: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _copy(source, path)
    except FileNotFoundError:
        raise FilesGone(
            "Wanda no longer keeps this video. Nothing was charged; save it from its message, "
            "and attach it to the command."
        ) from None


def _copy(source: Path, path: Path) -> None:
    """Hard-link the file, or copy it where hard links are not supported. Neither file is modified afterwards."""
    path.unlink(missing_ok=True)
    try:
        os.link(source, path)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, path)


def _gone(inputs: tuple[Input, ...], data_dir: Path) -> tuple[Input, ...]:
    return tuple(item for item in inputs if not (data_dir / item.path).is_file())


def _named(gone: tuple[Input, ...]) -> str:
    return ", ".join(f"the {item.option} “{item.file_name}”" for item in gone) or "the files"
