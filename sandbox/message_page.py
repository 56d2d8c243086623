"""An HTML page of messages in the look of Discord, dark or light, from the JSON of `GET /sandbox/messages`.

It draws only what bots use: Markdown within a line, quotes, subtext, embeds with fields, layout components, buttons,
selects, attachments, replies and reactions; mentions by their names, and moments as they read at `now`. The page
contains its styles and loads only the attached files.
"""

import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

Message: TypeAlias = Mapping[str, Any]
Theme: TypeAlias = Literal["dark", "light"]

_ESCAPED = re.compile(r"\\([^\sA-Za-z0-9])")
_CODE = re.compile(r"`([^`\n]+)`")
_MASKED = re.compile(r"\[([^\]\n]+)\]\(<?(https?://[^\s>)]+)>?\)")
_MENTION = re.compile(r"<(@!?|@&|#)(\w+)>")
_COMMAND = re.compile(r"<(/[\w -]+):\d+>")
_MOMENT = re.compile(r"<t:(\d{1,11})(?::([tTdDfFR]))?>")
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\*\*(.+?)\*\*"), r"<b>\1</b>"),
    (re.compile(r"__(.+?)__"), r"<u>\1</u>"),
    (re.compile(r"(?<!\w)[*_](?=\S)(.+?)(?<=\S)[*_](?!\w)"), r"<i>\1</i>"),
    (re.compile(r"~~(.+?)~~"), r"<s>\1</s>"),
    (re.compile(r"\|\|(.+?)\|\|"), r'<span class="veiled">\1</span>'),
    (re.compile(r"https?://[^\s<]+"), r'<a href="\g<0>">\g<0></a>'),
)
_LAYOUT_FLAG = 1 << 15
_KEEP = 0xE000  # private use area: placeholders for finished HTML while the rest of the line is read


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks at the page, when (Unix seconds) and on which ground; `names` are those of mentioned ids."""

    names: Mapping[str, str] = field(default_factory=dict[str, str])
    now: float | None = None
    theme: Theme = "dark"


_NOBODY = Reader()
_reader: ContextVar[Reader] = ContextVar("reader", default=_NOBODY)


def card_html(messages: Sequence[Message], media_dir: Path | None = None, reader: Reader | None = None) -> str:
    """Return one HTML page with the messages in order; attached files are looked up by name in `media_dir`."""
    shown = reader or Reader()
    token = _reader.set(shown)
    try:
        body = "\n".join(_message(message, media_dir, messages) for message in messages)
    finally:
        _reader.reset(token)
    head = f'<meta charset="utf-8"><title>#general</title>{_STYLE}'
    return f'<!doctype html><html lang="en">{head}<body class="{shown.theme}"><main>{body}</main></body></html>'


def _message(message: Message, media_dir: Path | None, others: Sequence[Message]) -> str:
    name = _author(message)
    bot = ' <span class="app">APP</span>' if _is_bot(message) else ""
    parts = [
        _reply(message, others),
        f'<header><b class="name">{escape(name)}</b>{bot} <time>{_clock(message)}</time></header>',
        f'<div class="content">{_block(str(message["content"]))}</div>' if message.get("content") else "",
        '<p class="only">The bot is thinking\u2026</p>' if message.get("loading") else "",
        *(_attachment(item, media_dir) for item in _visible_attachments(message)),
        *(_embed(item, media_dir) for item in message.get("embeds") or ()),
        *(_component(item, media_dir) for item in message.get("components") or ()),
        _reactions(message),
        '<p class="only">Only you can see this</p>' if message.get("ephemeral_for") else "",
    ]
    letter = escape(name[:1].upper() or "?")
    return f'<article><div class="face">{letter}</div><div class="body">{"".join(parts)}</div></article>'


def _clock(message: Message) -> str:
    """Return when the message was posted, as its head shows it."""
    created = str(message.get("created_at") or message.get("timestamp") or "")
    return f"Today at {created[11:16] if len(created) > 16 else '12:00'}"  # noqa: PLR2004 - up to the minutes of ISO 8601


def _author(message: Message) -> str:
    author = message.get("author")
    return str(author.get("username", "?")) if isinstance(author, Mapping) else str(author or "?")  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - JSON


def _is_bot(message: Message) -> bool:
    author = message.get("author")
    return bool(message.get("embeds") or message.get("components")) or (isinstance(author, Mapping) and "bot" in author)


def _reply(message: Message, others: Sequence[Message]) -> str:
    reference = message.get("reference")
    if not reference:
        return ""
    target = next((other for other in others if str(other.get("id")) in str(reference)), None)
    text = "Original message was deleted" if target is None else f"{_author(target)}: {_first_words(target)}"
    return f'<p class="reply">\u21b1 {escape(text)}</p>'


def _first_words(message: Message) -> str:
    titles = [str(embed.get("title") or "") for embed in message.get("embeds") or ()]
    return (str(message.get("content") or "") or "".join(titles) or "Click to see attachment")[:60]


def _image(embed: Mapping[str, Any]) -> str:
    image: Mapping[str, Any] = embed.get("image") or {}
    return str(image.get("url") or "")


def _source(url: str, media_dir: Path | None) -> str:
    """Return the address of an embed's picture: its name in `media_dir`, or its own URL."""
    name = url.partition("?")[0].rpartition("/")[2]
    return escape(quote(str(media_dir / name), safe="/:") if media_dir is not None else url)


