"""Chip-ins as they are stored: found, locked, and noted as shown on their cards."""

from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from bot.jobs.acceptance import LOCK_PARENT
from bot.jobs.chip_in_model import FIRST, ChipIn, Due, Rules
from bot.jobs.model import Job
from bot.jobs.places import bytes_of
from bot.ledger import reservations, tables
from bot.ledger.model import Share
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Lock, Many, One, Row, Transaction

FOUND_MAX = 100  # in one search; the next one goes on after them
_COLUMNS = "guild_id, member_id, state, quote_microusd, input_bytes, expires_at, stale_at, body"
_ADD = f"INSERT INTO chip_ins (id, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"  # noqa: S608 - constants of this module
_STORE = """
UPDATE chip_ins SET member_id = $2, state = $3, input_bytes = $4, stale_at = $5, tries = 0, body = $6 WHERE id = $1"""
_OPEN = """
SELECT COUNT(*) AS in_server, COALESCE(SUM(CASE WHEN member_id = $2 THEN 1 ELSE 0 END), 0) AS of_member
FROM chip_ins WHERE guild_id = $1 AND state <> 'over'"""
_DUE = """
SELECT id, guild_id, expires_at FROM chip_ins WHERE state <> 'over'
AND (expires_at <= $1 OR state = 'full' OR guild_id IN (SELECT guild_id FROM leaving))
AND (expires_at > $2 OR expires_at = $2 AND id > $3) AND {mine}
ORDER BY expires_at, id LIMIT $4"""
_STALE = "SELECT id, guild_id FROM chip_ins WHERE stale_at <= $1 AND {mine} ORDER BY stale_at LIMIT $2"


def counts_of_open(guild_id: int, member_id: int) -> Transaction[Row]:
    """Return how many open chip-ins the server has, `in_server`, and the member there, `of_member`."""
    return (yield One(_OPEN, (guild_id, member_id)))


def is_known(chip_in_id: str) -> Transaction[bool]:
    """Return whether there is such a chip-in, or one that is over and whose card does not say so yet."""
    return (yield One("SELECT id FROM chip_ins WHERE id = $1", (chip_in_id,))) is not None


def is_collecting(chip_in_id: str) -> Transaction[bool]:
    """Return whether there is such a chip-in that is not over."""
    return (yield One("SELECT id FROM chip_ins WHERE id = $1 AND state <> 'over'", (chip_in_id,))) is not None


def forget_begun(chip_in_id: str) -> Transaction[None]:
    """Delete the chip-in in the transaction that makes what was ordered."""
    yield One("DELETE FROM chip_ins WHERE id = $1", (chip_in_id,))


def is_card(message_id: int, guild_id: int) -> Transaction[bool]:
    """Return whether the message is the card of one of the server's chip-ins."""
    row = yield One(
        "SELECT id FROM chip_ins WHERE guild_id = $1 AND body LIKE $2", (guild_id, f'%"message_id":{message_id},%')
    )
    return row is not None


def chip_in_of(chip_in_id: str) -> Transaction[ChipIn | None]:
    """Return the chip-in with its shares; None if there is none, or its row cannot be read."""
    row: Row | None = yield One("SELECT body FROM chip_ins WHERE id = $1", (chip_in_id,))
    return None if row is None else (yield from _read(row))


def due_chip_ins(shards: Shards = EVERY_SHARD, *, now: float, after: Due = FIRST) -> Transaction[tuple[Due, ...]]:
    """Return a page of the chip-ins that are full, or to be ended: those that expire after this one."""
    rows: list[Row] = yield Many(_DUE.format(mine=shards.where()), (now, after.expires_at, after.id, FOUND_MAX))
    return tuple(Due(row["id"], row["guild_id"], row["expires_at"]) for row in rows)


def stale_chip_ins(shards: Shards = EVERY_SHARD, *, now: float) -> Transaction[tuple[tuple[str, int], ...]]:
    """Return id and server of chip-ins whose card does not show how they stand."""
    rows: list[Row] = yield Many(_STALE.format(mine=shards.where()), (now, FOUND_MAX))
    return tuple((row["id"], row["guild_id"]) for row in rows)


