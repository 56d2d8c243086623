"""Recognises a file's format by its first bytes, to choose the one parser that may open it.

File names are ignored, and FFmpeg never guesses a format: a playlist or a script that would make it open other files is
never given to it.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

HEAD_BYTES = 4096
Family: TypeAlias = Literal["picture", "clip", "foreign"]


@dataclass(frozen=True, slots=True)
class Sniffed:
    """The format by the first bytes. `label` completes "This is …"; `parser` is Pillow's or FFmpeg's name of it."""

    family: Family
    format: str
    label: str
    parser: str = ""


_PICTURES: tuple[tuple[bytes, Sniffed], ...] = (
    (b"\x89PNG\r\n\x1a\n", Sniffed("picture", "png", "a PNG picture", "PNG")),
    (b"\xff\xd8\xff", Sniffed("picture", "jpeg", "a JPEG picture", "JPEG")),
    (b"GIF87a", Sniffed("picture", "gif", "a GIF picture", "GIF")),
    (b"GIF89a", Sniffed("picture", "gif", "a GIF picture", "GIF")),
)
_CLIPS: tuple[tuple[bytes, Sniffed], ...] = (
    (b"OggS", Sniffed("clip", "ogg", "an Ogg file", "ogg")),
    (b"fLaC", Sniffed("clip", "flac", "a FLAC sound", "flac")),
    (b"ID3", Sniffed("clip", "mp3", "an MP3 sound", "mp3")),
)
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an XZ archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"%PDF-", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"\xca\xfe\xba\xbe", "a macOS program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"II*\x00", "a TIFF picture, which is not supported; save it as PNG or JPEG"),
    (b"MM\x00*", "a TIFF picture, which is not supported; save it as PNG or JPEG"),
    (b"8BPS", "a Photoshop document, which is not supported; save it as PNG or JPEG"),
    (b"\x00\x00\x01\x00", "a Windows icon, which is not supported; save it as PNG"),
    (b"\xff\x0a", "a JPEG XL picture, which is not supported; save it as PNG or JPEG"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture, which is not supported; save it as PNG or JPEG"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture, which is not supported; save it as PNG or JPEG"),
    (b"#!AMR", "an AMR sound, which is not supported; save it as MP3 or WAV"),
    (b"MThd", "a MIDI file, which holds notes but no sound"),
    (b"FLV\x01", "a Flash video, which is not supported; save it as MP4"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file, which is not supported; save it as MP4 or MP3"),
    (b"\x00\x00\x01\xba", "an MPEG video, which is not supported; save it as MP4"),
    (b"\x00\x00\x01\xb3", "an MPEG video, which is not supported; save it as MP4"),
)
_TEXTS: tuple[tuple[bytes, str], ...] = (
    (b"#extm3u", "a playlist, not a recording"),
    (b"[playlist]", "a playlist, not a recording"),
    (b"ffconcat", "a list of files, not a recording"),
    (b"<svg", "an SVG drawing, which is not supported; save it as PNG"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML document"),
    (b"#!", "a script"),
)
_QUICKTIME_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})


def sniff(head: bytes) -> Sniffed:
    """Return the format of a file whose first `HEAD_BYTES` bytes (or all, if it has fewer) are `head`."""
    for magic, named in _PICTURES + _CLIPS:
        if head.startswith(magic):
            return named
    for reader in (_riff, _iso_media, _matroska, _bmp):
        named = reader(head)
        if named is not None:
            return named
    for magic, label in _FOREIGN:
        if head.startswith(magic):
            return Sniffed("foreign", "unknown", label)
    return _mpeg_audio(head) or _text_or_unknown(head)


def declared_pixels(format_: str, head: bytes) -> tuple[int, int] | None:
    """Return the width and height in a picture's header, or None if they are not in its first bytes.

    In a JPEG they come after segments of any length, so they are never known here.
    """
    match format_:
        case "png" if head[12:16] == b"IHDR" and len(head) >= 24:  # noqa: PLR2004 - where the two numbers end
            return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
        case "gif":
            return _little(head, 6, 2), _little(head, 8, 2)
        case "bmp" if _little(head, 14, 4) == 12:  # noqa: PLR2004 - the oldest header, with shorter numbers
            return _little(head, 18, 2), _little(head, 20, 2)
        case "bmp":
            # A negative height means rows from the top down.
            return abs(_signed(head, 18)), abs(_signed(head, 22))
        case "webp":
            return _webp_pixels(head)
        case _:
            return None


def _webp_pixels(head: bytes) -> tuple[int, int] | None:
    """Read a WebP's size, which each of its three kinds of first chunk stores in another way."""
    match head[12:16]:
        case b"VP8X":
            return _little(head, 24, 3) + 1, _little(head, 27, 3) + 1
        case b"VP8L":
            bits = _little(head, 21, 4)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _little(head, 26, 2) & 0x3FFF, _little(head, 28, 2) & 0x3FFF
        case _:
            return None


