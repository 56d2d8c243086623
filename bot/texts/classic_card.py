"""A job's card in the classic style: an embed, with the video as an attachment that Discord shows below it."""

from bot.jobs.short_id import short_id
from bot.texts.card import Card, Field, JobCard
from bot.texts.plain import dotted


def classic_card(card: JobCard) -> Card:
    """Return the card as the content, embed and buttons of a message."""
    return Card(
        title=card.mode_title,
        description="\n".join(part for part in _description(card) if part),
        fields=_fields(card),
        colour=card.colour,
        footer=dotted((*card.facts, footer(card.job_id))),
        selects=card.selects,
        buttons=card.buttons,
        content=" ".join(part for part in (card.above, card.link) if part) or None,
    )


def footer(job_id: str) -> str:
    """Return the end of the footer, by which a message is found again."""
    return f"job {short_id(job_id)}"


def _description(card: JobCard) -> list[str]:
    asked = f"> {card.heading}" if card.has_prompt else ""
    return [asked, card.body, *(f"-# {line}" for line in (card.lineage, *card.remarks) if line)]


def _fields(card: JobCard) -> tuple[Field, ...]:
    why = f"instead of {card.quoted}" if card.quoted else card.formula
    fields = [Field("Cost", f"**{card.price}** ({why})" if why else f"**{card.price}**")]
    if card.seed is not None:
        fields.append(Field("Seed", f"`{card.seed}`"))
    if settings := dotted((*card.size, *card.options)):
        fields.append(Field("Settings", settings, inline=False))
    return (*fields, *card.details)
