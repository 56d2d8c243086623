"""Validation by the stand-in, which happens when a request runs, never at submit."""

import base64
from typing import Any

import pytest

from tests.support.fal_requests import (
    QUICK,
    WAN21,
    WAN22,
    WAN25,
    WAN25_TEXT,
    WAN27,
    WAN27_EDIT,
    WAN27_REFERENCE,
    WAN27_TEXT,
    FalRequests,
)
from tests.support.media_samples import mp3, mp4, ogg, picture, png, wav

GONE = "http://127.0.0.1:1/files/b/x/y.png"
BASE: dict[str, dict[str, Any]] = {
    WAN27: {"image_url": GONE},
    WAN27_REFERENCE: {"prompt": "x"},
    WAN27_EDIT: {"prompt": "x", "video_url": GONE},
    WAN27_TEXT: {"prompt": "x"},
    WAN25_TEXT: {"prompt": "x"},
    WAN25: {"prompt": "x", "image_url": GONE},
    WAN22: {"prompt": "x", "video_url": GONE},
    WAN21: {"prompt": "x", "image_url": GONE},
}


@pytest.mark.parametrize(
    ("endpoint", "field", "value", "kind"),
    [
        (WAN27, "duration", "5", "literal_error"),
        (WAN27, "duration", 16, "literal_error"),
        (WAN27, "resolution", "480p", "literal_error"),
        (WAN27, "seed", -1, "greater_than_equal"),
        (WAN27, "seed", 2_147_483_648, "less_than_equal"),
        (WAN27, "seed", "7", "int_type"),
        (WAN27, "prompt", "x" * 5001, "string_too_long"),
        (WAN27, "negative_prompt", "x" * 501, "string_too_long"),
        (WAN27, "nonesuch", 1, "extra_forbidden"),
        (WAN27_REFERENCE, "prompt", None, "string_type"),
        (WAN27_REFERENCE, "duration", 11, "literal_error"),
        (WAN27_REFERENCE, "reference_image_urls", GONE, "list_type"),
        (WAN27_REFERENCE, "reference_image_urls", [GONE] * 6, "sequence_too_long"),
        (WAN27_EDIT, "duration", 1, "literal_error"),
        (WAN27_EDIT, "duration", "5", "literal_error"),
        (WAN27_EDIT, "audio_setting", "mute", "literal_error"),
        (WAN27_TEXT, "duration", "5", "literal_error"),
        (WAN27_TEXT, "aspect_ratio", "auto", "literal_error"),
        (WAN27_TEXT, "image_url", GONE, "extra_forbidden"),
        (WAN25_TEXT, "duration", 5, "literal_error"),
        (WAN25_TEXT, "aspect_ratio", "4:3", "literal_error"),
        (WAN25_TEXT, "prompt", "x" * 1501, "string_too_long"),
        (WAN25, "duration", 5, "literal_error"),
        (WAN25, "duration", "6", "literal_error"),
        (WAN25, "prompt", "x" * 801, "string_too_long"),
        (WAN22, "num_frames", 16, "greater_than_equal"),
        (WAN22, "strength", 1.1, "less_than_equal"),
        (WAN22, "num_interpolated_frames", 5, "less_than_equal"),
        (WAN22, "video_quality", "best", "literal_error"),
        (WAN21, "num_frames", 101, "less_than_equal"),
        (WAN21, "frames_per_second", 4, "greater_than_equal"),
        (WAN21, "enable_safety_checker", "yes", "bool_type"),
    ],
)
async def test_fields(fal: FalRequests, endpoint: str, field: str, value: object, kind: str) -> None:
    """A field outside its page's type, range or choices is a 422 at that field, never at submit."""
    entry = await fal.error(endpoint, BASE[endpoint] | {field: value})
    assert (entry["loc"], entry["type"]) == (["body", field], kind)


@pytest.mark.parametrize(
    ("endpoint", "field"),
    [
        (WAN27_REFERENCE, "prompt"),
        (WAN27_EDIT, "prompt"),
        (WAN27_EDIT, "video_url"),
        (WAN27_TEXT, "prompt"),
        (WAN25_TEXT, "prompt"),
        (WAN25, "image_url"),
        (WAN22, "video_url"),
        (WAN21, "prompt"),
    ],
)
async def test_required(fal: FalRequests, endpoint: str, field: str) -> None:
    """A missing required field is pydantic's `missing`, billed with nothing."""
    body = {name: value for name, value in BASE[endpoint].items() if name != field}
    result = await fal.run(endpoint, body)
    assert (result.status_code, result.headers["x-fal-billable-units"]) == (422, "0")
    entry = result.json()["detail"][0]
    assert (entry["loc"], entry["type"], entry["msg"]) == (["body", field], "missing", "Field required")


