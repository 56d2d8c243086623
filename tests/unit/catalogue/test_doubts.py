"""About which requests a member is asked before money is spent, and about which not."""

import pytest

from bot.catalogue.doubts import doubts_of
from bot.catalogue.wan27_reference import Wan27Reference
from tests.support.catalogue_samples import request


def asked(mode_id: str, *files: str, prompt: str | None) -> list[str]:
    """The doubts about a request, a missing file as its name."""
    return [doubt.file or doubt.kind for doubt in doubts_of(request(mode_id, *files, prompt=prompt))]


PICTURES, BOTH = ("image1", "image2"), ("image1", "video1")


@pytest.mark.parametrize(
    ("files", "prompt", "missing"),
    [
        (("image1",), "Image 1 dances with Image 2", ["Image 2"]),
        (("image1",), "Image 1 dances with image 2", ["Image 2"]),
        (("image1",), "image1 dances with image2", ["Image 2"]),
        (("image1",), "IMAGE 1 meets IMAGE 3 and IMAGE 3", ["Image 3"]),
        (("image3",), "Image 3 waves", ["Image 3"]),  # the only picture is Image 1, whatever its option
        (PICTURES, "Image 1 walks like Video 1", ["Video 1"]),
        (("video1",), "Image 1 does what Video 1 does", ["Image 1"]),
        (BOTH, "Image 2 and Video 2", ["Image 2", "Video 2"]),
        (("image1",), "Image 2, in the rain", ["Image 2"]),
    ],
)
def test_a_file_that_is_not_there(files: tuple[str, ...], prompt: str, missing: list[str]) -> None:
    """A prompt that names a file of which there are not so many is asked about, once for each name."""
    assert asked("wan27-reference", *files, prompt=prompt) == missing


@pytest.mark.parametrize(
    ("files", "prompt"),
    [
        (PICTURES, "Image 1 hugs Image 2"),
        (PICTURES, "image1 hugs image 2"),
        (BOTH, "Image 1 moves as in Video 1"),
        (BOTH, "Image 1 moves as in the clip"),
        (BOTH, "the woman walks through the rain"),
        (BOTH, "Bild eins tanzt wie im Video"),
        (("image1",), "a dog runs"),
        (("image1",), "make a video 5 seconds long in which Image 1 waves"),
        (("image1",), "a video 5s long, Image 1 waves"),
        (("image1",), "Image 1 in a video 2x as fast"),
        (("image1",), "in this video 3 dogs run"),
        (("image1",), "an image 4k sharp, video 60 fps, Image 16:9, Video 3:4"),
        (("image1",), "as in video 2024, image 1/2"),
        (("image1",), "reimage 2 things; videos 3 times; an image. 2 dogs"),
        (("image1",), "第1张图片里的女孩在跳舞"),
        (("image1",), "她在跳舞 👍"),
        (("image1", "image2", "image3", "image4", "image5"), "Image 1, Image 2, Image 3, Image 4 and Image 5 sing"),
    ],
)
def test_ordinary_references(files: tuple[str, ...], prompt: str) -> None:
    """Prompts that name what is there, in whatever spelling, or name nothing, are not asked about."""
    assert asked("wan27-reference", *files, prompt=prompt) == []


def test_a_clip_that_the_prompt_forgets() -> None:
    """A clip, whose seconds cost, beside pictures that the prompt names is asked about if it is not mentioned."""
    assert asked("wan27-reference", *BOTH, prompt="Image 1 waves") == ["unnamed_clip"]
    assert asked("wan27-reference", "video1", prompt="a dog runs") == []


@pytest.mark.parametrize("prompt", [None, "", " ", "\u200b", "…", "!!!"])
def test_no_prompt(prompt: str | None) -> None:
    """A prompt without a word is asked about, unless a sound drives the video."""
    assert asked("wan27-image", "image", prompt=prompt) == ["no_prompt"]
    assert asked("wan27-image", "image", "audio", prompt=prompt) == []


def test_no_prompt_where_one_is_required() -> None:
    """Blanks pass as a prompt at fal, so a required prompt of blanks is asked about too."""
    for mode_id in ("wan27-reference", "wan25-image", "wan22-video", "wan21-image"):
        assert asked(mode_id, prompt="   ") == ["no_prompt"]
        assert asked(mode_id, prompt="雨") == asked(mode_id, prompt="🌧") == []


def test_a_picture_beside_a_clip() -> None:
    """A picture beside the clip to continue becomes the end, which is asked about; between two pictures it is usual."""
    assert asked("wan27-image", "video", "end_image", prompt="on it goes") == ["end_of_clip"]
    assert asked("wan27-image", "video", prompt="on it goes") == []
    assert asked("wan27-image", "image", "end_image", prompt="from dawn to dusk") == []


def test_names_count_only_for_references() -> None:
    """Other modes give files no names, so a number after a word is only that."""
    assert asked("wan27-image", "image", prompt="Image 2 appears") == []
    assert issubclass(Wan27Reference, type(request("wan27-reference", prompt="x")))
