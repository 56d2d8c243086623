"""Discord's rules for application commands: names, lengths, counts, order."""

import re
from typing import Any, cast

from sandbox.discord.file_types import check_file_types
from sandbox.discord.schema import KeyRule, as_list, check_object, subpath
from sandbox.discord.wire import Json, Problems

CHAT_INPUT, USER_MENU, MESSAGE_MENU = 1, 2, 3
SUBCOMMAND, GROUP = 1, 2
STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(3, 12)
MAX_COMMANDS = {CHAT_INPUT: 100, USER_MENU: 15, MESSAGE_MENU: 15}
MAX_CHARACTERS = 8000
MAX_CHOICE = 100
_NAME = re.compile(r"[-_'\w]{1,32}")

_COMMAND = {
    "id": KeyRule("id"),
    "name": KeyRule("str", 32, 1, required=True),
    "name_localizations": KeyRule("object"),
    "description": KeyRule("str", 100),
    "description_localizations": KeyRule("object"),
    "options": KeyRule("list", 25),
    "default_member_permissions": KeyRule("int_or_str"),
    "dm_permission": KeyRule("bool"),
    "default_permission": KeyRule("bool"),
    "contexts": KeyRule("list"),
    "integration_types": KeyRule("list"),
    "type": KeyRule("int", 4, 1),
    "nsfw": KeyRule("bool"),
}
_OPTION = {
    "type": KeyRule("int", ATTACHMENT, 1, required=True),
    "name": KeyRule("str", 32, 1, required=True),
    "name_localizations": KeyRule("object"),
    "description": KeyRule("str", 100, 1, required=True),
    "description_localizations": KeyRule("object"),
    "required": KeyRule("bool"),
    "autocomplete": KeyRule("bool"),
    "choices": KeyRule("list", 25),
    "options": KeyRule("list", 25),
    "channel_types": KeyRule("list"),
    "min_value": KeyRule("number", 2**53, -(2**53)),
    "max_value": KeyRule("number", 2**53, -(2**53)),
    "min_length": KeyRule("int", 6000),
    "max_length": KeyRule("int", 6000, 1),
    "file_types": KeyRule("list", 10),
}
_CHOICE = {
    "name": KeyRule("str", 100, 1, required=True),
    "name_localizations": KeyRule("object"),
    "value": KeyRule("any", required=True),
}


def check_command(problems: Problems, path: str, value: Any) -> Json:
    """Return a command as Discord stores it, with defaults; adds every broken rule to `problems`."""
    command = check_object(problems, path, value, _COMMAND)
    command.pop("id", None)
    command.setdefault("type", CHAT_INPUT)
    command.setdefault("description", "")
    if command["type"] == CHAT_INPUT:
        _name(problems, subpath(path, "name"), command.get("name", ""))
        if not command["description"]:
            problems.add(subpath(path, "description"), "BASE_TYPE_REQUIRED", "This field is required")
        if _size(command) > MAX_CHARACTERS:
            problems.add(path, "APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({MAX_CHARACTERS})")
    elif command["description"] or command.get("options"):
        problems.add(path, "APPLICATION_COMMAND_MENU_HAS_NO_OPTIONS", "A menu has neither description nor options.")
    if "options" in command:
        command["options"] = _options(problems, subpath(path, "options"), command["options"], depth=0)
    permissions = command.get("default_member_permissions")
    command["default_member_permissions"] = None if permissions is None else str(permissions)
    return {"nsfw": False, "contexts": None, "integration_types": [0]} | command


