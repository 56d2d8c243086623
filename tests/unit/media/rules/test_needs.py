"""The changes that make a file fit, and their texts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.media.probe import Facts
from bot.media.rules.needs import changes, even_size, is_beyond_help, needs
from bot.media.rules.oddity import Oddity
from bot.media_spec import MediaSpec
from bot.units import MB

PICTURE = MediaSpec(
    kind="image", subject="It takes", formats=("jpeg", "png"), bytes_max=20 * MB, side_min=240, side_max=8000
)
CLIP = MediaSpec(
    kind="video", subject="It takes", formats=("mp4",), bytes_max=MB, side_max=4096, seconds_min=2, seconds_max=10
)
GOOD = Facts(kind="image", format="png", size_bytes=20 * MB, width=8000, height=240, codec="png")
PLAYS = Facts(kind="video", format="mp4", size_bytes=MB, width=640, height=480, seconds=10.0, codec="h264")


def test_a_file_at_its_limits_needs_nothing() -> None:
    """Every bound is inclusive, so a file that just fits goes through as it is."""
    assert not needs(GOOD, PICTURE)
    assert not needs(PLAYS, CLIP)


@pytest.mark.parametrize(
    "changed",
    [
        replace(GOOD, size_bytes=20 * MB + 1),
        replace(GOOD, width=8001, height=8000),
        replace(GOOD, format="gif"),
        replace(GOOD, width=12_000, height=9000),
    ],
)
def test_what_can_be_mended_is(changed: Facts) -> None:
    """A picture with too many bytes or pixels, or in another format, can be made to fit."""
    assert needs(changed, PICTURE)
    assert not is_beyond_help(changed, PICTURE)


@pytest.mark.parametrize(
    ("facts", "limits"),
    [
        (replace(GOOD, width=239), PICTURE),
        (replace(GOOD, width=16_000, height=400), PICTURE),  # scaled to 8,000 it is 200 high
        (replace(GOOD, width=2000, height=240), replace(PICTURE, aspect_max=8)),
        (replace(PLAYS, seconds=1.9), CLIP),
        (PLAYS, PICTURE),
        (GOOD, CLIP),
    ],
)
def test_what_cannot_be_mended_is_left_to_be_refused(facts: Facts, limits: MediaSpec) -> None:
    """Files are not enlarged, cropped or lengthened: too small, too flat, too short or another kind stays refused."""
    assert is_beyond_help(facts, limits)


@given(st.integers(2, 20_000), st.integers(2, 20_000), st.integers(64, 8000))
def test_scaling_never_enlarges_and_never_distorts(width: int, height: int, side_max: int) -> None:
    """The new sides are even, within the old ones and the limit, and in proportion to less than two pixels."""
    new_width, new_height = even_size(width, height, side_max)
    assert new_width % 2 == new_height % 2 == 0
    assert new_width <= width
    assert new_height <= height
    assert max(new_width, new_height) <= side_max
    scale = min(1.0, side_max / max(width, height))
    assert width * scale - new_width < 2
    assert height * scale - new_height < 2


def test_the_changes_are_said_with_their_numbers() -> None:
    """A change is described by its old and new numbers, with as few decimals as needed."""
    long = replace(PLAYS, seconds=14.2)
    assert changes(long, PLAYS, keep="start") == ("trimmed from 14.2 s to 10 s",)
    assert changes(long, PLAYS, keep="end") == ("trimmed from 14.2 s to 10 s, its end",)
    large = replace(GOOD, width=6000, height=4000)
    small = replace(GOOD, width=2000, height=1333, size_bytes=MB)
    assert changes(large, small, keep="start") == ("picture scaled from 6000 \u00d7 4000 to 2000 \u00d7 1333",)
    voice = Facts(kind="audio", format="ogg", size_bytes=9, seconds=5.0, codec="opus")
    assert changes(voice, replace(voice, format="mp3"), keep="start") == ("OGG saved as MP3",)
    assert changes(replace(GOOD, size_bytes=30 * MB), replace(GOOD, size_bytes=5 * MB), keep="start") == (
        "saved again, 30 MB to 5 MB",
    )


@pytest.mark.parametrize(
    ("odd", "is_encoded"),
    [
        (("kind of sound",), True),
        (("shape",), True),
        (("metadata",), False),
        (("header",), False),
        (("streams", "sound"), False),
    ],
)
def test_an_odd_file_is_saved_again(odd: tuple[Oddity, ...], is_encoded: bool) -> None:
    """What a strict reader refuses is saved again within the limits too, and is copied where that is enough."""
    needed = needs(replace(PLAYS, odd=odd), CLIP)
    assert needed
    assert needed.only_a_cut != is_encoded


def test_what_was_odd_is_said() -> None:
    """The card says why a file was saved again, unless its new format or length says it."""
    odd = replace(GOOD, odd=("metadata",))
    assert changes(odd, GOOD, keep="start") == ("saved again without its damaged or unusual metadata",)
    tagged = Facts(kind="audio", format="flac", size_bytes=9, seconds=5.0, codec="flac", odd=("header",))
    assert changes(tagged, replace(tagged, format="mp3"), keep="start") == ("FLAC saved as MP3",)
    guessed = replace(PLAYS, odd=("header",), shortest_s=10.0, longest_s=14.0)
    assert changes(guessed, PLAYS, keep="start") == ("saved with one length, 10 s (part of it said 14 s)",)
    absurd = replace(guessed, longest_s=112_195_064.0)
    assert changes(absurd, PLAYS, keep="start") == ("saved with one length, 10 s (part of it said more than a day)",)
    hdr = replace(PLAYS, is_hdr=True, odd=("sound",))
    assert changes(hdr, PLAYS, keep="start") == (
        "HDR changed to ordinary colours",
        "without its sound, which Wanda can't read",
    )
