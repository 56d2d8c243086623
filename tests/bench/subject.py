"""`python -m tests.bench.subject wanda|peer|bare`: runs one bot in this process, with gauges beside it.

The gauges are a task that notes how late the loop wakes it, a log handler that notes when the bot knows that fal has
completed a request, and a page on loopback that tells of both.
"""

import asyncio
import logging
import sys
from typing import Any

from aiohttp import web

from tests.bench.lag import Lag

EVENT = "%s: now %s"  # the runner's own line for each event of a job


class Gauges(logging.Handler):
    """What is read off the process from inside."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lag = Lag()
        self._requests: dict[str, str] = {}
        self.noticed: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Note which request a job has become, and when its completion was known."""
        task = asyncio.current_task()
        job = task.get_name() if task is not None else ""
        if record.name == "bot.runner.fal_steps" and record.msg == "fal has it as request %s":
            self._requests[job] = str(_first(record))
        elif record.name == "bot.runner.runner" and record.msg == EVENT and record.args == ("FalStatus", "fetching"):
            self.noticed[self._requests[job]] = record.created
        elif record.name == "tests.bench.peer" and record.msg == "completed: %s":
            self.noticed[str(_first(record))] = record.created

    async def reset(self, _: web.Request) -> web.Response:
        """Begin a new window for the lag."""
        self.lag.reset()
        return web.json_response({})

    async def show(self, _: web.Request) -> web.Response:
        """Answer with all gauges."""
        return web.json_response(self.lag.read() | {"noticed": self.noticed})

    async def serve(self) -> None:
        """Listen on loopback, and say where."""
        app = web.Application()
        app.add_routes([web.post("/sandbox/reset", self.reset), web.get("/sandbox/gauges", self.show)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        print(f"gauges=http://{host}:{port}", flush=True)


def _first(record: logging.LogRecord) -> Any:
    return record.args[0] if isinstance(record.args, tuple) and record.args else None


async def _run(name: str) -> None:
    gauges = Gauges()
    for logger in ("bot.runner.fal_steps", "bot.runner.runner", "tests.bench.peer"):
        logging.getLogger(logger).addHandler(gauges)
    await gauges.serve()
    watching = asyncio.create_task(gauges.lag.watch())
    try:
        await _bot(name)
    finally:
        watching.cancel()


async def _bot(name: str) -> None:
    """Run the bot of that name; what the others need is not imported."""
    if name == "wanda":
        from bot.app import run  # noqa: PLC0415 - see above
        from bot.settings import read_settings  # noqa: PLC0415 - see above

        await run(read_settings())
    elif name == "peer":
        from tests.bench.peer import run_peer  # noqa: PLC0415 - see above

        await run_peer()
    else:
        from tests.bench.bare import run_bare  # noqa: PLC0415 - see above

        await run_bare()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1]))
