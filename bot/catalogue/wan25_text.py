"""Wan 2.5: a video from a prompt alone, with the member's own sound if given.

https://fal.ai/models/fal-ai/wan-25-preview/text-to-video
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from bot.catalogue.fields import SEED_MAX, Attached
from bot.catalogue.mode import PerSecond
from bot.catalogue.price import Rates
from bot.catalogue.wan25_image import SOUND, Duration


class Wan25Text(PerSecond):
    """A prompt, with or without sound. Settings can state another price for the family."""

    id: ClassVar[str] = "wan25-text"
    title: ClassVar[str] = "Wan 2.5 text"
    summary: ClassVar[str] = "Make a video from words alone with Wan 2.5 (5 or 10 s)."
    endpoint: ClassVar[str] = "fal-ai/wan-25-preview/text-to-video"
    rates: ClassVar[Rates] = Rates(
        microusd={"480p": 50_000, "720p": 100_000, "1080p": 150_000},
        unit_microusd=50_000,
        unit="per second",
        source="https://fal.ai/models/fal-ai/wan-25-preview/text-to-video",
        read_on="2026-11-28",
    )
    purpose: ClassVar[str] = (
        "Your words alone become a video, to your own sound if you attach one. 480p is a cheap way to try an idea."
    )
    example_prompt: ClassVar[str] = "A cat in a blue hat crosses a lake at sunset, and waves."
    priced: ClassVar[tuple[str, ...]] = ("resolution", "duration")

    prompt: str = Field(min_length=1, max_length=1500, description="What the video shows, and what happens in it.")
    audio: Annotated[Attached | None, SOUND] = Field(
        default=None, description="Background music, cut to the video's length: WAV or MP3, 3 to 30 s."
    )
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = Field(default="16:9", description="The shape of the video.")
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
