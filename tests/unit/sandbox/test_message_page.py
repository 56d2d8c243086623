from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sandbox.message_page import Reader, card_html

HOSTILE = st.text(max_size=200) | st.lists(
    st.sampled_from(["<script>", "`", "**", "\\", "\ue000", "_", "<@1>", "https://a.b/<i>", "> ", "\n", "&lt;", '"']),
    max_size=40,
).map("".join)


KNOWN = {
    "html",
    "body",
    "img",
    "hr",
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


def layout(text: str) -> dict[str, Any]:
    """Build a message of layout components that says the same everywhere."""
    media = {"media": {"url": f"https://x.y/{text}"}, "description": text, "spoiler": True}
    button = {"type": 2, "style": 2, "label": text, "emoji": {"name": text}}
    select = {"type": 3, "placeholder": text, "options": [{"label": text, "value": "1", "default": True}]}
    inside = [
        {"type": 10, "content": text},
        {"type": 12, "items": [media, media]},
        {"type": 9, "components": [{"type": 10, "content": text}], "accessory": {"type": 11, **media}},
        {"type": 13, "file": {"url": text}},
        {"type": 14},
        {"type": 1, "components": [button]},
        {"type": 1, "components": [select]},
    ]
    frame = {"type": 17, "accent_color": 0x23A55A, "components": inside}
    return {"id": "2", "author": text, "content": "", "flags": 1 << 15, "embeds": [], "components": [frame]}


def test_a_layout_is_drawn_as_discord_draws_it() -> None:
    """A frame has its colour, its texts, buttons with emoji, selects and blurred spoilers; mentions have names."""
    now = 1_800_000_000
    shown: dict[str, Any] = {
        "author": "Wanda",
        "flags": 1 << 15,
        "components": [
            {
                "type": 17,
                "accent_color": 0x23A55A,
                "components": [
                    {"type": 10, "content": f"### a fox\n-# by <@7> in <#8> <t:{now + 7200}:R>"},
                    {"type": 12, "items": [{"media": {"url": "attachment://fox.jpg"}, "description": "a fox"}]},
                    {"type": 1, "components": [{"type": 2, "style": 1, "label": "Rerun", "emoji": {"name": "🔁"}}]},
                    {"type": 1, "components": [{"type": 3, "placeholder": "Choose", "options": []}]},
                ],
            }
        ],
    }
    html = card_html([shown], Path("/media"), Reader(names={"7": "maker", "8": "general"}, now=now, theme="light"))
    for piece in (
        '<body class="light">',
        "#23a55a",
        '<p class="heading h3">a fox</p>',
        '<span class="mention">@maker</span>',
        '<span class="mention">#general</span>',
        "in 2 hours",
        '<img src="/media/fox.jpg" alt="a fox">',
        '<button class="primary">🔁 Rerun</button>',
        '<div class="select empty">Choose',
    ):
        assert piece in html, piece


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
    tags.feed(card_html([message(text), layout(text)]))
    assert tags.seen <= KNOWN


def test_lists_spoilers_and_what_is_chosen_are_drawn() -> None:
    """A list item is drawn as one, a spoiler is hidden, and a list of channels names those that are chosen."""
    chooser = {"type": 8, "custom_id": "a", "default_values": [{"id": "20", "type": "channel"}]}
    parts = [{"type": 10, "content": "- one ||gore||"}, {"type": 1, "components": [chooser]}]
    html = card_html(
        [{"author": "Wanda", "flags": 1 << 15, "components": parts}], None, Reader(names={"20": "general"})
    )
    assert '<p class="item">one <span class="veiled">gore</span></p>' in html
    assert '<div class="select">general' in html
