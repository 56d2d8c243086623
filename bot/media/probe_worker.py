"""The process that reads hostile files: `python -m bot.media.probe_worker <memory MiB> <seconds>`.

`bot.workers.pool` starts it.

It has no key in its environment, and cannot write files. Each file is read in a child that can open no other file and
no connection (`bot.workers.child`), and that is killed by the bot or by its own limits when the file makes it
misbehave. Each request is one JSON line, `{"path", "pixels_max"}`, and each answer another. It imports only the
readers, so that it starts fast and stays small.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from bot.media.rules.sniff import HEAD_BYTES, Sniffed, prefix_length, sniff, sniff_behind
from bot.media.rules.verdict import Reason, Unreadable
from bot.workers.child import Answer, serve

_PREFIX_BYTES_MAX = 32_000_000


def main() -> None:
    """Answer requests from standard input until it ends."""
    serve(_load, files=lambda request: [Path(request["path"])])


def examine(path: Path, *, pixels_max: int) -> dict[str, Any]:
    """Return what the file is, or `{"reason", "detail"}` when it cannot be used; never raises for a bad file."""
    label = ""
    read_picture, read_clip = _readers()
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            if size == 0:
                return _refused("empty")
            named = _named(file, head)
            label = named.label
            match named.family:
                case "foreign":
                    return _refused("foreign", label)
                case "picture":
                    return {"size_bytes": size} | read_picture(file, head, named, pixels_max=pixels_max)
                case "clip":
                    return {"size_bytes": size} | read_clip(file, named, pixels_max=pixels_max)
    except FileNotFoundError:
        return _refused("missing")
    except Unreadable as verdict:
        return _refused(verdict.reason, verdict.detail)
    except MemoryError:
        return _refused("costly", label)
    except Exception:  # noqa: BLE001 - parsers raise anything on hostile bytes; it always means a damaged file
        return _refused("damaged", label)


def _named(file: IO[bytes], head: bytes) -> Sniffed:
    """Return the format, also of a sound behind tags or zeros; the file is left at its start."""
    first, at = sniff(head), 0
    if first.parser and first.format != "mp3":
        return first
    only_tags = True
    while at <= _PREFIX_BYTES_MAX and (length := prefix_length(head)):
        only_tags = only_tags and head.startswith(b"ID3")
        at += length
        file.seek(at)
        head = file.read(HEAD_BYTES)
    file.seek(0)
    return sniff_behind(head, first, only_tags=only_tags) if at else first


def _load() -> Answer:
    _readers()
    return lambda request: examine(Path(request["path"]), pixels_max=int(request["pixels_max"]))


def _readers() -> tuple[Callable[..., dict[str, Any]], Callable[..., dict[str, Any]]]:
    """Import the parsers late, so that a missing library becomes one line in the bot's log."""
    from bot.media.clips import read_clip  # noqa: PLC0415 - see above
    from bot.media.pictures import read_picture  # noqa: PLC0415 - see above

    return read_picture, read_clip


def _refused(reason: Reason, detail: str = "") -> dict[str, Any]:
    return {"reason": reason, "detail": detail[:200]}


if __name__ == "__main__":
    main()
