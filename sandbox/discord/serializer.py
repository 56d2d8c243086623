"""Turns records into the JSON objects of Discord's REST API and gateway, with every documented field."""

from sandbox.discord.attachment_links import link_component, link_embeds
from sandbox.discord.cdn import Cdn
from sandbox.discord.clock import iso
from sandbox.discord.model import (
    POSTS_ONLY,
    Attachment,
    AttachmentFlag,
    Channel,
    ChannelType,
    Guild,
    Interaction,
    InteractionType,
    Member,
    Message,
    MessageFlag,
    Role,
    Thread,
    User,
)
from sandbox.discord.permissions import channel_permissions
from sandbox.discord.wire import Json
from sandbox.discord.world import World

APPLICATION_FLAGS = 1 << 23
BOOSTS = {0: 0, 1: 2, 2: 7, 3: 14}
THREAD_MEMBERS_COUNTED = 50
_VOICE: Json = {"bitrate": 64_000, "user_limit": 0, "rtc_region": None, "video_quality_mode": 1}
_FORUM: Json = {
    "available_tags": [],
    "default_reaction_emoji": None,
    "default_sort_order": None,
    "default_forum_layout": 0,
    "default_thread_rate_limit_per_user": 0,
}
_OF_KIND: dict[ChannelType, Json] = {
    ChannelType.VOICE: _VOICE,
    ChannelType.STAGE: _VOICE,
    ChannelType.FORUM: _FORUM,
    ChannelType.MEDIA: _FORUM,
}