async def test_body_that_is_no_json(fal: FalRequests) -> None:
    """A body that is not JSON is accepted at submit; the result is an error."""
    handle = (await fal.http.post(f"/{WAN27}", content=b"{", headers=fal.key)).json()
    await fal.events(handle)
    result = await fal.get(handle["response_url"])
    assert (result.status_code, result.json()["detail"][0]["type"]) == (422, "json_invalid")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "image_url"),
        ({"image_url": GONE, "video_url": GONE}, "video_url"),
        ({"video_url": GONE, "audio_url": GONE}, "audio_url"),
        ({"prompt": "x", "end_image_url": GONE}, "end_image_url"),
    ],
)
async def test_combinations(fal: FalRequests, given: dict[str, str], field: str) -> None:
    """Wan 2.7 refuses the combinations of inputs that fal refuses."""
    entry = await fal.error(WAN27, given)
    assert (entry["loc"], entry["type"]) == (["body", field], "value_error")


MEDIA = {
    "small": (png(239, 300), "image/png"),
    "wide": (png(2001, 400), "image/png"),
    "slim": (png(240, 2000), "image/png"),
    "gif": (picture(300, 300, "GIF"), "image/gif"),
    "cut": (png(300, 300)[:200], "image/png"),
    "text": (b"not a picture", "image/png"),
    "short": (mp4(seconds=1, width=256, height=256), "video/mp4"),
    "sound": (wav(1), "audio/wav"),
    "ogg": (ogg(3), "audio/ogg"),
    "good": (png(400, 400), "image/png"),
}


@pytest.mark.parametrize(
    ("endpoint", "field", "sample", "kind", "context"),
    [
        (WAN27, "image_url", "small", "image_too_small", {"min_width": 240, "min_height": 240}),
        (WAN25, "image_url", "wide", "image_too_large", {"max_width": 2000, "max_height": 2000}),
        (WAN27, "image_url", "slim", "value_error", None),
        (WAN27, "image_url", "gif", "unsupported_image_format", None),
        (WAN27, "image_url", "cut", "image_load_error", None),
        (WAN27, "image_url", "text", "image_load_error", None),
        (WAN27, "video_url", "short", "video_duration_too_short", {"min_duration": 2.0, "provided_duration": 1.0}),
        (WAN27, "video_url", "text", "unsupported_video_format", {"supported_formats": [".mp4", ".mov"]}),
        (WAN27, "audio_url", "sound", "audio_duration_too_short", {"min_duration": 2.0, "provided_duration": 1.0}),
        (WAN27, "audio_url", "ogg", "unsupported_audio_format", {"supported_formats": [".wav", ".mp3"]}),
    ],
)
async def test_media(
    fal: FalRequests, *, endpoint: str, field: str, sample: str, kind: str, context: dict[str, Any] | None
) -> None:
    """A file outside its field's limits ends in fal's documented error with its context."""
    body: dict[str, Any] = {"prompt": "x", field: await fal.upload(*MEDIA[sample])}
    if field == "audio_url":
        body["image_url"] = await fal.upload(*MEDIA["good"])
    entry = await fal.error(endpoint, body)
    assert (entry["loc"], entry["type"]) == (["body", field], kind)
    assert context is None or entry["ctx"] == context


@pytest.mark.parametrize("url", [GONE, "https://example.com/a.png", "nonesuch", "data:image/png;base64,!!"])
async def test_file_elsewhere(fal: FalRequests, url: str) -> None:
    """A file that is not on the stand-in's own storage cannot be downloaded: nothing outside is contacted."""
    entry = await fal.error(WAN27, QUICK | {"image_url": url})
    assert (entry["loc"], entry["type"]) == (["body", "image_url"], "file_download_error")


async def test_file_too_large(fal: FalRequests) -> None:
    """A file above its field's size limit is refused with that limit."""
    body = {"image_url": await fal.upload(png(400, 400)), "audio_url": await fal.upload(b"\0" * 15_000_001)}
    entry = await fal.error(WAN27, body)
    assert (entry["type"], entry["ctx"]) == ("file_too_large", {"max_size": 15_000_000})


async def test_data_uri(fal: FalRequests) -> None:
    """A picture may come as a data URI."""
    url = "data:image/png;base64," + base64.b64encode(png(320, 240)).decode()
    assert (await fal.run(WAN27, QUICK | {"image_url": url})).status_code == 200


async def test_continued_clip_must_be_shorter(fal: FalRequests) -> None:
    """Wan 2.7's duration includes the continued clip, so it must exceed it."""
    clip = await fal.upload(mp4(seconds=3, width=256, height=256), "video/mp4")
    entry = await fal.error(WAN27, {"video_url": clip, "duration": 3})
    assert entry["loc"] == ["body", "duration"]


async def test_sounds_are_taken(fal: FalRequests) -> None:
    """WAV and MP3 are both accepted."""
    image = await fal.upload(png(400, 400))
    for sound in (wav(3), mp3(3)):
        body = QUICK | {"image_url": image, "audio_url": await fal.upload(sound, "audio/wav")}
        assert (await fal.run(WAN27, body)).status_code == 200
