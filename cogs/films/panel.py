"""The buttons of a draft's private panel. Each press asks again who presses, and edits the panel in place."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from bot.client import Interaction
from bot.errors import OptionRefused, Refusal, StorageError
from bot.films import drafts
from bot.films.editing import changed_shot, moved_shot, number_of, shot_named, without_shot
from bot.films.model import Draft
from bot.jobs.model import Input
from bot.texts import film_panel as words
from bot.texts.film_ids import DRAFT_SELECT_TEMPLATE, DRAFT_TEMPLATE, shown_microusd
from bot.texts.trouble import PAGE_TROUBLE
from cogs.base.component import PersistentButton, PersistentSelect
from cogs.base.form import show_form
from cogs.films import draft_files
from cogs.films.chip_in import ask_for_own
from cogs.films.drafts import (
    check_press,
    keep_draft,
    own_draft,
    say_on_panel,
    show,
    show_draft,
    show_gone,
    show_shot,
)
from cogs.films.forms import LookForm, ShotForm
from cogs.films.ordering import make
from cogs.films.refused import ask_for_film
from cogs.ordering.checks import CHECK_WITHIN_S, interaction_member

Edit: TypeAlias = Callable[[Draft], Draft]
FORMS = frozenset({"add", "edit", "look", "chip"})


class DraftButton(PersistentButton, template=DRAFT_TEMPLATE):
    """A button of the panel: it opens a page or a form, changes the draft, or makes the film."""

    trouble = PAGE_TROUBLE

    async def pressed(self, interaction: Interaction) -> None:
        """Do what the button says; a refusal stands on the panel, where there still is a draft."""
        action, draft_id = self.parts["action"], self.parts["draft_id"]
        await check_press(interaction)
        if action in FORMS:
            await self._open_form(interaction)
            return
        await interaction.response.defer()
        if action == "new":
            await show_draft(interaction, await new_draft(interaction))
            return
        try:
            draft = await own_draft(interaction, draft_id)
        except OptionRefused as refusal:
            await show_gone(interaction, draft_id, str(refusal))
            return
        try:
            await self._act(interaction, draft)
        except (Refusal, StorageError) as error:
            await say_on_panel(interaction, draft.id, error)

    async def _open_form(self, interaction: Interaction) -> None:
        """Show a form with what the draft has now; Discord waits 3 s for it."""
        try:
            async with asyncio.timeout(CHECK_WITHIN_S):
                draft = await own_draft(interaction, self.parts["draft_id"])
        except TimeoutError:
            raise StorageError("the draft was not read in time") from None
        services = interaction.client.services
        match self.parts["action"]:
            case "chip":
                await ask_for_own(interaction, draft, shown_microusd(self.parts["price"]))
                return
            case "look":
                form = LookForm(services, draft)
            case "edit":
                form = ShotForm(services, draft, shot_named(draft, self.parts["shot_id"]))
            case _:
                form = ShotForm(services, draft, None)
        await show_form(interaction, form)

    async def _act(self, interaction: Interaction, draft: Draft) -> None:
        services, shot_id = interaction.client.services, self.parts["shot_id"]
        match self.parts["action"]:
            case "open":
                await show_shot(interaction, draft, shot_id)
            case "up" | "down" as direction:
                moved = await keep_draft(services, moved_shot(draft, shot_id, direction))
                said = words.moved(number_of(draft, shot_id), number_of(moved, shot_id))
                await show_shot(interaction, moved, shot_id, said)
            case "remove":
                files = shot_named(draft, shot_id).files
                await self._keep_without(interaction, without_shot(draft, shot_id), files, words.REMOVED)
            case "bare":
                files = shot_named(draft, shot_id).files
                bare = changed_shot(draft, shot_id, picture=None, end_picture=None)
                await self._keep_without(interaction, bare, files, words.CHANGED)
            case "mute":
                files = () if draft.soundtrack is None else (draft.soundtrack,)
                await self._keep_without(interaction, replace(draft, soundtrack=None), files, words.CHANGED)
            case "make" | "sure" | "ask":
                await self._order(interaction, draft)
            case "drop":
                await show(interaction, words.deletion_panel(draft))
            case "gone":
                if not await services.store.write(drafts.delete_own_draft(draft), guild_id=draft.guild_id):
                    await show_gone(interaction, draft.id, words.GONE)  # its files may be a film's now
                    return
                await draft_files.forget_all(services, draft.id)
                await show(interaction, words.said_panel(words.DELETED, draft.id))
            case _:
                await show_draft(interaction, draft)

    async def _order(self, interaction: Interaction, draft: Draft) -> None:
        """Make the film, or ask the admins for the money."""
        if self.parts["action"] == "ask":
            await ask_for_film(interaction, draft)
            return
        shown = shown_microusd(self.parts["price"])
        await make(interaction, draft, is_sure=self.parts["action"] == "sure", shown_microusd=shown)

    async def _keep_without(
        self, interaction: Interaction, changed: Draft, files: tuple[Input, ...], said: str
    ) -> None:
        """Keep the changed draft, and remove the files that it does not have any more."""
        services = interaction.client.services
        kept = await keep_draft(services, changed)
        still = {item.path for item in kept.files}
        await draft_files.forget(services, [item for item in files if item.path not in still])
        if self.parts["action"] == "bare":
            await show_shot(interaction, kept, self.parts["shot_id"], said)
        else:
            await show_draft(interaction, kept, said)


async def new_draft(interaction: Interaction) -> Draft:
    """Return a new empty draft, or an empty one that the member has already.

    Raises:
        OptionRefused: they have as many as they may.
        StorageError: the database did not answer.
    """
    services, who = interaction.client.services, interaction_member(interaction)
    there = await services.store.read(drafts.drafts_of(who.guild_id, who.member_id))
    empty = next((draft for draft in there if not draft.shots and not draft.files), None)
    return empty or await keep_draft(services, services.films.new_draft(who, interaction.channel_id or 0))


class DraftSelect(PersistentSelect, template=DRAFT_SELECT_TEMPLATE):
    """The list of the member's other drafts."""

    trouble = PAGE_TROUBLE

    async def chosen(self, interaction: Interaction, value: str) -> None:
        """Show the chosen draft."""
        await check_press(interaction)
        await interaction.response.defer()
        try:
            draft = await own_draft(interaction, value[:32])
        except OptionRefused as refusal:
            await show(interaction, words.said_panel(str(refusal), self.parts["draft_id"]))
        else:
            await show_draft(interaction, draft)