class Serializer:
    """Turns records into JSON. URLs in it are signed anew each time."""

    def __init__(self, world: World, cdn: Cdn) -> None:
        self._world = world
        self._cdn = cdn

    def user(self, user: User) -> Json:
        """Return a user object."""
        return {
            "id": str(user.id),
            "username": user.name,
            "avatar": None,
            "discriminator": "0000" if user.bot else "0",
            "public_flags": 0,
            "flags": 0,
            "bot": user.bot,
            "banner": None,
            "accent_color": None,
            "global_name": None if user.bot else user.name,
            "avatar_decoration_data": None,
            "collectibles": None,
            "primary_guild": None,
        }

    def me(self) -> Json:
        """Return the bot's own account."""
        own = {"mfa_enabled": True, "locale": "en-US", "premium_type": 0, "email": None, "verified": True}
        return self.user(self._world.bot) | own

    def member(self, member: Member) -> Json:
        """Return a member object without its user, as in gateway messages."""
        return {
            "avatar": None,
            "banner": None,
            "communication_disabled_until": None if member.timed_out_until is None else iso(member.timed_out_until),
            "flags": 0,
            "joined_at": iso(member.joined_at),
            "nick": None,
            "pending": False,
            "premium_since": None,
            "roles": [str(role) for role in member.roles],
            "mute": False,
            "deaf": False,
        }

    def member_with_user(self, member: Member) -> Json:
        """Return a member object with its user."""
        return self.member(member) | {"user": self.user(member.user)}

    def role(self, role: Role) -> Json:
        """Return a role object."""
        shown: Json = {
            "id": str(role.id),
            "name": role.name,
            "description": None,
            "permissions": str(role.permissions),
            "position": role.position,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": role.managed,
            "mentionable": role.mentionable,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }
        return shown | {"tags": {"bot_id": str(self._world.bot.id)}} if role.managed else shown

    def guild(self, guild: Guild) -> Json:
        """Return a guild object."""
        nothing = (
            "icon home_header splash discovery_splash banner application_id afk_channel_id "
            "widget_channel_id max_presences vanity_url_code rules_channel_id safety_alerts_channel_id "
            "public_updates_channel_id incidents_data description hub_type"
        )
        return dict.fromkeys(nothing.split()) | {
            "id": str(guild.id),
            "name": guild.name,
            "features": [],
            "owner_id": str(guild.owner_id),
            "region": "deprecated",
            "afk_timeout": 300,
            "system_channel_id": None if guild.system_channel_id is None else str(guild.system_channel_id),
            "system_channel_flags": 0,
            "widget_enabled": False,
            "verification_level": 1,
            "roles": [self.role(role) for role in guild.roles.values()],
            "default_message_notifications": 1,
            "mfa_level": 0,
            "explicit_content_filter": 0,
            "max_members": 500_000,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "premium_tier": guild.tier,
            "premium_subscription_count": BOOSTS[guild.tier],
            "preferred_locale": "en-US",
            "premium_progress_bar_enabled": False,
            "nsfw": False,
            "nsfw_level": 0,
            "emojis": [],
            "stickers": [],
        }

    def guild_create(self, guild: Guild, *, all_members: bool, is_join: bool = False) -> Json:
        """Return the data of GUILD_CREATE; without `all_members` it lists only the bot.

        Only a server that the bot is in already has `unavailable`
        (https://github.com/discord/discord-api-docs/discussions/5124).
        """
        seen = guild.members.values() if all_members else (guild.members[self._world.bot.id],)
        known: Json = {} if is_join else {"unavailable": False}
        return (
            self.guild(guild)
            | known
            | {
                "joined_at": iso(guild.joined_at),
                "large": False,
                "member_count": len(guild.members),
                "voice_states": [],
                "members": [self.member_with_user(member) for member in seen],
                "channels": [self.channel(channel) for channel in guild.channels.values()],
                "threads": self.active_threads(guild),
                "presences": [],
                "stage_instances": [],
                "guild_scheduled_events": [],
                "soundboard_sounds": [],
            }
        )

    def channel(self, channel: Channel) -> Json:
        """Return a channel object."""
        shown: Json = {
            "id": str(channel.id),
            "type": int(channel.type),
            "last_message_id": str(channel.last_message_id) if channel.last_message_id else None,
            "flags": 0,
        }
        if channel.guild is None:
            people = [channel.recipient] if channel.recipient else []
            return shown | {"recipients": [self.user(user) for user in people]}
        shown |= {"guild_id": str(channel.guild.id), "name": channel.name, "rate_limit_per_user": channel.slow_mode_s}
        if channel.thread is not None:
            return shown | self._thread(channel, channel.thread)
        shown |= {
            "parent_id": None if channel.category is None else str(channel.category.id),
            "topic": None,
            "position": channel.position,
            "permission_overwrites": [
                {"id": str(o.id), "type": o.kind, "allow": str(o.allow), "deny": str(o.deny)}
                for o in channel.overwrites.values()
            ],
            "nsfw": channel.nsfw,
        }
        return shown | _OF_KIND.get(channel.type, {})

    def _thread(self, channel: Channel, thread: Thread) -> Json:
        """Return what a thread's channel object has more."""
        metadata: Json = {
            "archived": thread.archived,
            "archive_timestamp": iso(thread.archived_at),
            "auto_archive_duration": thread.auto_archive_minutes,
            "locked": thread.locked,
            "create_timestamp": iso(thread.created_at),
        }
        if channel.type is ChannelType.PRIVATE_THREAD:
            metadata["invitable"] = thread.invitable
        first = next(iter(channel.messages.values()), None)
        shown: Json = {
            "parent_id": str(thread.parent.id),
            "owner_id": str(thread.owner.id),
            "thread_metadata": metadata,
            "message_count": len(channel.messages) - (first is not None and first.is_first_of_thread()),
            "member_count": min(THREAD_MEMBERS_COUNTED, len(thread.members)),
            "total_message_sent": thread.messages_ever,
        }
        if thread.parent.type in POSTS_ONLY:
            shown["applied_tags"] = []
        if self._world.bot.id in thread.members:
            shown["member"] = self.thread_member(channel, self._world.bot)
        return shown

    def thread_member(self, channel: Channel, user: User) -> Json:
        """Return a thread member object."""
        joined_at = channel.thread.members[user.id] if channel.thread else 0.0
        return {"id": str(channel.id), "user_id": str(user.id), "join_timestamp": iso(joined_at), "flags": 0}

    def active_threads(self, guild: Guild) -> list[Json]:
        """Return the threads of a server that are not archived and that the bot sees."""
        return [
            self.channel(channel)
            for channel in guild.threads.values()
            if channel.thread and not channel.thread.archived and channel_permissions(channel, self._world.bot)
        ]

    def attachment(self, attachment: Attachment) -> Json:
        """Return an attachment object with a new signed URL."""
        url = self._cdn.url(attachment)
        shown: Json = {
            "id": str(attachment.id),
            "filename": attachment.filename,
            "size": attachment.blob.size,
            "url": url,
            "proxy_url": url,
        }
        facts: Json = {
            "content_type": attachment.content_type or None,
            "description": attachment.description or None,
            "title": attachment.title,
            "width": attachment.width,
            "height": attachment.height,
            "duration_secs": attachment.seconds,
            "waveform": attachment.waveform,
            "ephemeral": attachment.ephemeral or None,
            "flags": int(AttachmentFlag.SPOILER) if attachment.spoiler else None,
        }
        return shown | {key: value for key, value in facts.items() if value is not None}

    def message(self, message: Message) -> Json:
        """Return a message object with its reactions and the message it replies to."""
        shown = self._bare_message(message)
        if message.reactions:
            shown["reactions"] = [self._reaction(name, users) for name, users in message.reactions.items()]
        if message.thread is not None and message.thread.id in self._world.channels:
            shown["thread"] = self.channel(message.thread)
        if isinstance(message.reference, Message):
            shown["referenced_message"] = self._bare_message(message.reference)
        elif message.reference is not None:
            shown["referenced_message"] = None
        return shown

    def _bare_message(self, message: Message) -> Json:
        links = {a.filename: self.attachment(a) for a in message.attachments.values()}
        embeds, used = link_embeds(message.embeds, links)
        components = message.components
        if message.flags & MessageFlag.COMPONENTS_V2:
            components = [link_component(component, links, used) for component in components]
        shown: Json = {
            "type": int(message.type),
            "content": message.content,
            "mentions": [self.user(user) for user in message.mentions],
            "mention_roles": [str(role.id) for role in message.mention_roles],
            "attachments": [link for name, link in links.items() if name not in used],
            "embeds": embeds,
            "timestamp": iso(message.created_at),
            "edited_timestamp": None if message.edited_at is None else iso(message.edited_at),
            "flags": int(message.flags),
            "components": components,
            "id": str(message.id),
            "channel_id": str(message.channel.id),
            "author": self.user(message.author),
            "pinned": False,
            "mention_everyone": False,
            "tts": message.tts,
        }
        if message.position is not None:
            shown["position"] = message.position
        if message.nonce is not None:
            shown["nonce"] = message.nonce
        if message.reference is not None:
            shown["message_reference"] = self._reference(message)
        if message.interaction is not None:
            shown |= self._origin(message.interaction)
            original = message.interaction.original
            if original is not None and original is not message:
                shown["interaction_metadata"]["original_response_message_id"] = str(original.id)
        return shown

    def _reference(self, message: Message) -> Json:
        found = message.reference if isinstance(message.reference, Message) else None
        place, target = (message.channel, message.reference) if found is None else (found.channel, found.id)
        reference: Json = {"type": 0, "channel_id": str(place.id), "message_id": str(target)}
        return reference | ({"guild_id": str(message.channel.guild.id)} if message.channel.guild else {})

    def _origin(self, interaction: Interaction) -> Json:
        application = str(self._world.bot.id)
        origin: Json = {
            "application_id": application,
            "webhook_id": application,
            "interaction_metadata": self.interaction_metadata(interaction),
        }
        if interaction.type is InteractionType.COMMAND:
            origin["interaction"] = {
                "id": str(interaction.id),
                "type": int(interaction.type),
                "name": interaction.name,
                "user": self.user(interaction.user),
            }
        return origin

    def interaction_metadata(self, interaction: Interaction) -> Json:
        """Return the interaction metadata of a message."""
        metadata: Json = {
            "id": str(interaction.id),
            "type": int(interaction.type),
            "user": self.user(interaction.user),
            "authorizing_integration_owners": self.owners(interaction.channel),
        }
        if isinstance(interaction.target, Message):
            metadata["target_message_id"] = str(interaction.target.id)
        if isinstance(interaction.target, User):
            metadata["target_user"] = self.user(interaction.target)
        if interaction.type is InteractionType.COMPONENT and interaction.message is not None:
            metadata["interacted_message_id"] = str(interaction.message.id)
        if interaction.trigger is not None:
            metadata["triggering_interaction_metadata"] = self.interaction_metadata(interaction.trigger)
        return metadata

    def owners(self, channel: Channel) -> Json:
        """Return who installed the bot: the server under key `0`, or `0` in a DM."""
        return {"0": str(channel.guild.id) if channel.guild else "0"}

    def _reaction(self, name: str, users: dict[int, User]) -> Json:
        return {
            "emoji": emoji(name),
            "count": len(users),
            "count_details": {"burst": 0, "normal": len(users)},
            "burst_colors": [],
            "me_burst": False,
            "me": self._world.bot.id in users,
            "burst_count": 0,
        }

    def application(self) -> Json:
        """Return the bot's application object."""
        bot = self._world.bot
        return {
            "id": str(bot.id),
            "name": bot.name,
            "icon": None,
            "description": "",
            "summary": "",  # deprecated and empty, but still sent in v10
            "type": None,
            "bot": self.user(bot),
            "bot_public": True,
            "bot_require_code_grant": False,
            "integration_types_config": {"0": {}},
            "verify_key": "0" * 64,
            "flags": APPLICATION_FLAGS,
            "flags_new": str(APPLICATION_FLAGS),
            "redirect_uris": [],
            "interactions_endpoint_url": None,
            "role_connections_verification_url": None,
            "owner": self.user(self._world.people["admin"]),
            "approximate_guild_count": len(self._world.guilds),
            "approximate_user_install_count": 0,
            "approximate_user_authorization_count": 0,
            "explicit_content_filter": 0,
            "team": None,
            "eligible_oauth2_scopes": [],
        }

    def channel_in_interaction(self, channel: Channel, user: User) -> Json:
        """Return a channel object with the person's permissions."""
        return self.channel(channel) | {"permissions": str(channel_permissions(channel, user))}

    def chosen_channel(self, channel: Channel, user: User) -> Json:
        """Return a channel that a person chose, with their permissions and the app's."""
        own = str(channel_permissions(channel, self._world.bot))
        return self.channel_in_interaction(channel, user) | {"app_permissions": own}


def emoji(name: str) -> Json:
    """Return an emoji object for a character, or for `name:id` of a custom emoji."""
    text, _, custom = name.partition(":")
    return {"id": custom or None, "name": text}
