"""Records docs/film.webp: a film of five shots that the real bot makes of the stand-ins' 1080p videos.

`make pictures` runs it. The film is ordered as a member would, from /film's panel: a picture, a shot that continues it,
a cut with a cross-fade, a morph, and a shot that goes on from it, under one soundtrack.
"""

# PyAV and Pillow leave parts of their signatures untyped.
# pyright: reportUnknownMemberType=false

import asyncio
import io
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import av
from PIL import Image, ImageOps

from sandbox.help_pictures import Paint, cat, cat_in_hat, lake
from sandbox.play.samples import SAMPLES
from sandbox.stage import Stage, StageError, components_of, eventually, file_body, videos_of

OUT = Path(__file__).resolve().parents[1] / "docs" / "film.webp"
FULL_HD = (1920, 1080)
SHOWN, SHOWN_PER_S = (640, 360), 10
BYTES_MAX = 1_500_000
QUALITIES = (80, 65, 50, 35, 20)
MADE_WITHIN_S = 240.0
OFF_S = 0.2


@dataclass(frozen=True, slots=True)
class _Shot:
    """What is filled into the form of one shot; pictures by the form's field."""

    prompt: str
    seconds: int
    joining: str
    pictures: Mapping[str, tuple[Paint, float]] = field(default_factory=dict[str, tuple[Paint, float]])


SHOTS = (
    _Shot("The sun sinks over a mountain lake, a boat sets out, slow push-in", 3, "cut", {"image": (lake, 0.1)}),
    _Shot("The boat crosses the lake while the camera follows it", 2, "continue"),
    _Shot("A ginger cat waves from the shore", 3, "cut", {"image": (cat, 0.3)}),
    _Shot("The cat puts on a hat and steps to the lake", 3, "morph", {"end_image": (cat_in_hat, 0.6)}),
    _Shot("The cat watches the evening fall", 3, "continue"),
)
FADE_S, FADES = 1.0, 1  # at the cut
SECONDS = sum(shot.seconds for shot in SHOTS) - FADES * FADE_S


async def record() -> int:
    """Write the preview; the exit status is 1 if the film was not made."""
    with tempfile.TemporaryDirectory(prefix="wanda-film-") as folder:
        try:
            film = await _made(Path(folder))
        except StageError as error:
            print(f"The film was not made: {error}", file=sys.stderr)
            return 1
        frames = await asyncio.to_thread(_frames, film)
    await asyncio.to_thread(_save, frames)
    print(f"{OUT}: {len(frames)} frames, {OUT.stat().st_size / 1e6:.2f} MB")
    return 0


async def _made(folder: Path) -> Path:
    """Order the film and return the file that was posted."""
    data = folder / "data"
    data.mkdir()
    async with Stage(data, seconds_per_job=0.5, is_still=False, settings={"WANDA_FILM_LOOK_S": "0.5"}) as stage:
        await stage.start_bot()
        opened = await stage.slash("maker", "film")
        panel = _Panel(stage, opened["message_id"])
        for number, shot in enumerate(SHOTS, start=1):
            pictures = {
                name: await asyncio.to_thread(_drawn, folder / f"{number}-{name}.png", *given)
                for name, given in shot.pictures.items()
            }
            texts = {"prompt": shot.prompt, "seconds": str(shot.seconds), "joining": shot.joining}
            await panel.fill("add", texts, pictures)
        look = {"family": "wan27", "resolution": "1080p", "crossfade": f"{FADE_S:g}"}
        await panel.fill("look", look, {"soundtrack": await asyncio.to_thread(_track, folder)})
        before = {message["id"] for message in await stage.messages()}
        await panel.press("make")
        url = await eventually(lambda: _film_url(stage, panel, before), what="the film", within_s=MADE_WITHIN_S)
        path = folder / "film.mp4"
        await asyncio.to_thread(path.write_bytes, await stage.discord.fetch(url))
        return path


