"""Orders that were acknowledged and are neither accepted nor refused yet, so that none is shown as under way for ever.

A row of a shard that nobody is connected to belongs to an order that the last process could not finish. Nothing was
held for it.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Many, One, Row, Transaction

Shows: TypeAlias = Literal["thinking", "placeholder"]
_COLUMNS = "id, guild_id, channel_id, message_id, application_id, token, shows, at"
_NOTE = f"INSERT INTO acknowledgements ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"  # noqa: S608 - a constant of this module


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What Discord shows of an order, in which channel, since `at` (Unix seconds).

    It shows its own "thinking" as the answer to the interaction of `token`, or a placeholder of Wanda: the message
    `message_id`, or one that is not known yet (0). A reaction has no token (""). `id` is the order's where it has one
    already, else the interaction's.
    """

    id: str
    guild_id: int
    channel_id: int
    shows: Shows
    at: float
    message_id: int = 0
    application_id: int = 0
    token: str = ""


def note(one: Acknowledgement) -> Transaction[None]:
    """Keep the acknowledgement; repeating it changes nothing."""
    place = (one.guild_id, one.channel_id, one.message_id)
    yield One(_NOTE, (one.id, *place, one.application_id, one.token, one.shows, one.at))


def drop(acknowledgement_id: str) -> Transaction[None]:
    """Delete the acknowledgement: its order was accepted or refused, or what it showed is gone."""
    yield One("DELETE FROM acknowledgements WHERE id = $1", (acknowledgement_id,))


def left_over(shards: Shards = EVERY_SHARD) -> Transaction[tuple[Acknowledgement, ...]]:
    """Return the acknowledgements that are there, in order. Call it before these shards connect."""
    rows: list[Row] = yield Many(f"SELECT {_COLUMNS} FROM acknowledgements WHERE {shards.where()} ORDER BY at")  # noqa: S608 - likewise
    return tuple(Acknowledgement(**{name: row[name] for name in _COLUMNS.split(", ")}) for row in rows)
