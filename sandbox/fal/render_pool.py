"""Renders videos in a small thread pool; equal videos are rendered once."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import av.error
from PIL import Image

from sandbox.fal import render, sound
from sandbox.fal.errors import Failed, model_error
from sandbox.fal.input_files import InputFile
from sandbox.fal.render import Film

__all__ = ["RenderPool"]

THREADS = 2
FILMS_MAX = 256  # rendered videos kept for equal requests

_Result = TypeVar("_Result")


@dataclass(slots=True)
class _Rendering:
    """A video that is being rendered, or was, and how many requests wait for it."""

    task: asyncio.Task[Path]
    stop: threading.Event
    waiting: int = 0

    def cancel(self) -> None:
        """End the rendering, also in its thread."""
        self.stop.set()
        self.task.cancel()


class RenderPool:
    """The thread pool, and the videos it has rendered, by film, files and prompt."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="render_pool")
        self._films: OrderedDict[tuple[object, ...], _Rendering] = OrderedDict()
        self._rendered = 0

    async def render(self, film: Film, files: Sequence[InputFile], words: str) -> Path:
        """Return the path of the rendered video; equal requests share it, so copy it before changing it.

        When the last request that waits for a video is cancelled, its rendering ends.

        Raises:
            Failed: an input file cannot be decoded.
        """
        key = (
            film,
            words if not _visible_files(files) else "",
            *((one.field.location[1], one.sha256) for one in files),
        )
        one = self._films.get(key)
        if one is None:
            self._rendered += 1
            path = self._folder / f"film-{self._rendered}.mp4"
            stop = threading.Event()
            one = _Rendering(asyncio.create_task(self.run(_render, film, list(files), words, path, stop)), stop)
            self._films[key] = one
            self._evict_oldest()
        self._films.move_to_end(key)
        # Other requests may wait for the same video: cancelling one must not cancel the task.
        one.waiting += 1
        try:
            return await asyncio.shield(one.task)
        finally:
            one.waiting -= 1
            if one.waiting == 0 and not one.task.done():
                one.cancel()
                del self._films[key]

    async def run(self, call: Callable[..., _Result], *args: object) -> _Result:
        """Call a blocking function in the pool."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, call, *args)

    async def close(self) -> None:
        """Stop rendering; returns when every thread has ended."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for one in self._films.values():
            one.cancel()
        await asyncio.gather(*(one.task for one in self._films.values()), return_exceptions=True)
        await asyncio.to_thread(self._pool.shutdown, wait=True)

    def _evict_oldest(self) -> None:
        """Delete the oldest videos above `FILMS_MAX`, except those still being rendered."""
        for key, one in list(self._films.items()):
            if len(self._films) <= FILMS_MAX:
                return
            if one.task.done():
                del self._films[key]
                if not one.task.cancelled() and one.task.exception() is None:
                    one.task.result().unlink(missing_ok=True)


def _visible_files(files: Sequence[InputFile]) -> list[InputFile]:
    """Return the pictures and clips."""
    return [one for one in files if one.kind != "audio"]


def _render(film: Film, files: Sequence[InputFile], words: str, path: Path, stop: threading.Event) -> Path:
    """Render one video; runs in a thread."""
    seen = [one for one in _visible_files(files) if one.field.location[1] != "end_image_url"]
    stills = [_still(one) for one in seen]
    match stills:
        case []:
            start = render.title_card(words, film.width, film.height)
        case [only]:
            start = only
        case _:
            start = render.mosaic(stills, film.width, film.height)
    end = next((_still(one) for one in files if one.field.location[1] == "end_image_url"), None)
    try:
        render.render_film(film, start, end, _pcm(film, files), path=path, stop=stop)
    except render.RenderStopped:
        path.unlink(missing_ok=True)
        raise
    return path


def _still(file: InputFile) -> Image.Image:
    """Return the picture, or the clip's first frame."""
    try:
        return render.load_picture(file.path) if file.kind == "image" else render.first_frame(file.path)
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise Failed(model_error("image_load_error", location=file.field.location)) from error


def _pcm(film: Film, files: Sequence[InputFile]) -> bytes | None:
    """Return the video's sound; None if the endpoint makes silent videos."""
    if not film.has_sound:
        return None
    given = next((one for one in files if one.kind == "audio"), None)
    return sound.chord(film.seconds) if given is None else sound.read_sound(given.path, film.seconds)
