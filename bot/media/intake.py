"""From an attachment that Discord holds to a checked file in a folder of ours."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.errors import Busy, DownloadFailed, DownloadTooLarge, MediaRefused, Refusal
from bot.media.probe import Facts, Prober
from bot.media.rules.file_name import shown_name
from bot.net.download import Allowed, to_disk, within
from bot.settings import MIB, Settings

__all__ = ["Intake", "Offered", "Taken", "Wanted", "discard", "inputs_folder", "refuse_by_claim", "shown_name"]

_DEFAULT_CDN = "https://cdn.discordapp.com"
_DEFAULT_CDN_TWIN = "https://media.discordapp.net"
_MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """An attachment as Discord describes it. Name and size are claims."""

    url: str
    file_name: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An attachment for one option of a mode, and the most bytes that are copied for it."""

    option: str
    offered: Offered
    bytes_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A file of ours: where it lies, what its bytes are, and its name as people may see it."""

    option: str
    path: Path
    file_name: str
    facts: Facts


def inputs_folder(data_dir: Path, job_id: str) -> Path:
    """Return where the files of one job lie."""
    return data_dir / "inputs" / job_id


async def discard(folder: Path) -> None:
    """Remove a job's files; it is fine if they are gone."""
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


class Intake:
    """Copies attachments to disk, a bounded number of commands at once."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        prober: Prober,
        settings: Settings,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._prober = prober
        self._settings = settings
        self._sleep = sleep
        self._slots = asyncio.Semaphore(settings.intakes_at_once)
        self._allowed = _cdn(settings)

    async def take_all(self, wanted: Sequence[Wanted], *, into: Path) -> tuple[Taken, ...]:
        """Copy and check every attachment of one command; `into` holds exactly these files afterwards, in any order.

        `into` must not exist yet, or be empty: it is removed, with all that is in it, when anything goes wrong.

        Raises:
            Refusal: the first attachment that cannot be used, in a whole sentence.
            Busy: so many others' files are being copied that the member waited as long as one file may take.
        """
        for each in wanted:
            refuse_by_claim(each)
        if not wanted:
            return ()
        done = False
        async with self._slot():
            try:
                await asyncio.to_thread(into.mkdir, parents=True, exist_ok=True)
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(self._take(each, into)) for each in wanted]
                done = True
            except ExceptionGroup as group:
                raise _first(group) from group
            finally:
                if not done:
                    # In this thread: a few files at most, and a cancelled task would not wait for another.
                    shutil.rmtree(into, ignore_errors=True)
        return tuple(task.result() for task in tasks)

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None]:
        """Lend a place within a bounded time: a member whose command says nothing for minutes thinks that it hangs."""
        try:
            async with asyncio.timeout(self._settings.download_timeout_s):
                await self._slots.acquire()
        except TimeoutError:
            raise Busy(
                "Wanda is busy copying other members' files, and yours did not have their turn in time. "
                "Nothing was charged; try again in a few minutes."
            ) from None
        try:
            yield
        finally:
            self._slots.release()

    async def take(self, offered: Offered, *, into: Path, option: str, bytes_max: int) -> Taken:
        """Copy and check one attachment, as `take_all` does."""
        (taken,) = await self.take_all([Wanted(option=option, offered=offered, bytes_max=bytes_max)], into=into)
        return taken

    async def small(self, offered: Offered, *, bytes_max: int, scratch: Path) -> bytes:
        """Return the content of one small attachment; `scratch` is a path of its own, which holds nothing afterwards.

        Raises:
            MediaRefused: it is larger than `bytes_max`, or could not be fetched.
            Busy: as `take_all`.
        """
        wanted = Wanted(option="file", offered=offered, bytes_max=bytes_max)
        async with self._slot():
            try:
                await asyncio.to_thread(scratch.parent.mkdir, parents=True, exist_ok=True)
                await self._download(wanted, shown_name(offered.file_name), scratch)
                return await asyncio.to_thread(scratch.read_bytes)
            finally:
                await asyncio.to_thread(scratch.unlink, missing_ok=True)

    async def _take(self, wanted: Wanted, into: Path) -> Taken:
        """Copy one file under its option's name and give it the extension of what it is."""
        name = shown_name(wanted.offered.file_name)
        raw = into / f"{wanted.option}.unchecked"
        await self._download(wanted, name, raw)
        facts = await self._prober.facts(raw, shown_name=name)
        path = raw.with_suffix(f".{facts.format}")
        raw.replace(path)
        return Taken(option=wanted.option, path=path, file_name=name, facts=facts)

    async def _download(self, wanted: Wanted, name: str, path: Path) -> None:
        """Copy the bytes, and say what went wrong in words for the member."""
        settings = self._settings
        try:
            await to_disk(
                self._http,
                wanted.offered.url,
                path,
                bytes_max=wanted.bytes_max,
                timeout_s=settings.download_timeout_s,
                allowed=self._allowed,
                retries=settings.download_retries,
                wait_s=settings.download_wait_s,
                sleep=self._sleep,
            )
        except DownloadTooLarge as error:
            limit = _size(wanted.bytes_max, wanted.bytes_max)
            raise MediaRefused(
                f"“{name}” is larger than it says; the limit is {limit}. Make it smaller and try again."
            ) from error
        except DownloadFailed as error:
            raise MediaRefused(
                f"“{name}” could not be fetched from Discord. Nothing was charged; attach it again in a new command."
            ) from error


def refuse_by_claim(wanted: Wanted) -> None:
    """Return when the file says of itself that it is within the limit.

    Raises:
        MediaRefused: it is too large by its own account, so no byte of it is copied.
    """
    offered, most = wanted.offered, wanted.bytes_max
    if offered.size_bytes > most:
        name, size, limit = shown_name(offered.file_name), _size(offered.size_bytes, most), _size(most, most)
        raise MediaRefused(f"“{name}” is {size}; the limit is {limit}. Make it smaller and try again.")


def _size(size_bytes: int, limit_bytes: int) -> str:
    """Write a size in the unit of its limit, rounded up, so that what is over the limit never reads as equal to it."""
    unit = MIB if limit_bytes % MIB == 0 else _MB
    tenths = -(-size_bytes * 10 // unit)
    return f"{tenths / 10:g} MB"


def _cdn(settings: Settings) -> Allowed:
    """Return the rule for Discord's own hosts: attachments come from nowhere else."""
    base = settings.discord_cdn_url
    return within(base, _DEFAULT_CDN_TWIN) if base.rstrip("/") == _DEFAULT_CDN else within(base)


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """Return the refusal among what went wrong, or else the first error; the others were only cancelled by it."""
    for error in group.exceptions:
        if isinstance(error, Refusal):
            return error
    return group.exceptions[0]
