"""Reads what a member's next job is checked against: the terms, and where budgets, attempts, jobs and grants stand.

The terms say which budgets to read, but nearly every job has the same ones. So these are read with the rules in one
round trip, before the terms are known, and what else there is in a second one.
"""

from dataclasses import dataclass

from bot.ledger import fruitless, rules, scopes, tables
from bot.ledger.decision import short_of_allowance
from bot.ledger.grants import usable_grants
from bot.ledger.model import Fruitless, Shipped, Standing, Terms, View, Who
from bot.ledger.pseudonyms import pseudonym_of
from bot.ledger.rule_values import WAIT_MAX_S
from bot.ledger.tables import Looked
from bot.storage.transaction import One, Transaction, nothing, together

# Older rows need not be read: no job is open longer than the longest wait for approval plus fal's deadline.
# What is only reserved is no job yet, and what a member adds to another one's job is not theirs.
_OPEN_JOBS = """
SELECT COUNT(*) AS jobs FROM draws WHERE scope IN ($1, $2) AND counted_at >= $3 AND state = 'held'
AND NOT EXISTS (SELECT 1 FROM reservations r WHERE r.job_id = draws.job_id)
AND NOT EXISTS (SELECT 1 FROM shares s WHERE s.id = draws.job_id AND s.id <> s.job_id)"""
_OPEN_AT_MOST_S = WAIT_MAX_S + 2 * 86400


@dataclass(frozen=True, slots=True)
class Begun:
    """The terms, and what was read of budgets and attempts in the same round trip, before the terms were known."""

    terms: Terms
    looked: Looked
    attempts: Fruitless


def begin(who: Who, *, at: float, shipped: Shipped) -> Transaction[Begun]:
    """Read the terms, and what nearly every job needs beside them."""
    erased_id = yield from pseudonym_of(who.guild_id, who.member_id)
    terms, looked, attempts = yield from together(
        rules.terms_with(who, erased_id, at=at, shipped=shipped),
        tables.look(scopes.most_drawn_on(who, erased_id), at=at),
        fruitless.fruitless_of(who, erased_id, at=at),
    )
    return Begun(terms, looked, attempts)


def standings_of(begun: Begun, *, keep: bool) -> Transaction[tuple[Standing, ...]]:
    """Return where each limit stands; with `keep`, rows that are missing are made."""
    terms = begun.terms
    return tables.standings(
        terms.limits, at=terms.at, keep=keep, erased_scope=scopes.erased(terms), looked=begun.looked
    )


def view_for(begun: Begun, amount_microusd: int, shipped: Shipped, *, keep: bool) -> Transaction[View]:
    """Return what the decision needs; grants are read only if the allowance is short, open jobs only if limited."""
    terms = begun.terms
    who = terms.who
    standings, jobs = yield from together(
        standings_of(begun, keep=keep),
        open_jobs(terms) if terms.at_once is not None else nothing(0),
    )
    short = short_of_allowance(standings, amount_microusd)
    return View(
        terms=terms,
        standings=standings,
        grants=(yield from usable_grants(who.guild_id, who.member_id, at=terms.at)) if short else (),
        open_jobs=jobs,
        fruitless=begun.attempts,
        waits_until=fruitless.waits_until(begun.attempts, shipped, at=terms.at),
    )


def open_jobs(terms: Terms) -> Transaction[int]:
    """Return how many of the member's jobs have not ended, without what is only reserved."""
    own = scopes.member(terms.who.guild_id, terms.who.member_id)
    row = yield One(_OPEN_JOBS, (own, scopes.erased(terms) or own, terms.at - _OPEN_AT_MOST_S))
    return row["jobs"]


def whole_view(who: Who, *, at: float, shipped: Shipped) -> Transaction[View]:
    """Return the state that the member's next job would be checked against. Changes nothing."""
    begun = yield from begin(who, at=at, shipped=shipped)
    terms = begun.terms
    standings, jobs, grants = yield from together(
        standings_of(begun, keep=False),
        open_jobs(terms),
        usable_grants(who.guild_id, who.member_id, at=at),
    )
    return View(
        terms=terms,
        standings=standings,
        grants=grants,
        open_jobs=jobs,
        fruitless=begun.attempts,
        waits_until=fruitless.waits_until(begun.attempts, shipped, at=at),
    )
