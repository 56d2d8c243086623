"""Decides whether a job may be made and who pays for it, from values that the caller has read.

Each refusal says the number, the limit and what to do.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from bot.errors import NotAllowed, QuotaExceeded
from bot.ledger import scopes
from bot.ledger.model import Decision, GrantStanding, RuleQuery, Standing, Terms, View, Warned, WindowKind
from bot.ledger.window_names import IN_WINDOW
from bot.ledger.windows import zone
from bot.money import dollars
from bot.units import counted

THRESHOLDS_PERCENT = (50, 80, 95)
_CHEAPER = "choose a lower resolution or a shorter video"
_DAY_S = 86400
_HOUR_S = 3600
_MINUTE_S = 60
_REASON_MAX = 300


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


def refuse_if_not_allowed(view: View, *, amount_microusd: int, query: RuleQuery) -> None:
    """Check every rule but the budgets.

    Raises:
        NotAllowed: a rule forbids the job; rules about the server and the member are checked before the job's own.
    """
    _refuse_if_closed(view.terms)
    _refuse_if_unfit(view.terms, amount_microusd=amount_microusd, query=query)
    limit = view.terms.at_once
    if limit is not None and view.open_jobs >= limit.value:
        raise NotAllowed(
            f"{counted(view.open_jobs, 'video')} of yours {'is' if view.open_jobs == 1 else 'are'} being made, and "
            f"{limit.value} at once is your limit here ({limit.source.to_member}). "
            "Wait until one is finished, or cancel one.",
            rule="at_once",
        )


def _refuse_if_closed(terms: Terms) -> None:
    if not terms.server_allowed:
        raise NotAllowed(
            "Wanda's operator has not opened Wanda for this server. Ask whoever runs Wanda to add this server's id "
            f"({terms.who.guild_id}).",
            rule="operator",
        )
    if terms.blocked is not None:
        raise NotAllowed(
            f"This server's administrators have blocked you from making videos{_reason(terms.blocked.value)} "
            "Ask one of them to unblock you.",
            rule="blocked",
        )
    if terms.paused is not None:
        raise NotAllowed(
            f"This server's administrators have paused Wanda{_reason(terms.paused.value)} Videos that are being made "
            "are still finished; try again when Wanda is resumed.",
            rule="paused",
        )
    if terms.channel_closed is not None:
        raise NotAllowed(
            f"No videos are made in <#{terms.who.channel_id}>: {terms.channel_closed.source.to_member}. "
            "Use another channel, or ask an administrator to allow this one.",
            rule="channel",
        )


def _refuse_if_unfit(terms: Terms, *, amount_microusd: int, query: RuleQuery) -> None:
    if terms.modes is not None and query.mode not in terms.modes.value:
        raise NotAllowed(
            f"You may not use {query.mode} here ({terms.modes.source.to_member}). {_allowed(terms.modes.value)}",
            rule="mode",
        )
    if (
        terms.resolutions is not None
        and query.resolution is not None
        and query.resolution not in terms.resolutions.value
    ):
        raise NotAllowed(
            f"You may not make videos in {query.resolution} here ({terms.resolutions.source.to_member}). "
            f"{_allowed(terms.resolutions.value)}",
            rule="resolution",
        )
    ceiling = terms.ceiling_microusd
    if ceiling is not None and amount_microusd > ceiling.value:
        raise NotAllowed(
            f"This video costs {dollars(amount_microusd)}, and one video may cost at most {dollars(ceiling.value)} "
            f"here ({ceiling.source.to_member}). To pay less, {_CHEAPER}.",
            rule="ceiling",
        )


def refuse_if_short(view: View, *, amount_microusd: int, granted_microusd: int) -> None:
    """Check that every budget can carry the job; grants pay `granted_microusd` of its price.

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
            at=view.terms.at,
            timezone=view.terms.timezone.value,
        )


