"""Checks a quote against the rules and budgets before anything is held."""

import asyncio
import logging
from dataclasses import dataclass

from bot.catalogue.cheaper import cheaper
from bot.catalogue.mode import Mode
from bot.catalogue.price import Quote
from bot.client import Services
from bot.jobs.order import Order
from bot.ledger import holds
from bot.ledger.decision import decide
from bot.ledger.model import Decision, RuleQuery, View, Who
from bot.texts.card import Card
from bot.texts.confirmation import price_confirmation

log = logging.getLogger(__name__)
CHECK_WITHIN_S = 1.2  # Discord waits 3 s for the first answer, including the time on the network


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedQuote:
    """A quote that the rules and budgets allow, and the standings after it."""

    quote: Quote
    view: View
    decision: Decision

    @property
    def needs_confirmation(self) -> bool:
        """Whether it costs more than the price above which the member is asked first."""
        return self.quote.microusd > self.view.terms.confirm_above_microusd.value


_abandoned: set[asyncio.Task[CheckedQuote]] = set()  # a strong reference: the loop keeps only weak ones


def rule_query(mode: Mode) -> RuleQuery:
    """Return the parts of a request that the rules check."""
    return RuleQuery(mode=mode.id, resolution=mode.options().get("resolution"))


async def check_quote(services: Services, who: Who, query: RuleQuery, quote: Quote) -> CheckedQuote:
    """Check the quote against the rules and budgets. Nothing is held.

    Raises:
        Refusal: a rule forbids it, or a budget is short.
        StorageError: the database did not answer.
    """
    view = await services.store.read(holds.standing(who, at=services.clock(), shipped=services.shipped))
    return CheckedQuote(quote=quote, view=view, decision=decide(view, amount_microusd=quote.microusd, query=query))


async def check_rules(services: Services, who: Who, query: RuleQuery) -> None:
    """Check the rules that do not depend on the price.

    Raises:
        NotAllowed: a rule forbids it.
        StorageError: the database did not answer.
    """
    view = await services.store.read(holds.standing(who, at=services.clock(), shipped=services.shipped))
    decide(view, amount_microusd=0, query=query)


async def check_quote_in_time(services: Services, who: Who, query: RuleQuery, quote: Quote) -> CheckedQuote | None:
    """Check the quote, or return None if the database takes longer than Discord would wait.

    Raises:
        Refusal: as `check_quote`.
        StorageError: the database did not answer.
    """
    checking = asyncio.create_task(check_quote(services, who, query, quote), name="check quote")
    done, _ = await asyncio.wait({checking}, timeout=CHECK_WITHIN_S)
    if done:
        return checking.result()
    # The cancelled task is not awaited: while the database is silent, cancelling is slow too.
    log.warning("the budgets were not read within %.1f s; the command is acknowledged first", CHECK_WITHIN_S)
    _abandoned.add(checking)
    checking.add_done_callback(_drop_abandoned)
    checking.cancel()
    return None


def _drop_abandoned(checking: asyncio.Task[CheckedQuote]) -> None:
    _abandoned.discard(checking)
    if not checking.cancelled():
        checking.exception()  # mark it as retrieved; the second check reports the error


def confirmation_card(services: Services, order: Order, checked: CheckedQuote) -> Card:
    """Return the card that asks the member to confirm the order, with the next lower price."""
    mode = order.request.mode
    less = cheaper(mode, order.request.facts(), services.prices)
    prompt = mode.options().get("prompt")
    return price_confirmation(
        order.id,
        mode_title=mode.title,
        settings=mode.describe(),
        prompt=prompt if isinstance(prompt, str) else None,
        quote=order.quote,
        view=checked.view,
        decision=checked.decision,
        cheaper=None if less is None else less[1],
    )
