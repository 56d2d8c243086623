"""The member's quota card: what is left in each window, what is held, when it renews, and what that buys."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.catalogue.mode import Mode
from bot.catalogue.picker import Picker
from bot.catalogue.registry import MODES
from bot.ledger.model import WINDOW_KINDS, GrantStanding, Limit, Standing, Terms, View
from bot.ledger.window_names import IN_WINDOW
from bot.money import dollars
from bot.texts.card import AMBER, DESCRIPTION_CHARS_MAX, GREEN, RED, Card, Field, join_within
from bot.texts.plain import bar, plain
from bot.units import TIMES, counted

BAR_CELLS = 16
GRANTS_MAX = 5
_LOW = 0.2


@dataclass(frozen=True, slots=True)
class Offer:
    """A mode's prices as (resolution, micro-dollars): the default resolution first, then the most expensive first."""

    mode: str
    title: str
    prices: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What a member can spend now, and `because` of which limit no more."""

    microusd: int
    because: str


def offers(picker: Picker) -> tuple[Offer, ...]:
    """Return the prices of every mode; a resolution without a known price is left out."""
    return tuple(Offer(mode.id, mode.title, tuple(_prices_of(mode, picker))) for mode in MODES)


def _prices_of(mode: type[Mode], picker: Picker) -> list[tuple[str, int]]:
    known = [(one, picker.example(mode, resolution=one).microusd) for one in picker.rates(mode)]
    default = picker.defaults[mode.id]["resolution"]
    return sorted(known, key=lambda one: (one[0] != default, -one[1]))


def reach(view: View) -> Reach | None:
    """Return what the member can spend now under the tightest limit; grants add to the allowance. None: no limit."""
    granted = sum(one.left_microusd for one in view.grants)
    bounds = [
        Reach(s.left_microusd + (granted if s.limit.whose == "member" else 0), limit_title(s.limit))
        for s in view.standings
        if s.limit.whose != "grant"
    ]
    return min(bounds, key=lambda bound: bound.microusd, default=None)


def in_order(standings: Sequence[Standing]) -> list[Standing]:
    """Return the standings sorted: the member's own first, and in each group the shortest window first.

    The operator's cap over all servers is left out: it would show how much other servers spend.
    """
    return sorted(
        (one for one in standings if one.limit.whose not in {"all", "grant"}),
        key=lambda one: (
            one.limit.whose != "member",
            one.limit.whose,
            one.limit.scope,
            WINDOW_KINDS.index(one.limit.window.kind),
        ),
    )


def limit_title(limit: Limit, *, mine: bool = True) -> str:
    """Return the limit's name for use inside a sentence: "your allowance today"."""
    return f"{_whose(limit, mine=mine)} {IN_WINDOW[limit.window.kind]}"


def _whose(limit: Limit, *, mine: bool) -> str:
    identity = limit.scope.rpartition(":")[2]
    match limit.whose:
        case "member":
            return "your allowance" if mine else f"<@{identity}>'s allowance"
        case "server":
            return "this server's pool"
        case "role":
            return f"the pool of <@&{identity}>"
        case "channel":
            return f"the pool of <#{identity}>"
        case "cap":
            return "Wanda's own limit for this server"
        case "all":
            return "Wanda's own limit for all servers"
        case "grant":
            return "a grant"


def standing_lines(standing: Standing, *, mine: bool = True, with_source: bool = False) -> str:
    """Return a limit in two lines: what is left of the cap; then a bar, what is spent and held, and when it renews.

    A third line, for admins, names the rule that sets it when `with_source` is true.
    """
    limit = standing.limit
    title = limit_title(limit, mine=mine)
    left = (
        f"**{title[:1].upper()}{title[1:]}**: {dollars(standing.left_microusd)} of {dollars(limit.cap_microusd)} left"
    )
    share = standing.left_microusd / limit.cap_microusd if limit.cap_microusd else 0.0
    facts = [bar(share, BAR_CELLS), f"{dollars(standing.spent_microusd)} spent"]
    if standing.held_microusd:
        facts.append(f"{dollars(standing.held_microusd)} set aside")
    facts.append(renewal(limit))
    lines = [left, " · ".join(facts)]
    if with_source:
        lines.append(f"-# {set_by(limit)}")
    return "\n".join(lines)


def set_by(limit: Limit) -> str:
    """Return which rule sets the limit; for a pool's own rule only that, as its title already names the pool."""
    is_pools_own = limit.whose == limit.source.setter and limit.whose != "member"
    return "set by the admins" if is_pools_own else f"by {limit.source.to_others}"


def renewal(limit: Limit) -> str:
    """Return "renews <timestamp>", which Discord shows as "in 5 hours", or "never renews"."""
    at = limit.window.renews_at
    return "never renews" if at is None else f"renews <t:{int(at)}:R>"


def grant_line(one: GrantStanding) -> str:
    """Return one line: what is left of the grant, when it ends, and its reason."""
    until = f", ends <t:{int(one.grant.expires_at)}:R>" if one.grant.expires_at is not None else ""
    left = f"{dollars(one.left_microusd)} of {dollars(one.grant.amount_microusd)} left"
    return f"**A grant**: {left}{until} · {plain(one.grant.reason, 80)}"


