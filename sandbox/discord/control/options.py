"""A slash command's options as Discord's client fills them in and sends them."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.discord.command_rules import (
    ATTACHMENT,
    BOOLEAN,
    CHANNEL,
    GROUP,
    INTEGER,
    MENTIONABLE,
    NUMBER,
    ROLE,
    STRING,
    SUBCOMMAND,
    USER,
)
from sandbox.discord.components import ENTITY_SELECTS
from sandbox.discord.control.request import ControlRefused, find_channel, find_user, upload_file
from sandbox.discord.core import Core
from sandbox.discord.file_types import is_taken
from sandbox.discord.model import Attachment, Channel, User
from sandbox.discord.permissions import channel_permissions
from sandbox.discord.schema import as_list
from sandbox.discord.wire import Json

OPTION_OF_SELECT = dict(zip(ENTITY_SELECTS, (USER, ROLE, MENTIONABLE, CHANNEL), strict=True))
TYPE_NAMES = {STRING: "text", INTEGER: "a whole number", NUMBER: "a number", BOOLEAN: "true or false"}


@dataclass(slots=True)
class FilledOptions:
    """The filled-in options as they are sent, and the objects they refer to."""

    options: list[Json] = field(default_factory=list[Json])
    resolved: Json = field(default_factory=dict[str, Any])
    attachments: list[Attachment] = field(default_factory=list[Attachment])


@dataclass(frozen=True, slots=True)
class OptionForm:
    """A command's options in one channel. `checked` refuses what Discord's client would not send."""

    core: Core
    channel: Channel
    user: User
    checked: bool

    def fill(self, known: list[Json], values: Json, files: Json) -> FilledOptions:
        """Fill in the options, in the command's order.

        Raises:
            ControlRefused: Discord's client would not send this.
        """
        filled = FilledOptions()
        rules = {str(option["name"]): option for option in known}
        for name, rule in rules.items():
            value, file = values.get(name), files.get(name)
            if value is None and file is None:
                if rule.get("required") and self.checked:
                    raise ControlRefused(f"The option {name} is required.")
                continue
            self._add(filled, rule, value if file is None else file)
        for name in (values.keys() | files.keys()) - rules.keys():
            if self.checked:
                raise ControlRefused(f"The command has no option {name}; it has {', '.join(rules) or 'none'}.")
            kind = ATTACHMENT if name in files else _guess_type(values[name])
            self._add(filled, {"name": name, "type": kind}, files.get(name, values.get(name)))
        return filled

    def _add(self, filled: FilledOptions, rule: Json, given: Any) -> None:
        kind = rule["type"]
        if kind == ATTACHMENT:
            attachment = upload_file(self.core, self.channel, given, ephemeral=True)
            if self.checked and not is_taken(as_list(rule.get("file_types")), attachment.filename):
                raise ControlRefused(f"The option {rule['name']} takes {', '.join(rule['file_types'])}.")
            filled.attachments.append(attachment)
            value: Any = str(attachment.id)
        elif kind in (USER, CHANNEL, ROLE, MENTIONABLE):
            value = self.resolve(filled, kind, str(given))
        else:
            value = self._scalar(rule, given)
        filled.options.append({"name": rule["name"], "type": kind, "value": value})

    def resolve(self, filled: FilledOptions, kind: int, given: str) -> str:
        """Return the id of a person, channel or role given by name or id, and add it to the resolved objects.

        An unchecked id of nothing is passed on: Discord sends what was deleted while the form was open.
        """
        if not self.checked and self._is_gone(kind, given):
            return given
        if kind == CHANNEL:
            channel = find_channel(self.core, given)
            _resolved_of_kind(filled, "channels")[str(channel.id)] = self.core.serialize.chosen_channel(
                channel, self.user
            )
            return str(channel.id)
        guild = self.channel.guild
        if kind in (ROLE, MENTIONABLE) and guild is not None:
            for role in guild.roles.values():
                if given in (role.name, str(role.id)):
                    _resolved_of_kind(filled, "roles")[str(role.id)] = self.core.serialize.role(role)
                    return str(role.id)
        user = find_user(self.core, given.removeprefix("@"))
        _resolved_of_kind(filled, "users")[str(user.id)] = self.core.serialize.user(user)
        if guild is not None and (member := guild.members.get(user.id)) is not None:
            _resolved_of_kind(filled, "members")[str(user.id)] = self.core.serialize.member(member) | {
                "permissions": str(channel_permissions(self.channel, user))
            }
        return str(user.id)

    def _is_gone(self, kind: int, given: str) -> bool:
        guild = self.channel.guild
        if not given.isdigit() or guild is None:
            return False
        there = int(given) in ({**guild.channels, **guild.threads} if kind == CHANNEL else guild.roles)
        return not there and (kind in (CHANNEL, ROLE) or int(given) not in self.core.world.users)

    def _scalar(self, rule: Json, given: Any) -> Any:
        value = _parse_value(rule["type"], given)
        if self.checked:
            _check_value(rule, value, given)
        return given if value is None else value


def resolve_chosen(core: Core, channel: Channel, user: User, select: Json, values: list[Any]) -> tuple[list[str], Json]:
    """Return the ids of the people, roles or channels chosen in a select, and the objects, as Discord sends both.

    https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-interaction-data
    """
    filled, form = FilledOptions(), OptionForm(core, channel, user, checked=True)
    ids = [form.resolve(filled, OPTION_OF_SELECT[select["type"]], str(value)) for value in values]
    return ids, filled.resolved


def _resolved_of_kind(filled: FilledOptions, kind: str) -> Json:
    return filled.resolved.setdefault(kind, {})


def _guess_type(value: Any) -> int:
    match value:
        case bool():
            return BOOLEAN
        case int():
            return INTEGER
        case float():
            return NUMBER
        case _:
            return STRING


def _parse_value(kind: int, given: Any) -> Any:
    """Return the value that the client's field reads from the text; None when it is not valid."""
    if kind == STRING:
        return given if isinstance(given, str) else str(given)
    if kind == BOOLEAN:
        return given if isinstance(given, bool) else {"true": True, "false": False}.get(str(given).lower())
    if isinstance(given, bool):
        return None
    try:
        number = float(given)
    except (TypeError, ValueError):
        return None
    if kind == INTEGER:
        return int(given) if isinstance(given, str) and given.lstrip("-").isdigit() else _whole(number)
    return number


