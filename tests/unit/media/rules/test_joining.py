"""The size and the rate of a film, each part's place in it, and the filters that are made of them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.media.rules.join_graph import (
    PictureInput,
    Soundtrack,
    picture_graph,
    sound_graph,
    soundtrack_graph,
)
from bot.media.rules.joining import (
    Canvas,
    Part,
    Place,
    can_be_copied,
    canvas_of,
    fits_in_one_pass,
    place_of,
    timeline_of,
    usual_rate,
)
from bot.media.rules.stored_picture import StoredPicture

MB = 1_000_000
HD = Canvas(width=1920, height=1080, frame_rate=Fraction(24))


def part(
    seconds: float = 5.0,
    width: int = 1920,
    height: int = 1080,
    rate: Fraction | int = 24,
    *,
    coding: str | None = None,
    frames: int | None = None,
    size_bytes: int = 4 * MB,
    has_sound: bool = False,
) -> Part:
    """Return a part as Wan makes it."""
    picture = StoredPicture(
        played_s=seconds,
        last_s=seconds - float(1 / Fraction(rate)),
        frame_rate=Fraction(rate),
        matrix="bt709",
        coding=coding or f"h264 yuv420p {width}x{height} 1 0 ab12",
    )
    count = round(seconds * Fraction(rate)) if frames is None else frames
    return Part(width=width, height=height, size_bytes=size_bytes, frames=count, picture=picture, has_sound=has_sound)


def test_a_film_has_the_size_and_rate_that_most_of_it_has() -> None:
    """One upright shot among others does not turn the film; of two that play as long, the first one decides."""
    parts = [part(5, 1080, 1920, 30), part(5), part(3)]
    assert canvas_of(parts, side_max=1920) == HD
    assert canvas_of(parts[:2], side_max=1920) == Canvas(width=1080, height=1920, frame_rate=Fraction(30))


def test_a_film_is_never_larger_than_asked_for() -> None:
    """4K is scaled to the longer side that the operator allows, with even sides."""
    chosen = canvas_of([part(5, 3840, 2162)], side_max=1920)
    assert (chosen.width, chosen.height) == (1920, 1080)


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        (Fraction(24000, 1001), Fraction(24000, 1001)),
        (Fraction(2997, 100), Fraction(30000, 1001)),
        (Fraction(14999, 500), Fraction(30)),
        (Fraction(16), Fraction(16)),
        (Fraction(12), Fraction(12)),
        (Fraction(0), Fraction(1)),
        (Fraction(1000), Fraction(60)),
    ],
)
def test_a_rate_that_was_rounded_is_the_usual_one(stated: Fraction, meant: Fraction) -> None:
    """Rates keep their exact fractions, and stay within what a film may have."""
    assert usual_rate(stated) == meant


def test_a_part_that_is_a_little_off_is_cropped() -> None:
    """1920 x 1088, as encoders round it, loses eight rows; nothing is distorted and there are no bars."""
    assert place_of(part(5, 1920, 1088), HD) == Place(1920, 1088)
    assert place_of(part(5, 1904, 1072), HD) == Place(1920, 1082)


def test_a_part_of_another_shape_is_shown_whole() -> None:
    """An upright or a square shot stands between bars."""
    assert place_of(part(5, 1080, 1920), HD) == Place(608, 1080)
    assert place_of(part(5, 1440, 1440), HD) == Place(1080, 1080)


sides = st.integers(16, 2160)


@given(sides, sides, sides, sides)
def test_a_place_is_undistorted_and_covers_or_fits(width: int, height: int, across: int, down: int) -> None:
    """A part is scaled in proportion, to within a pixel's rounding; it lies inside the canvas, or covers it."""
    canvas = Canvas(width=2 * across, height=2 * down, frame_rate=Fraction(24))
    place = place_of(part(5, width, height), canvas)
    covers = place.width >= canvas.width and place.height >= canvas.height
    fits = place.width <= canvas.width and place.height <= canvas.height
    assert covers or fits
    assert place.width % 2 == place.height % 2 == 0
    exact = Fraction(width, height)
    off = 3  # pixels: both sides are rounded to even numbers
    assert abs(place.width - exact * place.height) <= off * max(1, exact) + off


def test_the_film_is_as_long_as_its_parts_without_the_fades() -> None:
    """Each seam takes its own fade."""
    timeline = timeline_of([part(5), part(5), part(2)], [1, 0], Fraction(24))
    assert (timeline.parts, timeline.fades, timeline.seconds) == ((120, 120, 48), (24, 0), 11.0)


