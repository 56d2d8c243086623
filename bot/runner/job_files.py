"""The files of orders and jobs; a rerun gets copies of its parent's, so that deleting either's files is safe."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.errors import FilesGone, FilesUnavailable
from bot.files.files import Files
from bot.files.names import beside, inputs_name, result_name
from bot.jobs.model import Input, Job, Request
from bot.jobs.places import bytes_of
from bot.log import job_scope
from bot.media.fitter import Fitted
from bot.media.rules.preview import preview_name
from bot.requester import Requester
from bot.runner.order_space import OrderSpace
from bot.tasks import all_of


class OrderFiles:
    """The folder of one order, deleted at the end of the `async with` block unless somebody else has it then.

    Its bytes are counted until it is deleted or belongs to a job. What is logged in the block has the order's id, which
    becomes the job's.
    """

    def __init__(self, space: OrderSpace, order_id: str, requester: Requester) -> None:
        self.files = space.files
        self.order_id = order_id
        self._space = space
        self._requester = requester
        self._is_kept = False
        self._scope = job_scope(order_id)

    @property
    def folder(self) -> Path:
        """The path of the local folder; it is created with the first file."""
        return self.files.root / inputs_name(self.order_id)

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
        return replace(request, inputs=await copy_inputs(request.inputs, self.files, self.order_id))

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


async def keep_inputs(jobs: Sequence[Job], files: Files) -> None:
    """Keep the inputs of one order's jobs where every process finds them; each job of a set has its own copies.

    Call it before the jobs are accepted. What is kept of an order that is not, is removed with it, or after a crash by
    `bot.runner.orphans`.

    Raises:
        FilesGone: a file was deleted.
        FilesUnavailable: the place where files are kept did not take them.
    """
    first = jobs[0]
    try:
        await all_of(_keep(item, first, files) for item in first.inputs)
        await all_of(_copy(item, files, job.id) for job in jobs[1:] for item in first.inputs)
    except FileNotFoundError:
        raise await _files_gone(first.inputs, files) from None


async def _keep(item: Input, job: Job, files: Files) -> None:
    await files.keep(item.path, job.requester)
    with suppress(FileNotFoundError):
        await files.keep(beside(item.path, preview_name(item.option)), job.requester)


async def copy_result(job: Job, files: Files, path: Path) -> None:
    """Copy the job's video to the local `path`; its folder is created.

    Raises:
        FilesGone: Wanda's copy of the video was deleted.
        FilesUnavailable: it cannot be had now.
    """
    try:
        await files.fetch_to(result_name(job.id), path)
    except FileNotFoundError:
        raise FilesGone(
            "Wanda no longer has this video. You weren't charged; save it from its message and attach it to a command."
        ) from None


async def inputs_gone(job: Job, files: Files) -> tuple[Input, ...]:
    """Return the job's inputs that were deleted; raises FilesUnavailable."""
    return await _gone(job.inputs, files)


async def result_bytes(job: Job, files: Files) -> int:
    """Return the size of the job's video, 0 if Wanda's copy of it was deleted; raises FilesUnavailable."""
    return (await files.sizes([result_name(job.id)])).get(result_name(job.id), 0)


async def small_result(job: Job, files: Files, *, bytes_max: int) -> Path | None:
    """Return the path of the job's video, None if it is larger, not kept or cannot be had now."""
    try:
        size = await result_bytes(job, files)
        return await files.fetch(result_name(job.id), job.requester) if 0 < size <= bytes_max else None
    except (FileNotFoundError, FilesUnavailable):
        return None


def input_of(fitted: Fitted, *, option: str, file_name: str, root: Path, is_spoiler: bool) -> Input:
    """Return a fitted file below `root` as a job's input; `file_name` is the name that people see."""
    facts = fitted.facts
    return Input(
        option=option,
        path=fitted.path.relative_to(root).as_posix(),
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


async def copy_inputs(inputs: tuple[Input, ...], files: Files, job_id: str) -> tuple[Input, ...]:
    """Return copies of these files in the folder of the job; on an error that folder is deleted.

    Raises:
        FilesGone: a file was deleted; the sentence names it and asks for it again.
        FilesUnavailable: they cannot be copied now.
    """
    try:
        return tuple(await all_of(_copy(item, files, job_id) for item in inputs))
    except FileNotFoundError:
        await _remove_quietly(files, job_id)
        raise await _files_gone(inputs, files) from None
    except BaseException:
        await _remove_quietly(files, job_id)
        raise


async def _copy(item: Input, files: Files, job_id: str) -> Input:
    """Return the input as a job of this id has it: a copy, with its preview and without fal's URL."""
    path = f"{inputs_name(job_id)}/{Path(item.path).name}"
    await files.copy(item.path, path)
    with suppress(FileNotFoundError):
        name = preview_name(item.option)
        await files.copy(beside(item.path, name), beside(path, name))
    return replace(item, path=path, url=None)


async def _remove_quietly(files: Files, job_id: str) -> None:
    """Remove what was copied for a job that there will not be; what stays is an orphan."""
    with suppress(FilesUnavailable):
        await files.remove_jobs([job_id])


async def _files_gone(inputs: tuple[Input, ...], files: Files) -> FilesGone:
    return FilesGone(
        f"Wanda no longer has {_named(await _gone(inputs, files))} of this video. "
        "You weren't charged; attach it again in a new command."
    )


async def _gone(inputs: tuple[Input, ...], files: Files) -> tuple[Input, ...]:
    there = await files.sizes([item.path for item in inputs])
    return tuple(item for item in inputs if item.path not in there)


def _named(gone: tuple[Input, ...]) -> str:
    return ", ".join(f"the {item.option} “{item.file_name}”" for item in gone) or "the files"
