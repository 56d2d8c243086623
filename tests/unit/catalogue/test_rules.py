"""The rules between options, before any file is read."""

import pytest

from bot.catalogue import registry
from bot.catalogue.limits import check_media
from bot.catalogue.phrases import option_words
from bot.errors import MediaRefused, OptionRefused
from tests.support.catalogue_samples import LEAST, MB, attached, input_facts, request


@pytest.mark.parametrize(
    "files",
    [
        ("image",),
        ("image", "end_image"),
        ("image", "audio"),
        ("image", "end_image", "audio"),
        ("video",),
        ("video", "end_image"),
    ],
)
def test_27_image_takes_these_files_together(files: tuple[str, ...]) -> None:
    """Wan 2.7 accepts an image or a video, each with its companion files."""
    assert list(request("wan27-image", *files).attached()) == [
        name for name in ("image", "end_image", "video", "audio") if name in files
    ]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ((), "nothing to start from"),
        (("audio",), "nothing to start from"),
        (("end_image",), "end image alone"),
        (("end_image", "audio"), "end image alone"),
        (("image", "video"), "not both"),
        (("video", "audio"), "Sound goes with a picture"),
        (("image", "end_image", "video", "audio"), "not both"),
    ],
)
def test_27_image_refuses_these_files_together(files: tuple[str, ...], words: str) -> None:
    """Anything else is refused with a sentence that says what to do."""
    with pytest.raises(OptionRefused, match=f"{words}.*try again[.]$"):
        registry.build("wan27-image", {"prompt": "x"}, attached(*files))


@pytest.mark.parametrize(
    "files",
    [
        ("image1",),
        ("image4",),
        ("video1",),
        ("image1", "image2", "image3", "image4", "image5"),
        ("image1", "image2", "video1", "video2", "video3"),
    ],
)
def test_reference_takes_one_to_five(files: tuple[str, ...]) -> None:
    """One to five references of either kind are taken, in any of the options."""
    assert sorted(request("wan27-reference", *files).attached()) == sorted(files)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ((), "at least one"),
        (("image1", "image2", "image3", "image4", "image5", "video1"), "6 references.*at most 5"),
        ((*(f"image{n}" for n in range(1, 6)), "video1", "video2", "video3"), "8 references.*at most 5"),
    ],
)
def test_reference_refuses_none_and_six(files: tuple[str, ...], words: str) -> None:
    """No reference, or more than five in all, is refused with the number."""
    with pytest.raises(OptionRefused, match=words):
        registry.build("wan27-reference", {"prompt": "x"}, attached(*files))


@pytest.mark.parametrize(
    ("mode_id", "name"),
    [
        ("wan27-text", "prompt"),
        ("wan27-reference", "prompt"),
        ("wan27-edit", "prompt"),
        ("wan27-edit", "video"),
        ("wan25-image", "prompt"),
        ("wan25-image", "image"),
        ("wan25-text", "prompt"),
        ("wan22-video", "prompt"),
        ("wan22-video", "video"),
        ("wan21-image", "prompt"),
        ("wan21-image", "image"),
    ],
)
def test_what_the_page_requires_is_required(mode_id: str, name: str) -> None:
    """Without a required option the command is refused by its name."""
    options, files = LEAST[mode_id]
    with pytest.raises(OptionRefused, match=f"^The {option_words(name)} is missing[.]"):
        registry.build(
            mode_id,
            {key: value for key, value in options.items() if key != name},
            attached(*(file for file in files if file != name)),
        )


@pytest.mark.parametrize(
    "mode_id", ["wan27-text", "wan27-reference", "wan27-edit", "wan25-image", "wan25-text", "wan22-video"]
)
def test_a_required_prompt_is_not_empty(mode_id: str) -> None:
    """An empty prompt is no prompt."""
    with pytest.raises(OptionRefused, match=r"^The prompt is empty[.]"):
        request(mode_id, prompt="")


@pytest.mark.parametrize(
    ("mode_id", "option", "most_mb"),
    [
        ("wan27-image", "image", 20),
        ("wan27-image", "video", 100),
        ("wan27-reference", "image3", 20),
        ("wan27-reference", "video2", 100),
        ("wan27-edit", "video", 100),
        ("wan25-image", "image", 25),
        ("wan22-video", "video", 100),
        ("wan21-image", "image", 20),
    ],
)
def test_a_declared_size_is_no_refusal(mode_id: str, option: str, most_mb: int) -> None:
    """A file that Discord declares too large is accepted, because it can be made to fit; the probed size must fit."""
    options, _ = LEAST[mode_id]
    mode = registry.build(mode_id, options, attached(option, size_bytes=most_mb * MB + 1))
    with pytest.raises(MediaRefused, match=rf"is {most_mb}[.]\d+ MB;.*up to {most_mb} MB[.]"):
        check_media(mode.media()[option], input_facts(option, size_bytes=most_mb * MB + 1), this="This file")


@pytest.mark.parametrize("mode_id", ["wan27-image", "wan27-text", "wan25-image", "wan25-text"])
def test_sound_is_limited_too(mode_id: str) -> None:
    """Sound is at most 15 MB once it was made to fit."""
    options, files = LEAST[mode_id]
    mode = registry.build(mode_id, options, attached(*files) | attached("audio"))
    with pytest.raises(MediaRefused, match=r"sound file is 15[.]\d+ MB;.*up to 15 MB"):
        check_media(mode.media()["audio"], input_facts("audio", size_bytes=15 * MB + 1), this="This sound file")


@pytest.mark.parametrize(
    ("seconds", "duration", "said"),
    [
        (4.3, 5, "This clip is 4.3 s long, so 5 s can't be cut from it. Choose a duration of 2 to 4 s, or the whole"),
        (9.97, 10, "This clip is 9.97 s long, so 10 s can't be cut from it. Choose a duration of 2 to 9 s, or the"),
        (2.5, 3, "This clip is 2.5 s long, so 3 s can't be cut from it. Choose a duration of 2 s, or the whole clip,"),
    ],
)
def test_edit_cuts_no_more_than_there_is(seconds: float, duration: int, said: str) -> None:
    """A video cannot be longer than the clip that it changes; the refusal says what can be."""
    clip = {"video": input_facts("video", seconds=seconds)}
    with pytest.raises(MediaRefused) as refused:
        request("wan27-edit", duration=duration).check(clip)
    assert str(refused.value).startswith(said)
    request("wan27-edit", duration=int(seconds)).check(clip)
    request("wan27-edit").check(clip)
