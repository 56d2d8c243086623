"""Real parts are joined by the real ffmpeg, within its limits."""

import asyncio
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import EncodeFailed, PartUnusable
from bot.media.ffmpeg import Ffmpeg
from bot.media.joiner import JoinedFile, Joiner, JoinPlan
from bot.media.probe import Prober
from bot.media.rules.joining import usual_rate
from bot.settings import MediaSettings
from bot.units import MIB
from tests.support import media_samples
from tests.support.film_parts import PartShape, frames_in, loudness, part
from tests.support.found_ffmpeg import found_ffmpeg
from tests.support.job_samples import REQUESTER

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = MediaSettings()
LIMIT = 10 * MIB
EXAMPLES = settings().max_examples // 16  # each of them encodes a film


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def join(
    prober: Prober,
    folder: Path,
    parts: list[bytes],
    *,
    fades: tuple[float, ...] | None = None,
    sound: bytes | None = None,
    bytes_max: int = LIMIT,
    told: list[float] | None = None,
    media: MediaSettings = SETTINGS,
) -> JoinedFile:
    """Join the parts, and check that nothing else is left in the folder."""
    paths = [folder / f"part{number}" for number in range(len(parts))]
    for path, content in zip(paths, parts, strict=True):
        path.write_bytes(content)
    track = None
    if sound is not None:
        track = folder / "track"
        track.write_bytes(sound)
    before = _names(folder)
    into = folder / "film.mp4"
    plan = JoinPlan((0.0,) * (len(parts) - 1) if fades is None else fades, track)
    left: set[str] = set()
    try:
        made = await Joiner(Ffmpeg(media, find=found_ffmpeg), prober, media).join(
            paths,
            plan,
            into,
            bytes_max=bytes_max,
            requester=REQUESTER,
            on_fraction=(told if told is not None else []).append,
        )
        left = {into.name}
    finally:
        assert _names(folder) - before == left
    return made


async def test_parts_that_are_stored_alike_stay_as_they_are(prober: Prober, tmp_path: Path) -> None:
    """Without a fade the pictures are copied bit by bit, and the sound goes on over the seams without a gap."""
    shapes = [PartShape(1.0, has_sound=True), PartShape(0.5, has_sound=True), PartShape(1.0, has_sound=True)]
    made = await join(prober, tmp_path, [part(shape) for shape in shapes])
    assert (made.width, made.height, made.seconds, made.has_sound) == (64, 48, 2.5, True)
    assert made.size_bytes == made.path.stat().st_size
    own = [frame.tobytes() for number in range(3) for frame in frames_in(tmp_path / f"part{number}")]
    assert [frame.tobytes() for frame in frames_in(made.path)] == own
    assert loudness(made.path) == [True] * 10
    assert made.path.read_bytes().index(b"moov") < made.path.read_bytes().index(b"mdat")


async def test_parts_that_differ_are_brought_to_one_size_and_rate(prober: Prober, tmp_path: Path) -> None:
    """An upright part stands between black bars, and a part without sound is silent."""
    shapes = [PartShape(1.0, 128, 72, has_sound=True), PartShape(1.0, 72, 128, fps=30), PartShape(0.5, 128, 72)]
    told: list[float] = []
    made = await join(prober, tmp_path, [part(shape) for shape in shapes], told=told)
    assert (made.width, made.height, made.seconds) == (128, 72, 2.5)
    frames = frames_in(made.path)
    assert len(frames) == 60
    bar, middle = frames[30].getpixel((4, 36)), frames[30].getpixel((64, 60))
    assert isinstance(bar, tuple)
    assert isinstance(middle, tuple)
    assert max(bar) < 16
    assert max(middle) > 40
    assert loudness(made.path) == [True] * 4 + [False] * 6
    assert told == sorted(told)
    assert told[-1] == 1.0


async def test_a_turned_part_is_joined_upright(prober: Prober, tmp_path: Path) -> None:
    """What players turn is turned in the film, which itself says nothing of a rotation."""
    turned = PartShape(1.0, 72, 128, turned=90)
    made = await join(prober, tmp_path, [part(turned), part(PartShape(0.5, 128, 72))])
    assert (made.width, made.height) == (128, 72)
    with av.open(str(made.path)) as container:
        assert next(container.decode(video=0)).rotation == 0


async def test_a_fade_shortens_the_film_and_mixes_both_parts(prober: Prober, tmp_path: Path) -> None:
    """In the middle of a fade the picture is neither part's, and the sound is both's."""
    shapes = [PartShape(1.5, shade=20, has_sound=True), PartShape(1.5, shade=220)]
    made = await join(prober, tmp_path, [part(shape) for shape in shapes], fades=(0.5,))
    assert made.seconds == 2.5
    blue = [frame.getpixel((60, 44)) for frame in frames_in(made.path)]
    seen = [pixel[2] for pixel in blue if isinstance(pixel, tuple)]
    assert seen[20] < 60
    assert 80 < seen[30] < 160
    assert seen[40] > 180
    assert loudness(made.path)[:5] == [True] * 5
    assert not any(loudness(made.path)[7:])


