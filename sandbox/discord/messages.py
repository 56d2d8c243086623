"""Posts, edits and deletes messages: changes the world and sends the gateway event."""

from dataclasses import dataclass
from mimetypes import guess_type

from sandbox.discord import threads
from sandbox.discord.attachment_links import attachment_names
from sandbox.discord.core import Core
from sandbox.discord.draft import CREATE, MessageDraft, NewAttachment, read_draft
from sandbox.discord.media_facts import read_facts
from sandbox.discord.model import (
    Attachment,
    Channel,
    ChannelType,
    Interaction,
    Message,
    MessageFlag,
    MessageType,
    Role,
    User,
)
from sandbox.discord.permissions import Permission, channel_permissions
from sandbox.discord.session import Intent
from sandbox.discord.wire import ApiError, Json, Problems, invalid

MAX_ATTACHMENTS = 10


@dataclass(frozen=True, slots=True)
class MessageOrigin:
    """A message's type, interaction, reference and visibility; its id if that is not a new one."""

    type: MessageType = MessageType.DEFAULT
    interaction: Interaction | None = None
    ephemeral_for: User | None = None
    reference: Message | int | None = None
    loading: bool = False
    message_id: int | None = None


PLAIN = MessageOrigin()
NO_CONTENT: Json = {"content": "", "embeds": [], "attachments": [], "components": []}


def post_message(
    core: Core,
    channel: Channel,
    author: User,
    draft: MessageDraft,
    origin: MessageOrigin = PLAIN,
    *,
    uploaded: tuple[Attachment, ...] = (),
) -> Message:
    """Store a new message and send MESSAGE_CREATE, unless it is ephemeral. A message opens an archived thread.

    `uploaded` are attachments that the CDN serves already, beside the draft's new files.

    Raises:
        ApiError: the channel takes no messages, or it is a locked thread.
    """
    if origin.interaction is None:
        threads.check_writable(channel, author)
    if draft.flags & MessageFlag.COMPONENTS_V2:
        _check_references(draft.components, {safe_name(file.filename) for file in draft.new_files})
    message = Message(
        id=origin.message_id or core.ids.next(),
        channel=channel,
        author=author,
        type=origin.type,
        created_at=core.clock.now(),
        content=draft.content,
        embeds=draft.embeds,
        components=draft.components,
        flags=draft.flags & ~MessageFlag.EPHEMERAL,
        tts=draft.tts,
        nonce=draft.nonce,
        reference=origin.reference,
        interaction=origin.interaction,
        ephemeral_for=origin.ephemeral_for,
        mentions=_mentions(core, channel, draft, origin.reference, by_interaction=origin.interaction is not None),
        mention_roles=_mentioned_roles(channel, author, draft),
    )
    # An edit pings nobody, so this is kept of the message as it was posted.
    message.pinged = tuple(one.name for one in (*message.mentions, *message.mention_roles))
    if origin.ephemeral_for is not None:
        message.flags |= MessageFlag.EPHEMERAL
    if origin.loading:
        message.flags |= MessageFlag.LOADING
    threads.count_message(core, message)
    message.attachments = {attachment.id: attachment for attachment in uploaded}
    message.attached_at = core.clock.now() if uploaded else None
    add_attachments(core, message, draft.new_files)
    if (oldest := core.world.add_message(message)) is not None:
        _drop_files(core, oldest)
        core.watchers.message_changed(oldest)
    emit_message(core, "MESSAGE_CREATE", message)
    return message


def start_thread(core: Core, plan: threads.ThreadPlan) -> Channel:
    """Start a thread; one at a message begins with a message that refers to it, and the message names the thread.

    Raises:
        ApiError: 50024 if the channel takes no threads, 160004 if the message has one.
    """
    thread = threads.start_thread(core, plan)
    if plan.message is not None:
        origin = MessageOrigin(type=MessageType.THREAD_STARTER_MESSAGE, reference=plan.message)
        post_message(core, thread, plan.owner, read_draft(Problems(), {}, {}, CREATE), origin)
        emit_message(core, "MESSAGE_UPDATE", plan.message)
    return thread


def add_attachments(core: Core, message: Message, files: tuple[NewAttachment, ...]) -> None:
    """Add attachments to the message and serve them on the CDN."""
    for file in files:
        content_type = guess_type(file.filename)[0]
        facts = read_facts(file.upload.blob, content_type)
        attachment = Attachment(
            id=core.ids.next(),
            channel_id=message.channel.id,
            filename=safe_name(file.filename),
            content_type=content_type,
            blob=file.upload.blob,
            ephemeral=message.ephemeral_for is not None,
            description=file.description,
            title=file.title or title_of(file.filename),
            spoiler=file.spoiler,
            width=facts.width,
            height=facts.height,
            seconds=facts.seconds if file.seconds is None else file.seconds,
            waveform=file.waveform,
        )
        message.attachments[attachment.id] = attachment
        message.attached_at = core.clock.now()
        core.cdn.add(attachment)


