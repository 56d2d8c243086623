"""What members read when they share a finished video in another channel."""

from bot.jobs.model import Job, card_url
from bot.texts.plain import person

QUESTION = "Where shall the link to this video go?"
WHICH_CHANNEL = "Choose a channel"
NO_CHANNEL = "Wanda can't post a link there. Choose a text channel or a thread of this server."
MEMBER_MAY_NOT = "You can't write in that channel, so Wanda doesn't post there for you. Choose another one."
WANDA_MAY_NOT = "Wanda can't write in that channel. Choose another one, or ask an admin to let her."
TOO_SOON = "You shared something there a moment ago. Try again in half a minute."
NOT_SHARED = "Discord didn't take the link. Try again in a moment."


def shared(job: Job, member_id: int) -> str:
    """Return the message: who shares, and the link, which Discord shows with the channel's name.

    The prompt is not in it: the channel may have readers who don't see the card's.
    """
    return f"{person(member_id)} shares a video: {card_url(job)}"


def done(channel_id: int) -> str:
    """Return the private answer."""
    return f"The link is in <#{channel_id}>."
