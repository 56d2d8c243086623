"""Members' requests for more money, which an admin answers with one press: a grant, a raise for a while, or no.

A request is answered once: whoever presses second, or again, changes nothing.
"""

import math
from dataclasses import dataclass

from bot.errors import Busy
from bot.ledger import rules, tables
from bot.ledger.grants import add_grant
from bot.ledger.model import Grant
from bot.money import AMOUNT_MAX_MICROUSD
from bot.storage.transaction import One, Row, Transaction

RAISED_FOR_S = 7 * 86_400.0
REASON = "asked for with Ask an admin"
_EXPIRED = "DELETE FROM money_requests WHERE guild_id = $1 AND expires_at <= $2"
_OWN = "SELECT at, expires_at, answered FROM money_requests WHERE guild_id = $1 AND member_id = $2"
_OPEN = "SELECT COUNT(*) AS requests FROM money_requests WHERE guild_id = $1 AND answered = 0"
_ADD = """
INSERT INTO money_requests (guild_id, member_id, id, amount_microusd, channel_id, at, expires_at, answered)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0)
ON CONFLICT (guild_id, member_id) DO UPDATE SET id = excluded.id, amount_microusd = excluded.amount_microusd,
channel_id = excluded.channel_id, at = excluded.at, expires_at = excluded.expires_at, answered = 0"""
_ANSWER = """
UPDATE money_requests SET answered = 1 WHERE id = $1 AND guild_id = $2 AND answered = 0 AND expires_at > $3
RETURNING guild_id, member_id, id, amount_microusd, channel_id, at, expires_at"""
_RAISE = "raise"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyRequest:
    """A member's request for this amount, asked for in this channel; times in Unix seconds."""

    id: str
    guild_id: int
    member_id: int
    amount_microusd: int
    channel_id: int
    at: float
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBounds:
    """How many requests of one server may be open, and how long a member waits from one to the next."""

    open_in_server_max: int
    wait_s: float


def ask_for_money(request: MoneyRequest, bounds: RequestBounds) -> Transaction[None]:
    """Store the request as the member's only one.

    Raises:
        Busy: their last one is still open or too recent, or too many of the server are open.
    """
    yield from tables.lock(request.guild_id)
    yield One(_EXPIRED, (request.guild_id, request.at))
    own: Row | None = yield One(_OWN, (request.guild_id, request.member_id))
    if own is not None and not own["answered"]:
        raise Busy(f"You've already asked the admins. You can ask again <t:{math.ceil(own['expires_at'])}:R>.")
    if own is not None and own["at"] + bounds.wait_s > request.at:
        raise Busy(f"You've just asked the admins. You can ask again <t:{math.ceil(own['at'] + bounds.wait_s)}:R>.")
    others = yield One(_OPEN, (request.guild_id,))
    if others["requests"] >= bounds.open_in_server_max:
        raise Busy(
            f"{others['requests']:,} members are waiting for an answer, the most here. Write to an admin yourself."
        )
    values = (request.guild_id, request.member_id, request.id, request.amount_microusd, request.channel_id)
    yield One(_ADD, (*values, request.at, request.expires_at))


def grant_request(request_id: str, guild_id: int, *, actor_id: int, at: float) -> Transaction[MoneyRequest | None]:
    """Grant what was asked for, once; None, with nothing changed, if the request is answered or over."""
    request = yield from answer_request(request_id, guild_id, at=at)
    if request is not None:
        yield from add_grant(
            Grant(
                id=request.id,
                guild_id=guild_id,
                member_id=request.member_id,
                amount_microusd=request.amount_microusd,
                expires_at=None,
                reason=REASON,
                actor_id=actor_id,
                at=at,
            )
        )
    return request


def raise_request(request_id: str, guild_id: int, *, actor_id: int, at: float) -> Transaction[MoneyRequest | None]:
    """Add what was asked for to each of the member's allowances for `RAISED_FOR_S`; None as `grant_request`.

    A raise that they have already grows by it, and lasts at least as long as it did.
    """
    request = yield from answer_request(request_id, guild_id, at=at)
    if request is None:
        return None
    subject = f"member:{request.member_id}"
    every = yield from rules.rules_of(guild_id, at=at)
    now = next((one for one in every if (one.subject, one.name) == (subject, _RAISE)), None)
    before = 0 if now is None else int(now.value["microusd"])
    is_endless = now is not None and now.expires_at is None
    until = max(at + RAISED_FOR_S, 0.0 if now is None or now.expires_at is None else now.expires_at)
    yield from rules.set_rule(
        guild_id,
        subject,
        _RAISE,
        {"microusd": min(AMOUNT_MAX_MICROUSD, before + request.amount_microusd)},
        expires_at=None if is_endless else until,
        actor_id=actor_id,
        reason=REASON,
        at=at,
    )
    return request


def answer_request(request_id: str, guild_id: int, *, at: float) -> Transaction[MoneyRequest | None]:
    """Mark the request as answered, and return it; None if it is answered already or over. It moves no money."""
    yield from tables.lock(guild_id)
    row: Row | None = yield One(_ANSWER, (request_id, guild_id, at))
    return None if row is None else MoneyRequest(**{name: row[name] for name in MoneyRequest.__slots__})


def withdraw_request(request_id: str) -> Transaction[None]:
    """Remove a request that could not be shown to anybody."""
    yield One("DELETE FROM money_requests WHERE id = $1", (request_id,))


def forget_requests_of(member_id: int) -> Transaction[None]:
    """Remove the member's requests in every server."""
    yield One("DELETE FROM money_requests WHERE member_id = $1", (member_id,))


def forget_requests_in(guild_id: int) -> Transaction[None]:
    """Remove the requests of all members of the server."""
    yield One("DELETE FROM money_requests WHERE guild_id = $1", (guild_id,))
