"""Probed files against the limits of each option."""

from typing import Any

import pytest

from bot.errors import MediaRefused
from tests.support.catalogue_samples import MB, input_facts, request

WITH_AUDIO = {
    "wan27-image": ("image", "audio"),
    "wan27-text": ("audio",),
    "wan25-image": ("image", "audio"),
    "wan25-text": ("audio",),
}


def check(mode_id: str, option: str, **changed: Any) -> None:
    """Check a request with a changed file in this option against the mode's limits."""
    files = WITH_AUDIO[mode_id] if option == "audio" else (option,)
    if option == "end_image":
        files = ("image", "end_image")
    options = {"duration": 15} if (mode_id, option) == ("wan27-image", "video") else {}
    probed = {name: input_facts(name) for name in files} | {option: input_facts(option, **changed)}
    request(mode_id, *files, **options).check(probed)


SIDES = [
    ("wan27-image", "image", 240, 8000),
    ("wan27-image", "end_image", 240, 8000),
    ("wan27-image", "video", 240, 4096),
    ("wan27-reference", "image1", 240, 8000),
    ("wan27-reference", "video1", 240, 4096),
    ("wan27-edit", "video", 240, 4096),
    ("wan25-image", "image", 360, 2000),
    ("wan22-video", "video", 64, 4096),
    ("wan21-image", "image", 64, 8000),
]


@pytest.mark.parametrize(("mode_id", "option", "least", "most"), SIDES)
def test_sides_are_bounded(mode_id: str, option: str, least: int, most: int) -> None:
    """Both sides must be within the option's pixels, inclusive; a refusal names the pixels and the limits."""
    check(mode_id, option, width=least, height=least)
    check(mode_id, option, width=most, height=most)
    limits = f"{least:,} to {most:,} px per side"
    with pytest.raises(MediaRefused, match=rf"{least - 1:,} × {least:,} px;.*{limits}.*larger one"):
        check(mode_id, option, width=least - 1, height=least)
    with pytest.raises(MediaRefused, match=rf"{most:,} × {most + 1:,} px;.*{limits}.*smaller"):
        check(mode_id, option, width=most, height=most + 1)


@pytest.mark.parametrize(("mode_id", "option"), [("wan27-image", "image"), ("wan27-reference", "image1")])
def test_27_pictures_are_at_most_eight_times_as_long(mode_id: str, option: str) -> None:
    """Aspects from 1:8 to 8:1 are accepted, and others are refused."""
    check(mode_id, option, width=2400, height=300)
    check(mode_id, option, width=300, height=2400)
    for width, height in ((2401, 300), (300, 2401)):
        with pytest.raises(MediaRefused, match=r"8[.]003 times the other;.*up to 8 times[.]"):
            check(mode_id, option, width=width, height=height)


def test_a_shape_that_no_scaling_mends_is_named_with_the_sides() -> None:
    """Whoever obeys a refusal is not refused again: of two limits that are broken, both are named."""
    with pytest.raises(MediaRefused) as refused:
        check("wan27-image", "image", width=1080, height=12_000)
    assert str(refused.value) == (
        "This picture is 1,080 × 12,000 px, so one side is 11.1 times the other; "
        "Wan 2.7 takes pictures of up to 8 times, with 240 to 8,000 px per side. Crop it and try again."
    )


@pytest.mark.parametrize(
    ("width", "height", "advice"),
    [(8192, 240, "Crop it"), (100, 9000, "Crop it"), (300, 100, "Attach a larger one"), (5000, 300, "Make it smaller")],
)
def test_a_clip_that_fits_in_no_size_is_to_be_cropped(width: int, height: int, advice: str) -> None:
    """A clip so long and narrow that one side is wrong whenever the other is right is not to be made smaller."""
    with pytest.raises(MediaRefused, match=rf"240 to 4,096 px per side[.] {advice} and try again"):
        check("wan27-image", "video", width=width, height=height)


SECONDS = [
    ("wan27-image", "video", 2, 10, "Wan 2.7 continues clips of 2 to 10 s"),
    ("wan27-image", "audio", 2, 30, "Wan 2.7 follows sound files of 2 to 30 s"),
    ("wan27-text", "audio", 3, 30, "Wan 2.7 follows sound files of 3 to 30 s"),
    ("wan27-reference", "video1", 1, 30, "Wan 2.7 takes reference clips of 1 to 30 s"),
    ("wan27-edit", "video", 2, 10, "Wan 2.7 changes clips of 2 to 10 s"),
    ("wan25-image", "audio", 3, 30, "Wan 2.5 takes sound files of 3 to 30 s"),
    ("wan25-text", "audio", 3, 30, "Wan 2.5 takes sound files of 3 to 30 s"),
]


@pytest.mark.parametrize(("mode_id", "option", "least", "most", "limits"), SECONDS)
def test_seconds_are_bounded(mode_id: str, option: str, least: int, most: int, limits: str) -> None:
    """A length must be within the option's seconds, inclusive; a refusal names the seconds and the limits."""
    check(mode_id, option, seconds=float(least))
    check(mode_id, option, seconds=float(most))
    with pytest.raises(MediaRefused, match=rf"is {least - 0.1:g} s long; {limits}[.] Attach a longer one"):
        check(mode_id, option, seconds=least - 0.1)
    with pytest.raises(MediaRefused, match=rf"is {most}[.]4 s long; {limits}[.] Trim it"):
        check(mode_id, option, seconds=most + 0.4)


