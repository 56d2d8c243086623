"""What tests do on the page of `make play`: start it, open it as a person, order, press, read."""

import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

ROOT = Path(__file__).resolve().parents[2]
FINISHED_MS = 40_000
ANSWER_MS = 10_000
STOPPED_S = 20


class Play:
    """`python -m sandbox play` on a free port; `started_s` is how long it took until the address was printed."""

    def __init__(self) -> None:
        self.address = ""
        self.started_s = 0.0
        self.ready_s = 0.0
        self.process: subprocess.Popen[str]

    def __enter__(self) -> Self:
        began = time.monotonic()
        command = [sys.executable, "-m", "sandbox", "play", "--port", "0", "--no-browser"]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.started_s = time.monotonic() - began
        assert self.process.stdout.readline().strip() == "ready"
        self.ready_s = time.monotonic() - began
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop(signal.SIGTERM)

    def stop(self, how: signal.Signals) -> int:
        """Send the signal and return the exit status."""
        self.process.send_signal(how)
        try:
            return self.process.wait(STOPPED_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()


@dataclass
class Visitors:
    """Opens the page as people, each in a browser of their own."""

    browser: Browser
    address: str
    artefacts: Path
    _contexts: list[BrowserContext] = field(default_factory=list[BrowserContext])
    _errors: list[str] = field(default_factory=list[str])

    def open(self, name: str = "maker", *, width: int = 1280, height: int = 860, scheme: Any = "dark") -> "Visitor":
        """Open the page as that person."""
        context = self.browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(ANSWER_MS)
        page.on("pageerror", lambda error: self._errors.append(str(error)))
        page.on("request", lambda request: self._check_address(request.url))
        page.on("console", lambda said: self._errors.append(said.text) if "Content Security" in said.text else None)
        page.goto(f"{self.address}#as={name}")
        expect(page.locator("#draft")).to_be_visible()
        return Visitor(page, self.artefacts)

    def _check_address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            self._errors.append(f"a request to {url}")

    def close(self) -> None:
        """Close every page, and raise what went wrong on them."""
        for context in self._contexts:
            context.close()
        assert self._errors == []


@dataclass
class Visitor:
    """One person at the page."""

    page: Page
    artefacts: Path

    def shot(self, name: str) -> None:
        """Keep a screenshot."""
        self.page.screenshot(path=self.artefacts / f"{name}.png")

    def message(self, text: str | re.Pattern[str]) -> Locator:
        """Return the newest message with that text."""
        return self.page.locator("li.message").filter(has_text=text).last

    @property
    def newest(self) -> Locator:
        """The newest message."""
        return self.page.locator("li.message:not(.pending)").last

    def say(self, text: str) -> None:
        """Post a plain message."""
        self.page.locator("#draft").click()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def begin_command(self, line: str) -> None:
        """Type a slash command and choose it in the picker."""
        self.page.locator("#draft").click()
        self.page.keyboard.type(f"/{line}")
        expect(self.page.locator("#picklist li.active b")).to_have_text(f"/{line}")
        self.page.keyboard.press("Enter")
        expect(self.page.locator(".cmdname")).to_have_text(f"/{line}")

    def fill_option(self, name: str, value: str) -> None:
        """Fill in an option; one with choices is chosen from its list."""
        self.add_option(name)
        self.page.keyboard.type(value)
        choice = self.page.locator("#picklist li").filter(has_text=value).first
        if choice.is_visible():
            choice.click()

    def attach_sample(self, option: str, name: str) -> None:
        """Take a sample from the gallery for an option with a file."""
        self.add_option(option)
        self.page.locator(".picker .samples button").filter(has_text=name).click()
        expect(self.page.locator(f'[data-option="{option}"]')).to_have_text(name)

    def add_option(self, name: str) -> None:
        """Show an option and put the focus on it."""
        there = self.page.locator(f'[data-option="{name}"]')
        if there.count() == 0:
            self.page.locator('[data-option="+"]').focus()
            self.page.keyboard.type(f"{name}:")
        there.focus()

    def send_command(self) -> None:
        """Send the command that is in the composer."""
        self.page.locator(".send").click()

    def order(self, prompt: str, *, sample: str = "lake.png", resolution: str = "720p") -> Locator:
        """Order a video with /wan27 image, and return its card."""
        self.begin_command("wan27 image")
        self.fill_option("prompt", prompt)
        self.attach_sample("image", sample)
        self.fill_option("resolution", resolution)
        self.send_command()
        card = self.message(prompt)
        expect(card).to_be_visible()
        return card

    def finished(self, card: Locator) -> Locator:
        """Wait for the video on a card, and return it once it can play."""
        video = card.locator("video")
        expect(video).to_be_visible(timeout=FINISHED_MS)
        self.page.wait_for_function("(video) => video.readyState >= 2", arg=video.element_handle())
        return video

    def press(self, card: Locator, label: str) -> None:
        """Press a button of a message."""
        card.locator("button.button", has_text=label).first.click()

    def drawer(self, tab: str) -> Locator:
        """Open a tab of the drawer and return its panel."""
        if self.page.locator(".drawer").count() == 0:
            self.page.get_by_role("button", name="Behind the scenes").click()
        self.page.get_by_role("tab", name=tab).click()
        return self.page.locator(".drawer .panel")
