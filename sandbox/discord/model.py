"""The records of the world. They are mutable: only the world holds them."""

import asyncio
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from pathlib import Path

from sandbox.discord.clock import Clock
from sandbox.discord.wire import Json


class ChannelType(IntEnum):
    """Channel types (https://discord.com/developers/docs/resources/channel#channel-object-channel-types)."""

    TEXT = 0
    DM = 1
    VOICE = 2
    CATEGORY = 4
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    STAGE = 13
    FORUM = 15
    MEDIA = 16


POSTS_ONLY = frozenset({ChannelType.FORUM, ChannelType.MEDIA})
WITHOUT_MESSAGES = POSTS_ONLY | {ChannelType.CATEGORY}


class MessageType(IntEnum):
    """The message types that the sandbox makes."""

    DEFAULT = 0
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    THREAD_STARTER_MESSAGE = 21
    CONTEXT_MENU_COMMAND = 23


class MessageFlag(IntFlag):
    """Message flags."""

    NONE = 0
    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    VOICE_MESSAGE = 1 << 13
    COMPONENTS_V2 = 1 << 15


class AttachmentFlag(IntFlag):
    """Attachment flags."""

    NONE = 0
    SPOILER = 1 << 3


class InteractionType(IntEnum):
    """What a person did."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class CallbackType(IntEnum):
    """What the bot answered."""

    MESSAGE = 4
    DEFER = 5
    DEFER_UPDATE = 6
    UPDATE = 7
    AUTOCOMPLETE = 8
    MODAL = 9


@dataclass(slots=True, eq=False)
class User:
    """A person or the bot. `upload_limit_bytes` is the upload limit of their own subscription."""

    id: int
    name: str
    bot: bool = False
    upload_limit_bytes: int = 0


@dataclass(slots=True, eq=False)
class Role:
    """A role of one server."""

    id: int
    guild_id: int
    name: str
    permissions: int
    position: int
    managed: bool = False
    mentionable: bool = False


@dataclass(slots=True, eq=False)
class Member:
    """A user in one server. `timed_out_until` is in Unix seconds."""

    user: User
    guild_id: int
    joined_at: float
    roles: list[int] = field(default_factory=list[int])
    timed_out_until: float | None = None


@dataclass(slots=True, eq=False)
class Guild:
    """A server; `tier` is its boost level, and `clock` ends its members' time-outs."""

    id: int
    name: str
    tier: int
    owner_id: int
    joined_at: float
    clock: Clock
    system_channel_id: int | None = None
    roles: dict[int, Role] = field(default_factory=dict[int, Role])
    members: dict[int, Member] = field(default_factory=dict[int, Member])
    channels: dict[int, "Channel"] = field(default_factory=dict[int, "Channel"])
    threads: dict[int, "Channel"] = field(default_factory=dict[int, "Channel"])


@dataclass(slots=True, eq=False)
class Overwrite:
    """A channel's exception for one role (kind 0) or member (kind 1)."""

    id: int
    kind: int
    allow: int
    deny: int


@dataclass(slots=True, eq=False)
class Channel:
    """A server's channel, a thread in one, or a DM between the bot and one person.

    `category` is the channel's category, `slow_mode_s` its pause between two messages of one person, and `spoke_at`
    when each of them wrote last, in Unix seconds.
    """

    id: int
    type: ChannelType
    name: str
    guild: Guild | None = None
    recipient: User | None = None
    position: int = 0
    overwrites: dict[int, Overwrite] = field(default_factory=dict[int, Overwrite])
    messages: dict[int, "Message"] = field(default_factory=dict[int, "Message"])
    last_message_id: int | None = None
    category: "Channel | None" = None
    nsfw: bool = False
    slow_mode_s: int = 0
    spoke_at: dict[int, float] = field(default_factory=dict[int, float])
    thread: "Thread | None" = None


@dataclass(slots=True, eq=False)
class Thread:
    """What a channel has more if it is a thread. Times are in Unix seconds; `members` is when each of them joined."""

    parent: Channel
    owner: User
    created_at: float
    archived_at: float
    archived: bool = False
    locked: bool = False
    invitable: bool = True
    auto_archive_minutes: int = 4320
    members: dict[int, float] = field(default_factory=dict[int, float])
    messages_ever: int = 0


@dataclass(slots=True, eq=False)
class Blob:
    """A file's bytes, in memory or at a path. An `owned` file is deleted with its attachment."""

    size: int
    data: bytes | None = None
    path: Path | None = None
    owned: bool = False


@dataclass(slots=True, eq=False)
class Attachment:
    """A file on the CDN. An `ephemeral` one belongs to a command, a modal or an ephemeral message.

    `title` is what its name was before special characters were replaced. Sides are in pixels.
    """

    id: int
    channel_id: int
    filename: str
    content_type: str | None
    blob: Blob
    ephemeral: bool = False
    description: str | None = None
    title: str | None = None
    spoiler: bool = False
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    waveform: str | None = None


@dataclass(slots=True, eq=False)
class Message:
    """A message. `ephemeral_for` is the only person who sees it; `attached_at` is when its newest files were added.

    `thread` begins at it; `position` is its place in the thread that it stands in.
    """

    def is_first_of_thread(self) -> bool:
        """Return whether it is what its thread began with, which is not counted among the thread's messages."""
        return self.id == self.channel.id or self.type is MessageType.THREAD_STARTER_MESSAGE

    id: int
    channel: Channel
    author: User
    type: MessageType
    created_at: float
    content: str = ""
    embeds: list[Json] = field(default_factory=list[Json])
    components: list[Json] = field(default_factory=list[Json])
    attachments: dict[int, Attachment] = field(default_factory=dict[int, Attachment])
    flags: MessageFlag = MessageFlag.NONE
    edited_at: float | None = None
    attached_at: float | None = None
    edits: int = 0
    old_edits: int = 0
    old_edits_since: float = 0.0
    tts: bool = False
    nonce: str | int | None = None
    mentions: list[User] = field(default_factory=list[User])
    mention_roles: list[Role] = field(default_factory=list[Role])
    pinged: tuple[str, ...] = ()
    reference: "Message | int | None" = None
    interaction: "Interaction | None" = None
    ephemeral_for: User | None = None
    reactions: dict[str, dict[int, User]] = field(default_factory=dict[str, dict[int, User]])
    thread: Channel | None = None
    position: int | None = None


@dataclass(slots=True, eq=False)
class Modal:
    """A form the bot opened for one person."""

    id: int
    interaction: "Interaction"
    data: Json


@dataclass(slots=True, eq=False)
class Interaction:
    """An interaction, and how the bot answered it. `target` is what a menu command was used on."""

    id: int
    token: str
    type: InteractionType
    user: User
    channel: Channel
    created_at: float
    name: str
    upload_limit_bytes: int
    command_type: int = 0
    message: Message | None = None
    target: "Message | User | None" = None
    trigger: "Interaction | None" = None
    callback: CallbackType | None = None
    original: Message | None = None
    ephemeral: bool = False
    modal: Modal | None = None
    choices: list[Json] | None = None
    acknowledged_at: float | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)
