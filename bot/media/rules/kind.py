"""The kind of file that an attachment claims to be: enough for a menu, before any bytes are read."""

from bot.media_spec import MediaKind

_BY_TYPE: dict[str, MediaKind] = {"image": "image", "video": "video", "audio": "audio"}
_BY_EXTENSION: dict[str, MediaKind] = {
    **dict.fromkeys(("png", "jpg", "jpeg", "webp", "bmp", "gif"), "image"),
    **dict.fromkeys(("mp4", "mov", "m4v", "webm", "mkv", "3gp", "avi", "flv", "ts", "m2ts", "mts"), "video"),
    **dict.fromkeys(
        ("ogg", "oga", "opus", "mp3", "wav", "m4a", "aac", "flac", "aif", "aiff", "caf", "amr", "au"), "audio"
    ),
}


def claimed_kind(content_type: str | None, file_name: str) -> MediaKind | None:
    """Return the kind by Discord's content type, else by the name's extension; None for any other file."""
    by_type = _BY_TYPE.get((content_type or "").partition("/")[0].strip().lower())
    return by_type or _BY_EXTENSION.get(file_name.rpartition(".")[2].lower())
