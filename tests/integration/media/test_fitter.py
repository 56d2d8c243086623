"""Real files are made to fit by real worker processes."""

import asyncio
import io
import sys
from dataclasses import replace
from pathlib import Path

import av
import pytest
from PIL import Image

from bot.catalogue import wan25_image
from bot.catalogue.wan27_image import CLIP, PICTURE, SOUND
from bot.errors import Busy, EncodeFailed, MediaRefused
from bot.media.ffmpeg import Ffmpeg, reading, writing
from bot.media.fitter import Fitted, Fitter
from bot.media.probe import Prober
from bot.media.rules.needs import Keep
from bot.media.shrinker import Shrinker
from bot.media_spec import MediaSpec
from bot.requester import Requester
from bot.settings import MediaSettings
from bot.units import MB
from bot.workers.environment import python_files
from bot.workers.run_once import FileAccess, RunFailed, RunLimits, run_once
from tests.support import media_samples
from tests.support.found_ffmpeg import found_ffmpeg
from tests.support.job_samples import REQUESTER

pytestmark = pytest.mark.asyncio(loop_scope="module")
SETTINGS = MediaSettings()


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def fit(
    prober: Prober,
    folder: Path,
    content: bytes,
    limits: MediaSpec,
    *,
    keep: Keep = "start",
    ffmpeg: Ffmpeg | None = None,
) -> Fitted:
    """Make a file fit, and check that the original is unchanged."""
    path = folder / "option.in"
    await asyncio.to_thread(path.write_bytes, content)
    facts = await prober.facts(path, shown_name="it", requester=REQUESTER)
    fitted = await Fitter(ffmpeg or Ffmpeg(SETTINGS, find=found_ffmpeg), prober, SETTINGS).fit(
        path, facts, limits, keep=keep, requester=REQUESTER
    )
    assert await asyncio.to_thread(path.read_bytes) == content
    assert _names(folder) == {path.name, fitted.path.name}
    return fitted


async def test_what_fits_goes_through_byte_for_byte(prober: Prober, tmp_path: Path) -> None:
    """A file within the limits is the same file, and no process is started for it."""

    def never() -> None:
        raise AssertionError("ffmpeg was looked for")

    ffmpeg = Ffmpeg(SETTINGS, find=never)
    fitted = await fit(prober, tmp_path, media_samples.mp4(3.0, 320, 240), CLIP, ffmpeg=ffmpeg)
    assert (fitted.path.name, fitted.changes) == ("option.in", ())


async def test_a_photograph_is_scaled_upright(prober: Prober, tmp_path: Path) -> None:
    """A phone's photograph with an EXIF rotation comes out upright and in proportion."""
    photo = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.linear_gradient("L").resize((4000, 3000)).convert("RGB").save(photo, "JPEG", exif=exif)
    fitted = await fit(prober, tmp_path, photo.getvalue(), wan25_image.PICTURE)
    assert (fitted.facts.width, fitted.facts.height) == (1500, 2000)
    assert fitted.changes == ("picture scaled from 3000 \u00d7 4000 to 1500 \u00d7 2000",)


async def test_transparency_becomes_white_in_a_jpeg(prober: Prober, tmp_path: Path) -> None:
    """A picture that must become a JPEG is put on white, not on black."""
    picture = io.BytesIO()
    Image.new("RGBA", (400, 300), (255, 0, 0, 0)).save(picture, "PNG")
    fitted = await fit(prober, tmp_path, picture.getvalue(), replace(PICTURE, formats=("jpeg",)))
    assert fitted.facts.format == "jpeg"
    with Image.open(fitted.path) as made:
        assert made.getpixel((5, 5)) == (255, 255, 255)


async def test_bytes_alone_can_be_too_many(prober: Prober, tmp_path: Path) -> None:
    """A picture of too many bytes is saved as a JPEG, and made smaller when that is not enough."""
    picture = io.BytesIO()
    Image.effect_noise((1200, 900), 80).convert("RGB").save(picture, "PNG")
    fitted = await fit(prober, tmp_path, picture.getvalue(), replace(PICTURE, bytes_max=100_000))
    assert fitted.facts.format == "jpeg"
    assert fitted.facts.size_bytes <= 100_000
    assert (fitted.facts.width or 0) < 1200


@pytest.mark.parametrize("keep", ["start", "end"])
async def test_a_clip_is_trimmed_with_its_sound(prober: Prober, tmp_path: Path, keep: Keep) -> None:
    """A clip that is too long is cut at the end that is not wanted, and keeps its sound and its pixels."""
    fitted = await fit(prober, tmp_path, media_samples.mp4(12.0, 320, 240, 25, sound=True), CLIP, keep=keep)
    assert fitted.facts.seconds == pytest.approx(10, abs=0.1)
    assert (fitted.facts.seconds or 99) <= 10
    assert (fitted.facts.width, fitted.facts.height) == (320, 240)
    with av.open(str(fitted.path), "r") as container:
        assert len(container.streams.audio) == 1