def _whole(number: float) -> int | None:
    return int(number) if number.is_integer() else None


def _check_value(rule: Json, value: Any, given: Any) -> None:
    name, kind = rule["name"], rule["type"]
    if value is None:
        raise ControlRefused(f"The option {name} is {TYPE_NAMES[kind]}, not {given!r}.")
    choices = as_list(rule.get("choices"))
    if choices and not rule.get("autocomplete") and value not in [choice["value"] for choice in choices]:
        offered = ", ".join(str(choice["value"]) for choice in choices)
        raise ControlRefused(f"The option {name} offers {offered}, not {given!r}.")
    size = len(value) if kind == STRING else value
    low, high = (
        rule.get(key) for key in (("min_length", "max_length") if kind == STRING else ("min_value", "max_value"))
    )
    if low is not None and size < low:
        raise ControlRefused(f"The option {name} is at least {low}, not {size}.")
    if high is not None and size > high:
        raise ControlRefused(f"The option {name} is at most {high}, not {size}.")


@dataclass(frozen=True, slots=True)
class FoundCommand:
    """A synced command, and the groups and subcommands on the way to the named one."""

    command: Json
    path: tuple[Json, ...]

    def known_options(self) -> list[Json]:
        """Return the options of the innermost part."""
        return as_list((self.path[-1] if self.path else self.command).get("options"))

    def nest(self, options: list[Json]) -> list[Json]:
        """Return the filled-in options nested in their groups, as they are sent."""
        for part in reversed(self.path):
            options = [{"name": part["name"], "type": part["type"], "options": options}]
        return options


def find_command(core: Core, channel: Channel, line: str, kind: int) -> FoundCommand:
    """Return the command for a line such as `wan27 image`; the server's own commands come before the global ones.

    Raises:
        ControlRefused: the bot has synced no such command.
    """
    words = line.removeprefix("/").split() if kind == 1 else [line]
    guild_id = channel.guild.id if channel.guild else -1
    for place in (core.world.commands.get(guild_id, {}), core.world.commands[0]):
        for command in place.values():
            if command["type"] == kind and words and command["name"] == words[0]:
                return FoundCommand(command, tuple(_descend(command, words[1:], line)))
    names = sorted(one["name"] for one in core.world.commands[0].values() if one["type"] == kind)
    raise ControlRefused(f"The bot has synced no command {line}; there are {', '.join(names) or 'none'}.")


def _descend(command: Json, words: list[str], line: str) -> list[Json]:
    path: list[Json] = []
    node = command
    while nested := [o for o in as_list(node.get("options")) if o["type"] in (SUBCOMMAND, GROUP)]:
        word = words.pop(0) if words else ""
        found = next((option for option in nested if option["name"] == word), None)
        if found is None:
            raise ControlRefused(
                f"/{line} is not complete; after {node['name']} come {', '.join(o['name'] for o in nested)}."
            )
        path.append(found)
        node = found
    if words:
        raise ControlRefused(f"The bot has no command /{line}.")
    return path
