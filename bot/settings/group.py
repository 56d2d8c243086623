"""What a group of settings is: frozen fields, each with its environment variable, bounds and description."""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

OPERATORS: JsonDict = {"operator": True}  # marks the settings that the README shows


def setting(name: str, default: Any, description: str, *, operator: bool = False, **bounds: Any) -> Any:
    """A field for the environment variable `name`; `operator` puts it into the README as well."""
    extra = OPERATORS if operator else None
    return Field(default=default, validation_alias=name, description=description, json_schema_extra=extra, **bounds)


class SettingsGroup(BaseModel):
    """The base of every group; `title` is its heading in docs/settings.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)

    title: ClassVar[str]


def fields_of(group: type[SettingsGroup]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the environment variable and the field of each setting in the group."""
    for field in group.model_fields.values():
        yield str(field.validation_alias), field
