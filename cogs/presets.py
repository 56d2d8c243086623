"""`/preset`: saves settings under a name, lists, shares and deletes them; every Wan command takes one as `preset`."""

import asyncio
import logging
from typing import Any

import discord
from discord import app_commands

from bot.answers import answer_privately
from bot.cards.embeds import to_embed
from bot.catalogue.registry import MODE_TITLES, by_id
from bot.client import Interaction, Services
from bot.errors import OptionRefused, Refusal, StorageError
from bot.jobs import presets
from bot.jobs.disclosure import as_seen_by, hidden_options
from bot.jobs.presets import OFFERED_MAX, SERVER, Preset, PresetBounds, clean_name, options_to_keep
from bot.ledger.model import Who
from bot.settings import PresetSettings
from bot.texts import presets as words
from bot.texts.form_fields import TEXT_CHARS_MAX, option_label
from cogs.base.acknowledgement import think
from cogs.base.cog import FeatureCog
from cogs.base.command_group import CommandSpec, top_group
from cogs.base.form import Form, show_form
from cogs.jobs.cog import offer_jobs, own_job
from cogs.ordering.checks import interaction_member

log = logging.getLogger(__name__)
SETTINGS_CHARS_MAX = 600
OFFER_WITHIN_S = 1.5  # Discord waits 3 s for an autocompletion, including the time on the network


def bounds_of(settings: PresetSettings) -> PresetBounds:
    """Return the bounds from the settings."""
    return PresetBounds(
        of_member_max=settings.of_member_max, of_server_max=settings.of_server_max, in_server_max=settings.in_server_max
    )


async def offer_presets(
    interaction: Interaction, current: str, *, mode: str | None, owner_only: bool = False
) -> list[app_commands.Choice[str]]:
    """Return the presets that the member may use whose names contain the typed text; none if that takes too long."""
    try:
        who = interaction_member(interaction)
        reading = presets.presets_seen(who.guild_id, who.member_id, mode=mode, typed=current[:100], limit=OFFERED_MAX)
        async with asyncio.timeout(OFFER_WITHIN_S):
            found = await interaction.client.services.store.read(reading)
    except (Refusal, StorageError, TimeoutError):
        log.warning("no presets could be offered", exc_info=True)
        return []
    may_all = interaction.permissions.manage_guild
    mine = [one for one in found if not owner_only or one.owner_id == who.member_id or (may_all and not one.owner_id)]
    return [
        app_commands.Choice(name=words.preset_label(one, who.member_id), value=one.value)
        for one in mine
        if len(one.value) <= words.CHOICE_CHARS_MAX
    ]


