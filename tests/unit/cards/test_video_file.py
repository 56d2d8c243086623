import asyncio
import os
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from bot.cards import video_file
from bot.cards.video_file import PIECE_BYTES, close_file, open_video
from bot.net.arrival import Arrival

VIDEO = os.urandom(2 * PIECE_BYTES + 3)


class Sent(AbstractStreamWriter):
    """Keeps what is written."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.has_piece = asyncio.Event()
        self.cut: Path | None = None

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Keep the piece, and empty the file `cut`."""
        self.pieces.append(bytes(chunk))
        self.has_piece.set()
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


def written(path: Path, content: bytes) -> Path:
    """Return the file with this content behind what it had."""
    with path.open("ab") as file:
        file.write(content)
    return path


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


async def test_a_video_is_sent_while_it_arrives(tmp_path: Path) -> None:
    """The size is that of the whole, each piece is sent when it is there, and another try begins at the start."""
    first, rest = VIDEO[: PIECE_BYTES + 1], VIDEO[PIECE_BYTES + 1 :]
    path = written(tmp_path / "a.part", first)
    arrival = Arrival[bool](lambda _part, _size: True)
    arrival.begin(path, len(VIDEO))
    arrival.grow(path, len(first))
    file, sent = open_video(tmp_path / "final.mp4", name="wanda.mp4", arrival=arrival), Sent()
    payload = aiohttp.get_payload(file.fp)
    assert payload.size == len(VIDEO)
    sending = asyncio.create_task(payload.write(sent))
    async with asyncio.timeout(10):
        await sent.has_piece.wait()
    await asyncio.sleep(0)
    assert sent.pieces == [first[:PIECE_BYTES]]
    written(path, rest)
    arrival.grow(path, len(VIDEO))
    await asyncio.wait_for(sending, 10)
    assert b"".join(sent.pieces) == VIDEO
    again = Sent()
    file.reset(seek=True)
    await aiohttp.get_payload(file.fp).write(again)
    assert b"".join(again.pieces) == VIDEO
    close_file(file)
    arrival.end()


async def test_a_video_that_arrived_is_opened_at_its_place(path: Path) -> None:
    """Once the download is over, the file that has its name is sent."""
    arrival = Arrival[bool](lambda _part, _size: True)
    arrival.end()
    file = open_video(path, name="wanda.mp4", arrival=arrival)
    assert aiohttp.get_payload(file.fp).size == len(VIDEO)
    close_file(file)


async def test_a_video_that_shrinks_is_no_video(path: Path) -> None:
    """A file that is cut off while it is sent ends the request with an error, and not too short."""
    file, sent = open_video(path, name="wanda.mp4"), Sent()
    sent.cut = path
    with pytest.raises(OSError, match="shorter"):
        await aiohttp.get_payload(file.fp).write(sent)
    close_file(file)
