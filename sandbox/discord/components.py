"""Message components and forms: checked by Discord's rules and filled with its defaults."""

from collections.abc import Iterator
from typing import Any, Final, cast

from sandbox.discord.emoji import is_emoji
from sandbox.discord.file_types import check_file_types
from sandbox.discord.schema import KeyRule, as_list, check_link, check_object, subpath
from sandbox.discord.wire import Json, Problems

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER = 9, 10, 11, 12, 13, 14, 17
LABEL, FILE_UPLOAD, RADIO, CHECKBOX_GROUP, CHECKBOX = 18, 19, 21, 22, 23
ENTITY_SELECTS = (5, 6, 7, 8)
SELECTS = (STRING_SELECT, *ENTITY_SELECTS)
LINK_STYLE, PREMIUM_STYLE = 5, 6
MAX_ROWS, MAX_IN_ROW, MAX_LAYOUT, MAX_LAYOUT_TEXT = 5, 5, 40, 4000
MIN_RADIO = 2

_ID = {"type": KeyRule("int", required=True), "id": KeyRule("int")}
_CUSTOM = KeyRule("str", 100, 1, required=True)
_SELECT = _ID | {
    "custom_id": _CUSTOM,
    "placeholder": KeyRule("str", 150),
    "min_values": KeyRule("int", 25),
    "max_values": KeyRule("int", 25, 1),
    "disabled": KeyRule("bool"),
    "required": KeyRule("bool"),
}
_GROUP = _ID | {"custom_id": _CUSTOM, "required": KeyRule("bool"), "options": KeyRule("list", 10, 1, required=True)}
_RANGE = {"min_values": KeyRule("int", 10), "max_values": KeyRule("int", 10, 1)}
_MEDIA = {"media": KeyRule("object", required=True), "description": KeyRule("str", 1024, 1), "spoiler": KeyRule("bool")}
_ANY_MEDIA = ("http", "https", "attachment")
_URL = {"url": KeyRule("str", 2048, 1, required=True)}

RULES: Final[dict[int, dict[str, KeyRule]]] = {
    ROW: _ID | {"components": KeyRule("list", MAX_IN_ROW, 1, required=True)},
    BUTTON: _ID
    | {
        "custom_id": KeyRule("str", 100, 1),
        "style": KeyRule("int", PREMIUM_STYLE, 1, required=True),
        "label": KeyRule("str", 80),
        "disabled": KeyRule("bool"),
        "url": KeyRule("str", 512, 1),
        "sku_id": KeyRule("id"),
        "emoji": KeyRule("object"),
    },
    STRING_SELECT: _SELECT | {"options": KeyRule("list", 25, 1, required=True)},
    **{
        kind: _SELECT | {"default_values": KeyRule("list", 25), "channel_types": KeyRule("list", 25)}
        for kind in ENTITY_SELECTS
    },
    TEXT_INPUT: _ID
    | {
        "custom_id": _CUSTOM,
        "style": KeyRule("int", 2, 1, required=True),
        "label": KeyRule("str", 45, 1),
        "value": KeyRule("str", 4000),
        "placeholder": KeyRule("str", 100),
        "required": KeyRule("bool"),
        "min_length": KeyRule("int", 4000),
        "max_length": KeyRule("int", 4000, 1),
    },
    SECTION: _ID | {"components": KeyRule("list", 3, 1, required=True), "accessory": KeyRule("object", required=True)},
    TEXT: _ID | {"content": KeyRule("str", 4000, 1, required=True)},
    THUMBNAIL: _ID | _MEDIA,
    GALLERY: _ID | {"items": KeyRule("list", 10, 1, required=True)},
    FILE: _ID | {"file": KeyRule("object", required=True), "spoiler": KeyRule("bool")},
    SEPARATOR: _ID | {"spacing": KeyRule("int", 2, 1), "divider": KeyRule("bool")},
    CONTAINER: _ID
    | {
        "components": KeyRule("list", required=True),
        "accent_color": KeyRule("int", 0xFFFFFF),
        "spoiler": KeyRule("bool"),
    },
    LABEL: _ID
    | {
        "label": KeyRule("str", 45, 1, required=True),
        "description": KeyRule("str", 100, 1),
        "component": KeyRule("object", required=True),
    },
    FILE_UPLOAD: _ID | {"custom_id": _CUSTOM, "required": KeyRule("bool"), "file_types": KeyRule("list", 10)} | _RANGE,
    RADIO: _GROUP,
    CHECKBOX_GROUP: _GROUP | _RANGE,
    CHECKBOX: _ID | {"custom_id": _CUSTOM, "default": KeyRule("bool")},
}
_OPTION = {
    "label": KeyRule("str", 100, 1, required=True),
    "value": KeyRule("str", 100, 1, required=True),
    "description": KeyRule("str", 100),
    "default": KeyRule("bool"),
    "emoji": KeyRule("object"),
}

