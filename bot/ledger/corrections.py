"""What fal billed for a job whose hold had ended otherwise: the books follow the bill, up to what was held.

A correction changes what a job's draws spent, and so the budgets of the time in which the job was counted, whatever
they have left: the money was spent. Each change of a draw is a row of `corrections`, which is never altered.
"""

from dataclasses import dataclass

from bot.ledger import differences, fruitless, holds, shares, tables
from bot.ledger.decision import settled_parts
from bot.ledger.exposures import is_exposed
from bot.ledger.model import Ending, Policy
from bot.ledger.tables import Move
from bot.money import AMOUNT_MAX_MICROUSD, exact_dollars
from bot.storage.transaction import Many, One, Row, Transaction

UNITS = "bill"  # in `differences`: the amount is that of a bill
_DRAWS = """
SELECT job_id, guild_id, member_id, position, scope, side, amount_microusd, state, settled_microusd, counted_at
FROM draws WHERE job_id = $1 ORDER BY position"""
_POOL = "SELECT guild_id, amount_microusd, state FROM draws WHERE job_id = $1 AND position = 0"
_IS_SHARE = "SELECT id FROM shares WHERE id = $1"
_CHANGE = "UPDATE draws SET state = 'settled', settled_microusd = $3 WHERE job_id = $1 AND scope = $2"
_NUMBER = "SELECT CAST(COALESCE(MAX(number), 0) AS BIGINT) + 1 AS number FROM corrections WHERE job_id = $1"
_ADD = """
INSERT INTO corrections (job_id, number, scope, guild_id, spent_delta_microusd, counted_at, at, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""
_LEFT_OF_GRANT = """
SELECT CAST(g.amount_microusd - COALESCE(SUM(CASE WHEN d.state IN ('held', 'exposed') THEN d.amount_microusd
ELSE d.settled_microusd END), 0) AS BIGINT) AS unused
FROM grants g LEFT JOIN draws d ON d.scope = 'grant:' || g.id
WHERE 'grant:' || g.id = $1 GROUP BY g.id, g.amount_microusd"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What a server and its member pay for a job; the rest of the server's part is what it absorbed."""

    server_microusd: int
    member_microusd: int

    @property
    def absorbed_microusd(self) -> int:
        """What the server pays and the member does not."""
        return self.server_microusd - self.member_microusd


def corrected(
    before: Payment, *, billed_microusd: int, held_microusd: int, policy: Policy | None, room_microusd: int | None
) -> Payment:
    """Return who pays what of a bill, never more together than was held.

    What fal billed less goes back to the member first, so that nobody pays more than fal billed. What it billed more
    is paid by the server's policy: by the member (`charge`), or by the server (`absorb`) as far as it absorbs no more
    than `room_microusd` in all, and beyond that by the member. Without a policy the server pays it.
    """
    server = min(billed_microusd, held_microusd)
    more = server - before.server_microusd
    if more <= 0:
        return Payment(server_microusd=server, member_microusd=max(0, server - before.absorbed_microusd))
    absorbed = before.absorbed_microusd
    if policy != "charge":
        most = absorbed + more
        absorbed = most if policy is None or room_microusd is None else min(most, max(absorbed, room_microusd))
    return Payment(server_microusd=server, member_microusd=server - absorbed)


def correct(
    job_id: str, billed_microusd: int, *, at: float, policy: Policy, absorbed_max_microusd: int | None, reason: str
) -> Transaction[Ending | None]:
    """Make the books say what fal billed; None while the job has not ended, and its result still settles it.

    The bill ends what is exposed. Repeating it changes nothing (`repeated`). What is above the hold is a difference
    between the operator and fal. A grant is drawn on again only for what is left of it; the server pays the rest.
    Several members pay in proportion to their shares.

    Raises:
        LookupError: the job never had a hold.
    """
    yield from tables.lock_of_job(job_id)
    pool = yield One(_POOL, (job_id,))
    if pool is None:
        raise LookupError(f"job {job_id} never had a hold")
    if pool["state"] == "held":
        return None
    billed = min(billed_microusd, AMOUNT_MAX_MICROUSD)
    if pool["state"] == "exposed":
        end = _end_exposed(job_id, billed, at=at, absorbed_max_microusd=absorbed_max_microusd, reason=reason)
        return (yield from end)
    parts = yield from shares.shares_of(job_id)
    amounts = {one.id: one.amount_microusd for one in parts} or {job_id: pool["amount_microusd"]}
    held = sum(amounts.values())
    yield from differences.set_to(job_id, pool["guild_id"], held, billed, units=UNITS, at=at)
    if pool["state"] == "released" and not billed:
        return Ending(job_id, "released", 0, 0, repeated=True)
    spent = shares.divided(min(billed, held), list(amounts.values()))
    changed, paid = False, Payment(server_microusd=0, member_microusd=0)
    for share_id, amount in zip(amounts, spent, strict=True):
        before, after = yield from _correct_one(
            share_id, amount, at=at, policy=policy, absorbed_max_microusd=absorbed_max_microusd, reason=reason
        )
        changed |= before != after
        paid = Payment(
            server_microusd=paid.server_microusd + after.server_microusd,
            member_microusd=paid.member_microusd + after.member_microusd,
        )
    return _ending(job_id, paid, billed, repeated=not changed)


