"""The command line: run · price · commands · check · ledger · watch · backup · restore · migrate.

Imports are inside the commands, so that each loads only what it needs: `price` takes no time for discord.py.
"""

import argparse
import asyncio
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from bot.configuration import forget_environment, read_settings
from bot.errors import NoDatabase, Refusal, SettingsRefused, WandaError
from bot.settings import Settings

USAGE_ERROR = 2
WATCH_MIN_S, WATCH_MAX_S = 0.05, 86_400.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0 done, 1 failed, 2 wrong arguments or settings."""
    chosen = _parser().parse_args(arguments)
    try:
        settings = read_settings()
    except SettingsRefused as refused:
        print(refused, file=sys.stderr)
        return USAGE_ERROR
    forget_environment(os.environ)
    match chosen.command:
        case "run":
            return _run(settings, begin_anew=chosen.begin_anew)
        case "price":
            return _price(settings, chosen.mode, chosen.options, as_json=chosen.json)
        case "commands":
            return _commands(settings)
        case "watch":
            return _watch(settings, chosen.every)
        case "ledger":
            return _ledger(settings, chosen.close, chosen.at)
        case "backup":
            return _done(_backup(settings, chosen.folder))
        case "restore":
            return _done(_restore(settings, chosen.folder, nothing_ran_since=chosen.nothing_ran_since))
        case "migrate":
            return _done(_migrate(settings, chosen.to))
        case _:
            return _check(settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot", description="Wanda, a Discord bot for AI video.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="tell what is missing or wrong before a run")
    run = commands.add_parser("run", help="run the bot until SIGTERM")
    run.add_argument(
        "--begin-anew", action="store_true", help="accept a new or other database where one was used before"
    )
    price = commands.add_parser("price", help="print what a video costs, and why")
    price.add_argument(
        "mode", nargs="?", help="the mode's id, such as wan27-image; without it, what each usually costs"
    )
    price.add_argument("options", nargs="*", metavar="key=value", help="resolution=1080p duration=15 video_seconds=8")
    price.add_argument("--json", action="store_true", help="print JSON instead of words")
    commands.add_parser("commands", help="print the slash commands as Discord would get them")
    ledger = commands.add_parser("ledger", help="verify the books and print every server's totals")
    ledger.add_argument("--close", metavar="JOB", help="end what this uncertain job holds of its server's money")
    ledger.add_argument("--at", metavar="AMOUNT", help="what fal charged for it, by its dashboard ($0.75, or 0)")
    watch = commands.add_parser("watch", help="print the newest jobs and the books as JSON, after each change")
    watch.add_argument("--every", type=_seconds, default=1.0, metavar="SECONDS", help="how often to look (default 1)")
    backup = commands.add_parser("backup", help="write the database and the videos' files to a new folder")
    backup.add_argument("folder", type=Path, metavar="FOLDER", help="the backup; it must not exist yet")
    restore = commands.add_parser("restore", help="fill an empty database and data folder from a backup")
    restore.add_argument("folder", type=Path, metavar="FOLDER", help="the backup")
    restore.add_argument(
        "--nothing-ran-since",
        action="store_true",
        help="no bot ran after the backup, so that what was not sent to fal by then can still be sent",
    )
    migrate = commands.add_parser("migrate", help="copy the database to an empty one of the other engine")
    migrate.add_argument("--to", required=True, metavar="URL", help="postgresql://… or sqlite:///…, as DATABASE_URL")
    return parser


def _seconds(text: str) -> float:
    """Return how often to look; NaN and infinity are no times."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not WATCH_MIN_S <= seconds <= WATCH_MAX_S:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds between {WATCH_MIN_S} and {WATCH_MAX_S:g}")
    return seconds


def _run(settings: Settings, *, begin_anew: bool) -> int:
    from bot.app import run  # noqa: PLC0415 - see the module's docstring

    os.umask(0o077)  # members' files, and the database, are for this user alone
    try:
        asyncio.run(run(settings, begin_anew=begin_anew))
    except WandaError as error:
        print(error, file=sys.stderr)
        return USAGE_ERROR if isinstance(error, SettingsRefused) else 1
    return 0


def _price(settings: Settings, mode: str | None, pairs: Sequence[str], *, as_json: bool) -> int:
    from bot.catalogue.example import (  # noqa: PLC0415 - see the module's docstring
        price_json,
        price_line,
        price_list,
        price_text,
    )
    from bot.catalogue.picker import Picker  # noqa: PLC0415 - see the module's docstring

    try:
        picker = Picker.of(settings.money, settings.defaults)
        if mode is None:
            quotes = price_list(picker)
            width = max(map(len, quotes), default=0)
            lines = (f"{name:<{width}}  {price_text(quote)}" for name, quote in quotes.items())
            as_list = [price_json(name, quote) for name, quote in quotes.items()]
            print(_as_json(as_list) if as_json else "\n".join(lines))
            return 0
        quote = price_line(mode, pairs, picker)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return USAGE_ERROR
    print(_as_json(price_json(mode, quote)) if as_json else price_text(quote))
    return 0


