"""Orders that act as a person: slash, menu, click, submit, say, react."""

from dataclasses import replace
from typing import Any

from sandbox.discord import draft, messages, reactions
from sandbox.discord.command_rules import CHAT_INPUT, MESSAGE_MENU, USER_MENU
from sandbox.discord.components import LINK_STYLE, SELECTS, STRING_SELECT
from sandbox.discord.control.forms import fill_form
from sandbox.discord.control.interactions import Deed, buttons, click_data, interact, interact_often
from sandbox.discord.control.options import Filled, Form, Found, find
from sandbox.discord.control.request import Order, Refused, attach, person
from sandbox.discord.draft import NewFile, Upload
from sandbox.discord.messages import Origin
from sandbox.discord.model import Channel, InteractionType, MessageFlag, MessageType, User
from sandbox.discord.permissions import Permission, in_channel
from sandbox.discord.schema import items
from sandbox.discord.wire import Json

BURST_MAX, BURST_MAX_S = 10_000, 600


def _may_use(found: Found, user: User, channel: Channel) -> None:
    """See that Discord would offer this person the command there."""
    granted = in_channel(channel, user)
    if channel.guild is None:
        if found.command.get("dm_permission") is False or "guild_id" in found.command:
            raise Refused(f"The command {found.command['name']} is not offered in DMs.")
        return
    if not granted & Permission.USE_APPLICATION_COMMANDS:
        raise Refused(f"{user.name} may not use application commands in {channel.name}.")
    needs = found.command.get("default_member_permissions")
    if needs is not None and not granted & Permission.ADMINISTRATOR and (needs == "0" or int(needs) & ~granted):
        raise Refused(f"The command {found.command['name']} is not offered to {user.name}.")


async def slash(order: Order) -> Json:
    """Run a slash command. `unchecked` sends what the client would have refused, as a forged request could."""
    order.only("user", "channel", "command", "options", "files", "unchecked")
    return await interact(order.core, _command(order))


async def burst(order: Order) -> Json:
    """Run the same slash command `count` times, all at once or evenly over `over_s` seconds."""
    order.only("user", "channel", "command", "options", "files", "count", "over_s")
    count, over_s = int(order.text("count")), float(order.body.get("over_s") or 0.0)
    if not 1 <= count <= BURST_MAX or not 0 <= over_s <= BURST_MAX_S:
        raise Refused(f"A burst has 1 to {BURST_MAX} commands within at most {BURST_MAX_S} s.")
    return await interact_often(order.core, [_command(order) for _ in range(count)], over_s)


def _command(order: Order) -> Deed:
    """The slash command of an order, with its files uploaded."""
    user = order.user()
    channel = order.place(user)
    checked = not order.body.get("unchecked")
    found = find(order.core, channel, order.text("command"), CHAT_INPUT)
    if checked:
        _may_use(found, user, channel)
    form = Form(order.core, channel, checked)
    filled = form.fill(found.known_options(), order.mapping("options"), order.mapping("files"))
    return Deed(
        InteractionType.COMMAND,
        user,
        channel,
        _command_data(order, found, filled),
        name=" ".join([found.command["name"], *(part["name"] for part in found.path)]),
        command_type=CHAT_INPUT,
    )


async def autocomplete(order: Order) -> Json:
    """Type into the option `focused`: answers with the `choices` that the bot offers."""
    order.only("user", "channel", "command", "options", "focused")
    user = order.user()
    channel = order.place(user)
    found = find(order.core, channel, order.text("command"), CHAT_INPUT)
    _may_use(found, user, channel)
    filled = Form(order.core, channel, checked=False).fill(found.known_options(), order.mapping("options"), {})
    for option in filled.options:
        if option["name"] == order.text("focused"):
            option["focused"] = True
    data = _command_data(order, found, filled)
    return await interact(order.core, Deed(InteractionType.AUTOCOMPLETE, user, channel, data))


def _command_data(order: Order, found: Found, filled: Filled) -> Json:
    data: Json = {"id": found.command["id"], "name": found.command["name"], "type": CHAT_INPUT}
    if "guild_id" in found.command:
        data["guild_id"] = found.command["guild_id"]
    if options := found.nest(filled.options):
        data["options"] = options
    resolved = dict(filled.resolved)
    if filled.attachments:
        resolved["attachments"] = {str(a.id): order.core.show.attachment(a) for a in filled.attachments}
    return data | ({"resolved": resolved} if resolved else {})


async def menu(order: Order) -> Json:
    """Pick a context-menu command on a message, or with `target` on a person."""
    order.only("user", "message", "command", "target", "channel")
    user = order.user()
    if "target" in order.body:
        return await _user_menu(order, user)
    message = order.message(user)
    found = find(order.core, message.channel, order.text("command"), MESSAGE_MENU)
    _may_use(found, user, message.channel)
    data: Json = {
        "id": found.command["id"],
        "name": found.command["name"],
        "type": MESSAGE_MENU,
        "target_id": str(message.id),
        "resolved": {"messages": {str(message.id): order.core.show.message(message)}},
    }
    name = found.command["name"]
    deed = Deed(InteractionType.COMMAND, user, message.channel, data, name, MESSAGE_MENU, target=message)
    return await interact(order.core, deed)


