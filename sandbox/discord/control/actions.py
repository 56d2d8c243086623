"""Control requests that act as a person: slash, menu, click, submit, say, react."""

import base64
from typing import Any

from sandbox.discord import draft, messages, reactions
from sandbox.discord.command_permissions import is_offered
from sandbox.discord.command_rules import CHAT_INPUT, MESSAGE_MENU, USER_MENU
from sandbox.discord.components import ENTITY_SELECTS, LINK_STYLE, SELECTS, STRING_SELECT
from sandbox.discord.control.forms import fill_form
from sandbox.discord.control.interactions import (
    IN_DM,
    IN_GUILD,
    UserAction,
    click_data,
    clickable_components,
    perform,
    perform_all,
)
from sandbox.discord.control.options import FilledOptions, FoundCommand, OptionForm, find_command, resolve_chosen
from sandbox.discord.control.request import ControlRefused, ControlRequest, find_user, upload_file
from sandbox.discord.core import Core
from sandbox.discord.messages import MessageOrigin
from sandbox.discord.model import Attachment, Channel, InteractionType, MessageFlag, MessageType, User
from sandbox.discord.permissions import Permission, channel_permissions, to_write_in
from sandbox.discord.schema import as_list
from sandbox.discord.wire import Json, Problems

BURST_MAX, BURST_MAX_S = 10_000, 600
WAVEFORM = base64.b64encode(bytes(range(0, 256, 4))).decode()
WITHOUT_SLOW_MODE = Permission.MANAGE_CHANNELS | Permission.MANAGE_MESSAGES | Permission.BYPASS_SLOWMODE


def _may_use(core: Core, found: FoundCommand, user: User, channel: Channel) -> None:
    """Check that Discord would offer the command to this person in this channel."""
    granted = channel_permissions(channel, user)
    if channel.thread is not None and (
        channel.thread.archived or (channel.thread.locked and not granted & Permission.MANAGE_THREADS)
    ):
        raise ControlRefused(f"The thread {channel.name} is archived or locked; nobody uses commands there.")
    contexts = found.command.get("contexts")
    if contexts is not None and (IN_DM if channel.guild is None else IN_GUILD) not in contexts:
        raise ControlRefused(f"The command {found.command['name']} is not offered there.")
    if channel.guild is None:
        if found.command.get("dm_permission") is False or "guild_id" in found.command:
            raise ControlRefused(f"The command {found.command['name']} is not offered in DMs.")
        return
    if not granted & Permission.USE_APPLICATION_COMMANDS:
        raise ControlRefused(f"{user.name} may not use application commands in {channel.name}.")
    if found.command.get("nsfw") and not (channel.thread.parent if channel.thread else channel).nsfw:
        raise ControlRefused(f"The command {found.command['name']} is offered in age-restricted channels only.")
    if not is_offered(core, found.command, user, channel):
        raise ControlRefused(f"The command {found.command['name']} is not offered to {user.name}.")


def is_usable(core: Core, command: Json, user: User, channel: Channel) -> bool:
    """Return whether Discord would offer the command to this person in this channel."""
    try:
        _may_use(core, FoundCommand(command, ()), user, channel)
    except ControlRefused:
        return False
    return True


async def slash(request: ControlRequest) -> Json:
    """Run a slash command. `unchecked` skips the client's checks, as a forged request would."""
    request.check_keys("user", "channel", "command", "options", "files", "unchecked")
    return await perform(request.core, _command(request))


async def burst(request: ControlRequest) -> Json:
    """Run the same slash command `count` times, at once or spread evenly over `over_s` seconds."""
    request.check_keys("user", "channel", "command", "options", "files", "count", "over_s")
    count, over_s = int(request.text("count")), float(request.body.get("over_s") or 0.0)
    if not 1 <= count <= BURST_MAX or not 0 <= over_s <= BURST_MAX_S:
        raise ControlRefused(f"A burst has 1 to {BURST_MAX} commands within at most {BURST_MAX_S} s.")
    return await perform_all(request.core, [_command(request) for _ in range(count)], over_s)


def _command(request: ControlRequest) -> UserAction:
    """Return the request's slash command, with its files uploaded."""
    user = request.user()
    channel = request.channel(user)
    checked = not request.body.get("unchecked")
    found = find_command(request.core, channel, request.text("command"), CHAT_INPUT)
    if checked:
        _may_use(request.core, found, user, channel)
    form = OptionForm(request.core, channel, user, checked)
    filled = form.fill(found.known_options(), request.mapping("options"), request.mapping("files"))
    return UserAction(
        InteractionType.COMMAND,
        user,
        channel,
        _command_data(request, found, filled),
        name=" ".join([found.command["name"], *(part["name"] for part in found.path)]),
        command_type=CHAT_INPUT,
    )


