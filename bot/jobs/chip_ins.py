"""Chip-ins: orders that wait until several members pay for them together.

What each member adds is a *share*: a reservation under an id of its own, on that member's own budgets, all in one
group. The maker's is the one under the id of the job to come. When they sum up to the price, the transaction that
places the last one makes the job of them. Until then all of them are given back in one transaction when the time is
over, when the maker cancels or has their data deleted, or when Wanda is removed. A row says all of that, so running
and recovery are one path: the loop looks for rows that are over, full, or not shown yet.

Whoever adds a share pays and makes nothing. So of the rules those hold for them that say who may use Wanda there
(blocked, paused, closed channels, servers that are off) and their budgets; what may be made, and how many at once, is
asked of the maker, at the whole price, when the chip-in begins and again when it is full.

A film is chipped in for as a whole: its shares are divided over its shots when it begins (`bot.films.chipping_in`).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from bot.errors import AlreadyRunning, Busy, Closed, NotAllowed, OptionRefused
from bot.jobs import acceptance
from bot.jobs.chip_in_model import FULL, GONE, Added, ChipIn, ChipInBounds, FilmOrder, Obstacle, Rules
from bot.jobs.chip_in_rows import (
    counts_of_open,
    forget_begun,
    insert_chip_in,
    lock_server,
    locked_chip_in,
    store_chip_in,
)
from bot.jobs.model import Job
from bot.jobs.places import bytes_of, check_files, waiting_files
from bot.jobs.rule_query import who_of
from bot.ledger import holds, reservations
from bot.ledger.decision import refuse_if_pools_short
from bot.ledger.model import RuleQuery, Share, Who
from bot.ledger.reservations import Wish
from bot.money import exact_dollars
from bot.storage.transaction import Transaction
from bot.units import counted

T = TypeVar("T")
# A backstop: the sweep of reservations gives a share back that no chip-in has ended by then.
_GRACE_S = 86_400.0


def start(job: Job, own_microusd: int, rules: Rules, *, film: FilmOrder | None = None) -> Transaction[Added]:
    """Begin to collect for the job, or for a film that begins with it, with the maker's own share.

    That is cut to the price; 0 is none.

    Raises:
        NotAllowed: a rule forbids the job, at its whole price, or a later shot.
        QuotaExceeded: the maker's budgets cannot carry their share, or the server's not the whole price.
        Busy: the maker or the server has as many chip-ins or waiting files as they may.
        AlreadyRunning: it is a rerun that is being made already.
    """
    job = yield from acceptance.with_parent(job)
    yield from lock_server(job.guild_id, rules)
    yield from _check_room(job, rules, has_files=film is None)
    who, later = who_of(job), () if film is None else film.reserve
    view = yield from holds.standing(who, at=rules.now, shipped=rules.shipped)
    acceptance.refuse_order_if_not_allowed(view, job, later)
    quote_microusd = job.quote_microusd + sum(wish.amount_microusd for wish in later)
    refuse_if_pools_short(view, amount_microusd=quote_microusd)
    chip_in = ChipIn(
        id=job.id if film is None else film.id,
        guild_id=job.guild_id,
        address=job.address,
        expires_at=rules.now + rules.bounds.life_s,
        job=job,
        film=None if film is None else film.body,
        film_microusd=0 if film is None else quote_microusd,
    )
    yield from insert_chip_in(chip_in, rules.now)
    share_id = job.id if film is None else film.share_id
    return (yield from _with_share(chip_in, share_id, who, min(own_microusd, quote_microusd), rules))


def add(chip_in_id: str, share_id: str, who: Who, amount_microusd: int, rules: Rules) -> Transaction[Added]:
    """Add a share of a member, which is cut to what is missing; with the last one the job begins, if it can.

    A share that was added before changes nothing.

    Raises:
        OptionRefused: the chip-in is over or full, or the amount is too small.
        Busy: there are as many shares as there may be.
        NotAllowed: the member may not use Wanda there.
        QuotaExceeded: their budgets cannot carry it.
    """
    chip_in = yield from locked_chip_in(chip_in_id, rules)
    if chip_in is None or chip_in.job is None or chip_in.guild_id != who.guild_id or rules.now >= chip_in.expires_at:
        raise OptionRefused(GONE)
    if chip_in.state == "over":
        raise OptionRefused(GONE)
    if any(one.id == share_id for one in chip_in.shares):
        return Added(chip_in=chip_in, share_microusd=amount_microusd, job=None, has_warnings=False)
    missing = chip_in.missing_microusd
    if not missing:
        raise OptionRefused(FULL)
    amount = min(amount_microusd, missing)
    least = min(rules.bounds.least_microusd, missing)
    if amount < least:
        raise OptionRefused(f"Add at least {exact_dollars(least)}; {exact_dollars(missing)} is missing.")
    _check_shares(chip_in, who.member_id, rules.bounds)
    payer = replace(who, channel_id=who_of(chip_in.job).channel_id)
    return (yield from _with_share(chip_in, share_id, payer, amount, rules))


def begin_full(chip_in_id: str, rules: Rules) -> Transaction[Job | None]:
    """Begin a full chip-in of a job whose time is not over, if it can now; returns its job, or None."""
    chip_in = yield from locked_full(chip_in_id, rules)
    return None if chip_in is None or chip_in.film is not None else (yield from _begun(chip_in, rules))


def locked_full(chip_in_id: str, rules: Rules) -> Transaction[ChipIn | None]:
    """Lock the server of a full chip-in whose time is not over, and return it; None of any other."""
    chip_in = yield from locked_chip_in(chip_in_id, rules)
    if chip_in is None or chip_in.state != "full" or chip_in.missing_microusd or rules.now >= chip_in.expires_at:
        return None
    return chip_in


def note_obstacle(chip_in_id: str, obstacle: Obstacle, *, now: float) -> Transaction[None]:
    """Note what keeps a full chip-in from beginning, for its card; does nothing to any other."""
    chip_in = yield from locked_chip_in(chip_in_id)
    if chip_in is not None and chip_in.state == "full":
        yield from store_full(chip_in, obstacle, now)


def _check_room(job: Job, rules: Rules, *, has_files: bool) -> Transaction[None]:
    """Check that the member and the server may have one more chip-in, and its files if it `has_files` of its own."""
    opened = yield from counts_of_open(job.guild_id, job.member_id)
    bounds = rules.bounds
    if opened["of_member"] >= bounds.of_member_max:
        raise Busy(
            f"You have {counted(opened['of_member'], 'video')} that others can chip in for, and "
            f"{bounds.of_member_max:,} at once is the most. Wait until one is paid for, or cancel one."
        )
    if opened["in_server"] >= bounds.in_server_max:
        raise Busy(
            f"This server has {counted(opened['in_server'], 'video')} to chip in for, and {bounds.in_server_max:,} "
            "at once is the most. You weren't charged; try again later."
        )
    if not has_files:
        return
    waiting = yield from waiting_files(job.guild_id, job.member_id)
    check_files(bytes_of(job.inputs), waiting, rules.places.files)


def _check_shares(chip_in: ChipIn, member_id: int, bounds: ChipInBounds) -> None:
    own = sum(one.member_id == member_id for one in chip_in.shares)
    if own >= bounds.shares_of_member_max:
        raise Busy(
            f"You've added to this {own} times, the most for one member. Take yours back to add another amount at once."
        )
    if len(chip_in.shares) >= bounds.shares_max:
        raise Busy(
            f"{len(chip_in.shares)} amounts were added to this, the most there can be. You weren't charged; its maker "
            "can cancel it and start anew."
        )


def _with_share(chip_in: ChipIn, share_id: str, who: Who, amount_microusd: int, rules: Rules) -> Transaction[Added]:
    """Reserve the share, and begin the job if it was the last one."""
    job = chip_in.job
    if job is None:
        raise OptionRefused(GONE)
    wish = Wish(
        job_id=share_id,
        group_id=chip_in.id,
        purpose="share",
        who=who,
        query=RuleQuery(mode=job.mode, is_share=True),
        amount_microusd=amount_microusd,
        reason=f"a share of {job.mode}: {job.formula}" if chip_in.film is None else "a share of a film",
        expires_at=chip_in.expires_at + _GRACE_S,
    )
    held = yield from reservations.reserve(wish, at=rules.now, shipped=rules.shipped)
    added = replace(chip_in, shares=(*chip_in.shares, Share(share_id, who.member_id, amount_microusd)))
    made = None
    if added.missing_microusd:
        yield from store_chip_in(added, rules.now)
    elif added.film is not None:  # its first shot's files are made ready first
        yield from store_full(added, "", rules.now)
    else:
        made = yield from _begun(added, rules)
    return Added(chip_in=added, share_microusd=amount_microusd, job=made, has_warnings=bool(held.warnings))


def _begun(chip_in: ChipIn, rules: Rules) -> Transaction[Job | None]:
    """Make the job of a full chip-in; None if it cannot begin yet, and stays full.

    What can keep it from that is checked before anything is changed.
    """
    job = chip_in.job
    if job is None:
        return None
    now = rules.now
    card = replace(job.address, posted_at=now)  # it is edited however old the message is
    job = replace(job, created_at=now, updated_at=now, address=card, shares=chip_in.shares)
    accepting = acceptance.accept_shared(job, rules.shipped, rules.places, now=now, running=rules.running)
    stored = yield from unless_kept(chip_in, accepting, rules, modes=(job.mode,))
    if stored is None:
        return None
    for one in chip_in.shares:
        yield from reservations.use(one.id)
    yield from forget_begun(chip_in.id)
    return stored


def unless_kept(
    chip_in: ChipIn, checking: Transaction[T], rules: Rules, *, modes: Iterable[str]
) -> Transaction[T | None]:
    """Return what the checks of a full chip-in come to; None if they, or a mode that is off, keep it from beginning.

    Which it is is noted, for its card.
    """
    try:
        for mode in modes:
            rules.check_open(mode)
        return (yield from checking)
    except Closed:
        obstacle: Obstacle = "off"
    except (Busy, AlreadyRunning):
        obstacle = "place"
    except NotAllowed:
        obstacle = "rule"
    yield from store_full(chip_in, obstacle, rules.now)
    return None


def store_full(chip_in: ChipIn, obstacle: Obstacle, now: float) -> Transaction[None]:
    """Note that nothing is missing, and what keeps the order from beginning; "" if nothing does."""
    if (chip_in.state, chip_in.obstacle) != ("full", obstacle):  # else the card says so already
        yield from store_chip_in(replace(chip_in, state="full", obstacle=obstacle), now)
