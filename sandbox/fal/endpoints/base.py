"""The base of every endpoint's input: its files, the video to render, what it bills, and its output."""

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
    "output_with_prompt",
    "picture_rule",
]

FPS = 16  # for models whose page names no frame rate; Wan's own 24 or 30 would cost more to render
SEED_MAX = 2_147_483_647
Seed: TypeAlias = int | None
Aspect: TypeAlias = Literal["auto", "16:9", "9:16", "1:1"]
PIXELS = ("jpg", "jpeg", "png", "bmp", "webp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A rendered video and its URL."""

    url: str
    file_name: str
    size_bytes: int
    film: Film

    def as_file(self) -> dict[str, Any]:
        """Return it as the `File` of Wan 2.1 and 2.2."""
        return {
            "url": self.url,
            "content_type": "video/mp4",
            "file_name": self.file_name,
            "file_size": self.size_bytes,
        }

    def as_video_file(self) -> dict[str, Any]:
        """Return it as the `VideoFile` of Wan 2.5 and 2.7."""
        film = self.film
        return self.as_file() | {
            "width": film.width,
            "height": film.height,
            "fps": float(film.fps),
            "duration": film.seconds,
            "num_frames": film.frames,
        }


class EndpointInput(BaseModel):
    """An endpoint's input as its page documents it; an unknown field is an error."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    endpoint: ClassVar[str]
    unit_price_usd: ClassVar[float]
    unit: ClassVar[str]

    seed: Seed = None

    @abstractmethod
    def file_fields(self) -> list[FileField]:
        """Return the input files, in the order in which they are checked."""

    def check(self, files: Sequence[InputFile]) -> None:
        """Check the rules between fields, once the files are known.

        Raises:
            Failed: a rule is broken.
        """

    @abstractmethod
    def film(self, files: Sequence[InputFile], seed: int) -> Film:
        """Return the video to render."""

    @abstractmethod
    def units(self, film: Film, files: Sequence[InputFile]) -> float:
        """Return how many units of `unit_price_usd` the video costs."""

    @abstractmethod
    def output(self, video: Video, seed: int) -> Mapping[str, Any]:
        """Return the endpoint's output as its page documents it."""

    def steps(self) -> int:
        """Return the number of steps in the progress log."""
        return 30

    def prompt_text(self) -> str:
        """Return the prompt, which is drawn when there is no picture."""
        return str(getattr(self, "prompt", None) or "")


def field_error(field: str, message: str, value: object = None) -> Failed:
    """Return a `value_error` at a field."""
    return Failed(model_error("value_error", location=("body", field), message=message, value=value))


def first_of(files: Sequence[InputFile], *fields: str) -> InputFile | None:
    """Return the first file of one of these fields."""
    return next((one for one in files if one.field.location[1] in fields), None)


def aspect_of(choice: str, file: InputFile | None) -> float:
    """Return width / height for an aspect option; `auto` is the file's, or 16:9 without a file."""
    if choice == "auto":
        return 16 / 9 if file is None else file.aspect
    width, height = choice.split(":")
    return int(width) / int(height)


def film_with_sound(tier: str, aspect: float, seconds: int, seed: int) -> Film:
    """Return a video with sound, at `FPS`."""
    width, height = size_of(tier, aspect)
    return Film(width=width, height=height, fps=FPS, frames=seconds * FPS, variant=seed % VARIANTS, has_sound=True)


def output_with_prompt(video: Video, seed: int, prompt: str | None, *, is_rewritten: bool) -> dict[str, Any]:
    """Return the output of Wan 2.5 and 2.7: the video, the seed, and the prompt as a language model might expand it."""
    answer: dict[str, Any] = {"video": video.as_video_file(), "seed": seed}
    if is_rewritten:
        asked = (prompt or "The scene comes gently to life").strip().rstrip(".")
        answer["actual_prompt"] = (
            f"{asked}. The camera moves slowly and steadily, with soft natural light and fine detail."
        )
    return answer


def picture_rule(**limits: Any) -> FileRule:
    """Return the rule of a picture field, with the formats of fal's pages."""
    return FileRule(kind="image", formats=PIXELS, **limits)
