"""The buttons of a film's card: stop it, decide how it goes on, make a shot again, continue it, take its recipe."""

import io
from dataclasses import replace
from functools import partial
from typing import TypedDict

import discord

from bot.answers import AnyInteraction, Steps, answer_privately, error_boundary, view_of
from bot.cards.embeds import to_embed, to_view
from bot.cards.panels import to_layout
from bot.client import Interaction
from bot.errors import OptionRefused
from bot.films.acts import GONE, MOVED_ON, Jobs
from bot.films.model import Film, Shot
from bot.films.plan import follows
from bot.films.recipe import film_recipe
from bot.films.transactions import film_with_jobs, jobs_of
from bot.jobs.short_id import short_id
from bot.texts import film_words as words
from bot.texts.film_buttons import redo_card, retry_card
from bot.texts.film_ids import FILM_SELECT_TEMPLATE, FILM_TEMPLATE, REDO_TEMPLATE, RedoWhat, shown_microusd
from bot.texts.film_panel import draft_panel
from bot.texts.trouble import job_trouble
from cogs.base.acknowledgement import store_first, think
from cogs.base.component import PersistentButton, PersistentSelect
from cogs.base.form import show_form
from cogs.films.drafts import check_press, page_of
from cogs.films.forms import TakeForm
from cogs.films.refused import offering_admins
from cogs.ordering.checks import interaction_member
from cogs.ordering.posting_rights import Place, check_access, check_place


class Whose(TypedDict):
    """Who pressed, and whether they have Manage Server."""

    member_id: int
    manages: bool


TROUBLE = job_trouble("the film goes on as it is")
RECIPES = "jobs"  # the command that gives a video's recipe too


async def film_here(interaction: Interaction, film_id: str) -> tuple[Film, Jobs]:
    """Return the film and its jobs, if it is one of this server.

    Raises:
        OptionRefused: there is no such film.
        StorageError: the database did not answer.
    """
    found = await interaction.client.services.store.read(film_with_jobs(film_id))
    if found is None or found[0].who.guild_id != interaction.guild_id:
        raise OptionRefused(GONE)
    return found


def check_mine(interaction: Interaction, film: Film) -> None:
    """Check that the member who pressed made the film; raises OptionRefused."""
    if interaction.user.id != film.who.member_id:
        raise OptionRefused(words.NOT_YOURS)


def number_of(film: Film, shot_id: str) -> int:
    """Return the number of the shot, from 1; raises OptionRefused for one that the film does not have."""
    number = next((at for at, take in enumerate(film.takes, start=1) if take.shot.id == shot_id), None)
    if number is None:
        raise OptionRefused(MOVED_ON)
    return number


class FilmButton(PersistentButton, template=FILM_TEMPLATE):
    """A button below a film. What costs money is for its maker alone; an admin may stop, skip and finish too."""

    trouble = TROUBLE

    async def pressed(self, interaction: Interaction) -> None:
        """Do what the button says."""
        match self.parts["action"]:
            case "stop" | "skip" | "finish":
                await self._settle(interaction)
            case "retry":
                await self._retry(interaction)
            case "edit":
                await self._edit(interaction)
            case "continue":
                await _continue(interaction, self.parts["film_id"])
            case _:
                await _send_recipe(interaction, self.parts["film_id"])

    async def _settle(self, interaction: Interaction) -> None:
        """Stop the film, skip a shot or finish it; the answer is private, and the card shows the rest."""
        await answer_privately(interaction, await store_first(interaction, self._settled(interaction)))

    async def _settled(self, interaction: Interaction) -> str:
        film, _ = await film_here(interaction, self.parts["film_id"])
        films = interaction.client.services.films
        whose: Whose = {"member_id": interaction.user.id, "manages": interaction.permissions.manage_guild}
        match self.parts["action"]:
            case "stop":
                return await films.stop(film.id, **whose)
            case "finish":
                return await films.finish(film.id, **whose)
            case _:
                number = number_of(film, self.parts["shot_id"])
                return await films.skip(film.id, number, film.take(number).job_id, **whose)

    async def _retry(self, interaction: Interaction) -> None:
        """Try a missing shot again, or ask first where it costs another price than the button says.

        What comes of it replaces the question, if it was pressed there.
        """
        if interaction.message is not None and interaction.message.flags.ephemeral:
            await interaction.response.defer()
        else:
            await think(interaction)
        async with error_boundary(interaction, TROUBLE, say=_say):
            film, jobs = await film_here(interaction, self.parts["film_id"])
            check_mine(interaction, film)
            number, shown = number_of(film, self.parts["shot_id"]), shown_microusd(self.parts["price"])
            microusd = interaction.client.services.films.retry_microusd(film, jobs, number)
            if shown == microusd:
                await _try_again(interaction, film, number, None)
                return
            card = retry_card(film, number, shown, microusd)
            await interaction.edit_original_response(embed=to_embed(card), view=to_view(card))

    async def _edit(self, interaction: Interaction) -> None:
        film, _ = await film_here(interaction, self.parts["film_id"])
        check_mine(interaction, film)
        number = number_of(film, self.parts["shot_id"])

        async def act(submitted: Interaction, shot: Shot) -> None:
            await think(submitted)
            async with error_boundary(submitted, TROUBLE, say=_say):
                await _try_again(submitted, film, number, shot)

        shot, title = film.take(number).shot, f"Try shot {number} again"
        await show_form(interaction, TakeForm(interaction.client.services, film, shot, act, title=title))


