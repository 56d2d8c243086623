"""What a press on a chip-in's card adds, and before which it asks."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.films.model import film_body
from bot.jobs.chip_in_model import ChipIn
from bot.ledger.model import Share
from bot.texts.chip_in import chip_in_card, over_notice, question_or_amount
from tests.support.film_samples import a_film
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


def test_the_card_of_a_film_says_its_shots_and_the_price_of_all() -> None:
    """What is missing is of the whole film; once it is over its maker knows where the draft is."""
    film = a_film("cut", "continue")
    first = a_job(quote_microusd=500_000)
    chip_in = ChipIn(
        id=film.id,
        guild_id=1,
        address=first.address,
        expires_at=1e9,
        job=first,
        film=film_body(film),
        film_microusd=1_000_000,
        shares=(Share("a" * 32, 50, 250_000),),
    )
    card = chip_in_card(chip_in)
    assert card.title == "🎬 A film in 2 shots: $1.00, paid together"
    assert "**1** · 5 s · what happens in shot 1" in card.description
    assert "**$0.25** of $1.00\n**$0.75** is missing." in card.description
    assert card.buttons[0].label == "Add $0.75"
    over = replace(chip_in, state="over", over="late")
    assert "`/film`" in chip_in_card(over).description
    assert over_notice(over, [50]) == "<@50> This film wasn't paid for in time, so you have your money back."
