"""Reads what an attached file is, from its bytes alone; a file that cannot be used is refused in a sentence."""

import base64
import logging
import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bot.errors import Busy, MediaRefused
from bot.media.rules.file_name import shown_name as cleaned
from bot.media.rules.oddity import ODDITIES, Oddity
from bot.media.rules.preview import PREVIEW_BYTES_MAX
from bot.media.rules.stored_picture import Matrix, StoredPicture
from bot.media.rules.verdict import Reason
from bot.media_spec import MediaKind
from bot.requester import Requester
from bot.settings import MediaSettings
from bot.workers.pool import WorkerEnded, Workers, WorkersUnavailable

_log = logging.getLogger(__name__)

# fmt: off
Format: TypeAlias = Literal[
    "png", "jpeg", "gif", "bmp", "webp",
    "mp4", "mov", "3gp", "webm", "mkv", "avi", "flv", "ts",
    "wav", "mp3", "ogg", "flac", "m4a", "aac", "aiff", "caf", "amr", "au",
]
# fmt: on


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a file is. Pixels are as shown, after rotation; seconds are as played, whatever its header says.

    `shortest_s` and `longest_s` are what other readers may find. While they agree, `seconds` is not below what fal may
    charge for. A picture or a video without `width` and `height`, or a video or sound without its three lengths, does
    not occur. `frames` counts the pictures of a video. `odd` says why another reader may refuse it or show it wrong.
    `video_track` and `sound_track` are the positions of the streams that players play, None for one that it has not or
    that cannot be read here; `is_hdr` says that the video's brightness goes beyond what an ordinary screen shows.
    `begins_s` is how long after the file's start a video shows its first picture, 0 if that is not long.
    `picture` is there for every video. `preview` is a picture as a small JPEG, empty if none could be made.
    """

    kind: MediaKind
    format: Format
    size_bytes: int
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    shortest_s: float | None = None
    longest_s: float | None = None
    codec: str | None = None
    frames: int | None = None
    odd: tuple[Oddity, ...] = ()
    video_track: int | None = None
    sound_track: int | None = None
    is_hdr: bool = False
    begins_s: float = 0.0
    picture: StoredPicture | None = None
    preview: bytes = field(default=b"", compare=False, repr=False)


class _Picture(BaseModel):
    """How a worker says that a picture is stored."""

    model_config = ConfigDict(extra="forbid", strict=True)

    played_s: float = Field(ge=0, allow_inf_nan=False)
    last_s: float = Field(ge=0, allow_inf_nan=False)
    frame_rate: list[Annotated[int, Field(ge=0, lt=2**32)]] = Field(min_length=2, max_length=2)
    matrix: Matrix
    coding: str = Field(max_length=200)

    @property
    def rate(self) -> Fraction:
        return Fraction(self.frame_rate[0], max(1, self.frame_rate[1]))


class _Found(BaseModel):
    """A worker's answer about a usable file. It is validated, because a hostile file may control the worker."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: MediaKind
    format: Format
    size_bytes: int = Field(gt=0)
    width: int | None = Field(default=None, gt=0, lt=2**32)
    height: int | None = Field(default=None, gt=0, lt=2**32)
    seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    shortest_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    longest_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    frames: int | None = Field(default=None, ge=0)
    codec: str = Field(pattern=re.compile(r"^[a-z0-9_.-]{1,40}$"))
    odd: list[Oddity] = Field(default=[], max_length=len(ODDITIES))
    video_track: int | None = Field(default=None, ge=0, lt=2**16)
    sound_track: int | None = Field(default=None, ge=0, lt=2**16)
    is_hdr: bool = False
    begins_s: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    picture: _Picture | None = None
    preview: str = Field(default="", max_length=PREVIEW_BYTES_MAX * 3 // 2)


class _Unusable(BaseModel):
    """A worker's answer about a file that cannot be used."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Reason
    detail: str = Field(max_length=200)


_Answer: TypeAlias = Annotated[_Found | _Unusable, Field(union_mode="left_to_right")]
_ANSWER: TypeAdapter[_Found | _Unusable] = TypeAdapter(_Answer)


class Prober:
    """Reads files in worker processes; leaving the async context ends them."""

    def __init__(self, workers: Workers, *, pixels_max: int) -> None:
        self._workers = workers
        self._pixels_max = pixels_max

    @classmethod
    def of(cls, settings: MediaSettings) -> Self:
        """Return a prober with the settings' limits; no process starts before the first file."""
        workers = Workers(
            "bot.media.probe_worker",
            at_once=settings.probes_at_once,
            memory_mib=settings.probe_memory_mib,
            timeout_s=settings.probe_timeout_s,
            idle_s=settings.probe_idle_s,
            name="probe",
        )
        return cls(workers, pixels_max=settings.probe_pixels_max)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._workers.close()

    def _request(self, path: Path) -> dict[str, Any]:
        """Return the request, with an absolute path: a worker has another working directory."""
        return {"path": str(path.absolute()), "pixels_max": self._pixels_max}

    async def facts(self, path: Path, *, shown_name: str, requester: Requester) -> Facts:
        """Return what the file at `path` is; refusals call it `shown_name`.

        Raises:
            MediaRefused: it is not a picture, video or sound that can be played to its end; a whole sentence.
            Busy: no worker could be started.
            FileNotFoundError: there is no such file.
        """
        name = cleaned(shown_name)
        try:
            answer = await self._workers.ask(self._request(path), requester)
        except WorkersUnavailable as error:
            _log.error("No file can be read: %s", error)
            raise Busy("Wanda can't read files right now. You weren't charged; please tell an admin.") from error
        except WorkerEnded as error:
            _log.warning("A worker ended while it read a file: %s", error)
            raise MediaRefused(_too_costly(name)) from error
        try:
            found = _ANSWER.validate_python(answer)
        except ValidationError as error:
            _log.warning("A worker answered out of form: %s", error.errors(include_input=False, include_url=False))
            raise MediaRefused(_too_costly(name)) from error
        if isinstance(found, _Unusable):
            _refuse(found, name, path)
        given = found.model_dump(exclude={"odd", "picture", "preview"})
        picture = None if found.picture is None else _stored(found.picture)
        return Facts(**given, odd=tuple(found.odd), picture=picture, preview=_decoded(found.preview))


def _stored(picture: _Picture) -> StoredPicture:
    return StoredPicture(
        played_s=picture.played_s,
        last_s=picture.last_s,
        frame_rate=picture.rate,
        matrix=picture.matrix,
        coding=picture.coding,
    )


def _decoded(preview: str) -> bytes:
    """Return the bytes of base 64, or none for anything else."""
    try:
        return base64.b64decode(preview, validate=True)
    except ValueError:
        return b""


def _refuse(verdict: _Unusable, name: str, path: Path) -> NoReturn:
    """Raise the refusal that fits the worker's reason."""
    match verdict.reason:
        case "missing":
            raise FileNotFoundError(path)
        case "empty":
            sentence = f"“{name}” is empty. Attach it again, or try another file."
        case "foreign":
            then = (
                ", and try again."
                if "save it as" in verdict.detail
                else ". Try again with a picture, a clip or a sound."
            )
            sentence = f"“{name}” is {verdict.detail}{then}"
        case "damaged":
            sentence = (
                f"“{name}” starts as {verdict.detail}, but the rest is missing or damaged. "
                "Save or export it again and try the new copy."
            )
        case "silent":
            sentence = f"“{name}” is {verdict.detail} with no picture or sound in it. Try another file."
        case "codec":
            sentence = (
                f"“{name}” uses the codec “{cleaned(verdict.detail)}”, which Wanda can't read. "
                "Export it as MP4 with H.264, or a sound as MP3, and try again."
            )
        case "costly":
            sentence = _too_costly(name)
    raise MediaRefused(sentence)


def _too_costly(name: str) -> str:
    return f"“{name}” takes too much memory or time to read. Make it shorter or smaller and try again."