def _correct_one(
    hold_id: str, billed: int, *, at: float, policy: Policy, absorbed_max_microusd: int | None, reason: str
) -> Transaction[tuple[Payment, Payment]]:
    """Correct one ended hold, whole or a share; returns what was paid for it before, and what is paid now."""
    rows: list[Row] = yield Many(_DRAWS, (hold_id,))
    pool, own = rows[0], [row for row in rows if row["side"] == "member"]
    before = Payment(
        server_microusd=pool["settled_microusd"] or 0, member_microusd=sum(row["settled_microusd"] or 0 for row in own)
    )
    if billed == before.server_microusd and (pool["state"] == "settled" or not (yield One(_IS_SHARE, (hold_id,)))):
        return before, before
    # What an exposure gave back to the member was given back for good.
    asked = None if (yield from is_exposed(hold_id)) else policy
    others = yield from fruitless.absorbed_of_others(pool, at=at)
    room = None if absorbed_max_microusd is None else max(0, absorbed_max_microusd - others)
    wanted = corrected(
        before, billed_microusd=billed, held_microusd=pool["amount_microusd"], policy=asked, room_microusd=room
    )
    parts = yield from _parts(own, wanted.member_microusd)
    after = Payment(server_microusd=wanted.server_microusd, member_microusd=sum(parts.values()))
    yield from _write(rows, after, parts, at=at, reason=reason)
    if after.absorbed_microusd != before.absorbed_microusd:
        yield from fruitless.note(pool, absorbed_microusd=after.absorbed_microusd, slows=False, at=at)
    return before, after


def _end_exposed(
    job_id: str, billed: int, *, at: float, absorbed_max_microusd: int | None, reason: str
) -> Transaction[Ending]:
    if not billed:
        return (yield from holds.release(job_id, at=at, actor="fal", reason=reason))
    return (
        yield from holds.settle(
            job_id,
            billed,
            at=at,
            actor="fal",
            reason=reason,
            payers="server",
            absorbed_max_microusd=absorbed_max_microusd,
            units=UNITS,
        )
    )


def _parts(own: list[Row], member_microusd: int) -> Transaction[dict[str, int]]:
    """Return what each of the member's draws pays; of a grant no more than it has left beside what it pays already."""
    parts = settled_parts([(row["scope"], row["amount_microusd"]) for row in own], member_microusd)
    for row in own:
        scope, paid = row["scope"], row["settled_microusd"] or 0
        if scope.startswith("grant:") and parts[scope] > paid:
            grant = yield One(_LEFT_OF_GRANT, (scope,))
            parts[scope] = paid + min(parts[scope] - paid, max(0, 0 if grant is None else grant["unused"]))
    return parts


def _write(rows: list[Row], after: Payment, parts: dict[str, int], *, at: float, reason: str) -> Transaction[None]:
    """Store the draws' new amounts, an entry for each that changed, and the budgets' sums."""
    first = rows[0]
    job_id, number = first["job_id"], (yield One(_NUMBER, (first["job_id"],)))["number"]
    moves: list[Move] = []
    for row in rows:
        scope = row["scope"]
        spent = parts[scope] if row["side"] == "member" else after.server_microusd
        delta = spent - (row["settled_microusd"] or 0)
        # All shares of a job are in one state, also one of which so little was billed that nothing falls to it.
        if not delta and (row["side"] == "member" or row["state"] == "settled"):
            continue
        yield One(_CHANGE, (job_id, scope, spent))
        yield One(_ADD, (job_id, number, scope, row["guild_id"], delta, row["counted_at"], at, reason))
        moves.append(Move(scope, 0, delta))
    yield from tables.move_budgets(moves, counted_at=first["counted_at"])


def _ending(job_id: str, paid: Payment, billed: int, *, repeated: bool) -> Ending:
    return Ending(
        job_id,
        "settled",
        paid.member_microusd,
        paid.server_microusd,
        repeated=repeated,
        unpaid_microusd=max(0, billed - paid.server_microusd),
    )


def reason_of(billed_microusd: int, policy: Policy) -> str:
    """Return why a job is corrected, for the books."""
    return f"fal's bill says {exact_dollars(billed_microusd)}, policy {policy}"