def shortage(standing: Standing, amount_microusd: int, granted_microusd: int) -> int:
    """Return how much a budget lacks for a job, of which grants pay a part; 0 if the job costs this budget nothing."""
    own = amount_microusd - granted_microusd if standing.limit.side == "member" else amount_microusd
    return max(0, standing.used_microusd + own - standing.limit.cap_microusd) if own else 0


def budget_refusal(
    standing: Standing, amount_microusd: int, *, granted_microusd: int = 0, at: float, timezone: str = "UTC"
) -> QuotaExceeded:
    """Return the refusal of a job that the budget cannot carry."""
    limit = standing.limit
    short = shortage(standing, amount_microusd, granted_microusd)
    left = standing.left_microusd
    grants = f" and {dollars(granted_microusd)} of your grants" if granted_microusd else ""
    sentence = (
        f"This video costs {dollars(amount_microusd)}, but {f'only {dollars(left)}' if left else 'nothing'} of "
        f"{_whose(standing)} {dollars(limit.cap_microusd)} {_in_window(limit.window.kind)}{grants} is left "
        f"(short by {dollars(short)}). {_what_to_do(standing, amount_microusd, granted_microusd, at, timezone)}"
    )
    return QuotaExceeded(
        sentence,
        scope=limit.scope,
        short_microusd=short,
        left_microusd=left,
        cap_microusd=limit.cap_microusd,
        renews_at=limit.window.renews_at,
    )


def _what_to_do(standing: Standing, amount_microusd: int, granted_microusd: int, at: float, timezone: str) -> str:
    limit = standing.limit
    helper = "whoever runs Wanda" if limit.whose in {"all", "cap"} else "an administrator of this server"
    renews_at = limit.window.renews_at
    if limit.cap_microusd == 0:
        return f"Ask {helper} for a budget."
    if amount_microusd - granted_microusd > limit.cap_microusd:
        return f"Waiting will not help, it is more than the whole budget: {_CHEAPER}."
    if renews_at is None:
        return f"It does not renew: ask {helper} for more, or {_CHEAPER}."
    zone_name = "UTC" if limit.whose in {"all", "cap"} else timezone
    moment = datetime.fromtimestamp(renews_at, tz=zone(zone_name))
    date = "" if limit.window.kind == "day" else f"on {moment.day} {moment:%B} "
    return f"It renews {date}at {moment:%H:%M} {zone_name}, in {in_words(renews_at - at)}; or {_CHEAPER}."


def _whose(standing: Standing) -> str:
    whose = standing.limit.whose
    match whose:
        case "member" | "grant":
            return "your"
        case "server":
            return "this server's"
        case "role":
            return f"the role <@&{standing.limit.scope.rpartition(':')[2]}>'s"
        case "channel":
            return f"the channel <#{standing.limit.scope.rpartition(':')[2]}>'s"
        case "cap":
            return "the operator's cap for this server,"
        case "all":
            return "the operator's cap for all servers,"
        case _:
            assert_never(whose)


def _in_window(kind: WindowKind) -> str:
    return IN_WINDOW[kind] if kind == "ever" else f"for {IN_WINDOW[kind]}"


def in_words(seconds: float) -> str:
    """Return a wait in its two largest units, rounded up to minutes: "10 d 5 h", "5 h 12 min", "1 min"."""
    minutes = max(1, -int(-seconds // _MINUTE_S))
    seconds_up = minutes * _MINUTE_S
    days, hours = seconds_up // _DAY_S, seconds_up % _DAY_S // _HOUR_S
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def _reason(reason: str) -> str:
    """Return the administrators' reason as the end of a clause, with its full stop."""
    said = " ".join(reason.split())[:_REASON_MAX].rstrip(".")
    return f": {said}." if said else "."


def _allowed(names: frozenset[str]) -> str:
    return f"Allowed: {', '.join(sorted(names))}." if names else "Nothing is allowed: ask an administrator."
