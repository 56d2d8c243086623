"""The demo: a member orders a video from the real bot, the stand-in for fal renders it, and the bot posts it."""

import asyncio
import io
import math
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import av
from av.error import FFmpegError
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from sandbox.message_page import Reader, card_html
from sandbox.stage import Stage, StageError, eventually, text_of, videos_of

PROMPT = "The sun sinks behind the mountains while the lake begins to shimmer, slow cinematic push-in"
FINISHED_WITHIN_S = 60.0
PAGE = "card.html"
REACTIONS = 2  # run it again with the same seed, and with another


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFile:
    """The saved video, as read back from the file."""

    path: Path
    size_bytes: int
    seconds: float
    width: int
    height: int


async def demo(output: Path, *, seconds_per_job: float = 3.0, out: TextIO = sys.stdout) -> int:
    """Run the demo and return the exit status; `out` gets the report, `output` the MP4 and a page with the card."""
    teller = Narrator(out)
    with tempfile.TemporaryDirectory(prefix="wanda-demo-") as folder:
        try:
            quick = {"WANDA_EDIT_INTERVAL_S": "0.5"}  # so that a short demo shows more of the message's life
            async with Stage(Path(folder), seconds_per_job=seconds_per_job, is_still=False, settings=quick) as stage:
                teller.line("Stand-ins for Discord and fal are running on this machine; nothing else is contacted.")
                bot = await stage.start_bot()
                teller.line(f"The bot is connected: its own process, number {bot.pid}.")
                film, seed = await _play(stage, Path(folder), output, teller)
        except StageError as error:
            teller.line(f"The demo did not get to its end: {error}")
            return 1
    teller.line(f"""
Video    {film.path}
Size     {film.size_bytes / 1_000_000:.2f} MB, {film.width} x {film.height}
Seconds  {film.seconds:.2f}
Seed     {seed}
Page     {output / PAGE}  (the message as Discord shows it, for a browser)
Took     {teller.elapsed_s():.1f} s""")
    return 0


class Narrator:
    """Prints what happens; of the card only the lines that changed."""

    def __init__(self, out: TextIO) -> None:
        """The elapsed time counts from here."""
        self._out = out
        self._began = time.monotonic()
        self._shown: list[str] = []
        self.names: Mapping[str, str] = {}

    def elapsed_s(self) -> float:
        """Return the seconds since the narrator was created."""
        return time.monotonic() - self._began

    def line(self, text: str) -> None:
        """Print one line."""
        print(text, file=self._out, flush=True)

    def card(self, message: Mapping[str, Any]) -> None:
        """Print the card's lines that were not there the last time."""
        lines = [_as_read(line, self.names) for line in text_of(message).splitlines()]
        for number, line in enumerate(line for line in lines if line not in self._shown):
            self.line(f"{f'{self.elapsed_s():6.1f} s' if number == 0 else '':>8} | {line}")
        self._shown = lines or self._shown


def _as_read(line: str, names: Mapping[str, str]) -> str:
    """Return a line without Discord's Markdown, and with a name for each mention."""
    line = re.sub(r"<@(\d+)>", lambda found: f"@{names.get(found[1], found[1])}", line)
    line = re.sub(r"\*\*|`|^-# ", "", line)
    return re.sub(r"\\([^\w\s])", r"\1", line)


async def _play(stage: Stage, folder: Path, output: Path, teller: Narrator) -> tuple[VideoFile, str]:
    """Order a video as "maker", print the card as it changes, and save the posted video."""
    picture = folder / "lake.png"
    await asyncio.to_thread(picture.write_bytes, await asyncio.to_thread(draw_landscape))
    await stage.fal.post("settings", {"concurrency": 1})
    for _ in range(2):
        await stage.slash(
            "friend", "wan27 image", {"prompt": "a calm sea", "duration": 2, "resolution": "720p"}, image=picture
        )
    teller.line("friend has just ordered two videos, and this fal makes one at a time, so maker's has to queue.")
    options = {"prompt": PROMPT, "resolution": "720p", "duration": 5}
    words = " ".join(f"{name}:{value}" for name, value in options.items())
    teller.line(f"maker types  /wan27 image {words} image:{picture.name}")
    answer = await stage.slash("maker", "wan27 image", options, image=picture)
    if not answer["message_id"] or answer["ephemeral"]:
        raise StageError(f"the command was refused: {answer['content']}")
    teller.line(f"Discord had the first answer after {answer['ack_ms']:.0f} ms. The one message, as it changes:")
    (server,) = (await stage.discord.get("state"))["servers"]
    teller.names = {row["id"]: row["name"] for row in server["members"]}
    message = await _watch(stage, answer["message_id"], teller)
    film = await _save_video(stage, videos_of(message)[0], output)
    message = await _with_reactions(stage, message["id"])
    await asyncio.to_thread((output / PAGE).write_text, card_html([message], Path(), Reader(teller.names)), "utf-8")
    return film, _seed(message)