def test_the_sentence_of_a_long_clip() -> None:
    """A clip that is too long is refused with this sentence."""
    with pytest.raises(MediaRefused) as refused:
        check("wan27-image", "video", seconds=12.4)

    assert str(refused.value) == (
        "This clip is 12.4 s long; Wan 2.7 continues clips of 2 to 10 s. Trim it and try again."
    )


def test_a_clip_of_one_picture_is_not_of_no_length() -> None:
    """A length just above nothing is not shown as 0."""
    with pytest.raises(MediaRefused, match=r"is 0[.]04 s long"):
        check("wan27-image", "video", seconds=0.04)
    with pytest.raises(MediaRefused, match=r"is 0 s long"):
        check("wan27-image", "video", seconds=0.0)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(10.02, "10.02"), (10.0004, "10.0004"), (10.96, "11"), (1e9, "1000000000")]
)
def test_a_refused_number_never_reads_as_allowed(seconds: float, shown: str) -> None:
    """A length just over the limit is shown with as many decimals as tell it from the limit."""
    with pytest.raises(MediaRefused, match=rf"is {shown} s long"):
        check("wan27-image", "video", seconds=seconds)


@pytest.mark.parametrize("seconds", [0.5, 60.0])
def test_22_takes_clips_up_to_a_minute(seconds: float) -> None:
    """Wan 2.2's page names no length, so Wanda's own limit of a minute applies."""
    check("wan22-video", "video", seconds=seconds)
    with pytest.raises(MediaRefused, match="clips of up to 60 s"):
        check("wan22-video", "video", seconds=60.5)


FORMATS = {
    "image": ({"jpeg", "png", "bmp", "webp"}, {"gif", "tiff", "zip"}),
    "video": ({"mp4", "mov"}, {"mkv", "avi", "gif"}),
    "audio": ({"wav", "mp3"}, {"ogg", "flac", "m4a"}),
}


@pytest.mark.parametrize(
    ("mode_id", "option", "kind"),
    [
        ("wan27-image", "image", "image"),
        ("wan27-image", "video", "video"),
        ("wan27-image", "audio", "audio"),
        ("wan27-reference", "image1", "image"),
        ("wan27-reference", "video1", "video"),
        ("wan25-image", "image", "image"),
        ("wan25-image", "audio", "audio"),
        ("wan22-video", "video", "video"),
        ("wan21-image", "image", "image"),
    ],
)
def test_formats_are_named(mode_id: str, option: str, kind: str) -> None:
    """A format of the page is accepted; another is refused with its name and the accepted ones."""
    taken, refused = FORMATS[kind]
    for name in taken:
        check(mode_id, option, format=name)
    for name in refused:
        with pytest.raises(MediaRefused, match=rf"format {name.upper()};.* or .*Save it as one of these"):
            check(mode_id, option, format=name)


def test_22_takes_webm() -> None:
    """Wan 2.2's page names no format: it accepts WEBM, and Wan 2.7 does not."""
    check("wan22-video", "video", format="webm")
    with pytest.raises(MediaRefused, match="MP4 or MOV"):
        check("wan27-image", "video", format="webm")


def test_another_kind_of_file_is_named() -> None:
    """A clip in a picture's option is refused as a clip."""
    with pytest.raises(
        MediaRefused, match=r"^This picture is really a clip[.] Attach a picture \(JPEG, PNG, BMP or WEBP\)"
    ):
        check("wan25-image", "image", kind="video", format="mp4", seconds=3.0)


@pytest.mark.parametrize(("mode_id", "option"), [("wan27-image", "image"), ("wan22-video", "video")])
def test_the_probed_size_counts(mode_id: str, option: str) -> None:
    """The probed size counts, whatever size Discord declared."""
    with pytest.raises(MediaRefused, match=r"MB;.*up to \d+ MB"):
        check(mode_id, option, size_bytes=100 * MB + 1)


def test_unknown_facts_are_refused() -> None:
    """A file with unknown length or pixels is refused."""
    with pytest.raises(MediaRefused, match="Wanda can't read how long this clip is"):
        check("wan27-image", "video", seconds=None)
    with pytest.raises(MediaRefused, match="Wanda can't read how large this picture is"):
        check("wan21-image", "image", width=None)


@pytest.mark.parametrize(("seconds", "duration"), [(5.0, 5), (4.2, 4), (10.0, 10), (9.5, 9)])
def test_a_continued_clip_is_shorter_than_the_video(seconds: float, duration: int) -> None:
    """The duration includes the clip, so it must be longer, and the refusal names the least that is."""
    mode = request("wan27-image", "video", duration=duration)
    with pytest.raises(MediaRefused, match=rf"{seconds:g} s long,.*{duration} s leaves.*of {int(seconds) + 1} to 15 s"):
        mode.check({"video": input_facts("video", seconds=seconds)})
    longer = request("wan27-image", "video", duration=int(seconds) + 1)
    longer.check({"video": input_facts("video", seconds=seconds)})


def test_one_of_several_files_is_named_by_its_option() -> None:
    """With several files of a kind, the refusal says which option is meant."""
    mode = request("wan27-reference", "image1", "image2", "video1")
    with pytest.raises(MediaRefused, match=r"^The picture in image2 is 100 × 100 px"):
        mode.check(
            {n: input_facts(n) for n in ("image1", "video1")} | {"image2": input_facts("image2", width=100, height=100)}
        )