async def autocomplete(request: ControlRequest) -> Json:
    """Type into the option `focused`; answers with the bot's `choices`."""
    request.check_keys("user", "channel", "command", "options", "focused")
    user = request.user()
    channel = request.channel(user)
    found = find_command(request.core, channel, request.text("command"), CHAT_INPUT)
    _may_use(request.core, found, user, channel)
    filled = OptionForm(request.core, channel, user, checked=False).fill(
        found.known_options(), request.mapping("options"), {}
    )
    for option in filled.options:
        if option["name"] == request.text("focused"):
            option["focused"] = True
    data = _command_data(request, found, filled)
    return await perform(request.core, UserAction(InteractionType.AUTOCOMPLETE, user, channel, data))


def _command_data(request: ControlRequest, found: FoundCommand, filled: FilledOptions) -> Json:
    data: Json = {"id": found.command["id"], "name": found.command["name"], "type": CHAT_INPUT}
    if "guild_id" in found.command:
        data["guild_id"] = found.command["guild_id"]
    if options := found.nest(filled.options):
        data["options"] = options
    resolved = dict(filled.resolved)
    if filled.attachments:
        resolved["attachments"] = {str(a.id): request.core.serialize.attachment(a) for a in filled.attachments}
    return data | ({"resolved": resolved} if resolved else {})


async def menu(request: ControlRequest) -> Json:
    """Run a context-menu command on a message, or on a person if there is a `target`."""
    request.check_keys("user", "message", "command", "target", "channel")
    user = request.user()
    if "target" in request.body:
        return await _user_menu(request, user)
    message = request.message(user)
    found = find_command(request.core, message.channel, request.text("command"), MESSAGE_MENU)
    _may_use(request.core, found, user, message.channel)
    data: Json = {
        "id": found.command["id"],
        "name": found.command["name"],
        "type": MESSAGE_MENU,
        "target_id": str(message.id),
        "resolved": {"messages": {str(message.id): request.core.serialize.message(message)}},
    }
    name = found.command["name"]
    deed = UserAction(InteractionType.COMMAND, user, message.channel, data, name, MESSAGE_MENU, target=message)
    return await perform(request.core, deed)


async def _user_menu(request: ControlRequest, user: User) -> Json:
    channel, target = request.channel(user), find_user(request.core, request.text("target"))
    found = find_command(request.core, channel, request.text("command"), USER_MENU)
    _may_use(request.core, found, user, channel)
    resolved: Json = {"users": {str(target.id): request.core.serialize.user(target)}}
    if channel.guild and (member := channel.guild.members.get(target.id)):
        granted = {"permissions": str(channel_permissions(channel, target))}
        resolved["members"] = {str(target.id): request.core.serialize.member(member) | granted}
    data: Json = {
        "id": found.command["id"],
        "name": found.command["name"],
        "type": USER_MENU,
        "target_id": str(target.id),
        "resolved": resolved,
    }
    deed = UserAction(InteractionType.COMMAND, user, channel, data, found.command["name"], USER_MENU, target=target)
    return await perform(request.core, deed)


async def click(request: ControlRequest) -> Json:
    """Click a button, named by label or custom id, or choose `values` in a select.

    `unchecked` does so on a message that the person does not see.
    """
    request.check_keys("user", "message", "label", "custom_id", "values", "unchecked")
    user = request.user()
    message = request.message(user, checked=not request.body.get("unchecked"))
    component = _component(request, clickable_components(message))
    name = component.get("label") or component.get("custom_id")
    if component.get("disabled"):
        raise ControlRefused(f"{name} is disabled.")
    if component.get("style") == LINK_STYLE:
        raise ControlRefused(f"{name} is a link to {component.get('url')}; Discord tells the bot nothing of it.")
    values = _values(request, component) if component["type"] in SELECTS else None
    data = click_data(component, values)
    if values and component["type"] in ENTITY_SELECTS:
        data["values"], data["resolved"] = resolve_chosen(request.core, message.channel, user, component, values)
    deed = UserAction(InteractionType.COMPONENT, user, message.channel, data, message=message)
    return await perform(request.core, deed)


def _component(request: ControlRequest, offered: list[Json]) -> Json:
    wanted_label, wanted_id = request.body.get("label"), request.body.get("custom_id")
    if wanted_label is None and wanted_id is None:
        raise ControlRefused("A click needs a label or a custom_id.")
    for component in offered:
        emoji: Json = component.get("emoji") or {}
        labels: set[Any] = {component.get("label"), component.get("placeholder"), emoji.get("name")}
        if (wanted_id is not None and component.get("custom_id") == wanted_id) or (
            wanted_label is not None and wanted_label in labels
        ):
            return component
    there = ", ".join(str(c.get("label") or c.get("custom_id")) for c in offered)
    raise ControlRefused(f"The message has no {wanted_label or wanted_id} to click; there is {there or 'nothing'}.")


