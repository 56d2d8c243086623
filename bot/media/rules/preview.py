"""How small the preview of a picture is, which its card shows while the video is made."""

PREVIEW_SIDE = 480  # pixels of its longer side
PREVIEW_BYTES_MAX = 40_000  # its base 64 fits into a worker's answer


def preview_name(option: str) -> str:
    """Return the name of the preview beside the file of this option."""
    return f"{option}.preview.jpg"
