"""Reads and changes a server's rules in the database; each change is recorded as an act in the same transaction."""

import json
from typing import Any

from bot.errors import OptionRefused
from bot.ledger import tables, terms, timezones
from bot.ledger.acts import record
from bot.ledger.model import Rule, Shipped, Terms, Who, Window
from bot.ledger.pseudonyms import pseudonym_of
from bot.ledger.rule_values import CONFIRM_ABOVE, checked
from bot.storage.transaction import Many, One, Row, Transaction

RULES_MAX = 5000
_KEPT, _ASK = "kept", "ask"  # in place of a subject

# One statement, because every order runs it: rules, the member's own price to be asked above, and windows kept from
# another timezone.
_APPLYING = """
SELECT subject, name, value, expires_at, reason, actor_id, at FROM rules
WHERE guild_id = $1 AND (subject NOT LIKE 'member:%' OR subject = $2)
UNION ALL SELECT 'ask', '', CAST(above_microusd AS TEXT), NULL, '', member_id, at FROM asks
WHERE guild_id = $1 AND member_id = $3
UNION ALL SELECT 'kept', kind, '', ends_at, '', 0, starts_at FROM kept_windows WHERE guild_id = $1"""
_ALL = "SELECT subject, name, value, expires_at, reason, actor_id, at FROM rules WHERE guild_id = $1"
_ONE = "SELECT value, expires_at FROM rules WHERE guild_id = $1 AND subject = $2 AND name = $3"
_SET = """
INSERT INTO rules (guild_id, subject, name, value, expires_at, reason, actor_id, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (guild_id, subject, name) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at,
reason = excluded.reason, actor_id = excluded.actor_id, at = excluded.at"""
# The server's own rules are few and have no bound, so that `pause` and `budget` always work.
_OTHERS = """
SELECT COUNT(*) AS rules FROM rules
WHERE guild_id = $1 AND subject <> 'server' AND NOT (subject = $2 AND name = $3)
AND (expires_at IS NULL OR expires_at > $4)"""
_CLEAR = "DELETE FROM rules WHERE guild_id = $1 AND subject = $2 AND name = $3"


def terms_of(who: Who, *, at: float, shipped: Shipped) -> Transaction[Terms]:
    """Return the terms that the rules give this member in this channel at this time."""
    erased_id = yield from pseudonym_of(who.guild_id, who.member_id)
    return (yield from terms_with(who, erased_id, at=at, shipped=shipped))


def terms_with(who: Who, erased_id: int, *, at: float, shipped: Shipped) -> Transaction[Terms]:
    """Return the terms of a member whose pseudonym was read already."""
    rows: list[Row] = yield Many(_APPLYING, (who.guild_id, f"member:{who.member_id}", who.member_id))
    kept = [Window(row["name"], row["at"], row["expires_at"]) for row in rows if row["subject"] == _KEPT]
    named = [_ask(row) if row["subject"] == _ASK else _rule(row) for row in rows if row["subject"] != _KEPT]
    return terms.terms(named, who, now=at, shipped=shipped, kept=kept, erased_id=erased_id)


def rules_of(guild_id: int, *, at: float | None = None) -> Transaction[tuple[Rule, ...]]:
    """Return the server's rules, sorted by subject and name; with `at`, only those not expired at that time."""
    rows: list[Row] = yield Many(_ALL, (guild_id,))
    rules = (_rule(row) for row in rows)
    return tuple(
        sorted(
            (rule for rule in rules if at is None or rule.expires_at is None or rule.expires_at > at),
            key=lambda rule: (rule.subject, rule.name),
        )
    )


def set_rule(
    guild_id: int,
    subject: str,
    name: str,
    value: Any,
    *,
    expires_at: float | None = None,
    actor_id: int,
    reason: str,
    at: float,
) -> Transaction[tuple[Any, Any]]:
    """Set the rule, from the next job on; return its value before (None if it had none) and now.

    Raises:
        OptionRefused: the rule cannot have this value (the sentence says which it can), or the server already has
            `RULES_MAX` other rules about roles, channels and members.
    """
    value = checked(subject, name, value)
    yield from tables.lock(guild_id)
    if subject != "server":
        others = yield One(_OTHERS, (guild_id, subject, name, at))
        if others["rules"] >= RULES_MAX:
            raise OptionRefused(
                f"This server has {RULES_MAX:,} rules about roles, channels and members, the most Wanda keeps. "
                "Clear some first; for many members, give a role the allowance instead."
            )
    before = yield from _current(guild_id, subject, name, at)
    if name == timezones.RULE and value != before:
        yield from timezones.keep_windows(guild_id, at=at)
    yield One(_SET, (guild_id, subject, name, json.dumps(value), expires_at, reason, actor_id, at))
    yield from record(
        guild_id,
        act=f"set {name}",
        subject=subject,
        before=before,
        after=_told(name, value, expires_at),
        actor_id=actor_id,
        reason=reason,
        at=at,
    )
    return before, value


def clear_rule(guild_id: int, subject: str, name: str, *, actor_id: int, reason: str, at: float) -> Transaction[Any]:
    """Remove the rule and return the value it had; None, with nothing recorded, if there was no such rule."""
    yield from tables.lock(guild_id)
    before = yield from _current(guild_id, subject, name, at)
    if name == timezones.RULE:
        yield from timezones.keep_windows(guild_id, at=at)
    yield One(_CLEAR, (guild_id, subject, name))
    if before is not None:
        yield from record(
            guild_id,
            act=f"clear {name}",
            subject=subject,
            before=before,
            after=None,
            actor_id=actor_id,
            reason=reason,
            at=at,
        )
    return before


def _current(guild_id: int, subject: str, name: str, at: float) -> Transaction[Any]:
    row = yield One(_ONE, (guild_id, subject, name))
    if row is None or (row["expires_at"] is not None and row["expires_at"] <= at):
        return None
    return json.loads(row["value"])


def _told(name: str, value: Any, expires_at: float | None) -> Any:
    """Return the value as an act records it; a raise includes its expiry."""
    return {**value, "expires_at": expires_at} if name == "raise" and expires_at is not None else value


def _ask(row: Row) -> Rule:
    """Return the member's own price in the form of a rule about them."""
    return Rule(
        subject=f"member:{row['actor_id']}",
        name=CONFIRM_ABOVE,
        value=int(row["value"]),
        expires_at=None,
        reason="",
        actor_id=row["actor_id"],
        at=row["at"],
    )


def _rule(row: Row) -> Rule:
    return Rule(
        subject=row["subject"],
        name=row["name"],
        value=json.loads(row["value"]),
        expires_at=row["expires_at"],
        reason=row["reason"],
        actor_id=row["actor_id"],
        at=row["at"],
    )
