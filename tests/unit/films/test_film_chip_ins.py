"""A film that several members pay for: held for all shots, settled shot by shot, and given back to whoever paid."""

from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.errors import Busy, OptionRefused, QuotaExceeded, Refusal, StorageError
from bot.films import drafts
from bot.films.plan import looks_of
from bot.jobs import acceptance, chip_in_rows, erasure, events, transactions
from bot.jobs.chip_in_model import Added, ChipIn, Rules
from bot.jobs.model import Order, Request
from bot.ledger import holds
from bot.ledger.audit import totals
from bot.ledger.model import Shipped, Who
from bot.runner.chip_ins import bounds_of
from bot.settings import ChipInSettings
from bot.sharding import EVERY_SHARD
from bot.storage.transaction import Lock, Many, One, Statement, Transaction
from bot.texts.chip_in import added_text, chip_in_card, told_over
from tests.support.catalogue_samples import request as sample
from tests.support.film_samples import FILM_ID, a_draft
from tests.support.film_world import WHO, Died, FilmWorld
from tests.support.job_samples import ADDRESS, JOB_ID, a_job

T = TypeVar("T")
EACH = 500_000
THREE = a_draft("cut", "continue", "cut")
PRICE = 3 * EACH
MODE = "wan27-image"
EFFECTS = 33  # from the start of a chip-in to the end of its film
BEN, CLEO = replace(WHO, member_id=3), replace(WHO, member_id=4)
SHIPPED = Shipped(member_daily_microusd=800_000, server_monthly_microusd=10**9)


@pytest.fixture
def world() -> Iterator[FilmWorld]:
    """Yield a world in which nobody can pay the film alone, and whose books are right in the end."""
    world = FilmWorld(shipped=SHIPPED)
    yield world
    world.check()
    world.store.connection.close()


def start(world: FilmWorld, own: int = 700_001) -> Added:
    """Let others chip in for the film."""
    return world.do(world.chip_ins.start_film(world.keep(THREE), WHO, ADDRESS, own))


def pay(world: FilmWorld) -> None:
    """Let three members pay for it, and begin it."""
    start(world)
    world.do(world.chip_ins.add(FILM_ID, BEN, 399_999))
    world.do(world.chip_ins.add(FILM_ID, CLEO, 800_000))
    world.do(world.chip_ins.look(EVERY_SHARD))


def chip_in(world: FilmWorld) -> ChipIn | None:
    """Return the chip-in, if there is one."""
    return world.store.run(chip_in_rows.chip_in_of(FILM_ID))


def held_and_spent(world: FilmWorld) -> list[tuple[int, int]]:
    """Return what the allowances of the three hold, and have spent."""
    found: list[tuple[int, int]] = []
    for who in (WHO, BEN, CLEO):
        view = world.store.run(holds.standing(who, at=world.now, shipped=world.shipped))
        own = next(one for one in view.standings if one.limit.side == "member")
        found.append((own.held_microusd, own.spent_microusd))
    return found