@pytest.mark.parametrize("fades", [(0.0,), (0.5,)], ids=["copied", "encoded"])
async def test_a_soundtrack_replaces_the_parts_sound(prober: Prober, tmp_path: Path, fades: tuple[float, ...]) -> None:
    """A shorter track is followed by silence; a longer one is cut and fades out."""
    parts = [part(PartShape(1.25, fps=16, has_sound=True)), part(PartShape(1.25, fps=16, has_sound=True))]
    made = await join(prober, tmp_path, parts, fades=fades, sound=media_samples.mp3(0.75))
    heard = loudness(made.path)
    assert made.seconds == 2.5 - sum(fades)
    assert heard[:2] == [True] * 2
    assert not any(heard[4:])
    made.path.unlink()
    made = await join(prober, tmp_path, parts, fades=fades, sound=media_samples.wav(3.0))
    heard = loudness(made.path)
    assert len(heard) == round(made.seconds / 0.25)
    assert all(heard[:-2])
    assert not heard[-1]


async def test_a_film_fits_a_tight_limit(prober: Prober, tmp_path: Path) -> None:
    """The bitrate is chosen for the limit, and where that is too low, fewer pixels too."""
    noisy = [media_samples.mp4(1.0, 640, 360, 25, sound=True), media_samples.mp4(1.0, 640, 352, 25, sound=True)]
    made = await join(prober, tmp_path, noisy, bytes_max=35_000)
    assert made.size_bytes <= 35_000
    assert 160 <= made.width < 640
    assert made.has_sound
    with pytest.raises(EncodeFailed, match="do not fit"):
        await join(prober, tmp_path, noisy, bytes_max=7_000)


HOSTILE = {
    "nothing": b"",
    "text": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "playlist": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n",
    "cut": part(PartShape())[:-400],
    "a sound": media_samples.wav(1.0),
    "a picture": media_samples.png(),
    "no samples": media_samples.without_samples(media_samples.mp4(1.0)),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
async def test_a_part_that_is_no_video_is_named(prober: Prober, tmp_path: Path, content: bytes) -> None:
    """The error says which part it is, and nothing is left behind."""
    with pytest.raises(PartUnusable) as refused:
        await join(prober, tmp_path, [part(PartShape()), content])
    assert refused.value.number == 2


async def test_what_takes_too_long_is_not_begun(prober: Prober, tmp_path: Path) -> None:
    """A film above the bounds of the settings is refused before a turn is taken; one that hangs is ended."""
    parts = [part(PartShape(1.0)), part(PartShape(1.0, 48, 64))]
    for bounds in ({"join_seconds_max": 1.0}, {"encode_mpixels_per_s": 0.0001}):
        with pytest.raises(EncodeFailed, match=r"above 1 s|the limit is"):
            await join(prober, tmp_path, parts, media=SETTINGS.model_copy(update=bounds))
    with pytest.raises(EncodeFailed, match=r"within|ended after"):
        await join(prober, tmp_path, parts, media=SETTINGS.model_copy(update={"join_timeout_s": 0.05}))
    with pytest.raises(EncodeFailed, match="no film"):
        await join(prober, tmp_path, parts, fades=())


async def test_a_cancelled_film_leaves_nothing(prober: Prober, tmp_path: Path) -> None:
    """When the bot stops, the encoder is ended and its draft removed."""
    began = asyncio.Event()

    class Begun(list[float]):
        def append(self, value: float) -> None:
            began.set()

    # Few frames, of which the film has many: it has the first part's size and the others' rate.
    parts = [media_samples.mp4(5.0, 1280, 720, 1), *(part(PartShape(2.0, 32 + 2 * each, fps=30)) for each in range(7))]
    work = asyncio.create_task(join(prober, tmp_path, parts, fades=(0.5,) * 7, told=Begun()))
    async with asyncio.timeout(30):
        await began.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


shapes = st.builds(
    PartShape,
    seconds=st.sampled_from([0.25, 0.5, 1.0, 1.3]),
    width=st.integers(16, 60).map(lambda half: 2 * half),
    height=st.integers(16, 60).map(lambda half: 2 * half),
    fps=st.sampled_from([12, 16, 24, 25, 30]),
    has_sound=st.booleans(),
    turned=st.sampled_from([0, 0, 0, 90, 180, 270]),
)


@pytest.mark.hypothesis
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    given_shapes=st.lists(shapes, min_size=1, max_size=5),
    fades=st.lists(st.sampled_from([0.0, 0.0, 0.5, 1.0]), min_size=4, max_size=4),
    sound_s=st.none() | st.sampled_from([0.5, 5.0]),
)
async def test_random_parts_become_the_film_that_was_meant(
    prober: Prober, given_shapes: list[PartShape], fades: list[float], sound_s: float | None
) -> None:
    """The film is as long as its parts without the fades, of an even size, and has sound if anything in it has."""
    fades_s = tuple(fades[: len(given_shapes) - 1])
    with TemporaryDirectory() as name:
        sound = None if sound_s is None else media_samples.wav(sound_s)
        made = await join(prober, Path(name), [part(shape) for shape in given_shapes], fades=fades_s, sound=sound)
        lengths = [Fraction(shape.frames, shape.fps) for shape in given_shapes]
        taken = [min(fade, lengths[at] / 2, lengths[at + 1] / 2) for at, fade in enumerate(map(Fraction, fades_s))]
        slowest = min(usual_rate(Fraction(shape.fps)) for shape in given_shapes)
        off_s = (len(given_shapes) + 1) / slowest
        assert abs(made.seconds - (sum(lengths) - sum(taken))) <= off_s
        assert (made.width, made.height) in {shape.shown for shape in given_shapes}
        assert made.has_sound == (sound is not None or any(shape.has_sound for shape in given_shapes))
        assert abs(len(loudness(made.path, window_s=0.05)) * 0.05 - made.seconds) < 0.2 or not made.has_sound
