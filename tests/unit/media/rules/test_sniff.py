import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.media.rules.sniff import HEAD_BYTES, declared_pixels, prefix_length, sniff, sniff_behind
from tests.support import media_samples, odd_media


@pytest.mark.parametrize(
    ("head", "named"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "jpeg"),
        (b"GIF89a", "gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "webp"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "wav"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "wav"),
        (b"RIFF\x10\0\0\0AVI LIST", "avi"),
        (b"BM" + b"\0" * 12 + b"\x28\0\0\0", "bmp"),
        (b"\0\0\0\x20ftypisom", "mp4"),
        (b"\0\0\0\x20ftypqt  ", "mov"),
        (b"\0\0\0\x08wide\0\0\0\0mdat", "mov"),
        (b"\0\0\0\x20ftypM4A ", "m4a"),
        (b"\0\0\0\x20ftyp3gp5", "3gp"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "webm"),
        (b"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska", "mkv"),
        (b"ID3\x04", "mp3"),
        (b"\xff\xfb\x90\x00", "mp3"),
        (b"\xff\xf1\x50\x80", "aac"),
        (b"FORM\0\0\0\x10AIFFCOMM", "aiff"),
        (b"caff\0\x01", "caf"),
        (b"#!AMR\n<", "amr"),
        (b"#!AMR-WB\n", "amr"),
        (b".snd\0\0\0\x18", "au"),
        (b"FLV\x01\x05", "flv"),
        ((b"\x47" + bytes(187)) * 8, "ts"),
        ((bytes(4) + b"\x47" + bytes(187)) * 8, "ts"),
        (bytes(100) + (b"\x47" + bytes(187)) * 8, "ts"),
        (b"OggS", "ogg"),
        (b"fLaC", "flac"),
    ],
)
def test_known(head: bytes, named: str) -> None:
    """Each supported format is known by its first bytes."""
    found = sniff(head)
    assert (found.format, found.family != "foreign", bool(found.parser)) == (named, True, True)


