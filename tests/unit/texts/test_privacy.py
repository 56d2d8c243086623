"""What a member reads about their own data."""

import pytest

from bot.cards.embeds import to_embed
from bot.jobs.member_export import JobCounts, export_values
from bot.texts.privacy import PackedPart, data_card, deletion_card, part_text
from tests.support.job_samples import a_job

MANY = JobCounts(jobs=12_345, servers=99, with_files=678, first_at=1_763_616_000.0)
NONE = JobCounts(jobs=0, servers=0, with_files=0, first_at=None)


@pytest.mark.parametrize("counted", [MANY, NONE])
@pytest.mark.parametrize("days", [1, 30])
def test_cards_fit(counted: JobCounts, days: int) -> None:
    """Both cards are within Discord's limits, and the days are the setting's."""
    for card in (data_card(counted, days), deletion_card(counted)):
        assert len(to_embed(card)) <= 6000
        assert all(1 <= len(field.value) <= 1024 and len(field.name) <= 256 for field in card.fields)
    assert data_card(counted, days).fields[0].name == ("For 1 day" if days == 1 else "For 30 days")


def test_what_was_left_out_fits() -> None:
    """A hundred files that are too large are told within a message."""
    names = [("files/00000000/a*very*long_name.mp4" * 3, 2**31)] * 100
    text = part_text(PackedPart(part=1, parts=3, too_large=names, whole=False))
    assert len(text) <= 2000
    assert "part 1 of 3" in text
    assert "more" in text


def test_an_exported_job_keeps_the_token_secret() -> None:
    """The interaction's token, with which others could edit the card, is not in the export; nor is who approved it."""
    exported_job = export_values(a_job())
    assert "token" not in exported_job["address"]
    assert "approved_by" not in exported_job
    assert exported_job["options"] == a_job().options
