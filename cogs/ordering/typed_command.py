"""A command that was refused, and the form that repeats it with what was typed."""

from collections.abc import Mapping
from typing import Any

import discord

from bot.catalogue.mode import Mode
from bot.catalogue.registry import build
from bot.client import Interaction, Services
from bot.errors import Refusal, WandaError
from bot.jobs.model import Request
from bot.media.rules.file_name import shown_name
from bot.texts import next_steps as words
from cogs.base.form import Form, FormItem, form_item, show_form
from cogs.ordering.command import attached, order_with_attachments
from cogs.ordering.extras import mode_options, with_loop, with_variations
from cogs.ordering.own_defaults import own_defaults_of
from cogs.ordering.posting_rights import check_place
from cogs.ordering.refused import next_steps


async def make_video(
    interaction: Interaction,
    mode_class: type[Mode],
    options: Mapping[str, Any],
    attachments: Mapping[str, discord.Attachment],
    *,
    own_microusd: int | None = None,
) -> None:
    """Make the video, or ask for confirmation first. This function also reports refusals after the first answer.

    With `own_microusd` others chip in, and that is what the member adds.

    Raises:
        Refusal: the interaction was not answered; nothing was held or kept but what was typed, for its next steps.
        StorageError: likewise.
    """
    attachments = with_loop(options, attachments)
    typed = TypedCommand(mode_class, options, attachments)
    typed.own_microusd = own_microusd
    async with next_steps(interaction, typed):
        await check_place(interaction, mode_class.id)
        own = await mode_options(interaction, mode_class, options)
        given = build(mode_class.id, own, attached(attachments))
        mode = interaction.client.services.picker.completed(given, await own_defaults_of(interaction, given))
        request = with_variations(
            Request(mode=mode),
            options,
            interaction.client.services.prices,
            is_resolution_chosen="resolution" in own,
        )
        await order_with_attachments(interaction, request, attachments, known=typed)


class TypedCommand:
    """A command's options and files, from a slash command or a form; the files are copied anew each time."""

    def __init__(
        self, mode: type[Mode], options: Mapping[str, Any], attachments: Mapping[str, discord.Attachment]
    ) -> None:
        self.mode = mode
        self.options = options
        self.attachments = attachments
        self.request: Request | None = None
        self.error: WandaError | None = None
        self.own_microusd: int | None = None

    async def open_form(self, interaction: Interaction) -> None:
        """Show the form with what was typed."""
        await show_form(interaction, FixForm(interaction.client.services, self, self.error or Refusal()))

    async def again(self, interaction: Interaction, changes: Mapping[str, Any]) -> None:
        """Order the video again, with these options changed; raises as `make_video`."""
        await make_video(
            interaction,
            self.mode,
            {**self.options, **changes},
            self.attachments,
            own_microusd=None if changes else self.own_microusd,
        )


class FixForm(Form):
    """Asks for what was wrong with a command, and orders the video as the command would."""

    def __init__(self, services: Services, typed: TypedCommand, error: WandaError) -> None:
        super().__init__(title=words.FIX_TITLE, timeout=services.settings.jobs.pending_order_life_s)
        self._typed = typed
        self._items: dict[str, FormItem] = {}
        names = {option: shown_name(file.filename) for option, file in typed.attachments.items()}
        for part in words.fix_parts(
            typed.mode, services.picker.specs_filled(typed.mode, typed.options, names), typed.options, names, error
        ):
            self._items[part.name] = item = form_item(part)
            self.add_item(discord.ui.Label(text=part.label, description=part.hint, component=item))

    async def submitted(self, interaction: Interaction) -> None:
        """Order the video; this answer becomes its card."""
        options, files = dict(self._typed.options), dict(self._typed.attachments)
        for name, item in self._items.items():
            match item:
                case discord.ui.FileUpload():
                    if item.values:
                        files[name] = item.values[0]
                case discord.ui.Select() if name == words.FILES:
                    files = {option: file for option, file in files.items() if option in item.values}
                case discord.ui.Select():
                    options[name] = item.values[0]
                case _:
                    options[name] = item.value.strip() or None
        await make_video(interaction, self._typed.mode, options, files)
