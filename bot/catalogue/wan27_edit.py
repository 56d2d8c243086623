"""Wan 2.7: a clip changed as an instruction says, and else left as it is.

https://fal.ai/models/fal-ai/wan/v2.7/edit-video
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from bot.catalogue.fields import PROMPT_LENGTH_MAX, SEED_27_MAX, Attached
from bot.catalogue.mode import PerSecond
from bot.catalogue.phrases import shortened
from bot.catalogue.price import MICROSECONDS_PER_S, Rates, microseconds, seconds_text
from bot.errors import MediaRefused, OptionRefused
from bot.media_spec import MediaFacts, MediaSpec
from bot.money import exact_dollars
from bot.units import MB

CLIP = MediaSpec(
    kind="video",
    subject="Wan 2.7 changes clips",
    formats=("mp4", "mov"),
    bytes_max=100 * MB,
    side_min=240,  # our choice: the page names no sides; these are the image-to-video page's
    side_max=4096,
    seconds_min=2,
    seconds_max=10,
)
PICTURE = MediaSpec(  # our own bounds: the page names none; these are the image-to-video page's
    kind="image",
    subject="Wan 2.7 takes pictures",
    formats=("jpeg", "png", "bmp", "webp"),
    bytes_max=20 * MB,
    side_min=240,
    side_max=8000,
    aspect_max=8,
)
CUT_MIN_S = 2
LENGTH_UNKNOWN = "The price depends on how long the clip is. Choose a duration and try again."
_BY_TEXT = {str(number): number for number in (0, *range(CUT_MIN_S, 11))}


def _duration(value: object) -> int:
    """Read a length, also as text; refuse others in a sentence, because the list of all eleven would be none."""
    number = _BY_TEXT.get(str(value))
    if number is None:
        raise ValueError(
            f"The duration is {shortened(value)}, and Wan 2.7 edit takes 2 to 10 s, or 0 for the whole clip. "
            "Change it and try again."
        )
    return number


Duration: TypeAlias = Annotated[Literal[0, 2, 3, 4, 5, 6, 7, 8, 9, 10], BeforeValidator(_duration)]


class Wan27Edit(PerSecond):
    """A clip and an instruction. The video is as long as the clip, or cut from its start to `duration`."""

    id: ClassVar[str] = "wan27-edit"
    title: ClassVar[str] = "Wan 2.7 edit"
    summary: ClassVar[str] = "Change a clip as you say with Wan 2.7 (up to 10 s, up to 1080p)."
    endpoint: ClassVar[str] = "fal-ai/wan/v2.7/edit-video"
    rates: ClassVar[Rates] = Rates(
        microusd={"720p": 100_000, "1080p": 100_000},
        unit_microusd=100_000,
        unit="per second",
        source="https://fal.ai/models/fal-ai/wan/v2.7/edit-video",
        read_on="2026-11-28",
    )
    purpose: ClassVar[str] = (
        "Say what to change, and the rest of your clip stays: another season, another background, a hat. Add "
        "`reference_image` to show what you mean. You pay for the seconds that come out."
    )
    example_prompt: ClassVar[str] = "Make it night, with a full moon over the lake."
    priced: ClassVar[tuple[str, ...]] = ("resolution", "duration")
    keeps_length_of: ClassVar[str | None] = "video"

    prompt: str = Field(
        min_length=1, max_length=PROMPT_LENGTH_MAX, description="What to change in the clip; the rest stays."
    )
    video: Annotated[Attached, CLIP] = Field(
        description="The clip to change: MP4 or MOV, from 2 s; of a longer one, the first 10 s."
    )
    reference_image: Annotated[Attached | None, PICTURE] = Field(
        default=None, description="A picture of what to put in, up to 20 MB."
    )
    resolution: Literal["720p", "1080p"] = Field(default="720p", description="How large the video is.")
    duration: Duration = Field(default=0, description="Seconds of video, cut from the clip's start.")
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] | None = Field(
        default=None, description="The shape of the video; without it, the clip's."
    )
    audio_setting: Literal["auto", "origin"] = Field(
        default="auto", description="origin keeps the clip's own sound; with auto, Wan decides."
    )
    enable_safety_checker: bool = Field(default=True, description="Have fal check what goes in and comes out.")
    seed: int | None = Field(
        default=None, ge=0, le=SEED_27_MAX, description="The same seed and settings give much the same video."
    )

    def priced_by_files(self) -> bool:
        """Whether the whole clip is kept, so that its length is the video's."""
        return not self.duration

    def check_rules(self, facts: Mapping[str, MediaFacts]) -> None:
        """Check that the clip is as long as what is to be cut from it."""
        seconds = facts["video"].seconds
        if seconds is not None and self.duration > seconds:
            most = f"2 to {int(seconds)} s" if seconds >= CUT_MIN_S + 1 else "2 s"
            long = seconds_text(microseconds(seconds))
            raise MediaRefused(
                f"This clip is {long} s long, so {self.duration} s can't be cut from it. "
                f"Choose a duration of {most}, or the whole clip, and try again."
            )

    def units(self, facts: Mapping[str, MediaFacts]) -> Fraction:
        """Return the seconds of the video; raises OptionRefused where they are the clip's and that was not read."""
        return Fraction(self._length_us(facts), MICROSECONDS_PER_S)

    def formula(self, rate: int, facts: Mapping[str, MediaFacts]) -> str:
        """Return "4.3 s × $0.10"."""
        return f"{seconds_text(self._length_us(facts))} s × {exact_dollars(rate)}"

    def output_seconds(self, facts: Mapping[str, MediaFacts]) -> float:
        """Return the duration, or the clip's length in whole seconds: clips about as long take about as long."""
        return float(round(Fraction(self._length_us(facts), MICROSECONDS_PER_S)))

    def _length_us(self, facts: Mapping[str, MediaFacts]) -> int:
        if self.duration:
            return self.duration * MICROSECONDS_PER_S
        clip = facts.get("video")
        if clip is None or clip.seconds is None:
            raise OptionRefused(LENGTH_UNKNOWN, option="duration")
        return microseconds(clip.seconds)
