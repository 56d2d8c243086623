"""`python -m tests.bench.subject wanda|peer|bare`: runs one bot in this process, with gauges.

The gauges are a task that measures the loop's lag, a log handler that records when the bot notices that fal has
completed a request, and a page on loopback that shows both.
"""

import asyncio
import logging
import sys
from typing import Any

from aiohttp import web

from tests.bench.lag import Lag

EVENT = "%s: now %s"  # the runner's log line for each event of a job
NOTICED = (("FalStatus", "fetching"), ("Resumed", "fetching"))  # by a stream or a poll, or by a webhook


class Gauges(logging.Handler):
    """Measurements inside the bot's process."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lag = Lag()
        self._requests: dict[str, str] = {}
        self.noticed: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Record the request id of a job, and when its completion was noticed."""
        task = asyncio.current_task()
        job = task.get_name() if task is not None else ""
        if record.name == "bot.runner.fal_steps" and record.msg == "fal has it as request %s":
            self._requests[job] = str(_first(record))
        elif record.name == "bot.runner.event_writer" and record.msg == EVENT and record.args in NOTICED:
            self.noticed[self._requests[job]] = record.created
        elif record.name == "tests.bench.peer" and record.msg == "completed: %s":
            self.noticed[str(_first(record))] = record.created

    async def reset(self, _: web.Request) -> web.Response:
        """Begin a new window for the lag."""
        self.lag.reset()
        return web.json_response({})

    async def show(self, _: web.Request) -> web.Response:
        """Answer with all readings."""
        return web.json_response(self.lag.read() | {"noticed": self.noticed})

    async def serve(self) -> None:
        """Listen on loopback, and print the address."""
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
    for logger in ("bot.runner.fal_steps", "bot.runner.event_writer", "tests.bench.peer"):
        logging.getLogger(logger).addHandler(gauges)
    await gauges.serve()
    watching = asyncio.create_task(gauges.lag.watch())
    try:
        await _bot(name)
    finally:
        watching.cancel()


async def _bot(name: str) -> None:
    """Run the named bot; what only the others need is not imported."""
    if name == "wanda":
        from bot.app import run  # noqa: PLC0415 - see above
        from bot.configuration import read_settings  # noqa: PLC0415 - see above

        await run(read_settings())
    elif name == "peer":
        from tests.bench.peer import run_peer  # noqa: PLC0415 - see above

        await run_peer()
    else:
        from tests.bench.bare import run_bare  # noqa: PLC0415 - see above

        await run_bare()


if __name__ == "__main__":
    # httpx loads these for a command line of its own where development tools have brought them: 4 MB.
    for name in ("click", "rich", "pygments"):
        sys.modules[name] = None  # pyright: ignore[reportArgumentType] - makes the import fail
    asyncio.run(_run(sys.argv[1]))
