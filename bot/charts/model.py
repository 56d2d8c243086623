"""Charts as plain data of limited size, and their JSON for the drawing worker.

Amounts are micro-dollars, times Unix seconds. Days are in the server's timezone, oldest first; the last one is today.
Names and titles may be written by members: whoever draws or shows them escapes them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

DAYS_MAX = 92
MODES_MAX = 12
POINTS_MAX = 500
MEMBERS_MAX = 15
TITLE_CHARS_MAX = 200
ModeSpend: TypeAlias = tuple[str, str, tuple[int, ...]]
_MICROUSD_MAX = 10**18  # a trillion dollars: more is an error, and a float would round it


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendByDay:
    """What a member spent on each day. `allowance_microusd` is the daily limit, None if there is none."""

    title: str
    days: tuple[date, ...]
    microusd: tuple[int, ...]
    allowance_microusd: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a length, an order or an amount cannot be drawn."""
        _check_title(self.title)
        _check_days(self.days, self.microusd)
        _check_amounts((*self.microusd, self.allowance_microusd or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendByMode:
    """What a server spent on each day: (id, title, an amount per day) for each mode; no id: it is not known."""

    title: str
    days: tuple[date, ...]
    modes: tuple[ModeSpend, ...]

    def __post_init__(self) -> None:
        """Raise ValueError if a length, an order or an amount cannot be drawn."""
        _check_title(self.title)
        _check_days(self.days, self.days)
        if len(self.modes) > MODES_MAX:
            raise ValueError(f"{len(self.modes)} modes are more than {MODES_MAX}")
        for _, title, amounts in self.modes:
            _check_title(title)
            _check_days(self.days, amounts)
            _check_amounts(amounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnDown:
    """What was left of a pool over its window, and when it is used up at this pace; None: not before it renews.

    Each point is (time, left from then on), oldest first; the last one is now. `sentence` is the forecast's, and
    `empty_at` also None if it is too early to tell. `ends_at` is None for a pool that never renews.
    """

    title: str
    points: tuple[tuple[float, int], ...]
    cap_microusd: int
    starts_at: float
    ends_at: float | None
    timezone: str
    empty_at: float | None
    sentence: str

    def __post_init__(self) -> None:
        """Raise ValueError if a length, an order or an amount cannot be drawn."""
        _check_title(self.title)
        _check_title(self.sentence)
        ZoneInfo(self.timezone)
        if not 1 <= len(self.points) <= POINTS_MAX:
            raise ValueError(f"there are {len(self.points)} points, not 1 to {POINTS_MAX}; see thinned")
        moments = [at for at, _ in self.points]
        if moments != sorted(moments) or self.starts_at > moments[0]:
            raise ValueError("the points are not in order, or one is before the window")
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("the window has no length")
        # What is left is negative if the cap was lowered during the window.
        _check_amounts((self.cap_microusd, *(abs(left) for _, left in self.points)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TopMembers:
    """Who spent most: (name, amount), the largest amount first."""

    title: str
    rows: tuple[tuple[str, int], ...]

    def __post_init__(self) -> None:
        """Raise ValueError if a length, an order or an amount cannot be drawn."""
        _check_title(self.title)
        if len(self.rows) > MEMBERS_MAX:
            raise ValueError(f"{len(self.rows)} members are more than {MEMBERS_MAX}")
        _check_amounts([amount for _, amount in self.rows])


Chart: TypeAlias = SpendByDay | SpendByMode | BurnDown | TopMembers
_KINDS: Mapping[str, type[Chart]] = {kind.__name__: kind for kind in (SpendByDay, SpendByMode, BurnDown, TopMembers)}


def amounts_by_day(spent: Iterable[tuple[date, int]], days: Sequence[date]) -> tuple[int, ...]:
    """Return the sum spent on each of `days`; amounts of other days are ignored."""
    amounts = dict.fromkeys(days, 0)
    for day, amount in spent:
        if day in amounts:
            amounts[day] += amount
    return tuple(amounts.values())


def thin(points: Sequence[tuple[float, int]], most: int = POINTS_MAX) -> tuple[tuple[float, int], ...]:
    """Return at most `most` points at even distances in the list, with the first and the last."""
    if len(points) <= most:
        return tuple(points)
    step = (len(points) - 1) / (most - 1)
    return tuple(points[round(index * step)] for index in range(most))


def to_wire(chart: Chart) -> dict[str, Any]:
    """Return the chart as a JSON object; `from_wire` reads it."""
    plain = asdict(chart)
    if "days" in plain:
        plain["days"] = [day.isoformat() for day in plain["days"]]
    return {"kind": type(chart).__name__} | plain


def from_wire(request: Mapping[str, Any]) -> Chart:
    """Return the chart in a JSON object of `to_wire`; raises ValueError, KeyError or TypeError for any other."""
    fields = {name: _tuples(value) for name, value in request.items() if name != "kind"}
    if "days" in fields:
        fields["days"] = tuple(date.fromisoformat(day) for day in fields["days"])
    return _KINDS[request["kind"]](**fields)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list | tuple) else value  # pyright: ignore[reportUnknownVariableType] - JSON


def _check_title(title: str) -> None:
    if len(title) > TITLE_CHARS_MAX:
        raise ValueError(f"a title has more than {TITLE_CHARS_MAX} characters")


def _check_days(days: Sequence[date], amounts: Sequence[object]) -> None:
    if not 1 <= len(days) <= DAYS_MAX:
        raise ValueError(f"there are {len(days)} days, not 1 to {DAYS_MAX}")
    if len(days) != len(amounts):
        raise ValueError(f"there are {len(days)} days and {len(amounts)} amounts")
    if list(days) != sorted(set(days)):
        raise ValueError("the days are not in order")


def _check_amounts(amounts: Iterable[int]) -> None:
    for amount in amounts:
        if not 0 <= amount <= _MICROUSD_MAX:
            raise ValueError(f"{amount} micro-dollars cannot be drawn")
