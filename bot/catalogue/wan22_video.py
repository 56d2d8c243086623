"""Wan 2.2: a clip changed by a prompt.

https://fal.ai/models/fal-ai/wan/v2.2-a14b/video-to-video
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bot.catalogue.fields import PROMPT_LENGTH_MAX, SEED_MAX, Attached
from bot.catalogue.mode import Mode
from bot.catalogue.price import Rates
from bot.media_spec import MediaFacts, MediaSpec
from bot.money import exact_dollars
from bot.units import MB

FRAMES_PER_VIDEO_SECOND = 16  # the page's unit of price, whatever frames_per_second is
CLIP = MediaSpec(  # our own bounds: the page names none
    kind="video",
    subject="Wan 2.2 takes clips",
    formats=("mp4", "mov", "webm"),
    bytes_max=100 * MB,
    side_min=64,
    side_max=4096,
    seconds_max=60,
)


class Wan22Video(Mode):
    """One clip and a prompt."""

    id: ClassVar[str] = "wan22-video"
    title: ClassVar[str] = "Wan 2.2 video"
    summary: ClassVar[str] = "Remake a clip after your prompt with Wan 2.2 (17 to 161 frames, up to 720p)."
    endpoint: ClassVar[str] = "fal-ai/wan/v2.2-a14b/video-to-video"
    rates: ClassVar[Rates] = Rates(
        microusd={"480p": 40_000, "580p": 60_000, "720p": 80_000},
        unit_microusd=80_000,
        unit="per 16 frames",
        source="https://fal.ai/models/fal-ai/wan/v2.2-a14b/video-to-video",
        read_on="2026-11-20",
    )
    purpose: ClassVar[str] = (
        "Your clip keeps its motion and gets another look. `strength` says how far it may leave the clip."
    )
    example_prompt: ClassVar[str] = "As a watercolour painting, in autumn colours."
    priced: ClassVar[tuple[str, ...]] = ("resolution", "num_frames")

    prompt: str = Field(min_length=1, max_length=PROMPT_LENGTH_MAX, description="What the video should become.")
    video: Annotated[Attached, CLIP] = Field(description="The clip to remake: MP4, MOV or WEBM, up to 100 MB.")
    resolution: Literal["480p", "580p", "720p"] = Field(default="720p", description="How large the video is.")
    num_frames: int = Field(default=81, ge=17, le=161, description="Frames to make; the price counts them.")
    strength: float = Field(
        default=0.9, ge=0, le=1, description="1 follows the prompt alone, 0 leaves the clip as it is."
    )
    frames_per_second: int = Field(default=16, ge=4, le=60, description="Frames per second before interpolation.")
    negative_prompt: str = Field(default="", max_length=PROMPT_LENGTH_MAX, description="What to keep out of the video.")
    aspect_ratio: Literal["auto", "16:9", "9:16", "1:1"] = Field(
        default="auto", description="The shape of the video; auto takes the clip's."
    )
    num_inference_steps: int = Field(default=27, ge=2, le=40, description="More steps look better and take longer.")
    enable_safety_checker: bool = Field(default=True, description="Have fal check what goes in.")
    enable_output_safety_checker: bool = Field(default=True, description="Have fal check the finished video.")
    enable_prompt_expansion: bool = Field(default=False, description="Let Wan rewrite the prompt in more detail.")
    acceleration: Literal["none", "regular"] = Field(
        default="regular", description="More is faster, and looks a little worse."
    )
    guidance_scale: float = Field(default=3.5, ge=1, le=10, description="How closely to follow the prompt.")
    guidance_scale_2: float = Field(
        default=4, ge=1, le=10, description="How closely to follow the prompt in the second stage."
    )
    shift: float = Field(default=5, ge=1, le=10, description="How the noise schedule is shifted.")
    interpolator_model: Literal["none", "film", "rife"] = Field(
        default="film", description="What makes the frames in between."
    )
    num_interpolated_frames: int = Field(
        default=1, ge=0, le=4, description="Frames put between each pair of made frames."
    )
    adjust_fps_for_interpolation: bool = Field(
        default=True, description="Raise the frame rate by the frames in between, so the speed stays."
    )
    video_quality: Literal["low", "medium", "high", "maximum"] = Field(
        default="high", description="Higher looks better and makes a larger file."
    )
    video_write_mode: Literal["fast", "balanced", "small"] = Field(
        default="balanced", description="Fast makes a larger file; small takes longest."
    )
    resample_fps: bool = Field(default=False, description="Bring the clip to the given frames per second first.")
    seed: int | None = Field(
        default=None, ge=0, le=SEED_MAX, description="The same seed and settings give much the same video."
    )

    def units(self, facts: Mapping[str, MediaFacts]) -> Fraction:
        """Return sixteenths of the frames: fal counts 16 frames as a second, and the input is free."""
        del facts
        return Fraction(self.num_frames, FRAMES_PER_VIDEO_SECOND)

    def formula(self, rate: int, facts: Mapping[str, MediaFacts]) -> str:
        """Return "81 frames / 16 × $0.08"."""
        del facts
        return f"{self.num_frames} frames / {FRAMES_PER_VIDEO_SECOND} × {exact_dollars(rate)}"

    def output_seconds(self, facts: Mapping[str, MediaFacts]) -> float:
        """Return frames / frame rate; interpolated frames lengthen the video unless the rate is raised with them."""
        del facts
        seconds = self.num_frames / self.frames_per_second
        slowed = self.interpolator_model != "none" and not self.adjust_fps_for_interpolation
        return seconds * (self.num_interpolated_frames + 1) if slowed else seconds
