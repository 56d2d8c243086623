"""Wan 2.2: https://fal.ai/models/fal-ai/wan/v2.2-a14b/video-to-video/api."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from sandbox.fal.endpoints.base import Aspect, EndpointInput, Video, aspect_of, first_of
from sandbox.fal.geometry import VARIANTS, size_of
from sandbox.fal.input_files import FileField, FileRule, InputFile
from sandbox.fal.render import Film

__all__ = ["Wan22VideoInput"]

CLIP = FileRule(kind="video", formats=("mp4", "mov", "webm", "gif"))
UNITS_A_SECOND = {"480p": 0.5, "580p": 0.75, "720p": 1.0}
BILLED_FPS = 16
CRF = {"low": 36, "medium": 32, "high": 28, "maximum": 20}
MOVES_MAX = 161  # camera positions in one video; more frames than that repeat positions, which is cheap


class Wan22VideoInput(EndpointInput):
    """fal-ai/wan/v2.2-a14b/video-to-video."""

    endpoint: ClassVar[str] = "fal-ai/wan/v2.2-a14b/video-to-video"
    unit_price_usd: ClassVar[float] = 0.08
    unit: ClassVar[str] = "second"

    video_url: str
    prompt: str
    strength: float = Field(default=0.9, ge=0, le=1)
    num_frames: int = Field(default=81, ge=17, le=161)
    frames_per_second: int = Field(default=16, ge=4, le=60)
    negative_prompt: str = ""
    resolution: Literal["480p", "580p", "720p"] = "720p"
    aspect_ratio: Aspect = "auto"
    num_inference_steps: int = Field(default=27, ge=2, le=40)
    enable_safety_checker: bool = False
    enable_output_safety_checker: bool = False
    enable_prompt_expansion: bool = False
    acceleration: Literal["none", "regular"] = "regular"
    guidance_scale: float = Field(default=3.5, ge=1, le=10)
    guidance_scale_2: float = Field(default=4, ge=1, le=10)
    shift: float = Field(default=5, ge=1, le=10)
    interpolator_model: Literal["none", "film", "rife"] | None = "film"
    num_interpolated_frames: int = Field(default=1, ge=0, le=4)
    adjust_fps_for_interpolation: bool = True
    video_quality: Literal["low", "medium", "high", "maximum"] = "high"
    video_write_mode: Literal["fast", "balanced", "small"] = "balanced"
    resample_fps: bool = False

    def file_fields(self) -> list[FileField]:
        """Return the clip."""
        return [FileField(("body", "video_url"), self.video_url, CLIP)]

    def film(self, files: Sequence[InputFile], seed: int) -> Film:
        """Return a video with the interpolated frames, at a higher frame rate if `adjust_fps_for_interpolation`."""
        between = 0 if self.interpolator_model in {None, "none"} else self.num_interpolated_frames
        frames = self.num_frames + (self.num_frames - 1) * between
        faster = between + 1 if self.adjust_fps_for_interpolation else 1
        width, height = size_of(self.resolution, aspect_of(self.aspect_ratio, first_of(files, "video_url")))
        return Film(
            width=width,
            height=height,
            fps=self.frames_per_second * faster,
            frames=frames,
            variant=seed % VARIANTS,
            hold=math.ceil(frames / MOVES_MAX),
            crf=CRF[self.video_quality],
        )

    def units(self, film: Film, files: Sequence[InputFile]) -> float:  # noqa: ARG002 - one signature for all modes
        """Bill the generated frames at 16 per second, by resolution."""
        return self.num_frames / BILLED_FPS * UNITS_A_SECOND[self.resolution]

    def output(self, video: Video, seed: int) -> Mapping[str, Any]:
        """Return the video, the prompt and the seed."""
        return {"video": video.as_file(), "prompt": self.prompt, "seed": seed}

    def steps(self) -> int:
        """Return the requested number of steps."""
        return self.num_inference_steps
