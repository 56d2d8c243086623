"""Whether fal takes what Wanda asks for: while its account is locked, or its key refused, jobs wait here together.

After a top-up fal's hosts agree only within minutes, so a job may be refused once more after a probe was not.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.catalogue.registry import MODE_TITLES
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
        self._judging: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    @property
    def is_closed(self) -> bool:
        """Whether fal takes nothing, as far as is known."""
        return self._alarms.is_account_closed

    async def note(self, error: FalError, *, mode: str = "") -> None:
        """Note what fal answered, asked for a video of `mode` or for what belongs to no mode.

        A refused key or a locked account closes it. Where a 403 for a mode does not say that it is about the account, a
        probe tells: if that passes, only access to the mode is missing, which is told and closes nothing. If fal cannot
        be asked, nothing is noted; the next 403 asks again.
        """
        if not isinstance(error, FalAccountError):
            return
        if mode and error.status != KEY_REFUSED and not is_locked(error):
            if not self.lacks_access(mode) and (self._judging is None or self._judging.done()):
                # Not waited for: a job whose submit was refused is to be stored as such at once.
                self._judging = asyncio.create_task(self._judge(mode), name=f"whether fal refuses {mode} alone")
            return
        what, text = said_of(error)
        await self._alarms.begin("account", what=what, text=text, closes=True)
        self.probe_while_on()

    def note_taken(self, mode: str) -> None:
        """Note that fal took a request for a video of this mode; nothing is waited for."""
        if self.lacks_access(mode) and (self._ending is None or self._ending.done()):
            self._ending = asyncio.create_task(self._end_lack(mode), name=f"access to {mode}")

    def lacks_access(self, mode: str) -> bool:
        """Return whether fal refuses this mode alone."""
        return self._alarms.is_on("access", mode)

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
        await end(self._judging)
        await end(self._ending)

    async def _judge(self, mode: str) -> None:
        if await self._try() and not self.is_closed:
            await self._alarms.begin("access", mode, what="refused", text=no_access(mode), closes=False)

    async def _end_lack(self, mode: str) -> None:
        try:
            await self._alarms.end("access", mode)
        except StorageError:
            log.warning("that fal takes this mode again could not be stored; the next video tells it")

    async def _keep_probing(self) -> None:
        while self._alarms.is_on("account"):
            await asyncio.sleep(self._pause_s)
            await self._try()

    async def _try(self) -> bool:
        """Probe, and note what follows from it; returns whether fal took the probe."""
        try:
            await self._probe()
            await self._alarms.end("account")
        except FalAccountError as error:
            await self.note(error)
        except FalError as error:
            log.info("fal's account could not be asked about: %s", error)
        except StorageError:
            log.warning("the end of a trouble with fal's account could not be stored; it is probed again")
        else:
            return True
        return False


_KEY = "fal doesn't take FAL_KEY (401): orders are refused and jobs wait. Put in a key that fal takes, and restart."
_IS_LOCKED = (
    "fal has locked the account (403), most likely because its balance is used up: orders are refused and jobs wait. "
    "Top it up at fal.ai/dashboard/billing."
)
_REFUSED = (
    "fal takes no files of the account (403), and doesn't say that it's locked: orders are refused and jobs wait. "
    "Look at the log, and at the account's balance and access in fal's dashboard."
)


def is_locked(error: FalAccountError) -> bool:
    """Return whether fal says that it is the account, and not one endpoint, that it takes nothing for."""
    return any(word in str(error).lower() for word in _LOCKED)


def said_of(error: FalAccountError) -> tuple[str, str]:
    """Return what is wrong with the account, in one word and in a sentence for the operator."""
    if error.status == KEY_REFUSED:
        return "key", _KEY
    return ("locked", _IS_LOCKED) if is_locked(error) else ("refused", _REFUSED)


def no_access(mode: str) -> str:
    """Return the sentence for the operator about a mode that fal refuses the account."""
    return (
        f"fal refuses requests for {MODE_TITLES.get(mode, mode)} (403), and takes the account's files: its videos "
        "wait, and end uncharged if that stays. Look at the log, and at the account's access to the model in fal's "
        "dashboard; `/wanda-admin modes` takes it off in a server."
    )
