"""Converts a mode's pydantic model to a slash command: its fields become the options."""

from collections.abc import Awaitable, Callable, Coroutine
from inspect import Parameter, Signature
from typing import Any, TypeAlias, cast

import discord
from discord import app_commands

from bot.catalogue.drafts import has_drafts
from bot.catalogue.fields import OptionKind, OptionSpec
from bot.catalogue.mode import Mode, SlashCommand
from bot.catalogue.picker import Picker
from bot.jobs.best_of import drafts_choice
from bot.jobs.model import VARIATIONS_MAX, VARIATIONS_MIN
from bot.texts.form_fields import LOOP, PRESET, VARIATIONS
from cogs.presets import offer_presets

Handler: TypeAlias = Callable[
    [discord.Interaction[Any], type[Mode], dict[str, Any], dict[str, discord.Attachment]], Awaitable[None]
]
PLAIN_TYPES: dict[OptionKind, type] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "file": discord.Attachment,
}

PRESETS = OptionSpec(
    name=PRESET,
    kind="string",
    description="Settings saved with /preset. What you choose here wins.",
    required=False,
    length_max=100,
)

LOOPS = OptionSpec(
    name=LOOP,
    kind="boolean",
    description="End with the picture it begins with, so that the video can play on and on.",
    required=False,
)


def _variations(*, with_drafts: bool) -> OptionSpec:
    """Return the option for several videos at once; one option, because a command has 25 at most.

    Drafts are offered where they save something.
    """
    numbers = range(VARIATIONS_MIN, VARIATIONS_MAX + 1)
    choices, labels = list(numbers), [f"{number} videos, all in full" for number in numbers]
    if with_drafts:
        choices += [drafts_choice(number) for number in numbers]
        labels += [f"Best of {number}: cheap drafts, and the one you pick in full" for number in numbers]
    drafts = " Or cheap drafts, and only your pick in full." if with_drafts else ""
    return OptionSpec(
        name=VARIATIONS,
        kind="integer",
        description=f"Make several at once, each with its own seed.{drafts}",
        required=False,
        choices=tuple(choices),
        labels=tuple(labels),
    )


def command_for(
    mode: type[Mode], command: SlashCommand, picker: Picker, handler: Handler
) -> app_commands.Command[Any, ..., None]:
    """Return one slash command of the mode; it calls `handler` with the given options, and with the files separately.

    Options that were not given are left out. Discord checks each option's bounds and choices; the model checks rules
    between options.
    """
    own = picker.command_specs(mode, command)
    loops = [LOOPS] if {"image", "end_image"} <= {spec.name for spec in own} else []
    variations = _variations(with_drafts=has_drafts(mode.id, picker.prices))
    specs = [*own[:-1], *loops, variations, PRESETS, own[-1]]  # the seed stays the last

    async def callback(interaction: discord.Interaction[Any], **given: Any) -> None:
        files = {name: value for name, value in given.items() if isinstance(value, discord.Attachment)}
        options = {name: value for name, value in given.items() if value is not None and name not in files}
        await handler(interaction, mode, options, files)

    # discord.py takes a function with a dotted name for a method
    callback.__name__ = callback.__qualname__ = command.name
    described = cast("Any", callback)
    described.__signature__ = _signature(specs)
    described.__discord_app_commands_param_description__ = {spec.name: spec.description for spec in specs}
    described.__discord_app_commands_param_choices__ = {
        spec.name: [app_commands.Choice(name=label, value=value) for label, value in spec.labelled()]
        for spec in specs
        if spec.choices
    }
    made: app_commands.Command[Any, ..., None] = app_commands.Command(
        name=command.name, description=command.summary, callback=described
    )
    made.autocomplete(PRESET)(_offers(mode))
    return made


def _offers(mode: type[Mode]) -> Callable[..., Coroutine[Any, Any, list[app_commands.Choice[str]]]]:
    async def offer(interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
        return await offer_presets(interaction, current, mode=mode.id)

    return offer


def _signature(specs: list[OptionSpec]) -> Signature:
    """Return the signature from which discord.py reads the options."""
    interaction = Parameter("interaction", Parameter.POSITIONAL_OR_KEYWORD, annotation=discord.Interaction)
    return Signature([interaction, *(_parameter(spec) for spec in specs)])


def _parameter(spec: OptionSpec) -> Parameter:
    annotation = _annotation(spec)
    return Parameter(
        spec.name,
        Parameter.KEYWORD_ONLY,
        annotation=annotation if spec.required else annotation | None,
        default=Parameter.empty if spec.required else None,
    )


def _annotation(spec: OptionSpec) -> Any:
    """Return the type that discord.py turns into the option, with its bounds."""
    plain = PLAIN_TYPES[spec.kind]
    if spec.choices:
        return plain  # with the choices that the callback lists
    lower, upper = (spec.length_min, spec.length_max) if spec.kind == "string" else (spec.minimum, spec.maximum)
    if lower is None and upper is None:
        return plain
    as_bound = float if spec.kind == "number" else int
    low, high = (None if bound is None else as_bound(bound) for bound in (lower, upper))
    return cast("Any", app_commands.Range)[plain, low, high]
