"""Messages under the bot's token."""

from itertools import islice

from sandbox.discord import draft, messages
from sandbox.discord.draft import Draft
from sandbox.discord.messages import Origin
from sandbox.discord.model import Channel, Message, MessageFlag, MessageType
from sandbox.discord.permissions import Permission, in_channel
from sandbox.discord.rate_limits import Rate
from sandbox.discord.rest.route import NOTHING, Call, Reply, Route
from sandbox.discord.wire import ApiError, Json, invalid, missing_permissions, snowflake, unknown_message

OLD_S = 3600.0
OLD_EDITS = 3
NONCE_LIFE_S = 300.0
NONCE_LOOKBACK = 200
MAX_PAGE, PAGE = 100, 50


def find(call: Call, channel: Channel) -> Message:
    """The path's message; an ephemeral one does not exist for the bot's token.

    Raises:
        ApiError: 10008.
    """
    message = channel.messages.get(call.id("message_id"))
    if message is None or message.ephemeral_for is not None:
        raise unknown_message()
    return message


def _create(call: Call) -> Reply:
    channel = call.channel(Permission.SEND_MESSAGES)
    wanted = draft.read(call.body, call.uploads, draft.CREATE)
    call.fits(call.core.world.upload_limit_bytes(channel))
    if call.uploads:
        call.need(channel, Permission.ATTACH_FILES)
    wanted.check_new()
    if wanted.enforce_nonce and (earlier := _same_nonce(call, channel, wanted)) is not None:
        return Reply(call.core.show.message(earlier))
    origin = _reply_origin(call, channel, wanted)
    message = messages.post(call.core, channel, call.core.world.bot, _allowed(call, channel, wanted), origin)
    return Reply(call.core.show.message(message))


def _allowed(call: Call, channel: Channel, wanted: Draft) -> Draft:
    """Embeds without the permission are refused here, so that a missing permission is seen."""
    if wanted.embeds and not in_channel(channel, call.core.world.bot) & Permission.EMBED_LINKS:
        raise missing_permissions()
    return wanted


def _same_nonce(call: Call, channel: Channel, wanted: Draft) -> Message | None:
    """The bot's message of the last minutes with the same nonce."""
    oldest = call.core.clock.now() - NONCE_LIFE_S
    for message_id, _ in zip(reversed(channel.messages), range(NONCE_LOOKBACK), strict=False):
        message = channel.messages[message_id]
        if message.created_at < oldest:
            return None
        if message.author.bot and message.nonce is not None and str(message.nonce) == str(wanted.nonce):
            return message
    return None


def _reply_origin(call: Call, channel: Channel, wanted: Draft) -> Origin:
    if wanted.reference_id is None:
        return messages.PLAIN
    if not in_channel(channel, call.core.world.bot) & Permission.READ_MESSAGE_HISTORY:
        raise ApiError(403, 160002, "Cannot reply without permission to read message history")
    target = channel.messages.get(wanted.reference_id)
    if target is None and not wanted.reference_optional:
        raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    if target is None:
        return messages.PLAIN
    return Origin(type=MessageType.REPLY, reference=target)


def _get(call: Call) -> Reply:
    channel = call.channel(Permission.READ_MESSAGE_HISTORY)
    return Reply(call.core.show.message(find(call, channel)))


def _list(call: Call) -> Reply:
    channel = call.channel()
    if not in_channel(channel, call.core.world.bot) & Permission.READ_MESSAGE_HISTORY:
        return Reply([])
    limit = int(call.query.get("limit", PAGE))
    if not 1 <= limit <= MAX_PAGE:
        raise invalid("limit", "NUMBER_TYPE_MAX", f"int value should be between 1 and {MAX_PAGE}.")
    oldest_first = "after" in call.query
    ids = channel.messages if oldest_first else reversed(channel.messages)
    seen = (channel.messages[n] for n in ids if _in_page(call, n) and channel.messages[n].ephemeral_for is None)
    page = list(islice(seen, limit))
    return Reply([call.core.show.message(message) for message in (reversed(page) if oldest_first else page)])


def _in_page(call: Call, message_id: int) -> bool:
    before, after = call.query.get("before"), call.query.get("after")
    return (before is None or message_id < snowflake(before)) and (after is None or message_id > snowflake(after))


def _edit(call: Call) -> Reply:
    channel = call.channel()
    message = find(call, channel)
    if message.author is not call.core.world.bot:
        raise ApiError(403, 50005, "Cannot edit a message authored by another user")
    layout = bool(message.flags & MessageFlag.COMPONENTS_V2)
    wanted = draft.read(call.body, call.uploads, draft.EDIT, layout=layout)
    call.fits(call.core.world.upload_limit_bytes(channel))
    if call.uploads:
        call.need(channel, Permission.ATTACH_FILES)
    check_age(call, message)
    return Reply(call.core.show.message(messages.edit(call.core, message, _allowed(call, channel, wanted))))


def check_age(call: Call, message: Message) -> None:
    """Messages older than an hour take only a few more edits.

    Raises:
        ApiError: 429 with 30046; discord.py tries such a 429 again after its `retry_after`.
    """
    if call.core.clock.now() - message.created_at <= OLD_S:
        return
    message.old_edits += 1
    if message.old_edits > OLD_EDITS:
        raise OldEdits


class OldEdits(ApiError):  # noqa: N818 - what happened reads better where it is raised
    """The 429 of a message that is too old for more edits."""

    def __init__(self) -> None:
        super().__init__(429, 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later")

    def body(self) -> Json:
        """The error with the wait that makes it a 429."""
        return super().body() | {"retry_after": 0.3, "global": False}


def _delete(call: Call) -> Reply:
    channel = call.channel()
    message = find(call, channel)
    if message.author is not call.core.world.bot:
        call.need(channel, Permission.MANAGE_MESSAGES)
    messages.delete(call.core, message)
    return NOTHING


_ONE = "/channels/{channel_id}/messages/{message_id}"
_CHANNEL = ("channel_id",)

ROUTES = (
    Route("POST", "/channels/{channel_id}/messages", _create, Rate("message create", 5, 5.0, _CHANNEL)),
    Route("GET", "/channels/{channel_id}/messages", _list, Rate("message list", 5, 1.0, _CHANNEL)),
    Route("GET", _ONE, _get, Rate("message get", 5, 1.0, _CHANNEL)),
    Route("PATCH", _ONE, _edit, Rate("message edit", 5, 5.0, _CHANNEL)),
    Route("DELETE", _ONE, _delete, Rate("message delete", 5, 1.0, _CHANNEL)),
)
