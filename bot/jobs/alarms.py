"""Alarms: what is wrong with fal, told to the operator once, and once more when it is over.

An alarm is about the account, its balance, or the price, the schema or the access to one mode. Those that close
something have members read a sentence instead of paying for a video that fal would not make, or at a price that no
longer holds. All processes read the same rows, and a restart tells nothing again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot.storage import program
from bot.storage.transaction import Many, One, Row, Transaction

AlarmKind: TypeAlias = Literal["account", "access", "balance", "price", "schema"]
KINDS: tuple[AlarmKind, ...] = ("account", "access", "balance", "price", "schema")
TEXT_CHARS_MAX = 600
LISTED_MAX = 200  # more than there can be: three for each mode, and two
CHANNEL = "operators' channel"  # in the table `program`: its id, or "" for the log alone
_UNTOLD, _TOLD, _OVER = 0, 1, 2  # the column `told`


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that is wrong, since `since`, and what the operator reads of it; `mode` is "" for the account.

    `what` is the same for as long as there is nothing new to tell. A closing alarm turns its mode off, or all modes.
    """

    kind: AlarmKind
    mode: str = ""
    what: str
    text: str
    closes: bool
    since: float
    ended_at: float | None = None


_WHY_OFF = {"schema": "fal changed what it takes", "price": "its price at fal changed"}


def why_off(kind: AlarmKind) -> str:
    """Return why a mode is off, as a clause: "its price at fal changed"."""
    return _WHY_OFF.get(kind, "fal isn't taking orders from Wanda")


def closed_sentence(title: str, kind: AlarmKind) -> str:
    """Return what a member reads whose order is refused because of an alarm of this kind."""
    if kind in _WHY_OFF:
        return f"{title} is off for now, because {why_off(kind)}. You weren't charged; `/help` shows what's open."
    return (
        "fal isn't taking orders from Wanda right now, so nothing was started and you weren't charged. Whoever runs "
        "Wanda has been told; try again in a few minutes."
    )


_COLUMNS = "kind, mode, what, text, closes, since, ended_at"
_BEGIN = f"""
INSERT INTO alarms ({_COLUMNS}, told) VALUES ($1, $2, $3, $4, $5, $6, NULL, {_UNTOLD})
ON CONFLICT (kind, mode) DO UPDATE SET what = excluded.what, text = excluded.text, closes = excluded.closes,
since = CASE WHEN alarms.ended_at IS NULL OR (alarms.told < {_OVER} AND alarms.what = excluded.what)
THEN alarms.since ELSE excluded.since END,
told = CASE WHEN alarms.told = {_TOLD} AND alarms.what = excluded.what THEN {_TOLD} ELSE {_UNTOLD} END,
ended_at = NULL
WHERE alarms.ended_at IS NOT NULL OR alarms.what <> excluded.what OR alarms.closes <> excluded.closes
RETURNING kind"""  # noqa: S608 - constants

_TELL_AGAIN = f"""
UPDATE alarms SET told = CASE WHEN ended_at IS NULL THEN {_UNTOLD} ELSE {_OVER} END
WHERE told = {_TOLD}"""  # noqa: S608 - constants


def begin(alarm: Alarm) -> Transaction[bool]:
    """Note that this is wrong; returns whether it was not known. One whose end was not told yet goes on."""
    values = (alarm.kind, alarm.mode, alarm.what, alarm.text[:TEXT_CHARS_MAX], int(alarm.closes), alarm.since)
    row = yield One(_BEGIN, values)
    return row is not None


def end(kind: AlarmKind, mode: str, *, at: float) -> Transaction[bool]:
    """Note that it is over; returns whether it was on."""
    row = yield One(
        "UPDATE alarms SET ended_at = $3 WHERE kind = $1 AND mode = $2 AND ended_at IS NULL RETURNING kind",
        (kind, mode, at),
    )
    return row is not None


def alarms_on() -> Transaction[tuple[Alarm, ...]]:
    """Return what is wrong now, the oldest first."""
    rows: list[Row] = yield Many(
        f"SELECT {_COLUMNS} FROM alarms WHERE ended_at IS NULL ORDER BY since, kind, mode LIMIT $1",  # noqa: S608
        (LISTED_MAX,),
    )
    return tuple(_alarm(row) for row in rows)


def to_tell(*, ended_before: float) -> Transaction[tuple[Alarm, ...]]:
    """Return the alarms to post: new ones, and told ones that are over since before `ended_before`."""
    rows: list[Row] = yield Many(
        f"SELECT {_COLUMNS} FROM alarms WHERE (told = {_UNTOLD} AND ended_at IS NULL) "  # noqa: S608 - constants
        f"OR (told = {_TOLD} AND ended_at <= $1) ORDER BY since, kind, mode LIMIT $2",
        (ended_before, LISTED_MAX),
    )
    return tuple(_alarm(row) for row in rows)


def note_told(alarms: Iterable[Alarm]) -> Transaction[None]:
    """Note that these were told as they are; one that has changed since then, or is over, is news again."""
    for one in alarms:
        after, state = (_TOLD, f"told = {_UNTOLD}") if one.ended_at is None else (_OVER, "ended_at IS NOT NULL")
        yield One(
            f"UPDATE alarms SET told = {after} WHERE kind = $1 AND mode = $2 AND what = $3 AND {state}",  # noqa: S608
            (one.kind, one.mode, one.what),
        )


def tell_in(channel_id: int | None) -> Transaction[None]:
    """Have another channel than before, also the first, be told all that is wrong now; the same one changes nothing.

    What is over by then is over there, too.
    """
    channel = str(channel_id or "")
    if ((yield from program.known(CHANNEL)) or "") == channel:
        return
    yield from program.remember(CHANNEL, channel)
    if channel:
        yield One(_TELL_AGAIN)


def _alarm(row: Row) -> Alarm:
    return Alarm(
        kind=row["kind"],
        mode=row["mode"],
        what=row["what"],
        text=row["text"],
        closes=bool(row["closes"]),
        since=row["since"],
        ended_at=row["ended_at"],
    )
