"""The confirmation of a costly order, with its buttons and selects: make it, another price, cancel."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import discord

from bot.answers import AnyInteraction, Steps, error_boundary, sentence_for, view_of
from bot.cards.embeds import to_embed, to_view
from bot.catalogue.cheaper import Offers, Variant, offers
from bot.catalogue.doubts import doubts_of
from bot.catalogue.registry import build
from bot.client import Interaction, Services
from bot.errors import Busy, Closed, NotAllowed, QuotaExceeded, Refusal, StorageError
from bot.jobs.model import Order, Request
from bot.jobs.rule_query import rule_query
from bot.runner.job_files import OrderFiles
from bot.texts import chip_in as chip_words
from bot.texts import confirmation as words
from bot.texts import finished
from bot.texts.button_ids import QUESTION_SELECT_TEMPLATE, QUESTION_TEMPLATE, PricedOption
from bot.texts.card import Card
from bot.texts.confirmation import changed_value, price_confirmation
from bot.texts.form_fields import TEXT_CHARS_MAX, option_hint, option_label
from cogs.base.acknowledgement import acknowledgement_of, under_way
from cogs.base.cog import LoopCog
from cogs.base.component import PersistentButton, PersistentSelect
from cogs.base.form import Form, show_form
from cogs.chip_in.start import ask_for_amount, begin_chip_in, may_chip_in
from cogs.ordering.card_place import delete_second_card, second_card
from cogs.ordering.checks import CheckedQuote, as_of_now, check_quote, check_quote_in_time
from cogs.ordering.first_order import tip_soon
from cogs.ordering.posting_rights import check_place

GONE = "This question is over, and you weren't charged. Run the command again if you still want the video."
BEGUN = "Wanda is on it. The card in the channel shows how it's going."
DROPPED = "Cancelled. You weren't charged."
CLEANUP_EVERY_S = 60.0  # interval between removals of expired orders, at most
CHEAPEST = "That setting isn't offered any more. Choose another one, or press Make it."
NOT_NOW = (
    Busy,
    Closed,
    NotAllowed,
    QuotaExceeded,
)  # refusals of an order that can be made later, or with other settings


async def ask_for_confirmation(
    interaction: Interaction, order: Order, checked: CheckedQuote, *, in_public: bool
) -> None:
    """Ask the member privately, and keep the order until they answer.

    With `in_public` the answer so far is public, and is deleted first.
    """
    services = interaction.client.services
    card = confirmation_card(services, order, checked)
    view = to_view(card) or discord.utils.MISSING
    await services.pending_orders.keep(order)
    if in_public:
        await interaction.delete_original_response()
        await interaction.followup.send(embed=to_embed(card), view=view, ephemeral=True)
    else:
        await interaction.edit_original_response(embed=to_embed(card), view=view)


def confirmation_card(services: Services, order: Order, checked: CheckedQuote) -> Card:
    """Return the card that asks the member to confirm the order, with what they may change of it."""
    return price_confirmation(
        order.id,
        mode=order.request.mode,
        quote=order.quote,
        view=checked.view,
        decision=checked.decision,
        offers=_offers(services, order),
        doubts=order.doubts,
        may_chip_in=may_chip_in(services, order.request),
    )


def _offers(services: Services, order: Order) -> Offers:
    request = order.request
    found = offers(request.mode, request.facts(), services.prices, first=order.first_mode)
    return found.priced(request.whole(services.prices))


@dataclass(frozen=True, slots=True)
class Answered:
    """An order whose question is being answered, and its files, which are deleted unless somebody has them then."""

    order: Order
    files: OrderFiles

    async def keep(self, services: Services, order: Order | None = None) -> None:
        """Keep the order, or a changed one, and its files for another answer."""
        await services.pending_orders.keep(order or self.order)
        self.files.leave_to_pending_order()


Answer: TypeAlias = Callable[[Answered], Awaitable[None]]
Choose: TypeAlias = Callable[[Offers], Variant | None]


class ConfirmationButton(PersistentButton, template=QUESTION_TEMPLATE):
    """A button below the question, which only its member sees."""

    async def pressed(self, interaction: Interaction) -> None:
        """Make the video, ask again at another price, or drop the order."""
        order_id, answer = self.parts["order_id"], self.parts["answer"]
        if answer != "drop":
            await _check_place_of(interaction, order_id)
        match answer:
            case "fix":
                await _ask_for_prompt(interaction, order_id)
            case "chip":
                await _ask_for_own(interaction, order_id)
            case "make":
                await _answer(interaction, order_id, partial(_make, interaction))
            case "cheaper":
                await _answer(interaction, order_id, partial(_change, interaction, _cheaper))
            case "back":
                await _answer(interaction, order_id, partial(_change, interaction, _back))
            case _:
                await _answer(interaction, order_id, lambda _: _say(interaction, DROPPED))


class PromptForm(Form):
    """Asks for another prompt for an order whose question is open."""

    def __init__(self, order_id: str, request: Request, *, life_s: float) -> None:
        """Fill in the prompt.

        One that is longer than a form takes, or that somebody else wrote, stays as it is unless another is written.
        """
        super().__init__(title=words.FIX_TITLE, timeout=life_s)
        self.order_id = order_id
        mode, is_hidden = request.mode, "prompt" in request.borrowed_options
        prompt, spec = str(mode.options().get("prompt") or ""), mode.specs()["prompt"]
        is_kept = is_hidden or len(prompt) > TEXT_CHARS_MAX
        self.prompt = discord.ui.TextInput[Any](
            custom_id="prompt",
            style=discord.TextStyle.paragraph,
            default=None if is_kept else prompt or None,
            placeholder=finished.UNCHANGED if is_kept else None,
            required=not is_kept,
            max_length=min(spec.length_max or TEXT_CHARS_MAX, TEXT_CHARS_MAX),
        )
        hint = finished.HIDDEN if is_hidden else finished.LONGER if is_kept else option_hint(spec)
        self.add_item(discord.ui.Label(text=option_label("prompt"), description=hint, component=self.prompt))

    async def submitted(self, interaction: Interaction) -> None:
        """Make the video with this prompt, or ask again if there still is something to ask."""
        await _check_place_of(interaction, self.order_id)
        await _answer(interaction, self.order_id, partial(_fix, interaction, self.prompt.value.strip()))


async def _ask_for_prompt(interaction: Interaction, order_id: str) -> None:
    """Show the form with the order's prompt; the question stays open meanwhile."""
    services = interaction.client.services
    order = services.pending_orders.find(order_id, member_id=interaction.user.id)
    if order is None:
        await _say(interaction, GONE)
        return
    life_s = services.settings.jobs.pending_order_life_s
    await show_form(interaction, PromptForm(order_id, order.request, life_s=life_s))


