"""Links to the video at fal: instead of an attachment that was not possible, or beside one that was made smaller."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from bot.jobs.model import FINISHED, PASSING, Job, LinkReason, PostedVideo, Result
from bot.texts.card import Field
from bot.texts.plain import mebibytes
from bot.units import TIMES

KEPT_S = 7 * 86_400  # "about 7 days", by fal's documents
_URL = re.compile(r"https?://[A-Za-z0-9._:-]+/[A-Za-z0-9._~:/?#%&=+,;!$'-]{0,1400}")
_UNTOUCHED = "._~:/?#%&=+,;!$'-"
_WHY: Mapping[LinkReason, str] = {
    "not_fetched": "The video is made, but fal's storage hasn't handed it to Wanda yet",
    "no_room": "The video is made, but Wanda's disk has no room for it",
    "unchecked": "The video is made, but Wanda can't check it right now",
    "unplayable": "fal sent a file that doesn't play",
    "forbidden": "The video is made, but Wanda can't attach files here",
    "busy": "The video is made, but Discord is too busy to take the file",
    "refused": "The video is made, but Discord didn't take the file",
}
SPOILER_MARK = "SPOILER_"
LINK_FILE = "link.txt"
LINK_IS_ATTACHED = "(it's in the attached text file, because it's too long for a message)"


def link_sentence(job: Job, result: Result, posted: PostedVideo) -> str:
    """Return why there is only a link, with the link at the end: Discord shows the video below the message.

    A card that nobody edits any more must stay true, so what Wanda still tries has the same end as the link.
    """
    is_tried = posted.reason in PASSING and (job.state not in FINISHED or job.late_at is not None)
    who = "fal keeps it, and Wanda keeps trying to bring it," if is_tried else "fal keeps it"
    return f"{_why(posted)}, so here's fal's link. {who} {kept_words(job.completed_at)}: {_address(job, result)}"


def _why(posted: PostedVideo) -> str:
    if posted.reason not in {"too_large", "too_long"}:
        return _WHY[posted.reason or "refused"]
    size = "" if posted.size_bytes is None else f" is {mebibytes(posted.size_bytes)}"
    if posted.reason == "too_long":
        return f"The video{size}{',' if size else ' is'} too large for Wanda to fetch"
    if size and posted.limit_bytes and (posted.size_bytes or 0) > posted.limit_bytes:
        return f"The video{size}, above this server's {mebibytes(posted.limit_bytes)}"
    return f"The video{size}{',' if size else ' is'} too large for Discord here"


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
        f"{words}. fal keeps it {kept_words(job.completed_at)}; the video above is smaller, for Discord's limit{limit}."
    )
    return (Field("Original", said, inline=False),)


def fallback_link(job: Job) -> str:
    """Return fal's link for a made video that was not posted; how it ended stands above, and is not said again."""
    if job.state != "failed" or job.result is None:
        return ""
    return f"fal keeps it {kept_words(job.completed_at)}: {_address(job, job.result)}"


def kept_words(made_at: float | None) -> str:
    """Return how long fal keeps a video made at `made_at`; Discord shows the date in the reader's own format."""
    return "for about 7 days" if made_at is None else f"until about <t:{int(made_at + KEPT_S)}:D>"


def usable_link(url: str) -> str | None:
    """Return `url` if it is an http(s) URL and nothing else, at most about 1,400 characters long; else None.

    Brackets, stars and other characters that mean something to Discord are percent-encoded.
    """
    if not url.isprintable():
        return None
    scheme, slashes, rest = url.partition("://")
    plain = f"{scheme}{slashes}{quote(rest, safe=_UNTOUCHED)}"
    return plain if _URL.fullmatch(plain) else None


def shown_link(job: Job, url: str) -> str:
    """Return the URL as it stands in a message; Discord hides a spoiler's link, and the video below it, until a click.

    https://support.discord.com/hc/articles/360022320632
    """
    return f"|| {url} ||" if job.is_spoiler else url


def spoiler_mark(job: Job) -> str:
    """Return what Discord takes before a file's name for a spoiler, or nothing."""
    return SPOILER_MARK if job.is_spoiler else ""


def _address(job: Job, result: Result) -> str:
    """Return the URL, or a note that it is too long or that there is none."""
    url = usable_link(result.url)
    if url is None:
        return LINK_IS_ATTACHED if result.url else "(fal gave no link that works)"
    return shown_link(job, url)
