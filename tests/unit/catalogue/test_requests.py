"""Requests: the payload for fal, and the settings that the card shows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.catalogue import registry
from bot.catalogue.mode import Mode
from bot.catalogue.phrases import option_words
from bot.catalogue.refusals import option_sentence
from bot.catalogue.wan27_edit import Wan27Edit
from bot.errors import OptionRefused
from tests.support.catalogue_samples import LEAST, attached, input_facts, request


def payload(mode: Mode) -> dict[str, Any]:
    """Return the payload that fal gets."""
    return mode.payload({name: f"https://fal.example/{name}" for name in mode.attached()})


LEAST_PAYLOADS: dict[str, dict[str, Any]] = {
    "wan27-image": {"image_url": "https://fal.example/image", "resolution": "720p", "duration": 5},
    "wan27-text": {"prompt": "It moves", "resolution": "720p", "duration": 5},
    "wan27-reference": {
        "prompt": "Image 1 waves",
        "reference_image_urls": ["https://fal.example/image1"],
        "resolution": "720p",
        "duration": 5,
    },
    "wan27-edit": {
        "prompt": "It snows",
        "video_url": "https://fal.example/video",
        "resolution": "720p",
        "duration": 0,
    },
    "wan25-image": {
        "prompt": "It moves",
        "image_url": "https://fal.example/image",
        "resolution": "720p",
        "duration": "5",
    },
    "wan25-text": {"prompt": "It moves", "resolution": "720p", "duration": "5"},
    "wan22-video": {
        "prompt": "It snows",
        "video_url": "https://fal.example/video",
        "resolution": "720p",
        "num_frames": 81,
    },
    "wan21-image": {
        "prompt": "It moves",
        "image_url": "https://fal.example/image",
        "resolution": "720p",
        "num_frames": 81,
    },
}


@pytest.mark.parametrize("mode_id", LEAST)
def test_the_least_payload(mode_id: str) -> None:
    """Options that were not given are left out, except those that the price depends on."""
    assert payload(request(mode_id)) == LEAST_PAYLOADS[mode_id]


def test_27_image_payload() -> None:
    """Wan 2.7 takes the duration as an integer, and every given option by fal's name."""
    mode = request(
        "wan27-image",
        "image",
        "end_image",
        "audio",
        prompt="A whale",
        negative_prompt="blur",
        resolution="720p",
        duration=15,
        enable_prompt_expansion=False,
        seed=0,
        enable_safety_checker=True,
    )

    assert payload(mode) == {
        "prompt": "A whale",
        "image_url": "https://fal.example/image",
        "end_image_url": "https://fal.example/end_image",
        "audio_url": "https://fal.example/audio",
        "resolution": "720p",
        "duration": 15,
        "negative_prompt": "blur",
        "enable_prompt_expansion": False,
        "seed": 0,
        "enable_safety_checker": True,
    }


def test_27_continues_a_clip() -> None:
    """A clip to continue is `video_url`."""
    assert payload(request("wan27-image", "video", "end_image"))["video_url"] == "https://fal.example/video"


def test_27_edit_payload() -> None:
    """Wan 2.7 edit names its files and its sound as fal does; a form's text is a length too."""
    mode = request(
        "wan27-edit",
        "video",
        "reference_image",
        duration="4",
        aspect_ratio="9:16",
        audio_setting="origin",
        seed=3,
    )

    assert payload(mode) == {
        "prompt": "It snows",
        "video_url": "https://fal.example/video",
        "reference_image_url": "https://fal.example/reference_image",
        "resolution": "720p",
        "duration": 4,
        "aspect_ratio": "9:16",
        "audio_setting": "origin",
        "seed": 3,
    }


@pytest.mark.parametrize("duration", [1, 11, -1, "1", "", "05", 2.0, True, False, None])
def test_27_edit_takes_a_whole_clip_or_two_to_ten_seconds(duration: object) -> None:
    """Any other length is refused with what there is, of what type it may be."""
    with pytest.raises(ValidationError, match=r"takes 2 to 10 s, or 0 for the whole clip\."):
        Wan27Edit.model_validate({"prompt": "x", "video": attached("video")["video"], "duration": duration})


