"""Wan 2.7: a video from a prompt alone, with the member's own sound if given.

https://fal.ai/models/fal-ai/wan/v2.7/text-to-video
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bot.catalogue.fields import SEED_27_MAX, Attached
from bot.catalogue.mode import PerSecond
from bot.catalogue.price import Rates
from bot.media_spec import MediaSpec
from bot.units import MB

SOUND = MediaSpec(
    kind="audio",
    subject="Wan 2.7 follows sound files",
    formats=("wav", "mp3"),
    bytes_max=15 * MB,
    seconds_min=3,
    seconds_max=30,
)


class Wan27Text(PerSecond):
    """A prompt, with or without sound. fal states one base price; settings state one for each resolution."""

    id: ClassVar[str] = "wan27-text"
    title: ClassVar[str] = "Wan 2.7 text"
    summary: ClassVar[str] = "Make a video from words alone with Wan 2.7 (2 to 15 s, up to 1080p)."
    endpoint: ClassVar[str] = "fal-ai/wan/v2.7/text-to-video"
    rates: ClassVar[Rates] = Rates(
        microusd={"720p": 100_000, "1080p": 100_000},
        unit_microusd=100_000,
        unit="per second",
        source="https://fal.ai/models/fal-ai/wan/v2.7/text-to-video",
        read_on="2026-11-28",
    )
    purpose: ClassVar[str] = (
        "Your words alone become a video: say what is to be seen, and what happens. Wan adds music, or attach `audio` "
        "for a voice or music of your own."
    )
    example_prompt: ClassVar[str] = "A red kite climbs over a windy beach. The camera follows it up into the clouds."
    priced: ClassVar[tuple[str, ...]] = ("resolution", "duration")

    prompt: str = Field(min_length=1, max_length=5000, description="What the video shows, and what happens in it.")
    audio: Annotated[Attached | None, SOUND] = Field(
        default=None, description="Sound that drives the video: WAV or MP3, 3 to 30 s. Without it, Wan makes music."
    )
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] = Field(
        default="16:9", description="The shape of the video."
    )
    resolution: Literal["720p", "1080p"] = Field(default="720p", description="How large the video is.")
    duration: int = Field(default=5, ge=2, le=15, description="Seconds of video.")
    negative_prompt: str | None = Field(default=None, max_length=500, description="What to keep out of the video.")
    enable_prompt_expansion: bool = Field(default=True, description="Let Wan rewrite the prompt in more detail.")
    enable_safety_checker: bool = Field(default=True, description="Have fal check what goes in and comes out.")
    seed: int | None = Field(
        default=None, ge=0, le=SEED_27_MAX, description="The same seed and settings give much the same video."
    )