def test_it_begins_when_all_is_there_and_each_shot_takes_its_part_of_each_share(world: FilmWorld) -> None:
    """Every shot's hold is of all three; what fal billed less goes back in proportion."""
    pay(world)
    film, jobs = world.film_and_jobs()
    assert (film.state, chip_in(world), looks_of(film, jobs)) == ("making", None, ("making", "to come", "to come"))
    assert held_and_spent(world) == [(700_001, 0), (399_999, 0), (400_000, 0)]
    first = jobs[film.take(1).job_id]
    assert [one.member_id for one in first.shares] == [2, 3, 4]
    assert sum(one.amount_microusd for one in first.shares) == EACH
    world.drive()
    world.come_to(film.take(1).job_id, cost_microusd=EACH // 2)
    world.make_all()
    film, jobs = world.film_and_jobs()
    assert (film.state, world.reserved()) == ("done", [])
    spent = [spent for _, spent in held_and_spent(world)]
    assert (sum(spent), [held for held, _ in held_and_spent(world)]) == (2 * EACH + EACH // 2, [0, 0, 0])
    assert all(abs(one - share * 5 // 6) <= 3 for one, share in zip(spent, (700_001, 399_999, 400_000), strict=True))
    assert all({share.member_id for share in job.shares} == {2, 3, 4} for job in jobs.values())
    assert [one.jobs for one in world.store.run(totals())] == [3]


def test_what_a_stopped_film_does_not_use_goes_back_to_everybody(world: FilmWorld) -> None:
    """The maker stops it; the shots that are not begun cost nobody anything."""
    pay(world)
    film = world.film()
    world.drive()
    world.come_to(film.take(1).job_id)
    world.do(world.orders.stop(FILM_ID, member_id=2))
    world.make_all()
    assert [held for held, _ in held_and_spent(world)] == [0, 0, 0]
    assert sum(spent for _, spent in held_and_spent(world)) <= 2 * EACH


def test_a_failed_shot_is_given_back_to_everybody_and_tried_again_by_its_maker_alone(world: FilmWorld) -> None:
    """Another try is another price, which only whoever presses pays."""
    pay(world)
    film = world.film()
    world.drive()
    world.come_to(film.take(1).job_id, "failed")
    world.drive()
    assert world.film().state == "paused"
    assert sum(held for held, _ in held_and_spent(world)) == 2 * EACH
    with pytest.raises(QuotaExceeded):
        world.do(world.orders.retry(FILM_ID, 1, film.take(1).job_id, who=WHO))
    world.do(world.orders.stop(FILM_ID, member_id=2))
    world.make_all()
    assert sum(held for held, _ in held_and_spent(world)) == 0


def test_the_draft_stays_as_it_is_and_is_free_again_when_it_is_over(world: FilmWorld) -> None:
    """Nobody changes, deletes or orders it meanwhile; its files stay."""
    start(world)
    draft = world.keep()
    for refused in (
        drafts.save_draft(replace(draft, resolution="1080p"), world.orders.draft_bounds, at=world.now),
        drafts.delete_own_draft(draft),
    ):
        with pytest.raises(OptionRefused, match="chip in"):
            world.store.run(refused)
    for ordering in (
        world.orders.order(draft, WHO, ADDRESS),
        world.chip_ins.start_film(draft, WHO, ADDRESS, 0),
    ):
        with pytest.raises(OptionRefused, match="chip in"):
            world.do(ordering)
    late = world.now + 10**9
    assert world.store.run(drafts.old_drafts(late)) == ()
    assert world.store.run(drafts.delete_old_draft(FILM_ID, 1, before=late)) is False  # found before it was begun
    world.do(world.chip_ins.add(FILM_ID, BEN, 300_000))
    world.do(world.chip_ins.cancel(FILM_ID, guild_id=1, member_id=2))
    assert held_and_spent(world) == [(0, 0), (0, 0), (0, 0)]
    removals = world.store.connection.execute("SELECT what FROM removals").fetchall()
    assert removals == []
    with pytest.raises(Busy):
        start(world)  # its card does not say yet that it is over
    world.store.run(chip_in_rows.shown(FILM_ID, is_over=True))
    pay(world)
    assert world.film().state == "making"


def test_the_time_is_over(world: FilmWorld) -> None:
    """Everybody has their money back, and the draft is there."""
    start(world)
    world.do(world.chip_ins.add(FILM_ID, BEN, 300_000))
    world.now += 2 * 86_400
    world.do(world.chip_ins.look(EVERY_SHARD))
    ended = chip_in(world)
    assert ended is not None
    assert (ended.state, ended.over, world.open_holds(), world.has_film()) == ("over", "late", 0, False)
    assert world.keep().shots == THREE.shots


def test_one_takes_theirs_back_and_another_fills_it(world: FilmWorld) -> None:
    """Shots are filled to the micro-dollar whoever added what before."""
    start(world)
    world.do(world.chip_ins.add(FILM_ID, BEN, 333_333))
    world.do(world.chip_ins.take_back(FILM_ID, guild_id=1, member_id=3))
    world.do(world.chip_ins.add(FILM_ID, CLEO, 777_777))
    world.do(world.chip_ins.add(FILM_ID, BEN, 800_000))
    world.do(world.chip_ins.look(EVERY_SHARD))
    world.make_all()
    assert sum(spent for _, spent in held_and_spent(world)) == PRICE


@pytest.mark.parametrize("yes", [True, False])
def test_approval_sees_the_whole_price(world: FilmWorld, *, yes: bool) -> None:
    """The first shot waits for all; a no gives everything back to everybody."""
    world.set_approval(2 * EACH)
    pay(world)
    film = world.film()
    assert (film.state, len(film.asked_jobs)) == ("waiting", 3)
    world.drive()
    assert world.unfinished() == [film.take(1).job_id]
    if yes:
        world.make_all()
        assert sum(spent for _, spent in held_and_spent(world)) == PRICE
        return
    world.store.run(transactions.advance(film.take(1).job_id, events.Declined(9), now=world.now))
    world.drive()
    assert (world.film().state, held_and_spent(world)) == ("cancelled", [(0, 0)] * 3)


def test_a_film_that_cannot_begin_yet_waits_and_changes_nothing(world: FilmWorld) -> None:
    """No place: it stays full until there is one, and no look makes its files ready before."""
    places = world.places
    world.places = replace(places, running_in_server_max=0)
    pay(world)
    waiting = chip_in(world)
    assert waiting is not None
    assert (waiting.state, waiting.obstacle, world.has_film()) == ("full", "place", False)
    world.do(world.chip_ins.look(EVERY_SHARD))
    assert (world.copied, world.removed) == ([], [])
    world.places = places
    world.do(world.chip_ins.look(EVERY_SHARD))
    assert world.film().state == "making"


def test_a_film_whose_files_cannot_be_made_ready_begins_later(world: FilmWorld) -> None:
    """What was added stays held, and the next look tries it again."""
    world.broken.add("disk")
    pay(world)
    waiting = chip_in(world)
    assert waiting is not None
    assert (waiting.state, waiting.obstacle, world.has_film(), world.open_holds()) == ("full", "files", False, PRICE)
    assert "can't get at its pictures" in chip_in_card(waiting).description
    world.broken.clear()
    world.now += 30
    world.do(world.chip_ins.look(EVERY_SHARD))
    assert world.film().state == "making"


def test_a_film_whose_mode_is_off_waits(world: FilmWorld) -> None:
    """While fal's account is locked, or a price is not known, what was added stays held and nothing is asked of fal."""
    world.off.add(MODE)
    pay(world)
    waiting = chip_in(world)
    assert waiting is not None
    assert (waiting.state, waiting.obstacle, world.copied) == ("full", "off", [])
    world.off.clear()
    world.do(world.chip_ins.look(EVERY_SHARD))
    assert world.film().state == "making"


def test_files_that_fail_are_left_alone_for_a_while(world: FilmWorld) -> None:
    """A picture that is gone is not copied at every look, nor at every press on any chip-in's card."""
    world.broken.add("pictures")
    pay(world)
    for _ in range(3):
        world.do(world.chip_ins.look(EVERY_SHARD))
    assert (len(world.copied), world.has_film()) == (1, False)
    world.broken.clear()
    world.now += 30
    world.do(world.chip_ins.look(EVERY_SHARD))
    assert world.film().state == "making"


def test_a_film_does_not_begin_with_a_made_shot_that_is_gone(world: FilmWorld) -> None:
    """Nobody pays for the rest of a film that cannot be joined; everybody has theirs back when the time is over."""
    made = acceptance.accept(a_job(quote_microusd=1), world.shipped, world.places)
    world.store.run(made)
    world.come_to(JOB_ID)
    draft = world.keep(replace(THREE, shots=(replace(THREE.shots[0], made=JOB_ID), *THREE.shots[1:])))
    world.do(world.chip_ins.start_film(draft, WHO, ADDRESS, 600_000))
    world.do(world.chip_ins.add(FILM_ID, BEN, 400_000))
    world.store.run(erasure.note_files_removed(JOB_ID, at=world.now))
    world.do(world.chip_ins.look(EVERY_SHARD))
    waiting = chip_in(world)
    assert waiting is not None
    assert (waiting.obstacle, world.has_film(), world.open_holds()) == ("gone", False, 1_000_000)
    assert "something it's made of is gone" in chip_in_card(waiting).description
    world.now += 2 * 86_400
    world.do(world.chip_ins.look(EVERY_SHARD))
    assert world.open_holds() == 0


def test_a_begun_film_keeps_its_files_when_it_is_begun_again(world: FilmWorld) -> None:
    """A second process, which found it full before, begins nothing and removes nothing."""
    start(world)
    world.do(world.chip_ins.add(FILM_ID, BEN, 399_999))
    world.do(world.chip_ins.add(FILM_ID, CLEO, 800_000))
    found = chip_in(world)
    assert found is not None
    world.do(world.chip_ins.look(EVERY_SHARD))
    bounds = bounds_of(ChipInSettings())
    now = Rules(bounds=bounds, shipped=world.shipped, places=world.places, now=world.now)
    assert world.do(world.film_chip_ins.begin(found, lambda _: now)) is None
    assert (world.removed, world.film().state) == ([], "making")


def test_one_that_cannot_begin_keeps_no_other_one_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with it, and however many there are: the others begin, and those out of time end."""
    monkeypatch.setattr(chip_in_rows, "FOUND_MAX", 1)
    world = FilmWorld(shipped=Shipped(member_daily_microusd=10**9, server_monthly_microusd=10**9))
    for letter, who in zip("abc", (WHO, BEN, CLEO), strict=True):
        draft = replace(THREE, id=letter * 32, member_id=who.member_id)
        kept = world.store.run(drafts.save_draft(draft, world.orders.draft_bounds, at=world.now))
        world.do(world.chip_ins.start_film(kept, who, ADDRESS, PRICE))
    execute = world.store.connection.execute
    execute("UPDATE draws SET state = 'released', ended_at = 1 WHERE member_id = 2")  # so that its division is a defect
    world.do(world.chip_ins.look(EVERY_SHARD))
    assert [one for (one,) in execute("SELECT id FROM films ORDER BY id")] == ["b" * 32, "c" * 32]
    world.store.connection.close()


def test_who_pays_can_be_erased_before_and_after_but_not_meanwhile(world: FilmWorld) -> None:
    """Before: theirs goes back. Meanwhile: Busy. After: no job names them."""
    start(world)
    world.do(world.chip_ins.add(FILM_ID, BEN, 300_000))
    world.store.run(erasure.forget_member(3, at=world.now))
    found = chip_in(world)
    assert found is not None
    assert found.missing_microusd == PRICE - 700_001
    world.do(world.chip_ins.add(FILM_ID, BEN, 399_999))
    world.do(world.chip_ins.add(FILM_ID, CLEO, 800_000))
    world.do(world.chip_ins.look(EVERY_SHARD))
    with pytest.raises(Busy):
        world.store.run(erasure.forget_member(4, at=world.now))
    world.make_all()
    world.store.run(erasure.forget_member(4, at=world.now))
    _, jobs = world.film_and_jobs()
    assert all(4 not in {share.member_id for share in job.shares} for job in jobs.values())


def test_erasures_of_those_who_paid_together_lock_their_jobs_in_one_order(world: FilmWorld) -> None:
    """Friends who delete their data at once have the same jobs: each locks all of them by id before it changes one."""
    pay(world)
    world.make_all()
    ran: list[Statement] = []
    world.store.run(recorded(erasure.forget_member(4, at=world.now), ran))
    first_change = next(n for n, one in enumerate(ran) if isinstance(one, One | Many) and "SELECT" not in one.sql[:9])
    assert any(isinstance(one, Lock) and "ORDER BY id FOR UPDATE" in one.sql for one in ran[:first_change])


def test_an_erasure_locks_every_server_before_it_changes_anything_there(world: FilmWorld) -> None:
    """Also one in which the member has a draft and never paid: deleting that server's data waits for the draft."""
    start(world)
    elsewhere = replace(THREE, id="e" * 32, guild_id=7)
    world.store.run(drafts.save_draft(elsewhere, world.orders.draft_bounds, at=world.now))
    ran: list[Statement] = []
    world.store.run(recorded(erasure.forget_member(2, at=world.now), ran))
    deleted = next(n for n, one in enumerate(ran) if "DELETE FROM film_drafts" in getattr(one, "sql", ""))
    taken = [one.args[0] for one in ran[:deleted] if isinstance(one, Lock) and "VALUES ($1, 1)" in one.sql]
    assert taken == ["all", "guild:1", "guild:7"]


def test_an_erasure_in_one_server_may_come_to_lock_another(world: FilmWorld) -> None:
    """Where the member adds to a video meanwhile: what comes before every server's lock is taken whatever is known."""
    start(world)
    ran: list[Statement] = []
    world.store.run(recorded(erasure.forget_member(2, at=world.now), ran))
    taken = [one.args[0] for one in ran if isinstance(one, Lock) and "VALUES ($1, 1)" in one.sql]
    assert taken[:2] == ["all", "guild:1"]


def test_a_left_servers_jobs_are_locked_as_a_members() -> None:
    """The deletion of a server's data and a member's erasure take the rows of jobs in one order."""
    world = FilmWorld(shipped=SHIPPED)  # whose books are not checked against its films, which are deleted
    pay(world)
    world.make_all()
    ran: list[Statement] = []
    world.store.run(recorded(erasure.forget_guild(1, at=world.now), ran))
    sqls = [getattr(one, "sql", "") for one in ran]
    deleted = next(n for n, sql in enumerate(sqls) if sql.startswith("DELETE FROM jobs"))
    assert any(isinstance(one, Lock) and "FROM jobs" in one.sql and "ORDER BY id" in one.sql for one in ran[:deleted])
    world.store.connection.close()


def recorded(transaction: Transaction[T], ran: list[Statement]) -> Transaction[T]:
    """Run a transaction, and note its statements."""
    answer: Any = None
    while True:
        try:
            statement = transaction.send(answer)
        except StopIteration as end:
            return end.value
        ran.append(statement)
        answer = yield statement


def test_its_maker_is_erased_while_it_is_collected_for(world: FilmWorld) -> None:
    """Nothing of the film stays, and everybody has their money back."""
    start(world)
    world.do(world.chip_ins.add(FILM_ID, BEN, 300_000))
    world.store.run(erasure.forget_member(2, at=world.now))
    ended = chip_in(world)
    assert ended is not None
    assert (ended.over, ended.job, ended.film, world.open_holds()) == ("deleted", None, None, 0)


def test_every_effect_is_one_of_those_that_are_tried(world: FilmWorld) -> None:
    """No kill of the next test comes after the end, and none of the effects is left out."""
    pay(world)
    world.make_all()
    assert world.effects == EFFECTS


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, EFFECTS + 1))
def test_a_kill_anywhere_changes_nothing(dies_at: int, *, after: bool) -> None:
    """Collected for, begun and made with a kill at any step: everybody pays their part once."""
    world = FilmWorld(shipped=SHIPPED)
    world.keep(THREE)
    world.dies_at, world.dies_after = dies_at, after
    todo = [
        lambda: start(world),
        lambda: world.do(world.chip_ins.add(FILM_ID, BEN, 399_999)),
        lambda: world.do(world.chip_ins.add(FILM_ID, CLEO, 800_000)),
        lambda: world.do(world.chip_ins.look(EVERY_SHARD)),
        world.make_all,
    ]
    kills = 0
    for act in todo:
        try:
            act()
        except Died:
            kills += 1
            world.reborn()
            with suppress(Refusal):  # it was done before the kill
                act()
    assert (world.film().state, kills) == ("done", 1)
    assert [held for held, _ in held_and_spent(world)] == [0, 0, 0]
    assert sum(spent for _, spent in held_and_spent(world)) == PRICE
    world.check()
    world.store.connection.close()


@settings(max_examples=30)
@given(
    own=st.integers(0, 800_000),
    added=st.lists(st.tuples(st.sampled_from([BEN, CLEO, WHO]), st.integers(50_000, 800_000)), max_size=6),
    costs=st.tuples(*[st.integers(0, EACH) for _ in range(3)]),
    is_stopped=st.booleans(),
)
@example(own=1, added=[(BEN, 733_333), (CLEO, 766_666)], costs=(1, 333_333, EACH), is_stopped=False)
def test_whatever_is_added_everybody_pays_their_part_and_no_more(
    own: int, added: list[tuple[Who, int]], costs: tuple[int, ...], *, is_stopped: bool
) -> None:
    """What fal billed is paid to the micro-dollar; nothing stays held; a film that is not paid for costs nothing."""
    world = FilmWorld(shipped=SHIPPED)
    start(world, own)
    for who, amount in added:
        with suppress(Refusal):
            world.do(world.chip_ins.add(FILM_ID, who, amount))
    paid_in = [held for held, _ in held_and_spent(world)]
    world.do(world.chip_ins.look(EVERY_SHARD))
    billed = 0
    if world.has_film():
        film = world.film()
        assert (sum(paid_in), [held for held, _ in held_and_spent(world)]) == (PRICE, paid_in)
        for number, cost in enumerate(costs, 1):
            world.drive()
            if film.take(number).job_id in world.unfinished():
                world.come_to(film.take(number).job_id, cost_microusd=cost)
                billed += cost
            if is_stopped:
                world.do(world.orders.stop(FILM_ID, member_id=2))
                world.drive()
                break
    else:
        world.do(world.chip_ins.cancel(FILM_ID, guild_id=1, member_id=2))
    if not is_stopped:
        now = held_and_spent(world)
        assert (sum(spent for _, spent in now), [held for held, _ in now]) == (billed, [0, 0, 0])
    assert all(held + spent <= most for (held, spent), most in zip(held_and_spent(world), paid_in, strict=True))
    world.check()
    world.store.connection.close()


def lost(world: FilmWorld, work: Coroutine[Any, Any, Any]) -> None:
    """Do something whose answers are all lost, although the database does it."""
    world.broken.add("accept")
    with pytest.raises(StorageError):
        world.do(work)
    world.broken.clear()


def test_what_its_maker_read_was_not_begun_gives_everything_back(world: FilmWorld) -> None:
    """No card shows it then, so nobody could cancel it: the next look ends it, whoever else added to it meanwhile."""
    lost(world, world.chip_ins.start_film(world.keep(THREE), WHO, ADDRESS, 700_001))
    assert world.open_holds() == 700_001
    world.do(world.chip_ins.add(FILM_ID, BEN, 799_999))
    world.do(world.chip_ins.look(EVERY_SHARD))
    ended = chip_in(world)
    assert ended is not None
    assert (ended.over, world.open_holds(), world.has_film()) == ("cancelled", 0, False)
    world.store.run(chip_in_rows.shown(FILM_ID, is_over=True))
    pay(world)  # another try of the same draft is another one
    world.do(world.chip_ins.look(EVERY_SHARD))
    world.drive()
    assert world.film().state == "making"


def test_a_share_whose_member_read_that_it_was_not_added_goes_back(world: FilmWorld) -> None:
    """What they add when they try it again is all they pay, and a film that is full by it does not begin."""
    start(world)
    lost(world, world.chip_ins.add(FILM_ID, BEN, 799_999))
    world.do(world.chip_ins.look(EVERY_SHARD))
    assert (held_and_spent(world)[1], world.has_film()) == ((0, 0), False)
    world.do(world.chip_ins.add(FILM_ID, BEN, 300_000))
    world.do(world.chip_ins.look(EVERY_SHARD))
    assert held_and_spent(world) == [(700_001, 0), (300_000, 0), (0, 0)]


def test_a_share_is_found_in_the_film_that_has_begun_meanwhile(world: FilmWorld) -> None:
    """Its answer was lost once, and it was the last one: its member reads that they added it."""
    start(world)
    world.do(world.chip_ins.add(FILM_ID, BEN, 399_999))
    accept_by, look = world.accept_by, world.chip_ins.look

    async def answer_lost(*given: Any, **named: Any) -> None:
        added = await accept_by(*given, **named)
        assert added is not None
        vars(world).pop("accept_by")
        await look(EVERY_SHARD)
        raise StorageError("the answer was lost")

    vars(world)["accept_by"] = answer_lost
    added = world.do(world.chip_ins.add(FILM_ID, CLEO, 800_000))
    assert (added.share_microusd, added.job is not None, added.chip_in.missing_microusd) == (400_000, True, 0)
    assert (world.film().state, "The film begins." in added_text(added.chip_in, 400_000, is_made=True)) == (
        "making",
        True,
    )


def test_one_whose_card_is_gone_ends(world: FilmWorld) -> None:
    """Nobody could cancel it or take theirs back; an edit of a card that was its before ends nothing."""
    start(world)
    world.do(world.chip_ins.add(FILM_ID, BEN, 300_000))
    found = chip_in(world)
    assert found is not None
    world.do(world.chip_ins.end_without_card(replace(found, address=replace(found.address, message_id=1))))
    assert world.open_holds() == 1_000_001
    world.do(world.chip_ins.end_without_card(found))
    ended = chip_in(world)
    assert ended is not None
    assert (ended.over, world.open_holds(), told_over(ended)) == ("gone", 0, (2, 3))


def test_the_card_of_a_chip_in_is_known_by_its_message(world: FilmWorld) -> None:
    """A restart removes placeholders that became nothing, and no card with which members have their money back."""
    start(world)
    for message_id, guild_id, is_known in (
        (ADDRESS.message_id, 1, True),
        (ADDRESS.message_id, 2, False),
        (3, 1, False),
    ):
        assert world.store.run(chip_in_rows.is_card(message_id, guild_id)) is is_known


def test_a_video_that_is_collected_for_at_a_second_try_stays(world: FilmWorld) -> None:
    """Nothing was answered at the first try, and nothing stored; the second one's job has the same id."""
    request = Request(mode=sample("wan27-image"))
    quote = request.quote(world.prices)
    order = Order(id=JOB_ID, who=WHO, request=request, quote=quote, requested_at=world.now, address=ADDRESS)

    async def not_now(*_: Any, **__: Any) -> None:
        world.broken.add("answers")
        raise StorageError("not now")

    vars(world)["accept_by"] = not_now
    with pytest.raises(StorageError):
        world.do(world.chip_ins.start(order, 100_000))
    vars(world).pop("accept_by")
    world.broken.clear()
    world.do(world.chip_ins.start(order, 100_000))
    world.do(world.chip_ins.look(EVERY_SHARD))
    assert world.open_holds() == 100_000