def _seed(message: Mapping[str, Any]) -> str:
    """Return the seed that the card shows."""
    found = re.search(r"\bseed (\d+)", text_of(message))
    return found[1] if found else "not on the card"


async def _watch(stage: Stage, message_id: str, teller: Narrator) -> dict[str, Any]:
    """Print the message whenever its text changes, until the video is attached."""

    async def look() -> dict[str, Any] | None:
        message = await stage.message(message_id)
        if message is None:
            raise StageError("the message is gone")
        teller.card(message)
        return message if videos_of(message) else None

    return await eventually(look, what="video on the message", within_s=FINISHED_WITHIN_S)


async def _with_reactions(stage: Stage, message_id: str) -> dict[str, Any]:
    """Return the message once the bot has added its reactions, a moment after the video."""

    async def look() -> dict[str, Any] | None:
        message = await stage.message(message_id)
        return message if message and len(message["reactions"]) >= REACTIONS else None

    return await eventually(look, what="reactions on the message", within_s=FINISHED_WITHIN_S)


async def _save_video(stage: Stage, attachment: Mapping[str, Any], output: Path) -> VideoFile:
    """Save the attachment in `output` and decode it.

    Raises:
        StageError: the file is not a playable video.
    """
    path = output / Path(attachment["filename"]).name
    return await asyncio.to_thread(_save_and_probe, path, await stage.discord.fetch(attachment["url"]))


def _save_and_probe(path: Path, content: bytes) -> VideoFile:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return probe_video(path)


def probe_video(path: Path) -> VideoFile:
    """Decode the whole video and return its size, length and file size.

    Raises:
        StageError: the video cannot be decoded.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            frames = sum(1 for _ in container.decode(stream))
            end = frames / float(stream.average_rate or 1)
            width, height = stream.codec_context.width, stream.codec_context.height
    except (FFmpegError, IndexError) as error:
        raise StageError(f"{path} does not play: {error}") from error
    return VideoFile(path=path, size_bytes=path.stat().st_size, seconds=end, width=width, height=height)


def draw_landscape(width: int = 1280, height: int = 720) -> bytes:
    """Return a PNG of a lake at sunset."""
    sky = Image.linear_gradient("L").transform((width, height), Image.Transform.EXTENT, (0, 0, 256, 256))
    picture = Image.composite(
        Image.new("RGB", (width, height), (255, 150, 90)), Image.new("RGB", (width, height), (38, 40, 92)), sky
    )
    draw = ImageDraw.Draw(picture)
    horizon = int(height * 0.62)
    draw.ellipse((width * 0.55, horizon - 150, width * 0.55 + 190, horizon + 40), fill=(255, 226, 150))
    picture = picture.filter(ImageFilter.GaussianBlur(3))
    draw = ImageDraw.Draw(picture)
    for depth, colour in enumerate(((88, 62, 112), (60, 44, 92), (36, 30, 66))):
        ridge = [
            (x, horizon - (90 - depth * 28) * abs(math.sin(x / (170 - depth * 37) + depth * 2)) - 12)
            for x in range(0, width + 8, 8)
        ]
        draw.polygon([(0, horizon), *ridge, (width, horizon)], fill=colour)
    mirror = picture.crop((0, 2 * horizon - height, width, horizon)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    dimmed = ImageEnhance.Brightness(mirror.filter(ImageFilter.GaussianBlur(4))).enhance(0.72)
    picture.paste(dimmed, (0, horizon))
    draw = ImageDraw.Draw(picture)
    for row in range(horizon + 6, height, 9):
        shift = 30 * math.sin(row * 1.7)
        draw.line((width * 0.56 + shift, row, width * 0.68 + shift, row), fill=(255, 205, 140), width=2)
    packed = io.BytesIO()
    picture.save(packed, "PNG")
    return packed.getvalue()


def run_demo(options: Any) -> int:
    """Run the demo with the command line's options; returns the exit status."""
    return asyncio.run(demo(Path(options.output), seconds_per_job=options.seconds_per_job))
