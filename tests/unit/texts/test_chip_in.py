"""What a press on a chip-in's card adds, and before which it asks."""

from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.chip_ins import ChipIn
from bot.ledger.model import Share
from bot.texts.chip_in import question_or_amount
from tests.support.job_samples import a_job

_AMOUNTS = st.integers(0, 10**7)


@given(price=_AMOUNTS, added=_AMOUNTS, button=_AMOUNTS, above=_AMOUNTS)
def test_a_press_adds_nothing_that_would_have_been_asked_about(price: int, added: int, button: int, above: int) -> None:
    """A press that is not asked adds no more than the price above which it would be, however much is missing then."""
    job = a_job(quote_microusd=price)
    shares = (Share("a" * 32, 50, added),)
    chip_in = ChipIn(id=job.id, guild_id=1, address=job.address, expires_at=1e9, job=job, shares=shares)
    answer = question_or_amount(chip_in, button, above_microusd=above)
    now = min(button, chip_in.missing_microusd)
    assert isinstance(answer, int) == (now <= above)
    if isinstance(answer, int):
        assert now <= answer <= min(button, above)
