"""A film costs what its member was told: prices that change meanwhile are said first."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from bot.catalogue.registry import price_table
from bot.errors import OptionRefused
from tests.support.film_samples import FILM_ID, a_draft
from tests.support.film_world import WHO, FilmWorld

EACH = 500_000  # micro-dollars: 5 s of Wan 2.7 at 720p, $0.10 a second (https://fal.ai/models/fal-ai/wan/v2.7)
TWICE = price_table({"wan27-image": {"720p": Decimal("0.2")}, "wan27-text": {"720p": Decimal("0.3")}})


@pytest.fixture
def world() -> Iterator[FilmWorld]:
    """Yield a world whose books are right in the end."""
    world = FilmWorld()
    yield world
    world.check()
    world.store.connection.close()


def start_with_new_prices(world: FilmWorld) -> None:
    """Start the process again after its operator changed the prices."""
    world.prices = TWICE
    world.reborn()


def test_a_later_shot_costs_what_the_order_said(world: FilmWorld) -> None:
    """What is reserved is what was shown, and no new price changes it."""
    world.order(a_draft("cut", "continue", "cut"))
    start_with_new_prices(world)
    world.make_all()
    assert (world.film().state, world.money()) == ("done", (0, 3 * EACH))


def test_another_try_says_the_price_of_now(world: FilmWorld) -> None:
    """The button has the old one, so its press is asked about; what is held is what the question said."""
    film = world.order(a_draft("cut", "cut"))
    world.drive()
    world.come_to(film.take(1).job_id)
    world.come_to(film.take(2).job_id, "failed")
    world.drive()
    start_with_new_prices(world)
    film, jobs = world.film_and_jobs()
    assert film.take(2).quote_microusd == EACH
    assert world.orders.retry_microusd(film, jobs, 2) == 2 * EACH
    world.do(world.orders.retry(FILM_ID, 2, film.take(2).job_id, who=WHO))
    assert world.money() == (2 * EACH, EACH)
    with pytest.raises(OptionRefused):
        world.orders.retry_microusd(*world.film_and_jobs(), 2)


def test_a_shot_that_became_dearer_than_what_is_reserved_is_asked_about(world: FilmWorld) -> None:
    """Without a shot before it, it begins with its words: another mode, whose price may be above what is set aside."""
    film = world.order(a_draft("cut", "continue"))
    world.come_to(film.take(1).job_id, "failed")
    world.drive()
    start_with_new_prices(world)
    world.do(world.orders.skip(FILM_ID, 1, film.take(1).job_id, member_id=2))
    world.drive()
    assert (world.film().state, world.money(), world.reserved()) == ("paused", (0, 0), [])
    assert world.orders.retry_microusd(*world.film_and_jobs(), 2) == 3 * EACH
    world.do(world.orders.retry(FILM_ID, 2, film.take(2).job_id, who=WHO))
    assert world.money() == (3 * EACH, 0)
    world.make_all()
    assert (world.film().state, world.money()) == ("done", (0, 3 * EACH))


def test_a_shot_that_gets_a_shot_before_it_costs_what_its_first_frame_makes_of_it(world: FilmWorld) -> None:
    """Made anew together with the shot that was left out before, it begins where that one ends, and costs that mode."""
    film = world.order(a_draft("cut", "continue"))
    world.come_to(film.take(1).job_id, "failed")
    world.drive()
    world.do(world.orders.skip(FILM_ID, 1, film.take(1).job_id, member_id=2))
    world.make_all()
    assert (world.film().state, world.money()) == ("done", (0, EACH))
    start_with_new_prices(world)
    film, jobs = world.film_and_jobs()
    shot = film.take(1).shot
    assert world.orders.redo_microusd(film, jobs, 1, shot, and_following=True) == 4 * EACH
    world.do(world.orders.redo(FILM_ID, 1, shot, who=WHO, and_following=True))
    assert world.money() == (4 * EACH, EACH)
    world.make_all()
    assert (world.film().state, world.money()) == ("done", (0, 5 * EACH))
