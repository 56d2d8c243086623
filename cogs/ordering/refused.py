"""Keeps what was typed when an order is refused, and offers what the member can do next."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import discord
from discord.ext import commands

from bot.answers import answer_privately, view_of
from bot.catalogue.cheaper import Variant, length_of, length_option, nearest
from bot.catalogue.mode import Mode
from bot.client import Interaction, requester_of
from bot.errors import NotAllowed, QuotaExceeded, Refusal, StorageError, WandaError
from bot.ids import new_id
from bot.jobs.model import Request
from bot.jobs.rule_query import rule_query
from bot.ledger import holds
from bot.ledger.decision import decide, grant_needed
from bot.ledger.model import View
from bot.money import in_whole_cents
from bot.refused_orders import Redo, RefusedOrder
from bot.texts import chip_in as chip_words
from bot.texts import next_steps as words
from bot.texts.button_ids import REFUSED_TEMPLATE
from bot.texts.money_requests import asked
from cogs.base.cog import FeatureCog
from cogs.base.component import PersistentButton
from cogs.chip_in.start import ask_for_amount, may_chip_in
from cogs.ordering.ask_admin import ask_admins
from cogs.ordering.checks import interaction_member

log = logging.getLogger(__name__)
LOOK_WITHIN_S = 0.8  # for a cheaper setting, before Discord's 3 s for the first answer are over


class KnownOrder(Redo, Protocol):
    """An order that can be given again, and what is known of it while it is being placed."""

    request: Request | None
    error: WandaError | None


@asynccontextmanager
async def next_steps(interaction: Interaction, order: KnownOrder | None) -> AsyncGenerator[None]:
    """When the block refuses the order, keep what was typed, and put the next steps on the error."""
    try:
        yield
    except (Refusal, StorageError) as error:
        if order is not None and not error.next_steps:
            order.error = error
            await _offer(interaction, order, error)
        raise


async def _offer(interaction: Interaction, order: KnownOrder, error: WandaError) -> None:
    services = interaction.client.services
    refused_id = new_id(at=services.clock())
    priced = await _priced(interaction, order.request) if words.is_about_price(error) else None
    less, short = (None, 0) if priced is None else (priced.nearest, priced.short_microusd)
    may_ask = short > 0 and isinstance(error, QuotaExceeded)
    others_may = may_ask and may_chip_in(services, order.request)
    steps = words.steps_for(refused_id, error, less, may_ask=may_ask, may_chip_in=others_may)
    if not steps:
        return
    services.refused_orders.add(
        RefusedOrder(
            id=refused_id,
            requester=requester_of(interaction),
            redo=order,
            at=services.clock(),
            nearest=None if less is None else _changed_options(less.mode),
            price_microusd=0 if priced is None else priced.price_microusd,
            short_microusd=short if may_ask else 0,
            may_chip_in=others_may,
        )
    )
    error.next_steps = steps


class _Priced(NamedTuple):
    """What a refused request costs, the dearest setting that its member may make now, and the grant that is missing."""

    price_microusd: int
    nearest: Variant | None
    short_microusd: int


async def _priced(interaction: Interaction, request: Request | None) -> _Priced | None:
    """Return what would help with the price; None if it is not known yet, or there is no time to look."""
    services = interaction.client.services
    if request is None or (request.mode.priced_by_files() and not request.inputs):
        return None
    try:
        async with asyncio.timeout(LOOK_WITHIN_S):
            who = interaction_member(interaction)
            view = await services.store.read(holds.standing(who, at=services.clock(), shipped=services.shipped))
    except (TimeoutError, StorageError):
        log.warning("no cheaper setting could be looked for in time")
        return None
    facts = request.facts() if request.inputs or not request.mode.attached() else None
    price, whole = request.quote(services.prices).microusd, request.whole(services.prices)
    found = nearest(request.mode, facts, services.prices, fits=lambda one: _fits(view, whole(one)))
    return _Priced(
        price_microusd=price,
        nearest=None if found is None else whole(found),
        short_microusd=in_whole_cents(grant_needed(view, price)),
    )


def _fits(view: View, variant: Variant | None) -> bool:
    if variant is None:
        return False
    try:
        query = replace(rule_query(variant.mode), videos=variant.quote.videos, begun=variant.quote.begun)
        decide(view, amount_microusd=variant.quote.microusd, query=query)
    except (NotAllowed, QuotaExceeded):
        return False
    return True


def _changed_options(mode: Mode) -> dict[str, Any]:
    return {"resolution": getattr(mode, "resolution"), length_option(mode): length_of(mode)}  # noqa: B009 - every mode has it


class RefusedButton(PersistentButton, template=REFUSED_TEMPLATE):
    """A button below a refusal: Fix it, Try again, or make what is affordable."""

    async def pressed(self, interaction: Interaction) -> None:
        """Show the form with what was typed, or give the order again, once."""
        refused, action = interaction.client.services.refused_orders, self.parts["action"]
        requester = requester_of(interaction)
        if action in {"fix", "ask", "chip"}:
            order = refused.find(self.parts["refused_id"], requester)
        else:
            order = refused.take(self.parts["refused_id"], requester)
        if order is None or not order.offers(action):
            await answer_privately(interaction, words.GONE)
        elif action == "fix":
            await order.redo.open_form(interaction)
        elif action == "ask":
            await _ask(interaction, order)
        elif action == "chip":
            await _ask_for_own(interaction, order)
        elif action == "nearest":
            await order.redo.again(interaction, order.nearest or {})
        else:
            await order.redo.again(interaction, {})


async def _ask(interaction: Interaction, order: RefusedOrder) -> None:
    """Ask the admins for what is missing, and offer to try again."""
    await interaction.response.defer()
    channel_id = await ask_admins(
        interaction, amount_microusd=order.short_microusd, price_microusd=order.price_microusd
    )
    again = view_of(words.after_asking(order.id))
    await interaction.edit_original_response(content=asked(channel_id), view=again)


async def _ask_for_own(interaction: Interaction, order: RefusedOrder) -> None:
    """Ask what the member adds themself, then give the order again as one that others chip in for."""

    async def begin(submitted: Interaction, own_microusd: int) -> None:
        taken = submitted.client.services.refused_orders.take(order.id, requester_of(submitted))
        if taken is None:
            await answer_privately(submitted, words.GONE)
            return
        taken.redo.own_microusd = own_microusd
        await taken.redo.again(submitted, {})

    await ask_for_amount(
        interaction, chip_words.START_TITLE, interaction_member(interaction), order.price_microusd, begin
    )


class RefusedOrderButtons(FeatureCog):
    """The buttons below refusals, and the answer to forms that were forgotten."""

    buttons = (RefusedButton,)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """Answer a form that discord.py has forgotten, which it leaves without an answer, with what was typed."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return
        data: Any = interaction.data or {}
        if self.bot.services.forms.has(data.get("custom_id", "")) or interaction.response.is_done():
            return
        if await self.bot.takes(interaction):
            await answer_privately(interaction, words.form_gone(_typed_texts(data)))


def _typed_texts(data: Any) -> list[str]:
    """Return the values of a submitted form's text fields."""
    fields: list[Any] = [row.get("component", {}) for row in data.get("components", ())]
    return [str(field["value"]) for field in fields if field.get("type") == discord.ComponentType.text_input.value]
