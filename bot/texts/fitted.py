"""What was made to fit: the member's files on their way in, and the video on its way out."""

from collections.abc import Sequence

from bot.jobs.model import Input, Job, Result
from bot.texts.card import Field
from bot.texts.plain import cut, mebibytes, plain
from bot.texts.result_link import PostedVideo, kept, usable_link
from bot.units import TIMES

_CHARS_MAX = 600


def fitted_inputs(inputs: Sequence[Input]) -> tuple[Field, ...]:
    """Return a field that says what was changed of which file, or none when every file fitted as it was."""
    changed = [item for item in inputs if item.changes]
    if not changed:
        return ()
    lines = [f"{_named(item, inputs)}{plain(', '.join(item.changes), 200)}" for item in changed]
    return (Field("Made to fit", cut("\n".join(lines), _CHARS_MAX), inline=False),)


def original(job: Job, result: Result, posted: PostedVideo) -> tuple[Field, ...]:
    """Return a field with the link to fal's original beside a smaller copy of it, or none beside the original."""
    if posted.reason is not None or posted.pixels is None:
        return ()
    size = "" if result.size_bytes is None else f", {mebibytes(result.size_bytes)}"
    pixels = f"{result.width} {TIMES} {result.height}" if result.width and result.height else "as fal made it"
    url = usable_link(result.url)
    words = f"[{pixels}{size}](<{url}>)" if url else f"{pixels}{size}"
    limit = "" if posted.limit_bytes is None else f" of {mebibytes(posted.limit_bytes)}"
    said = (
        f"{words}; fal keeps it {kept(job.completed_at)}. The video above was made smaller for Discord's limit{limit}."
    )
    return (Field("Original", said, inline=False),)


def _named(item: Input, inputs: Sequence[Input]) -> str:
    """Name the option where there is more than one file."""
    return f"{plain(item.option.replace('_', ' '), 40)}: " if len(inputs) > 1 else ""
