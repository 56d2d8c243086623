"""Every kind of failure, as the member reads it."""

from bot.jobs.model import Failure
from bot.texts import failures as words
from tests.unit.texts.scenes.scene import Scene, Scenes

_CONTEXTS = {
    "image_too_small": {"min_width": 240, "min_height": 240},
    "image_too_large": {"max_width": 8000, "max_height": 8000},
    "file_too_large": {"max_size": 20_971_520},
    "video_duration_too_long": {"max_duration": 10, "provided_duration": 14.2},
    "video_duration_too_short": {"min_duration": 2, "provided_duration": 1.4},
    "audio_duration_too_long": {"max_duration": 30},
    "audio_duration_too_short": {"min_duration": 2},
    "unsupported_image_format": {"supported_formats": [".png", ".jpg", ".webp"]},
    "unsupported_audio_format": {"supported_formats": [".wav", ".mp3"]},
    "greater_than": {"gt": 0},
    "greater_than_equal": {"ge": 2},
    "less_than": {"lt": 100},
    "less_than_equal": {"le": 15},
    "multiple_of": {"multiple_of": 8},
    "string_too_long": {"max_length": 800},
}


def _failure(kind: str) -> Scene:
    place = (
        "image_url" if "image" in kind else "video_url" if "video" in kind else "audio_url" if "audio" in kind else ""
    )
    location = ("body", place or ("duration" if kind in _CONTEXTS else "prompt"))
    said = Failure(kind=kind, status=422, location=location, context=_CONTEXTS.get(kind))
    return lambda: words.failure_text(said)


def _uncertain(kind: str) -> Scene:
    return lambda: words.uncertain_text(Failure(kind=kind))


SCENES: Scenes = {
    **{kind: _failure(kind) for kind in words.KINDS},
    "an unknown kind": lambda: words.failure_text(Failure(kind="brand_new", status=422)),
    "an unknown kind, 401": lambda: words.failure_text(Failure(kind="brand_new", status=401)),
    "an unknown kind, 500": lambda: words.failure_text(Failure(kind="brand_new", status=500)),
    **{f"uncertain, {kind}": _uncertain(kind) for kind in words.UNCERTAIN_KINDS},
}
