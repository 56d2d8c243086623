"""Compressed replies, which Wanda asks nobody for: a small one is read, and a bomb fills no memory."""

import gzip
import json
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import FalError, FalProtocolError, FalReplyLost
from bot.fal.client import FalClient
from bot.net.decoding import PIECE_BYTES, UnreadableEncodingError, decoded
from sandbox.fal.gate import gzip_bomb
from tests.support.job_samples import REQUESTER
from tests.support.peak_memory import MIB, grows_at_most
from tests.support.scripted_fal import COMPLETED, ENDPOINT, Responder, ScriptedFal, client_of, json_answer, urls

VIDEO = {"video": {"url": "https://v3.fal.media/files/out.mp4"}, "seed": 42}
BOMB_MIB = 512


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """Half a MiB of gzip that unpacks to 512 MiB, which a JSON document or an event stream may begin with."""
    return gzip_bomb(BOMB_MIB)


def packed(body: bytes, encoding: str = "gzip", content_type: str = "application/json") -> Responder:
    """Answer with these bytes and this Content-Encoding."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, headers={"Content-Encoding": encoding, "Content-Type": content_type})

    return answer


Call = Callable[[FalClient, str, Path], Awaitable[object]]
CALLS: dict[str, Call] = {
    "result": lambda client, url, _: client.result(urls(url)),
    "submit": lambda client, _url, _file: client.submit(ENDPOINT, {}),
    "cancel": lambda client, url, _: client.cancel(urls(url)),
    "initiate": lambda client, _, file: client.upload(file, file_name="a.png", content_type="image/png"),
    "prices": lambda client, _url, _file: client.unit_prices(["a/b"]),
}


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
@pytest.mark.parametrize("kind", CALLS)
async def test_a_bomb_is_a_typed_error(fal: ScriptedFal, bomb: bytes, kind: str, encoding: str, tmp_path: Path) -> None:
    """Whichever call it answers, 512 MiB out of half a MiB never are in memory; a submit's fate is then unknown."""
    file = tmp_path / "a.png"
    file.write_bytes(b"a picture")
    fal.on(kind, packed(bomb, encoding))
    async with client_of(fal.url) as client:
        with grows_at_most(48), pytest.raises(FalReplyLost if kind == "submit" else FalError):
            await CALLS[kind](client, fal.url, file)


async def test_a_compressed_stream_is_not_read(fal: ScriptedFal, bomb: bytes) -> None:
    """Nothing is unpacked of a stream: the request is polled, and a bomb there is one failed poll."""
    fal.on("stream", packed(bomb, content_type="text/event-stream"))
    fal.on("status", packed(bomb), json_answer(200, COMPLETED))
    async with (
        client_of(fal.url) as client,
        aclosing(client.follow(urls(fal.url), deadline_s=60, requester=REQUESTER)) as statuses,
    ):
        with grows_at_most(48):
            assert [status.state async for status in statuses] == ["completed"]
    assert fal.count("stream") == 1


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " x-gzip", "deflate", "identity", ""])
async def test_a_small_compressed_reply_is_read(fal: ScriptedFal, encoding: str) -> None:
    """A proxy that compresses all the same costs nobody a video."""
    body = json.dumps(VIDEO).encode()
    name = encoding.strip().lower()
    pack: Callable[[bytes], bytes] = gzip.compress if "gzip" in name else zlib.compress
    fal.on("result", packed(pack(body) if name not in {"", "identity"} else body, encoding))
    async with client_of(fal.url) as client:
        assert (await client.result(urls(fal.url))).seed == 42


@pytest.mark.parametrize("body", [b"", b"no gzip", gzip.compress(b"{}", mtime=0)[:-3]])
async def test_a_broken_compressed_reply_is_a_typed_error(fal: ScriptedFal, body: bytes) -> None:
    """What is not whole is not taken for what came."""
    fal.on("result", packed(body))
    async with client_of(fal.url) as client:
        with pytest.raises(FalProtocolError, match="decoded"):
            await client.result(urls(fal.url))


async def _pieces(body: bytes, sizes: Iterable[int]) -> AsyncGenerator[bytes]:
    for size in sizes:
        yield body[:size]
        body = body[size:]
    yield body


@given(
    body=st.binary(max_size=2000).map(lambda seed: seed * 200),
    encoding=st.sampled_from(["gzip", "deflate"]),
    sizes=st.lists(st.integers(0, 5000), max_size=8),
)
async def test_any_body_comes_whole_in_small_pieces(body: bytes, encoding: str, sizes: list[int]) -> None:
    """However it was cut on the way, the body is what was compressed, and no piece is larger than stated."""
    compressed = gzip.compress(body, mtime=0) if encoding == "gzip" else zlib.compress(body)
    pieces = [piece async for piece in decoded(_pieces(compressed, sizes), encoding)]
    assert b"".join(pieces) == body
    assert all(len(piece) <= PIECE_BYTES for piece in pieces)


async def test_an_unknown_encoding() -> None:
    """What Wanda cannot decode is named, shortened."""
    with pytest.raises(UnreadableEncodingError, match="zstd"):
        _ = [piece async for piece in decoded(_pieces(b"x" * MIB, []), "zstd" + "x" * 500)]