def _little(head: bytes, start: int, length: int) -> int:
    return int.from_bytes(head[start : start + length], "little")


def _signed(head: bytes, start: int) -> int:
    return int.from_bytes(head[start : start + 4], "little", signed=True)


def _riff(head: bytes) -> Sniffed | None:
    """RIFF holds several formats; the four bytes at offset 8 say which."""
    match head[:4], head[8:12]:
        case b"RIFF", b"WEBP":
            return Sniffed("picture", "webp", "a WebP picture", "WEBP")
        case ((b"RIFF" | b"RF64"), b"WAVE"):
            return Sniffed("clip", "wav", "a WAV sound", "wav")
        case b"RIFF", b"AVI ":
            return Sniffed("clip", "avi", "an AVI video", "avi")
        case _:
            return None


def _iso_media(head: bytes) -> Sniffed | None:
    """MP4 and its relatives begin with a brand; older QuickTime files begin with one of a few boxes."""
    kind, brand = head[4:8], head[8:12]
    if kind in _QUICKTIME_BOXES:
        return Sniffed("clip", "mov", "a QuickTime video", "mov")
    if kind != b"ftyp":
        return None
    if brand in _HEIF_BRANDS:
        return Sniffed("foreign", "heic", "a HEIC picture, which is not supported; save it as PNG or JPEG")
    if brand in _AVIF_BRANDS:
        return Sniffed("foreign", "avif", "an AVIF picture, which is not supported; save it as PNG or JPEG")
    if brand == b"qt  ":
        return Sniffed("clip", "mov", "a QuickTime video", "mov")
    if brand.startswith(b"3g"):
        return Sniffed("clip", "3gp", "a 3GP video", "mov")
    if brand in {b"M4A ", b"M4B "}:
        return Sniffed("clip", "m4a", "an M4A sound", "mov")
    return Sniffed("clip", "mp4", "an MP4 file", "mov")


def _matroska(head: bytes) -> Sniffed | None:
    """Matroska and WebM share their first bytes; the DocType within the EBML header tells them apart."""
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    if b"webm" in head[:64]:
        return Sniffed("clip", "webm", "a WebM file", "matroska")
    return Sniffed("clip", "mkv", "a Matroska file", "matroska")


def _bmp(head: bytes) -> Sniffed | None:
    """Two letters are too weak a signature, so the size of the second header must be a known one too."""
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in {12, 40, 52, 56, 64, 108, 124}:
        return Sniffed("picture", "bmp", "a BMP picture", "BMP")
    return None


def _mpeg_audio(head: bytes) -> Sniffed | None:
    """An MPEG audio frame header: eleven set bits, then fields of which some values do not exist."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004 - the format's own numbers
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    if layer == 0 and version >= 2:  # noqa: PLR2004 - the same bits with layer 0 are ADTS
        return Sniffed("foreign", "aac", "a raw AAC sound, which is not supported; save it as MP3 or WAV")
    if version != 1 and layer == 1 and bitrate not in {0, 15} and rate != 3:  # noqa: PLR2004 - the format's own numbers
        return Sniffed("clip", "mp3", "an MP3 sound", "mp3")
    return None


def _text_or_unknown(head: bytes) -> Sniffed:
    """Recognise text files; everything else is unknown."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    for mark, label in _TEXTS:
        if start.startswith(mark):
            return Sniffed("foreign", "unknown", label)
    if head and all(byte >= 0x20 or byte in b"\t\n\r\f" for byte in head):  # noqa: PLR2004 - the first printable byte
        return Sniffed("foreign", "unknown", "a text file")
    return Sniffed("foreign", "unknown", "of a type that Wanda does not know")
