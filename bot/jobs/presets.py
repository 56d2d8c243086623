"""Presets: a mode's options under a name, which members save for themselves, share, or which admins keep for all.

A preset only fills in options that an order leaves out. The order is then built and checked as any other, so a preset
never gets around a rule. It holds no files and no seed.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, TypeAlias

from bot.catalogue.fields import OptionSpec
from bot.catalogue.mode import Mode
from bot.catalogue.registry import by_id
from bot.errors import OptionRefused, Refusal
from bot.ledger import tables
from bot.storage.transaction import Many, One, Row, Transaction

NAME_CHARS_MAX = 40
OFFERED_MAX = 25  # choices of an autocompletion: https://discord.com/developers/docs/interactions/application-commands
SLOT = "{prompt}"  # where a preset's prompt takes the order's own
NOT_KEPT = frozenset({"seed", "enable_safety_checker"})  # the latter is the server's rule at the time of the order
TEXTS = frozenset({"prompt", "negative_prompt"})
_BLANKS = frozenset("\u115f\u1160\u2800")  # letters and a symbol that are drawn as nothing
SERVER = 0  # the owner of presets that admins keep for all
Whose: TypeAlias = Literal["own", "server", "shared"]
_VALUE = re.compile(r"(?P<owner>[0-9]{1,18}|[1-8][0-9]{18}):(?P<key>.+)", re.DOTALL)  # owners below 2**63
_COLUMNS = "owner_id, name_key, name, mode, options, shared"
_SEEN = "guild_id = $1 AND (owner_id IN ($2, 0) OR shared = 1)"
# A member's own come first, then the server's, then those that others share.
_FIRST = "CASE WHEN owner_id = $2 THEN 0 WHEN owner_id = 0 THEN 1 ELSE 2 END, name_key, owner_id"
_COUNT = """
SELECT COUNT(*) AS in_server, COALESCE(SUM(CASE WHEN owner_id = $2 THEN 1 ELSE 0 END), 0) AS of_owner FROM presets
WHERE guild_id = $1 AND NOT (owner_id = $2 AND name_key = $3)"""
_SAVE = """
INSERT INTO presets (guild_id, owner_id, name_key, name, mode, options, shared, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (guild_id, owner_id, name_key) DO UPDATE SET
name = excluded.name, mode = excluded.mode, options = excluded.options, at = excluded.at"""
_DELETE = "DELETE FROM presets WHERE guild_id = $1 AND owner_id = $2 AND name_key = $3 RETURNING name"
_SHARE = "UPDATE presets SET shared = $4 WHERE guild_id = $1 AND owner_id = $2 AND name_key = $3 RETURNING name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Options of a mode; `owner_id` is its member, or `SERVER`. `name` is as its owner typed it."""

    owner_id: int
    name: str
    mode: str
    options: Mapping[str, Any]
    is_shared: bool = False

    @property
    def value(self) -> str:
        """What names exactly this preset, as the value of an autocompletion."""
        return f"{self.owner_id}:{name_key(self.name)}"

    def whose(self, reader_id: int) -> Whose:
        """Return whose it is for this member."""
        return "server" if self.owner_id == SERVER else "own" if self.owner_id == reader_id else "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetBounds:
    """How many presets one member may have in a server, one server for all, and a server and its members together."""

    of_member_max: int
    of_server_max: int
    in_server_max: int


def clean_name(text: str) -> str:
    """Return a typed name in one line and one spelling, without invisible characters.

    Raises:
        OptionRefused: nothing is left of it, or it is too long.
    """
    kept = "".join(" " if _is_unseen(char) else char for char in unicodedata.normalize("NFKC", text))
    name = " ".join(kept.split())
    has_letter = any(unicodedata.category(char)[0] not in "MZ" for char in name)
    if not has_letter or len(name) > NAME_CHARS_MAX:
        raise OptionRefused(f"A preset's name has 1 to {NAME_CHARS_MAX} characters. Choose another one.")
    return name


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char)[0] == "C" or char in _BLANKS


def name_key(name: str) -> str:
    """Return what equal names have in common, whatever their case."""
    return name.casefold()