def _commands(settings: Settings) -> int:
    from bot.catalogue.picker import Picker  # noqa: PLC0415 - see the module's docstring
    from cogs.all import all_commands  # noqa: PLC0415 - see the module's docstring
    from cogs.base.command_group import command_payload  # noqa: PLC0415 - see the module's docstring

    try:
        commands = all_commands(Picker.of(settings.money, settings.defaults))
    except SettingsRefused as refused:
        print(refused, file=sys.stderr)
        return USAGE_ERROR
    print(_as_json(command_payload(commands), indent=2))
    return 0


def _as_json(value: object, *, indent: int | None = None) -> str:
    """Return JSON for standard output, in ASCII alone where that cannot show every character."""
    shows_all = sys.stdout is None or sys.stdout.encoding.lower().startswith("utf")
    return json.dumps(value, indent=indent, ensure_ascii=not shows_all)


def _ledger(settings: Settings, close: str | None, at: str | None) -> int:
    from bot.cli.ledger import close_exposure, ledger_lines, look  # noqa: PLC0415 - see the module's docstring
    from bot.ledger.typed_amount import typed_amount  # noqa: PLC0415 - see the module's docstring
    from bot.storage.location import database_name  # noqa: PLC0415 - see the module's docstring
    from bot.texts.operators import no_database  # noqa: PLC0415 - see the module's docstring

    if (close is None) != (at is None):
        print("--close and --at belong together: which job, and what fal charged for it (or 0).", file=sys.stderr)
        return USAGE_ERROR
    try:
        if close is not None and at is not None:
            print(asyncio.run(close_exposure(settings.storage, close, typed_amount(at), at=time.time())))
        books = asyncio.run(look(settings.storage))
    except NoDatabase:
        print(no_database(database_name(settings.storage)), file=sys.stderr)
        return USAGE_ERROR
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return USAGE_ERROR
    except WandaError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(ledger_lines(books)))
    return 1 if books.wrong else 0


def _done(command: Coroutine[Any, Any, tuple[Sequence[str], bool]]) -> int:
    """Run a command that returns its lines and whether all is well; return the exit status."""
    os.umask(0o077)  # what it writes is for this user alone
    try:
        lines, is_well = asyncio.run(command)
    except (SettingsRefused, NoDatabase) as refused:
        print(refused, file=sys.stderr)
        return USAGE_ERROR
    except WandaError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: what is not whole is not used. Run it again.", file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0 if is_well else 1


async def _backup(settings: Settings, folder: Path) -> tuple[Sequence[str], bool]:
    from bot.cli.backup import back_up, backup_lines  # noqa: PLC0415 - see the module's docstring

    manifest, books = await back_up(settings, folder)
    return backup_lines(manifest, folder, books), books is None or not books.wrong


async def _restore(settings: Settings, folder: Path, *, nothing_ran_since: bool) -> tuple[Sequence[str], bool]:
    from bot.cli.restore import restore, restore_lines  # noqa: PLC0415 - see the module's docstring

    restored = await restore(settings, folder, nothing_ran_since=nothing_ran_since)
    return restore_lines(restored, settings.storage), not restored.books.wrong


async def _migrate(settings: Settings, url: str) -> tuple[Sequence[str], bool]:
    from bot.cli.migrate import migrate_lines, move  # noqa: PLC0415 - see the module's docstring

    moved = await move(settings.storage, url)
    return migrate_lines(moved), not moved.books.wrong


def _watch(settings: Settings, every_s: float) -> int:
    try:
        asyncio.run(_print_changes(settings, every_s))
    except (KeyboardInterrupt, BrokenPipeError):
        return 0
    except WandaError as error:
        print(error, file=sys.stderr)
    return 1


async def _print_changes(settings: Settings, every_s: float) -> None:
    from bot.cli.watch import watch  # noqa: PLC0415 - see the module's docstring

    async for line in watch(settings.storage, every_s=every_s):
        print(line, flush=True)


def _check(settings: Settings) -> int:
    from bot.cli.check import check  # noqa: PLC0415 - see the module's docstring
    from bot.texts.operators import to_fix  # noqa: PLC0415 - see the module's docstring

    findings = asyncio.run(check(settings))
    for finding in findings:
        print(finding.wrapped(shutil.get_terminal_size().columns) if sys.stdout.isatty() else finding)
    wrong = sum(not finding.fine for finding in findings)
    print(to_fix(wrong))
    return 1 if wrong else 0
