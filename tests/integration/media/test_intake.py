import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.errors import Busy, MediaRefused
from bot.media.intake import Intake, Offered, Wanted
from bot.media.probe import Prober
from bot.net.file_session import FileSession
from bot.requester import Requester
from bot.settings import DownloadSettings, MediaSettings
from tests.support import media_samples
from tests.support.file_server import FileServer
from tests.support.job_samples import REQUESTER

MB = 1_000_000


@pytest.fixture
async def prober() -> AsyncIterator[Prober]:
    """Workers of the test's own loop, in which its file server is."""
    async with Prober.of(MediaSettings()) as made:
        yield made


@pytest.fixture
def downloads() -> DownloadSettings:
    """Failures that are not waited for."""
    return DownloadSettings(retries=1, wait_s=0.01)


@pytest.fixture
def intake(http: FileSession, prober: Prober, downloads: DownloadSettings, files: FileServer) -> Intake:
    """The intake as the program builds it."""
    return Intake(http, prober, MediaSettings(intakes_at_once=2), downloads, cdn_url=files.base)


def wanted(url: str, option: str = "image", name: str = "cat.png", *, size: int = 100, most: int = 20 * MB) -> Wanted:
    """Ask for one attachment."""
    return Wanted(option=option, offered=Offered(url=url, file_name=name, size_bytes=size), bytes_max=most)


async def test_taken(intake: Intake, files: FileServer, tmp_path: Path) -> None:
    """Files lie under names of ours, with the extension of what they are, whatever they were called."""
    folder = tmp_path / "inputs" / "job1"
    taken = await intake.take_all(
        [
            wanted(files.bytes_at("/1", media_samples.picture(kind="JPEG")), "image", "../../**evil**.exe"),
            wanted(files.bytes_at("/2", media_samples.mp3()), "audio", "song.png"),
            wanted(files.bytes_at("/3", media_samples.mp4(2.0)), "video", "clip.gif"),
        ],
        into=folder,
        requester=REQUESTER,
    )
    assert [(each.path.name, each.facts.kind, each.file_name) for each in taken] == [
        ("image.jpeg", "image", "....evil.exe"),
        ("audio.mp3", "audio", "song.png"),
        ("video.mp4", "video", "clip.gif"),
    ]
    there = sorted(path.name for path in folder.iterdir())
    assert there == ["audio.mp3", "image.jpeg", "image.preview.jpg", "video.mp4"]


async def test_too_large_by_claim(intake: Intake, files: FileServer, tmp_path: Path) -> None:
    """A file that is too large by Discord's own account is refused with both numbers, and not fetched."""
    with pytest.raises(MediaRefused) as refusal:
        await intake.take_all(
            [wanted(files.base + "/1", name="holiday.png", size=24_100_000)],
            into=tmp_path / "inputs" / "x",
            requester=REQUESTER,
        )
    assert str(refusal.value) == "“holiday.png” is 24.1 MB; the limit is 20 MB. Make it smaller and try again."
    assert files.asked == []


@pytest.mark.parametrize(
    ("size", "most", "text"),
    [
        (20 * MB + 1, 20 * MB, "20.1 MB; the limit is 20 MB"),
        (21 * 1024 * 1024, 20 * 1024 * 1024, "21 MB; the limit is 20 MB"),
        (1_500 * MB, 20 * MB, "1500 MB; the limit is 20 MB"),
    ],
)
async def test_too_large_in_words(intake: Intake, tmp_path: Path, size: int, most: int, text: str) -> None:
    """The number in a refusal is never equal to the limit beside it."""
    with pytest.raises(MediaRefused, match=text):
        await intake.take_all([wanted("http://x/", size=size, most=most)], into=tmp_path / "x", requester=REQUESTER)


async def test_too_large_in_truth(intake: Intake, files: FileServer, tmp_path: Path) -> None:
    """A file that is larger than it claims is refused with the limit, and its folder is gone."""
    folder = tmp_path / "inputs" / "x"
    with pytest.raises(MediaRefused, match=r"“cat.png” is larger than the limit of 0.1 MB"):
        await intake.take_all([wanted(files.bytes_at("/1", bytes(MB)), most=100_000)], into=folder, requester=REQUESTER)
    assert not folder.exists()


