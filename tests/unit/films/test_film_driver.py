"""A film from its order to its post: each shot is paid once, and a kill anywhere changes nothing of that."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import FilesGone, OptionRefused, QuotaExceeded, Refusal, StorageError
from bot.films.drafts import save_draft
from bot.films.model import Film, film_body
from bot.films.plan import looks_of
from bot.jobs import events, transactions
from bot.jobs.model import Job, Live
from bot.jobs.unsent import doubt_unsent
from bot.ledger import reservations
from bot.ledger.model import Shipped
from bot.runner import film_driver
from bot.runner.film_cards_port import NOTHING_KNOWN
from bot.settings import FilmSettings
from bot.storage.transaction import One, Transaction
from tests.support.film_samples import FILM_ID, a_draft, a_film, a_shot
from tests.support.film_world import WHO, Died, FilmWorld
from tests.support.job_samples import ADDRESS, NOW, PLACES

EACH = 500_000
INSERT = """
INSERT INTO films (id, guild_id, member_id, message_id, is_open, created_at, body) VALUES ($1, 1, 2, 30, 1, $2, $3)"""
FIVE = a_draft("cut", "continue", "morph", "cut", "continue")


@pytest.fixture
def world() -> Iterator[FilmWorld]:
    """Yield a world whose books are right in the end."""
    world = FilmWorld()
    yield world
    world.check()
    world.store.connection.close()


def looks(world: FilmWorld) -> tuple[str, ...]:
    """Return how the shots stand."""
    return looks_of(*world.film_and_jobs())


def failed_at(world: FilmWorld, number: int) -> Film:
    """Return a film of five that is paused because this shot was not made; all before it are."""
    world.order(FIVE)
    for _ in range(10):
        world.drive()
        film = world.film()
        for job_id in world.unfinished():
            world.come_to(job_id, "failed" if job_id == film.take(number).job_id else "made")
        world.drive()
        if world.film().state == "paused":
            return world.film()
    raise AssertionError("it never paused")


def test_all_shots_are_held_at_once_and_each_is_settled_as_it_is_made(world: FilmWorld) -> None:
    """One begins with the order; the other cut begins beside it; what fal billed less is free again."""
    film = world.order(FIVE)
    assert film.state == "making"
    assert world.money() == (5 * EACH, 0)
    world.drive()
    assert looks(world) == ("making", "to come", "to come", "making", "to come")
    world.come_to(film.take(1).job_id, cost_microusd=300_000)
    assert world.money() == (4 * EACH, 300_000)
    world.make_all()
    assert world.money() == (0, 4 * EACH + 300_000)
    film, jobs = world.film_and_jobs()
    assert (film.state, world.reserved()) == ("done", [])
    assert world.told == [("posted", tuple(take.job_id for take in film.takes))]
    assert film.joined is not None
    parts = [jobs[take.job_id].part for take in film.takes]
    assert [part and part.number for part in parts] == [1, 2, 3, 4, 5]
    frames = [world.job(film.take(number).job_id).inputs[0].file_name for number in (2, 3, 5)]
    assert frames == [f"{film.take(number).job_id}.png" for number in (1, 2, 4)]


def test_the_message_shows_how_far_the_join_is(world: FilmWorld) -> None:
    """First that the shots are joined, then which part of it is done."""
    world.order(a_draft("cut", "cut"))
    world.make_all()
    assert world.joining == [None, 0.25]


def test_a_film_dearer_than_the_budget_is_refused_whole() -> None:
    """Not even its first shot begins, and its draft stays."""
    world = FilmWorld(shipped=Shipped(member_daily_microusd=5 * EACH - 1, server_monthly_microusd=10**9))
    with pytest.raises(QuotaExceeded):
        world.order(FIVE)
    assert (world.money(), world.unfinished(), world.has_film()) == ((0, 0), [], False)
    assert world.keep() is not None
    world.check()


def test_a_draft_is_ordered_once_and_as_it_was_shown(world: FilmWorld) -> None:
    """A second press, and a press below an old price, change nothing."""
    draft = world.keep(FIVE)
    with pytest.raises(OptionRefused, match="changed this film"):
        world.do(world.orders.order(replace(draft, updated_at=draft.updated_at - 1), WHO, ADDRESS))
    with pytest.raises(OptionRefused, match="whoever made"):
        world.do(world.orders.order(draft, replace(WHO, member_id=3), ADDRESS))
    assert world.money() == (0, 0)
    world.order(draft)
    with pytest.raises(Refusal):
        world.do(world.orders.order(draft, WHO, ADDRESS))
    assert world.money() == (5 * EACH, 0)


@pytest.mark.parametrize("what", ["order", "retry", "redo"])
def test_two_presses_at_once_are_one(what: str) -> None:
    """The second one is refused without a second hold, and takes no files away from the shot that the first began."""
    world = FilmWorld(shipped=Shipped(member_daily_microusd=8 * EACH, server_monthly_microusd=10**9))
    if what == "retry":
        failed_at(world, 3)
    elif what == "redo":
        world.order(FIVE)
        world.make_all()
    before = world.money()[0]

    def press() -> Coroutine[Any, Any, Film]:
        match what:
            case "order":
                return world.orders.order(world.keep(FIVE), WHO, ADDRESS)
            case "retry":
                return world.orders.retry(FILM_ID, 3, world.film().take(3).job_id, who=WHO)
            case _:
                shot = replace(world.film().take(4).shot, prompt="another")
                return world.orders.redo(FILM_ID, 4, shot, who=WHO, and_following=True)

    async def both() -> tuple[Film | BaseException, Film | BaseException]:
        return await asyncio.gather(press(), press(), return_exceptions=True)

    done, refused = world.do(both())
    assert isinstance(done, Film)
    assert isinstance(refused, OptionRefused), refused
    assert world.money()[0] - before == {"order": 5, "retry": 1, "redo": 2}[what] * EACH
    assert not set(world.removed) & set(world.unfinished())
    world.check()
    world.store.connection.close()


def story(world: FilmWorld) -> None:
    """Order five shots; the third fails and is tried again; the film is posted, and a shot of it is redone."""
    if not world.has_film():
        world.do(world.orders.order(world.keep(FIVE), WHO, ADDRESS))
    for _ in range(60):
        world.drive()
        film = world.film()
        for job_id in world.unfinished():
            is_first_third = job_id == film.take(3).job_id and film.take(3).number == 0
            world.come_to(job_id, "failed" if is_first_third else "made")
        if film.state == "paused" and film.take(3).number == 0:
            world.do(world.orders.retry(FILM_ID, 3, film.take(3).job_id, who=WHO))
        elif film.state == "done" and film.take(4).number == 0:
            shot = replace(film.take(4).shot, prompt="another")
            world.do(world.orders.redo(FILM_ID, 4, shot, who=WHO, and_following=True))
        elif film.state == "done":
            return


def outcome(world: FilmWorld) -> tuple[object, ...]:
    """Return what a kill must not change."""
    film = world.film()
    ids = tuple(take.job_id for take in film.takes)
    assert world.money() == (0, sum(world.bills.values()))
    assert world.reserved() == []
    assert film.joined is not None
    return film.state, ids, film.joined.job_ids, sorted(world.posts), sum(world.bills.values())


def test_a_kill_before_or_after_any_effect_loses_nothing_and_pays_nothing_twice() -> None:
    """The next process goes on from what is stored: the same jobs, the same bill, the same film."""
    whole = FilmWorld()
    story(whole)
    whole.check()
    expected, effects = outcome(whole), whole.effects
    assert expected[0] == "done"
    assert len(whole.posts) == 5 + 1 + 2
    for at in range(1, effects + 1):
        # After one effect nearly the same is stored as before the next one.
        for after in (False, True) if at % 5 == 0 or at == effects else (False,):
            world = FilmWorld()
            world.dies_at, world.dies_after = at, after
            with suppress(Died):
                story(world)
            world.dies_at = None
            world.reborn()
            story(world)
            world.check()
            assert outcome(world) == expected, (at, after)
            world.store.connection.close()


def test_a_shot_that_fails_pauses_the_film_and_is_tried_again(world: FilmWorld) -> None:
    """Its hold has ended by then, so another try has a hold of its own; nothing else is held or made twice."""
    film = failed_at(world, 3)
    assert world.told[-1][0] == "paused"
    assert looks(world) == ("made", "made", "failed", "made", "made")
    assert world.money() == (0, 4 * EACH)
    world.do(world.orders.retry(FILM_ID, 3, film.take(3).job_id, who=WHO))
    assert world.money() == (EACH, 4 * EACH)
    with pytest.raises(OptionRefused, match="moved on"):
        world.do(world.orders.retry(FILM_ID, 3, film.take(3).job_id, who=WHO))
    world.make_all()
    assert world.film().state == "done"
    assert world.money() == (0, 5 * EACH)


def test_an_edited_shot_costs_its_own_price(world: FilmWorld) -> None:
    """Twice as long, twice as dear; what is held is what was said."""
    film = failed_at(world, 3)
    longer = replace(film.take(3).shot, seconds=10)
    again = world.do(world.orders.retry(FILM_ID, 3, film.take(3).job_id, who=WHO, shot=longer))
    assert again.take(3).quote_microusd == 2 * EACH
    assert world.money() == (2 * EACH, 4 * EACH)
    world.make_all()
    assert world.money() == (0, 6 * EACH)


def test_a_skipped_shot_is_gone_over(world: FilmWorld) -> None:
    """What follows begins where the last made one ends; a stale press changes nothing."""
    world.order(a_draft("cut", "continue", "continue"))
    film = world.film()
    world.come_to(film.take(1).job_id)
    world.drive()
    world.come_to(film.take(2).job_id, "failed")
    world.drive()
    assert world.reserved() == [film.take(3).job_id]
    with pytest.raises(OptionRefused, match="whoever made"):
        world.do(world.orders.skip(FILM_ID, 2, film.take(2).job_id, member_id=3))
    world.do(world.orders.skip(FILM_ID, 2, film.take(2).job_id, member_id=2))
    world.make_all()
    third = world.job(film.take(3).job_id)
    assert third.inputs[0].file_name == f"{film.take(1).job_id}.png"
    assert world.film().state == "done"
    assert world.joins[-1] == (film.take(1).job_id, film.take(3).job_id)


def test_without_any_shot_before_it_a_continuation_begins_with_its_prompt(world: FilmWorld) -> None:
    """Its job is one of the text mode, at no more than was held."""
    world.order(a_draft("cut", "continue"))
    film = world.film()
    world.come_to(film.take(1).job_id, "failed")
    world.drive()
    world.do(world.orders.skip(FILM_ID, 1, film.take(1).job_id, member_id=2))
    world.make_all()
    assert world.job(film.take(2).job_id).mode == "wan27-text"
    assert world.film().state == "done"


def test_finishing_as_it_is_releases_the_rest(world: FilmWorld) -> None:
    """What is made is joined; what is not begun is free again."""
    world.order(a_draft("cut", "continue", "continue"))
    film = world.film()
    world.come_to(film.take(1).job_id)
    world.drive()
    world.come_to(film.take(2).job_id, "failed")
    world.drive()
    world.do(world.orders.finish(FILM_ID, member_id=2))
    assert world.money() == (0, EACH)
    world.drive()
    assert world.film().state == "done"
    assert world.joins[-1] == (film.take(1).job_id,)


def test_stopping_cancels_and_releases(world: FilmWorld) -> None:
    """A job that fal was not asked for costs nothing; the draft is gone and nothing more is made."""
    world.order(FIVE)
    world.drive()
    said = world.do(world.orders.stop(FILM_ID, member_id=2))
    assert said.startswith("Stopped")
    world.drive()
    assert world.film().state == "cancelled"
    for job_id in world.unfinished():
        world.come_to(job_id)
    assert (world.money(), world.posts, world.reserved()) == ((0, 0), [], [])
    assert world.told[-1][0] == "cancelled"
    with pytest.raises(OptionRefused, match="over"):
        world.do(world.orders.stop(FILM_ID, member_id=2))


def test_a_stop_is_carried_out_by_the_next_process_where_this_one_is_leaving(world: FilmWorld) -> None:
    """A runner that is stopping cancels nothing, so the jobs stay noted in the film's row until theirs say it."""
    film = world.order(FIVE)
    world.drive()
    world.broken.add("cancel")
    world.do(world.orders.stop(FILM_ID, member_id=2))
    assert world.drive() is False
    under_way = {film.take(1).job_id, film.take(4).job_id}
    assert set(world.film().cancelling) == under_way
    world.broken.clear()
    world.reborn()
    world.drive()
    assert {world.job(job_id).state for job_id in under_way} == {"cancelled"}
    assert (world.film().cancelling, world.money()) == ((), (0, 0))