async def _fix(interaction: Interaction, prompt: str, answered: Answered) -> None:
    """Put this prompt into the order; make it if nothing is left to ask, and ask again otherwise."""
    services, order = interaction.client.services, answered.order
    request = with_prompt(order.request, prompt) if prompt else order.request
    mode = request.mode
    fixed = replace(order, request=request, doubts=doubts_of(mode))
    try:
        checked = await check_quote_in_time(services, fixed.who, rule_query(mode), fixed.quote)
    except (Refusal, StorageError) as error:
        await answered.keep(services, fixed)
        await interaction.response.defer()
        await _ask_again(interaction, sentence_for(error, interaction))
        return
    if checked is not None and not fixed.doubts and not checked.needs_confirmation:
        await _make(interaction, replace(answered, order=fixed))
        return
    await interaction.response.defer()
    checked = checked or await check_quote(services, fixed.who, rule_query(mode), fixed.quote)
    await answered.keep(services, fixed)
    card = confirmation_card(services, fixed, checked)
    await interaction.edit_original_response(content=None, embed=to_embed(card), view=to_view(card))


def with_prompt(request: Request, prompt: str) -> Request:
    """Return the request with a prompt that its own member wrote."""
    mode = build(request.mode.id, {**request.mode.options(), "prompt": prompt}, request.mode.attached())
    borrowed = tuple(name for name in request.borrowed_options if name != "prompt")
    return replace(request, mode=mode, borrowed_options=borrowed)


class QuestionSelect(PersistentSelect, template=QUESTION_SELECT_TEMPLATE):
    """The resolutions or the lengths below the question, with their prices."""

    async def chosen(self, interaction: Interaction, value: str) -> None:
        """Ask again with this resolution or length."""
        option: PricedOption = "resolution" if self.parts["option"] == "resolution" else "length"

        def choose(found: Offers) -> Variant | None:
            variants = found.resolutions if option == "resolution" else found.lengths
            return next((one for one in variants if str(changed_value(one.mode, option)) == value), None)

        await _check_place_of(interaction, self.parts["order_id"])
        await _answer(interaction, self.parts["order_id"], partial(_change, interaction, choose))


async def _check_place_of(interaction: Interaction, order_id: str) -> None:
    """Check that the video may be posted here, if the order still waits; raises as `check_place`."""
    asked = interaction.client.services.pending_orders.find(order_id, member_id=interaction.user.id)
    if asked is not None:
        await check_place(interaction, asked.request.mode.id)


async def _answer(interaction: Interaction, order_id: str, answer: Answer) -> None:
    """Take the member's order out and answer its question; an error replaces the question."""
    services, member_id = interaction.client.services, interaction.user.id
    order = services.pending_orders.take(order_id, member_id=member_id)
    if order is None:
        await _say(interaction, GONE)
        return
    async with (
        error_boundary(interaction, say=_say),
        OrderFiles(services.order_space, order.id, order.who.requester) as files,
    ):
        try:
            # The question may be 15 minutes old; the member's current roles, and the channel as it is now, count.
            who = as_of_now(order.who, interaction)
            await answer(Answered(replace(order, who=who), files))
        except Exception:
            services.pending_orders.take(order_id, member_id=member_id)
            raise


