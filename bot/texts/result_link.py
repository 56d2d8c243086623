"""Links to the video at fal: instead of an attachment that was not possible, or beside one that was made smaller."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from bot.jobs.model import Job, Result
from bot.texts.card import Field
from bot.texts.plain import mebibytes
from bot.units import TIMES

KEPT_S = 7 * 86_400  # "about 7 days", by fal's documents
Reason: TypeAlias = Literal["too_large", "refused", "not_fetched"]
_URL = re.compile(r"https?://[A-Za-z0-9._:-]+/[A-Za-z0-9._~:/?#%&=+,;!$'-]{0,1400}")


@dataclass(frozen=True, slots=True)
class PostedVideo:
    """How the video was posted: `reason` is None for an attachment, else why it is only a link.

    `pixels` (width, height) is set if the attachment is smaller than fal's original.
    """

    size_bytes: int | None
    reason: Reason | None = None
    limit_bytes: int | None = None
    pixels: tuple[int, int] | None = None


def link_sentence(job: Job, result: Result, posted: PostedVideo) -> str:
    """Return why there is only a link, with the link at the end: Discord shows the video below the message."""
    size = "" if posted.size_bytes is None else f" is {mebibytes(posted.size_bytes)}"
    match posted.reason:
        case "too_large" if size and posted.limit_bytes and (posted.size_bytes or 0) > posted.limit_bytes:
            why = f"The video{size}, above this server's {mebibytes(posted.limit_bytes)}, so here is fal's link"
        case "too_large":
            why = f"The video{size}{',' if size else ' is'} too large for Discord here, so here is fal's link"
        case "not_fetched":
            why = "The video is made, but fal's storage didn't hand it to Wanda, so here is fal's link"
        case "refused" | None:
            why = "The video is made, but Discord didn't take the file, so here is fal's link"
        case _:
            assert_never(posted.reason)
    return f"{why}; fal keeps it {kept_words(job.completed_at)}: {_address(job, result)}"


def original_link(job: Job, result: Result, posted: PostedVideo) -> tuple[Field, ...]:
    """Return a field that links to fal's original if the attachment was made smaller, else nothing."""
    if posted.reason is not None or posted.pixels is None:
        return ()
    size = "" if result.size_bytes is None else f", {mebibytes(result.size_bytes)}"
    pixels = f"{result.width} {TIMES} {result.height}" if result.width and result.height else "as fal made it"
    url = usable_link(result.url)
    words = f"[{pixels}{size}](<{url}>)" if url else f"{pixels}{size}"
    limit = "" if posted.limit_bytes is None else f" of {mebibytes(posted.limit_bytes)}"
    said = (
        f"{words}; fal keeps it {kept_words(job.completed_at)}. "
        f"The video above was made smaller for Discord's limit{limit}."
    )
    return (Field("Original", said, inline=False),)


def kept_words(made_at: float | None) -> str:
    """Return how long fal keeps a video made at `made_at`; Discord shows the date in the reader's own format."""
    return "about 7 days" if made_at is None else f"until about <t:{int(made_at + KEPT_S)}:D>"


def usable_link(url: str) -> str | None:
    """Return `url` if it is an http(s) URL and nothing else, at most about 1,400 characters long; else None."""
    return url if _URL.fullmatch(url) else None


def shown_link(job: Job, url: str) -> str:
    """Return the URL as it stands in a message; Discord hides a spoiler's link, and the video below it, until a click.

    https://support.discord.com/hc/articles/360022320632
    """
    return f"|| {url} ||" if job.is_spoiler else url


def spoiler_mark(job: Job) -> str:
    """Return what Discord takes before a file's name for a spoiler, or nothing."""
    return "SPOILER_" if job.is_spoiler else ""


def _address(job: Job, result: Result) -> str:
    """Return the URL, or a note that fal gave no usable one."""
    url = usable_link(result.url)
    return shown_link(job, url) if url else "(fal gave no usable link)"
