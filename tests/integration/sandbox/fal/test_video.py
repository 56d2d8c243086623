"""The stand-in's videos are real: they are decoded to the last frame."""

import io
from typing import Any

import av
import pytest

from tests.support.fal_requests import (
    QUICK,
    WAN21,
    WAN22,
    WAN25,
    WAN27,
    WAN27_EDIT,
    WAN27_REFERENCE,
    WAN27_TEXT,
    FalRequests,
    video_facts,
)
from tests.support.media_samples import boxes, mp4, png, wav

SMALL = png(640, 360)
CLIP = mp4(seconds=2, width=320, height=240)


async def made(fal: FalRequests, endpoint: str, body: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Run a request that must succeed; returns its output and the downloaded video."""
    result = await fal.run(endpoint, body)
    assert result.status_code == 200, result.text
    output = result.json()
    video = (await fal.http.get(output["video"]["url"])).raise_for_status()
    assert video.headers["content-type"] == "video/mp4"
    assert output["video"]["file_size"] == len(video.content)
    return output, video.content


def frames(video: bytes) -> list[bytes]:
    """Return the brightness of each frame's pixels."""
    with av.open(io.BytesIO(video), "r") as container:
        return [bytes(frame.planes[0]) for frame in container.decode(video=0)]


async def test_wan27_image(fal: FalRequests) -> None:
    """Wan 2.7 follows the picture's aspect, has sound, and says what it made."""
    body = QUICK | {"image_url": await fal.upload(png(480, 640)), "end_image_url": await fal.upload(SMALL)}
    output, video = await made(fal, WAN27, body)
    assert video_facts(video) == {
        "codec": "h264",
        "pix_fmt": "yuv420p",
        "size": (720, 960),
        "seconds": pytest.approx(2, abs=0.03),
        "fps": 16,
        "audio": ["aac"],
        "frames": 32,
    }
    described = {name: output["video"][name] for name in ("width", "height", "fps", "duration", "num_frames")}
    assert described == {"width": 720, "height": 960, "fps": 16.0, "duration": 2.0, "num_frames": 32}
    assert output["seed"] == 7
    assert output["actual_prompt"].startswith("A kite. ")


async def test_wan27_continues_a_clip(fal: FalRequests) -> None:
    """A continued clip gives its first frame and its aspect; without expansion no rewritten prompt comes back."""
    clip = await fal.upload(CLIP, "video/mp4")
    body = {"video_url": clip, "duration": 3, "resolution": "720p", "enable_prompt_expansion": False}
    output, video = await made(fal, WAN27, body)
    assert (video_facts(video)["size"], video_facts(video)["frames"]) == ((960, 720), 48)
    assert "actual_prompt" not in output


async def test_wan27_edit(fal: FalRequests) -> None:
    """A changed clip keeps its length and its shape unless others are asked for, and its seconds are billed."""
    body = {"prompt": "at night", "video_url": await fal.upload(CLIP, "video/mp4"), "resolution": "720p"}
    output, video = await made(fal, WAN27_EDIT, body)
    assert (video_facts(video)["size"], video_facts(video)["frames"]) == ((960, 720), 32)
    assert "actual_prompt" not in output
    _, other = await made(fal, WAN27_EDIT, body | {"aspect_ratio": "1:1", "duration": 2})
    assert (video_facts(other)["size"], video_facts(other)["frames"]) == ((720, 720), 32)
    assert [one["billed_units"] for one in await fal.requests()] == [2, 2]
    entry = await fal.error(WAN27_EDIT, body | {"duration": 3})
    assert entry["loc"] == ["body", "duration"]


async def test_wan27_text(fal: FalRequests) -> None:
    """Words alone become a video of the asked shape, with the given sound under it; 1080p costs no more."""
    sound = await fal.upload(wav(3), "audio/wav")
    body = {"prompt": "A kite", "audio_url": sound, "aspect_ratio": "3:4", "resolution": "1080p", "duration": 2}
    output, video = await made(fal, WAN27_TEXT, body)
    assert (video_facts(video)["size"], video_facts(video)["audio"]) == ((1080, 1440), ["aac"])
    assert output["actual_prompt"].startswith("A kite. ")
    assert (await fal.requests())[0]["billed_units"] == 2


async def test_wan27_reference(fal: FalRequests) -> None:
    """Wan 2.7 reference keeps the asked aspect and bills the input clips' seconds too."""
    body: dict[str, Any] = {
        "prompt": "Image 1 meets Video 1",
        "reference_image_urls": [await fal.upload(SMALL)],
        "reference_video_urls": [await fal.upload(CLIP, "video/mp4")],
        "aspect_ratio": "3:4",
        "resolution": "720p",
        "duration": 3,
    }
    _, video = await made(fal, WAN27_REFERENCE, body)
    assert (video_facts(video)["size"], video_facts(video)["audio"]) == ((720, 960), ["aac"])
    assert (await fal.requests())[0]["billed_units"] == 5


async def test_wan25_image(fal: FalRequests) -> None:
    """Wan 2.5 takes its duration as a string and puts the given sound under the film."""
    body: dict[str, Any] = {
        "prompt": "x",
        "image_url": await fal.upload(SMALL),
        "audio_url": await fal.upload(wav(3), "audio/wav"),
        "resolution": "480p",
        "duration": "5",
    }
    output, video = await made(fal, WAN25, body)
    assert (video_facts(video)["size"], video_facts(video)["audio"], video_facts(video)["frames"]) == (
        (854, 480),
        ["aac"],
        80,
    )
    assert (output["video"]["duration"], (await fal.requests())[0]["billed_units"]) == (5.0, 5)


@pytest.mark.parametrize(
    ("options", "frames", "fps", "units"),
    [
        ({}, 33, 32, 0.53125),
        ({"adjust_fps_for_interpolation": False}, 33, 16, 0.53125),
        ({"interpolator_model": "none"}, 17, 16, 0.53125),
        ({"num_interpolated_frames": 0, "frames_per_second": 24}, 17, 24, 0.53125),
        ({"num_interpolated_frames": 4, "interpolator_model": "rife"}, 81, 80, 0.53125),
    ],
)
async def test_wan22_interpolation(
    fal: FalRequests, options: dict[str, Any], frames: int, fps: int, units: float
) -> None:
    """Wan 2.2 puts frames between and plays faster for it, and bills only the generated ones at 16 a second."""
    body = {"prompt": "x", "video_url": await fal.upload(CLIP, "video/mp4"), "num_frames": 17, "resolution": "480p"}
    output, video = await made(fal, WAN22, body | options)
    assert (video_facts(video)["frames"], video_facts(video)["fps"], video_facts(video)["audio"]) == (frames, fps, [])
    assert (output["prompt"], set(output["video"])) == ("x", {"url", "content_type", "file_name", "file_size"})
    assert (await fal.requests())[0]["billed_units"] == pytest.approx(units)


async def test_wan21_image(fal: FalRequests) -> None:
    """Wan 2.1 makes the asked frames at the asked rate, cropped to the asked aspect, without sound."""
    body = {"prompt": "x", "image_url": await fal.upload(SMALL), "frames_per_second": 24, "aspect_ratio": "1:1"}
    _, video = await made(fal, WAN21, body | {"resolution": "480p"})
    found = video_facts(video)
    assert (found["size"], found["frames"], found["fps"], found["audio"]) == ((480, 480), 81, 24, [])
    assert (await fal.requests())[0]["billed_units"] == 0.5


async def test_prompt_alone(fal: FalRequests) -> None:
    """Without a picture the video shows the prompt."""
    _, video = await made(fal, WAN27, QUICK)
    assert video_facts(video)["size"] == (1280, 720)


async def test_same_seed_same_bytes(fal: FalRequests) -> None:
    """Equal inputs with equal seeds give equal bytes; another seed gives other bytes."""
    body = QUICK | {"image_url": await fal.upload(SMALL)}
    _, first = await made(fal, WAN27, body)
    _, again = await made(fal, WAN27, body)
    _, other = await made(fal, WAN27, body | {"seed": 8})
    _, alike = await made(fal, WAN27, body | {"seed": 8 + 16})
    assert first == again
    assert len({first, other, alike}) == 3


async def test_a_still_camera(fal: FalRequests) -> None:
    """With is_still every seed gives the same frames, as many as ever, and its own file."""
    await fal.control("settings", {"is_still": True})
    body = QUICK | {"image_url": await fal.upload(SMALL)}
    (one, film), (other, again) = await made(fal, WAN27, body), await made(fal, WAN27, body | {"seed": 8})
    assert frames(film) == frames(again)
    assert len(frames(film)) == 32
    assert (one["seed"], other["seed"], film == again) == (7, 8, False)
    await fal.control("settings", {"is_still": False})
    _, moving = await made(fal, WAN27, body)
    assert frames(moving) != frames(film)


async def test_equal_films_stay_apart(fal: FalRequests) -> None:
    """Overwriting one of several equal results changes neither the others nor later ones."""
    first, film = await made(fal, WAN27, QUICK)
    second, _ = await made(fal, WAN27, QUICK)
    for output in (first, second):
        (await fal.http.put(output["video"]["url"], content=b"something else")).raise_for_status()
        _, after = await made(fal, WAN27, QUICK)
        assert after == film
    third, _ = await made(fal, WAN27, QUICK)
    await fal.http.put(first["video"]["url"], content=b"something else again")
    assert (await fal.http.get(third["video"]["url"])).content == film
    assert (await fal.http.get(second["video"]["url"])).content == b"something else"


async def test_random_seed(fal: FalRequests) -> None:
    """Without a seed one is chosen and returned."""
    first, _ = await made(fal, WAN27, QUICK | {"seed": None})
    second, _ = await made(fal, WAN27, QUICK | {"seed": None})
    assert first["seed"] != second["seed"]
    assert 0 <= first["seed"] <= 2_147_483_647


async def test_result_mb(fal: FalRequests) -> None:
    """result_mb pads the video to exactly that size with a box that players skip, and it starts with its index."""
    await fal.control("settings", {"result_mb": 11})
    _, video = await made(fal, WAN27, QUICK)
    names = [name for name, _, _ in boxes(video)]
    assert len(video) == 11 * 1024 * 1024
    assert names.index(b"moov") < names.index(b"mdat") < len(names) - 1
    assert names[-1] == b"free"
    assert video_facts(video)["frames"] == 32


async def test_optional_fields_may_be_null(fal: FalRequests) -> None:
    """fal may leave out everything of a result but the URL and the seed; a setting names what is null."""
    names = ["video.width", "video.file_size", "actual_prompt"]
    await fal.control("settings", {"null_fields": names})
    handle = await fal.submit(WAN27, QUICK | {"enable_prompt_expansion": True})
    await fal.events(handle)
    output = (await fal.get(handle["response_url"])).json()
    video = output["video"]
    assert (video["width"], video["file_size"], output["actual_prompt"]) == (None, None, None)
    assert (bool(video["url"]), video["height"], output["seed"]) == (True, 720, 7)


async def test_an_upload_in_parts_needs_no_token(fal: FalRequests) -> None:
    """fal's JavaScript client uploads more than 90 MiB in parts to a signed URL, and completes it there."""
    promise = await fal.http.post(
        "/storage/upload/initiate-multipart?storage_type=fal-cdn-v3",
        json={"file_name": "a.bin", "content_type": "application/octet-stream"},
        headers=fal.key,
    )
    urls = promise.json()
    path, _, signature = urls["upload_url"].partition("?")
    assert (await fal.http.put(f"{path}/1", content=b"forged")).status_code == 401
    parts = [
        (await fal.http.put(f"{path}/{n}?{signature}", content=data)).json() for n, data in ((2, b"lo"), (1, b"hel"))
    ]
    assert [part["partNumber"] for part in parts] == [2, 1]
    assert (await fal.http.post(f"{path}/complete?{signature}", json={"parts": parts})).status_code == 200
    assert (await fal.http.get(urls["file_url"])).content == b"hello"
