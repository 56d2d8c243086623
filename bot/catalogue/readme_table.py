"""Generates the README's table of modes."""

from itertools import groupby

from bot.catalogue.mode import Mode
from bot.catalogue.phrases import listed
from bot.catalogue.registry import MODES
from bot.money import exact_dollars

HEADER = (
    "| Mode | Command | Files | Resolutions | Length | Price |",
    "|---|---|---|---|---|---|",
)


def mode_table_markdown() -> str:
    """Return the table with one row for each mode; it ends with a newline."""
    return "\n".join([*HEADER, *(_row(mode) for mode in MODES)]) + "\n"


def _row(mode: type[Mode]) -> str:
    cells = (
        f"`{mode.id}`",
        ", ".join(f"`/{mode.family()} {command.name}`" for command in mode.slash_commands()),
        _files(mode),
        listed(mode.specs()["resolution"].choices, "and"),
        _length(mode),
        _price(mode),
    )
    return f"| {' | '.join(cells)} |"


def _files(mode: type[Mode]) -> str:
    """Return the file options; numbered ones as a range, required ones marked."""
    names: list[str] = []
    for stem, group in groupby(mode.media(), key=lambda name: name.rstrip("0123456789")):
        first, *others = list(group)
        last = f" to `{stem}{len(others) + 1}`" if others else ""
        required = " (required)" if mode.specs()[first].required else ""
        names.append(f"`{first}`{last}{required}")
    return ", ".join(names)


def _length(mode: type[Mode]) -> str:
    name, unit = ("duration", "s") if "duration" in mode.specs() else ("num_frames", "frames")
    spec = mode.specs()[name]
    if mode.keeps_length_of is not None:
        numbers = [choice for choice in spec.choices if choice]
        return f"the clip's, or {numbers[0]} to {numbers[-1]} {unit}"
    return f"{listed(spec.choices) if spec.choices else f'{spec.minimum} to {spec.maximum}'} {unit}"


def _price(mode: type[Mode]) -> str:
    """Return one amount if every resolution costs the same, else one for each."""
    amounts = {resolution: exact_dollars(rate) for resolution, rate in mode.rates.microusd.items()}
    if len(set(amounts.values())) == 1:
        return f"{next(iter(amounts.values()))} {mode.rates.unit}"
    return f"{', '.join(f'{amount} ({resolution})' for resolution, amount in amounts.items())} {mode.rates.unit}"
