"""Who may use a command in a server, by what its admins set under Server Settings, Integrations.

Discord applies these settings to commands, but not to buttons, forms and reactions, so Wanda asks for them
(https://discord.com/developers/docs/interactions/application-commands#permissions).
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

log = logging.getLogger(__name__)
ADMINISTRATOR = 1 << 3
ANSWER_WITHIN_S = 1.2  # Discord waits 3 s for the first answer to a button
ASKED_FOR_S = 15.0  # then the request is given up
FRESH_FOR_S = 3600.0  # events tell of every change; this bounds what one that was lost can do
SERVERS_MAX = 1000


class Kind(IntEnum):
    """What the id of a setting names."""

    ROLE = 1
    USER = 2
    CHANNEL = 3


Switches: TypeAlias = Mapping[tuple[int, int], bool]  # (kind, id) -> allowed
NONE_SET: Switches = {}


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a server's admins set for all of Wanda's commands, and for single ones by the command's id."""

    guild_id: int
    of_app: Switches
    of_commands: Mapping[int, Switches]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command as Discord has it; `needed` are its default_member_permissions, None without any."""

    id: int
    needed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member in a channel (a thread's parent), their roles without @everyone, and their permissions there."""

    id: int
    role_ids: Sequence[int]
    channel_id: int
    permissions: int


class AccessUnknown(Exception):  # noqa: N818 - what happened reads better where it is caught
    """Discord did not say who may use the command."""


def may_use(command: Command, member: Member, overrides: Overrides) -> bool:
    """Return whether Discord lets the member use the command, as far as these settings go.

    What is set for the command comes before what is set for all, and what is set for one channel or member before what
    is set for all channels or @everyone; of several roles one that allows is enough. Only what is set for the command
    replaces its default permissions. Administrators may use every command.
    https://discord.com/developers/docs/change-log#upcoming-application-command-permission-changes
    """
    if member.permissions & ADMINISTRATOR:
        return True
    of_command = overrides.of_commands.get(command.id, NONE_SET)
    if not _is_open(overrides, of_command, member.channel_id):
        return False
    by_command = _for_member(of_command, member, everyone=overrides.guild_id)
    if by_command is not None:
        return by_command
    if _for_member(overrides.of_app, member, everyone=overrides.guild_id) is False:
        return False
    # 0 stands for nobody: https://discord.com/developers/docs/interactions/application-commands#permissions
    return command.needed is None or (command.needed != 0 and not command.needed & ~member.permissions)


def _is_open(overrides: Overrides, of_command: Switches, channel_id: int) -> bool:
    """Return whether the command may be used in the channel; guild id - 1 stands for all channels."""
    for settings in (of_command, overrides.of_app):
        for place in (channel_id, overrides.guild_id - 1):
            if (found := settings.get((Kind.CHANNEL, place))) is not None:
                return found
    return True


def _for_member(settings: Switches, member: Member, *, everyone: int) -> bool | None:
    """Return what is set for the member: for themselves, else for any of their roles, else for @everyone."""
    for kind, ids in ((Kind.USER, (member.id,)), (Kind.ROLE, member.role_ids), (Kind.ROLE, (everyone,))):
        found = [settings[kind, one] for one in ids if (kind, one) in settings]
        if found:
            return any(found)
    return None


def overrides_in(guild_id: int, application_id: int, answer: Iterable[Mapping[str, Any]]) -> Overrides:
    """Return the settings in Discord's answer; an entry of the application's id is for all commands.

    Raises:
        KeyError, TypeError, ValueError: the answer has another form.
    """
    found = {
        int(target["id"]): {
            (int(one["type"]), int(one["id"])): bool(one["permission"]) for one in target["permissions"]
        }
        for target in answer
    }
    return Overrides(guild_id, found.pop(application_id, NONE_SET), found)


Fetch: TypeAlias = Callable[[int], Awaitable[Overrides]]


class CommandAccess:
    """Every server's settings, asked of Discord when they are first needed, and kept until they change.

    When Discord does not answer, what was kept for longer than `FRESH_FOR_S` is used, because no change was heard of.
    Without any, nobody but an administrator has access: a button must not do what a command would not. The command
    itself stays the way out, as Discord checks that by itself.
    """

    def __init__(self, fetch: Fetch, *, clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._commands: Mapping[str, Command] = {}
        self._kept: OrderedDict[int, tuple[float, Overrides]] = OrderedDict()
        self._asking: dict[int, asyncio.Task[Overrides | None]] = {}

    def know(self, commands: Mapping[str, Command]) -> None:
        """Take these commands, by name, for those that Discord has."""
        self._commands = commands

    def mention(self, path: str) -> str:
        """Return the command ("wan27 image") as a link to it where its id is known, else as text.

        https://discord.com/developers/docs/reference#message-formatting
        """
        command = self._commands.get(path.partition(" ")[0])
        return f"`/{path}`" if command is None else f"</{path}:{command.id}>"

    def forget(self, guild_id: int) -> None:
        """Ask Discord again for this server's settings, also if an answer is on its way: they have changed."""
        self._kept.pop(guild_id, None)
        self._asking.pop(guild_id, None)

    def forget_all(self) -> None:
        """Ask Discord again for all settings: changes may have been missed."""
        self._kept.clear()
        self._asking.clear()

    async def may_use(self, guild_id: int, name: str, member: Member) -> bool:
        """Return whether the member may use the command of this name.

        Raises:
            AccessUnknown: Discord did not say.
        """
        if member.permissions & ADMINISTRATOR:
            return True
        command = self._commands.get(name)
        if command is None:
            raise AccessUnknown(f"the command {name} is not synced")
        return may_use(command, member, await self._overrides(guild_id))

    async def _overrides(self, guild_id: int) -> Overrides:
        kept = self._kept.get(guild_id)
        if kept is not None and self._clock() < kept[0] + FRESH_FOR_S:
            return kept[1]
        asking = self._asking.get(guild_id)
        if asking is None:
            asking = asyncio.create_task(self._ask(guild_id), name=f"command permissions of {guild_id}")
            self._asking[guild_id] = asking
        await asyncio.wait({asking}, timeout=ANSWER_WITHIN_S)
        found = asking.result() if asking.done() else None
        if found is not None:
            return found
        if kept is not None:
            return kept[1]
        raise AccessUnknown(f"Discord did not tell the command permissions of server {guild_id}")

    async def _ask(self, guild_id: int) -> Overrides | None:
        """Fetch the settings once for all who wait, and keep them unless they changed meanwhile."""
        try:
            async with asyncio.timeout(ASKED_FOR_S):
                found = await self._fetch(guild_id)
        except Exception:
            log.warning("Discord did not tell the command permissions of server %d", guild_id, exc_info=True)
            found = None
        if self._asking.get(guild_id) is asyncio.current_task():
            del self._asking[guild_id]
            if found is not None:
                self._keep(guild_id, found)
        return found

    def _keep(self, guild_id: int, found: Overrides) -> None:
        self._kept[guild_id] = (self._clock(), found)
        self._kept.move_to_end(guild_id)
        while len(self._kept) > SERVERS_MAX:
            self._kept.popitem(last=False)
