"""The disk space of files whose order is not accepted yet: being copied and fitted, or waiting for a confirmation.

Together with the files of jobs that wait for approval, and of drafts of films, they are bounded, for each member in a
server and for each server. The count is in memory, because no order survives the process: files without a job are
removed later.
"""

import asyncio
import logging
from pathlib import Path
from typing import NamedTuple

from bot.errors import FilesUnavailable
from bot.files.files import Files
from bot.files.names import inputs_name
from bot.jobs.places import FileBounds, WaitingFiles, check_files, waiting_files
from bot.requester import Requester
from bot.storage.transaction import Store

log = logging.getLogger(__name__)


class _Share(NamedTuple):
    requester: Requester
    size_bytes: int


class OrderSpace:
    """Counts the bytes of each order's files from before they are copied until they are deleted or are a job's."""

    def __init__(self, store: Store, files: Files, bounds: FileBounds) -> None:
        self.files = files
        self._store = store
        self._bounds = bounds
        self._shares: dict[str, _Share] = {}

    async def take(self, order_id: str, requester: Requester, size_bytes: int) -> None:
        """Count this many bytes for the order, instead of what was counted for it before.

        Raises:
            Busy: the member's or the server's files would be too many bytes; what was counted stays.
            StorageError: the database did not answer; likewise.
        """
        share = _Share(requester, size_bytes)
        if size_bytes > self._counted(order_id):  # what shrinks always fits
            await self._check(order_id, share)
        self._shares[order_id] = share

    def _counted(self, order_id: str) -> int:
        return self._shares[order_id].size_bytes if order_id in self._shares else 0

    async def _check(self, order_id: str, new: _Share) -> None:
        requester, before = new.requester, dict(self._shares)
        waiting = await self._store.read(waiting_files(requester.guild_id, requester.member_id, but=order_id))
        # An order that became a waiting job meanwhile may be missing in both, so those of before count too.
        others = [share for key, share in {**before, **self._shares}.items() if key != order_id]
        in_server = [share for share in others if share.requester.guild_id == requester.guild_id]
        own = sum(share.size_bytes for share in in_server if share.requester == requester)
        taken = WaitingFiles(
            of_member_bytes=waiting.of_member_bytes + own,
            in_server_bytes=waiting.in_server_bytes + sum(share.size_bytes for share in in_server),
        )
        check_files(new.size_bytes, taken, self._bounds)

    def free(self, order_id: str) -> None:
        """Count nothing for the order any more: it is a job now."""
        self._shares.pop(order_id, None)

    async def discard(self, order_id: str) -> None:
        """Delete the order's files, if it has any, and count nothing for it any more.

        What cannot be deleted now is an orphan.
        """
        try:
            if self._counted(order_id) or await asyncio.to_thread(self._local(order_id).exists):
                await self.files.remove_jobs([order_id])
        except FilesUnavailable as error:
            log.warning("the files of an order stay until they are found without a job: %s", error)
        finally:
            self.free(order_id)

    def _local(self, order_id: str) -> Path:
        return self.files.root / inputs_name(order_id)

    @property
    def total_bytes(self) -> int:
        """What is counted for all orders."""
        return sum(share.size_bytes for share in self._shares.values())
