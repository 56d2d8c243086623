"""Wan 2.7.

https://fal.ai/models/fal-ai/wan/v2.7/image-to-video/api
https://fal.ai/models/fal-ai/wan/v2.7/text-to-video/api
https://fal.ai/models/fal-ai/wan/v2.7/reference-to-video/api
https://fal.ai/models/fal-ai/wan/v2.7/edit-video/api
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field

from sandbox.fal.endpoints.base import (
    SEED_MAX,
    EndpointInput,
    Video,
    aspect_of,
    field_error,
    film_with_sound,
    first_of,
    output_with_prompt,
    picture_rule,
)
from sandbox.fal.errors import Failed, model_error
from sandbox.fal.input_files import FileField, FileRule, InputFile
from sandbox.fal.render import Film

__all__ = ["Wan27EditInput", "Wan27ImageInput", "Wan27ReferenceInput", "Wan27TextInput"]

PICTURE = picture_rule(min_side=240, max_side=8000, aspect_max=8, max_bytes=20_000_000)
CLIP = FileRule(
    kind="video", formats=("mp4", "mov"), min_side=240, max_side=4096, max_bytes=100_000_000, min_s=2, max_s=10
)
REFERENCE_CLIP = FileRule(
    kind="video", formats=("mp4", "mov"), min_side=240, max_side=4096, max_bytes=100_000_000, min_s=1, max_s=30
)
REFERENCE_PICTURE = picture_rule(min_side=240, max_side=8000, max_bytes=20_000_000)
SOUND = FileRule(kind="audio", formats=("wav", "mp3"), max_bytes=15_000_000, min_s=2, max_s=30)
SOUND_BESIDE_TEXT = FileRule(kind="audio", formats=("wav", "mp3"), max_bytes=15_000_000, min_s=3, max_s=30)
REFERENCES_MAX = 5


class Wan27ImageInput(EndpointInput):
    """fal-ai/wan/v2.7/image-to-video."""

    endpoint: ClassVar[str] = "fal-ai/wan/v2.7/image-to-video"
    unit_price_usd: ClassVar[float] = 0.1
    unit: ClassVar[str] = "second"

    prompt: str | None = Field(default=None, max_length=5000)
    image_url: str | None = None
    end_image_url: str | None = None
    video_url: str | None = None
    audio_url: str | None = None
    resolution: Literal["720p", "1080p"] = "1080p"
    duration: Literal[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] = 5
    negative_prompt: str | None = Field(default=None, max_length=500)
    enable_prompt_expansion: bool = True
    seed: int | None = Field(default=None, ge=0, le=SEED_MAX)
    enable_safety_checker: bool = True

    def file_fields(self) -> list[FileField]:
        """Return the given files, after checking their combination."""
        self._check_combination()
        given = (
            ("image_url", self.image_url, PICTURE),
            ("video_url", self.video_url, CLIP),
            ("end_image_url", self.end_image_url, PICTURE),
            ("audio_url", self.audio_url, SOUND),
        )
        return [FileField(("body", field), url, rule) for field, url, rule in given if url is not None]

    def _check_combination(self) -> None:
        """Refuse files that exclude each other. A prompt alone is accepted: the page requires no file."""
        if self.image_url is not None and self.video_url is not None:
            raise field_error("video_url", "video_url cannot be combined with image_url")
        if self.audio_url is not None and self.video_url is not None:
            raise field_error("audio_url", "audio_url cannot be combined with video_url")
        if self.image_url is None and self.video_url is None:
            if self.end_image_url is not None:
                raise field_error("end_image_url", "end_image_url needs image_url or video_url")
            if not self.prompt:
                raise field_error("image_url", "one of prompt, image_url and video_url is needed")

    def check(self, files: Sequence[InputFile]) -> None:
        """Refuse a clip that is as long as the output: `duration` is the total (inferred, fal does not document it)."""
        clip = first_of(files, "video_url")
        if clip is not None and clip.seconds is not None and self.duration <= clip.seconds:
            message = f"duration is the total and must exceed the clip's {clip.seconds:.1f} seconds"
            raise field_error("duration", message, self.duration)

    def film(self, files: Sequence[InputFile], seed: int) -> Film:
        """Return a video in the first file's aspect."""
        return film_with_sound(
            self.resolution, aspect_of("auto", first_of(files, "image_url", "video_url")), self.duration, seed
        )

    def units(self, film: Film, files: Sequence[InputFile]) -> float:  # noqa: ARG002 - other modes bill their inputs
        """Bill the output's seconds, times 1.5 at 1080p."""
        return self.duration * (1.5 if self.resolution == "1080p" else 1.0)

    def output(self, video: Video, seed: int) -> Mapping[str, Any]:
        """Return the video, the seed, and the rewritten prompt when rewriting is on."""
        return output_with_prompt(video, seed, self.prompt, is_rewritten=self.enable_prompt_expansion)