async def test_first_refusal_wins(intake: Intake, files: FileServer, tmp_path: Path) -> None:
    """One bad file ends the others' transfers at once, and everything is removed."""
    folder = tmp_path / "inputs" / "x"

    async def trickle(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        await reply.write(media_samples.png())
        await files.closing.wait()
        return reply

    with pytest.raises(MediaRefused, match=r"“bad.png” is a ZIP archive"):
        await intake.take_all(
            [
                wanted(files.serve("/slow", trickle), "image1", "good.png"),
                wanted(files.bytes_at("/bad", b"PK\x03\x04"), "image2", "bad.png"),
                wanted(files.serve("/slow", trickle), "image3", "good.png"),
            ],
            into=folder,
            requester=REQUESTER,
        )
    assert not folder.exists()


async def test_cancelled(intake: Intake, files: FileServer, tmp_path: Path) -> None:
    """An intake that is cancelled leaves no folder."""
    folder = tmp_path / "inputs" / "x"
    started = asyncio.Event()

    async def trickle(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        started.set()
        await files.closing.wait()
        return reply

    task = asyncio.create_task(intake.take_all([wanted(files.serve("/1", trickle))], into=folder, requester=REQUESTER))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not folder.exists()


async def test_a_bounded_wait_for_a_turn(
    http: FileSession, prober: Prober, downloads: DownloadSettings, files: FileServer, tmp_path: Path
) -> None:
    """A command whose files get no slot in time is refused."""
    intake = Intake(
        http,
        prober,
        MediaSettings(intakes_at_once=1),
        downloads.model_copy(update={"timeout_s": 0.5}),
        cdn_url=files.base,
    )

    async def silence(_: web.Request) -> web.StreamResponse:
        await files.closing.wait()
        return web.Response()

    url = files.serve("/1", silence)
    takes = [intake.take_all([wanted(url)], into=tmp_path / str(number), requester=REQUESTER) for number in range(6)]
    async with asyncio.timeout(2):
        outcomes = await asyncio.gather(*takes, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {MediaRefused, Busy}


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a.png", "file:///etc/passwd", "http://cdn.discordapp.com/a.png"])
async def test_only_discord(intake: Intake, url: str, tmp_path: Path) -> None:
    """Only attachments on Discord's CDN are downloaded."""
    with pytest.raises(MediaRefused, match=r"Wanda couldn't get .* from Discord"):
        await intake.take_all([wanted(url)], into=tmp_path / "x", requester=REQUESTER)


async def test_gone(intake: Intake, files: FileServer, tmp_path: Path) -> None:
    """An expired attachment is refused with a sentence that says what to do."""
    with pytest.raises(MediaRefused, match="attach it again"):
        await intake.take_all([wanted(files.base + "/gone")], into=tmp_path / "x", requester=REQUESTER)


async def test_a_disk_that_takes_nothing(intake: Intake, files: FileServer, tmp_path: Path) -> None:
    """If Wanda's own disk takes no file, neither Discord nor the member is named as the cause."""
    folder = tmp_path / "x"

    async def sealed(_: web.Request) -> web.StreamResponse:
        folder.rmdir()
        return web.Response(body=b"x")

    with pytest.raises(Busy, match="Wanda's disk is full or broken"):
        await intake.take_all([wanted(files.serve("/1", sealed))], into=folder, requester=REQUESTER)


async def test_bounded(intake: Intake, files: FileServer, tmp_path: Path) -> None:
    """No more commands than allowed copy their files at once."""
    now, most = 0, 0

    async def counted(_request: web.Request) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return web.Response(body=media_samples.png())

    url = files.serve("/1", counted)
    members = [Requester(1, number) for number in range(10)]
    await asyncio.gather(
        *(intake.take_all([wanted(url)], into=tmp_path / f"{who.member_id}", requester=who) for who in members)
    )
    assert most <= 2
