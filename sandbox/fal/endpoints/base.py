"""What every endpoint's input can answer: its files, its film, what it bills, and what its output says."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from sandbox.fal.errors import Failed, model_error
from sandbox.fal.geometry import VARIANTS, size_of
from sandbox.fal.input_files import FileField, FileRule, InputFile
from sandbox.fal.render import Film

__all__ = [
    "FPS",
    "SEED_MAX",
    "Aspect",
    "EndpointInput",
    "Seed",
    "Video",
    "aspect_of",
    "field_error",
    "film_with_sound",
    "first_of",
    "picture_rule",
]

FPS = 16  # of the models whose page names no frame rate; real Wan gives 24 or 30, but this is cheaper to make
SEED_MAX = 2_147_483_647
Seed: TypeAlias = int | None
Aspect: TypeAlias = Literal["auto", "16:9", "9:16", "1:1"]
PIXELS = ("jpg", "jpeg", "png", "bmp", "webp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A finished clip, where it can be downloaded."""

    url: str
    file_name: str
    size_bytes: int
    film: Film

    def as_file(self) -> dict[str, Any]:
        """Return the `File` of the 2.1 and 2.2 pages."""
        return {
            "url": self.url,
            "content_type": "video/mp4",
            "file_name": self.file_name,
            "file_size": self.size_bytes,
        }

    def as_video_file(self) -> dict[str, Any]:
        """Return the `VideoFile` of the 2.5 and 2.7 pages."""
        film = self.film
        return self.as_file() | {
            "width": film.width,
            "height": film.height,
            "fps": float(film.fps),
            "duration": film.seconds,
            "num_frames": film.frames,
        }


class EndpointInput(BaseModel):
    """An endpoint's input, strictly as its page says it; a field that the page does not know is an error."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    endpoint: ClassVar[str]
    unit_price_usd: ClassVar[float]
    unit: ClassVar[str]

    seed: Seed = None

    @abstractmethod
    def file_fields(self) -> list[FileField]:
        """Return the input files, in the order in which they are looked at."""

    def check(self, files: Sequence[InputFile]) -> None:
        """Hold the rules between fields, once the files are known.

        Raises:
            Failed: a rule is broken.
        """

    @abstractmethod
    def film(self, files: Sequence[InputFile], seed: int) -> Film:
        """Return what is to be filmed."""

    @abstractmethod
    def units(self, film: Film, files: Sequence[InputFile]) -> float:
        """Return how many units of `unit_price_usd` the video costs."""

    @abstractmethod
    def output(self, video: Video, seed: int) -> Mapping[str, Any]:
        """Return the endpoint's output, as its page says it."""

    def steps(self) -> int:
        """Return how many steps the progress log counts."""
        return 30

    def prompt_text(self) -> str:
        """Return the prompt, for a film without any picture."""
        return str(getattr(self, "prompt", None) or "")


def field_error(field: str, message: str, value: object = None) -> Failed:
    """Return the error of a broken rule at a field."""
    return Failed(model_error("value_error", location=("body", field), message=message, value=value))


def first_of(files: Sequence[InputFile], *fields: str) -> InputFile | None:
    """Return the first file that one of these fields named."""
    return next((one for one in files if one.field.location[1] in fields), None)


def aspect_of(choice: str, file: InputFile | None) -> float:
    """Return width by height for an aspect option; `auto` follows the file, and 16:9 where there is none."""
    if choice == "auto":
        return 16 / 9 if file is None else file.aspect
    width, height = choice.split(":")
    return int(width) / int(height)


def film_with_sound(tier: str, aspect: float, seconds: int, seed: int) -> Film:
    """Return a film with sound, at the stand-in's own frame rate."""
    width, height = size_of(tier, aspect)
    return Film(width=width, height=height, fps=FPS, frames=seconds * FPS, variant=seed % VARIANTS, has_sound=True)


def picture_rule(**limits: Any) -> FileRule:
    """Return the rule of a picture field, in the formats that the pages name."""
    return FileRule(kind="image", formats=PIXELS, **limits)