def _visible_attachments(message: Message) -> list[Mapping[str, Any]]:
    """Return the attachments that no embed shows; in a message of layout components only these show any."""
    if int(message.get("flags") or 0) & _LAYOUT_FLAG:
        return []
    used = {_image(embed).partition("?")[0].rpartition("/")[2] for embed in message.get("embeds") or ()}
    return [item for item in message.get("attachments") or () if str(item.get("filename")) not in used]


def _embed(embed: Mapping[str, Any], media_dir: Path | None) -> str:
    colour = f"#{int(embed.get('color') or 0x4E5058):06x}"
    parts = [
        f"<h1>{_line(str(embed['title']))}</h1>" if embed.get("title") else "",
        f'<div class="text">{_block(str(embed["description"]))}</div>' if embed.get("description") else "",
        _fields(embed.get("fields") or ()),
        f'<img src="{_source(str(image), media_dir)}" alt="">' if (image := _image(embed)) else "",
        f"<footer>{escape(str(embed['footer'].get('text', '')))}</footer>" if embed.get("footer") else "",
    ]
    return f'<section style="border-color:{colour}">{"".join(parts)}</section>'


def _fields(fields: Sequence[Mapping[str, Any]]) -> str:
    cells = [
        f'<div class="{"inline" if field.get("inline") else "wide"}">'
        f"<h2>{_line(str(field['name']))}</h2>{_block(str(field['value']))}</div>"
        for field in fields
    ]
    return f'<div class="fields">{"".join(cells)}</div>' if cells else ""


def _component(item: Mapping[str, Any], media_dir: Path | None) -> str:
    """Return the HTML of a component of any kind (https://discord.com/developers/docs/components/reference)."""
    inner = "".join(_component(one, media_dir) for one in item.get("components") or ())
    match item.get("type"):
        case 1:
            return f'<div class="row">{inner}</div>'
        case 2:
            return _button(item)
        case 3 | 5 | 6 | 7 | 8:
            return _select(item)
        case 9 | 17:
            return _group(item, inner, media_dir)
        case 10:
            return f'<div class="display">{_block(str(item.get("content") or ""))}</div>'
        case 14:
            return '<hr class="line">' if item.get("divider", True) else '<div class="gap"></div>'
        case _:
            return _shown_file(item, media_dir)


def _group(item: Mapping[str, Any], inner: str, media_dir: Path | None) -> str:
    """Return a section with what stands beside it, or a frame with its coloured edge."""
    if item.get("type") == 9:  # noqa: PLR2004 - Discord's number of a section
        beside = _component(item["accessory"], media_dir) if item.get("accessory") else ""
        return f'<div class="beside"><div>{inner}</div>{beside}</div>'
    colour = item.get("accent_color")
    edge = f' style="border-left:4px solid #{int(colour):06x}"' if colour is not None else ""
    return f'<div class="frame"{edge}>{inner}</div>'