def _values(request: ControlRequest, select: Json) -> list[Any]:
    values = as_list(request.body.get("values"))
    if not select["min_values"] <= len(values) <= select["max_values"]:
        raise ControlRefused(f"Choose between {select['min_values']} and {select['max_values']} values.")
    if select["type"] == STRING_SELECT:
        offered = [option["value"] for option in select["options"]]
        if unknown := [value for value in values if value not in offered]:
            raise ControlRefused(f"The select offers {', '.join(offered)}, not {unknown[0]}.")
    return values


async def submit(request: ControlRequest) -> Json:
    """Submit a modal that the bot opened for this person."""
    request.check_keys("user", "modal", "fields", "files")
    user = request.user()
    given = request.text("modal")
    modal = request.core.world.modals.get(int(given)) if given.isdigit() else None
    if modal is None or modal.interaction.user is not user:
        raise ControlRefused(f"{user.name} has no open modal {given}.")
    opened = modal.interaction
    data = fill_form(request.core, modal, request.mapping("fields"), request.mapping("files"))
    del request.core.world.modals[modal.id]
    deed = UserAction(InteractionType.MODAL, user, opened.channel, data, message=opened.message, trigger=opened)
    return await perform(request.core, deed)


async def say(request: ControlRequest) -> Json:
    """Post a message as a person."""
    request.check_keys("user", "channel", "content", "files", "reply_to", "voice")
    user = request.user()
    channel = request.channel(user)
    _check_may_write(request.core, channel, user)
    files: Any = request.body.get("files")
    listed = list(request.mapping("files").values()) if isinstance(files, dict) else as_list(files)
    body: Json = {"content": str(request.body.get("content") or "")}
    if request.body.get("voice"):
        body["flags"] = int(MessageFlag.VOICE_MESSAGE)
    wanted = draft.read_draft(Problems(), body, {}, draft.CREATE)
    uploads = [upload_file(request.core, channel, file, ephemeral=False) for file in listed]
    if not wanted.content and not uploads:
        raise ControlRefused("A message needs content or files.")
    origin = messages.PLAIN
    if "reply_to" in request.body:
        target = ControlRequest(request.core, {"message": request.body["reply_to"]}).message(user)
        origin = MessageOrigin(type=MessageType.REPLY, reference=target)
    if wanted.flags & MessageFlag.VOICE_MESSAGE:
        _make_voice(uploads)
    message = messages.post_message(request.core, channel, user, wanted, origin, uploaded=tuple(uploads))
    return {"id": str(message.id), "message_id": str(message.id), "channel_id": str(channel.id)}


def _check_may_write(core: Core, channel: Channel, user: User) -> None:
    granted, now = channel_permissions(channel, user), core.clock.now()
    if not granted & to_write_in(channel):
        raise ControlRefused(f"{user.name} may not write in {channel.name}.")
    wait_s = channel.spoke_at.get(user.id, 0.0) + channel.slow_mode_s - now
    if wait_s > 0 and not granted & WITHOUT_SLOW_MODE:
        raise ControlRefused(f"{channel.name} is in slow mode; {user.name} may write again in {wait_s:.0f} s.")
    channel.spoke_at[user.id] = now


def _make_voice(uploads: list[Attachment]) -> None:
    """Give the only upload the length and the waveform that Discord's client records with a voice message."""
    if len(uploads) != 1:
        raise ControlRefused("A voice message has one file.")
    uploads[0].waveform = WAVEFORM
    uploads[0].seconds = uploads[0].seconds or 1.0


async def react(request: ControlRequest) -> Json:
    """Add a person's reaction."""
    user, message, emoji = _reaction(request)
    granted = channel_permissions(message.channel, user)
    if not granted & Permission.READ_MESSAGE_HISTORY:
        raise ControlRefused(f"{user.name} may not read the history of {message.channel.name}.")
    if emoji not in message.reactions and not granted & Permission.ADD_REACTIONS:
        raise ControlRefused(f"{user.name} may not add reactions in {message.channel.name}.")
    if message.flags & MessageFlag.EPHEMERAL:
        raise ControlRefused("Nobody can react to an ephemeral message.")
    reactions.add(request.core, message, user, emoji)
    return {"ok": True}


async def delete(request: ControlRequest) -> Json:
    """Delete a message as a person: their own, or anybody's with MANAGE_MESSAGES."""
    request.check_keys("user", "message")
    user = request.user()
    message = request.message(user)
    granted = channel_permissions(message.channel, user) if message.channel.guild else 0
    if message.author is not user and not granted & Permission.MANAGE_MESSAGES:
        raise ControlRefused(f"{user.name} may not delete messages of others in {message.channel.name}.")
    messages.delete_message(request.core, message)
    return {"ok": True}


async def unreact(request: ControlRequest) -> Json:
    """Remove a person's own reaction."""
    user, message, emoji = _reaction(request)
    reactions.remove(request.core, message, user, emoji)
    return {"ok": True}


def _reaction(request: ControlRequest) -> tuple[User, Any, str]:
    request.check_keys("user", "message", "emoji")
    user = request.user()
    return user, request.message(user), request.text("emoji")
