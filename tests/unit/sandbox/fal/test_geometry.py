import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.fal.geometry import VARIANTS, camera, size_of


@pytest.mark.parametrize(
    ("tier", "aspect", "size"),
    [
        ("1080p", 16 / 9, (1920, 1080)),
        ("720p", 16 / 9, (1280, 720)),
        ("720p", 9 / 16, (720, 1280)),
        ("720p", 1, (720, 720)),
        ("720p", 4 / 3, (960, 720)),
        ("580p", 16 / 9, (1032, 580)),
        ("480p", 16 / 9, (854, 480)),
        ("480p", 8, (1810, 226)),
    ],
)
def test_sizes(tier: str, aspect: float, size: tuple[int, int]) -> None:
    """The tier is the short side, up to the pixels that it has at 16:9."""
    assert size_of(tier, aspect) == size


@given(tier=st.sampled_from(["480p", "580p", "720p", "1080p"]), aspect=st.floats(1 / 8, 8))
def test_size_fits_h264(tier: str, aspect: float) -> None:
    """Every size is even on both sides, keeps the aspect, and stays within the tier's pixels."""
    width, height = size_of(tier, aspect)
    short = int(tier[:-1])
    assert width % 2 == height % 2 == 0
    assert width / height == pytest.approx(aspect, rel=0.02)
    assert width * height <= short * short * 16 / 9 * 1.02


@given(variant=st.integers(0, VARIANTS - 1), progress=st.floats(0, 1))
def test_camera_stays_inside(variant: int, progress: float) -> None:
    """The camera never looks past the picture's edge and never changes its aspect."""
    box = camera(variant).at(progress)
    assert -1e-9 <= box.left < box.right <= 1 + 1e-9
    assert -1e-9 <= box.top < box.bottom <= 1 + 1e-9
    assert box.right - box.left == pytest.approx(box.bottom - box.top)


@pytest.mark.parametrize("variant", range(VARIANTS))
def test_camera_moves(variant: int) -> None:
    """Every variant zooms visibly, and every one differently."""
    first, last = camera(variant).at(0), camera(variant).at(1)
    assert abs((last.right - last.left) - (first.right - first.left)) == pytest.approx(0.16)
    assert len({camera(n) for n in range(VARIANTS)}) == VARIANTS
