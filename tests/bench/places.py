"""Points the libraries of the peer and the bare bot at the stand-ins of the environment."""

import os

from fal_client import client as official

from bot.configuration import read_group
from bot.endpoints import point_at
from bot.settings import DiscordSettings


def point_discord_here() -> None:
    """Point discord.py at the stand-in."""
    point_at(read_group(DiscordSettings))


def point_fal_here() -> None:
    """Point fal's client at the stand-in; its base URLs are constants of its module."""
    url = os.environ["FAL_QUEUE_URL"]
    for name, place in (("QUEUE_URL_FORMAT", f"{url}/"), ("REST_URL", url), ("CDN_URL", url)):
        setattr(official, name, place)
