"""The files of orders and jobs; a rerun gets copies of its parent's, so that deleting either's files is safe."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.errors import FilesGone
from bot.jobs.model import Input, Job, Request
from bot.jobs.places import bytes_of
from bot.log import job_scope
from bot.media.fitter import Fitted
from bot.media.intake import inputs_folder
from bot.media.rules.preview import preview_name
from bot.requester import Requester
from bot.runner.order_space import OrderSpace


class OrderFiles:
    """The folder of one order, deleted at the end of the `async with` block unless somebody else has it then.

    Its bytes are counted until it is deleted or belongs to a job. What is logged in the block has the order's id, which
    becomes the job's.
    """

    def __init__(self, space: OrderSpace, order_id: str, requester: Requester) -> None:
        self.data_dir = space.data_dir
        self.order_id = order_id
        self._space = space
        self._requester = requester
        self._is_kept = False
        self._scope = job_scope(order_id)

    @property
    def folder(self) -> Path:
        """The path of the folder; it is created with the first file."""
        return inputs_folder(self.data_dir, self.order_id)

    async def make_room(self, size_bytes: int) -> None:
        """Count this many bytes for the files, before they are copied, and again when their size is known.

        Raises:
            Busy: as much of the member or the server waits on disk as may.
            StorageError: the database did not answer.
        """
        await self._space.take(self.order_id, self._requester, size_bytes)

    def leave_to_pending_order(self) -> None:
        """Keep the files, and count them on."""
        self._is_kept = True

    def leave_to_job(self) -> None:
        """Keep the files of an accepted job, which are not counted here any more."""
        self._is_kept = True
        self._space.free(self.order_id)

    async def copy_inputs(self, request: Request) -> Request:
        """Return the request with copies of its files in this folder; on an error the folder is deleted.

        Raises:
            FilesGone: Wanda's copy of a file was deleted; the sentence names it and asks for it again.
            Busy: as `make_room`.
            StorageError: likewise.
        """
        await self.make_room(bytes_of(request.inputs))
        copies = await asyncio.to_thread(_copy_inputs, request.inputs, self.data_dir, self.order_id)
        return replace(request, inputs=copies)

    async def __aenter__(self) -> Self:
        self._scope.__enter__()
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        try:
            if not self._is_kept:
                await asyncio.shield(self._space.discard(self.order_id))
        finally:
            self._scope.__exit__(None, None, None)


async def spread_inputs(jobs: Sequence[Job], data_dir: Path) -> None:
    """Give each job of a set its own copy of the first one's inputs; what a crash leaves is removed at the start.

    Raises:
        FilesGone: a file was deleted.
    """
    for job in jobs[1:]:
        await asyncio.to_thread(_copy_inputs, jobs[0].inputs, data_dir, job.id)


async def copy_result(job: Job, data_dir: Path, path: Path) -> None:
    """Copy the job's video to `path`; its folder is created.

    Raises:
        FilesGone: Wanda's copy of the video was deleted.
    """
    await asyncio.to_thread(_copy_result, result_path(job, data_dir), path)


async def inputs_gone(job: Job, data_dir: Path) -> tuple[Input, ...]:
    """Return the job's inputs that were deleted from disk."""
    return await asyncio.to_thread(_gone, job.inputs, data_dir)


async def result_bytes(job: Job, data_dir: Path) -> int:
    """Return the size of the job's video, 0 if Wanda's copy of it was deleted."""
    return await asyncio.to_thread(_size_of, result_path(job, data_dir))


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def results_folder(data_dir: Path) -> Path:
    """Return the folder of the finished videos."""
    return data_dir / "results"


def result_path(job: Job, data_dir: Path) -> Path:
    """Return the path of the job's video, whether or not it exists."""
    return results_folder(data_dir) / f"{job.id}.mp4"


def result_files(job_id: str, data_dir: Path) -> list[Path]:
    """Return the job's video and its smaller copies on disk."""
    return sorted(results_folder(data_dir).glob(f"{job_id}.*"))


def input_of(fitted: Fitted, *, option: str, file_name: str, data_dir: Path, is_spoiler: bool) -> Input:
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
        is_spoiler=is_spoiler,
    )


def _copy_inputs(inputs: tuple[Input, ...], data_dir: Path, job_id: str) -> tuple[Input, ...]:
    folder = inputs_folder(data_dir, job_id)
    folder.mkdir(parents=True, exist_ok=True)
    copied: list[Input] = []
    try:
        for item in inputs:
            path = folder / Path(item.path).name
            _copy(data_dir / item.path, path)
            with suppress(FileNotFoundError):
                name = preview_name(item.option)
                _copy((data_dir / item.path).with_name(name), folder / name)
            copied.append(replace(item, path=str(path.relative_to(data_dir)), url=None))
    except FileNotFoundError:
        shutil.rmtree(folder, ignore_errors=True)
        raise FilesGone(
            f"Wanda no longer has {_named(_gone(inputs, data_dir))} of this video. "
            "You weren't charged; attach it again in a new command."
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
            "Wanda no longer has this video. You weren't charged; save it from its message and attach it to a command."
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
