"""The first response to an interaction: once, within three seconds.

https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from collections.abc import Callable
from typing import Any

from sandbox.discord import draft, messages
from sandbox.discord.components import check_form
from sandbox.discord.core import Core
from sandbox.discord.draft import MessageDraft
from sandbox.discord.messages import MessageOrigin
from sandbox.discord.model import (
    CallbackType,
    Interaction,
    InteractionType,
    Message,
    MessageFlag,
    MessageType,
    Modal,
)
from sandbox.discord.rest.route import NOTHING, Auth, Call, Route, RouteReply
from sandbox.discord.schema import KeyRule, as_list, check_object
from sandbox.discord.wire import ApiError, Json, invalid, unknown, unknown_channel

ANSWER_WITHIN_S = 3.0
_CALLBACK = {"type": KeyRule("int", 12, 1, required=True), "data": KeyRule("object")}
_FORM = {
    "custom_id": KeyRule("str", 100, 1, required=True),
    "title": KeyRule("str", 45, 1, required=True),
    "components": KeyRule("list", 40, 1, required=True),
}
_CHOICE = {
    "name": KeyRule("str", 100, 1, required=True),
    "name_localizations": KeyRule("object"),
    "value": KeyRule("any", required=True),
}
_FITTING = {
    InteractionType.COMMAND: {CallbackType.MESSAGE, CallbackType.DEFER, CallbackType.MODAL},
    InteractionType.AUTOCOMPLETE: {CallbackType.AUTOCOMPLETE},
    InteractionType.COMPONENT: set(CallbackType) - {CallbackType.AUTOCOMPLETE},
    InteractionType.MODAL: set(CallbackType) - {CallbackType.AUTOCOMPLETE, CallbackType.MODAL},
}


def _callback(call: Call) -> RouteReply:
    interaction = _unanswered(call)
    kind, data = _kind(call, interaction)
    call.check_sizes(interaction.upload_limit_bytes)
    message = _ANSWERS[kind](call, interaction, data)
    interaction.callback = kind
    interaction.acknowledged_at = call.core.clock.now()
    interaction.original = message
    interaction.answered.set()
    if call.query.get("with_response") not in {"1", "true", "True"}:
        return NOTHING
    return RouteReply(_answer(call.core, interaction, kind))


def _unanswered(call: Call) -> Interaction:
    interaction = call.core.world.interaction(call.id("interaction_id"))
    if interaction is None or interaction.token != call.params["token"]:
        raise unknown("interaction", 10062)
    if interaction.callback is not None:
        raise ApiError(400, 40060, "Interaction has already been acknowledged.")
    if call.core.clock.now() - interaction.created_at > ANSWER_WITHIN_S:
        raise unknown("interaction", 10062)
    if interaction.channel.id not in call.core.world.channels:
        raise unknown_channel()
    return interaction


def _kind(call: Call, interaction: Interaction) -> tuple[CallbackType, Any]:
    problems = call.problems()
    body = check_object(problems, "", call.body, _CALLBACK)
    problems.raise_any()
    fitting = set(_FITTING[interaction.type])
    if interaction.message is None:
        fitting -= {CallbackType.UPDATE, CallbackType.DEFER_UPDATE}
    if body["type"] not in fitting:
        allowed = ", ".join(str(int(kind)) for kind in sorted(fitting))
        raise invalid("type", "BASE_TYPE_CHOICES", f"This interaction takes a response of the types {allowed}.")
    return CallbackType(body["type"]), body.get("data")


def response_origin(interaction: Interaction, *, ephemeral: bool, loading: bool = False) -> MessageOrigin:
    """Return the origin of the response: the command, or a reply to the clicked message."""
    kind = MessageType.CHAT_INPUT_COMMAND if interaction.command_type == 1 else MessageType.CONTEXT_MENU_COMMAND
    if interaction.type is not InteractionType.COMMAND:
        kind = MessageType.REPLY if interaction.message else MessageType.DEFAULT
    return MessageOrigin(
        type=kind,
        interaction=interaction,
        ephemeral_for=interaction.user if ephemeral else None,
        reference=interaction.target if isinstance(interaction.target, Message) else interaction.message,
        loading=loading,
    )


def _post(call: Call, interaction: Interaction, data: Any) -> Message:
    wanted = call.draft(draft.CALLBACK, body=data, path="data")
    wanted.check_new()
    interaction.ephemeral = bool(wanted.flags & MessageFlag.EPHEMERAL)
    where = response_origin(interaction, ephemeral=interaction.ephemeral)
    return messages.post_message(call.core, interaction.channel, call.core.world.bot, wanted, where)


def _defer(call: Call, interaction: Interaction, data: Any) -> Message:
    wanted: MessageDraft = call.draft(draft.CALLBACK, body=data, path="data")
    if wanted.flags & MessageFlag.COMPONENTS_V2 or not wanted.is_empty():
        raise invalid("data", "SANDBOX_DEFER_CARRIES_MORE", "A deferred response carries no more than its flags.")
    interaction.ephemeral = bool(wanted.flags & MessageFlag.EPHEMERAL)
    where = response_origin(interaction, ephemeral=interaction.ephemeral, loading=True)
    return messages.post_message(call.core, interaction.channel, call.core.world.bot, wanted, where)


def _clicked_message(interaction: Interaction) -> Message:
    if interaction.message is None:
        raise invalid("type", "BASE_TYPE_CHOICES", "There is no message to update.")
    interaction.ephemeral = interaction.message.ephemeral_for is not None
    return interaction.message


def _defer_update(call: Call, interaction: Interaction, data: Any) -> Message:
    if data and call.core.is_strict:
        raise invalid("data", "SANDBOX_DEFER_CARRIES_MORE", "A deferred update carries nothing.")
    return _clicked_message(interaction)


def _update(call: Call, interaction: Interaction, data: Any) -> Message:
    message = _clicked_message(interaction)
    layout = bool(message.flags & MessageFlag.COMPONENTS_V2)
    wanted = call.draft(draft.CALLBACK, body=data, path="data", layout=layout)
    return messages.edit_message(call.core, message, wanted)


def _autocomplete(call: Call, interaction: Interaction, data: Any) -> None:
    problems = call.problems()
    kept = check_object(problems, "data", data, {"choices": KeyRule("list", 25, required=True)})
    choices = as_list(kept.get("choices"))
    interaction.choices = [
        check_object(problems, f"data.choices.{n}", choice, _CHOICE) for n, choice in enumerate(choices)
    ]
    problems.raise_any()


def _modal(call: Call, interaction: Interaction, data: Any) -> None:
    problems = call.problems()
    form = check_object(problems, "data", data, _FORM)
    form["components"] = check_form(problems, "data.components", form.get("components"))
    problems.raise_any()
    interaction.modal = Modal(call.core.ids.next(), interaction, form)
    call.core.world.add_modal(interaction.modal)


_ANSWERS: dict[CallbackType, Callable[[Call, Interaction, Any], Message | None]] = {
    CallbackType.MESSAGE: _post,
    CallbackType.DEFER: _defer,
    CallbackType.DEFER_UPDATE: _defer_update,
    CallbackType.UPDATE: _update,
    CallbackType.AUTOCOMPLETE: _autocomplete,
    CallbackType.MODAL: _modal,
}


def _answer(core: Core, interaction: Interaction, kind: CallbackType) -> Json:
    """Return the body for `with_response`."""
    about: Json = {"id": str(interaction.id), "type": int(interaction.type), "channel_id": str(interaction.channel.id)}
    if interaction.channel.guild is not None:
        about["guild_id"] = str(interaction.channel.guild.id)
    message = interaction.original
    if message is not None:
        about |= {
            "response_message_id": str(message.id),
            "response_message_loading": kind is CallbackType.DEFER,
            "response_message_ephemeral": interaction.ephemeral,
        }
    if message is not None and kind in {CallbackType.MESSAGE, CallbackType.UPDATE}:
        return {"interaction": about, "resource": {"type": int(kind), "message": core.serialize.message(message)}}
    return {"interaction": about}


ROUTES = (Route("POST", "/interactions/{interaction_id}/{token}/callback", _callback, auth=Auth.TOKEN_IN_PATH),)
