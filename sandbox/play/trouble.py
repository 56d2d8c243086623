"""Trouble to make: planned faults of Discord and fal, under names that a visitor understands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sandbox.discord.core import Core
from sandbox.discord.faults import DiscordFault
from sandbox.discord.wire import Json
from sandbox.fal.faults import FalFault
from sandbox.fal.server import FalSandbox

Kind: TypeAlias = Literal["switch", "once"]
FOREVER = 1_000_000
FAL_POINTS = ("submit", "status", "stream", "result", "cancel", "upload")
SLOW_S = 30.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of trouble: a switch, or something that happens once. `fal` and `discord` are the faults' bodies."""

    key: str
    title: str
    about: str
    kind: Kind = "switch"
    fal: Sequence[Json] = ()
    discord: Sequence[Json] = ()


TROUBLES = (
    Trouble("slow", "fal is slow", f"Each video takes {SLOW_S:.0f} s."),
    Trouble(
        "down",
        "fal is down",
        "Every request to fal is answered by 503.",
        fal=[{"at": point, "status": 503, "times": FOREVER} for point in FAL_POINTS],
    ),
    Trouble("locked", "fal's account is locked", "The balance is used up: fal takes no order."),
    Trouble(
        "lost",
        "A reply is lost",
        "fal takes the next order, but its answer never arrives.",
        "once",
        fal=[{"at": "submit", "lose_reply": True}],
    ),
    Trouble(
        "refused",
        "fal refuses the content",
        "The next video is refused by fal's content check.",
        "once",
        fal=[{"at": "result", "error_type": "content_policy_violation"}],
    ),
    Trouble(
        "cdn", "Discord's CDN is down", "Attached files cannot be read.", discord=[{"path": "/cdn/*", "status": 503}]
    ),
    Trouble(
        "limited",
        "Discord answers 429",
        "The next five requests are told to wait 2 s.",
        "once",
        discord=[{"status": 429, "retry_after": 2.0, "times": 5}],
    ),
    Trouble("broken", "Discord answers 500", "Every request to Discord fails.", discord=[{"status": 500}]),
)


@dataclass(slots=True)
class TroubleMaker:
    """The trouble that is on."""

    core: Core
    fal: FalSandbox
    _fal: dict[str, list[FalFault]] = field(default_factory=dict[str, list[FalFault]])
    _discord: dict[str, list[DiscordFault]] = field(default_factory=dict[str, list[DiscordFault]])
    _usual_s: float | None = None

    def switch(self, key: str, *, on: bool) -> None:
        """Turn a trouble on or off; what happens once is over when it has happened.

        Raises:
            KeyError: there is no such trouble.
        """
        trouble = {one.key: one for one in TROUBLES}[key]
        self._end(trouble)
        if on:
            self._begin(trouble)

    def _begin(self, trouble: Trouble) -> None:
        planned = [self.fal.faults.plan(dict(body)) for body in trouble.fal]
        self._fal[trouble.key] = [fault for fault in planned if fault is not None]
        self._discord[trouble.key] = [DiscordFault.parse(dict(body)) for body in trouble.discord]
        for fault in self._discord[trouble.key]:
            self.core.faults.add(fault)
        if trouble.key == "locked":
            self.fal.faults.locked = True
        if trouble.key == "slow":
            self._usual_s, self.fal.settings.seconds_per_job = self.fal.settings.seconds_per_job, SLOW_S

    def _end(self, trouble: Trouble) -> None:
        for fault in self._fal.pop(trouble.key, []):
            self.fal.faults.drop(fault)
        for other in self._discord.pop(trouble.key, []):
            self.core.faults.drop(other)
        if trouble.key == "locked":
            self.fal.faults.locked = False
        if trouble.key == "slow" and self._usual_s is not None:
            self.fal.settings.seconds_per_job, self._usual_s = self._usual_s, None

    def shown(self) -> list[Json]:
        """Return every trouble, and whether it is on or still to happen."""
        return [
            {"key": one.key, "title": one.title, "about": one.about, "kind": one.kind, "on": self._is_on(one)}
            for one in TROUBLES
        ]

    def _is_on(self, trouble: Trouble) -> bool:
        special: dict[str, Callable[[], bool]] = {
            "locked": lambda: self.fal.faults.locked,
            "slow": lambda: self._usual_s is not None,
        }
        if trouble.key in special:
            return special[trouble.key]()
        left: list[object] = [*self.fal.faults, *self.core.faults]
        planned: list[object] = [*self._fal.get(trouble.key, []), *self._discord.get(trouble.key, [])]
        return any(fault is one for fault in planned for one in left)
