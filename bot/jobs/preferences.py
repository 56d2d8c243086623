"""What a member chose for themself in one server with `/settings`: pings, the mode for pictures, the resolution."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from bot.catalogue.mode import Mode
from bot.catalogue.registry import MODES
from bot.errors import OptionRefused
from bot.ledger import tables
from bot.storage.transaction import Many, One, Row, Transaction

DAY_S = 86_400.0
Pings: TypeAlias = Literal["channel", "direct", "never"]
_ONE = "SELECT pings, mode, resolution FROM preferences WHERE guild_id = $1 AND member_id = $2"
_OTHERS = """
SELECT COUNT(*) AS kept, COALESCE(SUM(CASE WHEN at > $3 THEN 1 ELSE 0 END), 0) AS today FROM preferences
WHERE guild_id = $1 AND member_id <> $2"""
_SET = """
INSERT INTO preferences (guild_id, member_id, pings, mode, resolution, at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (guild_id, member_id) DO UPDATE SET pings = excluded.pings, mode = excluded.mode,
resolution = excluded.resolution, at = excluded.at"""
_CLEAR = "DELETE FROM preferences WHERE guild_id = $1 AND member_id = $2"
_OF_MEMBER = """
SELECT guild_id, pings, mode, resolution, at FROM preferences WHERE member_id = $1 ORDER BY guild_id LIMIT $2"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """None is what holds for everybody. `mode` is the id of the mode that animates a picture."""

    pings: Pings | None = None
    mode: str | None = None
    resolution: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceBounds:
    """How many members of one server may have preferences, and how many may change theirs within 24 hours."""

    kept_max: int
    daily_max: int


def preferences_of(guild_id: int, member_id: int) -> Transaction[Preferences]:
    """Return what the member chose in this server."""
    row = yield One(_ONE, (guild_id, member_id))
    return Preferences() if row is None else _preferences(row)


def set_preferences(
    guild_id: int, member_id: int, chosen: Preferences, *, bounds: PreferenceBounds, at: float
) -> Transaction[None]:
    """Replace the member's preferences; with nothing chosen, nothing is kept of them.

    Raises:
        OptionRefused: too many other members have some, or changed theirs today.
    """
    if chosen == Preferences():
        yield One(_CLEAR, (guild_id, member_id))
        return
    yield from tables.lock(guild_id)
    others = yield One(_OTHERS, (guild_id, member_id, at - DAY_S))
    if others["kept"] >= bounds.kept_max or others["today"] >= bounds.daily_max:
        raise OptionRefused(
            f"Wanda keeps the settings of {bounds.kept_max:,} members of a server, and {bounds.daily_max:,} changes a "
            "day. That's reached, so yours stay as they were. Try again tomorrow."
        )
    values = (chosen.pings or "", chosen.mode or "", chosen.resolution or "")
    yield One(_SET, (guild_id, member_id, *values, at))


def preferences_everywhere(member_id: int, *, limit: int) -> Transaction[list[dict[str, Any]]]:
    """Return the member's preferences in all servers, for their own export."""
    rows: list[Row] = yield Many(_OF_MEMBER, (member_id, limit))
    return [dict(row) for row in rows]


def forget_preferences_of(member_id: int) -> Transaction[None]:
    """Remove the member's preferences in every server."""
    yield One("DELETE FROM preferences WHERE member_id = $1", (member_id,))


def forget_preferences_in(guild_id: int) -> Transaction[None]:
    """Remove the preferences of all members of the server."""
    yield One("DELETE FROM preferences WHERE guild_id = $1", (guild_id,))


def modes_for_pictures() -> tuple[type[Mode], ...]:
    """Return the modes that make a video of one picture and nothing else."""
    return tuple(mode for mode in MODES if "image" in mode.media() and not _needed(mode) - {"image"})


def _needed(mode: type[Mode]) -> set[str]:
    return {name for name in mode.media() if mode.specs()[name].required}


def resolutions_of_all() -> tuple[str, ...]:
    """Return the resolutions of all modes, the lowest first."""
    return tuple(sorted({one for mode in MODES for one in mode.rates.microusd}, key=_lines))


def own_defaults(chosen: Preferences, resolutions: Collection[str]) -> dict[str, str]:
    """Return what the member wants where they leave an option out, of a mode with these resolutions.

    A mode without the wanted resolution takes the next lower one, else its lowest.
    """
    wanted = chosen.resolution
    if wanted is None or not resolutions or not wanted.removesuffix("p").isdecimal():
        return {}
    lower = [one for one in resolutions if _lines(one) <= _lines(wanted)]
    return {"resolution": max(lower, key=_lines) if lower else min(resolutions, key=_lines)}


def _lines(resolution: str) -> int:
    return int(resolution.removesuffix("p"))


def _preferences(row: Row) -> Preferences:
    known = {mode.id for mode in modes_for_pictures()}
    return Preferences(
        pings=row["pings"] or None,
        mode=row["mode"] if row["mode"] in known else None,
        resolution=row["resolution"] or None,
    )
