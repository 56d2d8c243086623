"""Decides whether a job may be made and who pays for it, from values that the caller has read.

Each refusal says the number, the limit and what to do.
"""

import math
from collections.abc import Sequence

from bot.errors import NotAllowed
from bot.ledger import scopes
from bot.ledger.content import refuse_content
from bot.ledger.model import Decision, GrantStanding, RuleQuery, Standing, Terms, View, Warned
from bot.ledger.refusals import allowed_modes, allowed_resolutions, budget_refusal, reason_text, shortage
from bot.money import AMOUNT_MAX_MICROUSD, exact_dollars
from bot.units import counted

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
    refuse_if_short(
        view,
        amount_microusd=amount_microusd,
        granted_microusd=granted,
        videos=query.videos,
        is_share=query.is_share,
    )
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


def grant_needed(view: View, amount_microusd: int) -> int:
    """Return what a grant would have to add for a job of this price to fit; 0 if none is needed, or none would help."""
    if any(one.limit.side == "server" and shortage(one, amount_microusd, 0) for one in view.standings):
        return 0
    granted = sum(one.left_microusd for one in view.grants)
    return max(0, short_of_allowance(view.standings, amount_microusd) - granted)


def most_of_share(view: View) -> int:
    """Return the most that the member can pay of a video now, by their allowance, their grants and all budgets."""
    own = [one.left_microusd for one in view.standings if one.limit.side == "member"]
    granted = sum(one.left_microusd for one in view.grants)
    pools = [one.left_microusd for one in view.standings if one.limit.side == "server"]
    return min((AMOUNT_MAX_MICROUSD, *([min(own) + granted] if own else []), *pools))


def refuse_if_pools_short(view: View, *, amount_microusd: int) -> None:
    """Check that every budget but the member's own can carry the price.

    Raises:
        QuotaExceeded: one cannot.
    """
    refuse_if_short(view, amount_microusd=amount_microusd, granted_microusd=amount_microusd)


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


def refuse_if_not_allowed(view: View, *, amount_microusd: int, query: RuleQuery) -> None:
    """Check every rule but the budgets.

    Raises:
        NotAllowed: a rule forbids the job; rules about the server and the member are checked before the job's own.
    """
    refuse_if_closed(view.terms)
    if query.is_share:  # its member pays and makes nothing: whoever may use Wanda there may pay
        return
    refuse_content(view.terms, query)
    _refuse_if_unfit(view.terms, amount_microusd=amount_microusd, query=query)
    if view.waits_until is not None:
        count = view.fruitless.count
        raise NotAllowed(
            f"{counted(count, 'video')} of yours {'was' if count == 1 else 'were'} cancelled or refused within an "
            "hour, and "
            f"that can cost this server money. Your next one can start <t:{math.ceil(view.waits_until)}:R>.",
            rule="fruitless",
        )
    limit = view.terms.at_once
    begun = query.videos if query.begun is None else query.begun
    if limit is not None and begun and view.open_jobs + begun > limit.value:
        more = "" if begun == 1 else f" and want {begun} more"
        raise NotAllowed(
            f"You have {counted(view.open_jobs, 'video')} going{more}, and your limit here is {limit.value} at once "
            f"({limit.source.to_member}). Wait until one is done, or cancel one.",
            rule="at_once",
        )


def refuse_if_closed(terms: Terms) -> None:
    """Check that the member may use Wanda there at all.

    Raises:
        NotAllowed: the server is off or paused, the member blocked, or the channel closed.
    """
    if not terms.server_allowed:
        raise NotAllowed(
            "Wanda isn't turned on for this server yet. Ask whoever runs Wanda to add this server's id "
            f"({terms.who.guild_id}).",
            rule="operator",
        )
    if terms.blocked is not None:
        raise NotAllowed(
            f"The admins here have blocked you from making videos{reason_text(terms.blocked.value)} "
            "Ask one of them to unblock you.",
            rule="blocked",
        )
    if terms.paused is not None:
        raise NotAllowed(
            f"The admins here have paused Wanda{reason_text(terms.paused.value)} Try again once Wanda is back.",
            rule="paused",
        )
    if terms.channel_closed is not None:
        raise NotAllowed(
            f"<#{terms.who.channel_id}> is closed for videos: {terms.channel_closed.source.to_member}. "
            "Use another channel, or ask an admin to open this one.",
            rule="channel",
        )


def _refuse_if_unfit(terms: Terms, *, amount_microusd: int, query: RuleQuery) -> None:
    if terms.modes is not None and query.mode not in terms.modes.value:
        raise NotAllowed(
            f"You can't use {query.mode_titles.get(query.mode, query.mode)} here ({terms.modes.source.to_member}). "
            f"{allowed_modes(terms.modes.value, query.mode_titles)}",
            rule="mode",
        )
    if (
        terms.resolutions is not None
        and query.resolution is not None
        and query.resolution not in terms.resolutions.value
    ):
        raise NotAllowed(
            f"You can't make {query.resolution} videos here ({terms.resolutions.source.to_member}). "
            f"{allowed_resolutions(terms.resolutions.value)}",
            rule="resolution",
        )
    ceiling = terms.ceiling_microusd
    each_microusd = amount_microusd // query.videos
    if ceiling is not None and each_microusd > ceiling.value:
        this, cheaper = "This video costs", "a cheaper one"
        if query.videos > 1:
            this, cheaper = "Each of these videos costs", "cheaper ones"
        raise NotAllowed(
            f"{this} {exact_dollars(each_microusd)}, and the most for one video here is "
            f"{exact_dollars(ceiling.value)} ({ceiling.source.to_member}). Choose {cheaper}.",
            rule="ceiling",
        )


def refuse_if_short(
    view: View, *, amount_microusd: int, granted_microusd: int, videos: int = 1, is_share: bool = False
) -> None:
    """Check that every budget can carry the price of these videos, of which grants pay `granted_microusd`.

    Raises:
        QuotaExceeded: a budget cannot. Of several, the error names the one that renews last: until then no job fits.
    """
    short = [one for one in view.standings if shortage(one, amount_microusd, granted_microusd)]
    if short:
        named = max(short, key=lambda one: (one.limit.window.ends_at, shortage(one, amount_microusd, granted_microusd)))
        raise budget_refusal(
            named,
            amount_microusd,
            granted_microusd=granted_microusd if named.limit.side == "member" else 0,
            videos=videos,
            is_share=is_share,
        )
