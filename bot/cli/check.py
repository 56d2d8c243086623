"""`python -m bot check`: one line for each thing that a run needs, with what to do where something is wrong."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import av
from av.codec import Codec

from bot.catalogue.picker import Picker
from bot.cli.check_fal import check_fal
from bot.cli.finding import Finding
from bot.client import identify
from bot.endpoints import point_at
from bot.errors import (
    NoDatabase,
    OldDatabase,
    SettingsRefused,
    StartRefused,
    StorageError,
)
from bot.files.opening import check_shared, open_files
from bot.media.ffmpeg import NEEDED_ENCODERS, find_ffmpeg
from bot.settings import Settings
from bot.storage.data_folder import check_writable, read_mark
from bot.storage.database import check_plan, look_into
from bot.storage.location import database_name
from bot.storage.owned_store import write_nothing
from bot.storage.transaction import One, Transaction
from bot.texts.operators import budgets_line, missing_keys
from bot.web.probe import probe
from bot.workers.protection import protect
from bot.workers.run_once import RunFailed

CHECK_TIMEOUT_S = 20.0


async def check(settings: Settings) -> list[Finding]:
    """Check everything that a run needs; nothing is created, migrated or left behind."""
    point_at(settings.discord)
    checks: dict[str, Callable[[Settings], Awaitable[list[Finding]]]] = {
        "Discord": _discord,
        "fal": check_fal,
        "budgets": _budgets,
        "data folder": _data_folder,
        "files": _files,
        "database": _database,
        "ffmpeg": _ffmpeg,
        "workers": _workers,
        "webhooks": _webhooks,
    }
    found = await asyncio.gather(*(_bounded(name, one, settings) for name, one in checks.items()))
    return [*_defaults(settings), *(finding for part in found for finding in part)]


def _defaults(settings: Settings) -> list[Finding]:
    try:
        Picker.of(settings.money, settings.defaults)
    except SettingsRefused as refused:
        return [Finding("defaults", fine=False, text=str(refused))]
    return []


async def _bounded(
    subject: str, one: Callable[[Settings], Awaitable[list[Finding]]], settings: Settings
) -> list[Finding]:
    """Run one check with a timeout, so that a silent service does not hide the other findings."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            return await one(settings)
    except TimeoutError:
        return [Finding(subject, fine=False, text=f"no answer within {CHECK_TIMEOUT_S:g} s; check the network")]


async def _discord(settings: Settings) -> list[Finding]:
    if settings.discord.token is None:
        return [Finding("Discord", fine=False, text=missing_keys(["DISCORD_TOKEN"]))]
    try:
        identity = await identify(settings.discord.token.get_secret_value())
    except StartRefused as error:
        return [Finding("Discord", fine=False, text=str(error))]
    return [
        Finding("Discord", fine=True, text=f"the token belongs to {identity.name} ({identity.application_id})"),
        Finding("invite", fine=True, text=identity.invite_url),
    ]


async def _budgets(settings: Settings) -> list[Finding]:
    return [Finding("budgets", fine=True, text=budgets_line(settings.money))]


async def _data_folder(settings: Settings) -> list[Finding]:
    return [await asyncio.to_thread(_writable, settings)]


def _writable(settings: Settings) -> Finding:
    folder = settings.storage.data_dir.absolute()
    if not folder.exists():
        above = next(parent for parent in folder.parents if parent.exists())
        fine = os.access(above, os.W_OK | os.X_OK)
        text = f"{folder} is created by the first run" if fine else f"{folder} cannot be made: {above} is not writable"
        return Finding("data folder", fine=fine, text=text)
    try:
        check_writable(folder)
    except StorageError as error:
        return Finding("data folder", fine=False, text=str(error))
    return Finding("data folder", fine=True, text=f"{folder} can be written")


async def _files(settings: Settings) -> list[Finding]:
    """Put a tiny file where files are kept, read it and remove it; the data folder has a check of its own."""
    try:
        files = open_files(settings.storage, settings.files)
        check_shared(files, settings.shards.plan)
        if not files.is_shared:
            return []
        await files.try_out()
    except (StorageError, SettingsRefused) as error:
        return [Finding("files", fine=False, text=str(error))]
    return [Finding("files", fine=True, text=f"{files.name} takes a file, gives it back and removes it")]


