"""Creates interactions and waits for the bot's answer."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.discord.components import BUTTON, walk
from sandbox.discord.core import Core
from sandbox.discord.model import (
    CallbackType,
    Channel,
    Interaction,
    InteractionType,
    Message,
    MessageFlag,
    Modal,
    User,
)
from sandbox.discord.permissions import channel_permissions
from sandbox.discord.rest.interactions import ANSWER_WITHIN_S
from sandbox.discord.wire import Json

IN_GUILD, IN_DM = 0, 1


@dataclass(frozen=True, slots=True)
class UserAction:
    """One action of a person: the interaction's type, its data, and the message it refers to."""

    type: InteractionType
    user: User
    channel: Channel
    data: Json
    name: str = ""
    command_type: int = 0
    message: Message | None = None
    target: Message | User | None = None
    trigger: Interaction | None = None


async def perform(core: Core, deed: UserAction) -> Json:
    """Send the interaction; answers once the bot has responded or `ANSWER_WITHIN_S` has passed."""
    interaction = _add_interaction(core, deed)
    _send(core, interaction, interaction_event(core, interaction, deed.data))
    await _wait_for_answer(interaction)
    return action_result(interaction)


async def perform_all(core: Core, deeds: Sequence[UserAction], over_s: float) -> Json:
    """Send the interactions, at once or spread over `over_s`; answers with the `ack_ms` and `message_id` of each.

    All events are built before the first is sent; the time of each counts from when it is sent.
    """
    ready = [
        (one, interaction_event(core, one, deed.data)) for deed in deeds for one in (_add_interaction(core, deed),)
    ]
    began = core.clock.now()
    for number, (interaction, shown) in enumerate(ready):
        wait_s = began + over_s * number / len(ready) - core.clock.now()
        if over_s and wait_s > 0:
            await asyncio.sleep(wait_s)
        interaction.created_at = core.clock.now()
        _send(core, interaction, shown)
    await asyncio.gather(*(_wait_for_answer(interaction) for interaction, _ in ready))
    outcomes = [action_result(interaction) for interaction, _ in ready]
    return {key: [one[key] for one in outcomes] for key in ("ack_ms", "message_id")}


def _send(core: Core, interaction: Interaction, shown: Json) -> None:
    guild = interaction.channel.guild
    core.gateway.emit("INTERACTION_CREATE", shown, guild_id=guild.id if guild else None)


async def _wait_for_answer(interaction: Interaction) -> None:
    """Wait for the bot's answer, at most as long as Discord does."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await interaction.answered.wait()


def _add_interaction(core: Core, deed: UserAction) -> Interaction:
    interaction = Interaction(
        id=core.ids.next(),
        token=core.world.new_token(),
        type=deed.type,
        user=deed.user,
        channel=deed.channel,
        created_at=core.clock.now(),
        name=deed.name,
        upload_limit_bytes=core.world.upload_limit_bytes(deed.channel, deed.user),
        command_type=deed.command_type,
        message=deed.message,
        target=deed.target,
        trigger=deed.trigger,
    )
    core.world.add_interaction(interaction)
    return interaction


def interaction_event(core: Core, interaction: Interaction, data: Json) -> Json:
    """Return the data of the INTERACTION_CREATE event."""
    channel, user, bot = interaction.channel, interaction.user, core.world.bot
    shown: Json = {
        "id": str(interaction.id),
        "application_id": str(bot.id),
        "type": int(interaction.type),
        "data": data,
        "token": interaction.token,
        "version": 1,
        "channel": core.serialize.channel_in_interaction(channel, user),
        "channel_id": str(channel.id),
        "app_permissions": str(channel_permissions(channel, bot)),
        "locale": "en-US",
        "entitlements": [],
        "entitlement_sku_ids": [],
        "authorizing_integration_owners": core.serialize.owners(channel),
        "context": IN_GUILD if channel.guild else IN_DM,
        "attachment_size_limit": interaction.upload_limit_bytes,
    }
    if interaction.message is not None:
        shown["message"] = core.serialize.message(interaction.message)
    if channel.guild is None:
        return shown | {"user": core.serialize.user(user)}
    member = core.serialize.member_with_user(channel.guild.members[user.id])
    return shown | {
        "guild_id": str(channel.guild.id),
        "guild": {"id": str(channel.guild.id), "locale": "en-US", "features": []},
        "guild_locale": "en-US",
        "member": member | {"permissions": str(channel_permissions(channel, user))},
    }


def action_result(interaction: Interaction) -> Json:
    """Return how the bot answered an interaction; null where there is nothing."""
    message = interaction.original
    loading = message is not None and bool(message.flags & MessageFlag.LOADING)
    waited = None if interaction.acknowledged_at is None else interaction.acknowledged_at - interaction.created_at
    answer: Json = {
        "interaction_id": str(interaction.id),
        "acknowledged": interaction.callback is not None,
        "ack_ms": None if waited is None else round(waited * 1000, 1),
        "message_id": str(message.id) if message else None,
        "ephemeral": interaction.ephemeral if message else None,
        "content": None if message is None or loading else message.content,
        "modal": modal_json(interaction.modal) if interaction.modal else None,
    }
    if interaction.callback is CallbackType.AUTOCOMPLETE:
        answer["choices"] = interaction.choices
    return answer


def modal_json(modal: Modal) -> Json:
    """Return a modal as a person sees it."""
    return {
        "id": str(modal.id),
        "custom_id": modal.data["custom_id"],
        "title": modal.data["title"],
        "fields": [_field(component, label) for component, label in labelled_fields(modal)],
    }


def labelled_fields(modal: Modal) -> list[tuple[Json, str]]:
    """Return the fields of a modal with their labels."""
    found: list[tuple[Json, str]] = []
    for top in modal.data["components"]:
        if "component" in top:
            found.append((top["component"], top["label"]))
        found += [(inner, inner.get("label", "")) for inner in top.get("components", [])]
    return found


def _field(component: Json, label: str) -> Json:
    shown: Json = {"custom_id": component["custom_id"], "label": label, "type": component["type"]}
    for key in ("style", "value", "placeholder", "min_length", "max_length", "min_values", "max_values"):
        shown[key] = component.get(key)
    shown["required"] = component.get("required", True)
    shown["options"] = component.get("options")
    shown["default"] = component.get("default")
    return shown


def clickable_components(message: Message) -> list[Json]:
    """Return the message's buttons and selects."""
    return [c for c in walk(message.components) if c["type"] == BUTTON or "custom_id" in c]


def click_data(component: Json, values: list[Any] | None) -> Json:
    """Return the data of a component interaction."""
    data: Json = {"custom_id": component["custom_id"], "component_type": component["type"], "id": component["id"]}
    return data if values is None else data | {"values": values}
