"""What people read of the videos being made in a server."""

from dataclasses import replace
from typing import Any

import pytest

from bot.jobs.model import Live, card_url
from bot.texts.queue import OTHERS_MAX, OWN_MAX, Making, Queue, queue_card
from tests.support.job_samples import a_job

NOW = 10_000.0
EMPTY = Queue(mine=[], others=[], making=0, waiting=0, now=NOW)


def making(number: int = 0, *, live: Live | None = None, shown: bool = True, **changes: Any) -> Making:
    """Return a job in the queue."""
    job = replace(a_job(), id=f"{number:032x}", **changes)
    return Making(job=job, live=live or Live(), shown=shown)


def test_nothing() -> None:
    """An empty queue is a sentence."""
    assert queue_card(EMPTY).description == "Nothing is being made here right now."


def test_own_first() -> None:
    """The reader's own come first, numbered as their Cancel buttons; what others make is linked and named."""
    mine, others = [making(1, state="queued"), making(2, state="running")], [making(3, state="queued", member_id=7)]
    card = queue_card(replace(EMPTY, mine=mine, others=others, making=3, waiting=1))
    lines = card.description.splitlines()
    assert lines[0] == "3 videos being made · 1 video waiting for approval"
    assert lines[1] == "**Yours**"
    assert lines[2].startswith(f"1. [a lake]({card_url(mine[0].job)}) · ⏳ queued")
    assert lines[4] == "**Others**"
    assert f"[a lake]({card_url(others[0].job)}) by <@7> · " in lines[5]
    assert lines[6] == "-# … and 1 more"
    assert [button.label for button in card.buttons] == ["Cancel 1", "Cancel 2"]
    assert card.buttons[1].custom_id == f"wanda:cancel:{mine[1].job.id}"


@pytest.mark.parametrize(
    ("state", "live", "said"),
    [
        ("queued", Live(position=3), "⏳ 3 ahead"),
        ("queued", Live(position=0), "⏳ next in line"),
        ("running", Live(), "🎬 being made"),
        ("running", Live(fraction=0.5, typical_s=60.0), "🎬 50 %, about 30 s left"),
        ("delivering", Live(), "📦 almost there"),
    ],
)
def test_progress(state: str, live: Live, said: str) -> None:
    """A line says the place in the queue, or how much is done and how long it takes yet."""
    one = making(live=live, state=state, started_at=NOW - 20)
    assert f" · {said} · <t:" in queue_card(replace(EMPTY, mine=[one], making=1)).description


def test_hidden_channels() -> None:
    """Of a video in a channel that the reader does not see, neither prompt nor member nor link is told."""
    one = making(shown=False, state="running", member_id=7)
    said = queue_card(replace(EMPTY, others=[one], making=1)).description
    assert "A video in a channel you can't see · 🎬 being made" in said
    assert "lake" not in said
    assert "7" not in said.partition("\n")[2]
    assert "https" not in said


def test_bounded() -> None:
    """A long queue with the longest prompts is one message."""
    options = {"prompt": "*" * 500}
    mine = [making(number, state="running", options=options) for number in range(40)]
    others = [making(100 + number, state="running", options=options) for number in range(40)]
    card = queue_card(replace(EMPTY, mine=mine, others=others, making=80))
    assert len(card.description) <= 4096
    assert f"… and {80 - OWN_MAX - OTHERS_MAX} more" in card.description
    assert len(card.buttons) == OWN_MAX