async def _database(settings: Settings) -> list[Finding]:
    """Look into the database and write to it, without creating or migrating anything."""
    try:
        check_plan(settings.storage, settings.shards.plan)
        store = await look_into(settings.storage)
    except NoDatabase as error:
        return [_none_yet(settings, error)]
    except OldDatabase as error:
        return [Finding("database", fine=True, text=str(error))]
    except (StorageError, StartRefused) as error:
        return [Finding("database", fine=False, text=str(error))]
    try:
        jobs = await store.read(_unfinished())
        await store.write(write_nothing(), guild_id=None)
    except StorageError as error:
        return [Finding("database", fine=False, text=str(error))]
    finally:
        await store.close()
    name = database_name(settings.storage)
    return [Finding("database", fine=True, text=f"{name} answers and takes a write; unfinished jobs: {jobs}")]


def _none_yet(settings: Settings, error: NoDatabase) -> Finding:
    """Return what a run would say of a missing database: one that was there before is not begun anew."""
    mark = read_mark(settings.storage.data_dir)
    if mark is None or not mark.begun:
        return Finding("database", fine=True, text=str(error))
    text = (
        f"{database_name(settings.storage)} is missing, although the data folder was used with {mark.name}; mount or "
        "restore it"
    )
    return Finding("database", fine=False, text=text)


def _unfinished() -> Transaction[int]:
    row = yield One("SELECT count(*) AS n FROM jobs WHERE told = 0")
    return row["n"]


async def _ffmpeg(settings: Settings) -> list[Finding]:
    """Check both FFmpegs: the library inside PyAV reads files, and the program encodes them."""
    version = ".".join(map(str, av.library_versions["libavcodec"]))
    missing = [name for name in ("h264", "aac", "mp3", "opus") if not _decodes(name)]
    if missing:
        text = f"PyAV {av.__version__} cannot decode {', '.join(missing)}; install requirements.lock anew"
        return [Finding("ffmpeg", fine=False, text=text)]
    reads = Finding("reading files", fine=True, text=f"PyAV {av.__version__} brings its own (libavcodec {version})")
    return [reads, await _encoder(settings)]


async def _encoder(settings: Settings) -> Finding:
    """Find the ffmpeg that encodes; without one, files that do not fit are refused and large videos linked."""
    if not settings.media.encodes_at_once:
        text = "WANDA_ENCODES_AT_ONCE is 0: long clips and sounds are refused, and large videos linked"
        return Finding("ffmpeg", fine=True, text=text)
    program = await asyncio.to_thread(find_ffmpeg)
    if program is None:
        wanted = ", ".join(NEEDED_ENCODERS)
        text = f"no ffmpeg with {wanted} was found, so nothing is made to fit; install ffmpeg or requirements.lock anew"
        return Finding("ffmpeg", fine=False, text=text)
    return Finding("ffmpeg", fine=True, text=f"{program.origin} {program.version} makes files fit ({program.path})")


async def _workers(_: Settings) -> list[Finding]:
    """Tell which layers keep a file that takes over a decoder from the keys, the database and the network."""
    try:
        states = await asyncio.to_thread(protect)
    except RunFailed as error:
        return [Finding("workers", fine=False, text=f"no worker can be run: {error}")]
    return [Finding(state.name, state.holds or not state.needed, state.text) for state in states]


async def _webhooks(settings: Settings) -> list[Finding]:
    """Find out whether fal's webhooks come to this machine, as far as that can be told from here."""
    if settings.web.public_url is None:
        return []
    if not settings.web.port:
        text = "WANDA_PUBLIC_URL needs the web server, and WANDA_WEB_PORT is 0"
        return [Finding("webhooks", fine=False, text=text)]
    wrong = await probe(settings.web)
    fine = f"{settings.web.public_url} leads to Wanda's port {settings.web.port}; fal comes the same way, from outside"
    return [Finding("webhooks", fine=wrong is None, text=wrong or fine)]


def _decodes(name: str) -> bool:
    try:
        Codec(name, "r")
    except ValueError:
        return False
    return True
