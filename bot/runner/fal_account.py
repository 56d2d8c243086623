"""Whether fal takes what Wanda asks for: while its account is locked, or its key refused, jobs wait here together.

After a top-up fal's hosts agree only within minutes, so a job may be refused once more after a probe was not.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.errors import FalAccountError, FalError, StorageError
from bot.runner.alarms import Alarms
from bot.tasks import end

log = logging.getLogger(__name__)
KEY_REFUSED = 401
_LOCKED = ("locked", "balance")  # what fal says of the account itself, and not of one endpoint


class FalAccount:
    """Closed from the first refusal until a probe is taken; `pause_s` is the time between two probes.

    While it is closed, no job asks fal, and no order is accepted. `probe` asks fal for something that costs nothing,
    and raises what fal says.
    """

    def __init__(self, alarms: Alarms, probe: Callable[[], Awaitable[None]], *, pause_s: float) -> None:
        self._alarms = alarms
        self._probe = probe
        self._pause_s = pause_s
        self._probing: asyncio.Task[None] | None = None

    @property
    def is_closed(self) -> bool:
        """Whether fal takes nothing, as far as is known."""
        return self._alarms.is_account_closed

    async def note(self, error: FalError) -> None:
        """Note what fal answered: a refused key or a locked account closes it, anything else changes nothing."""
        if isinstance(error, FalAccountError):
            what, text, closes = said_of(error)
            await self._alarms.begin("account", what=what, text=text, closes=closes)
            self.probe_while_on()

    async def opened(self, *, within_s: float) -> None:
        """Return once it is open, and at the latest after this time."""
        self.probe_while_on()
        try:
            async with asyncio.timeout(max(0.0, within_s)):
                await self._alarms.account_opened.wait()
        except TimeoutError:
            pass

    async def check(self) -> None:
        """Ask fal whether it takes anything, before a member's order finds out; raises nothing."""
        if self._probing is None or self._probing.done():
            await self._try()

    def probe_while_on(self) -> None:
        """Probe until the alarm is over, wherever it was noted."""
        if self._alarms.is_on("account") and (self._probing is None or self._probing.done()):
            self._probing = asyncio.create_task(self._keep_probing(), name="probe of fal's account")

    async def close(self) -> None:
        """End the probes."""
        await end(self._probing)

    async def _keep_probing(self) -> None:
        while self._alarms.is_on("account"):
            await asyncio.sleep(self._pause_s)
            await self._try()

    async def _try(self) -> None:
        try:
            await self._probe()
            await self._alarms.end("account")
        except FalAccountError as error:
            await self.note(error)
        except FalError as error:
            log.info("fal's account could not be asked about: %s", error)
        except StorageError:
            log.warning("the end of a trouble with fal's account could not be stored; it is probed again")


_KEY = "fal does not take FAL_KEY (401): orders are refused and jobs wait. Put in a key that fal takes, and restart."
_IS_LOCKED = (
    "fal has locked the account (403), most likely because its balance is used up: orders are refused and jobs wait. "
    "Top it up at fal.ai/dashboard/billing."
)
_REFUSED = (
    "fal refuses a request because of the account (403), and not because it is locked. Look at the log, and at the "
    "account's access in fal's dashboard."
)


def said_of(error: FalAccountError) -> tuple[str, str, bool]:
    """Return what is wrong in one word and in a sentence for the operator, and whether it closes the account."""
    if error.status == KEY_REFUSED:
        return "key", _KEY, True
    if any(word in str(error).lower() for word in _LOCKED):
        return "locked", _IS_LOCKED, True
    return "refused", _REFUSED, False
