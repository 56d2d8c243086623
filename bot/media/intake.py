"""Copies attachments from Discord to disk and checks what each file is."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from bot.errors import Busy, DiskRefused, DownloadFailed, DownloadTooLarge, MediaRefused, Refusal
from bot.media.file_turns import turn_or_busy
from bot.media.probe import Facts, Prober
from bot.media.rules.file_name import shown_name
from bot.media.rules.preview import preview_name
from bot.net.download import Allowed, Limits, to_disk, within
from bot.net.file_session import FileSession
from bot.requester import Requester
from bot.settings import DownloadSettings, MediaSettings
from bot.tasks import in_thread
from bot.turns import FairTurns, Patience
from bot.units import MB, MIB

__all__ = ["Intake", "Offered", "Taken", "Wanted", "refuse_by_claim", "shown_name"]

_DEFAULT_CDN = "https://cdn.discordapp.com"
_DEFAULT_CDN_TWIN = "https://media.discordapp.net"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """An attachment as Discord describes it; name and size are not checked yet."""

    url: str
    file_name: str
    size_bytes: int
    is_spoiler: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An attachment for one option of a mode, and the largest size that is copied."""

    option: str
    offered: Offered
    bytes_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A copied file: its path, what its bytes are, and its name as people may see it."""

    option: str
    path: Path
    file_name: str
    facts: Facts
    is_spoiler: bool = False


class Intake:
    """Copies attachments to disk, for at most `intakes_at_once` commands at a time; members and servers take turns."""

    def __init__(
        self,
        http: FileSession,
        prober: Prober,
        settings: MediaSettings,
        downloads: DownloadSettings,
        *,
        cdn_url: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._prober = prober
        self._downloads = downloads
        self._sleep = sleep
        self._turns = FairTurns(settings.intakes_at_once, name="intake")
        # A command that shows nothing for minutes looks as if it hangs.
        self._patience = Patience(
            wait_s=downloads.timeout_s,
            member_max=settings.waiting_member_max,
            server_max=settings.waiting_server_max,
        )
        self._allowed = _cdn(cdn_url)

    async def take_all(self, wanted: Sequence[Wanted], *, into: Path, requester: Requester) -> tuple[Taken, ...]:
        """Copy and check every attachment of one command; afterwards `into` holds these files and their previews only.

        `into` must be empty or not exist: on any error it is removed with its content.

        Raises:
            Refusal: the first attachment that cannot be used, in a whole sentence.
            Busy: it was not the requester's turn within the time that one file may take, or too many of their commands
                wait.
        """
        for each in wanted:
            refuse_by_claim(each)
        if not wanted:
            return ()
        done = False
        async with self._turn(requester):
            try:
                await in_thread(into.mkdir, parents=True, exist_ok=True)
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self._take(each, into, requester)) for each in wanted]
                done = True
            except ExceptionGroup as group:
                raise _first(group) from group
            finally:
                if not done:
                    # Not in a thread: it is a few files, and a cancelled task would not wait for the thread.
                    shutil.rmtree(into, ignore_errors=True)
        return tuple(task.result() for task in tasks)

    def _turn(self, requester: Requester) -> AbstractAsyncContextManager[None]:
        return turn_or_busy(self._turns, requester, self._patience, "copied")

    async def small(self, offered: Offered, *, bytes_max: int, scratch: Path, requester: Requester) -> bytes:
        """Return the content of one small attachment, copied to the unused path `scratch` and removed from it.

        Raises:
            MediaRefused: it is larger than `bytes_max`, or could not be fetched.
            Busy: as `take_all`.
        """
        wanted = Wanted(option="file", offered=offered, bytes_max=bytes_max)
        async with self._turn(requester):
            try:
                await in_thread(scratch.parent.mkdir, parents=True, exist_ok=True)
                await self._download(wanted, shown_name(offered.file_name), scratch)
                return await asyncio.to_thread(scratch.read_bytes)
            finally:
                await asyncio.to_thread(scratch.unlink, missing_ok=True)

    async def _take(self, wanted: Wanted, into: Path, requester: Requester) -> Taken:
        """Copy one file under its option's name, with the extension of its real format."""
        name = shown_name(wanted.offered.file_name)
        raw = into / f"{wanted.option}.unchecked"
        await self._download(wanted, name, raw)
        facts = await self._prober.facts(raw, shown_name=name, requester=requester)
        path = raw.with_suffix(f".{facts.format}")
        raw.replace(path)
        if facts.preview:
            await in_thread(path.with_name(preview_name(wanted.option)).write_bytes, facts.preview)
        hidden = wanted.offered.is_spoiler
        return Taken(option=wanted.option, path=path, file_name=name, facts=facts, is_spoiler=hidden)

    async def _download(self, wanted: Wanted, name: str, path: Path) -> None:
        """Copy the bytes; a failure is a sentence for the member."""
        try:
            limits = Limits(
                bytes_max=wanted.bytes_max,
                timeout_s=self._downloads.timeout_s,
                allowed=self._allowed,
                retries=self._downloads.retries,
                wait_s=self._downloads.wait_s,
                sleep=self._sleep,
            )
            await to_disk(self._http, wanted.offered.url, path, limits)
        except DownloadTooLarge as error:
            limit = _size(wanted.bytes_max, wanted.bytes_max)
            raise MediaRefused(
                f"“{name}” is larger than the limit of {limit}. Make it smaller and try again."
            ) from error
        except DiskRefused as error:
            raise Busy(
                f"Wanda's disk is full or broken, so “{name}” couldn't be saved. You weren't charged; please tell "
                "an admin."
            ) from error
        except DownloadFailed as error:
            raise MediaRefused(
                f"Wanda couldn't get “{name}” from Discord. You weren't charged; attach it again in a new command."
            ) from error


def refuse_by_claim(wanted: Wanted) -> None:
    """Check the size that Discord declares, before any byte is copied.

    Raises:
        MediaRefused: it is above the limit.
    """
    offered, most = wanted.offered, wanted.bytes_max
    if offered.size_bytes > most:
        name, size, limit = shown_name(offered.file_name), _size(offered.size_bytes, most), _size(most, most)
        raise MediaRefused(f"“{name}” is {size}; the limit is {limit}. Make it smaller and try again.")


def _size(size_bytes: int, limit_bytes: int) -> str:
    """Return the size in its limit's unit, rounded up, so that a size above the limit never reads as equal to it."""
    unit = MIB if limit_bytes % MIB == 0 else MB
    tenths = -(-size_bytes * 10 // unit)
    return f"{tenths / 10:g} MB"


def _cdn(url: str) -> Allowed:
    """Return which hosts attachments may come from: Discord's CDN alone."""
    return within(url, _DEFAULT_CDN_TWIN) if url.rstrip("/") == _DEFAULT_CDN else within(url)


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """Return the first refusal in the group, or else its first error."""
    for error in group.exceptions:
        if isinstance(error, Refusal):
            return error
    return group.exceptions[0]
