"""Valid files and requests; a test changes one field of them."""

from collections.abc import Mapping
from typing import Any

from bot.catalogue import registry
from bot.catalogue.fields import Attached
from bot.catalogue.mode import Mode
from bot.catalogue.picker import Picker
from bot.jobs.model import Input
from bot.media_spec import MediaKind
from bot.settings import DefaultSettings, MoneySettings

MB = 1_000_000
PICKER = Picker.of(MoneySettings(), DefaultSettings())  # as shipped
KINDS: Mapping[str, MediaKind] = {
    "end_image": "image",
    "reference_image": "image",
    "image": "image",
    "video": "video",
    "audio": "audio",
}
# The least that each mode accepts.
LEAST: Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]] = {
    "wan27-image": ({}, ("image",)),
    "wan27-text": ({"prompt": "It moves"}, ()),
    "wan27-reference": ({"prompt": "Image 1 waves"}, ("image1",)),
    "wan27-edit": ({"prompt": "It snows"}, ("video",)),
    "wan25-image": ({"prompt": "It moves"}, ("image",)),
    "wan25-text": ({"prompt": "It moves"}, ()),
    "wan22-video": ({"prompt": "It snows"}, ("video",)),
    "wan21-image": ({"prompt": "It moves"}, ("image",)),
}


def input_facts(option: str, **changed: Any) -> Input:
    """Return a valid probed file for the option, with these fields changed."""
    kind = KINDS[option.rstrip("12345")]
    plain: dict[MediaKind, dict[str, Any]] = {
        "image": {"format": "png", "width": 640, "height": 480},
        "video": {"format": "mp4", "width": 640, "height": 480, "seconds": 4.0, "codec": "h264"},
        "audio": {"format": "wav", "seconds": 5.0, "codec": "pcm_s16le"},
    }
    common: dict[str, Any] = {
        "option": option,
        "path": f"inputs/{option}",
        "file_name": option,
        "kind": kind,
        "size_bytes": 1000,
    }
    return Input(**(common | plain[kind] | changed))


def attached(*names: str, size_bytes: int = 1000) -> dict[str, Attached]:
    """Return small declared files for these options."""
    return {name: Attached(f"{name}.bin", size_bytes) for name in names}


def request(mode_id: str, *files: str, **options: Any) -> Mode:
    """Return the mode's minimal request with these options added, and with these files if given."""
    least, least_files = LEAST[mode_id]
    return registry.build(mode_id, {**least, **options}, attached(*(files or least_files)))