@pytest.mark.parametrize(
    ("content", "format_", "said"),
    [
        (media_samples.ogg(40.0), "mp3", ("trimmed from 40 s to 30 s", "OGG saved as MP3")),
        (media_samples.flac(3.0), "mp3", ("FLAC saved as MP3",)),
        (media_samples.sound(3.0, "ipod", "aac"), "mp3", ("M4A saved as MP3",)),
        (media_samples.wav(40.0), "wav", ("trimmed from 40 s to 30 s",)),
    ],
)
async def test_sounds(prober: Prober, tmp_path: Path, content: bytes, format_: str, said: tuple[str, ...]) -> None:
    """Sound in another format becomes MP3; a WAV that is only too long stays a WAV."""
    fitted = await fit(prober, tmp_path, content, SOUND)
    assert (fitted.facts.format, fitted.changes) == (format_, said)


async def test_a_members_many_clips_delay_another_server_by_one_encode(prober: Prober, tmp_path: Path) -> None:
    """Behind one member's eight clips, another server's clip waits for one encode, and its picture for none."""
    fitter, limits = Fitter(Ffmpeg(SETTINGS, find=found_ffmpeg), prober, SETTINGS), replace(CLIP, side_min=None)
    done: list[str] = []

    async def make(name: str, content: bytes, limits: MediaSpec, requester: Requester) -> None:
        path = tmp_path / name
        await asyncio.to_thread(path.write_bytes, content)
        facts = await prober.facts(path, shown_name=name, requester=requester)
        assert (await fitter.fit(path, facts, limits, requester=requester)).changes
        done.append(name)

    clip = media_samples.mp4(3.0, 320, 240, container="avi")
    async with asyncio.TaskGroup() as group:
        heavy = [group.create_task(make(f"heavy{number}", clip, limits, REQUESTER)) for number in range(8)]
        await asyncio.wait(heavy, return_when=asyncio.FIRST_COMPLETED)
        before = len(done)
        other = Requester(guild_id=2, member_id=1)
        group.create_task(make("picture", media_samples.animation(300, 260), PICTURE, other))
        group.create_task(make("clip", clip, limits, other))
    assert done.index("clip") <= before + 3  # the picture, the encode under way, and one that began meanwhile
    assert done.index("picture") < len(done) - 1


async def test_too_many_clips_of_one_member(prober: Prober, tmp_path: Path) -> None:
    """Beyond the clips of one member that may wait, a further one is refused with the number."""
    settings = SETTINGS.model_copy(update={"waiting_member_max": 2})
    ffmpeg = Ffmpeg(settings, find=found_ffmpeg)
    fitter, path = Fitter(ffmpeg, prober, settings), tmp_path / "clip"
    path.write_bytes(media_samples.mp4(3.0, 320, 240, container="avi"))
    facts = await prober.facts(path, shown_name="it", requester=REQUESTER)

    async def make(name: str) -> Fitted:
        (tmp_path / name).mkdir()
        return await fitter.fit(path, facts, replace(CLIP, side_min=None), requester=REQUESTER, into=tmp_path / name)

    async with ffmpeg.turns.turn(REQUESTER):
        waiting = [asyncio.create_task(make(name)) for name in ("a", "b")]
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="2 of your commands are already waiting for their files to be made to fit"):
            await make("c")
    assert all(fitted.changes for fitted in await asyncio.gather(*waiting))


async def test_a_clip_that_would_take_too_long(prober: Prober, tmp_path: Path) -> None:
    """A clip whose encode does not fit into its time is refused before it begins, and nothing is left behind."""
    slow = SETTINGS.model_copy(update={"encode_mpixels_per_s": 0.01})
    path = tmp_path / "clip"
    path.write_bytes(media_samples.mp4(3.0, 320, 240, container="avi"))
    facts = await prober.facts(path, shown_name="it", requester=REQUESTER)
    with pytest.raises(MediaRefused, match=r"30 frames of 320 × 240.* about 288 s, and the limit is 150 s"):
        await Fitter(Ffmpeg(slow, find=found_ffmpeg), prober, slow).fit(path, facts, CLIP, requester=REQUESTER)
    assert _names(tmp_path) == {"clip"}


async def test_without_an_ffmpeg_the_mode_refuses(prober: Prober, tmp_path: Path) -> None:
    """A file that cannot be made to fit is returned unchanged, and the mode refuses it with the number."""
    fitted = await fit(prober, tmp_path, media_samples.ogg(40.0), SOUND, ffmpeg=Ffmpeg(SETTINGS, find=lambda: None))
    assert fitted.changes == ()
    assert fitted.facts.format == "ogg"


