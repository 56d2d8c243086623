"""A film's files are found, or made again, by whichever process needs them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bot.errors import FilesUnavailable, NoRoom
from bot.files.files import Files
from bot.files.names import result_name
from bot.jobs.model import Input, Job
from bot.media.ffmpeg import Ffmpeg, OnFraction
from bot.media.joiner import JoinedFile, Joiner, JoinPlan
from bot.media.last_frame import LastFrame
from bot.media.probe import Prober
from bot.requester import Requester
from bot.runner.film_files import FilmFiles, FilmRequest
from bot.settings import MediaSettings
from bot.units import MIB
from tests.support import media_samples
from tests.support.film_parts import PartShape, part
from tests.support.found_ffmpeg import found_ffmpeg
from tests.support.job_samples import PICTURE, REQUESTER, a_job
from tests.support.kept_files import Machine

SETTINGS = MediaSettings()
FILM = "f" * 32
SHOTS = tuple(a_job(id=number * 32, state="done") for number in "ab")


@dataclass
class CountedJoins:
    """A joiner that counts what it joins, and fails as often as it is told."""

    joiner: Joiner
    joined: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    fails: int = 0

    async def join(
        self,
        parts: Sequence[Path],
        plan: JoinPlan,
        into: Path,
        *,
        bytes_max: int,
        requester: Requester,
        on_fraction: OnFraction,
    ) -> JoinedFile:
        """Join them, or say that the disk is full."""
        if self.fails:
            self.fails -= 1
            raise NoRoom("full")
        self.joined.append(tuple(path.name for path in parts))
        return await self.joiner.join(
            parts, plan, into, bytes_max=bytes_max, requester=requester, on_fraction=on_fraction
        )

    async def found(self, path: Path, *, requester: Requester) -> JoinedFile:
        """Read it."""
        return await self.joiner.found(path, requester=requester)


@dataclass
class Process:
    """One process with its own view of the files."""

    files: Files
    films: FilmFiles
    joins: CountedJoins


def process(files: Files, prober: Prober) -> Process:
    """Return a process that finds videos only where they are kept."""
    joins = CountedJoins(Joiner(Ffmpeg(SETTINGS, find=found_ffmpeg), prober, SETTINGS))

    async def here(job: Job) -> Path:
        try:
            return await files.fetch(result_name(job.id), job.requester)
        except FileNotFoundError as error:
            raise FilesUnavailable("it is gone") from error

    return Process(
        files,
        FilmFiles(files, joins, LastFrame(Ffmpeg(SETTINGS, find=found_ffmpeg), prober, SETTINGS), here=here),
        joins,
    )


async def keep(files: Files, name: str, content: bytes) -> None:
    """Keep a file."""
    path = files.root / name
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread(path.write_bytes, content)
    await files.keep(name, REQUESTER)


async def names(files: Files) -> set[str]:
    """Return the names of all that is kept of the film and of a shot to come."""
    return {one.name async for page in files.pages("inputs") for one in page}


def unseen(_: float) -> None:
    """Ignore the progress."""


async def test_a_process_that_takes_over_finds_the_film_or_makes_it(machine: Machine, prober: Prober) -> None:
    """It is joined once for all processes, anew for other shots or sound, and goes with the film's folder."""
    first, second = process(machine("one"), prober), process(machine("two"), prober)
    for job in SHOTS:
        await keep(first.files, result_name(job.id), part(PartShape(0.5)))
    track = f"inputs/{FILM}/soundtrack.wav"
    await keep(first.files, track, media_samples.wav(0.5))
    sound = Input(option="audio", path=track, file_name="a.wav", kind="audio", format="wav", size_bytes=1)
    request = FilmRequest(film_id=FILM, jobs=SHOTS, fades_s=(0.0,), soundtrack=None, bytes_max=MIB)
    first.joins.fails = 1
    with pytest.raises(NoRoom):
        await first.films.joined(request, on_fraction=unseen)
    assert await names(first.files) == {track}
    made = await first.films.joined(request, on_fraction=unseen)
    assert (made.seconds, made.has_sound) == (1.0, False)
    again = await second.films.joined(request, on_fraction=unseen)
    assert replace(again, path=made.path) == made
    assert (len(first.joins.joined), len(second.joins.joined)) == (1, 0)
    assert await names(second.files) == {track, request.name}
    other = replace(request, soundtrack=sound, jobs=SHOTS[::-1])
    made = await second.films.joined(other, on_fraction=unseen)
    assert made.has_sound
    await second.films.forget(request.name)
    assert await names(first.files) == {track, other.name}
    await first.files.remove_jobs([FILM])
    assert await names(second.files) == set()


async def test_the_next_shot_begins_with_the_last_frame(machine: Machine, prober: Prober) -> None:
    """The picture is an input of the next job, with its preview, and hidden if what it came from is."""
    here, there = process(machine("one"), prober), process(machine("two"), prober)
    hidden = a_job(id="a" * 32, inputs=(replace(PICTURE, is_spoiler=True),))
    await keep(here.files, result_name(hidden.id), part(PartShape(0.5, 96, 64)))
    given = await here.films.first_picture(hidden, "c" * 32, option="image")
    assert await here.films.first_picture(hidden, "c" * 32, option="image") == given
    assert given.path == f"inputs/{'c' * 32}/image.png"
    assert (given.kind, given.format, given.width, given.height) == ("image", "png", 96, 64)
    assert given.is_spoiler
    assert await there.files.sizes([given.path]) == {given.path: given.size_bytes}
    assert await names(there.files) == {given.path, f"inputs/{'c' * 32}/image.preview.jpg"}


async def test_a_shot_that_cannot_be_had_now(machine: Machine, prober: Prober) -> None:
    """The film is asked for again later; nothing is left of it."""
    here = process(machine("one"), prober)
    request = FilmRequest(film_id=FILM, jobs=SHOTS, fades_s=(0.0,), soundtrack=None, bytes_max=MIB)
    with pytest.raises(FilesUnavailable):
        await here.films.joined(request, on_fraction=unseen)
    with pytest.raises(FilesUnavailable):
        await here.films.first_picture(SHOTS[0], "c" * 32, option="image")
    assert await names(here.files) == set()
