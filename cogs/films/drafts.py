"""A member's drafts: who may change one, how a change is kept, and the page that shows it."""

from collections.abc import Callable
from typing import TypeAlias

import discord

from bot.answers import sentence_for
from bot.cards.panels import to_layout
from bot.client import Interaction, Services
from bot.errors import OptionRefused, Refusal, StorageError
from bot.films import drafts
from bot.films.checks import problems
from bot.films.model import Draft, Plan, Shot
from bot.films.quoting import shot_quote
from bot.films.transactions import film_named
from bot.jobs import chip_in_rows
from bot.ledger import holds
from bot.ledger.decision import grant_needed
from bot.money import in_whole_cents
from bot.texts import film_panel as words
from bot.texts.film_panel import DraftPage
from bot.texts.panel import Panel
from bot.texts.quota import reach
from cogs.ordering.checks import interaction_member
from cogs.ordering.posting_rights import Place, check_access, check_commands

COMMAND = "film"
Change: TypeAlias = Callable[[Draft], Draft]


async def check_press(interaction: Interaction) -> None:
    """Check that the member may use `/film` here and now, as Discord checks it for the command itself.

    Raises:
        OptionRefused: this is no server.
        NotAllowed: they may not use commands here, or the server's Integrations keep them from this one.
        Busy: Discord does not say.
    """
    check_commands(interaction)
    await check_access(Place.of(interaction), interaction.client, COMMAND)


async def own_draft(interaction: Interaction, draft_id: str) -> Draft:
    """Return the draft of the member who pressed.

    Raises:
        OptionRefused: it is gone, or somebody else's.
        StorageError: the database did not answer.
    """
    who = interaction_member(interaction)
    draft = await interaction.client.services.store.read(drafts.draft_named(draft_id))
    if draft is None or draft.guild_id != who.guild_id:
        raise OptionRefused(words.GONE)
    if draft.member_id != who.member_id:
        raise OptionRefused(words.NOT_YOURS)
    return draft


async def keep_draft(services: Services, draft: Draft) -> Draft:
    """Keep the draft; returns it as it is kept.

    Raises:
        OptionRefused: it is gone or was changed meanwhile, or there are too many.
        StorageError: the database did not answer.
    """
    saving = drafts.save_draft(draft, services.films.draft_bounds, at=services.clock())
    return await services.store.write(saving, guild_id=draft.guild_id)


async def page_of(interaction: Interaction, draft: Draft, notice: str = "") -> DraftPage:
    """Return the draft as its panel shows it, with prices, what is left to spend, and the member's other drafts.

    Raises:
        StorageError: the database did not answer.
    """
    services, who = interaction.client.services, interaction_member(interaction)
    prices = [price_of(services, draft, shot) for shot in draft.shots]
    known = [price for price in prices if price is not None]
    microusd = sum(known) if prices and len(known) == len(prices) else None
    view = await services.store.read(holds.standing(who, at=services.clock(), shipped=services.shipped))
    lacks = problems(draft, seconds_max=services.settings.films.seconds_max)
    may_ask = microusd is not None and not lacks and in_whole_cents(grant_needed(view, microusd)) > 0
    others_may = services.settings.chip_ins.each_max > 0
    may_chip_in = may_ask and others_may
    is_collecting = await services.store.read(chip_in_rows.is_collecting(draft.id))
    others = await services.store.read(drafts.drafts_of(who.guild_id, who.member_id))
    return DraftPage(
        draft=draft,
        prices_microusd=prices,
        microusd=microusd,
        problems=lacks,
        left=words.left_words(reach(view), microusd, may_ask=may_ask, may_chip_in=may_chip_in),
        may_ask=may_ask,
        may_chip_in=may_chip_in,
        others_may=others_may and not is_collecting,
        is_collecting=is_collecting,
        notice=notice,
        others=[one for one in others if one.id != draft.id],
    )


def price_of(services: Services, plan: Plan, shot: Shot) -> int | None:
    """Return what the shot costs, None if that is not known yet; one that is made costs nothing more."""
    try:
        quote = shot_quote(plan, shot, services.prices)
    except Refusal:
        return None
    return 0 if quote is None else quote.microusd


async def show(interaction: Interaction, panel: Panel) -> None:
    """Show the panel in a deferred answer."""
    await interaction.edit_original_response(view=to_layout(panel), allowed_mentions=discord.AllowedMentions.none())


async def show_draft(interaction: Interaction, draft: Draft, notice: str = "") -> None:
    """Show all shots of the draft in a deferred answer."""
    await show(interaction, words.draft_panel(await page_of(interaction, draft, notice)))


async def show_shot(interaction: Interaction, draft: Draft, shot_id: str, notice: str = "") -> None:
    """Show one shot of the draft in a deferred answer; all of them if it is gone."""
    shot = next((one for one in draft.shots if one.id == shot_id), None)
    if shot is None:
        await show_draft(interaction, draft, words.SHOT_GONE)
        return
    await show(interaction, words.shot_panel(await page_of(interaction, draft, notice), shot))


async def say_on_panel(interaction: Interaction, draft_id: str, error: Refusal | StorageError) -> None:
    """Show the draft as it is now, with the sentence about the error above its shots."""
    sentence = sentence_for(error, interaction)
    now = await interaction.client.services.store.read(drafts.draft_named(draft_id))
    if now is None:
        await show_gone(interaction, draft_id, sentence)
    else:
        await show_draft(interaction, now, sentence)


async def show_gone(interaction: Interaction, draft_id: str, sentence: str) -> None:
    """Say why there is no draft to show: somebody who pressed twice has ordered the film with the first press."""
    film = await interaction.client.services.store.read(film_named(draft_id))
    if film is not None and (film.who.guild_id, film.who.member_id) == (interaction.guild_id, interaction.user.id):
        sentence = words.BEGUN
    await show(interaction, words.said_panel(sentence, draft_id))
