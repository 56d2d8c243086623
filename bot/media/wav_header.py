"""Reads where a WAV's samples end. Runs only in a worker process.

The chunks are described in https://learn.microsoft.com/windows/win32/xaudio2/resource-interchange-file-format--riff-.
"""

from typing import IO, Literal, TypeAlias

End: TypeAlias = Literal[
    "as stated",
    "open",  # the length is a placeholder, because it was written before the end was known
    "missing",  # the file ends before its samples do
]
_CHUNKS_MAX = 10_000
_FIRST_CHUNK = 12
_SAMPLE_BYTES_MAX = 64  # so much of the last sample of all channels may be missing
_PLACEHOLDER_MIN = 0x7F00_0000  # programs write 0, 0x7fffffff or 0xffffffff, or these less their header


def data_end(file: IO[bytes]) -> End:
    """Return where the samples end; the file is left at its start."""
    size = file.seek(0, 2)
    end: End = "as stated"
    at, order = _FIRST_CHUNK, _byte_order(file)
    for _ in range(_CHUNKS_MAX):
        file.seek(at)
        header = file.read(8)
        if len(header) < 8:  # noqa: PLR2004 - a chunk's name and length
            break
        length = int.from_bytes(header[4:], order)
        if header[:4] == b"data":
            end = _data_end(length, size - at - 8)
            break
        at += 8 + length + length % 2
    file.seek(0)
    return end


def _byte_order(file: IO[bytes]) -> Literal["little", "big"]:
    file.seek(0)
    return "big" if file.read(4) == b"RIFX" else "little"


def _data_end(stated_bytes: int, there_bytes: int) -> End:
    if stated_bytes >= _PLACEHOLDER_MIN or (stated_bytes == 0 and there_bytes):
        return "open"
    if stated_bytes <= there_bytes:
        return "as stated"
    return "open" if stated_bytes - there_bytes < _SAMPLE_BYTES_MAX else "missing"
