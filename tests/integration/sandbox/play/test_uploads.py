"""What a page uploads takes no more disk than it may, also when it goes away in the middle."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from sandbox.play import deeds
from sandbox.play.server import PlayServer
from sandbox.stage import eventually

PIECE = bytes(64 * 1024)


async def _upload(page: PlayServer, http: aiohttp.ClientSession, data: bytes | AsyncIterator[bytes]) -> dict[str, str]:
    headers = {"Origin": str(URL(page.address).origin())}
    async with http.post(f"{page.address}upload?name=a.bin", data=data, headers=headers) as reply:
        return await reply.json()


def _uploads(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if len(path.name) == 16]


async def _are(folder: Path, uploads: int) -> bool | None:
    return len(_uploads(folder)) == uploads or None


async def test_an_upload_that_breaks_off_leaves_no_file(
    page: PlayServer, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """A page that closes while it sends leaves nothing on disk, and takes no place."""
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield PIECE
        begun.set()
        await asyncio.Event().wait()

    sending = asyncio.create_task(_upload(page, http, endless()))
    await begun.wait()
    await eventually(lambda: _are(tmp_path, 1), what="the beginning of the file")
    sending.cancel()
    await eventually(lambda: _are(tmp_path, 0), what="no file")
    assert "id" in await _upload(page, http, PIECE)


async def test_uploads_are_bounded_together(
    page: PlayServer, http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only each file is bounded; what is refused leaves no file."""
    monkeypatch.setattr(deeds, "UPLOADS_MAX_BYTES", 3 * len(PIECE))
    answers = [await _upload(page, http, PIECE) for _ in range(4)]
    assert ["id" in one for one in answers] == [True, True, True, False]
    assert "too large" in answers[3]["error"]
    assert len(_uploads(tmp_path)) == 3


async def test_a_posted_file_runs_nothing(page: PlayServer, http: aiohttp.ClientSession) -> None:
    """A page that somebody attached cannot run scripts on the origin from which the page to play with is driven."""
    headers = {"Origin": str(URL(page.address).origin()), "Content-Type": "text/html"}
    async with http.post(f"{page.address}upload?name=a.html", data=b"<script>1</script>", headers=headers) as reply:
        upload = (await reply.json())["id"]
    body = {"user": "maker", "channel": "general", "files": [{"upload": upload}]}
    async with http.post(f"{page.address}do/say", json=body, headers=headers | {"Content-Type": "text/json"}) as reply:
        assert reply.status == 200
    async with http.get(f"{page.address}messages?as=maker&channel=general") as reply:
        path = (await reply.json())[0]["attachments"][0]["url"]
    async with http.get(f"{URL(page.address).origin()}{path}") as reply:
        assert reply.content_type == "text/html"
        policy = reply.headers["Content-Security-Policy"]
    assert "script-src" not in policy
    assert "sandbox" in policy.split("; ")
