"""The page of `make play` in the system's Chromium. Without one nothing here runs, and the last line says so."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.play_page import Play, Visitors

NAMES = ("chromium", "chromium-browser", "google-chrome")
FOUND = os.environ.get("WANDA_CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
ARTEFACTS = Path("build/play")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip everything where there is no browser."""
    if FOUND is None:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="there is no Chromium on this machine"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that nothing was run."""
    if FOUND is None:
        terminalreporter.write_sep(
            "!", "THE PAGE WAS NOT TESTED: install Chromium (apt-get install chromium)", red=True
        )


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; in a container it runs without its own sandbox, because root may not have one."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(
            executable_path=FOUND, args=[*flags, "--autoplay-policy=no-user-gesture-required"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def play() -> Iterator[Play]:
    """`python -m sandbox play`, which a module's tests share."""
    with Play() as running:
        yield running


@pytest.fixture
def visitors(chromium: Browser, play: Play) -> Iterator[Visitors]:
    """Opens pages as people; afterwards none of them may have had an error or a request to the outside."""
    opened = Visitors(chromium, play.address, ARTEFACTS)
    yield opened
    opened.close()
