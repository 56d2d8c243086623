"""Films that several members pay for: what they add is for all shots, and is divided over these when the film begins.

Until then the draft stays as it is, and nothing changes or deletes it. So it is there again when not enough came
together, and the film's files are in its folder. The first shot's job is made when all is there.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.catalogue.price import PriceTable
from bot.errors import Busy, OptionRefused
from bot.films.acts import MOVED_ON
from bot.films.drafts import GONE, check_kept, draft_named
from bot.films.model import Draft, Film, film_body, readable_film, take_id
from bot.films.ordering import as_accepted, first_take, to_make
from bot.films.shot_jobs import first_shot, reserved_until, wish_of
from bot.films.transactions import check_room, insert_film
from bot.jobs import chip_in_rows, chip_ins
from bot.jobs.acceptance import CheckedJob, check_shared, insert_shared
from bot.jobs.chip_in_model import Added, ChipIn, FilmOrder, Rules
from bot.jobs.model import Job
from bot.ledger import reservations, shares, splits, tables
from bot.ledger.model import Share
from bot.ledger.reservations import Wish
from bot.storage.transaction import Transaction

REASON = "a film begins that several pay for"


def film_in(chip_in: ChipIn) -> Film | None:
    """Return the film that is chipped in for; None for a video, or for a document that this version cannot read."""
    return None if chip_in.film is None else readable_film({"body": chip_in.film})


def start_film(
    film: Film, draft: Draft, own_microusd: int, share_id: str, rules: Rules, *, prices: PriceTable, of_member_max: int
) -> Transaction[Added]:
    """Begin to collect for the draft's film, with its maker's own share; raises as `chip_ins.start`.

    Raises:
        OptionRefused: the draft is not there as it was shown, others chip in for it already, or its maker has as many
            films going as they may.
    """
    yield from tables.lock(draft.guild_id, everything=rules.shipped.total_cap_microusd is not None)
    yield from check_kept(draft)
    if (yield from chip_in_rows.is_known(film.id)):
        raise Busy("The last time that others could chip in for this film is just being ended. Try again in a minute.")
    yield from check_room(film.who.guild_id, film.who.member_id, of_member_max=of_member_max)
    order = FilmOrder(id=film.id, body=film_body(film), reserve=tuple(_later(film)), share_id=share_id)
    return (yield from chip_ins.start(first_shot(film, prices, now=rules.now), own_microusd, rules, film=order))


def can_begin(chip_in_id: str, rules: Rules, *, prices: PriceTable, of_member_max: int) -> Transaction[bool]:
    """Return whether a film that is paid for can begin now, before its first shot's files are made ready.

    What keeps it from that is noted, for its card. Raises as `first_shot`, and OptionRefused if its draft is gone.
    """
    ready = yield from _ready(chip_in_id, rules)
    if ready is None:
        return False
    chip_in, film, _ = ready
    job = first_shot(film, prices, now=rules.now)
    return (yield from _allowed(chip_in, film, job, rules, of_member_max)) is not None


def begin_film(
    chip_in_id: str, job: Job, rules: Rules, *, life_s: float, of_member_max: int
) -> Transaction[Job | None]:
    """Begin a film that is paid for, with the job of its first shot; None if it cannot begin yet, and stays full.

    The shares become holds of each shot, of which the later ones are reserved as a film's are that one member pays for.
    What can keep it from that is checked before anything is changed.

    Raises:
        OptionRefused: its draft is gone, or the job is of another price.
    """
    ready = yield from _ready(chip_in_id, rules)
    if ready is None:
        return None
    chip_in, film, draft = ready
    now = rules.now
    address = replace(film.address, posted_at=now)
    film = replace(film, address=address, created_at=now, updated_at=now, ends_at=now + life_s)
    holds_of = _divided(film, chip_in.shares)
    if (job.id, job.quote_microusd) != (
        first_take(film)[1].job_id,
        sum(one.amount_microusd for one in holds_of[job.id]),
    ):
        raise OptionRefused(MOVED_ON)
    job = replace(job, created_at=now, updated_at=now, address=film.address, shares=holds_of[job.id])
    allowed = yield from _allowed(chip_in, film, job, rules, of_member_max)
    if allowed is None:
        return None
    stored = yield from insert_shared(allowed)
    yield from _split(film, chip_in.shares, holds_of, now)
    for wish in _later(film):
        yield from shares.link(wish.job_id, holds_of[wish.job_id], quote_microusd=wish.amount_microusd)
        yield from reservations.keep(wish)
    yield from chip_in_rows.forget_begun(film.id)
    yield from insert_film(as_accepted(film, to_make(film), stored), draft, of_member_max=of_member_max)
    return stored


def _ready(chip_in_id: str, rules: Rules) -> Transaction[tuple[ChipIn, Film, Draft] | None]:
    """Lock the server of a film that is paid for, and return what it begins with; None of anything else."""
    chip_in = yield from chip_ins.locked_full(chip_in_id, rules)
    film = None if chip_in is None else film_in(chip_in)
    if chip_in is None or film is None:
        return None
    draft = yield from draft_named(film.id)
    if draft is None:
        raise OptionRefused(GONE)
    return chip_in, film, draft


def _allowed(chip_in: ChipIn, film: Film, job: Job, rules: Rules, of_member_max: int) -> Transaction[CheckedJob | None]:
    """Return the film's first job if rules and places let it begin now; else note which of them do not."""
    later = _later(film)

    def checking() -> Transaction[CheckedJob]:
        yield from _check_room(film, of_member_max)
        now, running = rules.now, rules.running
        return (yield from check_shared(job, rules.shipped, rules.places, now=now, running=running, reserve=later))

    modes = sorted({job.mode, *(wish.query.mode for wish in later)})
    return (yield from chip_ins.unless_kept(chip_in, checking(), rules, modes=modes))


def _later(film: Film) -> list[Wish]:
    """Return what is reserved for the shots after the one that the film begins with."""
    expires_at = reserved_until(film)
    return [wish_of(film, take, expires_at=expires_at) for take in list(to_make(film).values())[1:]]


def _check_room(film: Film, of_member_max: int) -> Transaction[None]:
    try:
        yield from check_room(film.who.guild_id, film.who.member_id, of_member_max=of_member_max)
    except OptionRefused as full:
        raise Busy(str(full)) from full


def _divided(film: Film, added: Sequence[Share]) -> dict[str, tuple[Share, ...]]:
    """Return the holds of each shot's job: a part of each share, of the maker's first one under the job's id."""
    takes = list(to_make(film).values())
    parts = splits.divided_over([one.amount_microusd for one in added], [take.quote_microusd for take in takes])
    makers = next(one.id for one in added if one.member_id == film.who.member_id)
    return {
        take.job_id: tuple(
            Share(take.job_id if one.id == makers else take_id(one.id, take.shot.id, 0), one.member_id, of_each[number])
            for one, of_each in zip(added, parts, strict=True)
        )
        for number, take in enumerate(takes)
    }


def _split(film: Film, added: Sequence[Share], holds_of: dict[str, tuple[Share, ...]], now: float) -> Transaction[None]:
    """Replace each share by its parts, and keep in the books which of them were the film's as a whole."""
    yield from shares.link(film.id, added, quote_microusd=sum(one.amount_microusd for one in added))
    for number, one in enumerate(added):
        yield from reservations.use(one.id)
        parts = [(of_job[number].id, of_job[number].amount_microusd) for of_job in holds_of.values()]
        yield from splits.split(one.id, parts, at=now, reason=REASON)
