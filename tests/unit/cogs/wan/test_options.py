"""The generated slash commands against Discord's limits, and called with what discord.py passes."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest

from bot.catalogue import registry
from bot.catalogue.mode import Mode
from bot.catalogue.picker import Picker
from bot.settings import DefaultSettings, MoneySettings
from cogs.base.command_group import command_payload
from cogs.wan.groups import family_groups
from cogs.wan.options import command_for
from tests.support.catalogue_samples import PICKER

FILE, STRING, INTEGER, BOOLEAN, NUMBER = 11, 3, 4, 5, 10  # Discord's numbers of the option types


async def unused(*_: object) -> None:
    """Never called: the tests only read the commands' descriptions."""


PAYLOAD = command_payload(family_groups(PICKER, unused))
COMMANDS: dict[str, dict[str, Any]] = {
    f"{group['name']} {command['name']}": command for group in PAYLOAD for command in group["options"]
}
MODES: dict[str, type[Mode]] = {
    f"{mode.family()} {command.name}": mode for mode in registry.MODES for command in mode.slash_commands()
}


def named(command: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a command's options by name."""
    return {option["name"]: option for option in command["options"]}


def described(node: dict[str, Any]) -> int:
    """Count the characters that Discord counts: names, descriptions and choices at every level."""
    own = len(node["name"]) + len(node.get("description", "")) + len(str(node.get("value", "")))
    return own + sum(described(child) for child in [*node.get("options", ()), *node.get("choices", ())])


def test_every_mode_has_its_command() -> None:
    """There is one group for each family, for servers only, and in it the commands of each of its modes."""
    assert [group["name"] for group in PAYLOAD] == ["wan27", "wan25", "wan22", "wan21"]
    assert list(COMMANDS) == list(MODES)
    assert [name for name in COMMANDS if name.replace(" ", "-") not in registry.MODE_TITLES] == ["wan27 continue"]
    assert all(group["contexts"] == [0] and group["integration_types"] == [0] for group in PAYLOAD)


def test_a_command_is_at_most_8000_characters() -> None:
    """Names, descriptions and values of a whole command stay within Discord's 8,000 characters."""
    assert max(described(group) for group in PAYLOAD) <= 8000


@pytest.mark.parametrize("name", COMMANDS)
def test_discords_limits(name: str) -> None:
    """At most 25 options and 25 choices, descriptions of 1 to 100 characters, and required options first."""
    command = COMMANDS[name]
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
        assert all(1 <= len(choice["name"]) <= 100 for choice in option.get("choices", ()))
        assert option.get("max_length", 0) <= 6000
        assert abs(option.get("max_value", 0)) <= 2**53


BESIDE = {"loop", "variations", "preset"}  # options of every command


@pytest.mark.parametrize("name", COMMANDS)
def test_the_bounds_carry_over(name: str) -> None:
    """The options have the model's types, bounds, lengths and choices; what it requires, the command requires."""
    specs = MODES[name].specs()
    types = {"file": FILE, "string": STRING, "integer": INTEGER, "boolean": BOOLEAN, "number": NUMBER}
    options = named(COMMANDS[name])
    assert {name for name, spec in specs.items() if spec.required} <= set(options) <= set(specs) | BESIDE
    for option_name, option in options.items():
        if option_name in BESIDE:
            continue
        spec = specs[option_name]
        assert option["type"] == types[spec.kind]
        assert option["required"] >= spec.required
        assert tuple(choice["value"] for choice in option.get("choices", ())) == spec.choices
        assert (option.get("min_value"), option.get("max_value")) == (spec.minimum, spec.maximum)
        assert option.get("max_length") == spec.length_max


# What has to be given, the files in it; then the options that follow it.
IN_ORDER = {
    "wan27 image": (["prompt", "image"], ["end_image", "audio", "resolution", "duration"]),
    "wan27 continue": (["prompt", "video", "duration"], ["end_image", "resolution"]),
    "wan27 text": (["prompt"], ["audio", "aspect_ratio", "resolution", "duration"]),
    "wan27 reference": (["prompt"], ["image1", "image2", "image3", "image4", "image5"]),
    "wan27 edit": (["prompt", "video"], ["reference_image", "resolution", "duration"]),
    "wan25 image": (["prompt", "image"], ["audio", "resolution", "duration"]),
    "wan25 text": (["prompt"], ["audio", "aspect_ratio", "resolution", "duration"]),
    "wan22 video": (["prompt", "video"], ["resolution", "num_frames"]),
    "wan21 image": (["prompt", "image"], ["resolution", "num_frames"]),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_picker_guides(name: str) -> None:
    """A command asks for the prompt and the files first, then for resolution and length; the seed comes last."""
    options = COMMANDS[name]["options"]
    required = [option["name"] for option in options if option["required"]]
    optional = [option["name"] for option in options if not option["required"]]
    assert (required, optional[: len(IN_ORDER[name][1])]) == IN_ORDER[name]
    assert optional[-1] == "seed"


def test_a_picture_and_a_clip_have_commands_of_their_own() -> None:
    """`/wan27 image` has no clip, `/wan27 continue` no picture to begin with; both are of one mode."""
    assert "video" not in named(COMMANDS["wan27 image"])
    assert not {"image", "audio"} & set(named(COMMANDS["wan27 continue"]))
    assert MODES["wan27 image"] is MODES["wan27 continue"]
    assert MODES["wan27 image"].slash_command_of(["image", "audio"]) == "/wan27 image"
    assert MODES["wan27 image"].slash_command_of(["video", "end_image"]) == "/wan27 continue"


def choices(name: str, option: str) -> list[tuple[str, object]]:
    """Return what the picker shows of an option's choices, and what it sends."""
    return [(choice["name"], choice["value"]) for choice in named(COMMANDS[name])[option]["choices"]]


def test_choices_say_what_they_cost() -> None:
    """A resolution carries the price of its unit, a length its sum; what is sent is the bare value."""
    assert choices("wan27 image", "resolution") == [
        ("720p · $0.10 a second", "720p"),
        ("1080p · $0.15 a second", "1080p"),
    ]
    assert choices("wan22 video", "resolution")[0] == ("480p · $0.04 per 16 frames", "480p")
    assert choices("wan21 image", "resolution")[1] == ("720p · $0.40 a video", "720p")
    assert choices("wan25 image", "duration") == [("5 s · $0.50 at 720p", 5), ("10 s · $1.00 at 720p", 10)]


def test_descriptions_say_the_default() -> None:
    """Discord does not show a default, so the description ends with it where it fits, a length's with its price."""
    options = {name: option["description"] for name, option in named(COMMANDS["wan27 image"]).items()}
    assert options["resolution"].endswith(" Default: 720p.")
    assert options["duration"] == "Seconds of video. Default: 5 ($0.50 at 720p)."
    assert options["enable_prompt_expansion"].endswith(" Default: True.")
    assert "Default" not in named(COMMANDS["wan27 continue"])["duration"]["description"]


def test_what_has_no_price_is_not_offered() -> None:
    """A resolution without a price is no choice; a mode without any has no command, and its family no group."""
    some = Picker.of(MoneySettings(wan25_720p_usd=Decimal(0), wan25_1080p_usd=Decimal(0)), DefaultSettings())
    (group,) = (one for one in command_payload(family_groups(some, unused)) if one["name"] == "wan25")
    resolution = named(group["options"][0])["resolution"]
    assert [choice["value"] for choice in resolution["choices"]] == ["480p"]
    assert resolution["description"].endswith(" Default: 480p.")

    nothing = {f"wan25_{one}_usd": Decimal(0) for one in ("480p", "720p", "1080p")}
    none = Picker.of(MoneySettings.model_validate(nothing), DefaultSettings())
    assert [one["name"] for one in command_payload(family_groups(none, unused))] == ["wan27", "wan22", "wan21"]


def test_other_prices_are_another_payload() -> None:
    """A start syncs when the payload differs, and so also when a price or a default does."""
    dearer = Picker.of(MoneySettings(wan25_480p_usd=Decimal("0.06")), DefaultSettings())
    longer = Picker.of(MoneySettings(), DefaultSettings(wan27_image="duration=8"))
    again = Picker.of(MoneySettings(), DefaultSettings())
    payloads = [command_payload(family_groups(one, unused)) for one in (dearer, longer, again)]
    assert [payload == PAYLOAD for payload in payloads] == [False, False, True]


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
    command = command_for(mode, mode.slash_commands()[0], PICKER, handler)
    interaction, image = cast("Any", object()), attachment("a.png")
    given: dict[str, Any] = dict.fromkeys(option.name for option in command.parameters)

    callback = cast("Any", command.callback)
    await callback(interaction, **given | {"image": image, "duration": 7, "enable_prompt_expansion": False})

    assert seen == [(interaction, mode, {"duration": 7, "enable_prompt_expansion": False}, {"image": image})]


def test_a_group_is_made_anew_each_time() -> None:
    """Two clients in one process do not share a group."""
    (first, *_), (second, *_) = family_groups(PICKER, unused), family_groups(PICKER, unused)

    assert first is not second
    assert command_payload([first]) == command_payload([second])


def test_descriptions_are_whole() -> None:
    """No description of an option had to be cut to Discord's 100 characters."""
    told = [(name, one["name"], one["description"]) for name, each in COMMANDS.items() for one in each["options"]]
    assert [one for one in told if one[2].endswith("…")] == []
