"""The buttons below a refusal, and the form with what was typed."""

from typing import Any

import pytest

from bot.catalogue.cheaper import Variant
from bot.catalogue.registry import by_id, price_table
from bot.errors import (
    AlreadyRunning,
    Busy,
    FilesGone,
    MediaRefused,
    NotAllowed,
    OptionRefused,
    QuotaExceeded,
    StorageError,
    WandaError,
)
from bot.texts.next_steps import FILES, fix_parts, form_gone, steps_for
from tests.support.catalogue_samples import request

REFUSED = "0123456789abcdef" * 2
MODE = by_id("wan27-image")
SHORT = QuotaExceeded("s", scope="member:1:2", short_microusd=1, left_microusd=0, cap_microusd=1, renews_at=None)
SMALLER = request("wan27-image", "image", resolution="720p", duration=5)
NEAREST = Variant(SMALLER, SMALLER.quote({}, price_table()))


@pytest.mark.parametrize(
    ("error", "nearest", "labels"),
    [
        (OptionRefused("s", option="prompt"), None, ["Fix it"]),
        (MediaRefused("s"), None, ["Fix it"]),
        (Busy("s"), None, ["Try again"]),
        (StorageError("s"), None, ["Try again"]),
        (NotAllowed("s", rule="at_once"), None, ["Try again"]),
        (NotAllowed("s", rule="paused"), None, ["Try again"]),
        (NotAllowed("s", rule="blocked"), None, []),
        (NotAllowed("s", rule="ceiling"), NEAREST, ["Make 720p, 5 s: $0.50", "Fix it"]),
        (SHORT, NEAREST, ["Make 720p, 5 s: $0.50", "Fix it"]),
        (SHORT, None, ["Fix it"]),
        (AlreadyRunning("s"), None, []),
        (FilesGone("s"), None, []),
    ],
)
def test_what_can_be_done_next(error: WandaError, nearest: Variant | None, labels: list[str]) -> None:
    """Text that is wrong can be mended, a full place tried again, and a price lowered where that helps."""
    assert [step.label for step in steps_for(REFUSED, error, nearest, may_ask=False)] == labels


def test_money_can_be_asked_for() -> None:
    """Where an admin can help with money, the member can ask."""
    steps = steps_for(REFUSED, SHORT, NEAREST, may_ask=True)
    assert [step.label for step in steps] == ["Make 720p, 5 s: $0.50", "Ask an admin", "Fix it"]


def names(error: WandaError, files: dict[str, str], **options: Any) -> list[str]:
    """Return the names of the form's fields."""
    return [part.name for part in fix_parts(MODE, MODE.specs(), options, files, error)]


def test_the_option_at_fault_comes_first() -> None:
    """The form begins with what was wrong, and has everything else that matters, filled in."""
    error = OptionRefused("s", option="seed")
    parts = fix_parts(MODE, MODE.specs(), {"prompt": "a lake", "seed": -1, "duration": 9}, {"image": "lake.png"}, error)
    assert [part.name for part in parts] == ["seed", "prompt", "resolution", "duration"]
    assert {part.name: part.value for part in parts}["prompt"] == "a lake"
    assert {part.name: part.value for part in parts}["duration"] == "9"


def test_files_that_cannot_be_used() -> None:
    """Another file is asked for in place of one that cannot be used; left empty, the old one is used again."""
    parts = fix_parts(MODE, MODE.specs(), {}, {"image": "lake.png"}, MediaRefused("s"))
    upload = next(part for part in parts if part.is_file)
    assert (upload.name, upload.required) == ("image", False)
    assert upload.hint == "Attach another file here, or leave it empty to use “lake.png” again."
    long = {"image": "x" * 300, "end_image": "y" * 300}
    for part in fix_parts(MODE, MODE.specs(), {}, long, MediaRefused("s")):
        assert len(part.hint) <= 100


def test_files_that_do_not_go_together() -> None:
    """Where several files do not go together, the form asks which of them to use."""
    both = {"image": "lake.png", "video": "lake.mp4"}
    parts = fix_parts(MODE, MODE.specs(), {}, both, OptionRefused("s"))
    select = next(part for part in parts if part.name == FILES)
    assert [(choice.value, choice.chosen) for choice in select.choices] == [("image", True), ("video", True)]
    assert names(OptionRefused("s"), {}) == ["prompt", "resolution", "image", "duration"]


def test_a_prompt_that_no_field_holds() -> None:
    """A prompt above 4,000 characters stays as it was typed; one at fault is cut to what the field holds."""
    long = "x" * 4500
    assert "prompt" not in names(OptionRefused("s", option="duration"), {}, prompt=long)
    (first, *_) = fix_parts(MODE, MODE.specs(), {"prompt": long}, {}, OptionRefused("s", option="prompt"))
    assert len(first.value) == 4000


def test_a_forgotten_form_gives_its_text_back() -> None:
    """What was typed can be copied, and ends no code block."""
    assert "a lake '' b" in form_gone(["a lake `` b", ""])
    assert "```" not in form_gone([""])
