"""`make play-loop`: records docs/play.webp, from a command being typed to the playing video."""

# Playwright leaves the types of the DevTools protocol open.
# pyright: reportUnknownMemberType=false

import base64
import io
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import ARTEFACTS, FOUND
from tests.support.play_page import Play, Visitor

OUTPUT = Path("docs/play.webp")
SIDES = (900, 700)
SHOWN_WIDTH = 900
FRAME_MIN_S, FRAME_MAX_S = 0.1, 0.7  # a wait of seconds is shown shorter
LAST_S = 1.5
BYTES_MAX = 3_000_000
KEY_MS = 55


def main() -> int:
    """Record the loop; the exit status is 1 if there is no Chromium."""
    if FOUND is None:
        print("There is no Chromium on this machine.", file=sys.stderr)
        return 1
    with Play() as play, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=FOUND, args=["--no-sandbox"])
        width, height = SIDES
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="dark")
        page.goto(play.address)
        expect(page.locator("#draft")).to_be_visible()
        page.get_by_role("button", name="Close the tips").click()
        page.get_by_role("button", name="Members").click()
        frames = _record(page)
        browser.close()
    _save(frames)
    print(f"{OUTPUT}: {len(frames)} frames, {OUTPUT.stat().st_size / 1e6:.1f} MB")
    return 0


def _record(page: Page) -> list[tuple[float, bytes]]:
    """Play the scene and return the pictures that the browser drew, with their times in seconds."""
    frames: list[tuple[float, bytes]] = []
    session = page.context.new_cdp_session(page)

    def keep(event: Any) -> None:
        frames.append((event["metadata"]["timestamp"], base64.b64decode(event["data"])))
        session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    session.on("Page.screencastFrame", keep)
    session.send("Page.startScreencast", {"format": "png"})
    _act(Visitor(page, ARTEFACTS))
    session.send("Page.stopScreencast")
    page.wait_for_timeout(500)  # the last pictures are still on their way
    session.remove_listener("Page.screencastFrame", keep)
    return frames


def _act(maker: Visitor) -> None:
    page = maker.page
    page.locator("#draft").click()
    page.keyboard.type("/wan27 image", delay=KEY_MS)
    page.wait_for_timeout(500)
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    maker.attach_sample("image", "lake.png")
    maker.add_option("prompt")
    page.keyboard.type("The sun sinks behind the mountains", delay=KEY_MS)
    page.wait_for_timeout(300)
    maker.send_command()
    page.get_by_role("button", name="Dismiss message").click()  # a word to a newcomer, which hides the video
    video = maker.finished(maker.message("The sun sinks"))
    video.evaluate("(video) => { video.muted = true; video.controls = false; return video.play(); }")
    page.wait_for_timeout(4200)


def _save(frames: list[tuple[float, bytes]]) -> None:
    """Write an endless WebP with as many colours as fit into `BYTES_MAX`."""
    kept = [frames[0]]
    for at, content in frames[1:]:
        if at - kept[-1][0] >= FRAME_MIN_S:
            kept.append((at, content))
    times = [at for at, _ in kept]
    waits = [min(FRAME_MAX_S, after - before) for before, after in pairwise(times)] + [LAST_S]
    pictures = [Image.open(io.BytesIO(content)).convert("RGB") for _, content in kept]
    height = round(SHOWN_WIDTH * pictures[0].height / pictures[0].width)
    small = [picture.resize((SHOWN_WIDTH, height), Image.Resampling.LANCZOS) for picture in pictures]
    for quality in (80, 65, 50, 35):
        small[0].save(
            OUTPUT, save_all=True, append_images=small[1:], duration=[round(wait * 1000) for wait in waits],
            loop=0, quality=quality, method=4,
        )  # fmt: skip
        if OUTPUT.stat().st_size <= BYTES_MAX:
            return


if __name__ == "__main__":
    sys.exit(main())
