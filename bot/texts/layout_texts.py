"""The texts of a job's card in the style of components, within what Discord takes in one message.

https://discord.com/developers/docs/components/reference
"""

from dataclasses import dataclass

from bot.jobs.short_id import short_id
from bot.texts.card import JobCard
from bot.texts.plain import dotted

LAYOUT_CHARS_MAX = 4000


@dataclass(frozen=True, slots=True)
class LayoutTexts:
    """The texts from top to bottom: above the frame, the heading over the picture or video, and what follows below."""

    above: str
    heading: str
    below: str
    small: str


def layout_texts(card: JobCard) -> LayoutTexts:
    """Return the card's texts. Small lines that would be too many characters are left out, the last ones first."""
    heading = f"### {card.heading}"
    below = "\n".join(part for part in (card.body, card.link) if part)
    lines = [_grey_line(card), card.lineage, *_own_lines(card)]
    room = LAYOUT_CHARS_MAX - len(card.above) - len(heading) - len(below)
    small: list[str] = []
    for line in (f"-# {line}" for line in lines if line):
        room -= len(line) + 1
        if room < 0:
            break
        small.append(line)
    return LayoutTexts(card.above, heading, below, "\n".join(small))


def _grey_line(card: JobCard) -> str:
    """Return "1080p · 5 s · $0.75 · seed 42 · by @maker"; how a job ended without a video says itself what it cost."""
    seed = () if card.seed is None else (f"seed {card.seed}",)
    has_video = bool(card.media or card.parts) or not card.is_ended
    price = (f"{card.price} instead of {card.quoted}" if card.quoted else card.price) if has_video else ""
    # Where no button leads to what else can be done with it, the number does: in /jobs show.
    number = f"job {short_id(card.job_id)}" if card.is_ended and not card.buttons else ""
    maker = f"by {card.maker}" if card.maker else ""
    return dotted((*card.size, price, *seed, *card.options, maker, number))


def _own_lines(card: JobCard) -> list[str]:
    lines = list(card.remarks)
    for detail in card.details:
        first, *rest = detail.value.splitlines() or [""]
        lines += [f"{detail.name}: {first}", *rest]
    return lines
