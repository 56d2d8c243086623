"""Messages under an interaction's token, for fifteen minutes: follow up, read, edit and delete."""

from sandbox.discord import draft, messages, threads
from sandbox.discord.messages import MessageOrigin
from sandbox.discord.model import CallbackType, Interaction, Message, MessageFlag, MessageType
from sandbox.discord.rate_limits import RateLimit
from sandbox.discord.rest.route import NOTHING, Auth, Call, Route, RouteReply
from sandbox.discord.wire import ApiError, snowflake, unknown, unknown_channel, unknown_message

TOKEN_LIFE_S = 15 * 60.0
_RATE = RateLimit("webhook", 5, 2.0, ("webhook_id", "token"))


def _interaction(call: Call) -> Interaction:
    """Return the answered interaction of the token.

    Raises:
        ApiError: 10015 for another webhook or an unanswered interaction, 50027 for an expired token, 10003 if the
            channel is deleted.
    """
    if call.id("webhook_id") != call.core.world.bot.id:
        raise unknown("Webhook", 10015)
    interaction = call.core.world.interaction_by_token(call.params["token"])
    if interaction is None or call.core.clock.now() - interaction.created_at > TOKEN_LIFE_S:
        raise ApiError(401, 50027, "Invalid Webhook Token")
    if interaction.callback is None or interaction.callback is CallbackType.AUTOCOMPLETE:
        raise unknown("Webhook", 10015)
    if interaction.channel.id not in call.core.world.channels:
        raise unknown_channel()
    return interaction


def _message(call: Call, interaction: Interaction) -> Message:
    """Return `@original`, or a message that this interaction made."""
    wanted = call.params.get("message_id", "@original")
    if wanted == "@original":
        found = interaction.original
    else:
        found = call.core.world.messages.get(snowflake(wanted, "message_id"))
    mine = found is not None and (found.interaction is interaction or found is interaction.original)
    if found is None or not mine or found.id not in call.core.world.messages:
        raise unknown_message()
    return found


def _follow_up(call: Call) -> RouteReply:
    interaction = _interaction(call)
    wanted = call.draft(draft.WEBHOOK)
    call.check_sizes(interaction.upload_limit_bytes)
    wanted.check_new()
    original = interaction.original
    if original is not None and original.flags & MessageFlag.LOADING and original.id in call.core.world.messages:
        # The first follow-up fills the "thinking" message, which stays ephemeral or public as it is.
        message = messages.edit_message(call.core, original, wanted)
    else:
        origin = _origin(call, interaction, ephemeral=bool(wanted.flags & MessageFlag.EPHEMERAL))
        message = messages.post_message(call.core, interaction.channel, call.core.world.bot, wanted, origin)
    # `wait` is always true for interactions (https://discord.com/developers/docs/interactions/receiving-and-responding).
    return RouteReply(call.core.serialize.message(message))


def _origin(call: Call, interaction: Interaction, *, ephemeral: bool) -> MessageOrigin:
    original = interaction.original
    there = original is not None and original.id in call.core.world.messages
    return MessageOrigin(
        type=MessageType.REPLY if there else MessageType.DEFAULT,
        interaction=interaction,
        ephemeral_for=interaction.user if ephemeral else None,
        reference=original if there else None,
    )


def _get(call: Call) -> RouteReply:
    return RouteReply(call.core.serialize.message(_message(call, _interaction(call))))


def _edit(call: Call) -> RouteReply:
    interaction = _interaction(call)
    message = _message(call, interaction)
    layout = bool(message.flags & MessageFlag.COMPONENTS_V2)
    wanted = call.draft(draft.EDIT, layout=layout)
    call.check_sizes(interaction.upload_limit_bytes)
    return RouteReply(call.core.serialize.message(messages.edit_message(call.core, message, wanted)))


def _delete(call: Call) -> RouteReply:
    interaction = _interaction(call)
    message = _message(call, interaction)
    threads.check_deletable(message.channel, call.core.world.bot)
    messages.delete_message(call.core, message)
    return NOTHING


_HOOK = "/webhooks/{webhook_id}/{token}"
_ONE = _HOOK + "/messages/{message_id}"

ROUTES = (
    Route("POST", _HOOK, _follow_up, _RATE, Auth.TOKEN_IN_PATH),
    Route("GET", _ONE, _get, _RATE, Auth.TOKEN_IN_PATH),
    Route("PATCH", _ONE, _edit, _RATE, Auth.TOKEN_IN_PATH),
    Route("DELETE", _ONE, _delete, _RATE, Auth.TOKEN_IN_PATH),
)
