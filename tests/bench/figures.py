"""Figures of a benchmark: the contestants' readings in alternating runs, their medians, and the table."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any, Literal, TypeAlias

Who: TypeAlias = Literal["Wanda", "peer", "limit"]
Reading: TypeAlias = Mapping[str, float]  # one run's values by the key of their Spec
Run: TypeAlias = Callable[[], Awaitable[Reading]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """The goal of Wanda's median: a number, or a multiple of another contestant's median."""

    bound: Literal["at most", "at least"]
    value: float
    times: Who | None = None

    def reached(self, medians: Mapping[Who, float]) -> bool | None:
        """Return whether the goal is reached; None if a contestant that it needs did not run."""
        wanda, other = medians.get("Wanda"), 1.0 if self.times is None else medians.get(self.times)
        if wanda is None or other is None:
            return None
        return wanda <= self.value * other if self.bound == "at most" else wanda >= self.value * other

    def text(self) -> str:
        """Return the goal as text: ≤ 5, ≥ 2 × limit, ≤ 1/50 of the peer."""
        sign = "≤" if self.bound == "at most" else "≥"
        if self.times is not None and self.value < 1:
            return f"{sign} 1/{1 / self.value:g} × {self.times}"
        return f"{sign} {short(self.value)}" + ("" if self.times is None else f" × {self.times}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The description of a figure: its `key` in the readings, its `label` and `unit` in the table."""

    key: str
    label: str
    unit: str
    goals: tuple[Goal, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Contestants that do the same work, in the order in which they run, and the figures that are read.

    A long one has half of the rounds that are asked for, and at least one. So have its `slow` contestants.
    """

    specs: tuple[Spec, ...]
    contestants: Mapping[Who, Run]
    is_long: bool = False
    slow: frozenset[Who] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of the table: each contestant's readings, one per round."""

    yardstick: str
    spec: Spec
    readings: Mapping[Who, tuple[float, ...]]

    @property
    def medians(self) -> dict[Who, float]:
        """The median of each contestant that has readings."""
        return {who: median(values) for who, values in self.readings.items() if values}

    def ratios(self) -> str:
        """Return Wanda's median as a multiple of each other contestant's."""
        medians = self.medians
        wanda = medians.get("Wanda")
        others: tuple[Who, ...] = ("limit", "peer")
        if wanda is None:
            return ""
        parts = [f"{_ratio(wanda / medians[who])} × {who}" for who in others if medians.get(who)]
        return ", ".join(parts)

    def cells(self) -> tuple[str, ...]:
        """Return the row: label, Wanda, the peer, the limit, the ratio, the goal."""
        goals = ", ".join(f"{goal.text()} {_mark(goal.reached(self.medians))}" for goal in self.spec.goals)
        label = f"{self.yardstick}: {self.spec.label}, {self.spec.unit}" + (
            f" ({self.spec.note})" if self.spec.note else ""
        )
        values = [_spread(self.readings.get(who, ())) for who in ("Wanda", "peer", "limit")]
        return (label, *values, self.ratios(), goals)

    def as_json(self) -> dict[str, Any]:
        """Return the figure for bench.json, with all readings."""
        goals = [{"goal": goal.text(), "reached": goal.reached(self.medians)} for goal in self.spec.goals]
        return {
            "yardstick": self.yardstick,
            "figure": self.spec.label,
            "unit": self.spec.unit,
            "note": self.spec.note,
            "readings": {who: list(values) for who, values in self.readings.items()},
            "medians": self.medians,
            "ratios": self.ratios(),
            "goals": goals,
            "row": self.cells(),
        }


async def alternate(yardstick: str, case: Case, rounds: int, said: Callable[[str], None]) -> list[Figure]:
    """Run the contestants in turn, as often as their case says; return the figures. `said` is called for each run."""
    readings: dict[Who, list[Reading]] = {who: [] for who in case.contestants}
    half = max(1, rounds // 2)
    turns = {who: half if case.is_long or who in case.slow else rounds for who in case.contestants}
    for turn in range(max(turns.values())):
        for who, run in case.contestants.items():
            if turn < turns[who]:
                said(f"{yardstick}: {case.specs[0].label}: {who}, {turn + 1} of {turns[who]}")
                readings[who].append(await run())
    return [
        Figure(
            yardstick=yardstick,
            spec=spec,
            readings={who: tuple(one[spec.key] for one in given if spec.key in one) for who, given in readings.items()},
        )
        for spec in case.specs
    ]


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table: median, smallest and largest reading."""
    return markdown([figure.cells() for figure in figures])


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table of `Figure.cells` rows with its header."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(["| Yardstick | Wanda | Peer | Limit | Wanda is | Goal |", "|---|---|---|---|---|---|", *lines])


def percentile(values: Sequence[float], per_cent: float) -> float:
    """Return the percentile: the smallest value that `per_cent` of the values do not exceed.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("there is nothing to take a percentile of")
    ranked = sorted(values)
    return ranked[max(0, ceil(len(ranked) * per_cent / 100) - 1)]


def short(value: float) -> str:
    """Return the number with three significant digits, and a comma for thousands: 0.0123, 4.56, 78.9, 12,345."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _ratio(value: float) -> str:
    if 0 < value < 0.1:
        return f"1/{1 / value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    least, middle, most = short(min(values)), short(median(values)), short(max(values))
    return middle if least == most else f"{middle} ({least} to {most})"


def _mark(reached: bool | None) -> str:
    return {True: "✓", False: "✗", None: "?"}[reached]