class _Panel:
    """The private message of a draft."""

    def __init__(self, stage: Stage, message_id: str) -> None:
        self._stage = stage
        self._message_id = message_id

    async def press(self, action: str) -> dict[str, Any]:
        """Press the button of this action once it is there, and return the answer."""
        custom_id = await eventually(lambda: self._button(action), what=f"the button {action}")
        return await self._stage.discord.post(
            "click", {"user": "maker", "message": self._message_id, "custom_id": custom_id}
        )

    async def press_if_there(self, action: str) -> None:
        """Press the button of this action, if there is one now."""
        if await self._button(action) is not None:
            await self.press(action)

    async def fill(self, action: str, fields: Mapping[str, str], files: Mapping[str, Path]) -> None:
        """Open the form of this action, fill it in, and return once the panel has changed."""
        edits = await self._edits()
        form = (await self.press(action))["modal"]
        attached = {name: file_body(path) for name, path in files.items()}
        body = {"user": "maker", "modal": form["id"], "fields": dict(fields), "files": attached}
        await self._stage.discord.post("submit", body)

        async def changed() -> bool | None:
            return await self._edits() > edits or None

        await eventually(changed, what="the changed panel")

    async def _edits(self) -> int:
        return (await self._stage.message(self._message_id) or {}).get("edits", 0)

    async def _button(self, action: str) -> str | None:
        message = await self._stage.message(self._message_id) or {}
        ids = (str(part.get("custom_id", "")) for part in components_of(message))
        return next((one for one in ids if one.startswith(f"wanda:draft:{action}:")), None)


async def _film_url(stage: Stage, panel: _Panel, before: set[str]) -> str | None:
    """Return the address of the joined film once it is posted; a question about its price is answered with yes."""
    await panel.press_if_there("sure")
    for message in await stage.messages():
        if message["id"] not in before:
            for video in videos_of(message):
                if video["filename"].startswith("wanda-film-"):
                    return video["url"]
    return None


def _drawn(path: Path, paint: Paint, moment: float) -> Path:
    """Save a scene as a member's picture."""
    ImageOps.fit(paint(moment), FULL_HD, Image.Resampling.BICUBIC).save(path)
    return path


def _track(folder: Path) -> Path:
    """Save the sound of the page's samples."""
    sample = next(one for one in SAMPLES if one.content_type.startswith("audio/"))
    path = folder / sample.name
    path.write_bytes(sample.make())
    return path


def _frames(film: Path) -> list[Image.Image]:
    """Return the pictures of the preview.

    Raises:
        StageError: it is not the film that was ordered.
    """
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        seconds = float((stream.duration or 0) * (stream.time_base or 0))
        size = (stream.codec_context.width, stream.codec_context.height)
        if size != FULL_HD or abs(seconds - SECONDS) > OFF_S or not container.streams.audio:
            raise StageError(f"the film is {size} and {seconds} s")
        frames: list[Image.Image] = []
        for frame in container.decode(stream):
            if frame.time * SHOWN_PER_S >= len(frames):
                picture = cast("Image.Image", frame.to_image())
                frames.append(picture.resize(SHOWN, Image.Resampling.LANCZOS))
    return frames


def _save(frames: Sequence[Image.Image]) -> None:
    """Write an endless WebP in the best quality that fits into `BYTES_MAX`."""
    for quality in QUALITIES:
        packed = io.BytesIO()
        frames[0].save(
            packed,
            "WEBP",
            save_all=True,
            append_images=frames[1:],
            duration=round(1000 / SHOWN_PER_S),
            loop=0,
            quality=quality,
            method=6,
        )
        if packed.tell() <= BYTES_MAX:
            OUT.write_bytes(packed.getvalue())
            return
    raise StageError(f"the preview does not fit into {BYTES_MAX} bytes")


if __name__ == "__main__":
    sys.exit(asyncio.run(record()))