def test_reference_lists_keep_the_order_without_gaps() -> None:
    """The lists keep the order of the options, so that "Image 2" in the prompt is the second picture."""
    mode = request("wan27-reference", "video3", "image5", "image2", "video1", multi_shots=True, aspect_ratio="3:4")

    assert payload(mode) == {
        "prompt": "Image 1 waves",
        "reference_image_urls": ["https://fal.example/image2", "https://fal.example/image5"],
        "reference_video_urls": ["https://fal.example/video1", "https://fal.example/video3"],
        "aspect_ratio": "3:4",
        "resolution": "720p",
        "duration": 5,
        "multi_shots": True,
    }


@pytest.mark.parametrize("given_as", [10, "10"])
def test_25_duration_is_a_string(given_as: object) -> None:
    """Wan 2.5's duration is chosen as a number and sent as a string."""
    mode = request("wan25-image", "image", "audio", duration=given_as)

    assert payload(mode) == {
        "prompt": "It moves",
        "image_url": "https://fal.example/image",
        "audio_url": "https://fal.example/audio",
        "resolution": "720p",
        "duration": "10",
    }
    assert mode.options()["duration"] == 10


def test_22_payload() -> None:
    """Wan 2.2 takes every option of its page, also where it equals the default."""
    options: dict[str, Any] = {
        "prompt": "snow",
        "strength": 0.5,
        "num_frames": 33,
        "frames_per_second": 24,
        "negative_prompt": "",
        "seed": 7,
        "resolution": "480p",
        "aspect_ratio": "1:1",
        "num_inference_steps": 27,
        "enable_safety_checker": True,
        "enable_output_safety_checker": False,
        "enable_prompt_expansion": True,
        "acceleration": "none",
        "guidance_scale": 3.5,
        "guidance_scale_2": 4.0,
        "shift": 5.0,
        "interpolator_model": "rife",
        "num_interpolated_frames": 0,
        "adjust_fps_for_interpolation": False,
        "video_quality": "maximum",
        "video_write_mode": "small",
        "resample_fps": True,
    }

    assert payload(request("wan22-video", **options)) == options | {"video_url": "https://fal.example/video"}


def test_21_sends_its_long_negative_prompt_only_when_given() -> None:
    """The page's default negative prompt is not sent; a member's own is."""
    assert "negative_prompt" not in payload(request("wan21-image"))
    assert payload(request("wan21-image", negative_prompt="fog"))["negative_prompt"] == "fog"


OPTIONAL = {
    "prompt": st.none() | st.text(min_size=1, max_size=50),
    "resolution": st.sampled_from([None, "720p", "1080p"]),
    "duration": st.none() | st.integers(2, 15),
    "enable_prompt_expansion": st.none() | st.booleans(),
    "seed": st.none() | st.integers(0, 2**31 - 1),
}


@given(st.fixed_dictionaries(OPTIONAL))
def test_a_stored_request_is_the_same_request(options: dict[str, Any]) -> None:
    """The stored options of a job build the same payload and the same stored options again."""
    first = request("wan27-image", **options)
    again = registry.build("wan27-image", first.options(), first.attached())

    assert payload(again) == payload(first)
    assert again.options() == first.options()
    assert None not in first.options().values()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"duration": "soon"}, "The duration is soon, and Wan 2.7 image takes a whole number from 2 to 15."),
        ({"duration": 2.5}, "The duration is 2.5, and Wan 2.7 image takes a whole number from 2 to 15."),
        (
            {"duration": "9" * 5000},
            f"The duration is {'9' * 39}…, and Wan 2.7 image takes a whole number from 2 to 15.",
        ),
        ({"resolution": "4k\nnow"}, "The resolution is 4k now, and Wan 2.7 image takes 720p or 1080p."),
        (
            {"enable_safety_checker": "perhaps"},
            "The safety check is perhaps, and Wan 2.7 image takes true or false.",
        ),
        ({"prompt": 7}, "The prompt is 7, and Wan 2.7 image takes text."),
        ({"image": "cat.png"}, "The image is cat.png, and Wan 2.7 image takes a file."),
    ],
)
def test_a_broken_option_is_one_sentence(options: dict[str, Any], sentence: str) -> None:
    """A refusal names the option, its shortened value, the accepted ones, and what to do; never pydantic's text."""
    with pytest.raises(OptionRefused) as refused:
        registry.build("wan27-image", options, attached("end_image", "video"))

    assert str(refused.value) == f"{sentence} Change it and try again."
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("mode", registry.MODES)
def test_refusals_name_options_in_words(mode: type[Mode]) -> None:
    """A sentence about an option names it as people say it: "the end image", and never `end_image` or `num_frames`."""
    for name, spec in mode.specs().items():
        for kind in ("missing", "string_too_short", "string_too_long", "int_parsing"):
            sentence = option_sentence(mode, spec, kind, "x")
            assert sentence.startswith(f"The {option_words(name)} ")
            assert "_" not in name or name not in sentence


