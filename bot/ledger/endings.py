"""How one hold ends: settled, released, or exposed until it is known what fal billed.

`bot.ledger.holds` ends a job's hold, which is several of these where several members pay for the job. A hold ends
exactly once; a later call, also of the other kind, returns the first ending and changes nothing.
"""

from typing import Literal

from bot.ledger import differences, fruitless, tables
from bot.ledger.decision import settled_parts
from bot.ledger.model import Ending, How, Payers
from bot.ledger.tables import Move, Occasion
from bot.money import AMOUNT_MAX_MICROUSD
from bot.storage.transaction import Many, One, Row, Transaction

_RETURNED = "RETURNING job_id, guild_id, member_id, position, scope, side, amount_microusd, counted_at"
# No draw spends more than it held.
_END = f"""
UPDATE draws SET state = $2, ended_at = $4, settled_microusd =
CASE WHEN amount_microusd < CAST($3 AS BIGINT) THEN amount_microusd ELSE CAST($3 AS BIGINT) END
WHERE job_id = $1 AND state IN ('held', 'exposed') {_RETURNED}"""  # noqa: S608 - built from constants of this module
_CORRECT = "UPDATE draws SET state = $3, settled_microusd = $4 WHERE job_id = $1 AND scope = $2"
_EXPOSE = f"""
UPDATE draws SET state = CASE WHEN side = 'member' AND CAST($3 AS BIGINT) = 1 THEN 'released' ELSE 'exposed' END,
ended_at = CASE WHEN side = 'member' AND CAST($3 AS BIGINT) = 1 THEN CAST($2 AS DOUBLE PRECISION) END
WHERE job_id = $1 AND state = 'held' {_RETURNED}"""  # noqa: S608 - built from constants of this module
_POOLS_HELD = """
SELECT job_id, guild_id, member_id, amount_microusd FROM draws WHERE job_id = $1 AND position = 0 AND state = 'held'"""
_STATES = "SELECT side, state, amount_microusd, settled_microusd FROM draws WHERE job_id = $1"


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
    yield from tables.lock_of_job(job_id)
    billed = min(amount_microusd, AMOUNT_MAX_MICROUSD)
    rows = _in_order((yield Many(_END, (job_id, "settled", billed, at))))
    if not rows:
        return (yield from _earlier_ending(job_id))
    held = max(row["amount_microusd"] for row in rows if row["side"] == "server")
    paid = min(billed, held)
    own = [(row["scope"], row["amount_microusd"]) for row in rows if row["side"] == "member"]
    absorbed = 0 if own else paid
    if own and payers == "server":
        others = yield from fruitless.absorbed_of_others(rows[0], at=at)
        absorbed = paid if absorbed_max_microusd is None else min(paid, max(0, absorbed_max_microusd - others))
    parts = settled_parts(own, paid - absorbed) if own and (payers == "everyone" or paid > absorbed) else {}
    moves: list[Move] = []
    for row in rows:
        spent = parts.get(row["scope"]) if row["side"] == "member" else paid
        if spent != min(billed, row["amount_microusd"]):
            yield One(_CORRECT, (job_id, row["scope"], "released" if spent is None else "settled", spent))
        moves.append(Move(row["scope"], -row["amount_microusd"], spent or 0))
    yield from tables.move(moves, _occasion(rows, at, actor, reason))
    if absorbed or is_fruitless or not own:
        yield from fruitless.note(rows[0], absorbed_microusd=absorbed, slows=is_fruitless, at=at)
    if billed > held:
        yield from differences.record(job_id, rows[0]["guild_id"], held, billed, units=units, at=at)
    return Ending(job_id, "settled", sum(parts.values()), paid, repeated=False, unpaid_microusd=billed - paid)


def release(
    job_id: str, *, at: float, actor: str, reason: str, declined_by: int | None = None, is_fruitless: bool = False
) -> Transaction[Ending]:
    """End the hold, or its exposed part, with nothing spent; raises LookupError if there was none."""
    yield from tables.lock_of_job(job_id)
    rows = _in_order((yield Many(_END, (job_id, "released", None, at))))
    if not rows:
        return (yield from _earlier_ending(job_id))
    moves = [Move(row["scope"], -row["amount_microusd"]) for row in rows]
    yield from tables.move(moves, _occasion(rows, at, actor, reason, declined_by))
    if is_fruitless or all(row["side"] == "server" for row in rows):
        yield from fruitless.note(rows[0], absorbed_microusd=0, slows=is_fruitless, at=at)
    return Ending(job_id, "released", 0, 0, repeated=False)


def expose(
    job_id: str, *, at: float, actor: str, reason: str, absorbed_max_microusd: int | None = None
) -> Transaction[Ending]:
    """Keep the hold open for the server, as `holds.expose` says; raises LookupError if there was none."""
    yield from tables.lock_of_job(job_id)
    pool = yield One(_POOLS_HELD, (job_id,))
    if pool is None:
        return (yield from _earlier_ending(job_id))
    others = yield from fruitless.absorbed_of_others(pool, at=at)
    # The first one of a day is the server's whatever it costs: a lost reply is hardly ever the member's doing.
    is_servers = (
        absorbed_max_microusd is None or not others or others + pool["amount_microusd"] <= absorbed_max_microusd
    )
    rows = _in_order((yield Many(_EXPOSE, (job_id, at, int(is_servers)))))
    own = [row for row in rows if row["side"] == "member"]
    moves = [Move(row["scope"], -row["amount_microusd"]) for row in own] if is_servers else []
    yield from tables.move(moves, _occasion(rows, at, actor, reason))
    absorbed = pool["amount_microusd"] if is_servers else 0
    yield from fruitless.note(pool, absorbed_microusd=absorbed, slows=False, at=at)
    held = 0 if is_servers else sum(row["amount_microusd"] for row in own)
    return Ending(job_id, "exposed", 0, 0, repeated=False, member_held_microusd=held)


def _occasion(rows: list[Row], at: float, actor: str, reason: str, declined_by: int | None = None) -> Occasion:
    return Occasion(
        job_id=rows[0]["job_id"],
        counted_at=rows[0]["counted_at"],
        at=at,
        actor=actor,
        reason=reason,
        declined_by=declined_by,
        servers_only=all(row["side"] == "server" for row in rows),
    )


def _in_order(rows: list[Row]) -> list[Row]:
    """Sort a job's draws by position: RETURNING guarantees no order."""
    return sorted(rows, key=lambda row: row["position"])


def _earlier_ending(job_id: str) -> Transaction[Ending]:
    rows: list[Row] = yield Many(_STATES, (job_id,))
    if not rows:
        raise LookupError(f"job {job_id} never had a hold")
    states: set[Literal["held", "exposed", "settled", "released"]] = {row["state"] for row in rows}
    how: How = "exposed" if "exposed" in states else "settled" if "settled" in states else "released"
    member = sum(row["settled_microusd"] or 0 for row in rows if row["side"] == "member")
    server = max((row["settled_microusd"] or 0 for row in rows if row["side"] == "server"), default=0)
    open_ = sum(row["amount_microusd"] for row in rows if row["side"] == "member" and row["state"] == "exposed")
    return Ending(job_id, how, member, server, repeated=True, member_held_microusd=open_)
