"""Where discord.py finds Discord: the only file that touches its private names, checked when it is imported.

Pointing it elsewhere serves two ends: the stand-in on loopback, and a rate-limit proxy shared by several processes.
"""

import logging
import re
from collections.abc import Callable
from typing import Any, cast

import discord.asset
import discord.gateway
import discord.http
import yarl

from bot.settings import DiscordSettings

log = logging.getLogger(__name__)
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")
_PLACES: tuple[tuple[type, str, type], ...] = (
    (discord.http.Route, "BASE", str),
    (discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL),
    (discord.asset.Asset, "BASE", str),
)
for _owner, _name, _kind in _PLACES:
    if not isinstance(getattr(_owner, _name, None), _kind):
        raise ImportError(  # noqa: TRY004 - the wrong thing was imported
            f"discord.py {discord.__version__} has no {_owner.__name__}.{_name}: bot/endpoints.py needs its new name"
        )


def point_at(settings: DiscordSettings) -> None:
    """Make every discord.py client of this process talk to the API, gateway and CDN that the settings name."""
    discord.http.Route.BASE = settings.api_url.rstrip("/")
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.gateway_url)
    setattr(discord.asset.Asset, "BASE", settings.cdn_url.rstrip("/"))  # noqa: B010 - it is typed as a constant


def gateway_address() -> yarl.URL:
    """Return where shards connect."""
    return discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY


def use_shard_count(client: discord.AutoShardedClient, count: int) -> None:
    """Have the client's shards be of so many, without launching any.

    discord.py counts how many of its shards are ready against its list of shards, and cancels the others' preparation
    when one more comes after the last. The list is longer than there are shards, so that each is ready for itself.
    """
    client.shard_count = count
    state = client._connection  # noqa: SLF001 - see the module's docstring  # pyright: ignore[reportPrivateUsage]
    state.shard_count = count
    state.shard_ids = range(count + 1)


def skip_unreadable_events(client: discord.Client) -> None:
    """Have an event that discord.py cannot read logged and left out.

    discord.py lets its error end the connection of every shard, and with it the process: once Discord leaves out one
    field of one kind of event, no start would last. Only READY ends it still, since without it there is no session.
    """
    parsers = client._connection.parsers  # noqa: SLF001 - see the module's docstring  # pyright: ignore[reportPrivateUsage]
    for name, parse in list(parsers.items()):
        if name != "READY":
            parsers[name] = _skipping(name, parse)


def _skipping(name: str, parse: Callable[[Any], None]) -> Callable[[Any], None]:
    def parse_or_skip(data: Any) -> None:
        try:
            parse(writable(data) if name == "INTERACTION_CREATE" else data)
        except Exception:
            log.exception("an event %s of Discord is left out, because discord.py cannot read it", name)

    return parse_or_skip


def writable(value: Any) -> Any:
    """Return JSON in whose texts � stands for what no database takes: NUL characters, and halves of surrogate pairs."""
    if isinstance(value, str):
        return _UNWRITABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [writable(one) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: writable(one) for name, one in cast("dict[str, Any]", value).items()}
    return value
