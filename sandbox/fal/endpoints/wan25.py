"""Wan 2.5.

https://fal.ai/models/fal-ai/wan-25-preview/image-to-video/api
https://fal.ai/models/fal-ai/wan-25-preview/text-to-video/api
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from sandbox.fal.endpoints.base import (
    EndpointInput,
    Video,
    aspect_of,
    film_with_sound,
    first_of,
    output_with_prompt,
    picture_rule,
)
from sandbox.fal.input_files import FileField, FileRule, InputFile
from sandbox.fal.render import Film

__all__ = ["Wan25ImageInput", "Wan25TextInput"]

PICTURE = picture_rule(min_side=360, max_side=2000, max_bytes=25_000_000)
SOUND = FileRule(kind="audio", formats=("wav", "mp3"), max_bytes=15_000_000, min_s=3, max_s=30)
UNITS_A_SECOND = {"480p": 1.0, "720p": 2.0, "1080p": 3.0}


class Wan25ImageInput(EndpointInput):
    """fal-ai/wan-25-preview/image-to-video."""

    endpoint: ClassVar[str] = "fal-ai/wan-25-preview/image-to-video"
    unit_price_usd: ClassVar[float] = 0.05
    unit: ClassVar[str] = "second"

    prompt: str = Field(max_length=800)
    image_url: str
    audio_url: str | None = None
    resolution: Literal["480p", "720p", "1080p"] = "1080p"
    duration: Literal["5", "10"] = "5"
    negative_prompt: str | None = Field(default=None, max_length=500)
    enable_prompt_expansion: bool = True
    enable_safety_checker: bool = True

    def file_fields(self) -> list[FileField]:
        """Return the picture and the sound."""
        fields = [FileField(("body", "image_url"), self.image_url, PICTURE)]
        if self.audio_url is not None:
            fields.append(FileField(("body", "audio_url"), self.audio_url, SOUND))
        return fields

    def film(self, files: Sequence[InputFile], seed: int) -> Film:
        """Return a video in the picture's aspect."""
        return film_with_sound(
            self.resolution, aspect_of("auto", first_of(files, "image_url")), int(self.duration), seed
        )

    def units(self, film: Film, files: Sequence[InputFile]) -> float:  # noqa: ARG002 - one signature for all modes
        """Bill the output's seconds, by resolution."""
        return int(self.duration) * UNITS_A_SECOND[self.resolution]

    def output(self, video: Video, seed: int) -> Mapping[str, Any]:
        """Return the video, the seed, and the rewritten prompt when rewriting is on."""
        return output_with_prompt(video, seed, self.prompt, is_rewritten=self.enable_prompt_expansion)


class Wan25TextInput(EndpointInput):
    """fal-ai/wan-25-preview/text-to-video."""

    endpoint: ClassVar[str] = "fal-ai/wan-25-preview/text-to-video"
    unit_price_usd: ClassVar[float] = 0.05
    unit: ClassVar[str] = "second"

    prompt: str = Field(max_length=1500)
    audio_url: str | None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    resolution: Literal["480p", "720p", "1080p"] = "1080p"
    duration: Literal["5", "10"] = "5"
    negative_prompt: str | None = Field(default=None, max_length=500)
    enable_prompt_expansion: bool = True
    enable_safety_checker: bool = True

    def file_fields(self) -> list[FileField]:
        """Return the sound, if there is one."""
        return [] if self.audio_url is None else [FileField(("body", "audio_url"), self.audio_url, SOUND)]

    def film(self, files: Sequence[InputFile], seed: int) -> Film:  # noqa: ARG002 - one signature for all modes
        """Return a video in the chosen aspect."""
        return film_with_sound(self.resolution, aspect_of(self.aspect_ratio, None), int(self.duration), seed)

    def units(self, film: Film, files: Sequence[InputFile]) -> float:  # noqa: ARG002 - one signature for all modes
        """Bill the output's seconds, by resolution."""
        return int(self.duration) * UNITS_A_SECOND[self.resolution]

    def output(self, video: Video, seed: int) -> Mapping[str, Any]:
        """Return the video, the seed, and the rewritten prompt when rewriting is on."""
        return output_with_prompt(video, seed, self.prompt, is_rewritten=self.enable_prompt_expansion)