def options_to_keep(mode: type[Mode], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a preset of this mode keeps: neither files, nor the seed, nor what a rule decides.

    Raises:
        OptionRefused: one is not the mode's, or its value is not one that the mode takes.
    """
    specs = mode.specs()
    kept: dict[str, Any] = {}
    for name, value in options.items():
        spec = specs.get(name)
        if spec is None or spec.media is not None:
            raise OptionRefused(
                f"{mode.title} has no setting “{name[:40]}”. Choose among: {', '.join(kept_names(mode))}."
            )
        if name not in NOT_KEPT and value not in (None, ""):
            kept[name] = _checked(mode, name, value)
    return kept


def kept_names(mode: type[Mode]) -> list[str]:
    """Return the options that a preset of this mode can keep."""
    return [name for name, spec in mode.specs().items() if spec.media is None and name not in NOT_KEPT]


def _checked(mode: type[Mode], name: str, value: Any) -> Any:
    """Return the value as the mode reads it; raises OptionRefused."""
    spec = mode.specs()[name]
    if name in TEXTS:
        most = spec.length_max or 5000
        if len(str(value)) > most:
            raise OptionRefused(f"{name.replace('_', ' ').capitalize()} takes at most {most:,} characters.")
        return str(value)
    read = _read(spec.kind, value)
    if read is None or (spec.choices and read not in spec.choices) or not _is_within(spec, read):
        allowed = f" Choose {', '.join(map(str, spec.choices))}." if spec.choices else f" {spec.description}"
        raise OptionRefused(f"“{str(value)[:40]}” doesn't fit {name.replace('_', ' ')}.{allowed}")
    return read


def _is_within(spec: OptionSpec, value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return True
    low, high = spec.minimum, spec.maximum
    return isfinite(value) and (low is None or value >= low) and (high is None or value <= high)


def _read(kind: str, value: Any) -> Any:
    """Return the value as this kind of option, or None if it is not one."""
    text = str(value).strip()
    if kind == "boolean":
        return {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}.get(text.lower())
    if kind == "string":
        return text
    try:
        return int(text) if kind == "integer" else float(text)
    except (ValueError, OverflowError):
        return None


def with_preset(preset: Preset, mode: type[Mode], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given options with the preset's where one was left out.

    A prompt in the preset that has `SLOT` in it is put around the given one; any other gives way to it.

    Raises:
        OptionRefused: the preset is of another mode.
    """
    if preset.mode != mode.id:
        family, name = by_id(preset.mode).command()
        raise OptionRefused(
            f"The preset “{preset.name}” is for `/{family} {name}`. Use it there, or choose another one."
        )
    own = {name: value for name, value in preset.options.items() if name in mode.specs()}
    merged = {**own, **{name: value for name, value in given.items() if value is not None}}
    for name in TEXTS & own.keys():
        if SLOT in str(own[name]):
            merged[name] = str(own[name]).replace(SLOT, str(given.get(name) or "")).strip()
    return merged


def save_preset(guild_id: int, preset: Preset, *, bounds: PresetBounds, at: float) -> Transaction[None]:
    """Keep the preset, in place of its owner's one of the same name, which stays shared if it was.

    Raises:
        OptionRefused: there are as many as there may be.
    """
    yield from tables.lock(guild_id)
    key = name_key(preset.name)
    others = yield One(_COUNT, (guild_id, preset.owner_id, key))
    is_servers = preset.owner_id == SERVER
    most = bounds.of_server_max if is_servers else bounds.of_member_max
    if others["of_owner"] >= most:
        whose = "This server has" if is_servers else "You have"
        raise OptionRefused(f"{whose} {others['of_owner']} presets, and {most} is the most. Delete one first.")
    if others["in_server"] >= bounds.in_server_max:
        raise OptionRefused(
            f"This server and its members have {others['in_server']} presets, which is all there can be. "
            "Delete one of yours, or ask others to."
        )
    text = json.dumps(dict(preset.options), ensure_ascii=False)
    yield One(_SAVE, (guild_id, preset.owner_id, key, preset.name, preset.mode, text, int(preset.is_shared), at))


def presets_seen(
    guild_id: int, reader_id: int, *, mode: str | None = None, typed: str = "", limit: int
) -> Transaction[tuple[Preset, ...]]:
    """Return the presets that this member may use, of this mode, whose names contain the typed text."""
    part = name_key(typed).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows: list[Row] = yield Many(
        f"SELECT {_COLUMNS} FROM presets WHERE {_SEEN} AND (CAST($3 AS TEXT) = '' OR mode = $3) "  # noqa: S608 - constants of this module
        f"AND name_key LIKE $4 ESCAPE '\\' ORDER BY {_FIRST} LIMIT $5",
        (guild_id, reader_id, mode or "", f"%{part}%", limit),
    )
    return tuple(_preset(row) for row in rows)


def preset_named(guild_id: int, reader_id: int, text: str) -> Transaction[Preset | None]:
    """Return the preset that an autocompletion's value or a typed name means, if the member may use it."""
    row, exact = None, _VALUE.fullmatch(text)
    if exact is not None:
        row = yield One(
            f"SELECT {_COLUMNS} FROM presets WHERE {_SEEN} AND owner_id = $3 AND name_key = $4",  # noqa: S608 - likewise
            (guild_id, reader_id, int(exact["owner"]), exact["key"]),
        )
    if row is None:
        row = yield One(
            f"SELECT {_COLUMNS} FROM presets WHERE {_SEEN} AND name_key = $3 ORDER BY {_FIRST} LIMIT 1",  # noqa: S608 - likewise
            (guild_id, reader_id, name_key(_typed(text))),
        )
    return None if row is None else _preset(row)


def _typed(text: str) -> str:
    try:
        return clean_name(text)
    except Refusal:
        return ""


def delete_preset(guild_id: int, owner_id: int, name: str) -> Transaction[bool]:
    """Delete the owner's preset; return whether there was one."""
    return (yield One(_DELETE, (guild_id, owner_id, name_key(name)))) is not None


def share_preset(guild_id: int, owner_id: int, name: str, *, shared: bool) -> Transaction[bool]:
    """Let the server see the member's preset, or no more; return whether there is such a one."""
    return (yield One(_SHARE, (guild_id, owner_id, name_key(name), int(shared)))) is not None


def presets_everywhere(member_id: int, *, limit: int) -> Transaction[list[dict[str, Any]]]:
    """Return the member's presets in all servers, for their own export."""
    rows: list[Row] = yield Many(
        "SELECT guild_id, name, mode, options, shared, at FROM presets WHERE owner_id = $1 ORDER BY guild_id, name_key "
        "LIMIT $2",
        (member_id, limit),
    )
    return [{**dict(row), "options": json.loads(row["options"])} for row in rows]


def forget_presets_of(member_id: int) -> Transaction[None]:
    """Delete the member's presets in every server, shared ones too."""
    yield One("DELETE FROM presets WHERE owner_id = $1", (member_id,))


def forget_presets_in(guild_id: int) -> Transaction[None]:
    """Delete all presets of a server and its members."""
    yield One("DELETE FROM presets WHERE guild_id = $1", (guild_id,))


def _preset(row: Row) -> Preset:
    return Preset(
        owner_id=row["owner_id"],
        name=row["name"],
        mode=row["mode"],
        options=json.loads(row["options"]),
        is_shared=bool(row["shared"]),
    )