IN_MESSAGE = frozenset({ROW})
IN_LAYOUT = frozenset({ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER})
IN_FORM = frozenset({ROW, LABEL, TEXT})
_INSIDE: Final[dict[int, frozenset[int]]] = {
    ROW: frozenset({BUTTON, *SELECTS}),
    SECTION: frozenset({TEXT}),
    CONTAINER: IN_LAYOUT - {CONTAINER},
}
_ACCESSORY = frozenset({BUTTON, THUMBNAIL})
_IN_LABEL = frozenset({TEXT_INPUT, *SELECTS, FILE_UPLOAD, RADIO, CHECKBOX_GROUP, CHECKBOX})


def check_message(problems: Problems, path: str, value: Any, *, layout: bool) -> list[Json]:
    """Return a message's components with defaults; `layout` says that the message has the Components V2 flag."""
    allowed = IN_LAYOUT if layout else IN_MESSAGE
    checked = _Check(problems, in_form=False).whole(path, value, allowed)
    if not layout and len(checked) > MAX_ROWS:
        problems.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be {MAX_ROWS} or fewer in length.")
    if layout:
        everything = list(walk(checked))
        if len(everything) > MAX_LAYOUT:
            problems.add(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", f"At most {MAX_LAYOUT} components in all.")
        if sum(len(c["content"]) for c in everything if c["type"] == TEXT) > MAX_LAYOUT_TEXT:
            problems.add(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", f"At most {MAX_LAYOUT_TEXT} characters.")
    return checked


def check_form(problems: Problems, path: str, value: Any) -> list[Json]:
    """Return a form's components with defaults."""
    checked = _Check(problems, in_form=True).whole(path, value, IN_FORM)
    if not 1 <= len(checked) <= MAX_ROWS:
        problems.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_ROWS} in length.")
    return checked


def walk(components: list[Json]) -> Iterator[Json]:
    """Yield every component at any depth, parents before children."""
    for component in components:
        yield component
        yield from walk(cast("list[Json]", component.get("components", [])))
        for key in ("accessory", "component"):
            if key in component:
                yield from walk([component[key]])


def _given_ids(value: Any) -> set[int]:
    """Return the ids that components at any depth state."""
    match value:
        case dict():
            node = cast("Json", value)
            own = {node["id"]} if isinstance(node.get("id"), int) else set[int]()
            return own.union(*(_given_ids(item) for item in node.values()))
        case list():
            return set[int]().union(*(_given_ids(item) for item in cast("list[Any]", value)))
        case _:
            return set()


class _Check:
    """One pass over a component tree: numbers the components and checks that custom ids are unique."""

    def __init__(self, problems: Problems, *, in_form: bool) -> None:
        self._problems = problems
        self._in_form = in_form
        self._custom_ids: set[str] = set()
        self._ids: set[int] = set()
        self._taken: set[int] = set()
        self._next_id = 1

    def whole(self, path: str, value: Any, allowed: frozenset[int]) -> list[Json]:
        """Check all components of a message or form."""
        self._taken = _given_ids(value)
        return self.tree(path, value, allowed)

    def tree(self, path: str, value: Any, allowed: frozenset[int]) -> list[Json]:
        """Check the components of one list, at any depth."""
        found = [self._component(subpath(path, n), item, allowed) for n, item in enumerate(as_list(value))]
        return [component for component in found if component]

    def _component(self, path: str, value: Any, allowed: frozenset[int]) -> Json:
        kind = cast("Json", value).get("type") if isinstance(value, dict) else None
        if kind not in allowed:
            self._problems.add(subpath(path, "type"), "UNION_TYPE_CHOICES", f"Value must be one of {sorted(allowed)}.")
            return {}
        kept = check_object(self._problems, path, value, RULES[kind])
        kept["type"], kept["id"] = kind, kept.get("id") or self._free_id()
        self._unique(path, kept)
        self._children(path, kind, kept)
        self._particular(path, kind, kept)
        return kept

    def _free_id(self) -> int:
        """Return the next id that no component states."""
        while self._next_id in self._taken:
            self._next_id += 1
        self._next_id += 1
        return self._next_id - 1

    def _unique(self, path: str, component: Json) -> None:
        if component["id"] in self._ids:
            self._problems.add(subpath(path, "id"), "COMPONENT_ID_DUPLICATED", "Component id cannot be duplicated")
        self._ids.add(component["id"])
        custom_id = component.get("custom_id")
        if custom_id is None:
            return
        if custom_id in self._custom_ids:
            self._problems.add(
                subpath(path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
            )
        self._custom_ids.add(custom_id)

    def _children(self, path: str, kind: int, component: Json) -> None:
        if kind in _INSIDE:
            inside = frozenset({TEXT_INPUT}) if self._in_form else _INSIDE[kind]
            component["components"] = self.tree(subpath(path, "components"), component.get("components"), inside)
        if kind == SECTION:
            component["accessory"] = self._component(subpath(path, "accessory"), component.get("accessory"), _ACCESSORY)
        if kind == LABEL:
            component["component"] = self._component(subpath(path, "component"), component.get("component"), _IN_LABEL)

    def _particular(self, path: str, kind: int, component: Json) -> None:
        if kind == ROW:
            self._row(path, component["components"])
        elif kind == BUTTON:
            self._button(path, component)
        elif kind in (*SELECTS, RADIO, CHECKBOX_GROUP):
            self._options(path, kind, component)
        elif kind in (THUMBNAIL, GALLERY, FILE):
            self._media(path, kind, component)
        if self._in_form:
            self._form_field(path, kind, component)
        component |= {key: value for key, value in _DEFAULTS.get(kind, {}).items() if key not in component}

    def _row(self, path: str, inside: list[Json]) -> None:
        if len(inside) > 1 and any(child["type"] in SELECTS for child in inside):
            self._problems.add(
                subpath(path, "components"),
                "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
                "The specified component exceeds the maximum width",
            )

    def _button(self, path: str, button: Json) -> None:
        link, sku = button.get("style") == LINK_STYLE, button.get("style") == PREMIUM_STYLE
        if link != ("url" in button) or (link or sku) == ("custom_id" in button):
            self._problems.add(
                path, "BUTTON_COMPONENT_CUSTOM_ID_URL", "A custom id or url must be used, but not both or neither"
            )
        if link and isinstance(button.get("url"), str):
            check_link(self._problems, subpath(path, "url"), button["url"], ("http", "https", "discord"))
        self._emoji(path, button)
        if not sku and not button.get("label") and not button.get("emoji"):
            self._problems.add(path, "BUTTON_COMPONENT_LABEL_REQUIRED", "A label or emoji is required.")

    def _emoji(self, path: str, component: Json) -> None:
        given = component.get("emoji")
        if given and not given.get("id") and not is_emoji(str(given.get("name", ""))):
            self._problems.add(subpath(path, "emoji.name"), "BUTTON_COMPONENT_INVALID_EMOJI", "Invalid emoji")

    def _form_field(self, path: str, kind: int, component: Json) -> None:
        """Check what Discord refuses in forms (https://discord.com/developers/docs/components/reference)."""
        if kind in SELECTS and component.get("disabled"):
            self._problems.add(
                subpath(path, "disabled"), "SANDBOX_DISABLED_IN_FORM", "A form's select is never disabled."
            )
        if component.get("min_values") == 0 and component.get("required", True):
            self._problems.add(
                subpath(path, "min_values"), "SANDBOX_REQUIRED_BUT_EMPTY", "With min_values 0, required is false."
            )
        if kind == RADIO and len(as_list(component.get("options"))) < MIN_RADIO:
            self._problems.add(
                subpath(path, "options"), "BASE_TYPE_BAD_LENGTH", f"Must be between {MIN_RADIO} and 10 in length."
            )
        if "file_types" in component:
            component["file_types"] = check_file_types(
                self._problems, subpath(path, "file_types"), component["file_types"]
            )

    def _options(self, path: str, kind: int, component: Json) -> None:
        rules = _OPTION if kind == STRING_SELECT else {k: v for k, v in _OPTION.items() if k != "emoji"}
        options = as_list(component.get("options"))
        kept = [
            check_object(self._problems, subpath(path, f"options.{n}"), option, rules)
            for n, option in enumerate(options)
        ]
        for n, option in enumerate(kept):
            self._emoji(subpath(path, f"options.{n}"), option)
        values = [option.get("value") for option in kept]
        if len(values) != len(set(values)):
            self._problems.add(
                subpath(path, "options"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "Values must be unique."
            )
        if "options" in component:
            component["options"] = kept

    def _media(self, path: str, kind: int, component: Json) -> None:
        if kind == GALLERY:
            kept = [
                check_object(self._problems, subpath(path, f"items.{n}"), i, _MEDIA)
                for n, i in enumerate(as_list(component.get("items")))
            ]
            for n, item in enumerate(kept):
                self._medium(subpath(path, f"items.{n}.media"), item.get("media", {}), _ANY_MEDIA)
            component["items"] = [{"description": None, "spoiler": False} | item for item in kept]
            return
        key = "file" if kind == FILE else "media"
        self._medium(subpath(path, key), component.get(key, {}), ("attachment",) if kind == FILE else _ANY_MEDIA)

    def _medium(self, path: str, value: Any, schemes: tuple[str, ...]) -> None:
        """Check the address of a picture, video or file; a file component takes only the message's own."""
        kept = check_object(self._problems, path, value, _URL)
        if isinstance(kept.get("url"), str):
            check_link(self._problems, subpath(path, "url"), kept["url"], schemes)


_DEFAULTS: Final[dict[int, Json]] = {
    **{kind: {"min_values": 1, "max_values": 1} for kind in SELECTS},
    THUMBNAIL: {"description": None, "spoiler": False},
    FILE: {"spoiler": False},
    SEPARATOR: {"spacing": 1, "divider": True},
    CONTAINER: {"accent_color": None, "spoiler": False},
}
