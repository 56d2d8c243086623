"""Wan 2.1: a short video from a picture, at a price per video.

https://fal.ai/models/fal-ai/wan-i2v
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

FRAMES_IN_BASE_PRICE = 81
PICTURE = MediaSpec(  # our own bounds: the page names none
    kind="image",
    subject="Wan 2.1 takes pictures",
    formats=("jpeg", "png", "bmp", "webp"),
    bytes_max=20 * MB,
    side_min=64,
    side_max=8000,
)
NEGATIVE_PROMPT = (
    "bright colors, overexposed, static, blurred details, subtitles, style, artwork, painting, picture, still, "
    "overall gray, worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers, "
    "poorly drawn hands, poorly drawn faces, deformed, disfigured, malformed limbs, fused fingers, still picture, "
    "cluttered background, three legs, many people in the background, walking backwards"
)


class Wan21Image(Mode):
    """One picture and a prompt."""

    id: ClassVar[str] = "wan21-image"
    title: ClassVar[str] = "Wan 2.1 image"
    summary: ClassVar[str] = "Make a picture move with Wan 2.1 (81 to 100 frames, up to 720p, a price per video)."
    endpoint: ClassVar[str] = "fal-ai/wan-i2v"
    rates: ClassVar[Rates] = Rates(
        microusd={"480p": 200_000, "720p": 400_000},
        unit_microusd=400_000,
        unit="per video, × 1.25 above 81 frames",
        source="https://fal.ai/models/fal-ai/wan-i2v",
        read_on="2026-11-20",
    )
    purpose: ClassVar[str] = "Your picture moves for about 5 s at one price per video, with many settings to play with."
    example_prompt: ClassVar[str] = "Cars drive past, and the leaves rustle."
    priced: ClassVar[tuple[str, ...]] = ("resolution", "num_frames")

    prompt: str = Field(min_length=1, max_length=PROMPT_LENGTH_MAX, description="What should happen in the video.")
    image: Annotated[Attached, PICTURE] = Field(
        description="The picture; cropped at the middle when the shape differs."
    )
    resolution: Literal["480p", "720p"] = Field(default="720p", description="How large the video is.")
    num_frames: int = Field(default=81, ge=81, le=100, description="Frames to make; above 81 it costs 1.25 × as much.")
    frames_per_second: int = Field(default=16, ge=5, le=24, description="Frames per second.")
    aspect_ratio: Literal["auto", "16:9", "9:16", "1:1"] = Field(
        default="auto", description="The shape of the video; auto takes the picture's."
    )
    negative_prompt: str = Field(
        default=NEGATIVE_PROMPT,
        max_length=PROMPT_LENGTH_MAX,
        description="What to keep out of the video, instead of Wan's own list of common faults.",
    )
    num_inference_steps: int = Field(default=30, ge=2, le=40, description="More steps look better and take longer.")
    guide_scale: float = Field(default=5, ge=1, le=10, description="How closely to follow the prompt.")
    shift: float = Field(default=5, ge=1, le=10, description="How the noise schedule is shifted.")
    enable_safety_checker: bool = Field(default=True, description="Have fal check what goes in.")
    enable_prompt_expansion: bool = Field(default=False, description="Let Wan rewrite the prompt in more detail.")
    acceleration: Literal["none", "regular"] = Field(
        default="regular", description="More is faster, and looks a little worse."
    )
    seed: int | None = Field(
        default=None, ge=0, le=SEED_MAX, description="The same seed and settings give much the same video."
    )

    @classmethod
    def rate_text(cls, rate: int) -> str:
        """Return "$0.40 a video"."""
        return f"{exact_dollars(rate)} a video"

    def units(self, facts: Mapping[str, MediaFacts]) -> Fraction:
        """Return 1 video, or 1.25 above 81 frames."""
        del facts
        return Fraction(5, 4) if self.num_frames > FRAMES_IN_BASE_PRICE else Fraction(1)

    def formula(self, rate: int, facts: Mapping[str, MediaFacts]) -> str:
        """Return the price of a video: "$0.40 per video"."""
        longer = self.units(facts) > 1
        return exact_dollars(rate) + (f" × 1.25 ({self.num_frames} frames)" if longer else " per video")

    def output_seconds(self, facts: Mapping[str, MediaFacts]) -> float:
        """Return frames over frame rate."""
        del facts
        return self.num_frames / self.frames_per_second
