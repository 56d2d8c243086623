"""What a film's member is told, and that it is what the film's card says."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.films.model import Film
from bot.jobs import events, notices, transactions
from bot.jobs.notices import Notice, NoticeBounds, Told
from bot.ledger.rules import set_rule
from tests.support.film_samples import FILM_ID, a_draft
from tests.support.film_world import WHO, FilmWorld

BOUNDS = NoticeBounds(
    quick_s=0,
    of_member_hourly_max=9,
    approvals_hourly_max=9,
    approvals_of_member_hourly_max=9,
    tries_max=9,
    life_s=600,
    wait_s=10,
)


@pytest.fixture
def world() -> Iterator[FilmWorld]:
    """Yield a world with a film of two cuts."""
    world = FilmWorld()
    world.order(a_draft("cut", "cut"))
    world.drive()
    yield world
    world.store.connection.close()


def second_fails(world: FilmWorld) -> Film:
    """Make the first shot and not the second; returns the film, which is not driven yet."""
    film = world.film()
    world.come_to(film.take(1).job_id)
    world.come_to(film.take(2).job_id, "failed")
    return film


def begun(world: FilmWorld) -> Told | None:
    """Begin the only notice that is due."""
    (notice,) = world.store.run(notices.due_notices(world.now, limit=9))
    return begin(world, notice)


def begin(world: FilmWorld, notice: Notice) -> Told | None:
    """Return what is to be posted of a notice."""
    return world.store.run(notices.begin(notice, BOUNDS, now=world.now))


def test_a_pause_is_told_once_the_card_says_it(world: FilmWorld) -> None:
    """While Discord does not take the card, nobody is sent to look at it."""
    film = second_fails(world)
    world.broken.add("discord")
    world.drive()
    assert (world.film().state, world.noted()) == ("paused", [])
    world.broken.clear()
    world.drive()
    assert world.noted() == [(film.take(2).job_id, "failed", False)]
    assert begun(world) is not None


def test_a_new_message_is_the_only_one_that_tells_it(world: FilmWorld) -> None:
    """A card that was posted anew names and pings its member, so no reply says the same below it."""
    film = second_fails(world)
    world.message_id = 31
    world.drive()
    assert world.noted() == [(film.take(2).job_id, "failed", True)]
    world.do(world.orders.retry(FILM_ID, 2, film.take(2).job_id, who=WHO))
    world.message_id = 32
    world.make_all()
    assert world.noted()[1:] == [(world.film().take(2).job_id, "ready", True)]


def test_what_is_not_so_any_more_is_not_told(world: FilmWorld) -> None:
    """Who decides before the notice is posted needs none; it stands below the message that the film has now."""
    film = second_fails(world)
    world.message_id = 31
    world.drive()
    world.store.connection.execute("UPDATE notices SET is_announced = 0")
    told = begun(world)
    assert told is not None
    assert told.job.address.message_id == 31
    world.do(world.orders.skip(FILM_ID, 2, film.take(2).job_id, member_id=2))
    world.now += 10
    (paused,) = world.store.run(notices.due_notices(world.now, limit=9))
    assert begin(world, paused) is None
    world.make_all()
    told = begun(world)
    assert told is not None
    assert told.notice.kind == "ready"


def test_whoever_is_to_approve_is_sent_to_the_message_that_asks() -> None:
    """The question may have had to be posted anew, before the film's row knows of another message."""
    world = FilmWorld()
    value = {"above_microusd": 1, "role_id": 77, "wait_s": 3600, "own": False}
    world.store.run(set_rule(1, "server", "approval", value, actor_id=9, reason="", at=world.now))
    film = world.order(a_draft("cut", "cut"))
    moved = replace(film.address, message_id=31)
    world.store.run(transactions.advance(film.take(1).job_id, events.Asked(moved), now=world.now))
    told = begun(world)
    assert told is not None
    assert (told.role_id, told.job.address.message_id) == (77, 31)
    world.store.connection.close()


def test_a_film_that_is_joined_anew_is_told_anew(world: FilmWorld) -> None:
    """The notice of a redo is about the shot that was made again, so it is no repeat of the first one."""
    world.make_all()
    film = world.film()
    assert len(world.noted()) == 1
    world.do(world.orders.redo(FILM_ID, 1, film.take(1).shot, who=WHO, and_following=False))
    world.make_all()
    assert [kind for _, kind, _ in world.noted()] == ["ready", "ready"]
    assert world.noted()[1][0] == world.film().take(1).job_id