def test_a_film_over_its_time_is_joined_from_what_is_made(world: FilmWorld) -> None:
    """Nobody is charged for what was not made."""
    failed_at(world, 3)
    world.now += world.settings.life_hours * 3600 + 1
    world.drive()
    assert world.film().state == "done"
    assert world.money()[0] == 0
    assert len(world.joins[-1]) == 4


def test_what_was_reserved_and_released_pauses_the_film(world: FilmWorld) -> None:
    """A shot without a hold is never begun; another try holds its price anew."""
    world.order(a_draft("cut", "continue"))
    film = world.film()
    world.store.run(reservations.release(film.take(2).job_id, at=world.now, reason="over"))
    world.come_to(film.take(1).job_id)
    world.drive()
    assert world.film().state == "paused"
    assert looks(world) == ("made", "unpaid")
    world.do(world.orders.retry(FILM_ID, 2, film.take(2).job_id, who=WHO))
    world.make_all()
    assert world.film().state == "done"
    assert world.money() == (0, 2 * EACH)


def test_a_restored_film_begins_no_shot_that_may_have_been_begun_since(world: FilmWorld) -> None:
    """What was reserved is released, and the film pauses: its member decides, and nothing is paid twice."""
    world.order(a_draft("cut", "continue"))
    world.come_to(world.film().take(1).job_id)
    world.store.run(doubt_unsent(now=world.now))
    world.drive()
    assert (world.film().state, looks(world), len(world.posts)) == ("paused", ("made", "unpaid"), 1)
    assert world.money() == (0, EACH)