def test_an_unknown_option_is_named_with_the_known_ones() -> None:
    """An option that the mode does not have is refused with those it has."""
    with pytest.raises(OptionRefused, match=r"^Wan 2.1 image has no option fps; it has prompt, .* and seed[.]"):
        request("wan21-image", fps=5)


def test_floats_are_finite() -> None:
    """NaN is refused as a strength."""
    with pytest.raises(OptionRefused, match=r"^The strength is nan, and Wan 2.2 video takes a number from 0 to 1[.]"):
        request("wan22-video", strength=float("nan"))


def test_lookups() -> None:
    """A mode is found by its id, which its command spells too, and an unknown one is refused with the known ones."""
    for mode in registry.MODES:
        assert registry.by_id("-".join(mode.command())) is registry.by_id(mode.id) is mode
    assert registry.by_id("wan27-image").command() == ("wan27", "image")
    with pytest.raises(OptionRefused, match=r"^There's no mode “wan3-image”[.] Choose wan27-image, .* or wan21-image"):
        registry.by_id("wan3-image")


@pytest.mark.parametrize(
    ("mode_id", "options", "shown"),
    [
        ("wan27-image", {}, [("Resolution", "720p"), ("Duration", "5 s")]),
        (
            "wan27-reference",
            {"seed": 9, "multi_shots": True, "aspect_ratio": "9:16"},
            [
                ("Resolution", "720p"),
                ("Duration", "5 s"),
                ("Aspect ratio", "9:16"),
                ("Multi shots", "on"),
                ("Seed", "9"),
            ],
        ),
        ("wan27-edit", {}, [("Resolution", "720p"), ("Duration", "the whole clip")]),
        (
            "wan27-edit",
            {"duration": 3, "aspect_ratio": "1:1", "audio_setting": "origin"},
            [("Resolution", "720p"), ("Duration", "3 s"), ("Aspect ratio", "1:1"), ("Audio setting", "origin")],
        ),
        (
            "wan21-image",
            {"negative_prompt": "fog"},
            [("Resolution", "720p"), ("Frames", "81"), ("Frames per second", "16"), ("Aspect ratio", "auto")],
        ),
    ],
)
def test_a_card_shows_what_shapes_the_video(
    mode_id: str, options: dict[str, Any], shown: list[tuple[str, str]]
) -> None:
    """The card shows resolution, length, aspect and the options that were given, without the prompts."""
    assert request(mode_id, **options).describe() == shown


@pytest.mark.parametrize(
    ("mode_id", "options", "seconds"),
    [
        ("wan27-image", {"duration": 7}, 7.0),
        ("wan27-reference", {"duration": 10}, 10.0),
        ("wan27-edit", {"duration": 3}, 3.0),
        ("wan27-edit", {}, 4.0),
        ("wan25-image", {"duration": 10}, 10.0),
        ("wan22-video", {"num_frames": 80}, 5.0),
        ("wan22-video", {"num_frames": 80, "adjust_fps_for_interpolation": False}, 10.0),
        ("wan22-video", {"num_frames": 80, "adjust_fps_for_interpolation": False, "interpolator_model": "none"}, 5.0),
        ("wan21-image", {"num_frames": 100, "frames_per_second": 20}, 5.0),
    ],
)
def test_output_seconds(mode_id: str, options: dict[str, Any], seconds: float) -> None:
    """A video's length follows from the duration, from the frames and their rate, or from the clip of 4.2 s."""
    assert request(mode_id, **options).output_seconds({"video": input_facts("video", seconds=4.2)}) == seconds
