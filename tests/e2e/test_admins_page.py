"""docs/admins.md, followed word for word."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from sandbox.stage import Stage
from tests.e2e.conftest import QUICK
from tests.support.text_commands import as_quoted, ask

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = Path(__file__).resolve().parents[2] / "docs/admins.md"
SETTINGS = QUICK | {
    "WANDA_MEMBER_DAILY_USD": "5",
    "WANDA_SERVER_MONTHLY_USD": "50",
    "WANDA_ABSORBED_DAILY_USD": "1",
}


@dataclass(frozen=True)
class Step:
    """A command of the page, and the answer that is quoted below it ("" when none is)."""

    line: str
    quoted: str


def steps(page: str) -> list[Step]:
    """Return the page's commands in order; a quotation belongs to the last command of the block above it."""
    found: list[Step] = []
    in_block = False
    for line in page.splitlines():
        if line.startswith("```"):
            in_block = not in_block
        elif in_block:
            assert line.startswith("/wanda-admin "), line
            found.append(Step(line, ""))
        elif line.startswith(">"):
            last = found.pop()
            found.append(Step(last.line, f"{last.quoted}\n{line[1:].strip()}".strip()))
    return found


def typed(line: str, commands: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Return the command and its options as Discord's client reads them; a choice is given by its name."""
    words = line.removeprefix("/").split()
    path = words[: next((i for i, word in enumerate(words) if ":" in word), len(words))]
    node: dict[str, Any] = {"options": commands}
    for name in path:
        node = next(option for option in node["options"] if option["name"] == name)
    rules = {option["name"]: option for option in node.get("options", ())}
    names = "|".join(map(re.escape, rules)) or "-"
    rest = line.partition(" ".join(path))[2]
    parts = re.split(rf"(?:^|\s)({names}):", rest)
    assert parts[0].strip() == "", f"{line}: there is no option in {parts[0]!r}"
    given = dict(zip(parts[1::2], map(str.strip, parts[2::2]), strict=True))
    return " ".join(path), {name: _value(rules[name], text) for name, text in given.items()}


def _value(rule: dict[str, Any], text: str) -> str:
    choices = {choice["name"]: choice["value"] for choice in rule.get("choices", ())}
    if choices and not rule.get("autocomplete"):
        return choices[text]
    return text if text == "@everyone" else text.removeprefix("@").removeprefix("#")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The server that the page speaks of."""
    async with Stage(tmp_path_factory.mktemp("data"), settings=SETTINGS) as ready:
        await ready.start_bot()
        await ready.discord.post(
            "world",
            {
                "roles": [{"name": "regulars"}],
                "members": [{"name": "maker", "roles": ["regulars"]}],
                "channels": [{"name": "videos"}, {"name": "wanda-log"}],
            },
        )
        yield ready


async def test_the_page_is_true(stage: Stage) -> None:
    """Each command of the page can be typed as printed, and gives the quoted answer."""
    known = await stage.discord.get("commands")
    wrong: list[str] = []
    for step in steps(PAGE.read_text(encoding="utf-8")):
        command, options = typed(step.line, known)
        answer = await ask(stage, "admin", command, **options)
        assert answer.private
        assert "went wrong" not in answer.text, step.line
        said = await as_quoted(stage, answer)
        if step.quoted and said != step.quoted:
            wrong.append(f"{step.line}\n  the page: {step.quoted}\n  Wanda: {said}")
    assert not wrong, "\n\n".join(wrong)


async def test_the_page_has_every_command(stage: Stage) -> None:
    """The page has all admin commands but two, and quotes every answer."""
    found = steps(PAGE.read_text(encoding="utf-8"))
    (group,) = [one for one in await stage.discord.get("commands") if one["name"] == "wanda-admin"]
    paths = [
        f"{one['name']} {sub['name']}" if one["type"] == 2 else one["name"]
        for one in group["options"]
        for sub in (one["options"] if one["type"] == 2 else [one])
    ]
    missing = [path for path in paths if not any(f"{step.line} ".startswith(f"/wanda-admin {path} ") for step in found)]
    assert missing == ["channel deny", "channel budget"]
    assert all(step.quoted for step in found)
