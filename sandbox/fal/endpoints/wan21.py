"""Wan 2.1: https://fal.ai/models/fal-ai/wan-i2v/api."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from sandbox.fal.endpoints.base import Aspect, EndpointInput, Video, aspect_of, first_of, picture_rule
from sandbox.fal.geometry import VARIANTS, size_of
from sandbox.fal.input_files import FileField, InputFile
from sandbox.fal.render import Film

__all__ = ["Wan21ImageInput"]

PICTURE = picture_rule()
UNITS = {"480p": 0.5, "720p": 1.0}
FREE_FRAMES = 81
LONGER = 1.25


class Wan21ImageInput(EndpointInput):
    """fal-ai/wan-i2v."""

    endpoint: ClassVar[str] = "fal-ai/wan-i2v"
    unit_price_usd: ClassVar[float] = 0.4
    unit: ClassVar[str] = "video"

    prompt: str
    negative_prompt: str = ""
    image_url: str
    num_frames: int = Field(default=81, ge=81, le=100)
    frames_per_second: int = Field(default=16, ge=5, le=24)
    resolution: Literal["480p", "720p"] = "720p"
    num_inference_steps: int = Field(default=30, ge=2, le=40)
    guide_scale: float = Field(default=5, ge=1, le=10)
    shift: float = Field(default=5, ge=1, le=10)
    enable_safety_checker: bool = False
    enable_prompt_expansion: bool = False
    acceleration: Literal["none", "regular"] = "regular"
    aspect_ratio: Aspect = "auto"

    def file_fields(self) -> list[FileField]:
        """Return the picture."""
        return [FileField(("body", "image_url"), self.image_url, PICTURE)]

    def film(self, files: Sequence[InputFile], seed: int) -> Film:
        """Return a video in the chosen aspect, or the picture's."""
        width, height = size_of(self.resolution, aspect_of(self.aspect_ratio, first_of(files, "image_url")))
        return Film(
            width=width,
            height=height,
            fps=self.frames_per_second,
            frames=self.num_frames,
            variant=seed % VARIANTS,
        )

    def units(self, film: Film, files: Sequence[InputFile]) -> float:  # noqa: ARG002 - one signature for all modes
        """Bill 0.5 units at 480p and 1 at 720p, times 1.25 above 81 frames."""
        return UNITS[self.resolution] * (LONGER if self.num_frames > FREE_FRAMES else 1.0)

    def output(self, video: Video, seed: int) -> Mapping[str, Any]:
        """Return the video and the seed."""
        return {"video": video.as_file(), "seed": seed}

    def steps(self) -> int:
        """Return the requested number of steps."""
        return self.num_inference_steps
