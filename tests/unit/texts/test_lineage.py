"""How cards speak of each other and of what a member has to know."""

import pytest

from bot.jobs.model import Live, PostedVideo, Spot, State
from bot.texts import lineage
from bot.texts.job_card import finished_card, status_card
from bot.texts.plain import person
from tests.support.job_samples import NOW, RESULT, a_job

PARENT = "[this video](https://discord.com/channels/1/20/30)"


@pytest.mark.parametrize("state", ["waiting", "accepted", "running", "done", "failed", "cancelled"])
def test_a_new_card_links_to_its_parent_and_says_what_is_different(state: State) -> None:
    """From its first moment to its last a rerun's card names its parent and its notes."""
    job = a_job(state=state, parent_id="p", parent_at=Spot(1, 20, 30), notes=("The original prompt is used.",))
    shown = status_card(job, Live(), now=NOW, mode_title="Wan 2.7 image", settings=())
    assert shown.lineage == f"Rerun of {PARENT}"
    assert shown.remarks == ("The original prompt is used.",)


def test_a_posted_video_still_links_to_its_parent() -> None:
    """The finished card says it too."""
    job = a_job(state="done", result=RESULT, parent_id="p", parent_at=Spot(1, 20, 30), notes=("So.",))
    shown = finished_card(job, PostedVideo(1), mode_title="Wan 2.7 image", settings=())
    assert shown.lineage == f"Rerun of {PARENT}"
    assert shown.remarks == ("So.",)


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ("button:rerun", f"Rerun of {PARENT}"),
        (None, f"Rerun of {PARENT}"),
        ("button:reseed", f"Rerun of {PARENT} with a new seed"),
        ("button:edit:abc", f"Edited from {PARENT}"),
        ("button:continue:abc", f"Continues {PARENT}"),
        ("button:restyle:abc", f"Restyles {PARENT}"),
        ("button:change:abc", f"Changes {PARENT}"),
        ("button:draft", f"Draft of {PARENT}"),
        ("button:final", f"Final of {PARENT}"),
        ("button:loop", f"Loop made from {PARENT}"),
        ("button:variations:2", f"Variation 2 of {PARENT}"),
        ("react:🔁", f"Rerun of {PARENT} by <@2> with 🔁"),
    ],
)
def test_lineage_in_words(trigger: str | None, said: str) -> None:
    """A card says what its video was made from by what its member did; after a reaction it names them, once."""
    job = a_job(parent_id="p", parent_at=Spot(1, 20, 30), trigger=trigger)
    shown = status_card(job, Live(), now=NOW, mode_title="Wan 2.7 image", settings=())
    assert shown.lineage == said
    assert (shown.maker == "") == ("<@2>" in said)


def test_a_card_without_parent_and_notes_says_nothing_of_them() -> None:
    """An ordinary job's card has no such line."""
    assert lineage.parent_line(a_job()) == ""
    assert lineage.notes(a_job()) == ()


def test_notes_are_bounded_and_harmless() -> None:
    """However many and long notes are, and whatever stands in them, the card stays within Discord's limits."""
    notes = lineage.notes(a_job(notes=tuple(f"{n} @everyone [x](http://y) " + "*" * 900 for n in range(99))))
    lines = "\n".join(notes)
    assert len(lines.splitlines()) == lineage.NOTES_MAX
    assert len(lines) < 2500
    assert "@everyone" not in lines.replace("\\@", "")
    assert "](http" not in lines


def test_the_parent_links_to_each_child() -> None:
    """Every child is a link with its mode and seed, within one embed field."""
    jobs = [a_job(id=f"{n:032x}", guild_id=2**63 - 1, result=RESULT) for n in range(5)]
    field = lineage.children_field(jobs)
    assert field.name == "Made from this"
    assert field.value.count("](https://discord.com/channels/9223372036854775807/20/30)") == len(jobs)
    assert "[Wan 2\\.7 image, seed 7]" in field.value or "[Wan 2.7 image, seed 7]" in field.value
    assert len(field.value) <= 1024
    assert lineage.children_field([a_job(mode="old")]).value.startswith("[old](")


def test_whoever_is_forgotten_is_not_mentioned() -> None:
    """A pseudonym is shown as words, because Discord would show its mention as a number."""
    assert person(7) == "<@7>"
    assert person(-7) == "a former member"