def test_without_a_place_a_shot_begins_later(world: FilmWorld) -> None:
    """It stays reserved, and the driver says that it has to look again."""
    world.order(a_draft("cut", "cut"))
    film = world.film()
    world.places = replace(PLACES, running_of_member_max=1)
    assert world.drive() is False
    assert world.reserved() == [film.take(2).job_id]
    world.come_to(film.take(1).job_id)
    assert world.drive() is True
    world.make_all()
    assert world.film().state == "done"


@pytest.mark.parametrize(("broken", "state"), [("frame", "paused"), ("join", "done")])
def test_what_can_never_work_ends_with_a_word(world: FilmWorld, broken: str, state: str) -> None:
    """A video without a frame pauses the film; parts that cannot be joined stay posted."""
    world.order(a_draft("cut", "continue"))
    world.broken.add(broken)
    world.make_all()
    assert world.film().state == state
    assert world.money()[0] == 0


def test_a_discord_that_does_not_answer_is_tried_again(world: FilmWorld) -> None:
    """The joined film is posted when it does; nothing is made twice."""
    world.order(a_draft("cut", "cut"))
    world.broken.add("discord")
    for job_id in (world.film().take(1).job_id,):
        world.come_to(job_id)
    world.make_all()
    assert world.film().state == "posting"
    assert world.drive() is False
    world.broken.clear()
    world.drive()
    assert world.film().state == "done"
    world.check()


