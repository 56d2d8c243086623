"""What the pages promise about money, privacy, limits and safety is proven, word for word (claims.toml).

Whoever changes one of these sentences, or removes a test that proves it, comes by here.
"""

import re
import tomllib
from functools import lru_cache
from pathlib import Path

import pytest
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[2]


class Claim(BaseModel):
    """A sentence on a page, or a part of one, and the tests that prove it."""

    page: str
    words: str
    tests: list[str]


CLAIMS = [Claim(**one) for one in tomllib.loads((Path(__file__).parent / "claims.toml").read_text("utf-8"))["claim"]]


@lru_cache
def text_of(page: str) -> str:
    """Return a page's text with single spaces."""
    return " ".join((ROOT / page).read_text(encoding="utf-8").split())


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.words[:40])
def test_a_claim_is_made_and_proven(claim: Claim) -> None:
    """The page says exactly this, and each test that proves it exists."""
    assert claim.words in text_of(claim.page)
    assert claim.tests
    for test in claim.tests:
        path, _, name = test.partition("::")
        code = (ROOT / "tests" / path).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {name}\(|^{name} = ", code, re.MULTILINE), test


def test_the_image_is_as_the_readme_says() -> None:
    """The image runs as a user without rights, keeps everything in the volume `/data`, and has a health check."""
    said = "The image runs as a user without rights and keeps everything in the volume `/data`."
    assert said in text_of("README.md")
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    last_stage = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert {"USER 10001:10001", "VOLUME /data"} <= set(last_stage)
    assert any(line.startswith("ENV ") and "WANDA_DATA_DIR=/data" in line for line in last_stage)
    assert any(line.startswith("HEALTHCHECK ") for line in last_stage)
