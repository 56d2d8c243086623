"""Converts a job's card to Discord's components (https://discord.com/developers/docs/components/reference)."""

from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

import discord

from bot.cards.embeds import to_button, to_select
from bot.chunks import chunks
from bot.texts.card import FILE, JobCard, Media
from bot.texts.layout_texts import layout_texts

BUTTONS_IN_ROW = 5
# Ids of components, by which a message is found again. Discord itself counts from 1 (anatomy of a component).
_VIDEO_ID, _OTHER_MEDIA_ID, _PARTS_ID = 1_000_001, 1_000_002, 1_000_003
_CARD_IDS_FROM = 1 << 30


def to_layout(card: JobCard) -> discord.ui.LayoutView:
    """Return the card as a stopped view, which discord.py sends but does not store, as `bot.cards.embeds.to_view`.

    Must be called in a running event loop.
    """
    texts = layout_texts(card)
    view = discord.ui.LayoutView(timeout=None)
    if texts.above:
        view.add_item(discord.ui.TextDisplay[Any](texts.above))
    frame = discord.ui.Container[Any](accent_colour=card.colour, id=card_component_id(card.job_id))
    frame.add_item(discord.ui.TextDisplay[Any](texts.heading))
    if card.media:
        frame.add_item(_gallery(card.media, _VIDEO_ID if _has_video(card) else _OTHER_MEDIA_ID))
    if texts.below:
        frame.add_item(discord.ui.TextDisplay[Any](texts.below))
    if card.parts:
        frame.add_item(_gallery(card.parts, _PARTS_ID))
    if texts.small:
        frame.add_item(discord.ui.TextDisplay[Any](texts.small))
    for name in card.files:
        frame.add_item(discord.ui.File[Any](f"{FILE}{name}"))
    for select in card.selects:
        frame.add_item(discord.ui.ActionRow[Any](to_select(select)))
    for buttons in chunks(card.buttons, BUTTONS_IN_ROW):
        row = [to_button(button) for button in buttons]
        frame.add_item(discord.ui.ActionRow[Any](*row))
    view.add_item(frame)
    view.stop()
    return view


def _has_video(card: JobCard) -> bool:
    return any(item.what == "video" for item in card.media)


def _gallery(media: tuple[Media, ...], component_id: int) -> discord.ui.MediaGallery[Any]:
    items = [
        discord.MediaGalleryItem(item.source, description=item.alt or None, spoiler=item.is_spoiler) for item in media
    ]
    return discord.ui.MediaGallery[Any](*items, id=component_id)


def card_component_id(job_id: str) -> int:
    """Return the id of the frame around this job's card: 30 bits made of the job's id, above what Discord counts."""
    return _CARD_IDS_FROM | crc32(job_id.encode()) & _CARD_IDS_FROM - 1


def is_card_of(message: discord.Message, job_id: str) -> bool:
    """Return whether the message is a card of this job in the style of components."""
    wanted = card_component_id(job_id)
    return any(isinstance(part, discord.Container) and part.id == wanted for part in message.components)


def shows_video(message: discord.Message) -> bool:
    """Return whether a card has the video as its own file."""
    return any(isinstance(part, discord.MediaGalleryComponent) and part.id == _VIDEO_ID for part in _framed(message))


def says(message: discord.Message, text: str) -> bool:
    """Return whether a card says this."""
    return any(isinstance(part, discord.TextDisplay) and text in part.content for part in _framed(message))


def files_of(message: discord.Message) -> dict[int, str]:
    """Return the names of the message's own files by their ids; those that a gallery shows are no longer attachments.

    https://discord.com/developers/docs/components/reference#unfurled-media-item
    """
    galleries = [part for part in _framed(message) if isinstance(part, discord.MediaGalleryComponent)]
    shown = [item.media for gallery in galleries for item in gallery.items]
    of_galleries = {one.attachment_id: urlsplit(one.url).path.rpartition("/")[2] for one in shown if one.attachment_id}
    return {**of_galleries, **{file.id: file.filename for file in message.attachments}}


def _framed(message: discord.Message) -> list[Any]:
    """Return the components of a card within its frame."""
    frames = [part for part in message.components if isinstance(part, discord.Container)]
    return [part for frame in frames for part in frame.children]
