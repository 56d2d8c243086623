"""The bitrates and the size of a smaller copy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.media.rules.bitrate import rates

MIB = 1024 * 1024


def test_a_usual_result_keeps_its_pixels() -> None:
    """15 s of 1080p fit into 10 MiB at full size, at about five megabits a second."""
    chosen = rates(seconds=15, width=1920, height=1080, bytes_max=10 * MIB)
    assert chosen is not None
    assert (chosen.width, chosen.height) == (1920, 1080)
    assert 4800 < chosen.video_kbps < 5300


def test_pixels_go_where_the_bits_would_be_hopeless() -> None:
    """A minute of 1080p in 1 MiB is scaled down in proportion."""
    chosen = rates(seconds=60, width=1920, height=1080, bytes_max=MIB)
    assert chosen is None or chosen.width < 800
    chosen = rates(seconds=60, width=1920, height=1080, bytes_max=2 * MIB)
    assert chosen is not None
    assert chosen.width / chosen.height == pytest.approx(16 / 9, abs=0.02)


def test_what_nothing_fits_into_is_given_up() -> None:
    """An hour in a megabyte, or a video of unknown length, has no usable rate."""
    assert rates(seconds=3600, width=1920, height=1080, bytes_max=MIB) is None
    assert rates(seconds=0, width=1920, height=1080, bytes_max=MIB) is None
    assert [rates(seconds=15, width=1920, height=1080, bytes_max=limit) for limit in (1, 0, -5)] == [None] * 3


@given(st.floats(0.5, 600), st.integers(64, 4096), st.integers(64, 4096), st.integers(100_000, 100 * MIB))
def test_the_streams_never_outgrow_the_limit(seconds: float, width: int, height: int, bytes_max: int) -> None:
    """Picture and sound together stay below the limit, and the pixels below the source's."""
    chosen = rates(seconds=seconds, width=width, height=height, bytes_max=bytes_max)
    if chosen is not None:
        assert (chosen.video_kbps + chosen.sound_kbps) * 1000 * seconds / 8 < bytes_max
        assert chosen.width <= width
        assert chosen.height <= height