def _shown_file(item: Mapping[str, Any], media_dir: Path | None) -> str:
    """Return a thumbnail, a gallery or a file; nothing for an unknown kind."""
    match item.get("type"):
        case 11:
            return f'<div class="thumbnail">{_media(item, media_dir)}</div>'
        case 12:
            items: Sequence[Mapping[str, Any]] = item.get("items") or ()
            several = " several" if len(items) > 1 else ""
            return f'<div class="gallery{several}">{"".join(_media(one, media_dir) for one in items)}</div>'
        case 13:
            name = str(item.get("name") or str(item.get("file", {}).get("url", "")).rpartition("/")[2])
            return f'<p class="file">\U0001f4ce {escape(name)}</p>'
        case _:
            return ""


def _button(item: Mapping[str, Any]) -> str:
    styles = {1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary"}
    emoji: Mapping[str, Any] = item.get("emoji") or {}
    words = " ".join(part for part in (str(emoji.get("name") or ""), str(item.get("label") or "")) if part)
    link = " \u2197\ufe0e" if item.get("style") == 5 else ""  # noqa: PLR2004 - Discord's number of a link
    off = " disabled" if item.get("disabled") else ""
    return f'<button class="{styles.get(int(item.get("style") or 2), "secondary")}"{off}>{escape(words)}{link}</button>'


def _select(item: Mapping[str, Any]) -> str:
    chosen = [str(one["label"]) for one in item.get("options") or () if one.get("default")]
    names = _reader.get().names
    chosen += [names.get(str(one["id"]), str(one["id"])) for one in item.get("default_values") or ()]
    shown = ", ".join(chosen) or str(item.get("placeholder") or "Make a selection")
    return f'<div class="select{"" if chosen else " empty"}">{escape(shown)}<i>\u2304</i></div>'


def _media(item: Mapping[str, Any], media_dir: Path | None) -> str:
    """Return a picture or video of a gallery; a spoiler is blurred."""
    url = str(item.get("media", {}).get("url") or "")
    name = url.partition("?")[0].rpartition("/")[2]
    alt, hidden = escape(str(item.get("description") or "")), " hidden" if item.get("spoiler") else ""
    spoiler = '<b class="spoiler">SPOILER</b>' if hidden else ""
    if not name.endswith((".mp4", ".webm", ".mov")):
        return f'<div class="media{hidden}"><img src="{_source(url, media_dir)}" alt="{alt}">{spoiler}</div>'
    return f'<div class="media{hidden}">{_film(url, name, alt, media_dir)}<i class="play"></i>{spoiler}</div>'


def _film(url: str, name: str, alt: str, media_dir: Path | None) -> str:
    """Return a video, or the still of it that lies in `media_dir` beside it."""
    if media_dir is not None and (media_dir / f"{Path(name).name}.png").is_file():
        return f'<img src="{_source(f"{url}.png", media_dir)}" alt="{alt}">'
    return f'<video src="{_source(url, media_dir)}" aria-label="{alt}" muted preload="auto"></video>'


def _attachment(item: Mapping[str, Any], media_dir: Path | None) -> str:
    name, kind = str(item.get("filename") or "file"), str(item.get("content_type") or "")
    source = escape(quote(str(media_dir / name), safe="/:") if media_dir is not None else str(item.get("url") or ""))
    if kind.startswith("video/") or name.endswith(".mp4"):
        return f'<div class="media">{_film(name, name, "", media_dir)}<i class="play"></i></div>'
    if kind.startswith("image/"):
        return f'<div class="media"><img src="{source}" alt=""></div>'
    return f'<p class="file">\U0001f4ce {escape(name)} <small>{int(item.get("size") or 0):,} bytes</small></p>'


def _reactions(message: Message) -> str:
    found = [
        f'<span class="reaction">{escape(str(item.get("emoji")))} {len(item.get("users") or ())}</span>'
        for item in message.get("reactions") or ()
    ]
    return f'<div class="row">{"".join(found)}</div>' if found else ""


def _block(text: str) -> str:
    """Return the HTML of several lines, with quotes, subtext, list items and headings."""
    return "".join(_whole_line(line) for line in text.split("\n"))


def _whole_line(line: str) -> str:
    if line.startswith("> "):
        return f"<blockquote>{_line(line[2:])}</blockquote>"
    if line.startswith("-# "):
        return f'<p class="sub">{_line(line[3:])}</p>'
    if line.startswith("- "):
        return f'<p class="item">{_line(line[2:])}</p>'
    if heading := re.match(r"(#{1,3}) ", line):
        return f'<p class="heading h{len(heading[1])}">{_line(line[heading.end() :])}</p>'
    return f"<p>{_line(line)}</p>" if line else '<p class="gap"></p>'


def _line(text: str) -> str:
    """Return the HTML of one line; escaped characters and code are set aside before the other rules apply."""
    kept: list[str] = []

    def keep(piece: str) -> str:
        kept.append(piece)
        return chr(_KEEP + len(kept) - 1)

    text = re.sub(f"[{chr(_KEEP)}-\uf8ff]", "", text)
    text = _ESCAPED.sub(lambda found: keep(escape(found[1])), text)
    text = _CODE.sub(lambda found: keep(f"<code>{_restore(escape(found[1]), kept)}</code>"), text)
    text = _MASKED.sub(lambda found: keep(f'<a href="{escape(found[2])}">{escape(found[1])}</a>'), text)
    text = _MOMENT.sub(lambda found: keep(f'<span class="moment">{_moment(int(found[1]), found[2])}</span>'), text)
    text = _MENTION.sub(lambda found: keep(_mention(found[1], found[2])), text)
    text = _COMMAND.sub(lambda found: keep(f'<span class="mention">{escape(found[1])}</span>'), text)
    text = escape(text, quote=False)
    for pattern, html in _RULES:
        text = pattern.sub(html, text)
    return _restore(text, kept)


def _mention(kind: str, id_: str) -> str:
    name = _reader.get().names.get(id_, id_)
    return f'<span class="mention">{"#" if kind == "#" else "@"}{escape(name)}</span>'


def _relative(seconds: float) -> str:
    """Return "in 5 minutes" or "2 days ago", as Discord rounds it."""
    steps = ((86_400 * 30, "month"), (86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
    size, unit = next((step for step in steps if abs(seconds) >= step[0]), (1, "second"))
    count = round(abs(seconds) / size)
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {words}" if seconds > 0 else f"{words} ago"


def _moment(at: int, style: str | None) -> str:
    """Return a timestamp as Discord shows it with the locale en-GB in UTC."""
    now = _reader.get().now
    if style == "R" and now is not None:
        return _relative(at - now)
    patterns = {"t": "%H:%M", "d": "%d/%m/%Y", "D": "%-d %B %Y", "R": "%-d %B %Y"}
    return datetime.fromtimestamp(at, tz=UTC).strftime(patterns.get(style or "f", "%-d %B %Y %H:%M"))


def _restore(text: str, kept: Sequence[str]) -> str:
    for index, piece in enumerate(kept):
        text = text.replace(chr(_KEEP + index), piece)
    return text


_STYLE = """<style>
*{box-sizing:border-box;margin:0}
body{--ground:#313338;--panel:#2b2d31;--edge:#3f4147;--text:#dbdee1;--strong:#f2f3f5;--weak:#949ba4;--code:#1e1f22;
 --button:#4e5058;--link:#00a8fc;--name:#3c4270;--named:#c9cdfb;
 background:var(--ground);color:var(--text);
 font:16px/22px "gg sans","Noto Sans","Helvetica Neue",Arial,"Noto Color Emoji",sans-serif}
body.light{--ground:#fff;--panel:#f2f3f5;--edge:#e1e2e4;--text:#313338;--strong:#060607;--weak:#5c5e66;--code:#e3e5e8;
 --button:#6d6f78;--link:#006ce7;--name:#e6e8fd;--named:#4752c4}
main{max-width:720px;padding:20px 16px}
article{display:flex;gap:16px;padding:10px 0}
.face{flex:none;width:40px;height:40px;border-radius:50%;background:#5865f2;color:#fff;font-weight:700;line-height:40px;
 text-align:center}
.body{min-width:0;flex:1}
header time{color:var(--weak);font-size:12px;margin-left:4px}
.name{color:var(--strong);font-weight:500}
.app{background:#5865f2;color:#fff;border-radius:4px;font-size:10px;font-weight:600;padding:1px 5px;vertical-align:1px}
.content,.display{overflow-wrap:anywhere}
.reply,.only{color:var(--weak);font-size:13px}
a{color:var(--link);text-decoration:none}
.moment{background:var(--edge);border-radius:3px;padding:0 2px}
.mention{background:var(--name);color:var(--named);border-radius:3px;padding:0 2px}
section{background:var(--panel);border-left:4px solid;border-radius:4px;margin-top:6px;padding:10px 16px 14px 12px;
 max-width:520px;font-size:14px;line-height:18px;overflow-wrap:anywhere}
section h1{font-size:16px;line-height:22px;color:var(--strong);font-weight:600}
section h2{font-size:14px;color:var(--strong);font-weight:600;margin-bottom:2px}
.text{margin-top:6px;display:grid;gap:4px}
.fields{display:grid;grid-template-columns:repeat(12,1fr);gap:8px;margin-top:8px}
.fields .inline{grid-column:span 4}.fields .wide{grid-column:1/-1}
section img{display:block;max-width:100%;border-radius:4px;margin-top:10px}
section footer{color:var(--weak);font-size:12px;line-height:16px;margin-top:8px}
.frame{background:var(--panel);border:1px solid var(--edge);border-radius:8px;margin-top:6px;padding:14px 16px;
 max-width:600px;display:grid;gap:8px}
.beside{display:flex;gap:12px;justify-content:space-between}
.thumbnail img{width:85px;height:85px;object-fit:cover;border-radius:8px}
.gallery .media{display:block;margin:0}
.gallery .media img,.gallery .media video{width:100%;max-width:none;max-height:340px;object-fit:cover;display:block}
.gallery.several{display:grid;grid-template-columns:1fr 1fr;gap:4px}
.hidden{overflow:hidden;border-radius:8px}.hidden img,.hidden video{filter:blur(28px)}
.spoiler{position:absolute;inset:0;margin:auto;width:max-content;height:max-content;background:rgba(0,0,0,.6);
 border-radius:20px;color:#fff;padding:8px 12px;font-size:15px}
.hidden .play{display:none}
.line{border:0;border-top:1px solid var(--edge)}
.select{background:var(--code);border:1px solid var(--edge);border-radius:4px;padding:8px 12px;
 min-width:min(300px,100%);max-width:400px;flex:1;display:flex;justify-content:space-between}.select.empty{color:var(--weak)}
blockquote{border-left:4px solid var(--button);border-radius:4px;padding-left:10px}
.sub{color:var(--weak);font-size:13px;line-height:17px}
.heading{font-weight:700;color:var(--strong)}.h1{font-size:24px;line-height:30px}.h2{font-size:20px;line-height:26px}
.gap{height:6px}
code{background:var(--code);border-radius:4px;padding:1px 3px;font:85% Consolas,"DejaVu Sans Mono",monospace}
.item{display:list-item;margin-left:1.2em}.veiled{background:#8886;color:transparent;border-radius:4px}
.beside{align-items:flex-start}.beside button{flex:none}
.row{display:flex;flex-wrap:wrap;gap:8px;margin-top:8px}.frame .row{margin-top:4px}
button{border:0;border-radius:8px;color:#fff;font:500 14px/16px inherit;font-family:inherit;
 padding:8px 14px;background:var(--button)}
button.primary{background:#5865f2}button.success{background:#248046}button.danger{background:#da373c}
button:disabled{opacity:.5}
.media{position:relative;display:inline-block;max-width:100%;margin-top:6px}
.media video,.media img{display:block;max-width:min(520px,100%);max-height:350px;border-radius:8px;background:#000}
.play{position:absolute;inset:0;margin:auto;width:56px;height:56px;border-radius:50%;background:rgba(0,0,0,.6)}
.play:after{content:"";position:absolute;left:22px;top:17px;border:11px solid transparent;border-left:17px solid #fff;
 border-right:0}
.file{background:var(--panel);border:1px solid var(--edge);border-radius:8px;padding:10px;margin-top:6px;
 max-width:420px}
.reaction{background:var(--panel);border:1px solid var(--edge);border-radius:8px;padding:2px 8px;font-size:14px}
</style>"""
