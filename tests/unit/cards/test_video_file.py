import os
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from bot.cards import video_file
from bot.cards.video_file import PIECE_BYTES, close_file, open_video

VIDEO = os.urandom(2 * PIECE_BYTES + 3)


class Sent(AbstractStreamWriter):
    """Keeps what is written."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.cut: Path | None = None

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Keep the piece, and empty the file `cut`."""
        self.pieces.append(bytes(chunk))
        if self.cut is not None:
            os.truncate(self.cut, 0)

    async def write_eof(self, chunk: bytes = b"") -> None:
        """Nothing follows."""

    async def drain(self) -> None:
        """Nothing waits."""

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        """It is sent as it is."""

    def enable_chunking(self) -> None:
        """It is sent as it is."""

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        """There are none."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A video of a little more than two pieces."""
    path = tmp_path / "video.mp4"
    path.write_bytes(VIDEO)
    return path


@pytest.mark.parametrize("at_hand", [True, False])
async def test_a_video_is_sent_in_large_pieces(path: Path, monkeypatch: pytest.MonkeyPatch, at_hand: bool) -> None:
    """The file goes whole and in large pieces, whether it is in the page cache or must be read in a thread."""
    if not at_hand:
        monkeypatch.setattr(video_file, "_NOW", None)
    file, sent = open_video(path, name="wanda.mp4"), Sent()
    payload = aiohttp.get_payload(file.fp)
    assert payload.size == len(VIDEO)
    await payload.write(sent)
    assert b"".join(sent.pieces) == VIDEO
    assert max(len(piece) for piece in sent.pieces) == PIECE_BYTES
    close_file(file)
    assert file.fp.closed


async def test_a_video_is_sent_again_from_its_start(path: Path) -> None:
    """A second try after a 429 or a broken connection sends the whole file again."""
    file = open_video(path, name="wanda.mp4")
    for _ in range(2):
        sent = Sent()
        file.reset(seek=True)
        await aiohttp.get_payload(file.fp).write(sent)
        assert b"".join(sent.pieces) == VIDEO
    close_file(file)


async def test_a_video_that_shrinks_is_no_video(path: Path) -> None:
    """A file that is cut off while it is sent ends the request with an error, and not too short."""
    file, sent = open_video(path, name="wanda.mp4"), Sent()
    sent.cut = path
    with pytest.raises(OSError, match="shorter"):
        await aiohttp.get_payload(file.fp).write(sent)
    close_file(file)
