"""`python -m sandbox play`: runs the stand-ins, the bot and the page until it is stopped."""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import webbrowser
from contextlib import AsyncExitStack
from pathlib import Path

from sandbox.discord.server import DiscordSandbox
from sandbox.fal.server import FalSandbox
from sandbox.play.bot import Bot
from sandbox.play.clock import ClockFile
from sandbox.play.fal_wire import FalWire
from sandbox.play.scene import set_scene
from sandbox.play.server import PlayServer

IDENTIFY_INTERVAL_S = 1.0  # Discord's is five; a bot that is started again is back sooner here
SECONDS_PER_VIDEO = 6.0


def run_play(options: argparse.Namespace) -> int:
    """Run the page with the command line's options; returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="wanda-play-") as folder:
        return asyncio.run(_play(options, Path(folder)))


async def _play(options: argparse.Namespace, folder: Path) -> int:
    """Print the page's address, then `ready` once the bot is connected; SIGINT and SIGTERM end everything."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with AsyncExitStack() as stack:
        discord = DiscordSandbox(identify_interval_s=IDENTIFY_INTERVAL_S, has_control=False)
        stack.push_async_callback(discord.close)
        wire = FalWire()
        fal = FalSandbox(seconds_per_job=SECONDS_PER_VIDEO, has_control=False, middlewares=[wire.middleware()])
        stack.push_async_callback(fal.close)
        await discord.start()
        await fal.start()
        clock = ClockFile(folder / "clock")
        stack.callback(clock.close)
        server = PlayServer(discord.core, fal, clock, _subfolder(folder, "files"))
        stack.push_async_callback(server.close)
        wire.told = server.stream.wire
        try:
            await server.start(options.port)
        except OSError as error:
            print(
                f"Port {options.port} cannot be used ({error}); choose another, or 0 for a free one.", file=sys.stderr
            )
            return 1
        bot = Bot(
            discord.environment() | fal.environment(),
            _subfolder(folder, "data"),
            clock,
            state_changed=server.stream.status_changed,
            line=server.stream.log_line,
            books=server.stream.books,
        )
        stack.push_async_callback(bot.close)
        server.bot = bot
        print(server.address, flush=True)
        if not options.no_browser:
            _open_browser(server.address)
        begun = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("scene", set_scene(discord.core, server.samples)),
                ("connection", server.watch_connection()),
                ("start", _start(bot)),
            )
        ]
        await ended.wait()
        for task in begun:
            task.cancel()
    return 0


async def _start(bot: Bot) -> None:
    await bot.start()
    print("ready" if bot.state == "ready" else "Wanda did not start; the page's log says why.", flush=True)


def _subfolder(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def _open_browser(address: str) -> None:
    """Open the page in a browser, where there is one with a window."""
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(address)
