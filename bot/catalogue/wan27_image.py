"""Wan 2.7: a video from a picture, between two pictures, or continuing a clip.

https://fal.ai/models/fal-ai/wan/v2.7/image-to-video
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from bot.catalogue.fields import SEED_27_MAX, Attached
from bot.catalogue.mode import PerSecond, SlashCommand
from bot.catalogue.price import Rates, microseconds, seconds_text
from bot.errors import MediaRefused
from bot.media_spec import MediaFacts, MediaSpec
from bot.units import MB

PICTURE = MediaSpec(
    kind="image",
    subject="Wan 2.7 takes pictures",
    formats=("jpeg", "png", "bmp", "webp"),
    bytes_max=20 * MB,
    side_min=240,
    side_max=8000,
    aspect_max=8,
)
CLIP = MediaSpec(
    kind="video",
    subject="Wan 2.7 continues clips",
    formats=("mp4", "mov"),
    bytes_max=100 * MB,
    side_min=240,
    side_max=4096,
    seconds_min=2,
    seconds_max=10,
)
SOUND = MediaSpec(
    kind="audio",
    subject="Wan 2.7 follows sound files",
    formats=("wav", "mp3"),
    bytes_max=15 * MB,
    seconds_min=2,
    seconds_max=30,
)


class Wan27Image(PerSecond):
    """Takes `image` with or without `end_image` and `audio`, or `video` with or without `end_image`."""

    id: ClassVar[str] = "wan27-image"
    title: ClassVar[str] = "Wan 2.7 image"
    summary: ClassVar[str] = "Make a picture move, or continue a clip, with Wan 2.7 (2 to 15 s, up to 1080p)."
    endpoint: ClassVar[str] = "fal-ai/wan/v2.7/image-to-video"
    rates: ClassVar[Rates] = Rates(
        microusd={"720p": 100_000, "1080p": 150_000},
        unit_microusd=100_000,
        unit="per second",
        source="https://fal.ai/models/fal-ai/wan/v2.7/image-to-video",
        read_on="2026-11-20",
    )
    priced: ClassVar[tuple[str, ...]] = ("resolution", "duration")
    stand_in: ClassVar[str | None] = "image"

    prompt: str | None = Field(default=None, max_length=5000, description="What should happen in the video.")
    image: Annotated[Attached | None, PICTURE] = Field(
        default=None, description="The first frame: JPEG, PNG, BMP or WEBP, up to 20 MB."
    )
    end_image: Annotated[Attached | None, PICTURE] = Field(
        default=None, description="The last frame, beside an image or a video."
    )
    video: Annotated[Attached | None, CLIP] = Field(
        default=None, description="A clip to continue, instead of an image: MP4 or MOV, 2 to 10 s."
    )
    audio: Annotated[Attached | None, SOUND] = Field(
        default=None, description="Sound that drives the video, beside an image: WAV or MP3, 2 to 30 s."
    )
    resolution: Literal["720p", "1080p"] = Field(default="720p", description="How large the video is.")
    duration: int = Field(
        default=5, ge=2, le=15, description="Seconds of the whole video, with the continued clip in it."
    )
    negative_prompt: str | None = Field(default=None, max_length=500, description="What to keep out of the video.")
    enable_prompt_expansion: bool = Field(default=True, description="Let Wan rewrite the prompt in more detail.")
    enable_safety_checker: bool = Field(default=True, description="Have fal check what goes in and comes out.")
    seed: int | None = Field(
        default=None, ge=0, le=SEED_27_MAX, description="The same seed and settings give much the same video."
    )

    @classmethod
    def slash_commands(cls) -> tuple[SlashCommand, ...]:
        """Return `/wan27 image` and `/wan27 continue`: whoever has a clip does not look for a picture's options.

        The length of a continuation has no default: the clip counts, and only its member knows how long that is.
        """
        return (
            SlashCommand(
                name="image",
                summary="Make a picture move with Wan 2.7 (2 to 15 s, up to 1080p).",
                purpose="Your picture is the first frame, and your prompt says what happens next. Add `end_image` for "
                "the last frame, or `audio` for a voice or music that drives the video.",
                example="Slow zoom in. Waves roll onto the beach, and her scarf flaps in the wind.",
                needs=frozenset({"prompt", "image"}),
                without=frozenset({"video"}),
                descriptions={"end_image": "The last frame.", "duration": "Seconds of video."},
            ),
            SlashCommand(
                name="continue",
                summary="Continue a clip with Wan 2.7 (up to 15 s with the clip, up to 1080p).",
                purpose="Your clip goes on where it ends. `duration` counts the whole video, your clip included, and "
                "so does the price.",
                example="The camera follows the dog into the woods.",
                needs=frozenset({"prompt", "video", "duration"}),
                without=frozenset({"image", "audio"}),
                descriptions={
                    "prompt": "What should happen next.",
                    "video": "The clip to continue: MP4 or MOV; of a longer one, the last 10 s.",
                    "duration": "Seconds of the whole video, the clip included: up to 15.",
                    "end_image": "The last frame of the whole video.",
                },
            ),
        )

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if self.image and self.video:
            raise ValueError(
                "Wan 2.7 starts from a picture or continues a clip, not both. Remove one of them and try again."
            )
        if self.audio and self.video:
            raise ValueError("Sound goes with a picture, not with a clip. Remove one of them and try again.")
        if self.end_image and not (self.image or self.video):
            raise ValueError(
                "An end image alone has nothing to start from. Attach a picture or a clip too and try again."
            )
        if not (self.image or self.video):
            raise ValueError("There's nothing to start from. Attach a picture or a clip and try again.")
        return self

    def check_rules(self, facts: Mapping[str, MediaFacts]) -> None:
        """Check that the clip to continue is shorter than the video, whose duration includes it."""
        seconds = facts["video"].seconds if self.video else None
        if seconds is not None and seconds >= self.duration:
            raise MediaRefused(
                f"This clip is {seconds_text(microseconds(seconds))} s long, and the duration counts it in: "
                f"{self.duration} s leaves nothing to add. Choose a duration of {int(seconds) + 1} to 15 s, "
                "or trim the clip, and try again."
            )
