"""Whether Wanda lives and can work: GET /healthz and /readyz, and the end of a process that cannot work.

/healthz answers as long as the event loop turns: also while Wanda starts, stands by or has trouble. /readyz runs the
checks. The two are what Kubernetes asks as liveness and readiness
(https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/).

Docker marks a container as unhealthy and leaves it at that
(https://docs.docker.com/reference/dockerfile/#healthcheck), and systemd knows no such check at all. Both start a
process again that has ended. So a Wanda that cannot work for too long ends herself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import NoReturn

from aiohttp import web

from bot.errors import NotYet, OwnershipLost, StartRefused, Unhealthy, WandaError
from bot.trouble import Trouble
from bot.web.server import Route

_log = logging.getLogger(__name__)

# Raises when something is wrong; a WandaError's sentence is shown. NotYet says that it is only not ready.
Check = Callable[[], Awaitable[None]]

CHECK_TIMEOUT_S = 3.0  # less than the health check of the Dockerfile
NOT_RUNNING = "Wanda is starting or stopping; the log says what she waits for."
_NOT_CACHED = {"Cache-Control": "no-store"}


class Health:
    """Runs the checks, and remembers how long each has failed. Without any, Wanda is not ready: she does not run."""

    def __init__(self, checks: Mapping[str, Check] | None = None, *, check_timeout_s: float = CHECK_TIMEOUT_S) -> None:
        self._check_timeout_s = check_timeout_s
        self._round: asyncio.Task[dict[str, str]] | None = None
        self._lost: str | None = None
        self._waits_for, self._stands_by = NOT_RUNNING, False
        self.use(checks or {})

    def routes(self) -> tuple[Route, Route]:
        """Return /healthz (200 while the event loop turns) and /readyz (503 with what is wrong).

        /readyz?standby=ok also answers 200 while Wanda stands by. Kubernetes asks so: it would wait for ever for a
        standby that is never ready, and end no process that works before the new one is.
        """
        return Route("GET", "/healthz", self._alive), Route("GET", "/readyz", self._ready)

    def use(
        self,
        checks: Mapping[str, Check],
        *,
        quiet_s: Mapping[str, float] | None = None,
        survived: Collection[str] = (),
    ) -> None:
        """Run these checks from now on; none while Wanda starts or stops.

        `quiet_s` is how long the trouble of a check is not worth a log line; 0 for those that are not in it. The
        process does not end itself for those in `survived`.
        """
        self._survived = frozenset(survived)
        self._waits_for, self._stands_by = NOT_RUNNING, False
        self._checks = dict(checks) or {"run": self._not_running}
        self._troubles = {name: Trouble(name, quiet_s=(quiet_s or {}).get(name, 0.0)) for name in checks}

    def waits_for(self, sentence: str) -> None:
        """Stand by for this reason; there is nothing to check while she waits, for ever if so."""
        self.use({})
        self._waits_for, self._stands_by = sentence, True

    async def wrong(self) -> dict[str, str]:
        """Run all checks, and return a sentence for each that fails; calls that come meanwhile share the round."""
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._look(), name="health")
        return await asyncio.shield(self._round)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the checks."""
        return tuple(self._checks)

    async def watch(self, *, interval_s: float, patience_s: float, alive: Callable[[], None]) -> NoReturn:
        """Run the checks every `interval_s`, calling `alive` each time; a `patience_s` of 0 has no end.

        Raises:
            Unhealthy: a check has failed for `patience_s`, or this process has lost its database.
        """
        while True:
            alive()
            wrong = await self.wrong()
            if self._lost is not None:
                raise Unhealthy(f"{self._lost} Wanda ends herself at once, so that nothing is written twice.")
            lasting = (trouble.seconds for name, trouble in self._troubles.items() if name not in self._survived)
            failed_s = max(lasting, default=0.0)
            if patience_s and failed_s >= patience_s:
                reasons = " ".join(f"{name}: {sentence}" for name, sentence in wrong.items())
                raise Unhealthy(
                    f"Wanda could not work for {failed_s:.0f} s and ends herself, so that she is started again. "
                    f"{reasons}"
                )
            await asyncio.sleep(interval_s)

    async def close(self) -> None:
        """End the checks that run."""
        if self._round is not None:
            self._round.cancel()
            await asyncio.wait({self._round})

    async def _alive(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"}, headers=_NOT_CACHED)

    async def _ready(self, request: web.Request) -> web.Response:
        wrong = await self.wrong()
        answer = {
            "status": "standing by" if self._stands_by else "not ready" if wrong else "ready",
            "checks": {name: name not in wrong for name in self.names},
            "failed": sorted(wrong),
            "wrong": wrong,
        }
        is_fine = not wrong or (self._stands_by and request.query.get("standby") == "ok")
        return web.json_response(answer, status=200 if is_fine else 503, headers=_NOT_CACHED)

    async def _not_running(self) -> None:
        raise StartRefused(self._waits_for)

    async def _look(self) -> dict[str, str]:
        """Run all checks concurrently."""
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(self._trouble(name, check)) for name, check in self._checks.items()}
        return {name: sentence for name, task in tasks.items() if (sentence := task.result())}

    async def _trouble(self, name: str, check: Check) -> str | None:
        """Return what is wrong, or None; only our own sentences are shown, because others may hold a secret."""
        try:
            async with asyncio.timeout(self._check_timeout_s):
                await check()
        except TimeoutError:
            sentence = f"There was no answer within {self._check_timeout_s:g} s; it may be locked or overloaded."
        except NotYet as wait:
            if name in self._troubles:
                self._troubles[name].worked()
            return str(wait)
        except WandaError as error:
            sentence = str(error)
            if isinstance(error, OwnershipLost):
                self._lost = sentence
        except Exception as error:  # noqa: BLE001 - any error means that the check did not pass
            _log.warning("health check %s", name, exc_info=True)
            sentence = f"It failed ({type(error).__name__})."
        else:
            if name in self._troubles:
                self._troubles[name].worked()
            return None
        if name in self._troubles:  # else other checks are in use by now
            self._troubles[name].failed(sentence)
        return sentence
