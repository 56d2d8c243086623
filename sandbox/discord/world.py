"""The world: every user, server, channel, message, command and interaction of the sandbox."""

from collections import OrderedDict
from random import Random

from sandbox.discord.clock import Clock, Snowflakes
from sandbox.discord.model import (
    Channel,
    ChannelType,
    Guild,
    Interaction,
    Member,
    Message,
    Modal,
    Role,
    User,
)
from sandbox.discord.permissions import ALL, BOT, EVERYONE
from sandbox.discord.wire import Json

MIB = 1024 * 1024
TIER_UPLOAD_BYTES = {0: 10 * MIB, 1: 10 * MIB, 2: 50 * MIB, 3: 100 * MIB}
MESSAGES_PER_CHANNEL = 20_000
INTERACTIONS_KEPT = 20_000
BOT_NAME = "Wanda"
THIRTY_DAYS_S = 30 * 86_400.0  # since when the bot is in the server that is there from the beginning


class World:
    """Users, servers, messages, commands and interactions, by id."""

    def __init__(self, clock: Clock, ids: Snowflakes, random: Random) -> None:
        self.clock = clock
        self.ids = ids
        self._random = random
        self.users: dict[int, User] = {}
        self.people: dict[str, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.left: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.dms: dict[int, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.commands: dict[int, dict[int, Json]] = {0: {}}
        self.command_permissions: dict[int, dict[int, list[Json]]] = {}
        self.modals: OrderedDict[int, Modal] = OrderedDict()
        self._interactions: OrderedDict[int, Interaction] = OrderedDict()
        self._by_token: dict[str, Interaction] = {}
        self.bot = User(id=ids.next(), name=BOT_NAME, bot=True)
        self.users[self.bot.id] = self.bot
        self._add_defaults()

    def _add_defaults(self) -> None:
        admin = self.add_user("admin")
        studio = self.add_guild("Studio", tier=0, owner=admin)
        studio.joined_at = studio.members[self.bot.id].joined_at = self.clock.now() - THIRTY_DAYS_S
        studio.system_channel_id = self.add_channel("general", studio).id
        role = self.add_role("Administrators", studio, ALL)
        for name in ("maker", "friend", "admin"):
            self.add_member(studio, self.add_user(name))
        studio.members[admin.id].roles.append(role.id)

    def add_user(self, name: str) -> User:
        """Return the person with that name, added if there is none."""
        user = self.people.get(name)
        if user is None:
            user = User(id=self.ids.next(), name=name)
            self.people[name] = self.users[user.id] = user
        return user

    def add_guild(self, name: str, *, tier: int, owner: User) -> Guild:
        """Add a server with the bot and its owner in it."""
        guild = Guild(
            id=self.ids.next_server(),
            name=name,
            tier=tier,
            owner_id=owner.id,
            joined_at=self.clock.now(),
            clock=self.clock,
        )
        guild.roles[guild.id] = Role(guild.id, guild.id, "@everyone", int(EVERYONE), 0)
        self.guilds[guild.id] = guild
        own = self.add_role(BOT_NAME, guild, int(BOT))
        own.managed = True
        self.add_member(guild, self.bot).roles.append(own.id)
        self.add_member(guild, owner)
        return guild

    def leave(self, guild: Guild) -> None:
        """Remove the bot from the server, which `join_again` brings back."""
        for channel_id in (*guild.channels, *guild.threads):
            self.channels.pop(channel_id, None)
        self.left[guild.id] = self.guilds.pop(guild.id)

    def join_again(self, guild: Guild) -> None:
        """Let the bot join a server that it left."""
        self.guilds[guild.id] = self.left.pop(guild.id)
        self.channels |= guild.channels | guild.threads
        guild.joined_at = guild.members[self.bot.id].joined_at = self.clock.now()

    def add_channel(self, name: str, guild: Guild, *, kind: ChannelType = ChannelType.TEXT) -> Channel:
        """Add a channel."""
        channel = Channel(self.ids.next(), kind, name, guild=guild, position=len(guild.channels))
        self.channels[channel.id] = guild.channels[channel.id] = channel
        return channel

    def add_thread(self, thread: Channel, message: Message | None) -> None:
        """Add a thread, which may begin at a message."""
        self.channels[thread.id] = thread
        if thread.guild is not None:
            thread.guild.threads[thread.id] = thread
        if message is not None:
            message.thread = thread

    def remove_channel(self, channel: Channel) -> None:
        """Remove a channel or thread with all messages, and the threads in it."""
        self.channels.pop(channel.id, None)
        for message_id in channel.messages:
            self.messages.pop(message_id, None)
        if channel.guild is None:
            return
        channel.guild.channels.pop(channel.id, None)
        channel.guild.threads.pop(channel.id, None)
        inside = [one for one in channel.guild.threads.values() if one.thread and one.thread.parent is channel]
        for thread in inside:
            self.remove_channel(thread)

    def add_role(self, name: str, guild: Guild, permissions: int = 0) -> Role:
        """Add a role above the others."""
        role = Role(self.ids.next(), guild.id, name, permissions, len(guild.roles))
        guild.roles[role.id] = role
        return role

    def add_member(self, guild: Guild, user: User) -> Member:
        """Return the user's membership, added if there is none."""
        member = guild.members.get(user.id)
        if member is None:
            member = Member(user, guild.id, self.clock.now())
            guild.members[user.id] = member
        return member

    def dm(self, user: User) -> Channel:
        """Return the DM between the bot and that person, opened if there is none."""
        channel = self.dms.get(user.id)
        if channel is None:
            channel = Channel(self.ids.next(), ChannelType.DM, f"@{user.name}", recipient=user)
            self.channels[channel.id] = self.dms[user.id] = channel
        return channel

    def add_message(self, message: Message) -> Message | None:
        """Store a message; returns the channel's oldest message if that was removed to make room."""
        channel = message.channel
        channel.messages[message.id] = self.messages[message.id] = message
        channel.last_message_id = message.id
        if len(channel.messages) <= MESSAGES_PER_CHANNEL:
            return None
        oldest = channel.messages[next(iter(channel.messages))]
        self.remove_message(oldest)
        return oldest

    def remove_message(self, message: Message) -> None:
        """Remove a message."""
        message.channel.messages.pop(message.id, None)
        self.messages.pop(message.id, None)

    def upload_limit_bytes(self, channel: Channel, user: User | None = None) -> int:
        """Return the size limit of one file in the channel; the user's own limit counts if it is higher."""
        tier = channel.guild.tier if channel.guild else 0
        own = user.upload_limit_bytes if user else 0
        return max(TIER_UPLOAD_BYTES[tier], own)

    def add_interaction(self, interaction: Interaction) -> None:
        """Store an interaction and its token; the oldest ones are removed."""
        self._interactions[interaction.id] = interaction
        self._by_token[interaction.token] = interaction
        while len(self._interactions) > INTERACTIONS_KEPT:
            _, old = self._interactions.popitem(last=False)
            self._by_token.pop(old.token, None)

    def new_token(self) -> str:
        """Return a new token for an interaction."""
        return f"aW50ZXJhY3Rpb246{self._random.getrandbits(512):0128x}"

    def interaction(self, interaction_id: int) -> Interaction | None:
        """Return the interaction with that id."""
        return self._interactions.get(interaction_id)

    def interaction_by_token(self, token: str) -> Interaction | None:
        """Return the interaction of that token."""
        return self._by_token.get(token)

    def add_modal(self, modal: Modal) -> None:
        """Store an open modal; the oldest ones are removed."""
        self.modals[modal.id] = modal
        while len(self.modals) > INTERACTIONS_KEPT:
            self.modals.popitem(last=False)
