"""What a draft would cost and leave, before anything is held."""

import asyncio
import logging
from dataclasses import dataclass

from bot.catalogue.cheaper import cheaper
from bot.catalogue.mode import Mode
from bot.catalogue.price import Quote
from bot.client import Services
from bot.jobs.model import Input
from bot.ledger import holds
from bot.ledger.decision import decide
from bot.ledger.model import Decision, RuleQuery, View, Who
from bot.runner.drafts import Draft
from bot.texts.card import Card
from bot.texts.confirmation import asking

log = logging.getLogger(__name__)
WEIGH_WITHIN_S = 1.2  # Discord waits 3 s for the first answer, of which the way there and back takes its part


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """The price, and what the rules and budgets say to it at this moment."""

    quote: Quote
    view: View
    decision: Decision

    @property
    def is_costly(self) -> bool:
        """Whether the member wants to be asked first."""
        return self.quote.microusd > self.view.terms.confirm_above_microusd.value


_given_up: set[asyncio.Task[Weighed]] = set()  # a loop keeps no task alive by itself


async def weigh(services: Services, who: Who, mode: Mode, inputs: tuple[Input, ...]) -> Weighed:
    """Return what it would cost, and what that would leave. Nothing is held.

    Raises:
        Refusal: the price is unknown, a rule forbids it, or a budget is short.
        StorageError: the database did not answer.
    """
    quote = mode.quote({item.option: item for item in inputs}, services.prices)
    view = await services.store.read(holds.standing(who, at=services.clock(), shipped=services.shipped))
    return Weighed(
        quote=quote, view=view, decision=decide(view, amount_microusd=quote.microusd, query=rule_query(mode))
    )


def rule_query(mode: Mode) -> RuleQuery:
    """Return what the rules look at of this request."""
    return RuleQuery(mode=mode.id, resolution=mode.options().get("resolution"))


async def refuse_if_ruled_out(services: Services, who: Who, query: RuleQuery) -> None:
    """Return when the rules let the member make such a video at some price, before work is done to learn the price.

    Raises:
        NotAllowed: a rule forbids it.
        StorageError: the database did not answer.
    """
    view = await services.store.read(holds.standing(who, at=services.clock(), shipped=services.shipped))
    decide(view, amount_microusd=0, query=query)


async def weigh_at_once(services: Services, who: Who, mode: Mode, inputs: tuple[Input, ...]) -> Weighed | None:
    """Return what the job would cost and leave, or None when the database takes longer than Discord would wait.

    Raises:
        Refusal: as `weigh` does.
        StorageError: the database did not answer.
    """
    weighing = asyncio.create_task(weigh(services, who, mode, inputs), name="weigh")
    done, _ = await asyncio.wait({weighing}, timeout=WEIGH_WITHIN_S)
    if done:
        return weighing.result()
    # Its end is not waited for: a driver whose database is silent takes its time to give up, too.
    log.warning("the budgets were not read within %.1f s; the command is acknowledged first", WEIGH_WITHIN_S)
    _given_up.add(weighing)
    weighing.add_done_callback(_end_of_given_up)
    weighing.cancel()
    return None


def _end_of_given_up(weighing: asyncio.Task[Weighed]) -> None:
    _given_up.discard(weighing)
    if not weighing.cancelled():
        weighing.exception()  # whatever it was: the command weighs again, and says so itself


def question(services: Services, draft: Draft, weighed: Weighed) -> Card:
    """Return the card that asks the member, with the next lower price."""
    less = cheaper(draft.mode, {item.option: item for item in draft.inputs}, services.prices)
    prompt = draft.mode.options().get("prompt")
    return asking(
        draft.id,
        mode_title=draft.mode.title,
        settings=draft.mode.describe(),
        prompt=prompt if isinstance(prompt, str) else None,
        quote=weighed.quote,
        view=weighed.view,
        decision=weighed.decision,
        cheaper=None if less is None else less[1],
    )