async def _offer_all(interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
    return await offer_presets(interaction, current, mode=None, owner_only=True)


@app_commands.describe(
    name="What to call it; a preset of yours by that name is replaced.",
    video="A video of yours to keep the settings of. Leave it out to type them.",
    for_server="For everybody here. Only people who manage this server can do this.",
)
@app_commands.autocomplete(video=offer_jobs)
async def save(interaction: Interaction, name: str, video: str | None = None, *, for_server: bool = False) -> None:
    """Save the settings of a finished video, or ask for them in a form."""
    who = interaction_member(interaction)
    name = clean_name(name)
    owner_id = _owner(interaction, who, for_server=for_server)
    services = interaction.client.services
    if video is None:
        life_s = services.settings.jobs.pending_order_life_s
        await show_form(interaction, PresetForm(name, owner_id, life_s=life_s))
        return
    await think(interaction)
    job = as_seen_by(await own_job(services, who, video), who.member_id)
    hidden = hidden_options(job, who.member_id)
    mode = by_id(job.mode)
    own = {key: value for key, value in job.options.items() if key not in hidden and key in mode.specs()}
    preset = Preset(owner_id=owner_id, name=name, mode=job.mode, options=options_to_keep(mode, own))
    await interaction.edit_original_response(content=await _keep(services, who, preset))


def _owner(interaction: Interaction, who: Who, *, for_server: bool) -> int:
    """Return whose the preset is to be.

    Raises:
        OptionRefused: the server's are not this member's to change.
    """
    if not for_server:
        return who.member_id
    if not interaction.permissions.manage_guild:
        raise OptionRefused(words.NOT_ADMIN)
    return SERVER


async def _keep(services: Services, who: Who, preset: Preset) -> str:
    saving = presets.save_preset(who.guild_id, preset, bounds=bounds_of(services.settings.presets), at=services.clock())
    await services.store.write(saving, guild_id=who.guild_id)
    return words.saved(preset, for_server=preset.owner_id == SERVER)


class PresetForm(Form):
    """Asks for the mode, the prompts and the other settings of a preset."""

    def __init__(self, name: str, owner_id: int, *, life_s: float) -> None:
        super().__init__(title="Save a preset", timeout=life_s)
        self._name = name
        self._owner_id = owner_id
        modes = [discord.SelectOption(label=title, value=mode_id) for mode_id, title in MODE_TITLES.items()]
        self._mode = discord.ui.Select[Any](custom_id="mode", options=modes[:25], required=True)
        self._prompt = _text("prompt", TEXT_CHARS_MAX)
        self._negative = _text("negative_prompt", TEXT_CHARS_MAX)
        self._settings = _text("settings", SETTINGS_CHARS_MAX)
        self.add_item(discord.ui.Label(text="Kind of video", component=self._mode))
        self.add_item(discord.ui.Label(text="Prompt", description=words.PROMPT_HINT, component=self._prompt))
        self.add_item(discord.ui.Label(text=option_label("negative_prompt"), component=self._negative))
        self.add_item(discord.ui.Label(text="Settings", description=words.SETTINGS_HINT, component=self._settings))

    async def submitted(self, interaction: Interaction) -> None:
        """Keep the preset."""
        who = interaction_member(interaction)
        owner_id = _owner(interaction, who, for_server=self._owner_id == SERVER)
        mode = by_id(self._mode.values[0])
        typed = {"prompt": self._prompt.value.strip(), "negative_prompt": self._negative.value.strip()}
        given = {**_pairs(self._settings.value), **{name: text for name, text in typed.items() if text}}
        preset = Preset(owner_id=owner_id, name=self._name, mode=mode.id, options=options_to_keep(mode, given))
        await think(interaction)
        await interaction.edit_original_response(content=await _keep(interaction.client.services, who, preset))


def _text(name: str, chars_max: int) -> discord.ui.TextInput[Any]:
    return discord.ui.TextInput[Any](
        custom_id=name, style=discord.TextStyle.paragraph, required=False, max_length=chars_max
    )


def _pairs(text: str) -> dict[str, str]:
    """Return the settings in a text, such as "resolution=720p, duration=5".

    Raises:
        OptionRefused: a part of it is no setting.
    """
    found: dict[str, str] = {}
    for part in text.replace("\n", ",").split(","):
        name, sign, value = part.partition("=")
        if part.strip() and not sign:
            raise OptionRefused(f"“{part.strip()[:40]}” has no value. Write it like resolution=720p.")
        if sign:
            found[name.strip().lower().replace(" ", "_")] = value.strip()
    return found


async def list_presets(interaction: Interaction) -> None:
    """List the presets that the member may use."""
    who = interaction_member(interaction)
    await think(interaction)
    most = words.LISTED_MAX
    found = await interaction.client.services.store.read(
        presets.presets_seen(who.guild_id, who.member_id, limit=most + 1)
    )
    card = words.presets_card(found[:most], who.member_id, is_cut=len(found) > most)
    await interaction.edit_original_response(embed=to_embed(card))


@app_commands.describe(preset="Which one.")
@app_commands.autocomplete(preset=_offer_all)
async def delete(interaction: Interaction, preset: str) -> None:
    """Delete a preset of the member's, or for admins one of the server's."""
    who, services = interaction_member(interaction), interaction.client.services
    found = await _found(services, who, preset)
    if found.owner_id != who.member_id:
        _owner(interaction, who, for_server=True)
    if found.owner_id not in (SERVER, who.member_id):
        raise OptionRefused(words.not_yours(found.name))
    deleting = presets.delete_preset(who.guild_id, found.owner_id, found.name)
    await services.store.write(deleting, guild_id=who.guild_id)
    await answer_privately(interaction, words.deleted(found.name))


@app_commands.describe(preset="Which of yours.", with_everybody="Leave it out to share it; false takes it back.")
@app_commands.autocomplete(preset=_offer_all)
async def share(interaction: Interaction, preset: str, *, with_everybody: bool = True) -> None:
    """Let everybody in this server use one of the member's presets, or no more."""
    who, services = interaction_member(interaction), interaction.client.services
    found = await _found(services, who, preset)
    if found.owner_id != who.member_id:
        raise OptionRefused(words.not_yours(found.name))
    sharing = presets.share_preset(who.guild_id, who.member_id, found.name, shared=with_everybody)
    await services.store.write(sharing, guild_id=who.guild_id)
    await answer_privately(interaction, words.shared(found.name, is_shared=with_everybody))


async def _found(services: Services, who: Who, text: str) -> Preset:
    found = await services.store.read(presets.preset_named(who.guild_id, who.member_id, text))
    if found is None:
        raise OptionRefused(words.no_preset(text))
    return found


class Presets(FeatureCog):
    """`/preset`."""

    @staticmethod
    def make_commands() -> list[app_commands.Group]:
        """Return the command group."""
        specs = (
            CommandSpec("save", "Save the settings of a video, or those you type, under a name.", save),
            CommandSpec("list", "Show the presets you can use here.", list_presets),
            CommandSpec("share", "Let everybody here use one of your presets.", share),
            CommandSpec("delete", "Delete one of your presets.", delete),
        )
        return [top_group("preset", "Your favourite settings under a name.", specs)]
