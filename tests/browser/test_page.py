"""How the page shows what Discord specifies, whatever bot sends it, and how fast."""

import asyncio
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import ARTEFACTS
from tests.support.media_samples import mp4, png
from tests.support.page_only import PageOnly
from tests.support.play_page import Visitor, Visitors

V2 = 1 << 15
CARDS, EDITS_PER_S, WATCHED_S, ROUNDS = 20, 3, 4, 3
MARKDOWN = """# Heading
**bold** *italic* __underlined__ ~~struck~~ ||hidden|| `code` \\*escaped\\* snake_case_name
> a quote
- a point
1. a number
-# subtext
```py
print("code")
```
[a link](https://example.com) <t:0:D> @everyone"""


@pytest.fixture(scope="module")
def served() -> Iterator[PageOnly]:
    """A page that is being served, and what is posted there."""
    with PageOnly() as page:
        yield page


@pytest.fixture
def visitor(chromium: Browser, served: PageOnly) -> Iterator[Visitor]:
    """The maker at that page."""
    opened = Visitors(chromium, served.address, ARTEFACTS)
    yield opened.open()
    opened.close()


def _button(number: int, **more: Any) -> dict[str, Any]:
    return {"type": 2, "style": number, "label": f"Style {number}", "custom_id": f"b{number}", **more}


def test_markdown(served: PageOnly, visitor: Visitor) -> None:
    """Markdown is shown as Discord shows it, and HTML in it is text."""
    served.run(served.post({"content": MARKDOWN}))
    served.run(served.post({"content": "<b>no</b> <img src=x onerror=alert(1)>"}))
    shown = visitor.message("Heading").locator(".content")
    for tag in ("b", "i", "u", "s", "code", "blockquote", "ul li", "ol li", "pre", ".subtext", "a", ".h1", ".spoiler"):
        expect(shown.locator(tag).first).to_be_visible()
    expect(shown).to_contain_text("*escaped* snake_case_name")
    expect(visitor.newest.locator(".content")).to_have_text("<b>no</b> <img src=x onerror=alert(1)>")
    visitor.shot("30-markdown")


def test_an_embed(served: PageOnly, visitor: Visitor) -> None:
    """An embed has its author, title, text, fields, picture and footer."""
    fields = [{"name": f"Field {n}", "value": "value", "inline": n < 3} for n in range(4)]
    embed = {
        "author": {"name": "Author"}, "title": "Title", "description": "Some **text**", "color": 0x3BA55C,
        "fields": fields, "image": {"url": "attachment://a.png"}, "footer": {"text": "Footer"},
    }  # fmt: skip
    served.run(served.post({"embeds": [embed]}, a__png=png(320, 180)))
    shown = visitor.newest.locator("article.embed")
    for part in ("Author", "Title", "Some text", "Field 0", "Field 3", "Footer"):
        expect(shown).to_contain_text(part)
    expect(shown.locator("img.media")).to_be_visible()
    expect(visitor.newest.locator(".attachment")).to_have_count(0)
    visitor.shot("31-embed")


def test_components_v2(served: PageOnly, visitor: Visitor) -> None:
    """Every component that a message may have is shown, and the clip in the gallery plays."""
    select = {"type": 3, "custom_id": "s", "options": [{"label": "One", "value": "1"}, {"label": "Two", "value": "2"}]}
    inside = [
        {"type": 9, "components": [{"type": 10, "content": "### In a section"}],
         "accessory": {"type": 11, "media": {"url": "attachment://a.png"}}},
        {"type": 14, "divider": True, "spacing": 2},
        {"type": 12, "items": [{"media": {"url": "attachment://c.mp4"}, "description": "a clip"}]},
        {"type": 13, "file": {"url": "attachment://n.txt"}},
        {"type": 1, "components": [_button(n) for n in (1, 2, 3, 4)]},
        {"type": 1, "components": [select]},
    ]  # fmt: skip
    links = {"type": 2, "style": 5, "label": "Link", "url": "https://example.com"}
    body = {
        "flags": V2,
        "components": [
            {"type": 10, "content": "Outside **bold**"},
            {"type": 17, "accent_color": 0x5865F2, "components": inside},
            {"type": 1, "components": [links, _button(2, custom_id="off", disabled=True)]},
            {"type": 17, "spoiler": True, "components": [{"type": 10, "content": "hidden"}]},
        ],
    }
    served.run(served.post(body, a__png=png(320, 180), c__mp4=mp4(2.0, 640, 360), n__txt=b"notes"))
    shown = visitor.newest
    for part in (".container", ".section .thumbnail img", ".separator", ".gallery video", ".filecard", ".selectbox"):
        expect(shown.locator(part).first).to_be_visible()
    expect(shown.locator("button.button")).to_have_count(5)
    expect(shown.get_by_role("link", name="Link")).to_have_attribute("href", "https://example.com")
    expect(shown.get_by_role("button", name="Reveal spoiler")).to_be_visible()
    shown.locator(".selectbox").click()
    expect(shown.get_by_role("option")).to_have_text(["One", "Two"])
    visitor.shot("32-components-v2")


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize(("kind", "sides"), [("desktop", (1280, 860)), ("phone", (390, 844))])
def test_every_size_and_colour(
    chromium: Browser, served: PageOnly, kind: str, sides: tuple[int, int], scheme: str
) -> None:
    """Nothing is wider than the window, and on a phone the channels are behind a button."""
    opened = Visitors(chromium, served.address, ARTEFACTS)
    visitor = opened.open(width=sides[0], height=sides[1], scheme=scheme)
    wider = "() => document.documentElement.scrollWidth - innerWidth"
    assert visitor.page.evaluate(wider) <= 0
    visitor.shot(f"33-{kind}-{scheme}")
    if kind == "phone":
        visitor.page.get_by_role("button", name="Channels", exact=True).click()
        expect(visitor.page.get_by_role("navigation", name="Channels")).to_be_visible()
        visitor.shot(f"34-{kind}-{scheme}-channels")
    opened.close()


