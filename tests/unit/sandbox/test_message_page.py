from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sandbox.message_page import card_html

HOSTILE = st.text(max_size=200) | st.lists(
    st.sampled_from(["<script>", "`", "**", "\\", "\ue000", "_", "<@1>", "https://a.b/<i>", "> ", "\n", "&lt;", '"']),
    max_size=40,
).map("".join)


KNOWN = {
    "html",
    "meta",
    "title",
    "style",
    "main",
    "article",
    "div",
    "header",
    "b",
    "u",
    "i",
    "s",
    "span",
    "time",
    "section",
    "h1",
    "h2",
    "p",
    "a",
    "code",
    "footer",
    "blockquote",
    "button",
    "video",
}


class Tags(HTMLParser):
    """The names of a page's elements."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the name, and refuse attributes that the page never writes."""
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.seen.add(tag)


def message(text: str) -> dict[str, Any]:
    """Build a message that says the same everywhere."""
    fields = [{"name": text, "value": text, "inline": True}]
    embed = {"title": text, "description": text, "color": 0x23A55A, "fields": fields, "footer": {"text": text}}
    button = {"type": 2, "style": 2, "label": text, "disabled": True}
    return {
        "id": "1",
        "author": text,
        "content": text,
        "embeds": [embed],
        "components": [{"type": 1, "components": [button]}],
        "attachments": [{"filename": text, "size": 1, "content_type": "video/mp4", "url": text}],
        "reactions": [{"emoji": text, "users": ["a"]}],
        "reference": "1",
    }


def test_a_message_is_drawn_as_discord_draws_it() -> None:
    """Bold, code, quotes, subtext, escapes and links look as in Discord, and files come from the given folder."""
    html = card_html([message("> a \\*fox\\*\n**b** `c*d*`\n-# small https://x.y/z")], Path("/media"))
    for piece in (
        "<blockquote>a *fox*</blockquote>",
        "<b>b</b>",
        "<code>c*d*</code>",
        '<p class="sub">small <a href="https://x.y/z">',
        'src="/media/',
        "<button",
        "#23a55a",
    ):
        assert piece in html


def test_links_and_moments_are_shown_as_people_see_them() -> None:
    """A link behind words is those words, and a moment a day, as Discord writes both."""
    html = card_html([message("[the original](<https://x.y/z.mp4>) until <t:1795757191:D>")])
    assert '<a href="https://x.y/z.mp4">the original</a>' in html
    assert "27 November 2026" in html


@given(text=HOSTILE)
def test_no_text_becomes_markup(text: str) -> None:
    """Whatever a message says, it adds no element and no handler of its own."""
    tags = Tags()
    tags.feed(card_html([message(text)]))
    assert tags.seen <= KNOWN
