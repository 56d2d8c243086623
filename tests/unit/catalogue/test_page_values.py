"""All options of all modes, compared with their pages (https://fal.ai/models/fal-ai/wan-i2v/api and so on)."""

from typing import Any, TypeAlias

import pytest

from bot.catalogue import registry
from bot.catalogue.fields import OptionSpec
from bot.catalogue.phrases import option_words
from bot.errors import OptionRefused
from tests.support.catalogue_samples import request

NEGATIVE_21 = (
    "bright colors, overexposed, static, blurred details, subtitles, style, artwork, painting, picture, still, overall "
    "gray, worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers, poorly drawn hands, "
    "poorly drawn faces, deformed, disfigured, malformed limbs, fused fingers, still picture, cluttered background, "
    "three legs, many people in the background, walking backwards"
)
REQUIRED = object()
ANY_SEED = 2**53 - 1
Row: TypeAlias = tuple[str, Any, Any]  # kind, default, and choices or (least, most)

PAGES: dict[str, dict[str, Row]] = {
    "wan27-image": {
        "prompt": ("string", None, (None, 5000)),
        "image": ("file", None, None),
        "end_image": ("file", None, None),
        "video": ("file", None, None),
        "audio": ("file", None, None),
        "resolution": ("string", "1080p", ["720p", "1080p"]),
        "duration": ("integer", 5, (2, 15)),
        "negative_prompt": ("string", None, (None, 500)),
        "enable_prompt_expansion": ("boolean", True, None),
        "seed": ("integer", None, (0, 2147483647)),
        "enable_safety_checker": ("boolean", True, None),
    },
    "wan27-text": {
        "prompt": ("string", REQUIRED, (1, 5000)),
        "audio": ("file", None, None),
        "aspect_ratio": ("string", "16:9", ["16:9", "9:16", "1:1", "4:3", "3:4"]),
        "resolution": ("string", "1080p", ["720p", "1080p"]),
        "duration": ("integer", 5, (2, 15)),
        "negative_prompt": ("string", None, (None, 500)),
        "enable_prompt_expansion": ("boolean", True, None),
        "seed": ("integer", None, (0, 2147483647)),
        "enable_safety_checker": ("boolean", True, None),
    },
    "wan27-reference": {
        "prompt": ("string", REQUIRED, (1, 5000)),
        "image1": ("file", None, None),
        "image2": ("file", None, None),
        "image3": ("file", None, None),
        "image4": ("file", None, None),
        "image5": ("file", None, None),
        "video1": ("file", None, None),
        "video2": ("file", None, None),
        "video3": ("file", None, None),
        "negative_prompt": ("string", None, (None, 500)),
        "aspect_ratio": ("string", "16:9", ["16:9", "9:16", "1:1", "4:3", "3:4"]),
        "resolution": ("string", "1080p", ["720p", "1080p"]),
        "duration": ("integer", 5, (2, 10)),
        "multi_shots": ("boolean", False, None),
        "seed": ("integer", None, (0, 2147483647)),
        "enable_safety_checker": ("boolean", True, None),
    },
    "wan27-edit": {
        "prompt": ("string", REQUIRED, (1, 5000)),
        "video": ("file", REQUIRED, None),
        "reference_image": ("file", None, None),
        "resolution": ("string", "1080p", ["720p", "1080p"]),
        "duration": ("integer", 0, [0, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        "aspect_ratio": ("string", None, ["16:9", "9:16", "1:1", "4:3", "3:4"]),
        "audio_setting": ("string", "auto", ["auto", "origin"]),
        "enable_safety_checker": ("boolean", True, None),
        "seed": ("integer", None, (0, 2147483647)),
    },
    "wan25-image": {
        "prompt": ("string", REQUIRED, (1, 800)),
        "image": ("file", REQUIRED, None),
        "audio": ("file", None, None),
        "resolution": ("string", "1080p", ["480p", "720p", "1080p"]),
        "duration": ("integer", 5, [5, 10]),
        "negative_prompt": ("string", None, (None, 500)),
        "enable_prompt_expansion": ("boolean", True, None),
        "seed": ("integer", None, (0, ANY_SEED)),
        "enable_safety_checker": ("boolean", True, None),
    },
    "wan25-text": {
        "prompt": ("string", REQUIRED, (1, 1500)),
        "audio": ("file", None, None),
        "aspect_ratio": ("string", "16:9", ["16:9", "9:16", "1:1"]),
        "resolution": ("string", "1080p", ["480p", "720p", "1080p"]),
        "duration": ("integer", 5, [5, 10]),
        "negative_prompt": ("string", None, (None, 500)),
        "enable_prompt_expansion": ("boolean", True, None),
        "seed": ("integer", None, (0, ANY_SEED)),
        "enable_safety_checker": ("boolean", True, None),
    },
    "wan22-video": {
        "video": ("file", REQUIRED, None),
        "prompt": ("string", REQUIRED, (1, 5000)),
        "strength": ("number", 0.9, (0, 1)),
        "num_frames": ("integer", 81, (17, 161)),
        "frames_per_second": ("integer", 16, (4, 60)),
        "negative_prompt": ("string", "", (None, 5000)),
        "seed": ("integer", None, (0, ANY_SEED)),
        "resolution": ("string", "720p", ["480p", "580p", "720p"]),
        "aspect_ratio": ("string", "auto", ["auto", "16:9", "9:16", "1:1"]),
        "num_inference_steps": ("integer", 27, (2, 40)),
        "enable_safety_checker": ("boolean", True, None),  # the page: False; Wanda always states it
        "enable_output_safety_checker": ("boolean", True, None),  # likewise
        "enable_prompt_expansion": ("boolean", False, None),
        "acceleration": ("string", "regular", ["none", "regular"]),
        "guidance_scale": ("number", 3.5, (1, 10)),
        "guidance_scale_2": ("number", 4, (1, 10)),
        "shift": ("number", 5, (1, 10)),
        "interpolator_model": ("string", "film", ["none", "film", "rife"]),
        "num_interpolated_frames": ("integer", 1, (0, 4)),
        "adjust_fps_for_interpolation": ("boolean", True, None),
        "video_quality": ("string", "high", ["low", "medium", "high", "maximum"]),
        "video_write_mode": ("string", "balanced", ["fast", "balanced", "small"]),
        "resample_fps": ("boolean", False, None),
    },
    "wan21-image": {
        "prompt": ("string", REQUIRED, (1, 5000)),
        "negative_prompt": ("string", NEGATIVE_21, (None, 5000)),
        "image": ("file", REQUIRED, None),
        "num_frames": ("integer", 81, (81, 100)),
        "frames_per_second": ("integer", 16, (5, 24)),
        "seed": ("integer", None, (0, ANY_SEED)),
        "resolution": ("string", "720p", ["480p", "720p"]),
        "num_inference_steps": ("integer", 30, (2, 40)),
        "guide_scale": ("number", 5, (1, 10)),
        "shift": ("number", 5, (1, 10)),
        "enable_safety_checker": ("boolean", True, None),  # likewise
        "enable_prompt_expansion": ("boolean", False, None),
        "acceleration": ("string", "regular", ["none", "regular"]),
        "aspect_ratio": ("string", "auto", ["auto", "16:9", "9:16", "1:1"]),
    },
}
# Where a mode begins with something else than its page, because that is the dearest; see `DefaultSettings`.
OURS: dict[tuple[str, str], Any] = {
    ("wan27-image", "resolution"): "720p",
    ("wan27-text", "resolution"): "720p",
    ("wan27-reference", "resolution"): "720p",
    ("wan27-edit", "resolution"): "720p",
    ("wan25-image", "resolution"): "720p",
    ("wan25-text", "resolution"): "720p",
}
ENDPOINTS = {
    "wan27-image": "fal-ai/wan/v2.7/image-to-video",
    "wan27-text": "fal-ai/wan/v2.7/text-to-video",
    "wan27-reference": "fal-ai/wan/v2.7/reference-to-video",
    "wan27-edit": "fal-ai/wan/v2.7/edit-video",
    "wan25-image": "fal-ai/wan-25-preview/image-to-video",
    "wan25-text": "fal-ai/wan-25-preview/text-to-video",
    "wan22-video": "fal-ai/wan/v2.2-a14b/video-to-video",
    "wan21-image": "fal-ai/wan-i2v",
}


def row(spec: OptionSpec) -> Row:
    """Return an option as a row of the table above."""
    default = REQUIRED if spec.required else spec.default
    if spec.choices:
        return spec.kind, default, list(spec.choices)
    bounds = (spec.length_min, spec.length_max) if spec.kind == "string" else (spec.minimum, spec.maximum)
    return spec.kind, default, None if bounds == (None, None) else bounds


@pytest.mark.parametrize("mode_id", PAGES)
def test_the_options_are_the_pages(mode_id: str) -> None:
    """A mode has every option of its page and no other, with the page's type, choices and range.

    It has the page's default too, unless `OURS` names another.
    """
    specs = registry.by_id(mode_id).specs()
    expected = {
        name: (kind, OURS.get((mode_id, name), default), bounds)
        for name, (kind, default, bounds) in PAGES[mode_id].items()
    }

    assert {name: row(spec) for name, spec in specs.items()} == expected


def test_the_endpoints_are_the_pages() -> None:
    """Each mode is sent to the endpoint of its page."""
    assert {mode.id: mode.endpoint for mode in registry.MODES} == ENDPOINTS


BOUNDED: list[tuple[str, str, Any]] = [
    (mode_id, name, bounds)
    for mode_id, options in PAGES.items()
    for name, (kind, _, bounds) in options.items()
    if kind in ("integer", "number") and isinstance(bounds, tuple)
]


@pytest.mark.parametrize(("mode_id", "name", "bounds"), BOUNDED)
def test_a_range_is_inclusive_and_closed(mode_id: str, name: str, bounds: tuple[int, int]) -> None:
    """The ends of a range are accepted; a value beyond either is refused with both numbers."""
    least, most = bounds
    for value in bounds:
        assert getattr(request(mode_id, **{name: value}), name) == value
    for value in (least - 1, most + 1):
        with pytest.raises(
            OptionRefused, match=f"^The {option_words(name)} is {value}, and .*from {least:,} to {most:,}[.]"
        ):
            request(mode_id, **{name: value})


CHOSEN: list[tuple[str, str, Any]] = [
    (mode_id, name, bounds)
    for mode_id, options in PAGES.items()
    for name, (_, _, bounds) in options.items()
    if isinstance(bounds, list)
]


@pytest.mark.parametrize(("mode_id", "name", "choices"), CHOSEN)
def test_a_choice_is_one_of_the_pages(mode_id: str, name: str, choices: list[str | int]) -> None:
    """Every choice of the page is accepted; any other value is refused with the choices."""
    for value in choices:
        assert getattr(request(mode_id, **{name: value}), name) == value
    with pytest.raises(OptionRefused, match=f"^The {option_words(name)} is 8k, and .*{choices[-1]}"):
        request(mode_id, **{name: "8k"})


@pytest.mark.parametrize(
    ("mode_id", "name", "longest"),
    [
        ("wan27-image", "prompt", 5000),
        ("wan27-image", "negative_prompt", 500),
        ("wan27-text", "prompt", 5000),
        ("wan27-text", "negative_prompt", 500),
        ("wan27-reference", "prompt", 5000),
        ("wan27-reference", "negative_prompt", 500),
        ("wan25-image", "prompt", 800),
        ("wan25-image", "negative_prompt", 500),
        ("wan25-text", "prompt", 1500),
        ("wan25-text", "negative_prompt", 500),
    ],
)
def test_a_text_is_as_long_as_the_page_allows(mode_id: str, name: str, longest: int) -> None:
    """The longest text of the page is accepted; one character more is refused with both lengths."""
    assert len(getattr(request(mode_id, **{name: "ä" * longest}), name)) == longest
    with pytest.raises(OptionRefused, match=f"{longest + 1:,} characters.*up to {longest:,}.*Shorten it by 1 "):
        request(mode_id, **{name: "ä" * (longest + 1)})
