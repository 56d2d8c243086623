"""Units of size, and numbers beside what they count."""

MB = 1_000_000  # fal's pages say "MB"; the smaller of its two readings, so that fal never refuses what passed here
MIB = 1024 * 1024  # Discord's limits and Wanda's own settings
TIMES = "\u00d7"  # the multiplication sign


def megabytes(size_bytes: int) -> str:
    """Return "27 MB", "8.5 MB" or "1,200 MB", rounded up to a tenth."""
    tenths = -(-size_bytes * 10 // MB)
    return f"{tenths / 10:,.1f}".removesuffix(".0") + " MB"


def counted(count: int, noun: str) -> str:
    """Return "1 video", "2 videos", "1,200 videos"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
