"""Recognises a file's format by its first bytes, to choose the one parser that may open it.

File names are ignored, and FFmpeg never guesses a format: a playlist or a script that would make it open other files is
never given to it.
"""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from bot.media.rules.foreign import FOREIGN, FOREIGN_BRANDS, FOREIGN_CHUNKS, SVG, TEXTS

HEAD_BYTES = 8192
Family: TypeAlias = Literal["picture", "clip", "foreign"]


@dataclass(frozen=True, slots=True)
class Sniffed:
    """The format by the first bytes. `label` completes "This is …"; `parser` is Pillow's or FFmpeg's name of it.

    `has_prefix` says that something stands before the sound that does not belong there.
    """

    family: Family
    format: str
    label: str
    parser: str = ""
    has_prefix: bool = False


_PICTURES: tuple[tuple[bytes, Sniffed], ...] = (
    (
        b"\x89PNG\r\n\x1a\n\0\0\0\x04CgBI",
        Sniffed("foreign", "unknown", "a PNG made for iPhone apps, which Wanda can't use; save it as an ordinary PNG"),
    ),
    (b"\x89PNG\r\n\x1a\n", Sniffed("picture", "png", "a PNG picture", "PNG")),
    (b"\xff\xd8\xff", Sniffed("picture", "jpeg", "a JPEG picture", "JPEG")),
    (b"GIF87a", Sniffed("picture", "gif", "a GIF picture", "GIF")),
    (b"GIF89a", Sniffed("picture", "gif", "a GIF picture", "GIF")),
)
_MP3 = Sniffed("clip", "mp3", "an MP3 sound", "mp3")
_AAC = Sniffed("clip", "aac", "a raw AAC sound", "aac")
_TAGGED = frozenset({"mp3", "aac", "flac", "ogg"})  # sounds that programs put an ID3 tag before
_CLIPS: tuple[tuple[bytes, Sniffed], ...] = (
    (b"OggS", Sniffed("clip", "ogg", "an Ogg file", "ogg")),
    (b"fLaC", Sniffed("clip", "flac", "a FLAC sound", "flac")),
    (b"ID3", _MP3),
    (b"caff", Sniffed("clip", "caf", "a CAF sound", "caf")),
    (b"#!AMR\n", Sniffed("clip", "amr", "an AMR sound", "amr")),
    (b"#!AMR-WB\n", Sniffed("clip", "amr", "an AMR sound", "amr")),
    (b"FLV\x01", Sniffed("clip", "flv", "a Flash video", "flv")),
    (b".snd", Sniffed("clip", "au", "an AU sound", "au")),
)
_QUICKTIME_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_PIECES = frozenset({b"styp", b"moof", b"sidx"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})


_BEFORE_SVG = (b"<?xml", b"<!--", b"<!doctype svg")
_UNKNOWN = Sniffed("foreign", "unknown", "a kind of file that Wanda doesn't know")
_PACKET_MARK = b"\x47"
_PACKETS_SEEN = 8
_FRAMES_SEEN = 2  # the ones after the first; three that fit together are no accident
_KBPS_MPEG_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_MPEG_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_HZ_MPEG_1 = (44_100, 48_000, 32_000)
_ID3_HEADER_BYTES = 10
_ID3_HAS_FOOTER = 0x10


def sniff(head: bytes) -> Sniffed:
    """Return the format of a file whose first `HEAD_BYTES` bytes (or all, if it has fewer) are `head`."""
    for magic, named in _PICTURES + _CLIPS:
        if head.startswith(magic):
            return named
    for reader in (_riff, _iff, _iso_media, _matroska, _bmp, _transport_stream):
        named = reader(head)
        if named is not None:
            return named
    for magic, label in FOREIGN:
        if head.startswith(magic):
            return Sniffed("foreign", "unknown", label)
    return _mpeg_audio(head, 0) or _text(head) or _late_frames(head) or _UNKNOWN


def prefix_length(head: bytes) -> int:
    """Return how many bytes an ID3 tag (https://id3.org/id3v2.4.0-structure) or zeros take before a file's content.

    The number may be larger than `head` is long; it is 0 if there is no such prefix. An MP4 begins with zeros too.
    """
    if head[:3] == b"ID3" and len(head) >= _ID3_HEADER_BYTES and all(byte < 0x80 for byte in head[6:10]):  # noqa: PLR2004 - seven bits each
        length = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        footer = _ID3_HEADER_BYTES if head[5] & _ID3_HAS_FOOTER else 0
        return _ID3_HEADER_BYTES + length + footer
    return 0 if _iso_media(head) else len(head) - len(head.lstrip(b"\0"))


def sniff_behind(head: bytes, first: Sniffed, *, only_tags: bool) -> Sniffed:
    """Return the format of a file by what follows its prefix; `first` is what the prefix looks like.

    Tags belong before an MP3, and nowhere else.
    """
    named = sniff(head)
    if named.format not in _TAGGED:
        return _behind_a_tag(named) if only_tags and named.parser else first
    is_plain = only_tags and named.format == "mp3" and not named.has_prefix
    return named if is_plain else replace(named, has_prefix=True)


def _behind_a_tag(named: Sniffed) -> Sniffed:
    """Return a file of a format whose parser stops at the tag before it."""
    better = "PNG or JPEG" if named.family == "picture" else "MP4, MP3 or WAV"
    label = f"{named.label} behind an ID3 tag, which Wanda can't use; save it as {better}"
    return Sniffed("foreign", "unknown", label)


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
        case ((b"RIFF" | b"RF64" | b"RIFX"), b"WAVE"):
            return Sniffed("clip", "wav", "a WAV sound", "wav")
        case b"RIFF", b"AVI ":
            return Sniffed("clip", "avi", "an AVI video", "avi")
        case _:
            return None