class Wan27TextInput(EndpointInput):
    """fal-ai/wan/v2.7/text-to-video."""

    endpoint: ClassVar[str] = "fal-ai/wan/v2.7/text-to-video"
    unit_price_usd: ClassVar[float] = 0.1
    unit: ClassVar[str] = "second"

    prompt: str = Field(max_length=5000)
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] = "16:9"
    audio_url: str | None = None
    resolution: Literal["720p", "1080p"] = "1080p"
    duration: Literal[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] = 5
    negative_prompt: str | None = Field(default=None, max_length=500)
    enable_prompt_expansion: bool = True
    seed: int | None = Field(default=None, ge=0, le=SEED_MAX)
    enable_safety_checker: bool = True

    def file_fields(self) -> list[FileField]:
        """Return the sound, if there is one."""
        return [] if self.audio_url is None else [FileField(("body", "audio_url"), self.audio_url, SOUND_BESIDE_TEXT)]

    def film(self, files: Sequence[InputFile], seed: int) -> Film:  # noqa: ARG002 - one signature for all modes
        """Return a video in the chosen aspect."""
        return film_with_sound(self.resolution, aspect_of(self.aspect_ratio, None), self.duration, seed)

    def units(self, film: Film, files: Sequence[InputFile]) -> float:  # noqa: ARG002 - one signature for all modes
        """Bill the output's seconds, the same at every resolution."""
        return float(self.duration)

    def output(self, video: Video, seed: int) -> Mapping[str, Any]:
        """Return the video, the seed, and the rewritten prompt when rewriting is on."""
        return output_with_prompt(video, seed, self.prompt, is_rewritten=self.enable_prompt_expansion)


class Wan27ReferenceInput(EndpointInput):
    """fal-ai/wan/v2.7/reference-to-video."""

    endpoint: ClassVar[str] = "fal-ai/wan/v2.7/reference-to-video"
    unit_price_usd: ClassVar[float] = 0.1
    unit: ClassVar[str] = "second"

    prompt: str = Field(max_length=5000)
    reference_image_urls: list[str] | None = None
    reference_video_urls: list[str] | None = None
    negative_prompt: str | None = Field(default=None, max_length=500)
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] = "16:9"
    resolution: Literal["720p", "1080p"] = "1080p"
    duration: Literal[2, 3, 4, 5, 6, 7, 8, 9, 10] = 5
    multi_shots: bool = False
    seed: int | None = Field(default=None, ge=0, le=SEED_MAX)
    enable_safety_checker: bool = True

    def file_fields(self) -> list[FileField]:
        """Return all references. None at all is accepted: the page requires only the prompt."""
        pictures, clips = self.reference_image_urls or [], self.reference_video_urls or []
        if len(pictures) + len(clips) > REFERENCES_MAX:
            field = "reference_image_urls" if pictures else "reference_video_urls"
            raise Failed(
                model_error("sequence_too_long", location=("body", field), context={"max_length": REFERENCES_MAX})
            )
        return [
            *(FileField(("body", "reference_image_urls", n), url, REFERENCE_PICTURE) for n, url in enumerate(pictures)),
            *(FileField(("body", "reference_video_urls", n), url, REFERENCE_CLIP) for n, url in enumerate(clips)),
        ]

    def film(self, files: Sequence[InputFile], seed: int) -> Film:  # noqa: ARG002 - other modes follow their inputs
        """Return a video in the chosen aspect."""
        return film_with_sound(self.resolution, aspect_of(self.aspect_ratio, None), self.duration, seed)

    def units(self, film: Film, files: Sequence[InputFile]) -> float:  # noqa: ARG002 - one signature for all modes
        """Bill the seconds of the output and of all input clips."""
        return round(self.duration + sum(one.seconds or 0 for one in files if one.kind == "video"), 3)

    def output(self, video: Video, seed: int) -> Mapping[str, Any]:
        """Return the video and the seed; this endpoint does not rewrite prompts."""
        return {"video": video.as_video_file(), "seed": seed}


class Wan27EditInput(EndpointInput):
    """fal-ai/wan/v2.7/edit-video."""

    endpoint: ClassVar[str] = "fal-ai/wan/v2.7/edit-video"
    unit_price_usd: ClassVar[float] = 0.1
    unit: ClassVar[str] = "second"

    video_url: str
    prompt: str = Field(min_length=1)
    reference_image_url: str | None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4"] | None = None
    audio_setting: Literal["auto", "origin"] = "auto"
    resolution: Literal["720p", "1080p"] = "1080p"
    duration: Literal[0, 2, 3, 4, 5, 6, 7, 8, 9, 10] = 0
    enable_safety_checker: bool = True
    seed: int | None = Field(default=None, ge=0, le=SEED_MAX)

    def file_fields(self) -> list[FileField]:
        """Return the clip, and the picture if there is one."""
        fields = [FileField(("body", "video_url"), self.video_url, CLIP)]
        if self.reference_image_url is not None:
            fields.append(FileField(("body", "reference_image_url"), self.reference_image_url, REFERENCE_PICTURE))
        return fields

    def check(self, files: Sequence[InputFile]) -> None:
        """Refuse to cut more than the clip has (inferred, fal does not document it)."""
        clip = first_of(files, "video_url")
        if clip is not None and clip.seconds is not None and self.duration > clip.seconds:
            message = f"duration must not exceed the clip's {clip.seconds:.1f} seconds"
            raise field_error("duration", message, self.duration)

    def film(self, files: Sequence[InputFile], seed: int) -> Film:
        """Return a video in the chosen aspect or the clip's, as long as asked or as the clip."""
        clip = first_of(files, "video_url")
        seconds = self._seconds(files)
        whole = film_with_sound(self.resolution, aspect_of(self.aspect_ratio or "auto", clip), 1, seed)
        return replace(whole, frames=max(1, round(seconds * whole.fps)))

    def units(self, film: Film, files: Sequence[InputFile]) -> float:  # noqa: ARG002 - one signature for all modes
        """Bill the output's seconds, the same at every resolution."""
        return round(self._seconds(files), 3)

    def output(self, video: Video, seed: int) -> Mapping[str, Any]:
        """Return the video and the seed; this endpoint does not rewrite prompts."""
        return {"video": video.as_video_file(), "seed": seed}

    def _seconds(self, files: Sequence[InputFile]) -> float:
        clip = first_of(files, "video_url")
        return float(self.duration or (clip.seconds if clip is not None and clip.seconds else 0))
