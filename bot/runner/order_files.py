"""The files of an order, which are deleted unless the order is accepted or pending."""

import asyncio
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.jobs.order import Request
from bot.media.intake import discard, inputs_folder
from bot.runner.job_files import copy_inputs


class OrderFiles:
    """The folder of one order, deleted at the end of the `async with` block unless `keep` was called."""

    def __init__(self, data_dir: Path, order_id: str) -> None:
        self.data_dir = data_dir
        self.order_id = order_id
        self._is_kept = False

    @property
    def folder(self) -> Path:
        """The path of the folder; it is created with the first file."""
        return inputs_folder(self.data_dir, self.order_id)

    def keep(self) -> None:
        """Leave the files to the accepted job, or to the pending order."""
        self._is_kept = True

    async def copy_inputs(self, request: Request) -> Request:
        """Return the request with copies of its files in this folder.

        Raises:
            FilesGone: Wanda's copy of a file was deleted.
        """
        return replace(request, inputs=await copy_inputs(request.inputs, self.data_dir, self.order_id))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if not self._is_kept:
            await asyncio.shield(discard(self.folder))
