"""The process that reads hostile files: `python -m bot.media.probe_worker <memory MiB> <seconds>`.

`bot.workers.pool` starts it.

It knows no secret (its environment is empty), may write no file, and is ended by the bot or by its own limits when a
file makes it misbehave. One JSON line in, `{"path", "pixels_max"}`; one JSON line out. It imports nothing of the bot
but the readers, so that it starts fast and stays small.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.media.rules.sniff import HEAD_BYTES, sniff
from bot.media.rules.verdict import Reason, Unreadable
from bot.workers.child import Answer, serve


def main() -> None:
    """Answer requests from standard input until it ends."""
    serve(_load)


def examine(path: Path, *, pixels_max: int) -> dict[str, Any]:
    """Return what the file is, or `{"reason", "detail"}` when it is not vouched for. Never raises for a bad file."""
    label = ""
    read_picture, read_clip = _readers()
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            if size == 0:
                return _refused("empty")
            named = sniff(head)
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
    except Exception:  # noqa: BLE001 - parsers raise whatever they like on hostile bytes; here it all means one thing
        return _refused("damaged", label)


def _load() -> Answer:
    _readers()
    return lambda request: examine(Path(request["path"]), pixels_max=int(request["pixels_max"]))


def _readers() -> tuple[Callable[..., dict[str, Any]], Callable[..., dict[str, Any]]]:
    """Load the parsers: not with this module, so that a machine that lacks a library of theirs is told so in a line."""
    from bot.media.clips import read_clip  # noqa: PLC0415 - see above
    from bot.media.pictures import read_picture  # noqa: PLC0415 - see above

    return read_picture, read_clip


def _refused(reason: Reason, detail: str = "") -> dict[str, Any]:
    return {"reason": reason, "detail": detail[:200]}


if __name__ == "__main__":
    main()
