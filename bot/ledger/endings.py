"""How one hold ends: settled, released, or exposed until it is known what fal billed.

`bot.ledger.holds` ends a job's hold, which is several of these where several members pay for the job. A hold ends
exactly once; a later call, also of the other kind, returns the first ending and changes nothing.
"""

from typing import Literal

from bot.ledger import differences, draws, fruitless
from bot.ledger.decision import settled_parts
from bot.ledger.draws import Change, Occasion
from bot.ledger.model import Ending, How, Payers
from bot.money import AMOUNT_MAX_MICROUSD
from bot.storage.transaction import Row, Transaction


def settle(
    job_id: str,
    amount_microusd: int,
    *,
    at: float,
    actor: str,
    reason: str,
    payers: Payers = "everyone",
    absorbed_max_microusd: int | None = None,
    is_fruitless: bool = False,
    units: str = "",
) -> Transaction[Ending]:
    """End the hold under this id with this much spent, as `holds.settle` says; raises LookupError if there was none."""
    every = yield from draws.draws_under_lock(job_id)
    rows = _open(every)
    if not rows:
        return _earlier_ending(job_id, every)
    billed = min(amount_microusd, AMOUNT_MAX_MICROUSD)
    held = max(row["amount_microusd"] for row in rows if row["side"] == "server")
    paid = min(billed, held)
    own = [(row["scope"], row["amount_microusd"]) for row in rows if row["side"] == "member"]
    absorbed = 0 if own else paid
    if own and payers == "server":
        others = yield from fruitless.absorbed_of_others(rows[0], at=at)
        absorbed = paid if absorbed_max_microusd is None else min(paid, max(0, absorbed_max_microusd - others))
    parts = settled_parts(own, paid - absorbed) if own and (payers == "everyone" or paid > absorbed) else {}
    changes = [_settled(row, parts.get(row["scope"]) if row["side"] == "member" else paid) for row in rows]
    yield from draws.end(changes, _occasion(rows, at, actor, reason))
    if absorbed or is_fruitless or not own:
        yield from fruitless.note(rows[0], absorbed_microusd=absorbed, slows=is_fruitless, at=at)
    if billed > held:
        yield from differences.record(job_id, rows[0]["guild_id"], held, billed, units=units, at=at)
    return Ending(job_id, "settled", sum(parts.values()), paid, repeated=False, unpaid_microusd=billed - paid)


def release(
    job_id: str, *, at: float, actor: str, reason: str, declined_by: int | None = None, is_fruitless: bool = False
) -> Transaction[Ending]:
    """End the hold, or its exposed part, with nothing spent; raises LookupError if there was none."""
    every = yield from draws.draws_under_lock(job_id)
    rows = _open(every)
    if not rows:
        return _earlier_ending(job_id, every)
    yield from draws.end([_settled(row, None) for row in rows], _occasion(rows, at, actor, reason, declined_by))
    if is_fruitless or all(row["side"] == "server" for row in rows):
        yield from fruitless.note(rows[0], absorbed_microusd=0, slows=is_fruitless, at=at)
    return Ending(job_id, "released", 0, 0, repeated=False)


def expose(
    job_id: str, *, at: float, actor: str, reason: str, absorbed_max_microusd: int | None = None
) -> Transaction[Ending]:
    """Keep the hold open for the server, as `holds.expose` says; raises LookupError if there was none."""
    rows = yield from draws.draws_under_lock(job_id)
    if not rows or rows[0]["state"] != "held":
        return _earlier_ending(job_id, rows)
    pool = rows[0]
    others = yield from fruitless.absorbed_of_others(pool, at=at)
    # The first one of a day is the server's whatever it costs: a lost reply is hardly ever the member's doing.
    is_servers = (
        absorbed_max_microusd is None or not others or others + pool["amount_microusd"] <= absorbed_max_microusd
    )
    own = [row for row in rows if row["side"] == "member"]
    given_back = own if is_servers else []
    changes = [_settled(row, None) if row in given_back else _exposed(row) for row in rows]
    yield from draws.end(changes, _occasion(rows, at, actor, reason))
    absorbed = pool["amount_microusd"] if is_servers else 0
    yield from fruitless.note(pool, absorbed_microusd=absorbed, slows=False, at=at)
    held = 0 if is_servers else sum(row["amount_microusd"] for row in own)
    return Ending(job_id, "exposed", 0, 0, repeated=False, member_held_microusd=held)


def _open(rows: list[Row]) -> list[Row]:
    """Return the draws that have not ended; they all end together."""
    return [row for row in rows if row["state"] in {"held", "exposed"}]


def _settled(row: Row, spent_microusd: int | None) -> Change:
    """Return the end of a draw with this much spent, or None for a release."""
    held = row["amount_microusd"]
    if spent_microusd is None:
        return Change(row["scope"], "release", "released", None, -held)
    return Change(row["scope"], "settle", "settled", min(spent_microusd, held), -held)


def _exposed(row: Row) -> Change:
    return Change(row["scope"], "expose", "exposed", None, 0)


def _occasion(rows: list[Row], at: float, actor: str, reason: str, declined_by: int | None = None) -> Occasion:
    return Occasion(
        guild_id=rows[0]["guild_id"],
        job_id=rows[0]["job_id"],
        counted_at=rows[0]["counted_at"],
        at=at,
        actor=actor,
        reason=reason,
        declined_by=declined_by,
    )


def _earlier_ending(job_id: str, rows: list[Row]) -> Ending:
    """Return how a hold ended before, from its draws."""
    if not rows:
        raise LookupError(f"job {job_id} never had a hold")
    states: set[Literal["held", "exposed", "settled", "released"]] = {row["state"] for row in rows}
    how: How = "exposed" if "exposed" in states else "settled" if "settled" in states else "released"
    member = sum(row["settled_microusd"] or 0 for row in rows if row["side"] == "member")
    server = max((row["settled_microusd"] or 0 for row in rows if row["side"] == "server"), default=0)
    open_ = sum(row["amount_microusd"] for row in rows if row["side"] == "member" and row["state"] == "exposed")
    return Ending(job_id, how, member, server, repeated=True, member_held_microusd=open_)
