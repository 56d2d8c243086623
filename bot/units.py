"""Units of size, and numbers beside what they count."""

MB = 1_000_000  # fal's pages say "MB"; the smaller of its two readings, so that fal never refuses what passed here
MIB = 1024 * 1024  # Discord's limits and Wanda's own settings
TIMES = "\u00d7"  # the multiplication sign


def counted(count: int, noun: str) -> str:
    """Return "1 video", "2 videos", "1,200 videos"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
