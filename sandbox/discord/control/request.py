"""A request to the control routes, and how it is refused."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import Any, cast

from sandbox.discord.core import Core
from sandbox.discord.media_facts import read_facts
from sandbox.discord.messages import safe_name, title_of
from sandbox.discord.model import Attachment, Blob, Channel, Guild, Message, User
from sandbox.discord.permissions import Permission, channel_permissions
from sandbox.discord.wire import Json


class ControlRefused(Exception):  # noqa: N818 - what happened reads better where it is caught
    """The request cannot be carried out; the text says why."""


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """One control request: the sandbox it acts on, and its JSON body."""

    core: Core
    body: Json

    def check_keys(self, *keys: str) -> None:
        """Check that the body has no other keys, so that a mistyped key is noticed.

        Raises:
            Refused: naming them.
        """
        if extra := set(self.body) - set(keys):
            raise ControlRefused(f"This order has no {', '.join(sorted(extra))}; it knows {', '.join(keys)}.")

    def text(self, key: str) -> str:
        """Return the value of a required key, as text."""
        value = self.body.get(key)
        if value is None:
            raise ControlRefused(f"The order needs a {key}.")
        return str(value)

    def mapping(self, key: str) -> Json:
        """Return the object under a key; empty when it is left out."""
        value: Any = self.body.get(key) or {}
        if not isinstance(value, dict):
            raise ControlRefused(f"{key} is an object.")
        return cast("Json", value)

    def rows(self, key: str) -> list[Json]:
        """Return the list of objects under a key; empty when it is left out."""
        value: Any = self.body.get(key) or []
        if not isinstance(value, list):
            raise ControlRefused(f"{key} is a list.")
        return [cast("Json", row) if isinstance(row, dict) else {"name": str(row)} for row in cast("list[Any]", value)]

    def user(self, key: str = "user") -> User:
        """Return the person of that name or id."""
        return find_user(self.core, self.text(key))

    def guild(self) -> Guild:
        """Return the `server`; the first one when none is named."""
        if "server" in self.body:
            return find_guild(self.core, self.text("server"))
        return next(iter(self.core.world.guilds.values()))

    def channel(self, user: User) -> Channel:
        """Return the channel, which the person must see; the first server's `general` when none is named."""
        channel = find_channel(self.core, str(self.body.get("channel", "general")))
        if not channel_permissions(channel, user) & Permission.VIEW_CHANNEL:
            raise ControlRefused(f"{user.name} does not see the channel {channel.name}.")
        return channel

    def message(self, user: User, *, checked: bool = True) -> Message:
        """Return the message, which the person must see if that is `checked`."""
        given = self.text("message")
        message = self.core.world.messages.get(int(given)) if given.isdigit() else None
        if message is None or (checked and not is_visible_to(message, user)):
            raise ControlRefused(f"{user.name} sees no message {given}.")
        return message


def is_visible_to(message: Message, user: User) -> bool:
    """Return whether that person sees the message."""
    seen = channel_permissions(message.channel, user) & Permission.VIEW_CHANNEL
    return bool(seen) and message.ephemeral_for in {None, user}


def find_user(core: Core, name: str) -> User:
    """Return the person of that name or id.

    Raises:
        Refused: there is none.
    """
    found = core.world.people.get(name) or (core.world.users.get(int(name)) if name.isdigit() else None)
    if found is None:
        raise ControlRefused(f"There is no member {name}; POST /sandbox/world adds one.")
    return found


def find_guild(core: Core, name: str) -> Guild:
    """Return the first server of that name or id.

    Raises:
        Refused: there is none.
    """
    if name.isdigit() and (found := core.world.guilds.get(int(name))) is not None:
        return found
    for guild in core.world.guilds.values():
        if guild.name == name:
            return guild
    raise ControlRefused(f"There is no server {name}; POST /sandbox/world adds one.")


def find_channel(core: Core, name: str) -> Channel:
    """Return a channel by id, by name (the first server's first; threads last), as `Server/name`, or a DM as `@person`.

    Raises:
        Refused: there is none.
    """
    if name.startswith("@"):
        return core.world.dm(find_user(core, name[1:]))
    if name.isdigit() and (found := core.world.channels.get(int(name))) is not None:
        return found
    server, _, short = name.rpartition("/")
    guilds = [find_guild(core, server)] if server else core.world.guilds.values()
    for guild in guilds:
        for channel in (*guild.channels.values(), *guild.threads.values()):
            if channel.name == short.removeprefix("#"):
                return channel
    raise ControlRefused(f"There is no channel {name}; POST /sandbox/world adds one.")


FILE_KEYS = (
    *("filename", "content_type", "base64", "path", "description", "raw_name", "spoiler"),
    *("width", "height", "duration_s"),
)


def upload_file(core: Core, channel: Channel, given: Any, *, ephemeral: bool) -> Attachment:
    """Upload one file of a request: `filename`, `content_type`, and `base64` or the `path` of a local file.

    Raises:
        Refused: the description is not valid.
    """
    if not isinstance(given, dict):
        raise ControlRefused('A file is an object: {"filename", "content_type", "base64"}.')
    file = cast("Mapping[str, Any]", given)
    if extra := set(file) - set(FILE_KEYS):
        raise ControlRefused(f"A file has no {', '.join(sorted(extra))}.")
    blob = _blob(core, file)
    filename = str(file.get("filename") or Path(str(file.get("path", "file"))).name)
    content_type = file.get("content_type") or guess_type(filename)[0]
    facts = read_facts(blob, content_type)
    attachment = Attachment(
        id=core.ids.next(),
        channel_id=channel.id,
        filename=filename if file.get("raw_name") else safe_name(filename),
        content_type=content_type,
        blob=blob,
        ephemeral=ephemeral,
        description=file.get("description"),
        title=title_of(filename),
        spoiler=bool(file.get("spoiler")),
        width=file.get("width", facts.width),
        height=file.get("height", facts.height),
        seconds=file.get("duration_s", facts.seconds),
    )
    core.cdn.add(attachment)
    return attachment


def _blob(core: Core, file: Mapping[str, Any]) -> Blob:
    if "path" in file:
        path = Path(str(file["path"]))
        if not path.is_file():
            raise ControlRefused(f"There is no file {path}.")
        return Blob(path.stat().st_size, path=path)
    try:
        return core.cdn.blob(base64.b64decode(str(file["base64"]), validate=True))
    except KeyError:
        raise ControlRefused("A file needs base64 or path.") from None
    except binascii.Error as error:
        raise ControlRefused(f"This is not base64: {error}") from None
