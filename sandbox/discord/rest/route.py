"""A REST route, and what its handler gets and returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sandbox.discord.core import Core
from sandbox.discord.draft import MessageDraft, UploadedFile, read_draft
from sandbox.discord.model import Channel, Guild, User
from sandbox.discord.permissions import Permission, channel_permissions, to_write_in
from sandbox.discord.rate_limits import RateLimit
from sandbox.discord.schema import KeyRule
from sandbox.discord.wire import (
    ApiError,
    Problems,
    missing_access,
    missing_permissions,
    snowflake,
    unknown,
    unknown_channel,
)

NO_BODY: Any = object()


class Auth(Enum):
    """Who may call a route."""

    BOT = "the bot's token"
    TOKEN_IN_PATH = "the interaction's token, which is part of the path"  # noqa: S105 - a name for how a route is guarded
    ANYONE = "anyone"


@dataclass(frozen=True, slots=True)
class Call:
    """A request as its handler gets it."""

    core: Core
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    uploads: dict[int, UploadedFile]

    def problems(self) -> Problems:
        """Return an empty list of mistakes, as strict as the stand-in is."""
        return Problems(is_strict=self.core.is_strict)

    def user(self) -> User:
        """Return the path's user.

        Raises:
            ApiError: 10013.
        """
        user = self.core.world.users.get(self.id("user_id"))
        if user is None:
            raise unknown("User", 10013)
        return user

    def guild(self) -> Guild:
        """Return the path's server.

        Raises:
            ApiError: 10004.
        """
        guild = self.core.world.guilds.get(self.id("guild_id"))
        if guild is None:
            raise unknown("Guild", 10004)
        return guild

    def draft(
        self, rules: dict[str, KeyRule], *, body: Any = NO_BODY, path: str = "", layout: bool = False
    ) -> MessageDraft:
        """Return the message that the body, or the part of it given, asks for.

        Raises:
            ApiError: 50035, with every mistake.
        """
        given = self.body if body is NO_BODY else body
        return read_draft(self.problems(), given, self.uploads, rules, path=path, layout=layout)

    def id(self, name: str) -> int:
        """Return a path parameter as an id."""
        return snowflake(self.params[name], name)

    def channel(self, needs: Permission = Permission.VIEW_CHANNEL) -> Channel:
        """Return the path's channel, in which the bot must have these permissions.

        Raises:
            ApiError: 10003, 50001 or 50013.
        """
        channel = self.core.world.channels.get(self.id("channel_id"))
        if channel is None:
            raise unknown_channel()
        self.require(channel, needs)
        return channel

    def writable_channel(self) -> Channel:
        """Return the path's channel, in which the bot must be allowed to write.

        Raises:
            ApiError: 10003, 50001 or 50013.
        """
        channel = self.channel()
        self.require(channel, to_write_in(channel))
        return channel

    def require(self, channel: Channel, needs: Permission) -> None:
        """Check that the bot has these permissions in the channel.

        Raises:
            ApiError: 50001 if it cannot view the channel, else 50013.
        """
        granted = channel_permissions(channel, self.core.world.bot)
        if not granted & Permission.VIEW_CHANNEL:
            raise missing_access()
        if needs & ~granted:
            raise missing_permissions()

    def check_sizes(self, limit_bytes: int) -> None:
        """Check that no uploaded file is over the limit.

        Raises:
            ApiError: 413 with 40005.
        """
        if any(upload.blob.size > limit_bytes for upload in self.uploads.values()):
            raise ApiError(413, 40005, "Request entity too large")


@dataclass(frozen=True, slots=True)
class RouteReply:
    """A 2xx answer; without a body the status is 204."""

    body: Any = None
    status: int = 200


NOTHING = RouteReply(status=204)
Handler = Callable[[Call], RouteReply]


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the API, its path without `/api/v10`."""

    method: str
    path: str
    handler: Handler
    rate: RateLimit | None = None
    auth: Auth = Auth.BOT