FRAMES = """(seconds) => new Promise((done) => {
  const began = performance.now(); let frames = 0, last = began, longest = 0;
  const next = (at) => {
    frames += 1; longest = Math.max(longest, at - last); last = at;
    if (at - began < seconds * 1000) requestAnimationFrame(next);
    else done({ fps: frames / ((at - began) / 1000), longest });
  };
  requestAnimationFrame(next);
})"""
DELAYS = """() => {
  window.delays = [];
  window.watching?.disconnect();
  window.watching = new MutationObserver(() => requestAnimationFrame(() => {
    for (const part of document.querySelectorAll("li.message .content")) {
      const stamp = Number(/sent (\\d+)/.exec(part.textContent)?.[1]);
      if (stamp && part.stamp !== stamp) { part.stamp = stamp; window.delays.push(Date.now() - stamp); }
    }
  }));
  window.watching.observe(document.querySelector(".messages"), { subtree: true, childList: true, characterData: true });
}"""


def _card(number: int, step: int) -> dict[str, Any]:
    bar = "▰" * (step % 20) + "▱" * (20 - step % 20)
    embed = {"title": f"Card {number}", "description": f"{bar} **{step * 5 % 100} %**", "color": 0x5865F2}
    return {"content": f"sent {time.time() * 1000:.0f}", "embeds": [embed]}


async def _edit_cards(served: PageOnly, cards: list[str]) -> None:
    for step in range(EDITS_PER_S * WATCHED_S):
        began = time.monotonic()
        for number, card in enumerate(cards):
            await served.edit(card, _card(number, step))
        await asyncio.sleep(max(0.0, 1 / EDITS_PER_S - (time.monotonic() - began)))


def test_twenty_cards_that_update(served: PageOnly, visitor: Visitor) -> None:
    """While 20 cards are edited three times a second, the page keeps 60 frames, and an edit is seen within 100 ms.

    The machine does other work too, so the best of three rounds counts.
    """
    cards = [served.run(served.post(_card(number, 0))) for number in range(CARDS)]
    expect(visitor.message("Card 19")).to_be_visible()
    rounds: list[tuple[float, float]] = []
    while len(rounds) < ROUNDS and not any(fps >= 55 and middle_ms <= 100 for fps, middle_ms in rounds):
        rounds.append(_watch_edits(served, visitor, cards))
    visitor.shot("35-twenty-cards")
    assert any(fps >= 55 and middle_ms <= 100 for fps, middle_ms in rounds)


def _watch_edits(served: PageOnly, visitor: Visitor, cards: list[str]) -> tuple[float, float]:
    """Return the frames per second while the cards are edited, and the median time until an edit is on the screen."""
    visitor.page.evaluate(DELAYS)
    editing = asyncio.run_coroutine_threadsafe(_edit_cards(served, cards), served.loop)
    frames = visitor.page.evaluate(FRAMES, WATCHED_S)
    editing.result(60)
    delays = sorted(visitor.page.evaluate("() => window.delays"))
    middle_ms, most_ms = delays[len(delays) // 2], delays[int(len(delays) * 0.95)]
    print(f"\n20 cards: {frames['fps']:.1f} frames/s, longest {frames['longest']:.0f} ms;", end=" ")
    print(f"{len(delays)} edits on screen after {middle_ms:.0f} ms (median), {most_ms:.0f} ms (95 %)")
    assert len(delays) > CARDS
    return frames["fps"], middle_ms


def test_two_hundred_messages(served: PageOnly, visitor: Visitor) -> None:
    """A channel with 200 messages scrolls to its first one without lag, and a new message still appears at once."""

    async def post_all() -> None:
        for number in range(200):
            await served.post({"content": f"message {number} of many"})

    served.run(post_all())
    visitor.page.reload()
    expect(visitor.message("of many")).to_be_visible()
    for _ in range(8):
        visitor.page.locator(".messages").evaluate("(box) => { box.scrollTop = 0; }")
        visitor.page.wait_for_timeout(150)
    expect(visitor.page.locator(".intro")).to_be_visible()
    assert visitor.page.locator("li.message").count() >= 200
    frames = visitor.page.evaluate(
        FRAMES.replace("frames += 1;", "frames += 1; document.querySelector('.messages').scrollTop += 40;"), 2
    )
    print(f"\n200 messages: {frames['fps']:.1f} frames/s while scrolling, longest {frames['longest']:.0f} ms")
    visitor.page.locator(".messages").evaluate("(box) => { box.scrollTop = box.scrollHeight; }")
    began = time.monotonic()
    visitor.say("still quick")
    expect(visitor.message(re.compile("^.*still quick"))).to_be_visible()
    assert time.monotonic() - began < 2
    assert frames["fps"] >= 50