def check_commands(problems: Problems, commands: list[Json]) -> None:
    """Check the rules for all commands of a server, or all global ones: their number, and unique names."""
    for kind, most in MAX_COMMANDS.items():
        names = [command.get("name") for command in commands if command["type"] == kind]
        if len(names) > most:
            problems.add("", "APPLICATION_COMMANDS_MAX", f"Maximum number of application commands reached ({most}).")
        if len(set(names)) != len(names):
            problems.add("", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")


def _name(problems: Problems, path: str, name: str) -> None:
    if not _NAME.fullmatch(name) or name != name.lower():
        problems.add(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _options(problems: Problems, path: str, value: Any, *, depth: int) -> list[Json]:
    options = [_option(problems, subpath(path, n), item, depth=depth) for n, item in enumerate(as_list(value))]
    names = [option.get("name") for option in options]
    if len(set(names)) != len(names):
        problems.add(path, "APPLICATION_COMMAND_OPTIONS_NAME_NOT_UNIQUE", "Option names must be unique")
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        problems.add(
            path, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before others"
        )
    nested = {option.get("type") in {SUBCOMMAND, GROUP} for option in options}
    if len(nested) > 1:
        problems.add(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Subcommands and values cannot be mixed.")
    return options


def _option(problems: Problems, path: str, value: Any, *, depth: int) -> Json:
    option = check_object(problems, path, value, _OPTION)
    kind = option.get("type")
    _name(problems, subpath(path, "name"), option.get("name", ""))
    if (kind == GROUP and depth > 0) or (kind == SUBCOMMAND and depth > 1):
        problems.add(subpath(path, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Nested too deep.")
    if kind in {SUBCOMMAND, GROUP}:
        option["options"] = _options(problems, subpath(path, "options"), option.get("options"), depth=depth + 1)
    _limits(problems, path, option)
    if "file_types" in option:
        option["file_types"] = check_file_types(problems, subpath(path, "file_types"), option["file_types"])
        if kind != ATTACHMENT:
            problems.add(subpath(path, "file_types"), "SANDBOX_LIMIT_OF_OTHER_TYPE", "Only a file has file_types.")
    if option.get("autocomplete") and option.get("choices"):
        problems.add(
            subpath(path, "autocomplete"), "SANDBOX_AUTOCOMPLETE_WITH_CHOICES", "An option has choices or this."
        )
    if "choices" in option:
        kept = [
            check_object(problems, subpath(path, f"choices.{n}"), c, _CHOICE)
            for n, c in enumerate(as_list(option["choices"]))
        ]
        if kept:
            option["choices"] = kept
        else:
            del option["choices"]
        _choices(problems, subpath(path, "choices"), option.get("type"), kept)
    return option


def _choices(problems: Problems, path: str, kind: Any, choices: list[Json]) -> None:
    for key in ("name", "value"):
        given = [str(choice.get(key)) for choice in choices]
        if len(set(given)) != len(given):
            problems.add(path, f"APPLICATION_COMMAND_OPTIONS_CHOICE_{key.upper()}_DUPLICATE", f"A {key} is repeated.")
    for n, choice in enumerate(choices):
        if isinstance(choice.get("value"), str) and len(choice["value"]) > MAX_CHOICE:
            problems.add(
                subpath(path, f"{n}.value"), "BASE_TYPE_BAD_LENGTH", f"Must be {MAX_CHOICE} or fewer in length."
            )
    fits = {STRING: str, INTEGER: int, NUMBER: (int, float)}.get(kind)
    if choices and (fits is None or any(not isinstance(choice.get("value"), fits) for choice in choices)):
        problems.add(path, "APPLICATION_COMMAND_OPTIONS_CHOICE_TYPE", "The values are not of the option's type.")


def _limits(problems: Problems, path: str, option: Json) -> None:
    kind = option.get("type")
    for keys, kinds in ((("min_value", "max_value"), {INTEGER, NUMBER}), (("min_length", "max_length"), {STRING})):
        for key in keys:
            if key in option and kind not in kinds:
                problems.add(
                    subpath(path, key), "SANDBOX_LIMIT_OF_OTHER_TYPE", f"An option of type {kind} has no {key}."
                )
        low, high = (option.get(key) for key in keys)
        if low is not None and high is not None and low > high:
            problems.add(subpath(path, keys[0]), "SANDBOX_LIMITS_CROSS", f"{keys[0]} is over {keys[1]}.")


def _size(node: Any) -> int:
    if not isinstance(node, dict):
        return 0
    node = cast("Json", node)
    own = len(node.get("name", "")) + len(node.get("description", ""))
    choices = sum(len(str(c.get("name", ""))) + len(str(c.get("value", ""))) for c in as_list(node.get("choices")))
    return own + choices + sum(_size(option) for option in as_list(node.get("options")))