def test_a_film_above_the_approval_limit_waits_as_one(world: FilmWorld) -> None:
    """One question for all; nothing begins before the yes, and all is held meanwhile."""
    world.set_approval(4 * EACH)
    film = world.order(FIVE)
    assert (film.state, world.money()) == ("waiting", (5 * EACH, 0))
    world.drive()
    assert len(world.unfinished()) == 1
    world.store.run(transactions.advance(film.take(1).job_id, events.Approved(9), now=world.now))
    world.drive()
    assert world.film().state == "making"
    world.make_all()
    assert world.film().state == "done"


def test_a_declined_film_ends_and_releases_all(world: FilmWorld) -> None:
    """Nobody is charged."""
    world.set_approval(4 * EACH)
    film = world.order(FIVE)
    world.store.run(transactions.advance(film.take(1).job_id, events.Declined(9), now=world.now))
    world.drive()
    assert (world.film().state, world.film().why) == ("cancelled", "declined")
    assert (world.money(), world.reserved()) == ((0, 0), [])


def test_a_declined_try_of_a_shot_leaves_the_shots_to_come_as_they_were(world: FilmWorld) -> None:
    """Their money stays set aside from the order before, and they are made once the shot is decided on."""
    world.order(a_draft("cut", "cut", "continue", "continue"))
    film = world.film()
    world.drive()
    world.come_to(film.take(1).job_id)
    world.come_to(film.take(2).job_id, "failed")
    world.drive()
    to_come = sorted(take.job_id for take in film.takes[2:])
    world.set_approval(EACH - 1)
    again = world.do(world.orders.retry(FILM_ID, 2, film.take(2).job_id, who=WHO))
    assert (again.state, again.asked_jobs) == ("waiting", (again.take(2).job_id,))
    world.store.run(transactions.advance(again.take(2).job_id, events.Declined(9), now=world.now))
    world.drive()
    assert (world.film().state, looks(world)) == ("paused", ("made", "failed", "to come", "to come"))
    assert (world.reserved(), world.money()) == (to_come, (2 * EACH, EACH))
    world.do(world.orders.skip(FILM_ID, 2, again.take(2).job_id, member_id=2))
    world.make_all()
    assert (world.film().state, world.money()) == ("done", (0, 3 * EACH))


