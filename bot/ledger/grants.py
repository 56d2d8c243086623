"""Grants: money given to a member once, beside the allowance."""

from bot.ledger import tables
from bot.ledger.acts import record
from bot.ledger.model import Grant, GrantStanding
from bot.money import AMOUNT_MAX_MICROUSD
from bot.storage.transaction import Many, One, Row, Transaction

_STANDINGS = """
SELECT g.id, g.guild_id, g.member_id, g.amount_microusd AS amount, g.expires_at, g.reason, g.actor_id, g.at,
CAST(COALESCE(SUM(CASE WHEN d.state IN ('held', 'exposed') THEN d.amount_microusd END), 0) AS BIGINT) AS held,
CAST(COALESCE(SUM(d.settled_microusd), 0) AS BIGINT) AS spent
FROM grants g LEFT JOIN draws d ON d.scope = 'grant:' || g.id
WHERE g.guild_id = $1 AND g.member_id = $2
GROUP BY g.id, g.guild_id, g.member_id, g.amount_microusd, g.expires_at, g.reason, g.actor_id, g.at"""
_ADD = """
INSERT INTO grants (id, guild_id, member_id, amount_microusd, expires_at, reason, actor_id, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING RETURNING id"""


def add_grant(grant: Grant) -> Transaction[bool]:
    """Add the grant and record the act; False, with nothing changed, if a grant with this id exists already.

    Raises:
        ValueError: the amount is negative or above `AMOUNT_MAX_MICROUSD`.
    """
    if not 0 <= grant.amount_microusd <= AMOUNT_MAX_MICROUSD:
        raise ValueError(f"no amount of a grant: {grant.amount_microusd}")
    yield from tables.lock(grant.guild_id)
    row = yield One(
        _ADD,
        (
            grant.id,
            grant.guild_id,
            grant.member_id,
            grant.amount_microusd,
            grant.expires_at,
            grant.reason,
            grant.actor_id,
            grant.at,
        ),
    )
    if row is None:
        return False
    yield from record(
        grant.guild_id,
        act="grant",
        subject=f"member:{grant.member_id}",
        before=None,
        after={"id": grant.id, "microusd": grant.amount_microusd, "expires_at": grant.expires_at},
        actor_id=grant.actor_id,
        reason=grant.reason,
        at=grant.at,
    )
    return True


def grants_of(guild_id: int, member_id: int) -> Transaction[tuple[GrantStanding, ...]]:
    """Return all of the member's grants in this server, in the order in which they are used."""
    rows: list[Row] = yield Many(_STANDINGS, (guild_id, member_id))
    return tuple(sorted((_standing(row) for row in rows), key=lambda one: in_order_of_use(one.grant)))


def usable_grants(guild_id: int, member_id: int, *, at: float) -> Transaction[tuple[GrantStanding, ...]]:
    """Return the unexpired grants with money left, in the order in which they are used."""
    every = yield from grants_of(guild_id, member_id)
    return tuple(
        one for one in every if one.left_microusd and (one.grant.expires_at is None or one.grant.expires_at > at)
    )


def in_order_of_use(grant: Grant) -> tuple[bool, float, float, str]:
    """Return the key by which grants are sorted: by expiry, those without one last, then by age."""
    return (grant.expires_at is None, grant.expires_at or 0.0, grant.at, grant.id)


def _standing(row: Row) -> GrantStanding:
    grant = Grant(
        id=row["id"],
        guild_id=row["guild_id"],
        member_id=row["member_id"],
        amount_microusd=row["amount"],
        expires_at=row["expires_at"],
        reason=row["reason"],
        actor_id=row["actor_id"],
        at=row["at"],
    )
    return GrantStanding(grant, row["held"], row["spent"])
