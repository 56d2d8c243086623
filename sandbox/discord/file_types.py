"""Which file names a form's upload or a command's option takes.

https://discord.com/developers/docs/reference#file-type-filtering
"""

import re
from typing import Any

from sandbox.discord.schema import as_list
from sandbox.discord.wire import Problems

GROUPS = {
    "image": (".png", ".gif", ".jpg", ".jpeg", ".jfif", ".webp", ".avif"),
    "video": (".mp4", ".mov", ".qt", ".webm"),
    "audio": (".mp3", ".m4a", ".wav", ".ogg", ".opus", ".flac"),
}
_ENDING = re.compile(r"\.[A-Za-z0-9]+")


def check_file_types(problems: Problems, path: str, given: Any) -> list[str]:
    """Return the file types in lower case; adds a mistake for each that is neither a group nor an ending with a dot."""
    for one in as_list(given):
        if not isinstance(one, str) or (one not in GROUPS and not _ENDING.fullmatch(one)):
            problems.add(
                path, "SANDBOX_FILE_TYPE", f"{one} is no file type: image, video, audio, or an ending with a dot."
            )
    return [str(one).lower() for one in as_list(given)]


def is_taken(file_types: list[str], filename: str) -> bool:
    """Return whether a file of that name may be chosen; without file types every file may."""
    endings = tuple(ending for one in file_types for ending in GROUPS.get(one, (one,)))
    return not endings or filename.lower().endswith(endings)