def _iff(head: bytes) -> Sniffed | None:
    """IFF is RIFF's model, with its numbers the other way round."""
    match head[:4], head[8:12]:
        case b"FORM", (b"AIFF" | b"AIFC"):
            return Sniffed("clip", "aiff", "an AIFF sound", "aiff")
        case ((b"FORM" | b"RIFF"), chunk) if chunk in FOREIGN_CHUNKS:
            return Sniffed("foreign", "unknown", FOREIGN_CHUNKS[chunk])
        case _:
            return None


def _transport_stream(head: bytes) -> Sniffed | None:
    """MPEG-TS has no header: every packet begins with the same byte, and a recording may begin within a packet.

    A packet has 188 bytes, with a time before it on discs, or with a checksum behind it in broadcasts.
    """
    for length in (188, 192, 204):
        for offset in range(length):
            marks = head[offset : offset + length * _PACKETS_SEEN : length]
            if marks == _PACKET_MARK * _PACKETS_SEEN:
                return Sniffed("clip", "ts", "an MPEG-TS video", "mpegts")
    return None


def _iso_media(head: bytes) -> Sniffed | None:
    """MP4 and its relatives begin with a brand; older QuickTime files begin with one of a few boxes."""
    kind, brand = head[4:8], head[8:12]
    if kind in _QUICKTIME_BOXES:
        return Sniffed("clip", "mov", "a QuickTime video", "mov")
    if kind in _PIECES:
        return Sniffed("foreign", "unknown", "a piece of a streamed video without its beginning")
    if kind != b"ftyp":
        return None
    if brand in FOREIGN_BRANDS:
        return Sniffed("foreign", "unknown", FOREIGN_BRANDS[brand])
    if brand in _HEIF_BRANDS and not _AVIF_BRANDS & _brands(head):
        return Sniffed("foreign", "heic", "a HEIC picture, which Wanda can't use; save it as PNG or JPEG")
    if brand in _AVIF_BRANDS | _HEIF_BRANDS:
        return Sniffed("foreign", "avif", "an AVIF picture, which Wanda can't use; save it as PNG or JPEG")
    if brand == b"qt  ":
        return Sniffed("clip", "mov", "a QuickTime video", "mov")
    if brand.startswith(b"3g"):
        return Sniffed("clip", "3gp", "a 3GP video", "mov")
    if brand in {b"M4A ", b"M4B "}:
        return Sniffed("clip", "m4a", "an M4A sound", "mov")
    return Sniffed("clip", "mp4", "an MP4 file", "mov")


def _brands(head: bytes) -> set[bytes]:
    """Return all brands of a file, the first of which may be that of a whole family."""
    return {head[at : at + 4] for at in range(8, min(len(head), int.from_bytes(head[:4], "big")), 4)}


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


def _mpeg_audio(head: bytes, at: int) -> Sniffed | None:
    """An MPEG audio frame header: eleven set bits, then fields of which some values do not exist."""
    if len(head) < at + 4 or head[at] != 0xFF or head[at + 1] & 0xE0 != 0xE0:  # noqa: PLR2004 - the format's own numbers
        return None
    version, layer = head[at + 1] >> 3 & 3, head[at + 1] >> 1 & 3
    bitrate, rate = head[at + 2] >> 4, head[at + 2] >> 2 & 3
    if layer == 0 and version >= 2:  # noqa: PLR2004 - the same bits with layer 0 are ADTS
        return _AAC
    if version != 1 and bitrate not in {0, 15} and rate != 3:  # noqa: PLR2004 - the format's own numbers
        match layer:
            case 1:
                return _MP3
            case 2:
                return Sniffed("foreign", "mp2", "an MP2 sound, which Wanda can't use; save it as MP3 or WAV")
            case _:
                return None
    return None


def _late_frames(head: bytes) -> Sniffed | None:
    """Find frames that follow each other behind something else, as in a sound that was cut out of a broadcast."""
    for at in range(1, len(head) - 4):
        named = _mpeg_audio(head, at)
        if named is not None and named.parser and _follow_each_other(head, at, named):
            return replace(named, has_prefix=True)
    return None


def _follow_each_other(head: bytes, at: int, named: Sniffed) -> bool:
    start = head[at : at + 2]
    for _ in range(_FRAMES_SEEN):
        at += _frame_length(head, at, named)
        if head[at : at + 2] != start or _mpeg_audio(head, at) != named:
            return False
    return True


def _frame_length(head: bytes, at: int, named: Sniffed) -> int:
    if named is _AAC:
        return max(7, (head[at + 3] & 3) << 11 | head[at + 4] << 3 | head[at + 5] >> 5)
    version, bitrate, rate = head[at + 1] >> 3 & 3, head[at + 2] >> 4, head[at + 2] >> 2 & 3
    is_first = version == 3  # noqa: PLR2004 - MPEG 1, whose frames are twice as long
    kbps = (_KBPS_MPEG_1 if is_first else _KBPS_MPEG_2)[bitrate - 1]
    hz = _HZ_MPEG_1[rate] // {3: 1, 2: 2, 0: 4}[version]
    return (144_000 if is_first else 72_000) * kbps // hz + (head[at + 2] >> 1 & 1)


def _text(head: bytes) -> Sniffed | None:
    """Recognise text files."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_BEFORE_SVG) and b"<svg" in text:
        return Sniffed("foreign", "unknown", SVG)
    start = text[:64]
    for mark, label in TEXTS:
        if start.startswith(mark):
            return Sniffed("foreign", "unknown", label)
    if head and all(byte >= 0x20 or byte in b"\t\n\r\f" for byte in head):  # noqa: PLR2004 - the first printable byte
        return Sniffed("foreign", "unknown", "a text file")
    return None
