"""Requests for a price alone: files and required texts that were not given are replaced by stand-ins."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.catalogue import registry
from bot.catalogue.fields import Attached
from bot.catalogue.mode import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStandIn:
    """Facts of a file that was not attached; a price depends only on its length."""

    kind: str
    seconds: float | None = None
    format: str = ""
    size_bytes: int = 0
    width: int | None = None
    height: int | None = None
    codec: str | None = None


def request_for_price(
    mode: type[Mode], options: Mapping[str, Any], files: Mapping[str, FileStandIn]
) -> tuple[Mode, Mapping[str, FileStandIn]]:
    """Return a request with these options and files, filled up with what the mode requires, and all its files.

    Raises:
        OptionRefused: a value is out of its bounds, or a rule between options is broken.
        MediaRefused: a file's length breaks a rule.
    """
    texts = {name: "a price" for name, spec in mode.specs().items() if spec.required and spec.kind == "string"}
    filled = {name: FileStandIn(kind=spec.kind) for name, spec in mode.media().items() if mode.specs()[name].required}
    filled |= files
    if mode.stand_in and not any(name != "audio" for name in filled):
        filled[mode.stand_in] = FileStandIn(kind=mode.media()[mode.stand_in].kind)
    attached = {name: Attached(file_name=name, size_bytes=0) for name in filled}
    request = registry.build(mode.id, {**texts, **options}, attached)
    if any(file.seconds is not None for file in filled.values()):
        request.check_rules(filled)
    return request, filled