async def _ask_for_own(interaction: Interaction, order_id: str) -> None:
    """Ask what the member adds themself; the question stays open meanwhile."""
    order = interaction.client.services.pending_orders.find(order_id, member_id=interaction.user.id)
    if order is None:
        await _say(interaction, GONE)
        return

    async def begin(submitted: Interaction, own_microusd: int) -> None:
        await _check_place_of(submitted, order_id)

        async def accept(confirmed: Order) -> None:
            await begin_chip_in(submitted.client.services, confirmed, own_microusd)

        await _answer(submitted, order_id, partial(_place, submitted, chip_words.STARTED, accept))

    who = as_of_now(order.who, interaction)
    await ask_for_amount(interaction, chip_words.START_TITLE, who, order.quote.microusd, begin)


async def _make(interaction: Interaction, answered: Answered) -> None:
    """Post a card and accept the job on it."""

    async def accept(confirmed: Order) -> None:
        tip_soon(interaction, await interaction.client.services.runner.accept(confirmed))

    await _place(interaction, BEGUN, accept, answered)


async def _place(
    interaction: Interaction, said: str, accept: Callable[[Order], Awaitable[None]], answered: Answered
) -> None:
    """Post a card and accept the order on it; if there is no room or money for it now, ask again below the reason."""
    await _say(interaction, said)
    services, order = interaction.client.services, answered.order
    async with under_way(services, replace(acknowledgement_of(interaction, "placeholder"), id=order.id)):
        card = await second_card(interaction)
        try:
            await accept(replace(order, address=card))
        except NOT_NOW as refusal:
            await delete_second_card(interaction, card)
            await answered.keep(services)
            await _ask_again(interaction, sentence_for(refusal, interaction))
        except Exception:
            await delete_second_card(interaction, card)
            raise
        else:
            answered.files.leave_to_job()


def _cheaper(found: Offers) -> Variant | None:
    return found.cheaper


def _back(found: Offers) -> Variant | None:
    return found.back


async def _change(interaction: Interaction, choose: Choose, answered: Answered) -> None:
    """Ask again with the chosen settings; if there are none, or they are refused, keep the question."""
    services, order = interaction.client.services, answered.order
    found = choose(_offers(services, order))
    if found is None:
        await answered.keep(services)
        await interaction.response.send_message(CHEAPEST, ephemeral=True)
        return
    await interaction.response.defer()  # the database may take longer than Discord waits
    request, first = replace(order.request, mode=found.mode), order.first_mode or order.request.mode
    changed = replace(order, request=request, quote=found.quote, first_mode=first)
    try:
        checked = await check_quote(services, changed.who, rule_query(found.mode), found.quote)
    except (Refusal, StorageError) as error:
        await answered.keep(services)
        await _ask_again(interaction, sentence_for(error, interaction))
        return
    await answered.keep(services, changed)
    card = confirmation_card(services, changed, checked)
    await interaction.edit_original_response(content=None, embed=to_embed(card), view=to_view(card))


async def _ask_again(interaction: Interaction, sentence: str) -> None:
    """Show the question as it was, below a sentence."""
    shown = interaction.message
    if shown is not None:
        await interaction.edit_original_response(content=sentence, embeds=shown.embeds, view=same_view(shown))


def same_view(message: discord.Message) -> discord.ui.View:
    """Return the message's buttons and selects as they are, in a view that discord.py does not store."""
    view = discord.ui.View.from_message(message, timeout=None)
    view.stop()
    return view


async def _say(interaction: AnyInteraction, sentence: str, steps: Steps = ()) -> None:
    """Replace the question with a sentence."""
    if interaction.response.is_done():
        await interaction.edit_original_response(content=sentence, embed=None, view=view_of(steps))
    else:
        await interaction.response.edit_message(content=sentence, embed=None, view=view_of(steps))


class Confirmations(LoopCog):
    """The question's buttons, and the removal of orders that nobody confirms."""

    buttons = (ConfirmationButton,)
    selects = (QuestionSelect,)

    async def loop(self) -> None:
        """Remove expired orders and their files, at least once a minute."""
        services = self.bot.services
        while True:
            await asyncio.sleep(min(CLEANUP_EVERY_S, services.settings.jobs.pending_order_life_s))
            await services.pending_orders.drop_expired()

    async def cog_unload(self) -> None:
        """Also delete every pending order and its files: they do not survive the process."""
        await super().cog_unload()
        await self.bot.services.pending_orders.drop_all()
