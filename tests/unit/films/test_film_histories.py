"""Random histories of a film: shots fail, are tried again, redone and skipped; it is stopped, expires, is killed."""

from contextlib import suppress
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.errors import Refusal, StorageError
from bot.films.model import ENDED, Joining
from bot.films.plan import MISSING, looks_of
from bot.jobs import events, transactions
from bot.jobs.model import FINISHED
from bot.ledger import reservations
from tests.support.film_samples import FILM_ID, a_draft
from tests.support.film_world import WHO, Died, FilmWorld, Outcome
from tests.support.job_samples import ADDRESS, PLACES

OUTCOMES: st.SearchStrategy[Outcome] = st.sampled_from(["made", "made", "made", "failed", "billed failure", "refused"])
NUMBERS = st.integers(1, 5)
JOININGS: st.SearchStrategy[Joining] = st.sampled_from(["cut", "continue", "morph"])


class FilmHistory(RuleBasedStateMachine):
    """One film, whose process may be killed at any effect of any rule."""

    def __init__(self) -> None:
        super().__init__()
        self.world = FilmWorld()

    def teardown(self) -> None:
        """Let the time of the film pass, and see that nothing of it is left."""
        world = self.world
        world.dies_at = None
        world.reborn()
        if world.has_film():
            for _ in range(30):
                world.now += world.settings.life_hours * 3600 + 1
                world.places = PLACES
                world.broken.clear()
                with suppress(Refusal):
                    world.drive()
                self.sweep()
                for job_id in world.unfinished():
                    world.come_to(job_id)
            film, jobs = world.film_and_jobs()
            assert film.state in ENDED
            assert (film.is_open, world.reserved()) == (False, [])
            self.no_more_is_spent_than_was_billed()
            assert world.money()[0] == 0
            assert all(job.told for job in jobs.values())
        world.store.connection.close()

    def alive(self, work: object) -> None:
        """Do something of which any effect may have been the process's last, or the database's last answer."""
        try:
            with suppress(Refusal, StorageError):
                self.world.do(work)  # type: ignore[arg-type]
        except Died:
            self.world.dies_at = None
            self.world.reborn()
        if "answers" in self.world.broken:
            self.world.broken -= {"accept", "answers"}

    @initialize(joinings=st.lists(JOININGS, min_size=1, max_size=4), limit=st.sampled_from([None, 900_000, 10**9]))
    def order(self, joinings: list[Joining], limit: int | None) -> None:
        """Order a film, which may need approval."""
        if limit is not None:
            self.world.set_approval(limit)
        draft = self.world.keep(a_draft("cut", *joinings))
        self.world.do(self.world.orders.order(draft, WHO, ADDRESS))

    @rule(at=st.integers(1, 12), after=st.booleans())
    def a_kill_is_near(self, at: int, after: bool) -> None:
        """The process will be killed at one of the next effects."""
        self.world.dies_at, self.world.dies_after = self.world.effects + at, after

    @rule()
    def answers_will_be_lost(self) -> None:
        """What is ordered next is stored, and its member reads that it is not."""
        self.world.broken.add("accept")

    @rule()
    def drive(self) -> None:
        """The driver looks."""
        self.alive(self.world.driver.drive(FILM_ID))

    @rule(number=st.integers(0, 9), outcome=OUTCOMES, cost=st.none() | st.integers(0, 500_000))
    def a_job_ends(self, number: int, outcome: Outcome, cost: int | None) -> None:
        """One of the shots that are made comes to an end."""
        running = [job_id for job_id in self.world.unfinished() if self.world.job(job_id).state != "waiting"]
        if running:
            self.world.come_to(running[number % len(running)], outcome, cost_microusd=cost)

    @rule(yes=st.booleans())
    def somebody_decides(self, yes: bool) -> None:
        """An approver says yes or no."""
        for job_id in self.world.unfinished():
            if self.world.job(job_id).state == "waiting":
                event = events.Approved(9) if yes else events.Declined(9)
                self.world.store.run(transactions.advance(job_id, event, now=self.world.now))

    @rule(number=NUMBERS, seconds=st.sampled_from([None, 2, 10]))
    def retry(self, number: int, seconds: int | None) -> None:
        """The member tries a missing shot again, perhaps edited."""
        film = self.world.film()
        number = min(number, len(film.takes))
        take = film.take(number)
        shot = None if seconds is None else replace(take.shot, seconds=seconds)
        self.alive(self.world.orders.retry(FILM_ID, number, take.job_id, who=WHO, shot=shot))

    @rule(number=NUMBERS)
    def skip(self, number: int) -> None:
        """The member skips a missing shot."""
        film, jobs = self.world.film_and_jobs()
        missing = [at for at, look in enumerate(looks_of(film, jobs), 1) if look in MISSING]
        if missing:
            number = missing[number % len(missing)]
            self.alive(self.world.orders.skip(FILM_ID, number, film.take(number).job_id, member_id=2))

    @rule(number=NUMBERS, following=st.booleans())
    def redo(self, number: int, following: bool) -> None:
        """The member has a shot of a posted film made anew."""
        film = self.world.film()
        number = min(number, len(film.takes))
        shot = film.take(number).shot
        self.alive(self.world.orders.redo(FILM_ID, number, shot, who=WHO, and_following=following))

    @rule()
    def finish(self) -> None:
        """The member ends the film as it is."""
        self.alive(self.world.orders.finish(FILM_ID, member_id=2))

    @precondition(lambda self: self.world.effects > 60)
    @rule()
    def stop(self) -> None:
        """The member stops the film."""
        self.alive(self.world.orders.stop(FILM_ID, member_id=2))

    @rule(what=st.sampled_from(["discord", "frame", "pictures", "join"]), broken=st.booleans())
    def something_breaks(self, what: str, broken: bool) -> None:
        """Something does not work for a while."""
        if broken:
            self.world.broken.add(what)
        else:
            self.world.broken.discard(what)

    @rule(most=st.sampled_from([1, 2, 100]))
    def places_change(self, most: int) -> None:
        """The member has other videos going."""
        self.world.places = replace(PLACES, running_of_member_max=most)

    @rule(hours=st.sampled_from([1, 50, 2000]))
    def time_passes(self, hours: int) -> None:
        """Time passes, and what is reserved for too long is released."""
        self.world.now += hours * 3600
        self.sweep()

    def sweep(self) -> None:
        """Release what the runner's sweep releases."""
        world = self.world
        for one in world.store.run(reservations.reservations_over(now=world.now)):
            world.store.run(reservations.release(one.job_id, at=world.now, reason="over"))

    @invariant()
    def the_books_are_right(self) -> None:
        """Sums are sums, every hold ends once, and fal was asked once for each job."""
        if self.world.has_film():
            self.world.check()

    @invariant()
    def what_is_held_is_what_is_under_way_or_reserved(self) -> None:
        """Nothing is held for a shot that will not be made, and each that will be has a hold."""
        world = self.world
        if not world.has_film():
            return
        going = [world.job(job_id) for job_id in world.unfinished()]
        held = sum(job.quote_microusd for job in going if job.state not in {*FINISHED, "delivering"})
        reserved = sum(one.amount_microusd for one in world.store.run(reservations.reserved_for(FILM_ID)))
        assert world.open_holds() == held + reserved
        film, jobs = world.film_and_jobs()
        to_come = {
            take.job_id for take, look in zip(film.takes, looks_of(film, jobs), strict=True) if look == "to come"
        }
        assert set(world.reserved()) <= to_come

    def no_more_is_spent_than_was_billed(self) -> None:
        """The member paid at most what fal billed, and for no shot that was not made."""
        world = self.world
        charged = sum(world.job(job_id).charged_microusd or 0 for job_id in set(world.posts))
        assert charged <= sum(world.bills.values())


TestFilmHistory = FilmHistory.TestCase
TestFilmHistory.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=30)
