"""Messages under the bot's token."""

from itertools import islice

from sandbox.discord import draft, messages, threads
from sandbox.discord.draft import MessageDraft
from sandbox.discord.messages import MessageOrigin
from sandbox.discord.model import Channel, Message, MessageFlag, MessageType
from sandbox.discord.permissions import Permission, channel_permissions
from sandbox.discord.rate_limits import RateLimit
from sandbox.discord.rest.route import NOTHING, Call, Route, RouteReply
from sandbox.discord.wire import ApiError, Json, invalid, missing_permissions, snowflake, unknown_message

OLD_S = 3600.0
OLD_EDITS = 3
OLD_EDITS_WINDOW_S = 3600.0
NONCE_LIFE_S = 300.0
NONCE_LOOKBACK = 200
MAX_PAGE, PAGE = 100, 50


def find_message(call: Call, channel: Channel) -> Message:
    """Return the path's message; ephemeral messages do not exist for the bot's token.

    Raises:
        ApiError: 10008.
    """
    message = channel.messages.get(call.id("message_id"))
    if message is None or message.ephemeral_for is not None:
        raise unknown_message()
    return message


def _create(call: Call) -> RouteReply:
    channel = call.writable_channel()
    wanted = call.draft(draft.CREATE)
    call.check_sizes(call.core.world.upload_limit_bytes(channel))
    if call.uploads:
        call.require(channel, Permission.ATTACH_FILES)
    wanted.check_new()
    if wanted.enforce_nonce and (earlier := _message_with_nonce(call, channel, wanted)) is not None:
        return RouteReply(call.core.serialize.message(earlier))
    origin = _reply_origin(call, channel, wanted)
    message = messages.post_message(
        call.core, channel, call.core.world.bot, _check_embed_permission(call, channel, wanted), origin
    )
    return RouteReply(call.core.serialize.message(message))


def _check_embed_permission(call: Call, channel: Channel, wanted: MessageDraft) -> MessageDraft:
    """Refuse embeds without the permission, so that a missing permission is noticed."""
    if wanted.embeds and not channel_permissions(channel, call.core.world.bot) & Permission.EMBED_LINKS:
        raise missing_permissions()
    return wanted


def _message_with_nonce(call: Call, channel: Channel, wanted: MessageDraft) -> Message | None:
    """Return the bot's message of the last minutes with the same nonce."""
    oldest = call.core.clock.now() - NONCE_LIFE_S
    for message_id, _ in zip(reversed(channel.messages), range(NONCE_LOOKBACK), strict=False):
        message = channel.messages[message_id]
        if message.created_at < oldest:
            return None
        if message.author.bot and message.nonce is not None and str(message.nonce) == str(wanted.nonce):
            return message
    return None


def _reply_origin(call: Call, channel: Channel, wanted: MessageDraft) -> MessageOrigin:
    if wanted.reference_id is None:
        return messages.PLAIN
    if not channel_permissions(channel, call.core.world.bot) & Permission.READ_MESSAGE_HISTORY:
        raise ApiError(403, 160002, "Cannot reply without permission to read message history")
    target = channel.messages.get(wanted.reference_id)
    if target is None and not wanted.reference_optional:
        raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    if target is None:
        return messages.PLAIN
    return MessageOrigin(type=MessageType.REPLY, reference=target)


def _get(call: Call) -> RouteReply:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    return RouteReply(messages.fetched_message(call.core, find_message(call, channel)))


def _list(call: Call) -> RouteReply:
    channel = call.channel()
    if not channel_permissions(channel, call.core.world.bot) & Permission.READ_MESSAGE_HISTORY:
        return RouteReply([])
    limit = int(call.query.get("limit", PAGE))
    if not 1 <= limit <= MAX_PAGE:
        raise invalid("limit", "NUMBER_TYPE_MAX", f"int value should be between 1 and {MAX_PAGE}.")
    page = _around(call, channel, limit) if "around" in call.query else _page(call, channel, limit)
    return RouteReply([messages.fetched_message(call.core, channel.messages[message_id]) for message_id in page])


