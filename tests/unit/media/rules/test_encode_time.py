"""A clip that cannot be encoded in time is refused before it begins."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import MediaRefused
from bot.media.rules.encode_time import check_encode_time

FOUR_K, FULL_HD = (3840, 2160), (1920, 1080)


def check(frames: int, kept_s: float, *, pixels: tuple[int, int] = FOUR_K, mpixels_per_s: float = 100) -> None:
    """Check a clip that keeps its size, against the shipped limit of 150 s."""
    check_encode_time(
        pixels=pixels, frames=frames, kept_s=kept_s, written=pixels, mpixels_per_s=mpixels_per_s, limit_s=150
    )


def test_ten_seconds_of_a_phones_4k() -> None:
    """10 s of 4K at 60 frames a second, the most that phones record, are encoded."""
    check(600, 10)


def test_slow_motion_in_4k() -> None:
    """10 s of 4K at 240 frames a second are refused with frames, size, time, limit and what to do."""
    with pytest.raises(MediaRefused) as refused:
        check(2400, 10)
    assert str(refused.value) == (
        "Making 10 s of this clip fit (2,400 frames of 3,840 × 2,160) would take about 249 s, and the limit is "
        "150 s. Export it at 1920 × 1080 with 30 frames per second and try again."
    )


def test_frames_above_what_is_written() -> None:
    """Frames beyond the 240 a second that are written are only read, which takes a quarter of the time."""
    check(24_000, 10, pixels=(640, 360))
    with pytest.raises(MediaRefused):
        check(300_000, 10, pixels=(640, 360))


@given(seconds=st.floats(0.1, 60), mpixels_per_s=st.floats(40, 1000))
@pytest.mark.hypothesis
def test_the_advice_is_enough(seconds: float, mpixels_per_s: float) -> None:
    """A clip as the refusal asks for, of up to a minute, is never refused on a machine of two fifths of the speed."""
    check(round(30 * seconds), seconds, pixels=FULL_HD, mpixels_per_s=mpixels_per_s)


@given(
    frames=st.integers(0, 10**6), kept_s=st.floats(0.1, 600), width=st.integers(2, 8192), height=st.integers(2, 8192)
)
@pytest.mark.hypothesis
def test_only_what_takes_too_long_is_refused(frames: int, kept_s: float, width: int, height: int) -> None:
    """The time in a refusal is above its limit, and a faster machine takes what a slower one takes."""
    try:
        check(frames, kept_s, pixels=(width, height))
    except MediaRefused as refused:
        found = re.search(r"about ([\d,]+) s", str(refused))
        assert found is not None
        assert int(found[1].replace(",", "")) >= 150
    else:
        check(frames, kept_s, pixels=(width, height), mpixels_per_s=200)