@given(
    st.lists(st.floats(0.04, 15), min_size=1, max_size=8),
    st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=7, max_size=7),
    st.sampled_from([Fraction(24), Fraction(30000, 1001), Fraction(16)]),
)
def test_fades_never_eat_a_part(seconds: list[float], fades: list[float], rate: Fraction) -> None:
    """Both fades of a part leave it in order, and the film is as long as said, within a frame for each part."""
    parts = [part(length, rate=rate) for length in seconds]
    timeline = timeline_of(parts, fades[: len(parts) - 1], rate)
    for number, frames in enumerate(timeline.parts):
        around = timeline.fades[max(0, number - 1) : number + 1]
        assert sum(around) <= frames
    if all(length >= 2 for length in seconds):
        meant_s = sum(seconds) - sum(fades[: len(parts) - 1])
        assert abs(timeline.seconds - meant_s) <= len(parts) * float(1 / rate)


def test_only_parts_that_are_stored_alike_are_copied() -> None:
    """A fade, another rate, coding or size, hidden frames, or a codec that not every player has: all is encoded."""

    def copied(*parts: Part, fades: tuple[float, ...] = (0.0,)) -> bool:
        canvas = canvas_of(parts, side_max=1920)
        return can_be_copied(parts, canvas, timeline_of(parts, fades, canvas.frame_rate))

    assert copied(part(), part(3))
    assert not copied(part(), part(), fades=(0.5,))
    assert not copied(part(), part(rate=30))
    assert not copied(part(), part(coding="h264 yuv420p 1920x1080 1 0 cd34"))
    assert not copied(part(), part(frames=125))
    turned = part(coding="h264 yuv420p 1080x1920 1 90 ab12")
    assert not copied(turned, turned)
    other = part(coding="hevc yuv420p 1920x1080 1 0 ab12")
    assert not copied(other, other)


def test_one_pass_only_where_there_is_room() -> None:
    """The film is measured first where the limit is near what its parts have."""
    parts = [part(5, size_bytes=5 * MB)] * 2
    assert fits_in_one_pass(parts, seconds=10, bytes_max=16 * MB)
    assert not fits_in_one_pass(parts, seconds=10, bytes_max=14 * MB)


def test_the_filters_of_a_film_with_one_fade() -> None:
    """Parts without a fade between them are put together first; fades begin where the parts before end."""
    timeline = timeline_of([part(2), part(2), part(2)], [0, 0.5], Fraction(24))
    inputs = [
        PictureInput(stream=f"{number}:0", matrix="bt709", place=place_of(part(2, *size), HD))
        for number, size in enumerate([(1920, 1080), (1080, 1920), (1920, 1088)])
    ]
    plain, upright, higher, *joined = picture_graph(inputs, HD, timeline).split(";")
    assert "scale=1920:1080:" in plain
    assert ",pad=" not in plain + higher
    assert "crop=" not in plain + upright
    assert "pad=1920:1080:656:0," in upright
    assert "crop=1920:1080:0:4," in higher
    assert joined == [
        "[p0][p1]concat=n=2,settb=1/24,fps=24[r0]",
        "[p2]concat=n=1,settb=1/24,fps=24[r1]",
        "[r0][r1]xfade=duration=0.500000:offset=3.500000[x0]",
        "[x0]trim=end_frame=132,setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709[picture]",
    ]
    assert sound_graph([None, "1:1", "2:1"], timeline).split(";")[3:] == [
        "[s0][s1]concat=n=2:v=0:a=1[t0]",
        "[s2]concat=n=1:v=0:a=1[t1]",
        "[t0][t1]acrossfade=nb_samples=24000[y0]",
        "[y0]atrim=end_sample=264000,asetpts=N/SR/TB[sound]",
    ]


def test_a_soundtrack_fades_only_where_it_is_cut() -> None:
    """A track that is longer fades in the film's last second; a shorter one is followed by silence."""
    timeline = timeline_of([part(5), part(5)], [0], Fraction(24))
    assert "afade=t=out:st=9.000000:d=1.000000" in soundtrack_graph(Soundtrack(stream="2:0", seconds=30), timeline)
    shorter = soundtrack_graph(Soundtrack(stream="2:0", seconds=4), timeline)
    assert "afade" not in shorter
    assert "apad,atrim=end_sample=480000" in shorter
