from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.media.quick_look import surely_plays
from tests.support.media_samples import mp4, without_samples

FTYP = (16).to_bytes(4, "big") + b"ftypisom" + bytes(4)
MOOV = (8).to_bytes(4, "big") + b"moov"
VIDEO = mp4(0.5)


def looked_at(tmp_path: Path, content: bytes) -> bool:
    """Return what the look says of a file with this content."""
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    return surely_plays(path)


def free(size: int) -> bytes:
    """Return a box that means nothing."""
    return size.to_bytes(4, "big") + b"free" + bytes(size - 8)


@pytest.mark.parametrize("content", [VIDEO, mp4(0.1), VIDEO + free(1000)])
def test_a_plain_video_plays(tmp_path: Path, content: bytes) -> None:
    """A whole MP4 with a picture in it needs no decoder to be known."""
    assert looked_at(tmp_path, content)


@pytest.mark.parametrize(
    "content",
    [
        FTYP + MOOV,
        FTYP + (20).to_bytes(4, "big") + b"mdat" + bytes(12) + MOOV,
        without_samples(VIDEO),
        VIDEO[:-1],
        VIDEO[: len(VIDEO) // 2],
        VIDEO + b"trailing text",
        VIDEO.replace(b"vide" + bytes(12), b"soun" + bytes(12)),
        b"",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
    ],
    ids=["no media", "empty media", "zeros", "cut", "half", "trailing", "no picture", "empty", "picture"],
)
def test_anything_else_is_for_the_decoder(tmp_path: Path, content: bytes) -> None:
    """Plausible boxes with nothing in them, cut files and files with something behind them are left to a worker."""
    assert not looked_at(tmp_path, content)


@pytest.mark.parametrize(("part", "plays"), [(VIDEO, True), (VIDEO[:-1], True), (VIDEO[:300], False), (b"", False)])
def test_a_video_that_is_still_written(tmp_path: Path, part: bytes, plays: bool) -> None:
    """What is there of a file of known size tells whether it will play, once the first picture's units are there."""
    path = tmp_path / "a.part"
    path.write_bytes(part)
    assert surely_plays(path, len(VIDEO)) == plays


def test_what_follows_the_media_is_waited_for(tmp_path: Path) -> None:
    """A file whose end is not seen yet may hold anything there."""
    path = tmp_path / "a.part"
    path.write_bytes(VIDEO)
    assert not surely_plays(path, len(VIDEO) + 1000)


def test_a_missing_file(tmp_path: Path) -> None:
    """A missing file does not play."""
    assert not surely_plays(tmp_path / "none.mp4")


@given(st.integers(0, len(VIDEO) - 1), st.binary(min_size=1, max_size=8))
def test_a_spoiled_file_raises_nothing(tmp_path_factory: pytest.TempPathFactory, at: int, bytes_: bytes) -> None:
    """Whatever stands in a file, the look ends with an answer."""
    spoiled = VIDEO[:at] + bytes_ + VIDEO[at + len(bytes_) :]
    assert looked_at(tmp_path_factory.mktemp("spoiled"), spoiled) in {True, False}
