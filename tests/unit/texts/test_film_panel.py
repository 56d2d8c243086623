"""The private panel of a film that is being written."""

from dataclasses import replace
from typing import Any

import pytest

from bot.films.checks import problems
from bot.films.model import SHOTS_MAX, Draft
from bot.texts.card import Button, Field
from bot.texts.film_ids import draft_button_id
from bot.texts.film_panel import (
    DraftPage,
    deletion_panel,
    draft_panel,
    left_words,
    question_panel,
    said_panel,
    shot_panel,
)
from bot.texts.panel import (
    COMPONENTS_MAX,
    TEXT_CHARS_MAX,
    Entry,
    List,
    Panel,
    Text,
    component_count,
    controls,
    text_chars,
)
from bot.texts.quota import Reach
from tests.support.film_samples import a_draft, a_picture, a_shot

WORST = "*" * 5000  # each is escaped, so shown with two characters
LONG_NAME = "*" * 300 + ".png"


def page_of(draft: Draft, **more: Any) -> DraftPage:
    """Return the draft's page, each shot at $0.50."""
    prices = [500_000] * len(draft.shots)
    found = problems(draft, seconds_max=120)
    return DraftPage(draft=draft, prices_microusd=prices, microusd=sum(prices), problems=found, **more)


def texts_of(panel: Panel) -> str:
    """Return all that the panel says."""
    return "\n".join(block.text for block in panel.blocks if isinstance(block, Text | Entry))


def labels_of(panel: Panel) -> dict[str, bool]:
    """Return the labels of the panel's buttons, and whether each can be pressed."""
    return {one.label: not getattr(one, "disabled", False) for one in controls(panel) if not isinstance(one, List)}


def test_a_draft_without_shots_says_how_to_begin() -> None:
    """It explains what a film is; one can only add a shot or choose its look."""
    panel = draft_panel(page_of(a_draft()))
    assert "Add two or more shots" in texts_of(panel)
    assert labels_of(panel) == {"Add a shot": True, "Look and sound": True, "Make the film": False}


def test_shots_and_the_sum_stand_on_the_panel() -> None:
    """Each shot has its number, prompt, length, way of joining and price; the sum and what is left stand below."""
    draft = a_draft("cut", "continue", "morph", crossfade_s=0.5)
    said = texts_of(draft_panel(page_of(draft, left="$3.00 is left of your allowance.")))
    assert "**1** · what happens in shot 1\n-# 5 s · 🖼️ starts from your picture · $0.50" in said
    assert "-# 5 s · goes on from shot 1 · $0.50" in said
    assert "-# 5 s · 🖼️ goes on from shot 2 · ends on your picture · $0.50" in said
    assert "**3 shots · 15 s · $1.50**\n-# $3.00 is left of your allowance." in said
    assert "cross-fade 0.5 s" in said


def test_a_whole_draft_can_be_made() -> None:
    """The price stands on the button that makes it."""
    assert labels_of(draft_panel(page_of(a_draft("cut", "continue"))))["Make the film · $1.00"]


def test_what_is_wrong_stands_at_its_shot() -> None:
    """A shot with a problem says so, and the film cannot be made before it is mended."""
    panel = draft_panel(page_of(a_draft("continue", "cut")))
    assert "**1**" in texts_of(panel)
    assert "⚠️ The first shot has nothing to continue." in texts_of(panel)
    assert not labels_of(panel)["Make the film"]


def test_more_than_is_left_is_a_warning() -> None:
    """A sum above what is left is said before anything is ordered."""
    bound = Reach(1_000_000, "your allowance for today")
    assert left_words(bound, 1_000_000) == "$1.00 is left of your allowance for today."
    assert left_words(bound, 1_000_001).startswith("⚠️ $1.00 is left")
    assert left_words(None, 5) == ""


def worst_draft() -> Draft:
    """Return a draft with as much text as can be."""
    picture = replace(a_picture("a.png"), file_name=LONG_NAME)
    shots = [a_shot(number, "morph", prompt=WORST, picture=picture, end_picture=picture) for number in range(SHOTS_MAX)]
    return a_draft(shots=tuple(shots), soundtrack=replace(picture, kind="audio"), family="wan25", crossfade_s=1.0)


@pytest.mark.parametrize("name", ["draft", "shot", "question", "deletion", "said"])
def test_a_panel_keeps_discords_limits(name: str) -> None:
    """However much was typed, a panel has at most 40 components and 4,000 characters, and no list is too long."""
    draft = worst_draft()
    others = [replace(draft, id=f"{number:032x}") for number in range(30)]
    page = page_of(draft, left="x" * 200, notice=WORST, others=others)
    changes = (Field("You", "x" * 60), Field("Server", "x" * 60))
    panels = {
        "draft": draft_panel(page),
        "shot": shot_panel(page, draft.shots[3]),
        "question": question_panel(page, changes, above_microusd=1, needs_approval=True),
        "deletion": deletion_panel(draft),
        "said": said_panel("x" * 200, draft.id),
    }
    panel = panels[name]
    assert component_count(panel) <= COMPONENTS_MAX
    assert text_chars(panel) <= TEXT_CHARS_MAX
    for one in controls(panel):
        if isinstance(one, List):
            assert len(one.choices) <= 25
            assert all(len(choice.label) <= 100 for choice in one.choices)


