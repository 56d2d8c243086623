"""A file is charged by the longest length that fal may find, so one that has several is written again or refused."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.catalogue import wan22_video, wan25_image, wan27_edit, wan27_image, wan27_reference
from bot.catalogue.registry import price_table
from bot.errors import MediaRefused
from bot.media.ffmpeg import Ffmpeg
from bot.media.fitter import Fitted, Fitter
from bot.media.probe import Prober
from bot.media.rules.lengths import TOLERANCE_S
from bot.media_spec import MediaSpec
from bot.settings import MediaSettings
from sandbox.fal.clip_length import longest_s
from tests.support import media_samples, uneven_media
from tests.support.catalogue_samples import request
from tests.support.found_ffmpeg import found_ffmpeg
from tests.support.job_samples import REQUESTER

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = MediaSettings()
FFMPEG = Ffmpeg(SETTINGS, find=found_ffmpeg)
BY_NAME: dict[str, Callable[[], bytes]] = {**uneven_media.CLIPS, **uneven_media.SOUNDS}


def limits_for(name: str) -> MediaSpec:
    """Return the limits of a mode that takes such a file."""
    return wan27_image.SOUND if name in uneven_media.SOUNDS else wan27_reference.CLIP


async def fit(
    prober: Prober, folder: Path, content: bytes, limits: MediaSpec, *, ffmpeg: Ffmpeg | None = None
) -> Fitted:
    """Make a file fit."""
    path = folder / "option.in"
    await asyncio.to_thread(path.write_bytes, content)
    facts = await prober.facts(path, shown_name="it", requester=REQUESTER)
    return await Fitter(ffmpeg or FFMPEG, prober, SETTINGS).fit(path, facts, limits, requester=REQUESTER)


@pytest.mark.parametrize("name", BY_NAME)
async def test_a_file_with_several_lengths_gets_one(prober: Prober, tmp_path: Path, name: str) -> None:
    """What is uploaded is a new file, and nothing in it is longer than the length that is quoted."""
    fitted = await fit(prober, tmp_path, BY_NAME[name](), limits_for(name))
    assert fitted.path.name != "option.in"
    assert await asyncio.to_thread(longest_s, fitted.path) <= (fitted.facts.seconds or 0.0) + 0.001
    assert "saved with one length, " in " ".join(fitted.changes)
    if name in uneven_media.CLIPS and name != "a picture longer than it states":
        assert fitted.facts.seconds == pytest.approx(uneven_media.PLAYED_S, abs=TOLERANCE_S)


@pytest.mark.parametrize("name", BY_NAME)
async def test_without_an_encoder_it_is_refused(prober: Prober, tmp_path: Path, name: str) -> None:
    """A file that cannot be written again is refused in a sentence; it never goes through as it is."""
    with pytest.raises(MediaRefused, match=r"^This (clip|sound file) plays for .* s but says"):
        await fit(prober, tmp_path, BY_NAME[name](), limits_for(name), ffmpeg=Ffmpeg(SETTINGS, find=lambda: None))


@pytest.mark.parametrize(
    ("content", "limits"),
    [
        (media_samples.mp4(3.0, 320, 240, sound=True), wan27_reference.CLIP),
        (media_samples.mp4(3.0, 320, 240, sound=True, container="mov"), wan27_image.CLIP),
        (media_samples.mp4(3.0, 320, 240, container="webm", codec="libvpx", sound=True), wan22_video.CLIP),
        (media_samples.mp3(4.0), wan25_image.SOUND),
        (media_samples.wav(4.0), wan27_image.SOUND),
        (uneven_media.clip(3.0, 1.0), wan27_reference.CLIP),
        (uneven_media.clip(3.0, 3.1), wan27_reference.CLIP),
    ],
)
async def test_an_ordinary_file_stays_as_it_is(
    prober: Prober, tmp_path: Path, content: bytes, limits: MediaSpec
) -> None:
    """Padding, a sound that ends early and a small difference change nothing, and the longest length is quoted."""
    fitted = await fit(prober, tmp_path, content, limits)
    assert (fitted.path.name, fitted.changes) == ("option.in", ())
    assert await asyncio.to_thread(longest_s, fitted.path) <= (fitted.facts.seconds or 0.0) + 0.001


@pytest.mark.parametrize("name", uneven_media.REFUSED)
async def test_what_stays_uneven_is_refused(prober: Prober, tmp_path: Path, name: str) -> None:
    """What was written again is measured too, and a file that still has several lengths is refused."""
    with pytest.raises(MediaRefused, match="so its price is unclear"):
        await fit(prober, tmp_path, uneven_media.REFUSED[name](), limits_for(name))


async def test_a_webm_without_a_length(prober: Prober, tmp_path: Path) -> None:
    """A browser's recording states no length; it becomes an MP4 that does."""
    fitted = await fit(prober, tmp_path, uneven_media.live_webm(), wan22_video.CLIP)
    assert (fitted.facts.format, fitted.facts.seconds) == ("mp4", uneven_media.PLAYED_S)


async def test_a_clip_to_change_costs_what_is_left_of_it(prober: Prober, tmp_path: Path) -> None:
    """Of a clip that is too long the first 10 s are changed, and the price counts these."""
    fitted = await fit(prober, tmp_path, media_samples.mp4(12.0, 320, 240), wan27_edit.CLIP)
    assert fitted.facts.seconds == pytest.approx(10.0, abs=TOLERANCE_S)
    facts = {"video": fitted.facts}
    mode = request("wan27-edit")
    mode.check(facts)
    assert 990_000 <= mode.quote(facts, price_table()).microusd <= 1_000_000
    assert any("trimmed from 12 s" in change for change in fitted.changes)


async def test_sound_behind_its_own_damage_is_no_obstacle(prober: Prober, tmp_path: Path) -> None:
    """A clip whose sound cannot be decoded in places is measured by what can be."""
    content = bytearray(uneven_media.clip(3.0, 3.0))
    at = content.index(b"mdat") + 4
    middle = (at + content.index(b"moov")) // 2
    content[middle : middle + 40] = bytes(40)
    fitted = await fit(prober, tmp_path, bytes(content), wan27_reference.CLIP)
    assert fitted.facts.seconds == pytest.approx(3.0, abs=TOLERANCE_S)
