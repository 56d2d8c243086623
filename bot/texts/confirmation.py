"""The private card before an expensive job: the exact price, what is left after it, and a cheaper setting."""

from collections.abc import Sequence

from bot.catalogue.price import Quote
from bot.ledger.model import Decision, Side, Standing, View
from bot.ledger.window_names import IN_WINDOW
from bot.money import dollars
from bot.texts.button_ids import question_button_id
from bot.texts.card import Button, Card, Field, Pairs
from bot.texts.job_card import AMBER, TITLE_CHARS_MAX, settings_line
from bot.texts.plain import block_quote, cut, plain, visible

OPERATORS = frozenset({"all", "cap"})  # the operator's caps are not shown to members


def price_confirmation(
    order_id: str,
    *,
    mode_title: str,
    settings: Pairs,
    prompt: str | None,
    quote: Quote,
    view: View,
    decision: Decision,
    cheaper: Quote | None,
) -> Card:
    """Return the card that asks to confirm an order; `cheaper` is the quote of the next cheaper setting, if any."""
    asked = block_quote(prompt) if prompt and visible(prompt) else ""
    above = dollars(view.terms.confirm_above_microusd.value)
    why = f"Wanda asks before anything above {above}, {plain(view.terms.confirm_above_microusd.source.to_member, 120)}."
    line = settings_line(settings)
    fields = [
        Field("Price", f"**{dollars(quote.microusd)}** ({plain(quote.formula, 120)})", inline=False),
        *_change("You", "member", view, decision),
        *_change("Server", "server", view, decision),
        *((Field("Settings", line, inline=False),) if line else ()),
    ]
    return Card(
        title=cut(visible(f"{mode_title}: make it for {dollars(quote.microusd)}?"), TITLE_CHARS_MAX),
        description="\n".join(part for part in (asked, why) if part),
        fields=tuple(fields),
        colour=AMBER,
        footer="Nothing is held or charged until you press Make it.",
        buttons=_buttons(order_id, decision, cheaper),
    )


def _buttons(order_id: str, decision: Decision, cheaper: Quote | None) -> tuple[Button, ...]:
    make = "Make it, if approved" if decision.needs_approval else "Make it"
    less = (
        ()
        if cheaper is None
        else (Button(f"Cheaper: {dollars(cheaper.microusd)}", "secondary", question_button_id("cheaper", order_id)),)
    )
    return (
        Button(make, "success", question_button_id("make", order_id)),
        *less,
        Button("Cancel", "secondary", question_button_id("drop", order_id)),
    )


def _change(name: str, side: Side, view: View, decision: Decision) -> Sequence[Field]:
    """Return what the side's tightest limit has left before and after, and what grants pay."""
    before = {one.limit.row: one for one in view.standings}
    shown = [one for one in decision.standings if one.limit.side == side and one.limit.whose not in OPERATORS]
    if not shown:
        return ()
    after = min(shown, key=_left)
    was, then = before[after.limit.row].left_microusd, after.left_microusd
    text = f"{dollars(was)} → **{dollars(then)}** left {IN_WINDOW[after.limit.window.kind]}"
    granted = sum(part for _, part in decision.from_grants)
    if side == "member" and granted:
        text += f"\n{dollars(granted)} of it from your grants"
    return (Field(name, text),)


def _left(standing: Standing) -> int:
    return standing.left_microusd