async def test_a_result_is_encoded_with_its_sound(prober: Prober, tmp_path: Path) -> None:
    """A copy fits its limit, has the sound, reports its progress to the end, and leaves nothing else behind."""
    source, target = tmp_path / "a.mp4", tmp_path / "a.fit.mp4"
    await asyncio.to_thread(source.write_bytes, media_samples.mp4(3.0, 640, 360, 25, sound=True))
    told: list[float] = []
    shrinker = Shrinker(Ffmpeg(SETTINGS, find=found_ffmpeg), prober, SETTINGS)
    made = await shrinker.shrink(source, target, bytes_max=80_000, on_fraction=told.append, requester=REQUESTER)
    assert made.size_bytes == target.stat().st_size <= 80_000
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert _names(tmp_path) == {"a.mp4", "a.fit.mp4"}
    with av.open(str(target), "r") as container:
        assert len(container.streams.audio) == 1
    again = await Shrinker(Ffmpeg(SETTINGS, find=lambda: None), prober, SETTINGS).shrink(
        source, target, bytes_max=80_000, on_fraction=told.append, requester=REQUESTER
    )
    assert again == made


async def test_encoding_can_be_turned_off() -> None:
    """With 0 encodes at once no ffmpeg is looked for."""
    with pytest.raises(EncodeFailed, match="WANDA_ENCODES_AT_ONCE"):
        await Ffmpeg(SETTINGS.model_copy(update={"encodes_at_once": 0})).program()


async def test_ffmpeg_reads_nothing_but_its_file(tmp_path: Path) -> None:
    """A playlist that names a file on this machine, or a server, is not followed."""
    trap = tmp_path / "trap.mp4"
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(media_samples.mp4(1.0))
    trap.write_text(f"ffconcat version 1.0\nfile {secret}\n#EXTM3U\nhttp://127.0.0.1:9/x.ts\n")
    ffmpeg = Ffmpeg(SETTINGS, find=found_ffmpeg)
    out = tmp_path / "out.mp4"
    arguments = [*reading(trap, "mp4"), "-c", "copy", *writing(out, "mp4")]
    with pytest.raises(EncodeFailed):
        await ffmpeg.run(arguments, FileAccess(read=[trap, secret], made=[out]), timeout_s=20, file_bytes_max=MB)


PYTHON = FileAccess(read=python_files())
SMALL = RunLimits(memory_mib=256, cpu_s=2, file_mib=1, timeout_s=10)


@pytest.mark.parametrize(
    ("program", "limits"),
    [
        ("bytearray(600 * 1024 * 1024)", SMALL),
        ("while True: pass", replace(SMALL, cpu_s=1)),
        ("open('{path}', 'wb').write(bytes(3 * 1024 * 1024))", SMALL),
        ("import time; time.sleep(60)", replace(SMALL, timeout_s=0.5)),
    ],
    ids=["memory", "computing time", "file size", "patience"],
)
async def test_a_run_is_limited(tmp_path: Path, program: str, limits: RunLimits) -> None:
    """A program that takes more memory, time or disk than it may is ended."""
    python = sys.executable
    files = FileAccess(read=python_files(), made=[tmp_path / "big"])
    with pytest.raises(RunFailed):
        await run_once([python, "-I", "-S", "-c", program.format(path=tmp_path / "big")], limits, files)


async def test_a_run_has_the_lowest_priority_and_no_secrets() -> None:
    """What is run gets niceness 19 and an environment without keys, and its lines come as it prints them."""
    said: list[str] = []
    python = sys.executable
    program = (
        "import os; print(os.getpriority(0, 0)); print(sorted(k for k in os.environ if 'KEY' in k or 'TOKEN' in k))"
    )
    await run_once([python, "-I", "-S", "-c", program], SMALL, PYTHON, on_line=said.append)
    assert said == ["19", "[]"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be told to")
async def test_a_run_ends_with_the_bot(tmp_path: Path) -> None:
    """When the bot is killed, its ffmpeg is killed too, so that the next start is the only one that writes."""
    note = tmp_path / "pid"
    inner = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    outer = (
        "import asyncio, pathlib, sys; from bot.workers.run_once import FileAccess, RunLimits, run_once; "
        "from bot.workers.environment import python_files; "
        f"asyncio.run(run_once([sys.executable, '-I', '-S', '-c', {inner!r}], "
        "RunLimits(memory_mib=256, cpu_s=5, file_mib=1, timeout_s=50), "
        f"FileAccess(read=python_files(), made=[pathlib.Path({str(note)!r})])))"
    )
    bot = await asyncio.create_subprocess_exec(sys.executable, "-c", outer)
    async with asyncio.timeout(20):
        while not (_names(tmp_path) and (pid := note.read_text())):  # noqa: ASYNC110 - another process, of which there is no event
            await asyncio.sleep(0.02)
        bot.kill()
        await bot.wait()
        while _runs(int(pid)):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
