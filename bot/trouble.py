"""Something that Wanda needs, and whether it works: one log line when trouble begins, and one when it ends."""

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Trouble:
    """Notes each success and failure of one thing. Trouble shorter than `quiet_s` is not worth a line."""

    def __init__(self, name: str, *, quiet_s: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._quiet_s = quiet_s
        self._clock = clock
        self._since: float | None = None
        self._failures = 0
        self._is_told = False

    @property
    def seconds(self) -> float:
        """How long the trouble has lasted; 0 when there is none."""
        return 0.0 if self._since is None else self._clock() - self._since

    def failed(self, reason: str) -> None:
        """Note a failure; the first one that is worth it is logged, with its reason."""
        if self._since is None:
            self._since = self._clock()
        self._failures += 1
        if not self._is_told and self.seconds >= self._quiet_s:
            self._is_told = True
            log.error("trouble with %s begins: %s", self._name, reason)

    def worked(self) -> None:
        """Note a success; if it ends a trouble that was logged, its end is logged too."""
        if self._since is None:
            return
        if self._is_told:
            log.warning("trouble with %s is over after %.0f s (%d failures)", self._name, self.seconds, self._failures)
        self._since, self._failures, self._is_told = None, 0, False
