"""An HTML page of messages in the look of Discord's dark theme, from the JSON of `GET /sandbox/messages`.

It draws only what bots use: Markdown within a line, quotes, subtext, embeds with fields, buttons, attachments, replies
and reactions. The page contains its styles and loads only the attached files.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

Message: TypeAlias = Mapping[str, Any]

_ESCAPED = re.compile(r"\\([^\sA-Za-z0-9])")
_CODE = re.compile(r"`([^`\n]+)`")
_MASKED = re.compile(r"\[([^\]\n]+)\]\(<?(https?://[^\s>)]+)>?\)")
_MOMENT = re.compile(r"<t:(\d{1,11})(?::([tTdDfFR]))?>")
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\*\*(.+?)\*\*"), r"<b>\1</b>"),
    (re.compile(r"__(.+?)__"), r"<u>\1</u>"),
    (re.compile(r"(?<!\w)[*_](?=\S)(.+?)(?<=\S)[*_](?!\w)"), r"<i>\1</i>"),
    (re.compile(r"~~(.+?)~~"), r"<s>\1</s>"),
    (re.compile(r"&lt;@!?(\w+)&gt;"), r'<span class="mention">@\1</span>'),
    (re.compile(r"https?://[^\s<]+"), r'<a href="\g<0>">\g<0></a>'),
)
_KEEP = 0xE000  # private use area: placeholders for finished HTML while the rest of the line is read


def card_html(messages: Sequence[Message], media_dir: Path | None = None) -> str:
    """Return one HTML page with the messages in order; attached files are looked up by name in `media_dir`."""
    body = "\n".join(_message(message, media_dir, messages) for message in messages)
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>#general</title>{_STYLE}<main>{body}</main>'


def _message(message: Message, media_dir: Path | None, others: Sequence[Message]) -> str:
    name = _author(message)
    bot = ' <span class="app">APP</span>' if _is_bot(message) else ""
    parts = [
        _reply(message, others),
        f'<header><b class="name">{escape(name)}</b>{bot} <time>Today at 12:00</time></header>',
        f'<div class="content">{_block(str(message["content"]))}</div>' if message.get("content") else "",
        '<p class="only">The bot is thinking\u2026</p>' if message.get("loading") else "",
        *(_attachment(item, media_dir) for item in _visible_attachments(message)),
        *(_embed(item, media_dir) for item in message.get("embeds") or ()),
        *(_row(item) for item in message.get("components") or ()),
        _reactions(message),
        '<p class="only">Only you can see this</p>' if message.get("ephemeral_for") else "",
    ]
    letter = escape(name[:1].upper() or "?")
    return f'<article><div class="face">{letter}</div><div class="body">{"".join(parts)}</div></article>'


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
    """Return the attachments that no embed shows."""
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


def _row(row: Mapping[str, Any]) -> str:
    styles = {1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary"}
    buttons = [
        f'<button class="{styles.get(int(item.get("style") or 2), "secondary")}"'
        f"{' disabled' if item.get('disabled') else ''}>{escape(str(item.get('label') or ''))}</button>"
        for item in row.get("components") or ()
        if item.get("type") == 2  # noqa: PLR2004 - Discord's number of a button
    ]
    return f'<div class="row">{"".join(buttons)}</div>'


def _attachment(item: Mapping[str, Any], media_dir: Path | None) -> str:
    name, kind = str(item.get("filename") or "file"), str(item.get("content_type") or "")
    source = escape(quote(str(media_dir / name), safe="/:") if media_dir is not None else str(item.get("url") or ""))
    if kind.startswith("video/") or name.endswith(".mp4"):
        return f'<div class="media"><video src="{source}" muted preload="auto"></video><i class="play"></i></div>'
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
    """Return the HTML of several lines, with quotes, subtext and headings."""
    return "".join(_whole_line(line) for line in text.split("\n"))


def _whole_line(line: str) -> str:
    if line.startswith("> "):
        return f"<blockquote>{_line(line[2:])}</blockquote>"
    if line.startswith("-# "):
        return f'<p class="sub">{_line(line[3:])}</p>'
    if heading := re.match(r"(#{1,3}) ", line):
        return f'<p class="heading">{_line(line[heading.end() :])}</p>'
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
    text = escape(text, quote=False)
    for pattern, html in _RULES:
        text = pattern.sub(html, text)
    return _restore(text, kept)


def _moment(at: int, style: str | None) -> str:
    """Return a timestamp as Discord shows it with the locale en-GB in UTC."""
    patterns = {"t": "%H:%M", "d": "%d/%m/%Y", "D": "%-d %B %Y", "R": "%-d %B %Y"}
    return datetime.fromtimestamp(at, tz=UTC).strftime(patterns.get(style or "f", "%-d %B %Y %H:%M"))


def _restore(text: str, kept: Sequence[str]) -> str:
    for index, piece in enumerate(kept):
        text = text.replace(chr(_KEEP + index), piece)
    return text


_STYLE = """<style>
*{box-sizing:border-box;margin:0}
body{background:#313338;color:#dbdee1;font:16px/22px "gg sans","Noto Sans","Helvetica Neue",Arial,sans-serif}
main{max-width:720px;padding:20px 16px}
article{display:flex;gap:16px;padding:10px 0}
.face{flex:none;width:40px;height:40px;border-radius:50%;background:#5865f2;color:#fff;font-weight:700;line-height:40px;
 text-align:center}
.body{min-width:0;flex:1}
header time{color:#949ba4;font-size:12px;margin-left:4px}
.name{color:#f2f3f5;font-weight:500}
.app{background:#5865f2;color:#fff;border-radius:4px;font-size:10px;font-weight:600;padding:1px 5px;vertical-align:1px}
.content{overflow-wrap:anywhere}
.reply,.only{color:#b5bac1;font-size:13px}
a{color:#00a8fc;text-decoration:none}
.moment{background:#3f4147;border-radius:3px;padding:0 2px}
.mention{background:#3c4270;color:#c9cdfb;border-radius:3px;padding:0 2px}
section{background:#2b2d31;border-left:4px solid;border-radius:4px;margin-top:6px;padding:10px 16px 14px 12px;
 max-width:520px;font-size:14px;line-height:18px;overflow-wrap:anywhere}
section h1{font-size:16px;line-height:22px;color:#f2f3f5;font-weight:600}
section h2{font-size:14px;color:#f2f3f5;font-weight:600;margin-bottom:2px}
.text{margin-top:6px;display:grid;gap:4px}
.fields{display:grid;grid-template-columns:repeat(12,1fr);gap:8px;margin-top:8px}
.fields .inline{grid-column:span 4}.fields .wide{grid-column:1/-1}
section img{display:block;max-width:100%;border-radius:4px;margin-top:10px}
section footer{color:#b5bac1;font-size:12px;line-height:16px;margin-top:8px}
blockquote{border-left:4px solid #4e5058;border-radius:4px;padding-left:10px}
.sub{color:#949ba4;font-size:13px;line-height:17px}
.heading{font-weight:700}.gap{height:6px}
code{background:#1e1f22;border-radius:4px;padding:1px 3px;font:85% Consolas,"DejaVu Sans Mono",monospace}
.row{display:flex;gap:8px;margin-top:8px}
button{border:0;border-radius:4px;color:#fff;font:500 14px/16px inherit;font-family:inherit;
 padding:8px 16px;background:#4e5058}
button.primary{background:#5865f2}button.success{background:#248046}button.danger{background:#da373c}
button:disabled{opacity:.5}
.media{position:relative;display:inline-block;margin-top:6px}
.media video,.media img{display:block;max-width:520px;max-height:350px;border-radius:8px;background:#000}
.play{position:absolute;inset:0;margin:auto;width:56px;height:56px;border-radius:50%;background:rgba(0,0,0,.6)}
.play:after{content:"";position:absolute;left:22px;top:17px;border:11px solid transparent;border-left:17px solid #fff;
 border-right:0}
.file{background:#2b2d31;border:1px solid #232428;border-radius:8px;padding:10px;margin-top:6px;max-width:420px}
.reaction{background:#2b2d31;border-radius:8px;padding:2px 8px;font-size:14px}
</style>"""