async def _try_again(interaction: Interaction, film: Film, number: int, shot: Shot | None) -> None:
    """Try a missing shot again, as it was or edited."""
    check_mine(interaction, film)
    await _check_posting(interaction, film)
    who, films = interaction_member(interaction), interaction.client.services.films
    jobs = await interaction.client.services.store.read(jobs_of(film))
    job_id, microusd = film.take(number).job_id, films.retry_microusd(film, jobs, number, shot)

    async def again(submitted: Interaction) -> None:
        await submitted.response.defer()
        async with error_boundary(submitted, TROUBLE, say=_say):
            await _try_again(submitted, film, number, shot)

    async with offering_admins(interaction, microusd, again):
        film = await films.retry(film.id, number, job_id, who=who, shot=shot)
    await _say(interaction, words.tried_again(number, film.take(number).quote_microusd))


async def _check_posting(interaction: Interaction, film: Film) -> None:
    """Check that the member may still have videos posted here."""
    await check_press(interaction)
    await check_place(interaction, f"{film.family}-image")


async def _continue(interaction: Interaction, film_id: str) -> None:
    """Open a new draft that begins with the film's shots."""
    await check_press(interaction)
    await think(interaction)
    async with error_boundary(interaction, TROUBLE, say=_say):
        who = interaction_member(interaction)
        films = interaction.client.services.films
        draft = await films.continue_film(film_id, who=who, channel_id=interaction.channel_id or 0)
        page = await page_of(interaction, draft, words.CONTINUED)
        await interaction.edit_original_response(
            view=to_layout(draft_panel(page)), allowed_mentions=discord.AllowedMentions.none()
        )


async def _send_recipe(interaction: Interaction, film_id: str) -> None:
    """Give the recipe privately; of somebody else's film only if its card shows all of it."""
    await check_access(Place.of(interaction), interaction.client, RECIPES)
    await think(interaction)
    async with error_boundary(interaction, TROUBLE, say=_say):
        film, jobs = await film_here(interaction, film_id)
        check_mine(interaction, film)
        content = film_recipe(film, jobs).to_file()
        file = discord.File(io.BytesIO(content), filename=f"wanda-film-{short_id(film.id)}.json")
        await interaction.edit_original_response(content=words.RECIPE, attachments=[file])


class FilmSelect(PersistentSelect, template=FILM_SELECT_TEMPLATE):
    """The list of a finished film's shots: what it costs to make one again, alone or with what follows."""

    trouble = TROUBLE

    async def chosen(self, interaction: Interaction, value: str) -> None:
        """Ask the maker privately how."""
        await think(interaction)
        async with error_boundary(interaction, TROUBLE, say=_say):
            film, jobs = await film_here(interaction, self.parts["film_id"])
            check_mine(interaction, film)
            await _ask_how(interaction, film, jobs, number_of(film, value))


async def _ask_how(interaction: Interaction, film: Film, jobs: Jobs, number: int, notice: str = "") -> None:
    """Show the question how to make a shot again, with the prices of now, in a deferred answer."""
    price = partial(interaction.client.services.films.redo_microusd, film, jobs, number, film.take(number).shot)
    prices: dict[RedoWhat, int] = {"one": price(and_following=False)}
    if follows(film, number):
        prices["rest"] = price(and_following=True)
    card = redo_card(film, number, prices, notice)
    await interaction.edit_original_response(content=None, embed=to_embed(card), view=to_view(card))


class RedoButton(PersistentButton, template=REDO_TEMPLATE):
    """Makes a shot of a finished film again, for its maker alone; its price stands on the button."""

    trouble = TROUBLE

    async def pressed(self, interaction: Interaction) -> None:
        """Make it with a new seed, or ask for other words first; at another price ask again."""
        film, jobs = await film_here(interaction, self.parts["film_id"])
        check_mine(interaction, film)
        number, and_following = number_of(film, self.parts["shot_id"]), self.parts["what"] == "rest"
        shot, films = film.take(number).shot, interaction.client.services.films
        shown = shown_microusd(self.parts["price"])
        price = partial(films.redo_microusd, film, jobs, number, shot)
        microusd = price(and_following=and_following)
        if shown != microusd:
            await interaction.response.defer()
            notice = "" if shown is None else words.price_moved(shown, microusd)
            async with error_boundary(interaction, TROUBLE, say=_say):
                await _ask_how(interaction, film, jobs, number, notice)
            return
        act = partial(_redo, film=film, number=number, and_following=and_following)
        if self.parts["how"] == "seed":
            await act(interaction, replace(shot, seed=None))
            return
        beside = microusd - price(and_following=False)
        form = TakeForm(
            interaction.client.services, film, shot, act, title=f"Make shot {number} again", beside_microusd=beside
        )
        await show_form(interaction, form)


async def _redo(interaction: Interaction, shot: Shot, *, film: Film, number: int, and_following: bool) -> None:
    """Make the shot again; the question is replaced by what comes of it."""
    await interaction.response.defer()
    async with error_boundary(interaction, TROUBLE, say=_say):
        await _check_posting(interaction, film)
        film, jobs = await film_here(interaction, film.id)  # as it is now: a form may have been open for long
        who, films = interaction_member(interaction), interaction.client.services.films
        price = films.redo_microusd(film, jobs, number, shot, and_following=and_following)
        again = partial(_redo, shot=shot, film=film, number=number, and_following=and_following)
        async with offering_admins(interaction, price, again):
            redone = await films.redo(film.id, number, shot, who=who, and_following=and_following)
        before = {take.job_id for take in film.takes}
        microusd = sum(take.quote_microusd for take in redone.takes if take.job_id not in before)
        await _say(interaction, words.made_again(number, microusd))


async def _say(interaction: AnyInteraction, sentence: str, steps: Steps = ()) -> None:
    await interaction.edit_original_response(
        content=sentence, embed=None, view=view_of(steps), allowed_mentions=discord.AllowedMentions.none()
    )