def quota_card(view: View, priced: Sequence[Offer]) -> Card:
    """Return the card that `/quota` shows to the member; `priced` is what `offers` returned."""
    shown = in_order(view.standings)
    mine = [standing_lines(s) for s in shown if s.limit.whose == "member"]
    shared = [standing_lines(s) for s in shown if s.limit.whose != "member"]
    parts = [
        stop_reason(view),
        _headline(view),
        *mine,
        *(grant_line(one) for one in view.grants[:GRANTS_MAX]),
        *shared,
    ]
    return Card(
        title="Your quota",
        description=join_within([part for part in parts if part], DESCRIPTION_CHARS_MAX, between="\n\n"),
        fields=(Field("That buys about", _buys(view, priced), inline=False), *_limits(view)),
        colour=_colour(view),
        footer=_footer(view.terms),
    )


def _footer(terms: Terms) -> str:
    return f"Times in {terms.timezone.value} · Wanda asks first above {dollars(terms.confirm_above_microusd.value)}"


def _headline(view: View) -> str:
    bound = reach(view)
    if bound is None:
        return "There's no limit on what you can spend."
    if bound.microusd == 0:
        return f"You can't spend anything now: {bound.because} is used up."
    return f"You can spend **{dollars(bound.microusd)}** now. Then {bound.because} is used up."


def stop_reason(view: View) -> str:
    """Return why the member can make no video at all, or ""; of several reasons the one that lasts longest."""
    terms = view.terms
    if not terms.server_allowed:
        return "**Wanda isn't turned on for this server yet.** Ask whoever runs Wanda."
    if terms.blocked is not None:
        return f"**The admins here have blocked you**: {plain(terms.blocked.value)}\nAsk one of them to unblock you."
    if terms.paused is not None:
        return f"**Wanda is paused here**: {plain(terms.paused.value)}"
    if terms.channel_closed is not None:
        return "**This channel is closed for videos.** Try another one."
    if view.waits_until is not None:
        return (
            f"**Your next video can start <t:{math.ceil(view.waits_until)}:R>**: "
            f"{counted(view.fruitless.count, 'video')} of yours didn't work out within an hour."
        )
    return ""


def _buys(view: View, priced: Sequence[Offer]) -> str:
    bound = reach(view)
    lines = [_offer_line(view.terms, offer, None if bound is None else bound.microusd) for offer in priced]
    return "\n".join(lines)


def _offer_line(terms: Terms, offer: Offer, left_microusd: int | None) -> str:
    """Return a mode's line, "4 × Wan 2.7 image (1080p, $0.75)", for the first of its resolutions that is allowed."""
    if not offer.prices:
        return f"\u2013 {offer.title}: off, because its price isn't known"
    if terms.modes is not None and offer.mode not in terms.modes.value:
        return f"\u2013 {offer.title}: not allowed here"
    found = next((one for one in offer.prices if _fits(terms, *one)), None)
    if found is None:
        return f"\u2013 {offer.title}: only a shorter one, if at all"
    resolution, price = found
    setting = f"{offer.title} ({resolution}, {dollars(price)})"
    return setting if left_microusd is None else f"**{left_microusd // price:,}** {TIMES} {setting}"


def _fits(terms: Terms, resolution: str, microusd: int) -> bool:
    allowed = terms.resolutions is None or resolution in terms.resolutions.value
    return allowed and (terms.ceiling_microusd is None or microusd <= terms.ceiling_microusd.value)


def _limits(view: View) -> tuple[Field, ...]:
    terms = view.terms
    facts: list[str] = []
    if terms.ceiling_microusd is not None:
        facts.append(f"One video can cost up to {dollars(terms.ceiling_microusd.value)}.")
    if terms.at_once is not None:
        facts.append(f"You have {view.open_jobs} of {terms.at_once.value} videos going.")
    if terms.resolutions is not None:
        facts.append(f"Resolutions: {', '.join(sorted(terms.resolutions.value))}.")
    if terms.approval is not None:
        facts.append(f"Above {dollars(terms.approval.value.above_microusd)}, a video waits for approval.")
    if view.fruitless.absorbed_microusd:
        facts.append(
            f"This server paid {dollars(view.fruitless.absorbed_microusd)} for your failed videos in 24 hours. "
            f"Above {dollars(terms.absorbed_daily_microusd.value)}, you pay."
        )
    return (Field("Also", "\n".join(facts), inline=False),) if facts else ()


def _colour(view: View) -> int:
    shares = [s.left_microusd / s.limit.cap_microusd for s in view.standings if s.limit.cap_microusd]
    lowest = min(shares, default=1.0)
    if lowest <= 0 or stop_reason(view):
        return RED
    return AMBER if lowest <= _LOW else GREEN


def confirm_above_line(before: Terms, now: Terms) -> str:
    """Return the answer when a member changed the price above which Wanda asks first."""
    old, new = before.confirm_above_microusd, now.confirm_above_microusd
    price = f"above **{dollars(new.value)}**, {new.source.to_member}"
    if old.value == new.value:
        return f"Wanda asks you before any video {price}, as before. This is just for you."
    return f"Wanda now asks you before any video {price}. It was {dollars(old.value)}, and it's just for you."
