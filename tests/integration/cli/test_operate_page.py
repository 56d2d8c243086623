"""docs/operate.md, followed command by command."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from bot.command_line import main
from bot.jobs import acceptance, transactions
from bot.jobs.events import EndShown, ReplyLost, Submitted, Uploaded
from bot.ledger.model import Shipped
from bot.storage.database import open_store
from tests.support.job_samples import HANDLE, NOW, PLACES, a_job
from tests.support.stores import PostgresServer, settings_for

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/operate.md").read_text(encoding="utf-8")
THEIR_DATABASE = "postgresql://wanda@db.example.com/wanda"
BOT = [".venv/bin/python", "-m", "bot"]
SHIPPED = Shipped(member_daily_microusd=5_000_000, server_monthly_microusd=50_000_000)


@dataclass(frozen=True)
class Step:
    """A command of the page, and what it prints."""

    command: str
    printed: str


def steps() -> Iterator[Step]:
    """Yield the page's commands in order."""
    for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        for piece in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = piece.partition("\n")
            yield Step(command, printed)


def is_as_printed(found: str, printed: str) -> bool:
    """Return whether a command's output is the page's, where “…” stands for anything, and alone for any lines."""
    lines = [
        r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in printed.splitlines()
    ]
    return re.fullmatch("".join(lines), found) is not None


async def _use(folder: Path) -> None:
    """Leave what a bot leaves that worked here: one job unsent, one at fal, one uncertain; and their files."""
    store = await open_store(settings_for(folder))
    sent = (Uploaded(()), Submitted(HANDLE))
    for number, events in ((1, ()), (2, sent), (15, (Uploaded(()), ReplyLost(), EndShown()))):
        job = a_job(id=f"{number:032x}")
        await store.write(acceptance.accept(job, SHIPPED, PLACES))
        for event in events:
            await store.write(transactions.advance(job.id, event, now=NOW))
        for name in (f"inputs/{job.id}/image.png", f"results/{job.id}.mp4"):
            if number != 1 or name.startswith("inputs"):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(b"x" * 1000)
    await store.begun()
    await store.close()


@pytest.fixture
async def their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_server: PostgresServer
) -> tuple[Path, str]:
    """The folder that the page speaks of, with its data, and the URL of its empty PostgreSQL."""
    await _use(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path, await postgres_server.new_database()


@pytest.fixture
def umask() -> Iterator[None]:
    """Take back the umask that the commands set for their own process."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_the_page_is_true(
    their_folder: tuple[Path, str], umask: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each command can be typed as printed, ends well, and prints what the page says."""
    _, url = their_folder
    wrong: list[str] = []
    for step in steps():
        status = _type(step.command.replace(THEIR_DATABASE, url), monkeypatch)
        printed = capfd.readouterr()
        if status or not is_as_printed(printed.out + printed.err, step.printed):
            wrong.append(f"$ {step.command} (exit status {status})\n{printed.out}{printed.err}")
    assert not wrong, "\n\n".join(wrong)


def _type(command: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a command: the bot's in this process, which is quicker, and any other in a shell."""
    words = shlex.split(command)
    given = [word for word in words if re.match(r"[A-Z_]+=", word)] if words[0] != "echo" else []
    rest = words[len(given) :]
    if rest[: len(BOT)] != BOT:
        return subprocess.run(["bash", "-c", command], check=False).returncode
    with monkeypatch.context() as patch:
        for word in given:
            patch.setenv(*word.split("=", 1))
        return main(rest[len(BOT) :])


def test_every_block_is_typed() -> None:
    """The page has no block of commands that the test leaves out."""
    assert set(re.findall(r"^```(.+)$", PAGE, re.MULTILINE)) <= {"console", "nginx"}
    assert len(list(steps())) > 10


def test_every_alert_has_its_section() -> None:
    """Whoever is woken by an alert finds on this page what it means and what to do, and no section is left over."""
    rules = yaml.safe_load((ROOT / "deploy/alerts.yml").read_text(encoding="utf-8"))
    alerts = {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule}
    sections = re.findall(r"^### (Wanda\w+)\n\n\S", PAGE, re.MULTILINE)
    assert sections == list(alerts)
    for name, rule in alerts.items():
        assert rule["annotations"]["runbook"] == f"docs/operate.md#{name.lower()}"
