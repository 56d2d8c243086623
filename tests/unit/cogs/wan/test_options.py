"""The generated slash commands against Discord's limits, and called with what discord.py passes."""

from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest

from bot.catalogue import registry
from bot.catalogue.mode import Mode
from cogs.base.command_group import command_payload
from cogs.wan.groups import family_groups
from cogs.wan.options import command_for

FILE, STRING, INTEGER, BOOLEAN, NUMBER = 11, 3, 4, 5, 10  # Discord's numbers of the option types


async def unused(*_: object) -> None:
    """Never called: the tests only read the commands' descriptions."""


PAYLOAD = command_payload(family_groups(unused))
COMMANDS: dict[str, dict[str, Any]] = {
    f"{group['name']}-{command['name']}": command for group in PAYLOAD for command in group["options"]
}


def described(node: dict[str, Any]) -> int:
    """Count the characters that Discord counts: names, descriptions and choice values at every level."""
    own = len(node["name"]) + len(node.get("description", "")) + len(str(node.get("value", "")))
    return own + sum(described(child) for child in [*node.get("options", ()), *node.get("choices", ())])


def test_every_mode_has_its_command() -> None:
    """There is one group for each family, for servers only, and in it one command for each mode."""
    assert [group["name"] for group in PAYLOAD] == ["wan27", "wan25", "wan22", "wan21"]
    assert list(COMMANDS) == [mode.id for mode in registry.MODES]
    assert all(group["contexts"] == [0] and group["integration_types"] == [0] for group in PAYLOAD)


def test_a_command_is_at_most_8000_characters() -> None:
    """Names, descriptions and values of a whole command stay within Discord's 8,000 characters."""
    assert max(described(group) for group in PAYLOAD) <= 8000


@pytest.mark.parametrize("mode_id", COMMANDS)
def test_discords_limits(mode_id: str) -> None:
    """At most 25 options and 25 choices, descriptions of 1 to 100 characters, and required options first."""
    command = COMMANDS[mode_id]
    options = command["options"]
    assert 1 <= len(options) <= 25
    assert 1 <= len(command["description"]) <= 100
    assert [option["required"] for option in options] == sorted((o["required"] for o in options), reverse=True)
    for option in options:
        assert option["name"] == option["name"].lower()
        assert 1 <= len(option["name"]) <= 32
        assert 2 <= len(option["description"]) <= 100
        assert option["description"] != "…"
        assert len(option.get("choices", ())) <= 25
        assert option.get("max_length", 0) <= 6000
        assert abs(option.get("max_value", 0)) <= 2**53


@pytest.mark.parametrize("mode_id", COMMANDS)
def test_the_bounds_carry_over(mode_id: str) -> None:
    """The options have the model's types, bounds, lengths and choices."""
    specs = registry.by_id(mode_id).specs()
    types = {"file": FILE, "string": STRING, "integer": INTEGER, "boolean": BOOLEAN, "number": NUMBER}
    options = {option["name"]: option for option in COMMANDS[mode_id]["options"]}
    assert set(options) == set(specs)
    for name, spec in specs.items():
        option = options[name]
        assert option["type"] == types[spec.kind]
        assert option["required"] == spec.required
        assert option["description"] == spec.description
        assert tuple(choice["value"] for choice in option.get("choices", ())) == spec.choices
        assert (option.get("min_value"), option.get("max_value")) == (spec.minimum, spec.maximum)
        assert option.get("max_length") == spec.length_max


def test_descriptions_say_the_default() -> None:
    """Discord does not show a default, so the description ends with it where it fits."""
    options = {option["name"]: option["description"] for option in COMMANDS["wan27-image"]["options"]}
    assert options["resolution"].endswith(" Default: 1080p.")
    assert options["duration"].endswith(" Default: 5.")
    assert options["enable_prompt_expansion"].endswith(" Default: True.")


def attachment(name: str) -> discord.Attachment:
    """Make a file as discord.py would hand it over."""
    data: Any = {
        "id": "1",
        "filename": name,
        "size": 10,
        "url": "https://cdn.example/a",
        "proxy_url": "https://cdn.example/a",
    }
    return discord.Attachment(data=data, state=cast("Any", SimpleNamespace(http=None)))


async def test_a_command_passes_on_what_was_given() -> None:
    """The handler gets the mode, the given options, and the files separately; an option not given is left out."""
    seen: list[tuple[object, type[Mode], dict[str, Any], dict[str, discord.Attachment]]] = []

    async def handler(
        interaction: discord.Interaction[Any],
        mode: type[Mode],
        options: dict[str, Any],
        files: dict[str, discord.Attachment],
    ) -> None:
        seen.append((interaction, mode, options, files))

    mode = registry.by_id("wan27-image")
    command = command_for(mode, handler)
    interaction, image = cast("Any", object()), attachment("a.png")
    given: dict[str, Any] = dict.fromkeys(mode.specs())

    callback = cast("Any", command.callback)
    await callback(interaction, **given | {"image": image, "duration": 7, "enable_prompt_expansion": False})

    assert seen == [(interaction, mode, {"duration": 7, "enable_prompt_expansion": False}, {"image": image})]


def test_a_group_is_made_anew_each_time() -> None:
    """Two clients in one process do not share a group."""
    (first, *_), (second, *_) = family_groups(unused), family_groups(unused)

    assert first is not second
    assert command_payload([first]) == command_payload([second])
