"""Replaces `attachment://…` in embeds and components by URLs."""

from collections.abc import Mapping
from typing import Any, cast

from sandbox.discord.wire import Json

SCHEME = "attachment://"
PICTURES = ("image", "thumbnail", "video")
MEDIA = ("media", "file")


def link_embeds(embeds: list[Json], links: Mapping[str, Json]) -> tuple[list[Json], set[str]]:
    """Return the embeds with URLs, and the file names they use, which Discord no longer lists as attachments."""
    used: set[str] = set()
    return [_embed(embed, links, used) for embed in embeds], used


def _embed(embed: Json, links: Mapping[str, Json], used: set[str]) -> Json:
    shown = embed
    for key in PICTURES:
        if (link := _link_of(embed.get(key), links, used)) is not None:
            facts = {"url": link["url"], "proxy_url": link["url"], **_sides(link)}
            shown = shown | {key: embed[key] | {name: fact for name, fact in facts.items() if fact is not None}}
    for key in ("author", "footer"):
        part = embed.get(key)
        name = _name(part.get("icon_url") if part else None)
        if part and name in links:
            used.add(name)
            shown = shown | {key: part | {"icon_url": links[name]["url"], "proxy_icon_url": links[name]["url"]}}
    return shown


def attachment_names(value: Any) -> set[str]:
    """Return the names of all attachments that a value refers to, at any depth."""
    match value:
        case str():
            return {value.removeprefix(SCHEME)} if value.startswith(SCHEME) else set()
        case dict():
            return {name for item in cast("Json", value).values() for name in attachment_names(item)}
        case list():
            return {name for item in cast("list[Any]", value) for name in attachment_names(item)}
        case _:
            return set()


def _name(url: object) -> str:
    return url.removeprefix(SCHEME) if isinstance(url, str) and url.startswith(SCHEME) else ""


def _link_of(part: Json | None, links: Mapping[str, Json], used: set[str]) -> Json | None:
    name = _name(part.get("url") if part else None)
    if name not in links:
        return None
    used.add(name)
    return links[name]


def link_component(component: Json, links: Mapping[str, Json], used: set[str]) -> Json:
    """Return a Components V2 component with URLs in its media, at any depth."""
    shown: Json = {}
    for key, value in component.items():
        if key in MEDIA and isinstance(value, dict):
            shown[key] = _media(cast("Json", value), links, used)
            if key == "file":
                shown |= _file_facts(cast("Json", value), links)
        else:
            shown[key] = _link_value(value, links, used)
    return shown


def _link_value(value: Any, links: Mapping[str, Json], used: set[str]) -> Any:
    match value:
        case dict():
            return link_component(cast("Json", value), links, used)
        case list():
            return [_link_value(item, links, used) for item in cast("list[Any]", value)]
        case _:
            return value


def _media(media: Json, links: Mapping[str, Json], used: set[str]) -> Json:
    link = _link_of(media, links, used)
    if link is None:
        url = str(media.get("url", ""))
        return {"id": "0", "url": url, "proxy_url": url, "width": None, "height": None, "content_type": None}
    return {
        "id": link["id"],
        "url": link["url"],
        "proxy_url": link["url"],
        **_sides(link),
        "content_type": link.get("content_type"),
        "attachment_id": link["id"],
    }


def _sides(link: Json) -> Json:
    return {"width": link.get("width"), "height": link.get("height")}


def _file_facts(file: Json, links: Mapping[str, Json]) -> Json:
    link = links.get(_name(file.get("url")))
    return {"name": link["filename"] if link else None, "size": link["size"] if link else None}
