"""Fills in a modal as a person would, with the checks of Discord's client."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.discord.components import (
    CHECKBOX,
    CHECKBOX_GROUP,
    ENTITY_SELECTS,
    FILE_UPLOAD,
    RADIO,
    TEXT_INPUT,
)
from sandbox.discord.control.interactions import labelled_fields
from sandbox.discord.control.options import resolve_chosen
from sandbox.discord.control.request import ControlRefused, upload_file
from sandbox.discord.core import Core
from sandbox.discord.file_types import is_taken
from sandbox.discord.model import Attachment, Modal
from sandbox.discord.schema import as_list
from sandbox.discord.wire import Json


@dataclass(slots=True)
class _FormState:
    core: Core
    modal: Modal
    fields: Json
    files: Json
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    resolved: Json = field(default_factory=dict[str, Any])


def fill_form(core: Core, modal: Modal, fields: Json, files: Json) -> Json:
    """Return the data of a modal submit; fields are named by custom id or by label.

    Raises:
        ControlRefused: Discord's client would not send this.
    """
    known = labelled_fields(modal)
    names = {c["custom_id"] for c, _ in known} | {label for _, label in known if label}
    if extra := (fields.keys() | files.keys()) - names:
        raise ControlRefused(f"The modal has no field {', '.join(sorted(extra))}; it has {', '.join(sorted(names))}.")
    filling = _FormState(core, modal, fields, files)
    data: Json = {
        "custom_id": modal.data["custom_id"],
        "components": [_fill_row(filling, component) for component in modal.data["components"]],
    }
    if filling.attachments:
        filling.resolved["attachments"] = {str(a.id): core.serialize.attachment(a) for a in filling.attachments}
    return data | ({"resolved": filling.resolved} if filling.resolved else {})


def _fill_row(filling: _FormState, top: Json) -> Json:
    shown: Json = {"type": top["type"], "id": top["id"]}
    if "component" in top:
        return shown | {"component": _fill_component(filling, top["component"], top["label"])}
    if "components" in top:
        return shown | {"components": [_fill_component(filling, c, c.get("label", "")) for c in top["components"]]}
    return shown


def _fill_component(filling: _FormState, component: Json, label: str) -> Json:
    custom_id, kind = component["custom_id"], component["type"]
    shown: Json = {"type": kind, "id": component["id"], "custom_id": custom_id}
    given = filling.fields.get(custom_id, filling.fields.get(label))
    match kind:
        case _ if kind == TEXT_INPUT:
            return shown | {"value": _text(component, label, given)}
        case _ if kind == FILE_UPLOAD:
            return shown | {"values": _files(filling, component, label)}
        case _ if kind == CHECKBOX:
            return shown | {"value": bool(component.get("default", False) if given is None else given)}
        case _ if kind == RADIO:
            chosen = _choices(component, label, given)
            return shown | {"value": chosen[0] if chosen else None}
        case _ if kind in ENTITY_SELECTS:
            return shown | {"values": _entities(filling, component, label, given)}
        case _:
            return shown | {"values": _choices(component, label, given)}


def _text(component: Json, label: str, given: Any) -> str:
    text = str(component.get("value", "") if given is None else given)
    name = label or component["custom_id"]
    if not text and component.get("required", True):
        raise ControlRefused(f"The field {name} is required.")
    if text and len(text) < component.get("min_length", 0):
        raise ControlRefused(f"The field {name} takes at least {component['min_length']} characters, not {len(text)}.")
    if len(text) > component.get("max_length", 4000):
        raise ControlRefused(
            f"The field {name} takes at most {component.get('max_length', 4000)} characters, not {len(text)}."
        )
    return text


def _choices(component: Json, label: str, given: Any) -> list[str]:
    options = as_list(component.get("options"))
    if given is None:
        chosen = [str(option["value"]) for option in options if option.get("default")]
    else:
        chosen = [str(one) for one in (as_list(given) if isinstance(given, list) else [given])]
    name = label or component["custom_id"]
    if component["type"] not in ENTITY_SELECTS:
        offered = [option["value"] for option in options]
        if unknown := [one for one in chosen if one not in offered]:
            raise ControlRefused(f"The field {name} offers {', '.join(offered)}, not {unknown[0]}.")
    single = component["type"] == RADIO
    most = 1 if single else component.get("max_values", len(options) if component["type"] == CHECKBOX_GROUP else 1)
    _check_count(component, name, len(chosen), most)
    return chosen


def _entities(filling: _FormState, component: Json, label: str, given: Any) -> list[str]:
    """Return the ids of the chosen people, roles or channels; without an answer, those chosen at first."""
    first = [one["id"] for one in as_list(component.get("default_values"))]
    opened = filling.modal.interaction
    chosen = _choices(component, label, first if given is None else given)
    ids, resolved = resolve_chosen(filling.core, opened.channel, opened.user, component, chosen)
    for kind, found in resolved.items():
        filling.resolved.setdefault(kind, {}).update(found)
    return ids


def _files(filling: _FormState, component: Json, label: str) -> list[str]:
    given = filling.files.get(component["custom_id"], filling.files.get(label))
    listed = as_list(given) if isinstance(given, list) else ([] if given is None else [given])
    _check_count(component, label or component["custom_id"], len(listed), component.get("max_values", 1))
    channel = filling.modal.interaction.channel
    made = [upload_file(filling.core, channel, file, ephemeral=True) for file in listed]
    file_types = as_list(component.get("file_types"))
    if foreign := [one.filename for one in made if not is_taken(file_types, one.filename)]:
        raise ControlRefused(f"The field {label} takes {', '.join(file_types)}, not {foreign[0]}.")
    filling.attachments += made
    return [str(attachment.id) for attachment in made]


def _check_count(component: Json, name: str, count: int, most: int) -> None:
    required = component.get("required", True)
    least = component.get("min_values", 1) if required else 0
    if count < least:
        raise ControlRefused(f"The field {name} takes at least {least}, not {count}.")
    if count > most:
        raise ControlRefused(f"The field {name} takes at most {most}, not {count}.")
