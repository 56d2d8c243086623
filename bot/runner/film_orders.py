"""What members do with films: order one, try a shot again, skip it, redo it, stop, finish, continue.

Everything that costs money is one transaction: the shot that can begin is accepted, what the others cost is reserved,
and the film's row says so. So the price is checked once as a sum, and all of it is held or nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from weakref import WeakValueDictionary

from bot.catalogue.price import PriceTable
from bot.errors import Busy, EncodeFailed, FilesGone, OptionRefused, Refusal, StorageError
from bot.files.files import Files
from bot.films import acts, drafts
from bot.films.acts import GONE, Act, Jobs
from bot.films.checks import check_draft
from bot.films.drafts import DraftBounds
from bot.films.model import SHOTS_MAX, Draft, Film, Shot, Take
from bot.films.ordering import as_accepted, check_made, continued, film_from, priced, to_make
from bot.films.plan import beginning_of
from bot.films.quoting import FilmQuote, quote
from bot.films.shot_jobs import reserved_until, wish_of
from bot.films.transactions import change_film, film_with_jobs, insert_film, replace_film
from bot.ids import new_id
from bot.jobs.acceptance import Accepted, Beside
from bot.jobs.model import Address, Input
from bot.jobs.queries import jobs_by_id
from bot.ledger.model import Who
from bot.runner.film_driver import FilmDriver
from bot.runner.job_counts import count_film
from bot.runner.job_files import copy_inputs
from bot.runner.runner import Runner
from bot.runner.shot_maker import ShotMaker
from bot.settings import FilmSettings
from bot.storage.transaction import Store, Transaction

NOT_YOURS = "Only whoever made this film can do that. Type `/film` to make your own."
NO_JOINING = "Films are off here, because joining shots is off. Ask whoever runs Wanda, or make single videos."
STOPPED = "Stopped. What isn't begun won't be charged; a shot that fal has already made is posted and charged."
REDO_STOPPED = "Stopped. The film stays as it's made so far; what isn't begun won't be charged."
SKIPPED = "The film goes on without this shot."
FINISHED = "The film ends with what is made. The rest won't be charged."


class FilmOrders:
    """Films as members order and change them; each call raises Refusal or StorageError, and changed nothing then."""

    def __init__(
        self,
        *,
        store: Store,
        runner: Runner,
        driver: FilmDriver,
        maker: ShotMaker,
        files: Files,
        prices: PriceTable,
        settings: FilmSettings,
        can_join: bool,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._runner = runner
        self._driver = driver
        self._maker = maker
        self._files = files
        self._prices = prices
        self._settings = settings
        self._can_join = can_join
        self._clock = clock
        self._presses: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def draft_bounds(self) -> DraftBounds:
        """How many drafts there may be."""
        settings = self._settings
        return DraftBounds(of_member_max=settings.drafts_of_member_max, in_server_max=settings.drafts_in_server_max)

    def new_draft(self, who: Who, channel_id: int) -> Draft:
        """Return an empty draft, which is not kept yet.

        Raises:
            OptionRefused: no films are made here.
        """
        self._check_on()
        now = self._clock()
        return Draft(
            id=new_id(at=now), guild_id=who.guild_id, member_id=who.member_id, channel_id=channel_id, updated_at=0.0
        )

    def price(self, draft: Draft) -> FilmQuote:
        """Return what a whole draft costs; raises Refusal for one that lacks something."""
        self._check_on()
        check_draft(draft, seconds_max=self._settings.seconds_max)
        return quote(draft, draft.shots, self._prices)

    async def order(self, draft: Draft, who: Who, address: Address) -> Film:
        """Hold the price of all shots, begin the first, and keep the film in place of its draft."""
        async with self.one_press(draft.id):
            film, made = await self.film_of(draft, who, address)
            async with self._stopped_if_refused(film.id):  # not before the draft is seen to be there: it may be a film
                return await self._order(draft, film, made)

    async def retry(self, film_id: str, number: int, job_id: str, *, who: Who, shot: Shot | None = None) -> Film:
        """Try a missing shot again, or its edited version, with a new hold; returns the film."""
        async with self.one_press(film_id):
            film, jobs = await self._mine(film_id, who)
            takes = acts.retried(film, jobs, number=number, job_id=job_id, shot=shot or _take(film, number).shot)
            return await self._take_again(film, jobs, takes, who)

    async def redo(self, film_id: str, number: int, shot: Shot, *, who: Who, and_following: bool) -> Film:
        """Make a shot of a posted film anew, and with `and_following` those that begin where it ends."""
        async with self.one_press(film_id):
            film, jobs = await self._mine(film_id, who)
            if film.files_gone_at is not None:
                raise FilesGone("Wanda no longer has the videos of this film, so no shot of it can be made anew.")
            takes = acts.redone(film, jobs, number=number, shot=shot, and_following=and_following)
            async with self._stopped_if_refused(film_id):
                return await self._take_again(film, jobs, takes, who)

    def retry_microusd(self, film: Film, jobs: Jobs, number: int, shot: Shot | None = None) -> int:
        """Return what another try of a missing shot, or of its edited version, costs now; raises Refusal."""
        take = _take(film, number)
        takes = acts.retried(film, jobs, number=number, job_id=take.job_id, shot=shot or take.shot)
        return priced(film, jobs, takes, self._prices)[number].quote_microusd

    def redo_microusd(self, film: Film, jobs: Jobs, number: int, shot: Shot, *, and_following: bool) -> int:
        """Return what a redo costs; raises Refusal."""
        takes = acts.redone(film, jobs, number=number, shot=shot, and_following=and_following)
        return sum(take.quote_microusd for take in priced(film, jobs, takes, self._prices).values())

    async def skip(self, film_id: str, number: int, job_id: str, *, member_id: int, manages: bool = False) -> str:
        """Go on without a missing shot; returns the sentence for whoever pressed. `manages` is Manage Server."""
        now = self._clock()
        await self._change(
            film_id,
            lambda film, jobs: acts.skipped(film, jobs, number=number, job_id=job_id, now=now),
            member_id=member_id,
            manages=manages,
        )
        return SKIPPED

    async def finish(self, film_id: str, *, member_id: int, manages: bool = False) -> str:
        """End a film with what is made and under way of it; returns the sentence for whoever pressed."""
        now = self._clock()
        await self._change(
            film_id,
            lambda film, jobs: acts.finished_as_it_is(film, jobs, now=now),
            member_id=member_id,
            manages=manages,
        )
        return FINISHED

    async def stop(self, film_id: str, *, member_id: int, manages: bool = False) -> str:
        """Stop a film: cancel what can be cancelled, and release the rest; returns the sentence for whoever pressed."""
        now = self._clock()
        film = await self._change(
            film_id, lambda film, jobs: acts.stopped(film, jobs, now=now), member_id=member_id, manages=manages
        )
        return STOPPED if film.state == "cancelled" else REDO_STOPPED

    async def continue_film(self, film_id: str, *, who: Who, channel_id: int) -> Draft:
        """Return a new draft that begins with the film's made shots, which cost nothing; it is kept."""
        film, jobs = await self._mine(film_id, who)
        if film.state != "done":
            raise OptionRefused(acts.NOT_READY if film.state != "cancelled" else acts.OVER)
        if film.files_gone_at is not None:
            raise FilesGone("Wanda no longer has the videos of this film. Save it, and begin a new one with `/film`.")
        draft = continued(film, jobs, self.new_draft(who, channel_id))
        if len(draft.shots) >= SHOTS_MAX:
            raise OptionRefused(
                f"This film has {SHOTS_MAX} shots, and that's the most. Begin a new one with `/film`, and a picture of "
                "this one's end as its first frame."
            )
        try:
            return await self._store.write(
                drafts.save_draft(await self._with_files(draft), self.draft_bounds, at=self._clock()),
                guild_id=who.guild_id,
            )
        except Refusal:  # after an error the draft may be kept; what is not is an orphan
            await self._maker.forget(draft.id)
            raise

    async def _with_files(self, draft: Draft) -> Draft:
        """Return the draft with copies of all its files in its own folder."""
        sound = draft.soundtrack

        async def copied(item: Input | None) -> Input | None:
            return None if item is None else (await copy_inputs((item,), self._files, draft.id))[0]

        shots = [
            replace(shot, picture=await copied(shot.picture), end_picture=await copied(shot.end_picture))
            for shot in draft.shots
        ]
        return replace(draft, shots=tuple(shots), soundtrack=await copied(sound))

    async def _order(self, draft: Draft, film: Film, made: Jobs) -> Film:
        new = to_make(film)

        def beside(accepted: tuple[Accepted, ...]) -> Transaction[None]:
            ordered = as_accepted(film, new, accepted[0].job)
            return insert_film(ordered, draft, of_member_max=self._settings.open_of_member_max)

        return await self._accept(film, made, new, beside)

    async def film_of(self, draft: Draft, who: Who, address: Address) -> tuple[Film, Jobs]:
        """Return the film that a draft becomes, which is not kept yet, and the jobs of its shots that are made."""
        if draft.requester != who.requester:
            raise OptionRefused(NOT_YOURS)
        quoted = self.price(draft)
        await self._store.read(drafts.check_kept(draft))
        film = film_from(draft, quoted, who, address, now=self._clock(), life_s=self._life_s)
        made = await self._store.read(jobs_by_id([shot.made for shot in draft.shots if shot.made is not None]))
        check_made(draft.shots, made, who)
        return film, made

    @asynccontextmanager
    async def _stopped_if_refused(self, film_id: str) -> AsyncGenerator[None]:
        """Have what is ordered in the block stopped if it is stored although the answers to that were lost."""
        try:
            yield
        except StorageError:
            self._driver.refuse(film_id)
            raise

    def one_press(self, film_id: str) -> asyncio.Lock:
        """Return the lock that has a second press see what the first did.

        Both would make the job of the same id ready, and the one that is refused would remove the other's files.
        """
        return self._presses.setdefault(film_id, asyncio.Lock())

    async def _take_again(self, film: Film, jobs: Jobs, takes: dict[int, Take], who: Who) -> Film:
        """Hold what these takes cost, begin the first, and keep the film with them."""
        if any(take.number >= self._settings.takes_max for take in takes.values()):
            raise OptionRefused(f"This shot was tried {self._settings.takes_max} times. Edit it in a new film.")
        # The channel whose rules hold stays the film's.
        asked = replace(film, who=replace(who, channel_id=film.who.channel_id), prices_version=self._prices.version)
        new = priced(asked, jobs, takes, self._prices)

        def beside(accepted: tuple[Accepted, ...]) -> Transaction[None]:
            return replace_film(film, as_accepted(again, new, accepted[0].job))

        again = self._with(asked, new)
        return await self._accept(again, jobs, new, beside)

    def _with(self, film: Film, takes: dict[int, Take]) -> Film:
        now = self._clock()
        return acts.with_takes(film, takes, is_waiting=False, now=now, ends_at=max(film.ends_at, now + self._life_s))

    async def _accept(self, film: Film, jobs: Jobs, takes: dict[int, Take], beside: Beside) -> Film:
        """Accept the job of the first of these takes, and reserve the others, in one transaction."""
        self._check_on()
        first = min(takes)
        begin = beginning_of(film, jobs, first)
        if begin is None:
            raise OptionRefused(acts.MOVED_ON)
        expires_at = reserved_until(film)
        wishes = [wish_of(film, take, expires_at=expires_at) for number, take in takes.items() if number != first]
        try:
            job = await self._maker.job(film, jobs, begin)
            await self._runner.accept_all([job], reserve=wishes, beside=beside)
        except EncodeFailed as error:
            await self._maker.forget(takes[first].job_id)
            raise Busy("The video before this shot can't be read now, so it can't begin there. Try again.") from error
        except Refusal:
            await self._maker.forget(takes[first].job_id)
            raise
        self._driver.ordered(film.id)
        try:
            found = await self._store.read(film_with_jobs(film.id))
        except StorageError:
            return film  # it is ordered, whatever became of it meanwhile
        return film if found is None else found[0]

    async def _mine(self, film_id: str, who: Who) -> tuple[Film, Jobs]:
        """Return a member's own film: whoever pays for it says what is made."""
        found = await self._store.read(film_with_jobs(film_id))
        if found is None or found[0].who.guild_id != who.guild_id:
            raise OptionRefused(GONE)
        if found[0].who.member_id != who.member_id:
            raise OptionRefused(NOT_YOURS)
        return found

    async def _change(self, film_id: str, act: Act, *, member_id: int, manages: bool) -> Film:
        found = await self._store.read(film_with_jobs(film_id))
        if found is None:
            raise OptionRefused(GONE)
        film = found[0]
        if film.who.member_id != member_id and not manages:
            raise OptionRefused(NOT_YOURS)
        changing = change_film(film_id, film.who.guild_id, act, now=self._clock())
        before, after = await self._store.write(changing, guild_id=film.who.guild_id)
        count_film(before, after)
        self._driver.wake(film_id)
        return after

    def _check_on(self) -> None:
        if not self._can_join:
            raise OptionRefused(NO_JOINING)

    @property
    def _life_s(self) -> float:
        return self._settings.life_hours * 3600.0


def _take(film: Film, number: int) -> Take:
    if not 1 <= number <= len(film.takes):
        raise OptionRefused(acts.MOVED_ON)
    return film.take(number)
