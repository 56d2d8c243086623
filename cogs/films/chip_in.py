"""Lets others chip in for a draft's film: the form that asks what its maker adds, and the public card."""

from functools import partial

from bot.client import Interaction
from bot.errors import OptionRefused, Refusal, StorageError
from bot.films.model import Draft
from bot.texts import chip_in as chip_words
from bot.texts import film_panel as words
from bot.texts.film_words import price_moved
from cogs.base.acknowledgement import acknowledgement_of, under_way
from cogs.chip_in.start import ask_for_amount
from cogs.films.drafts import check_press, own_draft, say_on_panel, show, show_draft
from cogs.films.ordering import check_places
from cogs.ordering.card_place import delete_second_card, second_card
from cogs.ordering.checks import interaction_member


async def ask_for_own(interaction: Interaction, draft: Draft, shown_microusd: int | None) -> None:
    """Ask what the member adds themself; at another price than stood on the button the panel is shown anew."""
    try:
        microusd = _price(interaction, draft)
    except Refusal as refusal:
        await interaction.response.defer()
        await say_on_panel(interaction, draft.id, refusal)
        return
    if shown_microusd != microusd:
        await interaction.response.defer()
        await show_draft(interaction, draft, price_moved(shown_microusd or 0, microusd))
        return
    begin = partial(_begin, draft.id, microusd)
    await ask_for_amount(interaction, chip_words.START_TITLE, interaction_member(interaction), microusd, begin)


def _price(interaction: Interaction, draft: Draft) -> int:
    """Return what the film costs now, for which others may chip in; raises Refusal."""
    services = interaction.client.services
    if not services.settings.chip_ins.each_max:
        raise OptionRefused(chip_words.OFF)
    return services.films.price(draft).microusd


async def _begin(draft_id: str, shown_microusd: int, interaction: Interaction, own_microusd: int) -> None:
    """Begin to collect for the film as it is now; a refusal stands on the panel, and nothing was held then."""
    await check_press(interaction)
    await interaction.response.defer()
    try:
        draft = await own_draft(interaction, draft_id)
        if _price(interaction, draft) != shown_microusd:
            raise OptionRefused(chip_words.FILM_CHANGED)
        await check_places(interaction, draft)
        await _collect(interaction, draft, own_microusd)
    except (Refusal, StorageError) as error:
        await say_on_panel(interaction, draft_id, error)


async def _collect(interaction: Interaction, draft: Draft, own_microusd: int) -> None:
    """Post the card that collects and say so; if it is refused, the card goes."""
    services, who = interaction.client.services, interaction_member(interaction)
    async with under_way(services, acknowledgement_of(interaction, "placeholder")):
        card = await second_card(interaction)
        try:
            await services.chip_ins.start_film(draft, who, card, own_microusd)
        except (Refusal, StorageError):
            await delete_second_card(interaction, card)
            raise
    await show(interaction, words.said_panel(chip_words.STARTED, draft.id))