def test_the_page_of_a_shot() -> None:
    """It names the pictures, and the first shot cannot go further up."""
    draft = a_draft("cut", "morph")
    panel = shot_panel(page_of(draft), draft.shots[0])
    assert "## Shot 1 of 2" in texts_of(panel)
    assert "Begins with “start1\\.png”" in texts_of(panel) or "Begins with “start1.png”" in texts_of(panel)
    assert not labels_of(panel)["Up"]
    assert labels_of(panel)["Down"]
    assert labels_of(panel)["Without pictures"]
    assert not labels_of(shot_panel(page_of(draft), draft.shots[1]))["Down"]


def test_the_question_says_the_sum_and_what_is_left() -> None:
    """Before a costly film: the sum on the button, what is left, and that what is not made comes back."""
    changes = (Field("You", "$5.00 → **$4.00** left today"),)
    panel = question_panel(page_of(a_draft("cut", "cut")), changes, above_microusd=900_000, needs_approval=True)
    assert "You: $5.00 → **$4.00** left today" in texts_of(panel)
    assert "what isn't made comes back" in texts_of(panel)
    assert set(labels_of(panel)) == {"Make it, if approved · $1.00", "Back"}


def test_others_can_chip_in_for_a_film_that_its_maker_could_pay() -> None:
    """As below the question before a costly video; not where it is off."""
    draft = a_draft("cut", "cut")

    def asked(**more: Any) -> set[str]:
        return set(labels_of(question_panel(page_of(draft, **more), (), above_microusd=0, needs_approval=False)))

    assert asked(others_may=True) == {"Make it · $1.00", "Chip in…", "Back"}
    assert asked() == {"Make it · $1.00", "Back"}


def test_whoever_has_too_little_left_can_ask_an_admin() -> None:
    """The panel says so before the press and after a refusal, where a grant would help."""
    draft, bound = a_draft("cut", "cut"), Reach(400_000, "your $1.00 for today")
    said = left_words(bound, 1_000_000, may_ask=True)
    panel = draft_panel(page_of(draft, left=said, may_ask=True))
    assert "Choose fewer, shorter or smaller shots, or ask an admin." in texts_of(panel)
    assert "Ask an admin" in labels_of(panel)
    assert "Ask an admin" not in labels_of(draft_panel(page_of(draft)))
    assert "admin" not in left_words(bound, 1_000_000)
    assert "Ask an admin" not in labels_of(draft_panel(page_of(a_draft("cut"), may_ask=True)))


def test_a_price_that_moved_is_said_above_the_question() -> None:
    """Both sums stand there, and the button has the new one, also where Wanda would not ask for its height."""
    page = page_of(a_draft("cut", "cut"))
    panel = question_panel(page, [], above_microusd=9_000_000, needs_approval=False, before_microusd=800_000)
    assert "The price has changed: it was $0.80, and it's $1.00 now." in texts_of(panel)
    assert "Wanda asks before" not in texts_of(panel)
    make = next(one for one in controls(panel) if isinstance(one, Button) and one.label == "Make it · $1.00")
    assert make.custom_id.endswith(":1000000")


def test_others_can_chip_in_for_a_film_that_is_too_dear() -> None:
    """The button has the price in its id; while others do, nothing of the draft can be changed."""
    draft = a_draft("cut", "cut")
    panel = draft_panel(page_of(draft, may_chip_in=True))
    ids = {one.label: one.custom_id for one in controls(panel) if isinstance(one, Button)}
    assert ids["Chip in…"] == draft_button_id("chip", draft.id, microusd=1_000_000)
    meanwhile = draft_panel(page_of(draft, may_chip_in=True, is_collecting=True))
    assert labels_of(meanwhile) == {"New film": True}
    assert "Others can chip in for this film now" in texts_of(meanwhile)
    assert "$1.00 is left" not in texts_of(meanwhile)


def test_what_is_left_says_all_that_helps() -> None:
    """Each way is named once, and only those that there are."""
    reached = Reach(1_000_000, "your allowance")
    assert left_words(reached, 2_000_000).endswith("Choose fewer, shorter or smaller shots.")
    assert left_words(reached, 2_000_000, may_ask=True, may_chip_in=True).endswith(
        "smaller shots, let others chip in, or ask an admin."
    )