def test_a_declined_redo_leaves_the_film_as_it_was_posted(world: FilmWorld) -> None:
    """Its shots are those before, and it is not joined again."""
    world.order(a_draft("cut", "continue"))
    world.make_all()
    before = world.film()
    world.set_approval(EACH)
    film = world.do(world.orders.redo(FILM_ID, 1, before.take(1).shot, who=WHO, and_following=True))
    assert (film.state, world.money()) == ("waiting", (2 * EACH, 2 * EACH))
    world.store.run(transactions.advance(film.take(1).job_id, events.Declined(9), now=world.now))
    world.drive()
    assert world.film().state == "done"
    assert world.money() == (0, 2 * EACH)
    assert [take.job_id for take in world.film().takes] == [take.job_id for take in before.takes]
    assert len(world.joins) == 2  # it is looked for once more when it is posted


def test_a_redo_alone_makes_one_job_and_joins_again(world: FilmWorld) -> None:
    """Its price is said before; with what follows it is the sum, held together."""
    world.order(a_draft("cut", "continue", "continue"))
    world.make_all()
    film, jobs = world.film_and_jobs()
    shot = film.take(1).shot
    assert world.orders.redo_microusd(film, jobs, 1, shot, and_following=False) == EACH
    assert world.orders.redo_microusd(film, jobs, 1, shot, and_following=True) == 3 * EACH
    with pytest.raises(OptionRefused, match="whoever made"):
        world.do(world.orders.redo(FILM_ID, 1, shot, who=replace(WHO, member_id=3), and_following=False))
    world.do(world.orders.redo(FILM_ID, 1, shot, who=WHO, and_following=False))
    world.make_all()
    assert world.money() == (0, 4 * EACH)
    assert world.film().revision == 2
    assert world.film().take(2).job_id == film.take(2).job_id


def test_a_redo_that_fails_can_be_skipped(world: FilmWorld) -> None:
    """The shot has the video that it had before."""
    world.order(a_draft("cut", "cut"))
    world.make_all()
    film = world.film()
    redone = world.do(world.orders.redo(FILM_ID, 2, film.take(2).shot, who=WHO, and_following=False))
    world.come_to(redone.take(2).job_id, "failed")
    world.drive()
    assert world.film().state == "paused"
    world.do(world.orders.skip(FILM_ID, 2, redone.take(2).job_id, member_id=2))
    world.drive()
    assert world.film().state == "done"
    assert world.film().take(2).job_id == film.take(2).job_id


def test_a_film_is_continued_with_its_made_shots_free(world: FilmWorld) -> None:
    """The new film joins the old shots and the new one, which begins where they end."""
    world.order(a_draft("cut", "continue"))
    world.make_all()
    film = world.film()
    draft = world.do(world.orders.continue_film(FILM_ID, who=WHO, channel_id=20))
    assert [shot.made for shot in draft.shots] == [take.job_id for take in film.takes]
    longer = replace(draft, shots=(*draft.shots, a_shot(9, "continue")))
    kept = world.store.run(save_draft(longer, world.orders.draft_bounds, at=world.now))
    assert world.orders.price(kept).microusd == EACH
    stranger = replace(kept, shots=(replace(kept.shots[0], made="0" * 32), *kept.shots[1:]))
    with pytest.raises(FilesGone):
        world.do(world.orders.order(stranger, WHO, ADDRESS))
    new = world.do(world.orders.order(kept, WHO, ADDRESS))
    assert world.job(new.take(3).job_id).inputs[0].file_name == f"{film.take(2).job_id}.png"
    assert world.money() == (EACH, 2 * EACH)
    world.come_to(new.take(3).job_id)
    world.do(world.driver.drive(new.id))
    assert world.joins[-1] == (*(take.job_id for take in film.takes), new.take(3).job_id)
    assert world.money() == (0, 3 * EACH)


