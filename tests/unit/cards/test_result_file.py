from pathlib import Path

import httpx
import pytest

from bot.cards.result_file import from_fal, is_whole_mp4
from bot.settings import FalSettings

FTYP = (16).to_bytes(4, "big") + b"ftypisom" + bytes(4)
MDAT = (8).to_bytes(4, "big") + b"mdat"
MOOV = (8).to_bytes(4, "big") + b"moov"


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        (FTYP + MOOV, True),
        (FTYP + (20).to_bytes(4, "big") + b"mdat" + bytes(12) + MOOV, True),
        (FTYP + (1).to_bytes(4, "big") + b"mdat" + (24).to_bytes(8, "big") + bytes(8) + MOOV, True),
        (FTYP + MOOV + bytes(4) + b"mdat" + bytes(100), True),
        (FTYP + MDAT + MOOV + b"<!-- thanks for watching -->\n", True),
        (FTYP + MDAT + MOOV + b"\x00\x00", True),
        (FTYP + MDAT + MOOV + bytes(500), True),
        (FTYP + MDAT + MOOV + (99).to_bytes(4, "big") + b"moof", False),
        (FTYP + MDAT + b"<!-- thanks for watching -->\n", False),
        (FTYP, False),
        (MOOV + FTYP, False),
        (FTYP + (20).to_bytes(4, "big") + b"mdat" + bytes(11), False),
        (FTYP + MOOV + b"\x00\x00", False),
        (FTYP + (3).to_bytes(4, "big") + b"mdat" + MOOV, False),
        (b"", False),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), False),
    ],
)
def test_a_whole_mp4_is_known_by_its_boxes(tmp_path: Path, content: bytes, *, whole: bool) -> None:
    """Only a file whose boxes begin with `ftyp`, hold a `moov` and are not cut is a whole video, whatever is behind."""
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert is_whole_mp4(path) is whole


def test_a_missing_file_is_not_whole(tmp_path: Path) -> None:
    """A missing file is not a video."""
    assert not is_whole_mp4(tmp_path / "none.mp4")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://v3.fal.media/files/a/b.mp4", True),
        ("http://v3.fal.media/files/a/b.mp4", False),
        ("http://127.0.0.1:9000/x.mp4", True),
        ("https://10.0.0.1/x.mp4", False),
        ("https://[::1]/x.mp4", False),
        ("https://localhost/x.mp4", False),
        ("https://db.internal/x.mp4", False),
        ("https://127.1/x.mp4", False),
        ("https://0x7f.0x1/x.mp4", False),
        ("https://a.localhost./x.mp4", False),
        ("ftp://v3.fal.media/x.mp4", False),
    ],
)
def test_results_come_from_public_hosts_or_configured_ones(url: str, *, allowed: bool) -> None:
    """A result is fetched over https from a public name, or from the host that the operator set for fal."""
    settings = FalSettings(queue_url="http://127.0.0.1:8421", rest_url="http://127.0.0.1:8421")
    assert from_fal(settings)(httpx.URL(url)) is allowed
