from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import FalProtocolError
from bot.fal.wire.sse import SseReader

STREAM = (
    b"\xef\xbb\xbf: ping\n\n"
    b'data: {"status":"IN_QUEUE"}\r\n\r\n'
    b": ping\r\r"
    b"event: x\nid: 7\nretry: 5\ndata:one\ndata: two\ndata\n\n"
    b"data: three\r\rdata: \xc3\xa4\n\n"
    b"database: no\n\n\n"
    b"data: cut off\n"
)
EVENTS = [b'{"status":"IN_QUEUE"}', b"one\ntwo\n", b"three", "ä".encode()]


@given(st.lists(st.integers(1, len(STREAM) - 1)).map(sorted))
def test_any_pieces(cuts: list[int]) -> None:
    """The events are the same wherever the network cut the stream."""
    reader = SseReader(1000)
    edges = [0, *cuts, len(STREAM)]
    found = [event for a, b in pairwise(edges) for event in reader.feed(STREAM[a:b])]
    assert found == EVENTS
    assert reader.close() == b"cut off"
    assert reader.close() is None


@given(st.lists(st.binary(max_size=40)))
def test_any_bytes(pieces: list[bytes]) -> None:
    """Arbitrary bytes are parsed to events or to nothing, without an error."""
    reader = SseReader(10_000)
    for piece in pieces:
        reader.feed(piece)
    reader.close()


@pytest.mark.parametrize("piece", [b"x" * 60, b": ping" + b"g" * 60, b"data: " + b"x" * 30 + b"\n"])
def test_bounded(piece: bytes) -> None:
    """A line or an event above the limit ends the stream before it is held in memory."""
    reader = SseReader(100)

    def endless() -> None:
        for _ in range(10):
            reader.feed(piece)

    with pytest.raises(FalProtocolError):
        endless()
