"""Saves the last frame of a finished video, from which the next shot of a film begins."""

from pathlib import Path

from bot.errors import EncodeFailed, MediaRefused
from bot.media.ffmpeg import Ffmpeg, is_read_whole, reading, reading_from
from bot.media.probe import Facts, Prober
from bot.requester import Requester
from bot.settings import MediaSettings
from bot.tasks import in_thread
from bot.turns import FairTurns
from bot.units import MB
from bot.workers.run_once import FileAccess

_BEFORE_S = 0.1  # decoding begins so long before the last frame begins, because files state rounded times


class LastFrame:
    """Saves last frames, one at a time, and not behind the films and clips that are encoded."""

    def __init__(self, ffmpeg: Ffmpeg, prober: Prober, settings: MediaSettings) -> None:
        self._ffmpeg = ffmpeg
        self._prober = prober
        self._settings = settings
        self._turns = FairTurns(1, name="frame")

    async def save(self, video: Path, into: Path, *, requester: Requester) -> Facts:
        """Write the last frame that a player shows to `into` as a PNG, upright and in its shown size; return its facts.

        The picture appears whole or not at all. Its folder is made.

        Raises:
            EncodeFailed: the video has no frame that can be decoded, or there is no ffmpeg.
            NoRoom: Wanda's disk is full.
            Busy: no worker could read it.
            FileNotFoundError: there is no video.
        """
        facts = await self._facts(video, requester)
        if facts.picture is None:
            raise EncodeFailed("there is no picture in it")
        draft = into.with_suffix(".draft.png")
        await in_thread(draft.parent.mkdir, parents=True, exist_ok=True)
        try:
            async with self._turns.turn(requester):
                await self._ffmpeg.run(
                    _arguments(video, facts, draft),
                    FileAccess(read=[video], made=[draft]),
                    timeout_s=self._settings.fit_timeout_s,
                    file_bytes_max=self._settings.intake_mb_max * MB,
                )
            saved = await self._facts(draft, requester)
            if (saved.format, saved.width, saved.height) != ("png", facts.width, facts.height):
                raise EncodeFailed(f"what was saved is not the frame that was meant: {saved}")
            await in_thread(draft.replace, into)
        finally:
            draft.unlink(missing_ok=True)
        return saved

    async def _facts(self, path: Path, requester: Requester) -> Facts:
        try:
            return await self._prober.facts(path, shown_name=path.name, requester=requester)
        except MediaRefused as error:
            raise EncodeFailed(f"{path.name} cannot be read: {error}") from error


def _arguments(video: Path, facts: Facts, target: Path) -> list[str]:
    """Return the arguments that decode the last frames, and write the last one of them."""
    picture = facts.picture
    start_s = 0.0 if picture is None else max(0.0, picture.last_s - _BEFORE_S)
    matrix = "bt709" if picture is None else picture.matrix
    # What is decoded too, although it is skipped, must be left out before the order of the frames is turned round.
    read, skip = reading_from(video, facts.format, start_s), ""
    if is_read_whole(facts.format):
        read, skip = reading(video, facts.format), f"trim=start={start_s:.6f},"
    scale = f"scale={facts.width}:{facts.height}:flags=bicubic+accurate_rnd+full_chroma_int:in_color_matrix={matrix}"
    return [
        *("-threads", "1"),
        *read,
        *("-map", f"0:{facts.video_track}", "-vf", f"{skip}reverse,{scale},setsar=1,format=rgb24", "-frames:v", "1"),
        *("-map_metadata", "-1", "-c:v", "png", "-f", "image2", "-update", "1", f"file:{target.absolute()}"),
    ]
