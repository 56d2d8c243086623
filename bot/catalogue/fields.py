"""Reads a mode's pydantic fields as plain data: what each option takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.media_spec import MediaSpec

OptionKind: TypeAlias = Literal["string", "integer", "number", "boolean", "file"]

DESCRIPTION_LENGTH_MAX = 100  # Discord's limit for an option's description
SEED_27_MAX = 2_147_483_647  # named on both 2.7 pages
SEED_MAX = 9_007_199_254_740_991  # our choice where a page names no limit: Discord's largest integer (2^53 - 1)
PROMPT_LENGTH_MAX = 5000  # our choice where a page names no limit: Wan 2.7's, below Discord's 6,000


@dataclass(frozen=True, slots=True)
class Attached:
    """A file given to an option, as Discord declares it; its bytes have not been read."""

    file_name: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionSpec:
    """One field of a mode, read from its pydantic declaration.

    `description` ends with the default where that fits Discord's 100 characters. `labels` are what people read of the
    choices, in the same order; without them the choices speak for themselves.
    """

    name: str
    kind: OptionKind
    description: str
    required: bool
    default: Any = None
    choices: tuple[str | int, ...] = ()
    labels: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    length_min: int | None = None
    length_max: int | None = None
    media: MediaSpec | None = None

    def labelled(self) -> list[tuple[str, str | int]]:
        """Return the label and the value of each choice."""
        return list(zip(self.labels or map(str, self.choices), self.choices, strict=True))


@cache
def option_specs(model: type[BaseModel]) -> Mapping[str, OptionSpec]:
    """Return every field of `model` by name, in the order of declaration.

    Raises:
        TypeError: a field is of a type that no slash command option can carry.
    """
    return {name: _option_spec(name, info) for name, info in model.model_fields.items()}


@cache
def media_specs(model: type[BaseModel]) -> Mapping[str, MediaSpec]:
    """Return what each file option of `model` takes, by name, in the order of declaration."""
    return {name: spec.media for name, spec in option_specs(model).items() if spec.media is not None}


def _option_spec(name: str, info: FieldInfo) -> OptionSpec:
    inner = _without_none(info.annotation)
    choices: tuple[str | int, ...] = get_args(inner) if get_origin(inner) is Literal else ()
    minimum = maximum = length_min = length_max = media = None
    for item in info.metadata:
        match item:
            case MediaSpec():
                media = item
            case Ge(ge=int() | float() as bound):
                minimum = bound
            case Le(le=int() | float() as bound):
                maximum = bound
            case MinLen(min_length=length):
                length_min = length
            case MaxLen(max_length=length):
                length_max = length
            case _:  # a validator, which has no counterpart in a Discord option
                pass
    return OptionSpec(
        name=name,
        kind=_kind(name, type(choices[0]) if choices else inner),
        description=described(info.description or "", None if info.is_required() else info.default),
        required=info.is_required(),
        default=None if info.is_required() else info.default,
        choices=choices,
        minimum=minimum,
        maximum=maximum,
        length_min=length_min,
        length_max=length_max,
        media=media,
    )


def _without_none(annotation: Any) -> Any:
    """Return X for `X | None`."""
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (arm for arm in get_args(annotation) if arm is not NoneType)
    return annotation


def _kind(name: str, annotation: Any) -> OptionKind:
    kinds: dict[Any, OptionKind] = {str: "string", int: "integer", float: "number", bool: "boolean", Attached: "file"}
    if annotation not in kinds:
        raise TypeError(f"{name}: no slash command option can carry {annotation!r}")
    return kinds[annotation]


def described(text: str, default: Any, costs: str = "") -> str:
    """Return the description with the default, which Discord itself does not show, and what that costs, if they fit."""
    if default is None or default == "":
        return text
    longer = (f"{text} Default: {default}{f' ({costs})' if costs else ''}.", f"{text} Default: {default}.", text)
    return next(one for one in longer if len(one) <= DESCRIPTION_LENGTH_MAX or one is text)
