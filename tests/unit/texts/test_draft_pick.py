"""The message of drafts says how the pick stands, and has buttons for what can be done now, and for nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from bot.jobs.model import Final, Job, PostedVideo, Variation
from bot.jobs.picks import Pick
from bot.texts.card import AMBER, JobCard
from bot.texts.draft_pick import Picking, words
from bot.texts.set_card import set_card
from tests.support.job_samples import ADDRESS, JOB_ID, NOW, RESULT, a_job

FINAL = Final(resolution="1080p", quote_microusd=750_000)
PICK = Pick(
    set_id=JOB_ID,
    final_id="f" * 32,
    guild_id=1,
    member_id=2,
    final=FINAL,
    formula="5 s × $0.15",
    prices_version="test",
    ordered_at=NOW,
)


def draft(number: int, **changes: Any) -> Job:
    """Return one of two drafts that are made."""
    place = Variation(set_id=JOB_ID, number=number, of=2, message_id=ADDRESS.message_id, final=FINAL)
    job = a_job(
        id=f"{number:032x}",
        options={"prompt": "a lake", "resolution": "720p", "duration": 5, "seed": 6 + number},
        quote_microusd=500_000,
        variation=place,
        state="done",
        result=replace(RESULT, seed=6 + number),
        posted=PostedVideo(1000, file_name=f"v-{number}.mp4"),
        charged_microusd=500_000,
    )
    return replace(job, **changes)


def card_of(*jobs: Job, votes: dict[int, int] | None = None, final: Job | None = None, **changes: Any) -> JobCard:
    """Return the card of these drafts, or of two that are made, and of the pick with these changes."""
    picking = Picking(replace(PICK, **changes), votes or {}, final)
    shown = jobs or (draft(1), draft(2))
    return set_card(
        shown, {}, now=NOW + 20, mode_title="Wan 2.7 image", settings=[("Resolution", "720p")], picking=picking
    )


def labels(card: JobCard) -> list[str]:
    """Return the labels of the card's buttons."""
    return [button.label for button in card.buttons]


def test_while_drafts_are_made() -> None:
    """It says what they are for and what all costs, and can only be cancelled."""
    card = card_of(draft(1), draft(2, state="running", posted=None, charged_microusd=None))
    assert labels(card) == ["Cancel"]
    assert any("drafts in 720p" in line and "only that is made in 1080p" in line for line in card.remarks)
    assert card.price == "$1.00 for 2 drafts + $0.75 for the final"


@pytest.mark.parametrize("state", ["drafting", "open"])
def test_a_pick_is_asked_for(state: Any) -> None:
    """Once all are made their maker is asked, with the price on each button, also before the row says so."""
    card = card_of(state=state, until=NOW + 100 if state == "open" else None)
    assert labels(card) == ["Pick 1 · $0.75", "Pick 2 · $0.75", "None of these"]
    assert "**Which one, <@2>?** Your pick is made in 1080p for $0.75." in card.body
    assert (f"<t:{int(NOW + 100)}:f>" in card.body) == (state == "open")
    (select,) = card.selects
    assert [choice.value for choice in select.choices] == ["600", "3600", "21600", "86400"]
    assert card.colour == AMBER


def test_only_what_was_made_can_be_picked() -> None:
    """A failed draft has no button, and about a single one there is nothing to vote."""
    card = card_of(draft(1, state="failed"), draft(2), state="open", until=NOW)
    assert labels(card) == ["Pick 2 · $0.75", "None of these"]
    assert card.selects == ()


def test_a_vote() -> None:
    """Everybody sees the counts and the deadline."""
    card = card_of(state="voting", until=NOW + 600, has_voted=True, votes={2: 3})
    assert labels(card) == ["Draft 1", "Draft 2 · 3 votes", "End vote", "None of these"]
    assert f"ends <t:{int(NOW + 600)}:R>" in card.body
    assert "3 votes so far" in card.body
    assert card.selects == ()


def test_a_vote_without_votes_and_a_final_that_was_refused() -> None:
    """What happened stands before the question; a vote is not offered again."""
    card = card_of(state="open", until=NOW, has_voted=True)
    assert "Nobody voted." in card.body
    assert card.selects == ()
    assert "couldn't begin the picked one" in card_of(state="open", until=NOW, is_refused=True).body


def test_how_it_ended() -> None:
    """A picked one is linked to; none costs nothing more; then the drafts are variations like others."""
    assert labels(card_of(state="picked", number=2)) == []
    made = card_of(state="made", number=2, final=a_job(id="f" * 32))
    assert "**Draft 2 is picked.** [The final in 1080p](https://discord.com/channels/1/20/30) is below." in made.body
    assert [label.split(" · ")[0] for label in labels(made)] == ["Final 1", "Final 2"]
    picking = Picking(replace(PICK, state="made", number=2, votes={1: 1, 2: 4}))
    assert words((draft(1), draft(2)), picking).startswith("**Draft 2 won** with 4 of 5 votes.")
    over = card_of(state="over", why="late")
    assert "Nobody picked in time, so the final isn't made. You weren't charged for it." in over.body
    assert over.price == "$1.00 for 2 drafts"
