"""Wan 2.5: a video from a picture, with the member's own sound if given.

https://fal.ai/models/fal-ai/wan-25-preview/image-to-video
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from bot.catalogue.fields import SEED_MAX, Attached
from bot.catalogue.mode import PerSecond
from bot.catalogue.price import Rates
from bot.media_spec import MediaSpec
from bot.units import MB

PICTURE = MediaSpec(
    kind="image",
    subject="Wan 2.5 takes pictures",
    formats=("jpeg", "png", "bmp", "webp"),  # our choice: the page names none
    bytes_max=25 * MB,
    side_min=360,
    side_max=2000,
)
SOUND = MediaSpec(
    kind="audio",
    subject="Wan 2.5 takes sound files",
    formats=("wav", "mp3"),
    bytes_max=15 * MB,
    seconds_min=3,
    seconds_max=30,
)


def _integer(value: object) -> object:
    """Read "5" as 5: pydantic compares a choice, it does not parse it."""
    return int(value) if isinstance(value, str) and value in {"5", "10"} else value


Duration: TypeAlias = Annotated[Literal[5, 10], BeforeValidator(_integer)]


class Wan25Image(PerSecond):
    """One picture, with or without sound. Settings can state another price for the family."""

    id: ClassVar[str] = "wan25-image"
    title: ClassVar[str] = "Wan 2.5 image"
    summary: ClassVar[str] = "Make a picture move, to your own sound if you like, with Wan 2.5 (5 or 10 s)."
    endpoint: ClassVar[str] = "fal-ai/wan-25-preview/image-to-video"
    rates: ClassVar[Rates] = Rates(
        microusd={"480p": 50_000, "720p": 100_000, "1080p": 150_000},
        unit_microusd=50_000,
        unit="per second",
        source="https://fal.ai/models/fal-ai/wan-25-preview/image-to-video",
        read_on="2026-11-20",
    )
    purpose: ClassVar[str] = (
        "Your picture moves, to your own sound if you attach one. 480p is a cheap way to try an idea."
    )
    example_prompt: ClassVar[str] = "The dragon blinks and spreads its wings."
    priced: ClassVar[tuple[str, ...]] = ("resolution", "duration")

    prompt: str = Field(min_length=1, max_length=800, description="What should happen in the video.")
    image: Annotated[Attached, PICTURE] = Field(description="The first frame: 360 to 2,000 px per side, up to 25 MB.")
    audio: Annotated[Attached | None, SOUND] = Field(
        default=None, description="Background music, cut to the video's length: WAV or MP3, 3 to 30 s."
    )
    resolution: Literal["480p", "720p", "1080p"] = Field(default="720p", description="How large the video is.")
    duration: Duration = Field(default=5, description="Seconds of video.")
    negative_prompt: str | None = Field(default=None, max_length=500, description="What to keep out of the video.")
    enable_prompt_expansion: bool = Field(default=True, description="Let Wan rewrite the prompt in more detail.")
    enable_safety_checker: bool = Field(default=True, description="Have fal check what goes in and comes out.")
    seed: int | None = Field(
        default=None, ge=0, le=SEED_MAX, description="The same seed and settings give much the same video."
    )

    def payload(self, urls: Mapping[str, str]) -> dict[str, Any]:
        """Return fal's input; this endpoint takes the duration as a string."""
        return super().payload(urls) | {"duration": str(self.duration)}