async def _user_menu(order: Order, user: User) -> Json:
    channel, target = order.place(user), person(order.core, order.text("target"))
    found = find(order.core, channel, order.text("command"), USER_MENU)
    _may_use(found, user, channel)
    resolved: Json = {"users": {str(target.id): order.core.show.user(target)}}
    if channel.guild and (member := channel.guild.members.get(target.id)):
        resolved["members"] = {str(target.id): order.core.show.member(member) | {"permissions": "0"}}
    data: Json = {
        "id": found.command["id"],
        "name": found.command["name"],
        "type": USER_MENU,
        "target_id": str(target.id),
        "resolved": resolved,
    }
    deed = Deed(InteractionType.COMMAND, user, channel, data, found.command["name"], USER_MENU)
    return await interact(order.core, deed)


async def click(order: Order) -> Json:
    """Click a button by its label or custom id, or choose `values` in a select."""
    order.only("user", "message", "label", "custom_id", "values")
    user = order.user()
    message = order.message(user)
    component = _component(order, buttons(message))
    name = component.get("label") or component.get("custom_id")
    if component.get("disabled"):
        raise Refused(f"{name} is disabled.")
    if component.get("style") == LINK_STYLE:
        raise Refused(f"{name} is a link to {component.get('url')}; Discord tells the bot nothing of it.")
    values = _values(order, component) if component["type"] in SELECTS else None
    deed = Deed(InteractionType.COMPONENT, user, message.channel, click_data(component, values), message=message)
    return await interact(order.core, deed)


def _component(order: Order, offered: list[Json]) -> Json:
    wanted_label, wanted_id = order.body.get("label"), order.body.get("custom_id")
    if wanted_label is None and wanted_id is None:
        raise Refused("A click needs a label or a custom_id.")
    for component in offered:
        emoji: Json = component.get("emoji") or {}
        labels: set[Any] = {component.get("label"), component.get("placeholder"), emoji.get("name")}
        if (wanted_id is not None and component.get("custom_id") == wanted_id) or (
            wanted_label is not None and wanted_label in labels
        ):
            return component
    there = ", ".join(str(c.get("label") or c.get("custom_id")) for c in offered)
    raise Refused(f"The message has no {wanted_label or wanted_id} to click; there is {there or 'nothing'}.")


def _values(order: Order, select: Json) -> list[Any]:
    values = items(order.body.get("values"))
    if not select["min_values"] <= len(values) <= select["max_values"]:
        raise Refused(f"Choose between {select['min_values']} and {select['max_values']} values.")
    if select["type"] == STRING_SELECT:
        offered = [option["value"] for option in select["options"]]
        if unknown := [value for value in values if value not in offered]:
            raise Refused(f"The select offers {', '.join(offered)}, not {unknown[0]}.")
    return values


async def submit(order: Order) -> Json:
    """Send a modal that the bot had opened for this person."""
    order.only("user", "modal", "fields", "files")
    user = order.user()
    given = order.text("modal")
    modal = order.core.world.modals.get(int(given)) if given.isdigit() else None
    if modal is None or modal.interaction.user is not user:
        raise Refused(f"{user.name} has no open modal {given}.")
    opened = modal.interaction
    data = fill_form(order.core, modal, order.mapping("fields"), order.mapping("files"))
    del order.core.world.modals[modal.id]
    deed = Deed(InteractionType.MODAL, user, opened.channel, data, message=opened.message, trigger=opened)
    return await interact(order.core, deed)


async def say(order: Order) -> Json:
    """Post a message as a person."""
    order.only("user", "channel", "content", "files", "reply_to")
    user = order.user()
    channel = order.place(user)
    if not in_channel(channel, user) & Permission.SEND_MESSAGES:
        raise Refused(f"{user.name} may not write in {channel.name}.")
    files: Any = order.body.get("files")
    listed = list(order.mapping("files").values()) if isinstance(files, dict) else items(files)
    body: Json = {"content": str(order.body.get("content") or "")}
    wanted = draft.read(body, {}, draft.CREATE)
    uploads = [attach(order.core, channel, file, ephemeral=False) for file in listed]
    if not wanted.content and not uploads:
        raise Refused("A message needs content or files.")
    origin = messages.PLAIN
    if "reply_to" in order.body:
        target = Order(order.core, {"message": order.body["reply_to"]}).message(user)
        origin = Origin(type=MessageType.REPLY, reference=target)
    files_of = tuple(NewFile(Upload(a.filename, a.blob), a.filename, a.description) for a in uploads)
    message = messages.post(order.core, channel, user, replace(wanted, new_files=files_of), origin)
    return {"id": str(message.id), "message_id": str(message.id), "channel_id": str(channel.id)}


async def react(order: Order) -> Json:
    """Add a person's reaction."""
    user, message, emoji = _reaction(order)
    granted = in_channel(message.channel, user)
    if not granted & Permission.READ_MESSAGE_HISTORY:
        raise Refused(f"{user.name} may not read the history of {message.channel.name}.")
    if emoji not in message.reactions and not granted & Permission.ADD_REACTIONS:
        raise Refused(f"{user.name} may not add reactions in {message.channel.name}.")
    if message.flags & MessageFlag.EPHEMERAL:
        raise Refused("Nobody can react to an ephemeral message.")
    reactions.add(order.core, message, user, emoji)
    return {"ok": True}


async def unreact(order: Order) -> Json:
    """Take a person's own reaction away."""
    user, message, emoji = _reaction(order)
    reactions.remove(order.core, message, user, emoji)
    return {"ok": True}


def _reaction(order: Order) -> tuple[User, Any, str]:
    order.only("user", "message", "emoji")
    user = order.user()
    return user, order.message(user), order.text("emoji")