def _page(call: Call, channel: Channel, limit: int) -> list[int]:
    """Return the newest messages `before` an id or the oldest `after` one, the newest first."""
    oldest_first = "after" in call.query
    ids = channel.messages if oldest_first else reversed(channel.messages)
    page = list(islice((n for n in ids if _in_page(call, n) and _is_fetched(channel, n)), limit))
    return page[::-1] if oldest_first else page


def _around(call: Call, channel: Channel, limit: int) -> list[int]:
    """Return the messages nearest to an id on both sides, the newest first."""
    middle = snowflake(call.query["around"], "around")
    ids = [n for n in channel.messages if _is_fetched(channel, n)]
    earlier, later = [n for n in ids if n < middle], [n for n in ids if n > middle]
    half = limit // 2
    near = earlier[len(earlier) - min(half, len(earlier)) :] + [n for n in ids if n == middle] + later[:half]
    return near[:limit][::-1]


def _is_fetched(channel: Channel, message_id: int) -> bool:
    return channel.messages[message_id].ephemeral_for is None


def _in_page(call: Call, message_id: int) -> bool:
    before, after = call.query.get("before"), call.query.get("after")
    return (before is None or message_id < snowflake(before)) and (after is None or message_id > snowflake(after))


def _edit(call: Call) -> RouteReply:
    channel = call.channel()
    message = find_message(call, channel)
    if message.author is not call.core.world.bot:
        raise ApiError(403, 50005, "Cannot edit a message authored by another user")
    layout = bool(message.flags & MessageFlag.COMPONENTS_V2)
    wanted = call.draft(draft.EDIT, layout=layout)
    call.check_sizes(call.core.world.upload_limit_bytes(channel))
    if call.uploads:
        call.require(channel, Permission.ATTACH_FILES)
    check_age(call, message)
    return RouteReply(
        call.core.serialize.message(
            messages.edit_message(call.core, message, _check_embed_permission(call, channel, wanted))
        )
    )


def check_age(call: Call, message: Message) -> None:
    """Count an edit of a message older than an hour; Discord takes only a few in an hour.

    Raises:
        ApiError: 429 with 30046; discord.py retries after its `retry_after`.
    """
    now = call.core.clock.now()
    if now - message.created_at <= OLD_S:
        return
    if now - message.old_edits_since > OLD_EDITS_WINDOW_S:
        message.old_edits, message.old_edits_since = 0, now
    message.old_edits += 1
    if message.old_edits > OLD_EDITS:
        raise TooManyOldEdits


class TooManyOldEdits(ApiError):  # noqa: N818 - what happened reads better where it is raised
    """Too many edits of a message older than an hour."""

    def __init__(self) -> None:
        super().__init__(429, 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later")

    def body(self) -> Json:
        """Return the error's JSON with a `retry_after`."""
        return super().body() | {"retry_after": 0.3, "global": False}


def _delete(call: Call) -> RouteReply:
    channel = call.channel()
    message = find_message(call, channel)
    if message.author is not call.core.world.bot:
        call.require(channel, Permission.MANAGE_MESSAGES)
    threads.check_deletable(channel, call.core.world.bot)
    messages.delete_message(call.core, message)
    return NOTHING


_ONE = "/channels/{channel_id}/messages/{message_id}"
_CHANNEL = ("channel_id",)

ROUTES = (
    Route("POST", "/channels/{channel_id}/messages", _create, RateLimit("message create", 5, 5.0, _CHANNEL)),
    Route("GET", "/channels/{channel_id}/messages", _list, RateLimit("message list", 5, 1.0, _CHANNEL)),
    Route("GET", _ONE, _get, RateLimit("message get", 5, 1.0, _CHANNEL)),
    Route("PATCH", _ONE, _edit, RateLimit("message edit", 5, 5.0, _CHANNEL)),
    Route("DELETE", _ONE, _delete, RateLimit("message delete", 5, 1.0, _CHANNEL)),
)
