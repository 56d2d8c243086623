from dataclasses import replace
from pathlib import Path

from bot.cards.result_file import NotFetched, ResultFiles, ending
from bot.files.folder import FolderFiles
from bot.jobs.model import Result
from bot.media.probe import Prober
from bot.net.file_session import FileSession
from bot.settings import DownloadSettings, MediaSettings
from tests.support.job_samples import a_job
from tests.support.media_samples import mp4, png, wav, without_samples
from tests.support.scripted_fal import bytes_answer, scripted_fal

VIDEO = mp4(0.5, sound=True)
FTYP = (16).to_bytes(4, "big") + b"ftypisom" + bytes(4)
MOOV = (8).to_bytes(4, "big") + b"moov"
MDAT = (20).to_bytes(4, "big") + b"mdat" + bytes(12)


PLAYS = {
    "as fal makes it": (VIDEO, "mp4"),
    "with text behind its end": (VIDEO + b"trailing text", "mp4"),
    "with zeros behind its end": (VIDEO + bytes(100), "mp4"),
    "in fragments": (mp4(0.5, movflags="frag_keyframe+empty_moov"), "mp4"),
    "WebM": (mp4(0.5, container="webm", codec="libvpx"), "webm"),
    "QuickTime": (mp4(0.5, container="mov"), "mov"),
}
PLAYS_NOT = {
    "boxes and nothing in them": FTYP + MOOV,
    "boxes with zeros": FTYP + MDAT + MOOV,
    "samples of zeros": without_samples(VIDEO),
    "half": VIDEO[: len(VIDEO) // 2],
    "a page": b"<html>not found</html>",
    "nothing": b"",
    "a picture": png(),
    "a sound": wav(),
}


async def test_only_what_plays_is_a_video(tmp_path: Path) -> None:
    """A result is a video if a decoder can play it, whatever its container; plausible boxes alone are none."""
    found: dict[str, str] = {}
    async with Prober.of(MediaSettings()) as prober, scripted_fal() as fal, FileSession() as http:
        files = ResultFiles(http, DownloadSettings(), prober, files=FolderFiles(tmp_path), allowed=lambda _: True)
        contents = {name: content for name, (content, _) in PLAYS.items()} | PLAYS_NOT
        for number, (name, content) in enumerate(contents.items()):
            fal.on("result", bytes_answer(content))
            job = replace(a_job(), id=f"{number:032x}", result=Result(url=f"{fal.url}/out.mp4"))
            try:
                found[name] = ending((await files.fetch(job)).path)
            except NotFetched as error:
                found[name] = error.reason
    assert found == {name: kind for name, (_, kind) in PLAYS.items()} | dict.fromkeys(PLAYS_NOT, "unplayable")
    assert len(list((tmp_path / "results").iterdir())) == len(PLAYS)
