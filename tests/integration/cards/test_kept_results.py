"""A finished video is kept for other machines beside its delivery, which does not wait for it long or fail with it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from bot.cards.result_file import NotFetched, ResultFiles
from bot.files.names import result_name
from bot.jobs.model import Job, Result
from bot.net.file_session import FileSession
from bot.settings import DownloadSettings
from tests.support.fake_prober import FakeProber
from tests.support.job_samples import REQUESTER, a_job
from tests.support.kept_files import LostFiles
from tests.support.media_samples import mp4
from tests.support.scripted_fal import bytes_answer, scripted_fal

VIDEO = mp4(0.5, sound=True)


@asynccontextmanager
async def _results(files: LostFiles, waits: asyncio.Event) -> AsyncGenerator[tuple[ResultFiles, Job]]:
    """Yield results that wait for the event before they are kept again, and a job whose video fal has."""

    async def sleep(_: float) -> None:
        await waits.wait()

    async with scripted_fal() as fal, FileSession() as http:
        fal.on("result", bytes_answer(VIDEO))
        job = replace(a_job(), result=Result(url=f"{fal.url}/out.mp4"))
        results = ResultFiles(
            http, DownloadSettings(retries=0), FakeProber(), files=files, allowed=lambda _: True, sleep=sleep
        )
        try:
            yield results, job
        finally:
            await results.close()


async def test_a_video_that_cannot_be_kept_is_there_to_be_posted(tmp_path: Path) -> None:
    """While the files are away a video is fetched all the same, and is kept once they are there again."""
    files, waits = LostFiles(tmp_path, is_shared=True), asyncio.Event()
    files.away = {"keep"}
    async with asyncio.timeout(20), _results(files, waits) as (results, job):
        assert (await results.fetch(job)).size_bytes == len(VIDEO)
        await results.kept(job)
        assert files.refused == 1
        files.away = set()
        waits.set()
        await asyncio.gather(*results._keeping.values())
        assert files.kept == [result_name(job.id)]


async def test_a_deleted_video_is_not_kept_again(tmp_path: Path) -> None:
    """A video that was deleted while it waited to be kept again does not come back."""
    files, waits = LostFiles(tmp_path, is_shared=True), asyncio.Event()
    files.away = {"keep"}
    async with asyncio.timeout(20), _results(files, waits) as (results, job):
        await results.fetch(job)
        await results.kept(job)
        await files.remove([result_name(job.id)])
        files.away = set()
        waits.set()
        await asyncio.gather(*results._keeping.values())
        assert files.kept == []


async def test_a_video_that_fal_no_longer_has_may_be_kept(tmp_path: Path) -> None:
    """What another machine kept is found when fal's storage does not hand it over; else there is no video."""
    files = LostFiles(tmp_path / "here")
    async with _results(files, asyncio.Event()) as (results, job), scripted_fal() as gone:

        async def nothing(_: web.Request) -> web.Response:
            return web.Response(status=404)

        gone.on("result", nothing)
        late = replace(job, result=Result(url=f"{gone.url}/out.mp4"))
        with pytest.raises(NotFetched, match="not_fetched"):
            await results.fetch(late)
        (tmp_path / "there.mp4").write_bytes(VIDEO)
        files.arriving[result_name(late.id)] = tmp_path / "there.mp4"
        assert (await results.fetch(late)).path.read_bytes() == VIDEO
        assert (await files.fetch(result_name(late.id), REQUESTER)).exists()