def safe_name(name: str) -> str:
    """Return the file name as Discord stores it: other than ASCII letters, digits, `.`, `_` and `-` become `_`."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name.replace(" ", "_"))
    return kept.lstrip(".") or "unknown"


def title_of(name: str) -> str | None:
    """Return the title of a file whose name has characters that Discord replaces: the name without its ending."""
    return None if name.isascii() else name.rpartition(".")[0] or name


def edit_message(core: Core, message: Message, draft: MessageDraft) -> Message:
    """Apply a draft: only the given keys change; attachments that it does not list are removed.

    Raises:
        ApiError: 50006 when nothing would be left, 50083 in an archived thread, 160005 in a locked one, 50162 for a
            voice message.
    """
    if message.flags & MessageFlag.VOICE_MESSAGE:
        raise ApiError(400, 50162, "Voice messages cannot be edited")
    threads.check_editable(message.channel, message.author)
    wanted = _kept_attachments(message, draft)
    content = draft.content if "content" in draft.given else message.content
    embeds = draft.embeds if "embeds" in draft.given else message.embeds
    components = draft.components if "components" in draft.given else message.components
    if not (content or embeds or components or wanted or draft.new_files):
        raise ApiError(400, 50006, "Cannot send an empty message")
    if draft.flags & MessageFlag.COMPONENTS_V2 and (content or embeds):
        raise invalid(
            "content" if content else "embeds",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
            "The 'content' and 'embeds' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2",
        )
    if (draft.flags | message.flags) & MessageFlag.COMPONENTS_V2:
        there = {message.attachments[one].filename for one in wanted}
        _check_references(components, there | {safe_name(file.filename) for file in draft.new_files})
    if len(wanted) + len(draft.new_files) > MAX_ATTACHMENTS:
        raise invalid("attachments", "BASE_TYPE_BAD_LENGTH", f"Must be {MAX_ATTACHMENTS} or fewer in length.")
    for attachment_id in message.attachments.keys() - wanted:
        core.cdn.remove(message.attachments.pop(attachment_id))
    for attachment_id, change in (draft.kept_attachments or {}).items():
        attachment = message.attachments[attachment_id]
        attachment.description = change.get("description", attachment.description)
        attachment.spoiler = bool(change.get("is_spoiler", attachment.spoiler))
    message.content, message.embeds, message.components = content, embeds, components
    _apply_flags(message, draft)
    if "content" in draft.given:
        message.mentions = _mentions(
            core, message.channel, draft, message.reference, by_interaction=message.interaction is not None
        )
    add_attachments(core, message, draft.new_files)
    _mark_edited(core, message)
    emit_message(core, "MESSAGE_UPDATE", message)
    return message


def _check_references(components: list[Json], there: set[str]) -> None:
    """Check that layout components refer only to files of their message.

    https://discord.com/developers/docs/components/reference#uploading-a-file

    Raises:
        ApiError: 50035.
    """
    if unknown := attachment_names(components) - there:
        raise invalid(
            "components",
            "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
            f"The referenced attachment '{min(unknown)}' was not found in the message payload",
        )


def _kept_attachments(message: Message, draft: MessageDraft) -> set[int]:
    """Return the attachments to keep: all if none are listed, else the listed and those that an embed shows."""
    if draft.kept_attachments is None:
        return set(message.attachments)
    stays = set(draft.kept_attachments)
    if unknown := stays - message.attachments.keys():
        raise invalid("attachments", "ATTACHMENT_NOT_FOUND", f"The message has no attachment {min(unknown)}.")
    shown = attachment_names(draft.embeds if "embeds" in draft.given else message.embeds)
    return stays | {a.id for a in message.attachments.values() if a.filename in shown}


def _apply_flags(message: Message, draft: MessageDraft) -> None:
    fixed = message.flags & (MessageFlag.EPHEMERAL | MessageFlag.COMPONENTS_V2 | MessageFlag.HAS_THREAD)
    if "flags" in draft.given:
        message.flags = draft.flags & ~MessageFlag.EPHEMERAL | fixed | message.flags & MessageFlag.LOADING


def _mark_edited(core: Core, message: Message) -> None:
    """Count an edit. Filling a deferred message counts, but does not mark the message as edited."""
    message.edits += 1
    if message.flags & MessageFlag.LOADING:
        message.flags &= ~MessageFlag.LOADING
    else:
        message.edited_at = core.clock.now()


def delete_message(core: Core, message: Message) -> None:
    """Delete the message and its files, and send MESSAGE_DELETE."""
    core.world.remove_message(message)
    _drop_files(core, message)
    core.watchers.message_changed(message)
    if message.ephemeral_for is not None:
        return
    place: Json = {"id": str(message.id), "channel_id": str(message.channel.id)}
    _emit(core, "MESSAGE_DELETE", place, message.channel)


def _drop_files(core: Core, message: Message) -> None:
    for attachment in message.attachments.values():
        core.cdn.remove(attachment)


def emit_message(core: Core, event: str, message: Message) -> None:
    """Send a message event; without the MESSAGE_CONTENT intent a person's text and files are left out."""
    core.watchers.message_changed(message)
    if message.ephemeral_for is not None:
        return
    data = core.serialize.message(message)
    guild = message.channel.guild
    if guild is not None and (member := guild.members.get(message.author.id)) and message.interaction is None:
        data["member"] = core.serialize.member(member)
    redacted = _redacted(core, message, data)
    _emit(core, event, data, message.channel, None if redacted is data else redacted)


