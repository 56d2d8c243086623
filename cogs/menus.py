"""The message menus: Animate picture, Continue video, Edit video, Restyle video, Use in a video.

Discord sends the chosen message with its attachments, so no message-content intent is needed. A form asks for the
prompt; the rest is as for a slash command.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import app_commands

from bot.answers import answer_privately
from bot.catalogue.picker import Picker
from bot.catalogue.registry import by_id
from bot.client import Interaction
from bot.media.rules.file_name import shown_name
from bot.media.rules.kind import claimed_kind
from bot.texts import menus as words
from bot.texts.menus import Menu, MenuEntry
from cogs.base.cog import FeatureCog
from cogs.base.command_group import BY_SERVER, SERVERS
from cogs.base.form import Form, FormItem, form_item, show_form
from cogs.ordering.own_defaults import own_preferences
from cogs.ordering.posting_rights import check_place
from cogs.ordering.typed_command import make_video


@dataclass(frozen=True, slots=True)
class Found:
    """The files of a message that the menu accepts, in order."""

    files: Sequence[discord.Attachment]

    def by_option(self, menu: Menu, chosen: int) -> dict[str, discord.Attachment]:
        """Return the file of each option: the chosen file, or each file in the next free option of its kind."""
        if menu.takes_one:
            (options,) = menu.takes.values()
            return {options[0]: self.files[chosen]}
        free = {kind: list(options) for kind, options in menu.takes.items()}
        given: dict[str, discord.Attachment] = {}
        for file in self.files:
            kind = claimed_kind(file.content_type, file.filename)
            if kind in free and free[kind] and len(given) < words.REFERENCES_MAX:
                given[free[kind].pop(0)] = file
        return given


def files_of(message: discord.Message) -> list[discord.Attachment]:
    """Return the message's files, those of a forwarded message included."""
    return [*message.attachments, *(file for one in message.message_snapshots for file in one.attachments)]


def _kind(file: discord.Attachment) -> str:
    return claimed_kind(file.content_type, file.filename) or ""


class MenuForm(Form):
    """Asks for the prompt and the main options, then makes the video as a slash command would.

    discord.py forgets it after `life_s` seconds, because Discord does not report that a form was closed.
    """

    def __init__(self, menu: Menu, found: Found, picker: Picker, *, life_s: float) -> None:
        """Add the menu's fields, filled in with the mode's defaults."""
        super().__init__(title=menu.name, timeout=life_s)
        self._menu = menu
        self._found = found
        self._items: dict[str, FormItem] = {}
        for part in words.form_parts(menu, [shown_name(file.filename) for file in found.files], picker):
            self._items[part.name] = item = form_item(part)
            self.add_item(discord.ui.Label(text=part.label, description=part.hint, component=item))

    async def submitted(self, interaction: Interaction) -> None:
        """Make the video; this answer becomes its card."""
        options: dict[str, str] = {}
        files: dict[str, discord.Attachment] = {}
        for name, item in self._items.items():
            if isinstance(item, discord.ui.FileUpload):
                files[name] = item.values[0]
            elif given := item.values[0] if isinstance(item, discord.ui.Select) else item.value.strip():
                options[name] = given
        chosen = int(options.pop(words.WHICH, "0"))
        files |= self._found.by_option(self._menu, chosen)
        await make_video(interaction, by_id(self._menu.mode_id), options, files)


def _callback(entry: MenuEntry) -> Callable[[Any, discord.Message], Any]:
    async def callback(interaction: discord.Interaction[Any], message: discord.Message) -> None:
        await open_form(interaction, entry, message)

    return callback


async def open_form(interaction: Interaction, entry: MenuEntry, message: discord.Message) -> None:
    """Show the form of the entry's way to use this message's files.

    Raises:
        OptionRefused: Wanda cannot post videos here.
    """
    services, files = interaction.client.services, files_of(message)
    menu = entry.way_for({_kind(file) for file in files}, services.picker)
    if menu is not None:
        menu = words.own_menu(menu, await own_preferences(interaction), services.picker)
    await check_place(interaction, (menu or entry.ways[0]).mode_id)
    if menu is None:
        is_own = message.author == interaction.client.user and message.flags.components_v2
        await answer_privately(interaction, words.own_video(entry) if is_own else words.no_file(entry))
        return
    found = Found([file for file in files if _kind(file) in menu.takes])
    life_s = services.settings.jobs.pending_order_life_s
    await show_form(interaction, MenuForm(menu, found, services.picker, life_s=life_s))


def context_menus(picker: Picker) -> list[app_commands.ContextMenu]:
    """Return new command objects, one for each entry in `bot.texts.menus` of which a mode has a price."""
    return [
        app_commands.ContextMenu(
            name=entry.name,
            callback=_callback(entry),
            type=discord.AppCommandType.message,
            allowed_contexts=SERVERS,
            allowed_installs=BY_SERVER,
        )
        for entry in words.MENU_ENTRIES
        if entry.open_ways(picker)
    ]


class Menus(FeatureCog):
    """The message menus."""

    @classmethod
    def commands_with(cls, picker: Picker) -> list[app_commands.ContextMenu]:
        """Return the menus."""
        return context_menus(picker)
