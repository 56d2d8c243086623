"""Checks the rules and budgets; each refusal says the number, the limit and what to do."""

from datetime import datetime
from typing import assert_never

from bot.errors import NotAllowed, QuotaExceeded
from bot.ledger.model import RuleQuery, Standing, Terms, View, WindowKind
from bot.ledger.window_names import IN_WINDOW
from bot.ledger.windows import zone
from bot.money import dollars
from bot.units import counted

_CHEAPER = "choose a lower resolution or a shorter video"
_DAY_S = 86400
_HOUR_S = 3600
_MINUTE_S = 60
_REASON_MAX = 300


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