def fetched_message(core: Core, message: Message) -> Json:
    """Return a message as REST gives it: without the MESSAGE_CONTENT intent a person's text and files are left out."""
    shown = core.serialize.message(message)
    return shown if core.gateway.reads_content() else _redacted(core, message, shown)


def _redacted(core: Core, message: Message, shown: Json) -> Json:
    """Return a message as an app without the MESSAGE_CONTENT intent gets it, also the message that it refers to.

    https://discord.com/developers/docs/events/gateway#message-content-intent
    """
    if isinstance(message.reference, Message) and not _is_readable(core, message.reference):
        shown = shown | {"referenced_message": shown["referenced_message"] | NO_CONTENT}
    return shown if _is_readable(core, message) else shown | NO_CONTENT


def _is_readable(core: Core, message: Message) -> bool:
    return message.channel.guild is None or message.author.bot or core.world.bot in message.mentions


def _emit(core: Core, event: str, data: Json, channel: Channel, redacted: Json | None = None) -> None:
    """Send an event of a channel, if the bot sees it."""
    if not channel_permissions(channel, core.world.bot) & Permission.VIEW_CHANNEL:
        return
    guild = channel.guild
    place: Json = {"channel_type": int(channel.type)} if event != "MESSAGE_DELETE" else {}
    if guild is not None:
        place["guild_id"] = str(guild.id)
    core.gateway.emit(
        event,
        data | place,
        guild_id=guild.id if guild else None,
        intent=Intent.DIRECT_MESSAGES if channel.type is ChannelType.DM else Intent.GUILD_MESSAGES,
        redacted=None if redacted is None else redacted | place,
    )


def _mentions(
    core: Core, channel: Channel, draft: MessageDraft, reference: Message | int | None, *, by_interaction: bool
) -> list[User]:
    """Return the users that the message mentions and is allowed to mention.

    The answer to an interaction mentions nobody for what it refers to
    (https://discord.com/developers/docs/resources/message#allowed-mentions-object).
    """
    rule = draft.allowed_mentions
    found: dict[int, User] = {}
    allowed_ids = {int(one) for one in rule.get("users", [])}
    everyone = "allowed_mentions" not in draft.given or "users" in rule.get("parse", [])
    for user_id in draft.mentioned:
        user = core.world.users.get(user_id)
        present = channel.guild is None or user_id in channel.guild.members
        if user and present and (everyone or user_id in allowed_ids):
            found[user.id] = user
    replied = rule.get("replied_user", "allowed_mentions" not in draft.given)
    if isinstance(reference, Message) and reference.channel is channel and replied and not by_interaction:
        found[reference.author.id] = reference.author
    return list(found.values())


def _mentioned_roles(channel: Channel, author: User, draft: MessageDraft) -> list[Role]:
    """Return the roles that the message mentions and may ping: mentionable ones, or all with Mention Everyone.

    https://discord.com/developers/docs/topics/permissions#permissions-bitwise-permission-flags
    """
    rule = draft.allowed_mentions
    everyone = "allowed_mentions" not in draft.given or "roles" in rule.get("parse", [])
    allowed_ids = {int(one) for one in rule.get("roles", [])}
    may_all = bool(channel_permissions(channel, author) & Permission.MENTION_EVERYONE)
    return [
        role
        for role in (channel.guild.roles.values() if channel.guild else ())
        if role.id in draft.mentioned_roles and (everyone or role.id in allowed_ids) and (may_all or role.mentionable)
    ]
