"""What a chip-in is, and what decides about it at one moment."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from bot.jobs.model import Address, Job
from bot.jobs.places import Places
from bot.ledger.model import Share, Shipped
from bot.ledger.reservations import Wish

ChipInState: TypeAlias = Literal[
    "open",  # something is missing
    "full",  # nothing is missing, but it cannot begin yet
    "over",  # everything was given back; the card does not say so yet
]
Obstacle: TypeAlias = Literal[
    "",
    "off",  # its mode is, as while fal's account is locked
    "place",
    "rule",
    "files",  # its files cannot be had now
    "gone",  # what it is made of is gone or has changed
]
Over: TypeAlias = Literal[
    "late",
    "cancelled",
    "deleted",  # its maker's data was
    "gone",  # its card is, so nobody could add to it, take back or cancel
]
GONE = "This one is over: it was paid for, cancelled, or its time ran out. You weren't charged."
FULL = "It's all paid for already. You weren't charged."


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipIn:
    """An order of `job`, which is made once its shares sum up to its price, at the latest at `expires_at`.

    `job` is None once its maker had their data deleted. Of a film it is the first shot without its files, which says
    who orders it and where; `film` is the film as JSON, and `film_microusd` its price. `address` is the card's message.
    `shares` are what was added and not taken back; of one that is over, what was given back. `over` is why it is over.
    `obstacle` is why a full one does not begin yet, "" if it does.
    """

    id: str
    guild_id: int
    address: Address
    expires_at: float
    job: Job | None
    state: ChipInState = "open"
    shares: tuple[Share, ...] = ()
    over: Over | None = None
    obstacle: Obstacle = ""
    film: str | None = None
    film_microusd: int = 0

    @property
    def quote_microusd(self) -> int:
        """The price."""
        if self.job is None:
            return 0
        return self.job.quote_microusd if self.film is None else self.film_microusd

    @property
    def missing_microusd(self) -> int:
        """What is still to be added."""
        return max(0, self.quote_microusd - sum(one.amount_microusd for one in self.shares))

    def of_member(self, member_id: int) -> int:
        """Return what this member added."""
        return sum(one.amount_microusd for one in self.shares if one.member_id == member_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipInBounds:
    """How many chip-ins a member and a server may have open, for how long, and who may add how much how often."""

    of_member_max: int
    in_server_max: int
    life_s: float
    shares_max: int
    shares_of_member_max: int
    least_microusd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A chip-in after a share was added, `share_microusd`, and the job if it began with that."""

    chip_in: ChipIn
    share_microusd: int
    job: Job | None
    has_warnings: bool


class Due(NamedTuple):
    """A chip-in that is full, or to be ended."""

    id: str
    guild_id: int
    expires_at: float


FIRST = Due("", 0, 0.0)  # before every other one


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides about a chip-in at one moment.

    These are the bounds, the operator's limits, the places of jobs, and how many other jobs this process makes.
    `check_open` raises `Closed` for a mode that is off.
    """

    bounds: ChipInBounds
    shipped: Shipped
    places: Places
    now: float
    running: int = 0
    check_open: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmOrder:
    """What is ordered with a film's first shot: the film as JSON, and what its later shots cost.

    The maker's share has an id of its own, because it is for all shots.
    """

    id: str
    body: str
    reserve: tuple[Wish, ...]
    share_id: str
