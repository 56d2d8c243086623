"""What a member can do now, in words for whoever manages the server."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.catalogue.mode import Mode
from bot.catalogue.phrases import first_upper
from bot.catalogue.picker import Picker
from bot.ledger.model import Terms, View
from bot.money import dollars
from bot.texts.card import join_within
from bot.texts.plain import person, plain
from bot.texts.quota import grant_line, in_order, limit_title, reach, set_by
from bot.texts.rules import REASON_CHARS_MAX
from bot.units import counted

SECONDS = 5
BUDGETS_CHARS_MAX = 1200
PRICES_CHARS_MAX = 1000
GRANTS_MAX = 3


@dataclass(frozen=True, slots=True)
class Example:
    """What a video of `SECONDS` costs in a mode, as (resolution, micro-dollars), the cheapest first."""

    mode: str
    title: str
    prices: tuple[tuple[str, int], ...]


def examples(picker: Picker) -> tuple[Example, ...]:
    """Return the price of a short video in every mode that has one.

    A mode that counts frames is priced at its own default, which is about as long.
    """
    return tuple(Example(mode.id, mode.title, _prices(mode, picker)) for mode in picker.modes())


def _prices(mode: type[Mode], picker: Picker) -> tuple[tuple[str, int], ...]:
    length = {"duration": SECONDS} if "duration" in mode.specs() else {}
    known = [(one, picker.example(mode, resolution=one, **length).microusd) for one in picker.rates(mode)]
    return tuple(sorted(known, key=lambda one: one[1]))


def can_do(view: View, priced: Sequence[Example]) -> str:
    """Return what the member can do now: whether at all, every budget, what a short video costs, and what is asked."""
    terms = view.terms
    return "\n".join(
        part
        for part in (
            f"## What {person(terms.who.member_id)} can do now",
            _stopped(view) or _sum(view),
            _budgets(view),
            f"**A {SECONDS} s video costs them**\n{_costs(view, priced)}",
            "\n".join(_asked(view)),
        )
        if part
    )


def _stopped(view: View) -> str:
    """Return why they can make no video here, or ""."""
    terms = view.terms
    if not terms.server_allowed:
        return "**Nothing**: Wanda isn't turned on for this server."
    if terms.blocked is not None:
        return f"**Nothing**: they're blocked, “{plain(terms.blocked.value, REASON_CHARS_MAX)}”."
    if terms.paused is not None:
        return f"**Nothing**: Wanda is paused, “{plain(terms.paused.value, REASON_CHARS_MAX)}”."
    if terms.channel_closed is not None:
        return f"**Nothing in <#{terms.who.channel_id}>**: videos aren't made in this channel."
    if view.waits_until is not None:
        return f"**Nothing before <t:{int(view.waits_until)}:R>**: too many of their videos were cancelled or refused."
    return ""


def _sum(view: View) -> str:
    bound = reach(view)
    if bound is None:
        return "They can spend any amount: no budget applies to them."
    if not bound.microusd:
        return f"They can't spend anything now: {_theirs(bound.because)} is used up."
    return f"They can spend **{dollars(bound.microusd)}** now. Then {_theirs(bound.because)} is used up."


def _theirs(title: str) -> str:
    return f"their {title.removeprefix('your ')}" if title.startswith("your ") else title


def _budgets(view: View) -> str:
    lines = [
        f"- {first_upper(_theirs(limit_title(one.limit)))}: **{dollars(one.left_microusd)}** of "
        f"{dollars(one.limit.cap_microusd)} left · {set_by(one.limit)}"
        for one in in_order(view.standings)
    ]
    lines += [f"- {grant_line(one)}" for one in view.grants[:GRANTS_MAX]]
    return join_within(lines, BUDGETS_CHARS_MAX) if lines else ""


def _costs(view: View, priced: Sequence[Example]) -> str:
    bound = reach(view)
    left = None if bound is None else bound.microusd
    return join_within([_cost(view.terms, one, left) for one in priced], PRICES_CHARS_MAX)


def _cost(terms: Terms, one: Example, left_microusd: int | None) -> str:
    if terms.modes is not None and one.mode not in terms.modes.value:
        return f"- {one.title}: not allowed"
    known = [
        (name, price)
        for name, price in one.prices
        if (terms.resolutions is None or name in terms.resolutions.value)
        and (terms.ceiling_microusd is None or price <= terms.ceiling_microusd.value)
    ]
    if not known:
        return f"- {one.title}: not within the rules"
    is_one = len({price for _, price in known}) == 1
    told = [dollars(known[0][1])] if is_one else [f"{dollars(price)} ({name})" for name, price in known]
    if left_microusd is not None and known[0][1] > left_microusd:
        return f"- {one.title}: {', '.join(told)}, more than they have left"
    return f"- {one.title}: {', '.join(told)}"


def _asked(view: View) -> Iterable[str]:
    terms = view.terms
    if terms.approval is not None:
        rule = terms.approval.value
        whom = f"<@&{rule.role_id}> or an admin" if rule.role_id else "an admin"
        yield f"Above {dollars(rule.above_microusd)} a video waits until {whom} approves it."
    else:
        yield "Nothing they order waits for approval."
    if terms.ceiling_microusd is not None:
        yield f"One video can cost up to {dollars(terms.ceiling_microusd.value)}."
    if terms.at_once is not None:
        at_once = counted(terms.at_once.value, "video")
        yield f"They can have {at_once} going at once, and have {view.open_jobs or 'none'} now."
