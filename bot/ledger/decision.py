"""Decides whether a job may be made and who pays for it, from values that the caller has read."""

from collections.abc import Sequence

from bot.ledger import scopes
from bot.ledger.model import Decision, GrantStanding, RuleQuery, Standing, View, Warned
from bot.ledger.refusals import refuse_if_not_allowed, refuse_if_short

THRESHOLDS_PERCENT = (50, 80, 95)


def decide(view: View, *, amount_microusd: int, query: RuleQuery) -> Decision:
    """Return how a job of this price is paid for.

    A price of zero fits every budget, but must keep the other rules.

    Raises:
        NotAllowed: a rule of the server or the operator forbids it.
        QuotaExceeded: a budget is too small; of several, the error names the one that renews last.
    """
    refuse_if_not_allowed(view, amount_microusd=amount_microusd, query=query)
    parts = _from_grants(view.grants, short_of_allowance(view.standings, amount_microusd))
    granted = sum(part for _, part in parts)
    member = amount_microusd - granted
    refuse_if_short(view, amount_microusd=amount_microusd, granted_microusd=granted)
    after = tuple(one.holding(member if one.limit.side == "member" else amount_microusd) for one in view.standings)
    approval = view.terms.approval
    return Decision(
        member_microusd=member,
        from_grants=parts,
        standings=after,
        needs_approval=approval is not None and amount_microusd > approval.value.above_microusd,
    )


def short_of_allowance(standings: Sequence[Standing], amount_microusd: int) -> int:
    """Return the part of the price that exceeds the member's allowance, in the window with the least left."""
    own = [one.used_microusd - one.limit.cap_microusd for one in standings if one.limit.side == "member"]
    return min(amount_microusd, max(0, amount_microusd + max(own))) if own else 0


def crossed(view: View, standings: Sequence[Standing]) -> tuple[Warned, ...]:
    """Return a warning for each threshold that the server's pools have reached, including those reached earlier."""
    terms = view.terms
    return tuple(
        Warned(
            guild_id=terms.who.guild_id,
            limit_scope=one.limit.scope,
            starts_at=one.limit.window.starts_at,
            ends_at=one.limit.window.ends_at,
            threshold=threshold,
            used_microusd=one.used_microusd,
            cap_microusd=one.limit.cap_microusd,
            at=terms.at,
        )
        for one in standings
        if one.limit.whose == "server" and one.limit.cap_microusd > 0
        for threshold in THRESHOLDS_PERCENT
        if one.used_microusd * 100 >= one.limit.cap_microusd * threshold
    )


def settled_parts(draws: Sequence[tuple[str, int]], amount_microusd: int) -> dict[str, int]:
    """Return how much of the final amount each of the member's draws pays, by scope.

    `draws` are (scope, held amount) in the order in which they were made, and hold at least the amount together. The
    rest goes back to the grants first, starting with the last one drawn on.
    """
    back = sum(held for _, held in draws) - amount_microusd
    paid: dict[str, int] = {}
    grants = [draw for draw in reversed(draws) if draw[0].startswith("grant:")]
    for scope, held in (*grants, *(draw for draw in draws if draw not in grants)):
        returned = min(held, max(0, back))
        back -= returned
        paid[scope] = held - returned
    return paid


def _from_grants(grants: Sequence[GrantStanding], wanted_microusd: int) -> tuple[tuple[str, int], ...]:
    parts: list[tuple[str, int]] = []
    for one in grants:
        part = min(one.left_microusd, wanted_microusd)
        if part:
            parts.append((scopes.grant(one.grant.id), part))
            wanted_microusd -= part
    return tuple(parts)
