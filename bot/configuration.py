"""Reads the settings once, at the start, from the environment and `.env`; every mistake is one line for the operator.

A mistake that would only be ignored, such as a misspelt name, is refused too: a budget that does not apply costs money.
"""

import codecs
import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from io import StringIO
from pathlib import Path
from typing import TypeVar

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import ValidationError

from bot.errors import SettingsRefused
from bot.settings import GROUPS, Settings, SettingsGroup, fields_of

Group = TypeVar("Group", bound=SettingsGroup)

ENV_FILE = Path(".env")  # in the working directory
OURS = "WANDA_"
_NAMES = tuple(name for group in GROUPS.values() for name, _ in fields_of(group))
_RESEMBLES = 0.8  # of difflib's ratio; FAL_KEYS and DATABSE_URL are above it
# Kubernetes sets these for a service named wanda: https://kubernetes.io/docs/concepts/services-networking/service/
_OF_KUBERNETES = re.compile(r"WANDA_(SERVICE_HOST|(SERVICE_)?PORT(_\w+)?)")
_QUOTES = ("'", '"')
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_settings() -> Settings:
    """Return the settings: from the environment, in any case, else from `.env`; an empty value counts as not given.

    Raises:
        SettingsRefused: there are mistakes; one line for each, which does not repeat the value.
    """
    given, problems = _given(os.environ, ENV_FILE)
    groups: dict[str, SettingsGroup] = {}
    for name, group in GROUPS.items():
        try:
            groups[name] = _build(group, given)
        except ValidationError as error:
            problems += _unusable(error)
    if problems:
        raise SettingsRefused("\n".join(problems))
    return Settings.model_validate(groups)


def read_group(group: type[Group]) -> Group:
    """Return one group from the environment and `.env`.

    Raises:
        SettingsRefused: as `read_settings`.
    """
    given, problems = _given(os.environ, ENV_FILE)
    try:
        built = _build(group, given)
    except ValidationError as error:
        raise SettingsRefused("\n".join([*problems, *_unusable(error)])) from error
    if problems:
        raise SettingsRefused("\n".join(problems))
    return built


def forget_environment(environment: MutableMapping[str, str]) -> None:
    """Remove every setting, keys among them, from the environment; they were read, and no child may inherit them."""
    names = {name.lower() for name in _NAMES}
    for name in [name for name in environment if name.lower() in names]:
        del environment[name]


def _build(group: type[Group], given: Mapping[str, str]) -> Group:
    return group.model_validate({name: given[name] for name, _ in fields_of(group) if name in given})


def _unusable(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_input=False, include_url=False):
        name = ".".join(map(str, problem["loc"]))
        yield f"The setting {name} is not usable: {problem['msg'].removeprefix('Value error, ')}."


def _given(environment: Mapping[str, str], file: Path) -> tuple[dict[str, str], list[str]]:
    """Return the values by upper-case name, and the mistakes that are seen without knowing what a setting means."""
    in_environment = {name.upper(): value for name, value in environment.items() if value}
    in_file, problems = _read_file(file)
    given = {**in_file, **in_environment}
    for name in _quoted(in_environment):
        given.pop(name, None)  # so that it is not said of it as well that it is no number
        problems.append(
            f"The setting {name} is in quotes, and `docker run --env-file` keeps them as a part of it: remove them."
        )
    for name in [name for name in _NAMES if not _is_text(in_environment.get(name, ""))]:
        given.pop(name, None)  # as above
        problems.append(f"The setting {name} is not UTF-8: write it in UTF-8, or choose a name of ASCII letters.")
    problems += _misspelt((name for name in in_environment if name.startswith(OURS)), given, "in the environment")
    problems += _misspelt(in_file, given, f"in {file}")
    return given, problems


def _read_file(file: Path) -> tuple[dict[str, str], list[str]]:
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        return {}, [f"The file {file.absolute()} cannot be read: {error.strerror}."]
    if raw.startswith(_WIDE) or b"\0" in raw:
        return {}, [
            f"The file {file.absolute()} is in UTF-16, as `>` in Windows PowerShell writes it: save it as UTF-8."
        ]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return {}, [f"Line {line} of {file.absolute()} is not UTF-8: save the file as UTF-8."]
    problems: list[str] = []
    known: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        line = f"Line {_line(binding.original.string, binding.original.line)} of {file.absolute()}"
        if binding.error or (binding.value is None and binding.key is not None):
            problems.append(f"{line} cannot be read: write NAME=value.")
        name = (binding.key or "").upper()
        if binding.value and name in _NAMES and known.setdefault(name, binding.value) != binding.value:
            problems.append(f"{line} gives {name} another value than a line above: remove one of them.")
    values = {} if problems else dotenv_values(stream=StringIO(text))
    return {name.upper(): value for name, value in values.items() if value}, problems


def _line(text: str, first: int) -> int:
    """Return the line of a statement, whose text may begin with empty lines."""
    return first + len(text) - len(text.lstrip("\n"))


def _is_text(value: str) -> bool:
    """Return whether it can be written; Python reads a byte that is no UTF-8 as half of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _quoted(in_environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the settings whose value is in quotes; in `.env` they were removed."""
    for name in _NAMES:
        value = in_environment.get(name, "")
        if len(value) > 1 and value[0] == value[-1] and value[0] in _QUOTES:
            yield name


def _misspelt(names: Iterable[str], given: Mapping[str, str], where: str) -> Iterator[str]:
    """Yield names that are no setting: those that begin as ours do, and those that resemble one that is not given."""
    for name in names:
        if name in _NAMES or _OF_KUBERNETES.fullmatch(name):
            continue
        likely = _resembling(name)
        if name.startswith(OURS) or (likely is not None and likely not in given):
            meant = f"did you mean {likely}?" if likely is not None else "docs/settings.md lists them all."
            yield f"There is no setting {name} ({where}): {meant}"


def _resembling(name: str) -> str | None:
    if OURS + name in _NAMES:
        return OURS + name
    return next(iter(difflib.get_close_matches(name, _NAMES, n=1, cutoff=_RESEMBLES)), None)
