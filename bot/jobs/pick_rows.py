"""The rows of picks and votes: each change is one transaction with the money that it moves.

Whoever changes a pick locks its server's money first, then its row. A vote moves no money and locks the row only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from bot.errors import Busy, OptionRefused
from bot.jobs import picks
from bot.jobs.model import Job
from bot.jobs.picks import Pick, PickBounds, PickState, Press, Step, Why
from bot.jobs.queries import jobs_of_set
from bot.jobs.short_id import short_id
from bot.ledger import reservations, tables
from bot.sharding import EVERY_SHARD, Shards
from bot.storage.transaction import Locked, Many, One, Row, Transaction

DUE_MAX = 200  # in one look; the next one goes on
_PICK = TypeAdapter(Pick)
_ADD = """
INSERT INTO picks (set_id, guild_id, member_id, state, look_at, body) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING"""
_UPDATE = "UPDATE picks SET state = $2, look_at = $3, body = $4 WHERE set_id = $1"
_DUE = "SELECT set_id, guild_id FROM picks WHERE look_at <= $1 AND {mine} ORDER BY look_at LIMIT $2"
_VOTE = """
INSERT INTO votes (set_id, member_id, guild_id, number, at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (set_id, member_id) DO UPDATE SET number = excluded.number, at = excluded.at"""
_COUNT = "SELECT number, COUNT(*) AS votes FROM votes WHERE set_id = $1 GROUP BY number"
_OWN = "SELECT number FROM votes WHERE set_id = $1 AND member_id = $2"


class PickRef(NamedTuple):
    """Which pick, and in which server."""

    set_id: str
    guild_id: int


@dataclass(frozen=True, slots=True)
class Looked:
    """A pick before and after a look, its drafts, and what is to be done outside of the database."""

    before: Pick
    pick: Pick
    drafts: tuple[Job, ...]
    step: Step | None


def add(pick: Pick) -> Transaction[None]:
    """Store the pick of drafts that are ordered in the same transaction; repeating it changes nothing."""
    whose = (pick.set_id, pick.guild_id, pick.member_id)
    yield One(_ADD, (*whose, pick.state, pick.ordered_at + picks.DRAFTS_LOOK_S, _body(pick)))


def wake(set_id: str, *, at: float) -> Transaction[None]:
    """Have the pick looked at soon: one of its drafts has ended."""
    yield One("UPDATE picks SET look_at = $2 WHERE set_id = $1 AND state = 'drafting'", (set_id, at))


def get_pick(set_id: str) -> Transaction[Pick | None]:
    """Return the pick of a set; None if there is none, or if this version cannot read it."""
    row = yield One("SELECT body FROM picks WHERE set_id = $1", (set_id,))
    return None if row is None else _read(row)


def counted_votes(set_id: str) -> Transaction[dict[int, int]]:
    """Return how many votes each draft has now, by number."""
    rows: list[Row] = yield Many(_COUNT, (set_id,))
    return {row["number"]: row["votes"] for row in rows}


def due_picks(now: float, shards: Shards = EVERY_SHARD) -> Transaction[tuple[PickRef, ...]]:
    """Return the picks that are to be looked at by this time, the longest due first; at most `DUE_MAX`."""
    rows: list[Row] = yield Many(_DUE.format(mine=shards.where()), (now, DUE_MAX))
    return tuple(PickRef(row["set_id"], row["guild_id"]) for row in rows)


def look(ref: PickRef, *, now: float, bounds: PickBounds) -> Transaction[Looked | None]:
    """Store what becomes of a pick by itself; returns it with the next thing to do, or None if there is no such pick.

    Repeating it changes nothing more. A vote is counted, and its winner picked, in the transaction that ends it. A row
    that this version cannot read is not looked at again; its reservation ends by itself.
    """
    yield from tables.lock(ref.guild_id)
    before = yield from _locked(ref.set_id)
    if before is None:
        yield One("UPDATE picks SET look_at = NULL WHERE set_id = $1", (ref.set_id,))
        return None
    drafts = yield from jobs_of_set(ref.set_id)
    after = before
    match picks.next_step(before, drafts, now=now, bounds=bounds):
        case "open":
            after = picks.opened(before, now=now, bounds=bounds)
        case "count":
            votes = yield from counted_votes(ref.set_id)
            own = yield from own_vote(ref.set_id, before.member_id)
            after = picks.counted(before, drafts, votes, own, now=now, bounds=bounds)
        case "end":
            after = picks.ended(before, picks.why_ended(before))
        case _:
            pass
    after = yield from _store(before, after, now=now, bounds=bounds)
    return Looked(before, after, drafts, picks.next_step(after, drafts, now=now, bounds=bounds))


def press(
    ref: PickRef, what: Press, value: int, *, member_id: int, now: float, bounds: PickBounds
) -> Transaction[Pick]:
    """Store what the drafts' member pressed: pick draft `value`, none, a vote of `value` seconds, or its end.

    Raises:
        OptionRefused: they may not, it is too late or too early for that, or there is no such draft.
    """
    yield from tables.lock(ref.guild_id)
    drafts = yield from jobs_of_set(ref.set_id)
    before = _in_server((yield from _locked(ref.set_id)), ref)
    pick = picks.opened(before, now=now, bounds=bounds) if _opens(before, drafts) else before
    if member_id != pick.member_id:
        raise OptionRefused(picks.not_yours(pick.member_id, what))
    picks.check_press(pick, what)
    match what:
        case "pick":
            picks.check_number(value, drafts)
            after = picks.picked(pick, value, now=now, bounds=bounds)
        case "none":
            after = picks.ended(pick, "none")
        case "begin_vote":
            after = picks.voting(pick, value, now=now)
        case "end_vote":
            votes = yield from counted_votes(ref.set_id)
            own = yield from own_vote(ref.set_id, member_id)
            after = picks.counted(pick, drafts, votes, own, now=now, bounds=bounds)
    return (yield from _store(before, after, now=now, bounds=bounds))


def vote(ref: PickRef, number: int, *, member_id: int, now: float, bounds: PickBounds) -> Transaction[bool]:
    """Store a member's vote for a draft, in place of an earlier one; returns False if it was the same.

    Raises:
        OptionRefused: there is no vote, or no such draft.
        Busy: as many members voted as may.
    """
    pick = _in_server((yield from _locked(ref.set_id)), ref)
    if pick.state != "voting" or now >= (pick.until or now):
        raise OptionRefused(picks.NO_VOTE)
    picks.check_number(number, (yield from jobs_of_set(ref.set_id)))
    own = yield from own_vote(ref.set_id, member_id)
    if own == number:
        return False
    if own is None and sum((yield from counted_votes(ref.set_id)).values()) >= bounds.voters_max:
        raise Busy(picks.too_many_votes(bounds.voters_max))
    yield One(_VOTE, (ref.set_id, member_id, ref.guild_id, number, now))
    yield from _write(picks.counts_anew(pick), now=now, bounds=bounds)
    return True


def own_vote(set_id: str, member_id: int) -> Transaction[int | None]:
    """Return the draft that a member votes for, or None."""
    row = yield One(_OWN, (set_id, member_id))
    return None if row is None else row["number"]


def note_made(ref: PickRef, *, now: float, bounds: PickBounds) -> Transaction[None]:
    """Note that the final is a job."""
    yield from _change(ref, "picked", picks.made, now=now, bounds=bounds)


def note_tried(ref: PickRef, *, now: float, bounds: PickBounds) -> Transaction[None]:
    """Note that the final could not be begun for now; it is tried again after a wait."""
    yield from _change(ref, "picked", picks.tried, now=now, bounds=bounds)


def note_refused(ref: PickRef, *, now: float, bounds: PickBounds) -> Transaction[None]:
    """Note that the final may not be begun as things stand; its member may pick again."""
    yield from _change(ref, "picked", lambda pick: picks.refused(pick, now=now, bounds=bounds), now=now, bounds=bounds)


def note_shown(ref: PickRef, version: int, *, now: float, bounds: PickBounds) -> Transaction[None]:
    """Note that the card shows this version of the pick, or will never show it."""
    yield from _change(ref, None, lambda pick: picks.shown(pick, version, now=now), now=now, bounds=bounds)


def end_pick(ref: PickRef, why: Why, *, now: float, bounds: PickBounds) -> Transaction[None]:
    """End a pick whose final is not a job, and release its price."""

    def end(pick: Pick) -> Pick:
        return pick if pick.state in {"made", "over"} else picks.ended(pick, why)

    yield from _change(ref, None, end, now=now, bounds=bounds)


def forget_picks_of(member_id: int, *, at: float) -> Transaction[None]:
    """Delete the member's votes and picks, and release what is reserved for those that are open."""
    yield One("DELETE FROM votes WHERE member_id = $1", (member_id,))
    rows: list[Row] = yield Many("SELECT set_id FROM picks WHERE member_id = $1 ORDER BY set_id", (member_id,))
    for row in rows:
        yield from reservations.release_group(row["set_id"], at=at, reason="its member had their data deleted")
        yield One("DELETE FROM votes WHERE set_id = $1", (row["set_id"],))
    yield One("DELETE FROM picks WHERE member_id = $1", (member_id,))


def forget_picks_in(guild_id: int) -> Transaction[None]:
    """Delete a server's votes and picks."""
    yield One("DELETE FROM votes WHERE guild_id = $1", (guild_id,))
    yield One("DELETE FROM picks WHERE guild_id = $1", (guild_id,))


def votes_everywhere(member_id: int, *, limit: int) -> Transaction[list[dict[str, Any]]]:
    """Return the votes of a member that are not counted yet, as JSON values."""
    rows: list[Row] = yield Many(
        "SELECT guild_id, set_id, number, at FROM votes WHERE member_id = $1 ORDER BY at LIMIT $2", (member_id, limit)
    )
    return [
        {"server": str(row["guild_id"]), "drafts": short_id(row["set_id"]), "number": row["number"], "at": row["at"]}
        for row in rows
    ]


def _opens(pick: Pick, drafts: Sequence[Job]) -> bool:
    return pick.state == "drafting" and picks.is_open(pick, drafts)


def _in_server(pick: Pick | None, ref: PickRef) -> Pick:
    if pick is None or pick.guild_id != ref.guild_id:
        raise OptionRefused(picks.GONE)
    return pick


def _change(
    ref: PickRef, state: PickState | None, change: Callable[[Pick], Pick], *, now: float, bounds: PickBounds
) -> Transaction[None]:
    yield from tables.lock(ref.guild_id)
    pick = yield from _locked(ref.set_id)
    if pick is not None and state in {None, pick.state}:
        yield from _store(pick, change(pick), now=now, bounds=bounds)


def _store(before: Pick, after: Pick, *, now: float, bounds: PickBounds) -> Transaction[Pick]:
    """Write a changed pick with the money that it moves, and return it as it is then.

    The reservation decides: where it was used the final is a job, whatever the row says, and where it was released
    there will be none.
    """
    if after.state == "over" and before.state != "over":
        is_held = yield from reservations.release(
            after.final_id, at=now, reason=f"no draft was made in full: {after.why}"
        )
    elif (until := picks.reserved_until(after)) is not None and before.until != after.until:
        is_held = yield from reservations.keep_until(after.final_id, until)
    else:
        is_held = True
    if not is_held:
        final = yield One("SELECT id FROM jobs WHERE id = $1", (after.final_id,))
        after = picks.made(before) if final is not None else picks.ended(before, "late")
    if before.state == "voting" and after.state != "voting":
        yield One("DELETE FROM votes WHERE set_id = $1", (after.set_id,))
    yield from _write(after, now=now, bounds=bounds)
    return after


def _write(pick: Pick, *, now: float, bounds: PickBounds) -> Transaction[None]:
    yield One(_UPDATE, (pick.set_id, pick.state, picks.looks_at(pick, bounds, now=now), _body(pick)))


def _locked(set_id: str) -> Transaction[Pick | None]:
    row = yield Locked("SELECT body FROM picks WHERE set_id = $1", (set_id,))
    return None if row is None else _read(row)


def _body(pick: Pick) -> str:
    return _PICK.dump_json(pick).decode()


def _read(row: Row) -> Pick | None:
    try:
        return _PICK.validate_json(row["body"])
    except ValidationError:
        return None