def test_open_films_are_bounded() -> None:
    """One more than may be is refused before anything is held."""
    world = FilmWorld(settings=FilmSettings(open_of_member_max=1))
    world.order(FIVE)
    other = world.store.run(save_draft(replace(FIVE, id="e" * 32), world.orders.draft_bounds, at=world.now))
    with pytest.raises(OptionRefused, match="1 at once is the most"):
        world.do(world.orders.order(other, WHO, ADDRESS))
    assert world.money() == (5 * EACH, 0)
    world.check()


class Shown(FilmWorld):
    """A world that notes which films are shown."""

    def __init__(self, *, settings: FilmSettings) -> None:
        self.shown: list[str] = []
        super().__init__(settings=settings)

    def show_film(self, film: Film, jobs: Mapping[str, Job], live: Live = NOTHING_KNOWN) -> None:
        """Note the film."""
        del jobs, live
        self.shown.append(film.id)


def insert(film: Film) -> Transaction[None]:
    """Keep a film as one that is not over."""
    yield One(INSERT, (film.id, film.created_at, film_body(film)))


async def test_unfinished_films_are_looked_at_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, a look begins with a bounded number, and the next one goes on after them."""
    monkeypatch.setattr(film_driver, "PAGE", 2)
    ids = [f"{number:032x}" for number in range(5)]
    world = Shown(settings=FilmSettings(under_way_max=1))
    for number, film_id in enumerate(ids):
        film = a_film("cut", id=film_id, created_at=NOW + number, state="done", shown_at=NOW)
        world.store.run(insert(film))
    world.driver.start()
    async with asyncio.timeout(20):
        while len(world.shown) < len(ids):
            await world.driver.look()
            assert sum(task.get_name().startswith("film ") for task in asyncio.all_tasks()) <= film_driver.PAGE
            await asyncio.sleep(0)
    assert world.shown == ids
    await world.driver.stop()
    world.store.connection.close()


def test_a_film_whose_member_read_that_it_was_not_ordered_is_stopped(world: FilmWorld) -> None:
    """Its answers were lost and its card was taken away: nothing more of it begins, and nothing is asked of fal."""
    draft = world.keep(FIVE)
    world.broken.add("accept")
    with pytest.raises(StorageError):
        world.do(world.orders.order(draft, WHO, ADDRESS))
    world.broken.clear()
    assert world.money()[0] > 0
    world.make_all()
    assert (world.film().state, world.money(), world.posts) == ("cancelled", (0, 0), [])


def test_a_second_press_that_the_database_does_not_answer_stops_no_film(world: FilmWorld) -> None:
    """It would have been refused, because the first one has ordered the film already."""
    draft = world.keep(FIVE)
    world.do(world.orders.order(draft, WHO, ADDRESS))
    world.broken.add("read")
    with pytest.raises(StorageError):
        world.do(world.orders.order(draft, WHO, ADDRESS))
    world.broken.clear()
    world.make_all()
    assert (world.film().state, world.money()) == ("done", (0, 5 * EACH))


def test_a_redo_whose_member_read_that_it_was_not_ordered_leaves_the_film_as_it_was(world: FilmWorld) -> None:
    """What is ordered later of the same film goes on."""
    world.order(FIVE)
    world.make_all()
    before = world.film()
    spent = world.money()
    world.broken.add("accept")
    with pytest.raises(StorageError):
        world.do(world.orders.redo(FILM_ID, 4, before.take(4).shot, who=WHO, and_following=False))
    world.broken.clear()
    world.make_all()
    assert (world.film().state, world.money(), world.film().joined) == ("done", spent, before.joined)
    world.do(world.orders.redo(FILM_ID, 4, before.take(4).shot, who=WHO, and_following=False))
    world.make_all()
    assert (world.film().state, world.money()) == ("done", (0, spent[1] + EACH))


def test_an_order_is_accepted_whatever_is_read_after_it(world: FilmWorld) -> None:
    """The card of a film that is held and stored is never taken away because of a look at it."""
    draft = world.keep(FIVE)
    accept_all = world.accept_all

    async def then_silent(*given: Any, **named: Any) -> Any:
        job = await accept_all(*given, **named)
        world.broken.add("answers")
        return job

    vars(world)["accept_all"] = then_silent
    film = world.do(world.orders.order(draft, WHO, ADDRESS))
    world.broken.clear()
    assert film.id == world.film().id
