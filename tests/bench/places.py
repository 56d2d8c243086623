"""Points the peer's and the bare bot's libraries at the stand-ins that the environment names."""

import os

from fal_client import client as official

from bot.endpoints import point_at
from bot.settings import DiscordSettings, read_group


def point_discord_here() -> None:
    """Make discord.py talk to the stand-in."""
    point_at(read_group(DiscordSettings))


def point_fal_here() -> None:
    """Make fal's own client talk to the stand-in: its base URLs are constants of its module."""
    url = os.environ["FAL_QUEUE_URL"]
    for name, place in (("QUEUE_URL_FORMAT", f"{url}/"), ("REST_URL", url), ("CDN_URL", url)):
        setattr(official, name, place)
