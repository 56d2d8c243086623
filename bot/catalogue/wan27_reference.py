"""Wan 2.7: a new video with the people and things of up to five reference pictures and clips.

https://fal.ai/models/fal-ai/wan/v2.7/reference-to-video
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from bot.catalogue.fields import SEED_27_MAX, Attached
from bot.catalogue.mode import PerSecond
from bot.catalogue.price import Rates, microseconds
from bot.media_spec import MediaFacts, MediaSpec
from bot.units import MB

REFERENCES_MAX = 5
PICTURE = MediaSpec(
    kind="image",
    subject="Wan 2.7 takes pictures",
    formats=("jpeg", "png", "bmp", "webp"),  # our choice: the page names none; these are the image-to-video page's
    bytes_max=20 * MB,
    side_min=240,
    side_max=8000,
    aspect_max=8,  # our choice, as on the image-to-video page
)
CLIP = MediaSpec(
    kind="video",
    subject="Wan 2.7 takes reference clips",
    formats=("mp4", "mov"),  # our choice: the page names none; these are the image-to-video page's
    bytes_max=100 * MB,
    side_min=240,
    side_max=4096,
    seconds_min=1,
    seconds_max=30,
)


class Wan27Reference(PerSecond):
    """Takes one to five references; the prompt names them "Image 1", "Video 1", each kind counted in order."""

    id: ClassVar[str] = "wan27-reference"
    title: ClassVar[str] = "Wan 2.7 reference"
    summary: ClassVar[str] = "Make a video with what your pictures and clips show, with Wan 2.7 (2 to 10 s)."
    endpoint: ClassVar[str] = "fal-ai/wan/v2.7/reference-to-video"
    rates: ClassVar[Rates] = Rates(
        microusd={"720p": 100_000, "1080p": 100_000},
        unit_microusd=100_000,
        unit="per second of reference clips and video together",
        source="https://fal.ai/models/fal-ai/wan/v2.7/reference-to-video",
        read_on="2026-11-20",
    )
    purpose: ClassVar[str] = (
        "The people and things of up to five pictures and clips play in a new video. Call them Image 1, Image 2 and "
        "Video 1 in your prompt. A clip's seconds are charged like the video's."
    )
    example_prompt: ClassVar[str] = "Image 1 dances in the place of Image 2, with the moves of Video 1."
    priced: ClassVar[tuple[str, ...]] = ("resolution", "duration")
    stand_in: ClassVar[str | None] = "image1"

    prompt: str = Field(
        min_length=1, max_length=5000, description="What should happen; name the files Image 1, Image 2, Video 1, …."
    )
    image1: Annotated[Attached | None, PICTURE] = Field(default=None, description="Reference picture, up to 20 MB.")
    image2: Annotated[Attached | None, PICTURE] = Field(default=None, description="Reference picture, up to 20 MB.")
    image3: Annotated[Attached | None, PICTURE] = Field(default=None, description="Reference picture, up to 20 MB.")
    image4: Annotated[Attached | None, PICTURE] = Field(default=None, description="Reference picture, up to 20 MB.")
    image5: Annotated[Attached | None, PICTURE] = Field(default=None, description="Reference picture, up to 20 MB.")
    video1: Annotated[Attached | None, CLIP] = Field(
        default=None, description="Reference clip, 1 to 30 s; its seconds are charged too."
    )
    video2: Annotated[Attached | None, CLIP] = Field(
        default=None, description="Reference clip, 1 to 30 s; its seconds are charged too."
    )
    video3: Annotated[Attached | None, CLIP] = Field(
        default=None, description="Reference clip, 1 to 30 s; its seconds are charged too."
    )
    resolution: Literal["720p", "1080p"] = Field(default="720p", description="How large the video is.")
    duration: int = Field(default=5, ge=2, le=10, description="Seconds of video.")
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] = Field(
        default="16:9", description="The shape of the video."
    )
    multi_shots: bool = Field(default=False, description="Let Wan cut the video into several shots.")
    negative_prompt: str | None = Field(default=None, max_length=500, description="What to keep out of the video.")
    enable_safety_checker: bool = Field(default=True, description="Have fal check what goes in and comes out.")
    seed: int | None = Field(
        default=None, ge=0, le=SEED_27_MAX, description="The same seed and settings give much the same video."
    )

    @model_validator(mode="after")
    def _some_references(self) -> Self:
        count = len(self.attached())
        if not count:
            raise ValueError("There's no reference. Attach at least one picture or clip and try again.")
        if count > REFERENCES_MAX:
            raise ValueError(
                f"These are {count} references; Wan 2.7 takes at most {REFERENCES_MAX}, pictures and clips together. "
                "Leave some out and try again."
            )
        return self

    def media_payload(self, urls: Mapping[str, str]) -> dict[str, Any]:
        """Return two lists of URLs in the order of the options; an empty list is left out."""
        lists = {
            "reference_image_urls": [urls[name] for name in self.attached() if self.media()[name].kind == "image"],
            "reference_video_urls": [urls[name] for name in self.attached() if self.media()[name].kind == "video"],
        }
        return {name: values for name, values in lists.items() if values}

    def priced_by_files(self) -> bool:
        """Whether there is a reference clip: fal charges for its seconds."""
        return any(self.media()[name].kind == "video" for name in self.attached())

    def charged_input_us(self, facts: Mapping[str, MediaFacts]) -> int:
        """Return the length of all reference clips together."""
        clips = [facts[name].seconds or 0.0 for name in self.attached() if self.media()[name].kind == "video"]
        return sum(microseconds(seconds) for seconds in clips)
