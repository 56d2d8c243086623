"""How cards speak of each other and of what a member has to know."""

import pytest

from bot.jobs.model import Live, Spot, State
from bot.texts import parent_links
from bot.texts.job_card import finished_card, status_card
from bot.texts.plain import person
from bot.texts.result_link import PostedVideo
from tests.support.job_samples import NOW, RESULT, a_job

PARENT = "[this video](https://discord.com/channels/1/20/30)"


@pytest.mark.parametrize("state", ["waiting", "accepted", "running", "done", "failed", "cancelled"])
def test_a_new_card_links_to_its_parent_and_says_what_is_different(state: State) -> None:
    """From its first moment to its last a rerun's card names its parent and its notes."""
    job = a_job(state=state, parent_id="p", parent_at=Spot(1, 20, 30), notes=("The original prompt is used.",))
    shown = status_card(job, Live(), None, now=NOW, mode_title="Wan 2.7 image", settings=()).description
    assert f"Again from {PARENT}" in shown
    assert "The original prompt is used." in shown


def test_a_posted_video_still_links_to_its_parent() -> None:
    """The finished card says it too."""
    job = a_job(state="done", result=RESULT, parent_id="p", parent_at=Spot(1, 20, 30), notes=("So.",))
    shown = finished_card(job, None, PostedVideo(1), mode_title="Wan 2.7 image", settings=()).description
    assert f"Again from {PARENT}" in shown
    assert "So." in shown


def test_a_card_without_parent_and_notes_says_nothing_of_them() -> None:
    """An ordinary job's card has no such line."""
    assert parent_links.parent_lines(a_job()) == ""


def test_notes_are_bounded_and_harmless() -> None:
    """However many and long notes are, and whatever stands in them, the card stays within Discord's limits."""
    lines = parent_links.parent_lines(
        a_job(notes=tuple(f"{n} @everyone [x](http://y) " + "*" * 900 for n in range(99)))
    )
    assert len(lines.splitlines()) == parent_links.NOTES_MAX
    assert len(lines) < 2500
    assert "@everyone" not in lines.replace("\\@", "")
    assert "](http" not in lines


def test_the_parent_links_to_each_child() -> None:
    """Every child is a link with its mode and seed, within one embed field."""
    jobs = [a_job(id=f"{n:032x}", guild_id=2**63 - 1, result=RESULT) for n in range(5)]
    field = parent_links.children_field(jobs)
    assert field.name == "Made from this"
    assert field.value.count("](https://discord.com/channels/9223372036854775807/20/30)") == len(jobs)
    assert "[Wan 2\\.7 image, seed 7]" in field.value or "[Wan 2.7 image, seed 7]" in field.value
    assert len(field.value) <= 1024
    assert parent_links.children_field([a_job(mode="old")]).value.startswith("[old](")


def test_whoever_is_forgotten_is_not_mentioned() -> None:
    """A pseudonym is shown as words, because Discord would show its mention as a number."""
    assert person(7) == "<@7>"
    assert person(-7) == "a former member"
