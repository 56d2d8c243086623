"""A world of films in memory: the real money, jobs, plan and driver, with simple fal, Discord, disk and runner.

The world can end before or after any effect, as when the process is killed there; `reborn` begins anew from what is
stored.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, cast

from bot.catalogue.registry import price_table
from bot.errors import Closed, DiscordBusy, EncodeFailed, NoRoom, NotReserved, StorageError
from bot.fal.wire.types import FalStatus
from bot.files.files import Files
from bot.films.acts import Jobs
from bot.films.drafts import draft_named, save_draft
from bot.films.model import Draft, Film
from bot.films.transactions import film_with_jobs
from bot.jobs import acceptance, events, queries, transactions
from bot.jobs.events import Event
from bot.jobs.model import Failure, Input, Job, LinkReason, Live, PostedVideo
from bot.jobs.rule_query import who_of
from bot.ledger import holds, reservations, rules
from bot.ledger.audit import verify
from bot.ledger.model import Shipped
from bot.ledger.reservations import Wish
from bot.media.joiner import JoinedFile
from bot.runner.cards_port import MessageRef, Posted
from bot.runner.chip_ins import ChipIns
from bot.runner.film_cards_port import NOTHING_KNOWN
from bot.runner.film_chip_ins import FilmChipIns
from bot.runner.film_driver import FilmDriver
from bot.runner.film_files import FilmRequest
from bot.runner.film_orders import FilmOrders
from bot.runner.runner import Runner
from bot.runner.shot_maker import ShotMaker
from bot.settings import ChipInSettings, FilmSettings
from bot.sharding import EVERY_SHARD
from bot.storage.transaction import Transaction
from tests.support.film_samples import FILM_ID, a_draft, a_picture
from tests.support.job_samples import ADDRESS, HANDLE, NOW, PLACES, RESULT, a_job
from tests.support.stores import MemoryStore

T = TypeVar("T")
Outcome: TypeAlias = Literal["made", "failed", "billed failure", "refused", "lost"]
WHO = who_of(a_job())
PRICES = price_table()
SHIPPED = Shipped(member_daily_microusd=100_000_000, server_monthly_microusd=10**10)


class Died(BaseException):
    """The process was killed here."""


class FilmWorld:
    """Everything that survives a kill is in `store`, `bills`, `posts` and what Discord shows."""

    def __init__(self, *, shipped: Shipped = SHIPPED, settings: FilmSettings | None = None) -> None:
        self.store = MemoryStore()
        self.shipped = shipped
        self.places = PLACES
        self.settings = settings or FilmSettings()
        self.prices = PRICES
        self.now = NOW
        self.bills: dict[str, int] = {}
        self.posts: list[str] = []
        self.told: list[tuple[str, tuple[str, ...]]] = []
        self.joins: list[tuple[str, ...]] = []
        self.joining: list[float | None] = []  # how far a join was, as the message showed it
        self.removed: list[str] = []  # whose files were removed
        self.copied: list[str] = []
        self.off: set[str] = set()  # modes
        # What does not work now: "answers" (of the database, which does its work), "accept" (the answers from that on),
        # "read" (nothing is), "cancel", "discord", "disk", "frame", "join", "pictures".
        self.broken: set[str] = set()
        self.message_id = 30  # of what is posted or edited
        self.effects = 0
        self.dies_at: int | None = None
        self.dies_after = False
        self.reborn()

    def reborn(self) -> None:
        """Start the process anew."""
        self.driver = FilmDriver(
            store=_Store(self),
            shots=cast("Any", self),
            maker=(maker := ShotMaker(cast("Files", _Files(self)), self, self.prices, clock=self.clock)),
            cards=self,
            files=self,
            settings=self.settings,
            shards=lambda: EVERY_SHARD,
            clock=self.clock,
        )
        self.orders = FilmOrders(
            store=_Store(self),
            runner=cast("Runner", self),
            driver=self.driver,
            maker=maker,
            files=cast("Files", _Files(self)),
            prices=self.prices,
            settings=self.settings,
            can_join=True,
            clock=self.clock,
        )
        films = FilmChipIns(
            store=_Store(self),
            runner=cast("Runner", self),
            orders=self.orders,
            driver=self.driver,
            maker=maker,
            prices=self.prices,
            settings=self.settings,
            clock=self.clock,
        )
        self.film_chip_ins = films
        self.chip_ins = ChipIns(cast("Runner", self), _Store(self), ChipInSettings(), self.clock, films=films)
        self.warned = asyncio.Event()

    def clock(self) -> float:
        """Return the time, which goes on a little with every look."""
        self.now += 0.001
        return self.now

    async def effect(self, what: str, work: Callable[[], T]) -> T:
        """Do one thing that outlives the process, which may be killed before or after it; others come in between."""
        await asyncio.sleep(0)
        self.effects += 1
        if self.effects == self.dies_at and not self.dies_after:
            raise Died
        if what == "read" and what in self.broken:
            raise StorageError("the database does not answer")
        done = work()
        if what == "accept" and "accept" in self.broken:
            self.broken.add("answers")
        if "answers" in self.broken:
            raise StorageError("the answer was lost")
        if self.effects == self.dies_at:
            raise Died
        return done

    # What the runner does.

    async def accept_all(
        self, jobs: Sequence[Job], *, reserve: Sequence[Wish] = (), beside: acceptance.Beside | None = None
    ) -> Job:
        """Accept as `Runner.accept_all`."""
        accepting = acceptance.accept_all(jobs, self.shipped, self.places, reserve=reserve, beside=beside)
        return (await self.effect("accept", lambda: self.store.run(accepting)))[0].job

    async def accept_by(
        self,
        accept: Callable[[int], Transaction[T]],
        job_in: Callable[[T], Job | None],
        guild_id: int,
        *,
        keep: Job | None = None,
    ) -> T:
        """Accept as `Runner.accept_by`."""
        del job_in, guild_id, keep
        return await self.effect("accept", lambda: self.store.run(accept(0)))

    def check_open(self, mode_id: str) -> None:
        """Refuse a mode that is off."""
        if mode_id in self.off:
            raise Closed("not now")

    def refuse(self, job_id: str) -> None:
        """Do nothing: these jobs are a film's."""

    def heard(self, job_id: str) -> None:
        """Do nothing: what was begun is driven by the test."""

    async def accept_reserved(self, job: Job) -> Job:
        """Accept as `Runner.accept_reserved`."""
        accepting = acceptance.accept_reserved(job, self.shipped, self.places, now=self.now)
        try:
            return await self.effect("begin", lambda: self.store.run(accepting))
        except NotReserved:
            known = self.store.run(queries.get(job.id))
            if known is None:
                raise
            return known

    async def cancel(self, job_id: str, *, member_id: int) -> str:
        """Cancel as `Runner.cancel`."""
        del member_id
        if "cancel" in self.broken:
            return "Wanda is restarting, and your video goes on."
        asked = transactions.advance(job_id, events.CancelAsked(), now=self.now)
        await self.effect("cancel", lambda: self.store.run(asked))
        return ""

    # What Discord does.

    def limit_bytes(self, film: Film, jobs: Mapping[str, Job]) -> int:
        """Return Discord's limit."""
        del film, jobs
        return 10_000_000

    def show_film(self, film: Film, jobs: Mapping[str, Job], live: Live = NOTHING_KNOWN) -> None:
        """Note how far its joining is."""
        del jobs
        if film.state == "joining":
            self.joining.append(live.fraction)

    async def finish_film(self, film: Film, jobs: Mapping[str, Job]) -> MessageRef | None:
        """Note what the message says."""
        self._check("discord", DiscordBusy("not now"))
        ref = MessageRef(film.address.channel_id, self.message_id)
        await self.effect("say", lambda: self.told.append((film.state, tuple(jobs))))
        return ref

    async def deliver_film(
        self, film: Film, jobs: Mapping[str, Job], path: Path | None, *, reason: LinkReason | None = None
    ) -> Posted:
        """Note what was posted."""
        del jobs
        self._check("discord", DiscordBusy("not now"))
        joined = () if film.joined is None else film.joined.job_ids
        await self.effect("post", lambda: self.told.append(("posted", joined)))
        return Posted(MessageRef(20, self.message_id), reason, PostedVideo(size_bytes=1, file_name=str(path)))

    # What the media workers do.

    async def first_picture(self, before: Job, job_id: str, *, option: str) -> Input:
        """Return the last frame of a video."""
        self._check("frame", EncodeFailed("no frame"))
        name = f"{before.id}.png"
        await self.effect("frame", lambda: None)
        return replace(a_picture(name, option=option), path=f"inputs/{job_id}/{option}.png", file_name=name)

    async def joined(self, film: FilmRequest, *, on_fraction: Callable[[float], None]) -> JoinedFile:
        """Join."""
        on_fraction(0.25)
        self._check("join", EncodeFailed("not to be joined"))
        ids = tuple(job.id for job in film.jobs)
        await self.effect("join", lambda: self.joins.append(ids))
        return JoinedFile(Path(film.name), 1000, 1280, 720, 5.0 * len(ids), has_sound=False)

    async def forget(self, name: str) -> None:
        """Remove."""
        await self.effect("forget", lambda: None)

    def _check(self, what: str, error: Exception) -> None:
        if what in self.broken:
            raise error

    # What fal does.

    def come_to(self, job_id: str, outcome: Outcome = "made", *, cost_microusd: int | None = None) -> None:
        """Let a job go on to its end; fal is asked once at most, whatever was done before."""
        job = self.job(job_id)
        while not job.told:
            event = self._event(job, outcome, cost_microusd)
            job = self.store.run(transactions.advance(job_id, event, now=self.now)).job

    def _event(self, job: Job, outcome: Outcome, cost: int | None) -> Event:
        match job.state:
            case "waiting":
                return events.Approved(9)
            case "accepted":
                return events.Uploaded(inputs=job.inputs)
            case "submitting":
                self.posts.append(job.id)
                if outcome == "refused":
                    return events.Refused(Failure(kind="refused", status=422))
                return events.ReplyLost() if outcome == "lost" else events.Submitted(HANDLE)
            case "queued":
                return FalStatus(state="running")
            case "running":
                return FalStatus(state="completed")
            case "fetching":
                return self._billed(job, outcome, cost)
            case "delivering":
                return events.VideoPosted(ADDRESS)
            case _:
                return events.EndShown()

    def _billed(self, job: Job, outcome: Outcome, cost: int | None) -> Event:
        if outcome == "failed":
            return events.NotMade(Failure(kind="downstream_service_error", status=504))
        self.bills[job.id] = job.quote_microusd if cost is None else cost
        if outcome == "billed failure":
            return events.NotMade(Failure(kind="content_policy_violation", status=422, billed="yes"), cost)
        return events.Made(RESULT, cost)

    # What a test does.

    def job(self, job_id: str) -> Job:
        """Return the job, which there is."""
        found = self.store.run(queries.get(job_id))
        assert found is not None
        return found

    def film(self) -> Film:
        """Return the film, which there is."""
        return self.film_and_jobs()[0]

    def film_and_jobs(self) -> tuple[Film, Jobs]:
        """Return the film and its jobs."""
        found = self.store.run(film_with_jobs(FILM_ID))
        assert found is not None
        return found

    def has_film(self) -> bool:
        """Return whether it was ordered."""
        return self.store.run(film_with_jobs(FILM_ID)) is not None

    def keep(self, draft: Draft | None = None) -> Draft:
        """Keep a draft, unless it is kept."""
        known = self.store.run(draft_named(FILM_ID))
        return known or self.store.run(save_draft(draft or a_draft("cut"), self.orders.draft_bounds, at=self.now))

    def order(self, draft: Draft) -> Film:
        """Order the film."""
        return self.do(self.orders.order(self.keep(draft), WHO, ADDRESS))

    def drive(self) -> bool:
        """Take all steps that can be taken now."""
        return self.do(self.driver.drive(FILM_ID))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine that waits for nothing outside."""
        return asyncio.run(work)

    def unfinished(self) -> list[str]:
        """Return the ids of the jobs that have not ended, in order."""
        return sorted(ref.id for ref in self.store.run(queries.unfinished_jobs()))

    def make_all(self) -> None:
        """Let everything go well until nothing more happens."""
        for _ in range(100):
            self.drive()
            unfinished = self.unfinished()
            if not unfinished:
                return
            for job_id in unfinished:
                self.come_to(job_id)
        raise AssertionError("the film never ends")

    def reserved(self) -> list[str]:
        """Return the ids of the jobs to come that money is reserved for."""
        return [one.job_id for one in self.store.run(reservations.reserved_for(FILM_ID))]

    def money(self) -> tuple[int, int]:
        """Return what the member's allowance holds, and what was spent of it."""
        standing = self.store.run(holds.standing(WHO, at=self.now, shipped=self.shipped)).standings[0]
        return standing.held_microusd, standing.spent_microusd

    def open_holds(self) -> int:
        """Return all that is held in the server, whenever it was."""
        row = self.store.connection.execute(
            "SELECT COALESCE(SUM(amount_microusd), 0) FROM draws WHERE position = 0 AND state = 'held'"
        ).fetchone()
        return int(row[0])

    def noted(self) -> list[tuple[str, str, bool]]:
        """Return what is to be told: the job, the kind, and whether a new message tells it already."""
        rows = self.store.connection.execute("SELECT job_id, kind, is_announced FROM notices ORDER BY at, job_id")
        return [(job_id, kind, bool(announced)) for job_id, kind, announced in rows]

    def set_approval(self, above_microusd: int) -> None:
        """Have jobs above a price wait for approval."""
        value = {"above_microusd": above_microusd, "role_id": None, "wait_s": 3600, "own": False}
        self.store.run(rules.set_rule(1, "server", "approval", value, actor_id=9, reason="", at=self.now))

    def check(self) -> None:
        """Check what always holds: the books are right, and fal was asked once for each job."""
        assert self.store.run(verify()) == []
        assert len(set(self.posts)) == len(self.posts)
        for job_id in self.posts:
            job = self.job(job_id)
            assert (job.charged_microusd or 0) <= job.quote_microusd


class _Store:
    """The store, whose transactions are effects."""

    def __init__(self, world: FilmWorld) -> None:
        self._world = world

    async def write(self, transaction: Transaction[T], *, guild_id: int | None = None) -> T:
        assert guild_id is not None
        return await self._world.effect("write", lambda: self._world.store.run(transaction))

    async def read(self, transaction: Transaction[T]) -> T:
        return await self._world.effect("read", lambda: self._world.store.run(transaction))

    async def close(self) -> None:
        await self._world.store.close()


class _Files:
    """The files, which are only names."""

    def __init__(self, world: FilmWorld) -> None:
        self._world = world

    async def copy(self, source: str, target: str) -> None:
        del source
        self._world.copied.append(target)
        if "pictures" in self._world.broken:
            raise FileNotFoundError
        if "disk" in self._world.broken:
            raise NoRoom("not now")
        await self._world.effect("copy", lambda: None)

    async def remove_jobs(self, job_ids: Sequence[str]) -> None:
        await self._world.effect("remove", lambda: self._world.removed.extend(job_ids))

    async def sizes(self, names: Sequence[str]) -> dict[str, int]:
        del names
        return {}


__all__ = ["WHO", "Died", "FilmWorld", "Outcome"]
