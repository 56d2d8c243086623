"""From a slash command to an accepted job: check, acknowledge, copy the files, ask for confirmation, accept."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

import discord

from bot.answers import error_boundary, withdraw
from bot.catalogue.doubts import Doubt, doubts_of
from bot.catalogue.fields import Attached
from bot.catalogue.price import Quote
from bot.client import Interaction
from bot.ids import new_id
from bot.jobs.model import Address, Order, Request
from bot.jobs.places import bytes_of
from bot.jobs.rule_query import rule_query
from bot.ledger.model import RuleQuery, Who
from bot.runner.job_files import OrderFiles
from cogs.base.acknowledgement import acknowledgement_of, under_way
from cogs.chip_in.start import begin_chip_in
from cogs.ordering.attachments import refuse_too_large, take_files
from cogs.ordering.card_place import public_card
from cogs.ordering.checks import CheckedQuote, check_quote, check_quote_in_time, check_rules, interaction_member
from cogs.ordering.confirmation import ask_for_confirmation
from cogs.ordering.first_order import tip_soon
from cogs.ordering.refused import KnownOrder, next_steps

Prepare: TypeAlias = Callable[
    [OrderFiles], Awaitable[Request]
]  # adds the request's inputs to the files and checks them


def attached(attachments: Mapping[str, discord.Attachment]) -> dict[str, Attached]:
    """Return the attachments as the catalogue's type."""
    return {option: Attached(item.filename, item.size) for option, item in attachments.items()}


async def order_with_attachments(
    interaction: Interaction,
    request: Request,
    attachments: Mapping[str, discord.Attachment],
    *,
    known: KnownOrder | None = None,
) -> None:
    """Place the order with these attachments as its inputs; `known` is what is offered again when it is refused.

    Raises:
        Refusal: nothing was spent or kept; the interaction was not answered.
        StorageError: likewise.
    """
    services, mode = interaction.client.services, request.mode
    if known is not None:
        known.request = request
    refuse_too_large(services, mode, attachments)
    # A price that depends on the files is known once they are probed; any other is known before they are copied.
    quote = None if mode.priced_by_files() else request.quote(services.prices)
    await place_order(
        interaction,
        rule_query(mode),
        lambda files: take_files(interaction, request, attachments, files),
        quote=quote,
        doubts=doubts_of(mode) if request.parent_id is None else (),
        known=known,
    )


async def place_order(
    interaction: Interaction,
    query: RuleQuery,
    prepare: Prepare,
    *,
    quote: Quote | None,
    doubts: tuple[Doubt, ...] = (),
    known: KnownOrder | None = None,
) -> None:
    """Acknowledge the interaction, then accept the job or ask for confirmation, which `doubts` need too.

    The answer is private if it is known that the member will be asked; otherwise it becomes the card. `known` is what
    is offered again when the order is refused after that.

    Raises:
        Refusal: the interaction was not answered; nothing was held or kept.
        StorageError: likewise.
    """
    services, who = interaction.client.services, interaction_member(interaction)
    is_shared = _own_part(known) is not None
    checked = None if quote is None or is_shared else await check_quote_in_time(services, who, query, quote)
    card = None
    async with under_way(services, acknowledgement_of(interaction, "thinking")):
        if not is_shared and (doubts or (checked is not None and checked.needs_confirmation)):
            await interaction.response.defer(ephemeral=True, thinking=True)
        else:
            card = await public_card(interaction)
        async with error_boundary(interaction, say=withdraw), next_steps(interaction, known):
            await order_on(card, interaction, who, query, prepare, checked=checked, doubts=doubts, known=known)


async def order_on(
    card: Address | None,
    interaction: Interaction,
    who: Who,
    query: RuleQuery,
    prepare: Prepare,
    *,
    checked: CheckedQuote | None = None,
    doubts: tuple[Doubt, ...] = (),
    known: KnownOrder | None = None,
) -> None:
    """Prepare the files, then accept the job on its card, or ask the member for confirmation.

    `checked` is None if the quote is not checked yet. `card` is None if the answer is private, because the checked
    quote needs confirmation or there are `doubts`.

    Raises:
        Refusal: nothing was held or kept.
        StorageError: the database did not answer; nothing was held or kept.
    """
    services, requested_at = interaction.client.services, interaction.client.services.clock()
    async with OrderFiles(services.order_space, new_id(at=requested_at), who.requester) as files:
        if checked is None:
            await check_rules(services, who, query)
        request = await prepare(files)
        if known is not None:
            known.request = request
        await files.make_room(bytes_of(request.inputs))
        own_microusd = _own_part(known)
        if own_microusd is not None and card is not None:
            quote = request.quote(services.prices)
            shared = Order(
                id=files.order_id, who=who, request=request, quote=quote, requested_at=requested_at, address=card
            )
            await begin_chip_in(services, shared, own_microusd)
            files.leave_to_job()
            return
        if checked is None:
            checked = await check_quote(services, who, rule_query(request.mode), request.quote(services.prices))
        order = Order(
            id=files.order_id,
            who=who,
            request=request,
            quote=checked.quote,
            requested_at=requested_at,
            doubts=doubts,
        )
        if doubts or checked.needs_confirmation:
            await ask_for_confirmation(interaction, order, checked, in_public=card is not None)
            files.leave_to_pending_order()
        else:
            job = await services.runner.accept(replace(order, address=card))
            files.leave_to_job()
            tip_soon(interaction, job)


def _own_part(known: KnownOrder | None) -> int | None:
    """Return what the member adds to an order that others chip in for; None for any other order."""
    return None if known is None else known.own_microusd
