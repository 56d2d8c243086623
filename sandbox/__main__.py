"""`python -m sandbox serve`: runs both stand-ins in one process, for tests, demos and manual trials."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from importlib import import_module
from typing import Protocol

from sandbox.fal.server import FalSandbox

__all__ = ["main"]


class StandInServer(Protocol):
    """A stand-in that can be started and closed."""

    async def start(self, port: int = 0) -> None:
        """Start to listen; port 0 picks a free port."""
        ...

    async def close(self) -> None:
        """Stop listening and delete temporary files."""
        ...

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point Wanda at this stand-in."""
        ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    if options.command == "demo":
        demo = import_module("sandbox.demo")  # imported late: only the demo knows the bot's process
        return int(demo.run_demo(options))
    if options.command == "play":
        play = import_module("sandbox.play.play")  # imported late, as above
        return int(play.run_play(options))
    if options.command == "look":
        return int(import_module("sandbox.look").look(options.only))
    if options.command == "readme":
        import_module("sandbox.readme").write()
        return 0
    return asyncio.run(run_stand_ins(options))


async def run_stand_ins(options: argparse.Namespace) -> int:
    """Run the stand-ins until SIGTERM or SIGINT; prints their environment, then `ready`."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    environment: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        for stand_in, port in _stand_ins_to_run(options):
            try:
                await stand_in.start(port)
            except OSError as error:
                print(f"Port {port} cannot be used ({error}); choose another, or 0 for a free one.", file=sys.stderr)
                return 1
            stack.push_async_callback(stand_in.close)
            environment |= stand_in.environment()
            if isinstance(stand_in, FalSandbox):
                environment |= stand_in.admin_environment()
        for name, value in environment.items():
            print(f"{name}={value}")
        print("ready", flush=True)
        await ended.wait()
    return 0


def _stand_ins_to_run(options: argparse.Namespace) -> list[tuple[StandInServer, int]]:
    """Return the stand-ins to run, with their ports."""
    chosen: list[tuple[StandInServer, int]] = []
    if options.only in {None, "discord"}:
        server = import_module("sandbox.discord.server")
        discord: StandInServer = server.DiscordSandbox(
            identify_interval_s=options.identify_interval_s, is_strict=options.strict
        )
        chosen.append((discord, options.discord_port))
    if options.only in {None, "fal"}:
        fal = FalSandbox(
            seconds_per_job=options.seconds_per_job,
            concurrency=options.concurrency,
            is_strict=options.strict,
            is_still=options.still,
        )
        chosen.append((fal, options.fal_port))
    return chosen


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="run the stand-ins until they are stopped")
    serving.add_argument("--discord-port", type=int, default=8420, help="0 picks a free one")
    serving.add_argument("--fal-port", type=int, default=8421, help="0 picks a free one")
    serving.add_argument("--seconds-per-job", type=float, default=4.0, help="how long fal takes for a video")
    serving.add_argument("--concurrency", type=int, default=2, help="how many videos fal makes at once")
    serving.add_argument(
        "--identify-interval-s",
        type=float,
        default=5.0,
        help="the shortest time between two logins to Discord's gateway",
    )
    serving.add_argument(
        "--strict", action="store_true", help="refuse keys, headers and options that Discord and fal ignore"
    )
    serving.add_argument("--still", action="store_true", help="render videos without a moving camera, which is quick")
    serving.add_argument("--only", choices=("fal", "discord"), help="run just one of the two")
    demo = commands.add_parser("demo", help="have a member order a video from the real bot, and watch it")
    demo.add_argument("--output", default="demo-output", help="the folder for the finished video")
    demo.add_argument("--seconds-per-job", type=float, default=3.0, help="how long fal takes for a video")
    play = commands.add_parser("play", help="play with the real bot on a page in the browser")
    play.add_argument("--port", type=int, default=8430, help="0 picks a free one")
    play.add_argument("--no-browser", action="store_true", help="print the page's address, but do not open it")
    looking = commands.add_parser("look", help="draw every kind of message as Discord shows it, into build/look")
    looking.add_argument("only", nargs="?", default="", help="only scenes whose names contain this")
    commands.add_parser("readme", help="bring the README's tables up to date")
    return parser


if __name__ == "__main__":
    sys.exit(main())