@pytest.mark.parametrize(
    ("head", "label"),
    [
        (b"PK\x03\x04", "a ZIP archive"),
        (b"%PDF-1.7", "a PDF document"),
        (b"MZ\x90", "a Windows program"),
        (b"#EXTM3U\n/etc/passwd", "a playlist, not a recording"),
        (b"\xef\xbb\xbf \n#EXTM3U\n", "a playlist, not a recording"),
        (b"ffconcat version 1.0\nfile /etc/passwd", "a list of files, not a recording"),
        (b"<svg xmlns='x'>", "an SVG drawing, which Wanda can't use; save it as PNG"),
        (b'<?xml version="1.0"?>\n<!-- made -->\n<svg>', "an SVG drawing, which Wanda can't use; save it as PNG"),
        (b"<!-- made --><svg>", "an SVG drawing, which Wanda can't use; save it as PNG"),
        (b"<?xml version='1.0'?><rss>", "an XML document"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"<!DOCTYPE html><svg>", "a web page"),
        (b"\0\0\x02\0" + bytes(8) + b"\x40\1\xf0\0\x18", "a TGA picture, which Wanda can't use; save it as PNG"),
        (b"\0\0\x02\0\x01\0\x20\x20", "a Windows cursor, which Wanda can't use; save it as PNG"),
        (b"II*\0\x10\0\0\0CR\2\0", "a raw photograph, which Wanda can't use; save it as JPEG"),
        (b"II*\0\x08\0\0\0", "a TIFF picture, which Wanda can't use; save it as PNG or JPEG"),
        (
            b"\x89PNG\r\n\x1a\n\0\0\0\x04CgBI\x50\0\x20\x02",
            "a PNG made for iPhone apps, which Wanda can't use; save it as an ordinary PNG",
        ),
        (b"\0\0\0\x20ftypheic", "a HEIC picture, which Wanda can't use; save it as PNG or JPEG"),
        (b"\x0b\x77\x00\x00", "an AC-3 sound, which Wanda can't use; save it as MP3 or WAV"),
        (b"\xff\xfd\x90\x00", "an MP2 sound, which Wanda can't use; save it as MP3 or WAV"),
        (b"wvpk\0\0", "a WavPack sound, which Wanda can't use; save it as MP3 or WAV"),
        (b"\0\0\0\x01\x67\x42", "a raw H.264 video, which Wanda can't use; save it as MP4"),
        (b"\0\0\x01\x67\x42", "a raw H.264 video, which Wanda can't use; save it as MP4"),
        (b"CSFCHUNK\0", "a Clip Studio document, which Wanda can't use; save it as PNG or JPEG"),
        (b"BLENDER-v402", "a Blender document, which Wanda can't use; render it and save it as PNG or MP4"),
        (b"glTF\2\0", "a 3D model"),
        (b"BMW is a car", "a text file"),
        (b"hello", "a text file"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01", "a raw photograph, which Wanda can't use; save it as JPEG"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0avifmiaf", "an AVIF picture, which Wanda can't use; save it as PNG or JPEG"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "a HEIC picture, which Wanda can't use; save it as PNG or JPEG"),
        (b"RIFF\0\0\0\0sfbk", "a SoundFont, which holds instruments but no recording"),
        (b"FORM\0\0\0\x648SVX", "an Amiga sound, which Wanda can't use; save it as MP3 or WAV"),
        (b"#!SILK_V3", "a SILK voice message, which Wanda can't use; save it as MP3 or WAV"),
        (b"\0\0\0\x18stypmsdh", "a piece of a streamed video without its beginning"),
        (b"\x01\x02\x03", "a kind of file that Wanda doesn't know"),
        (b"", "a kind of file that Wanda doesn't know"),
    ],
)
def test_foreign(head: bytes, label: str) -> None:
    """An unsupported format is named and gets no parser."""
    found = sniff(head)
    assert (found.family, found.label, found.parser) == ("foreign", label, "")


@pytest.mark.parametrize(
    ("prefix", "behind", "named"),
    [
        (odd_media.id3(300), media_samples.flac(0.1), "flac"),
        (odd_media.id3(300), media_samples.sound(0.1, "adts", "aac"), "aac"),
        (odd_media.id3(300), odd_media.mp3(), "mp3"),
        (bytes(300), odd_media.mp3(), "mp3"),
        (odd_media.id3(300), b"#EXTM3U\n", "mp3"),  # so that no parser but MP3's sees it
        (odd_media.id3(300), media_samples.ogg(0.1), "ogg"),
        (bytes(300), media_samples.png(), "unknown"),
        (odd_media.id3(300), media_samples.wav(0.1), "unknown"),
    ],
)
def test_behind_a_prefix(prefix: bytes, behind: bytes, named: str) -> None:
    """A sound is known behind a tag or zeros; a prefix leads to no other kind of file."""
    head = prefix + behind
    assert prefix_length(head) == len(prefix)
    assert sniff_behind(behind, sniff(prefix), only_tags=prefix[:1] == b"I").format == named


@pytest.mark.parametrize(
    ("behind", "label"),
    [
        (media_samples.wav(0.1), "a WAV sound behind an ID3 tag, which Wanda can't use; save it as MP4, MP3 or WAV"),
        (media_samples.sound(0.1, "ipod", "aac"), "an M4A sound behind an ID3 tag, which Wanda"),
        (media_samples.png(), "a PNG picture behind an ID3 tag, which Wanda can't use; save it as PNG or JPEG"),
    ],
)
def test_a_tag_before_a_format_that_knows_none(behind: bytes, label: str) -> None:
    """A file that no parser reads because of the tag before it is called what it is."""
    assert prefix_length(behind) == 0
    assert sniff_behind(behind, sniff(odd_media.id3(20)), only_tags=True).label.startswith(label)


@given(st.binary(max_size=64))
def test_any_bytes(head: bytes) -> None:
    """Any bytes get an answer, with a parser exactly when the format is supported."""
    found = sniff(head)
    assert prefix_length(head) >= 0
    assert bool(found.parser) == (found.family != "foreign")


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "WEBP"])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (300, 200), (17, 1023)])
def test_declared_pixels(kind: str, width: int, height: int) -> None:
    """The pixels that a header declares are those that the picture was saved with."""
    head = media_samples.picture(width, height, kind)[:HEAD_BYTES]
    assert declared_pixels(sniff(head).format, head) == (width, height)


def test_declared_pixels_of_animation() -> None:
    """An animated WebP declares the pixels of its canvas."""
    assert declared_pixels("webp", media_samples.animation(32, 24, "WEBP")) == (32, 24)


@given(st.sampled_from(["png", "gif", "bmp", "webp", "jpeg"]), st.binary(max_size=40))
def test_declared_pixels_of_any_bytes(kind: str, head: bytes) -> None:
    """No header makes the measuring fail, or its numbers negative."""
    assert all(side >= 0 for side in declared_pixels(kind, head) or ())