def showing(chip_in_id: str, *, now: float, wait_s: float, tries_max: int) -> Transaction[ChipIn | None]:
    """Note that a try to show the chip-in begins, and return it; None if there is nothing to show.

    The next try is due if this one does not end. After `tries_max` of them the card is left as it is.
    """
    row: Row | None = yield One(
        "UPDATE chip_ins SET tries = tries + 1 WHERE id = $1 AND stale_at IS NOT NULL RETURNING tries, body",
        (chip_in_id,),
    )
    if row is None:
        return None
    chip_in = yield from _read(row)
    if chip_in is None or row["tries"] > tries_max:
        yield from shown(chip_in_id, is_over=chip_in is None or chip_in.state == "over")
        return None
    yield One("UPDATE chip_ins SET stale_at = $2 WHERE id = $1", (chip_in_id, now + wait_s * 2 ** (row["tries"] - 1)))
    return chip_in


def shown(chip_in_id: str, *, is_over: bool, seen: ChipIn | None = None) -> Transaction[None]:
    """Note that the card shows the chip-in as it was `seen`; one that is over is forgotten with that."""
    if is_over:
        yield One("DELETE FROM chip_ins WHERE id = $1 AND state = 'over'", (chip_in_id,))
        return
    row: Row | None = yield One("UPDATE chip_ins SET tries = tries WHERE id = $1 RETURNING body", (chip_in_id,))
    now = None if row is None else (yield from _read(row))
    if seen is None or now == seen:  # else it has changed meanwhile, and is shown again
        yield One("UPDATE chip_ins SET stale_at = NULL, tries = 0 WHERE id = $1", (chip_in_id,))


def chip_ins_of_member(member_id: int, *, limit: int) -> Transaction[tuple[Job, ...]]:
    """Return what the member orders in chip-ins that are not over, for their export."""
    rows: list[Row] = yield Many(
        "SELECT body FROM chip_ins WHERE member_id = $1 AND state <> 'over' ORDER BY id LIMIT $2", (member_id, limit)
    )
    found = [_body(row) for row in rows]
    return tuple(one.job for one in found if one is not None and one.job is not None)


def lock_server(guild_id: int, rules: Rules | None) -> Transaction[None]:
    """Lock the server, and with it what all servers share if the operator's cap on that counts."""
    everything = rules is not None and rules.shipped.total_cap_microusd is not None
    yield from tables.lock(guild_id, everything=everything)


def locked_chip_in(chip_in_id: str, rules: Rules | None = None) -> Transaction[ChipIn | None]:
    """Lock the chip-in's server, before it the job that it is a rerun of, and return it as it stands then."""
    row: Row | None = yield One("SELECT guild_id, body FROM chip_ins WHERE id = $1", (chip_in_id,))
    if row is None:
        return None
    known = _body(row)
    if rules is not None and known is not None and known.job is not None and known.job.parent_id is not None:
        yield Lock(LOCK_PARENT, (known.job.parent_id,))
    yield from lock_server(row["guild_id"], rules)
    return (yield from chip_in_of(chip_in_id))


def insert_chip_in(chip_in: ChipIn, now: float) -> Transaction[None]:
    """Store a new chip-in, whose card is then to be drawn."""
    yield One(_ADD, (chip_in.id, *_values(chip_in, now)))


def store_chip_in(chip_in: ChipIn, now: float) -> Transaction[None]:
    """Store the chip-in, whose card is then to be drawn again."""
    _, member_id, state, _, input_bytes, _, stale_at, body = _values(chip_in, now)
    yield One(_STORE, (chip_in.id, member_id, state, input_bytes, stale_at, body))


def _values(chip_in: ChipIn, now: float) -> tuple[object, ...]:
    """Return the values of `_COLUMNS`. The shares of one that is not over are the reservations."""
    job = chip_in.job
    kept = chip_in if chip_in.state == "over" else replace(chip_in, shares=())
    return (
        chip_in.guild_id,
        0 if job is None else job.member_id,
        chip_in.state,
        chip_in.quote_microusd,
        0 if job is None or chip_in.state == "over" else bytes_of(job.inputs),  # none of a film: its draft has them
        chip_in.expires_at,
        now,
        _CHIP_IN.dump_json(kept).decode(),
    )


def _read(row: Row) -> Transaction[ChipIn | None]:
    chip_in = _body(row)
    if chip_in is None or chip_in.state == "over":
        return chip_in
    reserved = yield from reservations.reserved_for(chip_in.id)
    shares = tuple(Share(one.job_id, one.member_id, one.amount_microusd) for one in reserved)
    return replace(chip_in, shares=shares)


def _body(row: Row) -> ChipIn | None:
    """Return what the row says without its shares; None for a document that this version cannot read."""
    try:
        return _CHIP_IN.validate_json(row["body"])
    except ValidationError:
        return None


_CHIP_IN = TypeAdapter(ChipIn)
